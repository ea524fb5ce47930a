//! Says in a PDF/A that it is a Factur-X: the typesetter writes the metadata, but has no words for others' kinds of documents.
//!
//! The metadata is a stream of plain text near the file's end; what grows moves the few objects behind it.

use std::ops::Range;

/// What the document is, in the words of Factur-X.
const KIND: &str = concat!(
    r#"<rdf:Description rdf:about="" xmlns:fx="urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#">"#,
    "<fx:DocumentType>INVOICE</fx:DocumentType><fx:DocumentFileName>factur-x.xml</fx:DocumentFileName>",
    "<fx:Version>1.0</fx:Version><fx:ConformanceLevel>EN 16931</fx:ConformanceLevel></rdf:Description></rdf:RDF>",
);
const SCHEMAS: &str = "<pdfaExtension:schemas><rdf:Bag>";
/// The properties of those words, as PDF/A wants them described.
const PROPERTIES: [(&str, &str); 4] = [
    ("DocumentFileName", "The name of the embedded XML document"),
    ("DocumentType", "The type of the hybrid document"),
    ("Version", "The version of the standard"),
    ("ConformanceLevel", "The conformance level of the document"),
];

/// The same PDF, declared; none if its metadata is not where it is expected.
pub fn declared(pdf: &[u8]) -> Option<Vec<u8>> {
    let end = last(pdf, b"<?xpacket end")?;
    let start = last(&pdf[..end], b"<?xpacket begin")?;
    let length = digits_after(&pdf[..start], b"/Length ")?;
    let table = digits_after(pdf, b"startxref\n")?;
    let metadata = std::str::from_utf8(&pdf[start..end]).ok()?;
    if !metadata.contains(SCHEMAS) || !metadata.ends_with("</rdf:RDF></x:xmpmeta>") {
        return None;
    }
    let described = metadata.replacen(SCHEMAS, &schema(), 1).replacen("</rdf:RDF>", KIND, 1);
    let grown = described.len() - metadata.len();
    let stream: usize = number(&pdf[length.clone()])?;
    let new_length = (stream + grown).to_string();
    let moved = grown + new_length.len() - length.len();
    let xref = number(&pdf[table.clone()])?;
    let mut new = Vec::with_capacity(pdf.len() + moved + 8);
    new.extend_from_slice(&pdf[..length.start]);
    new.extend_from_slice(new_length.as_bytes());
    new.extend_from_slice(&pdf[length.end..start]);
    new.extend_from_slice(described.as_bytes());
    new.extend_from_slice(pdf.get(end..xref)?);
    new.extend_from_slice(&moved_table(pdf.get(xref..table.start)?, start, moved)?);
    new.extend_from_slice((xref + moved).to_string().as_bytes());
    new.extend_from_slice(&pdf[table.end..]);
    Some(new)
}

/// The table of objects, those behind `start` as much further on as they moved.
fn moved_table(table: &[u8], start: usize, moved: usize) -> Option<Vec<u8>> {
    let mut new = table.to_vec();
    let head = table.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).nth(1)?;
    let trailer = head + table[head..].windows(7).position(|bytes| bytes == b"trailer")?;
    for entry in new[head..trailer].chunks_exact_mut(20) {
        let offset = number(&entry[..10])?;
        if entry[17] == b'n' && offset > start {
            entry[..10].copy_from_slice(format!("{:010}", offset + moved).as_bytes());
        }
    }
    Some(new)
}

fn schema() -> String {
    let mut text = format!(
        "{SCHEMAS}<rdf:li rdf:parseType=\"Resource\"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>\
         <pdfaSchema:namespaceURI>urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#</pdfaSchema:namespaceURI>\
         <pdfaSchema:prefix>fx</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq>"
    );
    for (name, description) in PROPERTIES {
        text.push_str(&format!(
            "<rdf:li rdf:parseType=\"Resource\"><pdfaProperty:name>{name}</pdfaProperty:name><pdfaProperty:valueType>Text\
             </pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category>\
             <pdfaProperty:description>{description}</pdfaProperty:description></rdf:li>"
        ));
    }
    text.push_str("</rdf:Seq></pdfaSchema:property></rdf:li>");
    text
}

fn last(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).rposition(|window| window == what)
}

/// Where the digits behind the last `what` are.
fn digits_after(bytes: &[u8], what: &[u8]) -> Option<Range<usize>> {
    let start = last(bytes, what)? + what.len();
    let digits = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    Some(start..start + digits)
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
