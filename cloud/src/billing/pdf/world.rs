//! What the typesetter may see: one template, four fonts, the data of one document. No files, no packages, no clock.

use std::sync::LazyLock;

use super::facturx;
use chrono::{Datelike, NaiveDate};
use serde_json::Value;
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Dict, Duration, IntoValue, Smart};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards, Timestamp};

macro_rules! fonts {
    ($($name:literal),*) => {
        [$(include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".ttf")).as_slice()),*]
    };
}

static FONTS: LazyLock<(LazyHash<FontBook>, Vec<Font>)> = LazyLock::new(|| {
    let files =
        fonts!["IBMPlexSans-Regular", "IBMPlexSans-Bold", "IBMPlexSansArabic-Regular", "IBMPlexSansArabic-Bold"];
    let fonts: Vec<Font> = files.into_iter().flat_map(|file| Font::iter(Bytes::new(file))).collect();
    (LazyHash::new(FontBook::from_fonts(&fonts)), fonts)
});

/// Templates, each with its words.
static TEMPLATES: LazyLock<[Source; 3]> = LazyLock::new(|| {
    let source = |name: &str, text: &str| {
        let path = VirtualPath::new(name).expect("a plain name is a path");
        Source::new(FileId::new(RootedPath::new(VirtualRoot::Project, path)), text.to_owned())
    };
    [
        source("invoice.typ", concat!(include_str!("words.typ"), include_str!("invoice.typ"))),
        source("receipt.typ", concat!(include_str!("receipt_words.typ"), include_str!("receipt.typ"))),
        source("statement.typ", concat!(include_str!("statement_words.typ"), include_str!("statement.typ"))),
    ]
});

/// Which document to draw.
#[derive(Clone, Copy, Debug)]
pub enum Template {
    /// An invoice, or a credit note.
    Invoice,
    /// A receipt for money received.
    Receipt,
    /// A statement of account.
    Statement,
}

impl Template {
    fn source(self) -> &'static Source {
        &TEMPLATES[self as usize]
    }
}

struct Desk {
    library: LazyHash<Library>,
    template: Template,
}

impl World for Desk {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &FONTS.0
    }

    fn main(&self) -> FileId {
        self.template.source().id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let template = self.template.source();
        if id == template.id() { Ok(template.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn file(&self, _: FileId) -> FileResult<Bytes> {
        Err(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.1.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

/// What makes a PDF a document for programs, too: the same as CII, and the day of issue.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// The CII.
    pub xml: String,
    /// The day of issue.
    pub issued_on: NaiveDate,
}

/// Typesets the data; `name` identifies the document. With an attachment it is a Factur-X, unless something on it, such as a
/// letter no font has, cannot be in PDF/A: then it is a plain PDF with the same attachment.
pub fn pdf(template: Template, data: &Value, name: &str, attachment: Option<&Attachment>) -> Result<Vec<u8>, String> {
    let mut inputs = Dict::new();
    inputs.insert("document".into(), data.to_string().into_value());
    if let Some(attachment) = attachment {
        inputs.insert("cii".into(), attachment.xml.as_str().into_value());
    }
    let desk = Desk { library: LazyHash::new(Library::builder().with_inputs(inputs).build()), template };
    let document: PagedDocument = typst::compile(&desk).output.map_err(|errors| told(&errors))?;
    let drawn = match attachment.and_then(|attachment| archived(&document, name, attachment)) {
        Some(archived) => Ok(archived),
        None => typst_pdf::pdf(&document, &options(name)).map_err(|errors| told(&errors)),
    };
    // The typesetter remembers layouts; data of an ISP is not to stay there long.
    typst::comemo::evict(3);
    drawn
}

/// The document as PDF/A-3 that says it is a Factur-X.
fn archived(document: &PagedDocument, name: &str, attachment: &Attachment) -> Option<Vec<u8>> {
    let day = attachment.issued_on;
    let (month, of_month) = (u8::try_from(day.month()).ok()?, u8::try_from(day.day()).ok()?);
    let options = PdfOptions {
        standards: PdfStandards::new(&[PdfStandard::A_3b]).ok()?,
        timestamp: Some(Timestamp::new_utc(Datetime::from_ymd(day.year(), month, of_month)?)),
        ..options(name)
    };
    let drawn = typst_pdf::pdf(document, &options);
    let drawn = drawn.inspect_err(|errors| tracing::warn!(error = told(errors), "a document cannot be in PDF/A"));
    facturx::declared(&drawn.ok()?)
}

fn options(name: &str) -> PdfOptions {
    PdfOptions {
        ident: Smart::Custom(name.to_owned()),
        creator: Smart::Custom(Some("Weir".to_owned())),
        ..PdfOptions::default()
    }
}

fn told(errors: &[SourceDiagnostic]) -> String {
    errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; ")
}
