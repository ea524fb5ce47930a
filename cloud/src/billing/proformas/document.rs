//! A proforma as a PDF.

use super::Proforma;
use crate::billing::Error;
use crate::billing::pdf::{self, Asking, Template};

/// Draws a proforma, away from the threads that answer requests.
pub async fn draw(proforma: Proforma) -> Result<Vec<u8>, Error> {
    let summary = &proforma.summary;
    let mut data = pdf::data(&Asking {
        number: &summary.number,
        issued_on: summary.issued_on,
        due_on: summary.as_of,
        totals: [summary.net, summary.tax, summary.gross],
        parties: &proforma.parties,
        lines: &proforma.lines,
        taxes: &proforma.taxes,
    });
    data["proforma"] = true.into();
    pdf::typeset(Template::Invoice, data, proforma.summary.number, None).await
}
