//! Draws documents as PDF. A template only ever sees data: nothing of a document is read as markup.
//!
//! Start with [`draw`]; the templates are `invoice.typ`, `receipt.typ` and `statement.typ`, their words beside them, figures and dates
//! come from `text`.

mod facturx;
pub mod text;
mod world;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use weir_rules::money::{Currency, Money};
use weir_rules::reference::grouped;

use super::{Error, Invoice, InvoiceLine, InvoiceTax, InvoiceTaxPart, LineTier, PaidFor, Parties, einvoice};

pub use world::{Attachment, Template};

/// Typesets any document's data, away from the threads that answer requests.
pub async fn typeset(
    template: Template,
    data: Value,
    name: String,
    attachment: Option<Attachment>,
) -> Result<Vec<u8>, Error> {
    let draw = move || world::pdf(template, &data, &name, attachment.as_ref());
    let drawn = tokio::task::spawn_blocking(draw).await;
    drawn.map_err(|error| Error::Document(error.to_string()))?.map_err(Error::Document)
}

/// Draws an invoice, away from the threads that answer requests: a Factur-X, if it has all that one must have.
pub async fn draw(invoice: Invoice) -> Result<Vec<u8>, Error> {
    let attachment = einvoice::attachment(einvoice::Document::of_invoice(&invoice));
    let summary = &invoice.summary;
    let data = data(&Asking {
        number: &summary.number,
        issued_on: summary.issued_on,
        due_on: summary.due_on,
        totals: [summary.net, summary.tax, summary.gross],
        parties: &invoice.parties,
        lines: &invoice.lines,
        taxes: &invoice.taxes,
    });
    typeset(Template::Invoice, data, invoice.summary.number, attachment).await
}

/// A document that asks for money.
pub(super) struct Asking<'a> {
    pub number: &'a str,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    /// Net, tax, gross.
    pub totals: [Money; 3],
    pub parties: &'a Parties,
    pub lines: &'a [InvoiceLine],
    pub taxes: &'a [InvoiceTax],
}

/// What the template shows, every figure and date already written for the reader.
pub(super) fn data(asking: &Asking<'_>) -> Value {
    let language = asking.parties.language.as_str();
    let [net, tax, gross] = asking.totals.map(|money| text::money(money, language));
    json!({
        "language": language,
        "hue": asking.parties.seller.hue,
        "credit": asking.totals[2].is_negative(),
        "number": asking.number,
        "issued_on": text::date(asking.issued_on, language),
        "due_on": text::date(asking.due_on, language),
        "corrects": null,
        "reason": null,
        "seller": asking.parties.seller,
        "buyer": asking.parties.buyer,
        "lines": lines(asking),
        "taxes": asking.taxes.iter().map(|tax| tax_data(tax, language)).collect::<Vec<_>>(),
        "net": net,
        "tax": tax,
        "gross": gross,
        "iban": grouped(&asking.parties.seller.bank_iban),
        "reference": grouped(&asking.parties.buyer.reference),
    })
}

/// The lines; where some are for other accounts, the first of each account with its name and what its lines come to.
fn lines(asking: &Asking<'_>) -> Vec<Value> {
    let language = asking.parties.language.as_str();
    let (accounts, buyer) = (&asking.parties.accounts, &asking.parties.buyer);
    let mut shown = Vec::with_capacity(asking.lines.len());
    for part in asking.lines.chunk_by(|a, b| a.account_id == b.account_id) {
        let mut lines: Vec<_> = part.iter().map(|line| line_data(line, language)).collect();
        let sum = Money::sum(asking.totals[0].currency(), part.iter().map(|line| line.net)).ok();
        if let Some(sum) = sum.filter(|_| !accounts.is_empty()) {
            let paid = accounts.iter().find(|paid| Some(paid.account_id) == part[0].account_id);
            let own = || format!("{} · {}", buyer.name, buyer.account_number);
            lines[0]["heading"] = json!(paid.map_or_else(own, PaidFor::title));
            lines[0]["subtotal"] = json!(text::money(sum, language));
        }
        shown.extend(lines);
    }
    shown
}

pub(super) fn tax_data(tax: &InvoiceTax, language: &str) -> Value {
    let part = |part: &InvoiceTaxPart| {
        let (rate, amount) = (text::decimal(part.rate, language), text::money(part.amount, language));
        json!({ "name": part.tax, "rate": rate, "amount": amount })
    };
    json!({
        "name": tax.name,
        "rate": text::decimal(tax.rate, language),
        "base": text::money(tax.base, language),
        "tax": text::money(tax.tax, language),
        "reason": tax.reason,
        "parts": if tax.parts.len() > 1 { tax.parts.iter().map(part).collect() } else { Vec::new() },
    })
}

