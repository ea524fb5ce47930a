//! Reading credit notes.

use weir_rules::money::{Currency, Money};

use super::store::{self, NoteRow};
use super::{CreditNote, CreditNoteFilter, CreditNoteLine, CreditNoteSummary};
use crate::billing::store::invoices;
use crate::billing::{Error, InvoiceTax, Parties};
use crate::db::{self, TenantTx};
use crate::http::paging::Page;
use crate::ids::CreditNoteId;

/// A page of credit notes, newest first.
pub async fn credit_notes(
    tx: &mut TenantTx,
    page: Page,
    filter: &CreditNoteFilter,
) -> Result<Vec<CreditNoteSummary>, Error> {
    store::page(tx, page, filter).await?.into_iter().map(|row| Ok(summary(row)?.0)).collect()
}

/// Credit notes by id or number, newest first.
pub async fn find_credit_notes(tx: &mut TenantTx, text: &str, limit: i64) -> Result<Vec<CreditNoteSummary>, Error> {
    let rows = store::numbered(tx, text.parse().ok(), Some(&text.to_lowercase()), limit).await?;
    rows.into_iter().map(|row| Ok(summary(row)?.0)).collect()
}

/// One credit note with everything on it.
pub async fn credit_note(tx: &mut TenantTx, id: CreditNoteId) -> Result<CreditNote, Error> {
    let row = store::find(tx, id).await?.ok_or(Error::CreditNoteNotFound(id))?;
    let (currency, invoice_issued_on) = (Currency::from_code(&row.currency)?, row.invoice_issued_on);
    let (summary, parties) = summary(row)?;
    let mut lines = Vec::new();
    for row in store::lines(tx, id).await? {
        lines.push(CreditNoteLine {
            id: row.id,
            position: row.position,
            invoice_line_id: row.credits,
            description: row.description,
            from: row.from,
            to: row.to,
            net: -Money::new(row.net, currency)?,
            gross: row.gross.map(|gross| Ok::<_, Error>(-Money::new(gross, currency)?)).transpose()?,
            tax_category: row.tax_category,
            tax_rate: row.tax_rate.normalize(),
        });
    }
    let mut taxes = Vec::new();
    for row in invoices::taxes(tx, id.into()).await? {
        taxes.push(InvoiceTax {
            category: row.category,
            name: row.name,
            rate: row.rate.normalize(),
            base: -Money::new(row.base, currency)?,
            tax: -Money::new(row.tax, currency)?,
            reason: row.reason,
            parts: row.parts.0,
        });
    }
    Ok(CreditNote { summary, invoice_issued_on, parties, lines, taxes })
}

fn summary(row: NoteRow) -> Result<(CreditNoteSummary, Parties), Error> {
    let currency = Currency::from_code(&row.currency)?;
    let parties: Parties =
        serde_json::from_value(row.parties).map_err(|error| db::Error::from(sqlx::Error::Decode(error.into())))?;
    let gross = -Money::new(row.gross, currency)?;
    let summary = CreditNoteSummary {
        id: row.id,
        number: row.number,
        invoice_id: row.invoice_id,
        invoice_number: row.invoice_number,
        account_id: row.account_id,
        subscriber: parties.buyer.name.clone(),
        issued_on: row.issued_on,
        reason: row.reason,
        net: -Money::new(row.net, currency)?,
        tax: -Money::new(row.tax, currency)?,
        gross,
        unused: gross.checked_sub(Money::new(row.used, currency)?)?,
    };
    Ok((summary, parties))
}
