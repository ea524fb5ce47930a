//! Invoices and credit notes for programs: EN 16931 as UBL 2.1 and as CII, the latter also inside the PDF (Factur-X).
//!
//! [`model`] says what stands on a document, [`ubl`] and [`cii`] write it. Whether a document has all it must have is decided
//! once, by [`Document::of_invoice`] and [`Document::of_credit_note`].

pub mod api;
mod cii;
mod model;
mod party;
mod ubl;
mod xml;

use super::Error;
use super::pdf::Attachment;

pub use cii::cii;
pub use model::Document;
pub use ubl::ubl;

/// What goes along in the PDF of a document that has all it must have.
pub(super) fn attachment(document: Result<Document, Error>) -> Option<Attachment> {
    let document = document.ok()?;
    Some(Attachment { xml: cii(&document), issued_on: document.issued_on })
}