fn line_data(line: &InvoiceLine, language: &str) -> Value {
    let last = line.to.pred_opt().unwrap_or(line.to);
    let partial = (line.from, line.to) != (line.full_from, line.full_to);
    let used = line.down_bytes.unwrap_or(0).saturating_add(line.up_bytes.unwrap_or(0));
    json!({
        "kind": line.kind,
        "late": line.late,
        "description": line.description,
        "from": text::date(line.from, language),
        "to": text::date(last, language),
        "days": partial.then(|| format!("{}/{}", (line.to - line.from).num_days(), (line.full_to - line.full_from).num_days())),
        "quantity": text::decimal(line.quantity, language),
        "unit_price": text::money(line.unit_price, language),
        "tax_included": line.gross.is_some(),
        "used": line.down_bytes.map(|_| text::bytes(used, language)),
        "down": line.down_bytes.map(|bytes| text::bytes(bytes, language)),
        "up": line.up_bytes.map(|bytes| text::bytes(bytes, language)),
        "free": line.free_bytes.filter(|bytes| *bytes > 0).map(|bytes| text::bytes(bytes, language)),
        "included": line.included_bytes.map(|bytes| text::bytes(bytes, language)),
        "discounts": line.discounts.iter().map(|part| json!({ "name": part.name, "amount": text::money(part.amount, language) })).collect::<Vec<_>>(),
        "tiers": line.tiers.iter().flat_map(|tiers| &tiers.parts).map(|part| tier(part, line.net.currency(), language)).collect::<Vec<_>>(),
        "net": text::money(line.net, language),
    })
}

/// What one tier prices: `150 GB × 0.02 EUR + 1.00 EUR`.
fn tier(part: &LineTier, currency: Currency, language: &str) -> String {
    let figure = |amount: Decimal| format!("{} {}", text::decimal(amount, language), currency.code());
    let fee = if part.fee.is_zero() { String::new() } else { format!(" + {}", figure(part.fee)) };
    format!("{} GB × {}{fee}", text::decimal(part.gigabytes, language), figure(part.per_gigabyte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_is_drawn() {
        for (index, language) in crate::tenants::LANGUAGES.into_iter().enumerate() {
            let line = json!({
                "kind": (["recurring", "credit", "usage", "correction", "late_fee", "top_up", "early_termination"][index % 7]), "late": true, "description": "Fibre 100", "from": "1", "to": "2",
                "days": "14/31", "quantity": "1", "unit_price": "30.00 EUR", "tax_included": index % 2 == 0, "used": "1 GB", "down": "0.9 GB", "up": "0.1 GB",
                "free": "0.2 GB", "included": "2 GB", "tiers": ["100 GB × 0.05 EUR"], "discounts": [{ "name": "Welcome", "amount": "3.00 EUR" }], "net": "30.00 EUR",
            });
            let mut of_another = line.clone();
            of_another["heading"] = json!("Ana · ACC-000002 · Calle Mayor 1");
            of_another["subtotal"] = json!("30.00 EUR");
            let data = json!({
                "language": language, "hue": 200, "credit": false, "number": "INV-2026-000001", "issued_on": "1 Dec 2026", "due_on": "15 Dec 2026", "corrects": null, "reason": null,
                "seller": { "name": "Río Net", "legal_name": "Río Net S.L.", "address": "Calle Mayor 1\n16001 Cuenca", "country": "ES",
                            "tax_id": "B1234", "contact": "+34 600 000 000", "pay_url": "https://pay.example", "hue": 200,
                            "bank_holder": "Río Net S.L.", "bank_iban": "ES9121000418450200051332", "bank_bic": "CAIXESBB" },
                "buyer": { "name": "محمد علي", "address": "Calle Menor 2\nCuenca", "account_number": "A-1", "tax_id": "PT501964843" },
                "lines": [line, line, of_another], "taxes": [{ "name": "IVA", "rate": "21", "base": "90.00 EUR", "tax": "18.90 EUR", "reason": "Ley 37/1992",
                    "parts": [{ "name": "CGST", "rate": "9", "amount": "9.45 EUR" }, { "name": "SGST", "rate": "9", "amount": "9.45 EUR" }] }],
                "net": "90.00 EUR", "tax": "18.90 EUR", "gross": "108.90 EUR",
                "iban": "ES91 2100 0418 4502 0005 1332", "reference": "RF18 5390 0754 7034",
            });
            let pdf = world::pdf(Template::Invoice, &data, "INV-2026-000001", None)
                .unwrap_or_else(|error| panic!("{language}: {error}"));
            assert!(pdf.starts_with(b"%PDF-"), "{language}");
        }
    }
}
