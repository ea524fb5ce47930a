//! Lists as CSV files: sent as they are read, with cells no spreadsheet takes for a formula.

use std::borrow::Cow;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt};
use rust_decimal::Decimal;

use crate::error::Problem;

/// A line of a file.
pub fn line<I: IntoIterator<Item: AsRef<str>>>(cells: I) -> Bytes {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let cells: Vec<_> = cells.into_iter().map(|cell| harmless(cell.as_ref()).into_owned()).collect();
    // Writing to memory does not fail.
    let _written = writer.write_record(cells);
    writer.into_inner().unwrap_or_default().into()
}

/// A cell that is shown as it is, not worked out: spreadsheets take what begins with these signs for a formula.
fn harmless(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<Decimal>().is_err() {
        return format!("'{cell}").into();
    }
    cell.into()
}

/// A file of lines, to be saved under `name`.
pub fn file(name: &str, lines: impl Stream<Item = Result<Bytes, Problem>> + Send + 'static) -> Response {
    let lines = lines.map(|line| line.map_err(|problem| std::io::Error::other(problem.detail)));
    let mut response = Body::from_stream(lines).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    if let Ok(named) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, named);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_works_nothing_out() {
        let cells = ["=1+1", "+49 30 1", "-4.90", "@x", "-4-1", "a,b", "Amara"];
        assert_eq!(line(cells), "'=1+1,'+49 30 1,-4.90,'@x,'-4-1,\"a,b\",Amara\r\n");
    }
}
