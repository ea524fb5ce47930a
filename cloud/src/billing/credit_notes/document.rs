//! A credit note as a PDF, and the document a message takes along.

use serde_json::{Value, json};
use weir_rules::money::Money;

use super::{CreditNote, credit_note};
use crate::billing::pdf::{self, Template, tax_data, text, typeset};
use crate::billing::{Error, einvoice, store};
use crate::db::TenantTx;
use crate::ids::{CreditNoteId, InvoiceId};

/// Draws a credit note, away from the threads that answer requests.
pub async fn draw(note: CreditNote) -> Result<Vec<u8>, Error> {
    let attachment = einvoice::attachment(einvoice::Document::of_credit_note(&note));
    typeset(Template::Invoice, data(&note), note.summary.number, attachment).await
}

/// An invoice or a credit note, to be attached to a message.
pub enum Attached {
    /// An invoice.
    Invoice(Box<crate::billing::Invoice>),
    /// A credit note.
    CreditNote(Box<CreditNote>),
}

impl Attached {
    /// The document of this id.
    pub async fn find(tx: &mut TenantTx, id: InvoiceId) -> Result<Self, Error> {
        if store::invoices::find(tx, id).await?.is_some() {
            return Ok(Self::Invoice(Box::new(crate::billing::invoice(tx, id).await?)));
        }
        Ok(Self::CreditNote(Box::new(credit_note(tx, CreditNoteId::from(id.uuid())).await?)))
    }

    /// Its file's name and its bytes.
    pub async fn draw(self) -> Result<(String, Vec<u8>), Error> {
        Ok(match self {
            Self::Invoice(invoice) => (format!("{}.pdf", invoice.summary.number), pdf::draw(*invoice).await?),
            Self::CreditNote(note) => (format!("{}.pdf", note.summary.number), draw(*note).await?),
        })
    }
}

/// What the template shows, every figure and date already written for the reader.
fn data(note: &CreditNote) -> Value {
    let language = note.parties.language.as_str();
    let money = |money: Money| text::money(money, language);
    let summary = &note.summary;
    let line = |line: &super::CreditNoteLine| {
        let last = line.to.pred_opt().unwrap_or(line.to);
        json!({
            "kind": "correction",
            "description": line.description,
            "from": text::date(line.from, language),
            "to": text::date(last, language),
            "days": null,
            "quantity": "1",
            "unit_price": money(line.gross.unwrap_or(line.net)),
            "tax_included": line.gross.is_some(),
            "net": money(line.net),
        })
    };
    json!({
        "language": language,
        "hue": note.parties.seller.hue,
        "credit": true,
        "number": summary.number,
        "issued_on": text::date(summary.issued_on, language),
        "corrects": summary.invoice_number,
        "corrects_issued_on": text::date(note.invoice_issued_on, language),
        "reason": summary.reason,
        "seller": note.parties.seller,
        "buyer": note.parties.buyer,
        "lines": note.lines.iter().map(line).collect::<Vec<_>>(),
        "taxes": note.taxes.iter().map(|tax| tax_data(tax, language)).collect::<Vec<_>>(),
        "net": money(summary.net),
        "tax": money(summary.tax),
        "gross": money(summary.gross),
        "iban": "",
        "reference": "",
    })
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::billing::{Buyer, CreditNoteLine, CreditNoteSummary, InvoiceTax, Parties, Seller};
    use crate::ids::{AccountId, InvoiceLineId};

    #[tokio::test]
    async fn every_language_is_drawn() {
        let eur = |units| Money::from_minor_units(units, weir_rules::money::Currency::EUR).unwrap();
        let day = NaiveDate::from_ymd_opt(2026, 12, 1).unwrap();
        let id = uuid::Uuid::nil();
        for language in crate::tenants::LANGUAGES {
            let seller: Seller = serde_json::from_value(json!({
                "name": "Río Net", "legal_name": "Río Net S.L.", "address": "Calle Mayor 1\n16001 Cuenca", "country": "ES", "tax_id": "B1234",
                "contact": "+34 600 000 000", "pay_url": "", "hue": 200,
            }))
            .unwrap();
            let buyer: Buyer = serde_json::from_value(
                json!({ "name": "محمد علي", "address": "Calle Menor 2", "account_number": "A-1" }),
            )
            .unwrap();
            let summary = CreditNoteSummary {
                id: CreditNoteId::from(id),
                number: "CN-2026-000001".into(),
                invoice_id: InvoiceId::from(id),
                invoice_number: "INV-2026-000001".into(),
                account_id: AccountId::from(id),
                subscriber: buyer.name.clone(),
                issued_on: day,
                reason: "The line did not work".into(),
                net: eur(1000),
                tax: eur(210),
                gross: eur(1210),
                unused: eur(0),
            };
            let line = CreditNoteLine {
                id: InvoiceLineId::from(id),
                position: 1,
                invoice_line_id: InvoiceLineId::from(id),
                description: "Fibre 100".into(),
                from: day,
                to: day.succ_opt().unwrap(),
                net: eur(1000),
                gross: Some(eur(1210)),
                tax_category: "S".into(),
                tax_rate: 21.into(),
            };
            let tax = InvoiceTax {
                category: "S".into(),
                name: "IVA".into(),
                rate: 21.into(),
                base: eur(1000),
                tax: eur(210),
                reason: String::new(),
                parts: Vec::new(),
            };
            let parties = Parties { seller, buyer, language: language.to_owned(), accounts: Vec::new() };
            let note = CreditNote { summary, invoice_issued_on: day, parties, lines: vec![line], taxes: vec![tax] };
            let pdf = draw(note).await.unwrap_or_else(|error| panic!("{language}: {error}"));
            assert!(pdf.starts_with(b"%PDF-"), "{language}");
        }
    }
}
