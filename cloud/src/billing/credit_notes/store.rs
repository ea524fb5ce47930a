//! SQL of credit notes: rows of `invoices` that correct another, their amounts below zero.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;
use weir_rules::credit_note::Note;
use weir_rules::tax::TaxGroup;

use super::CreditNoteFilter;
use crate::billing::taxing::Group;
use crate::billing::{Invoice, LineKind};
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccountId, CreditNoteId, InvoiceId, InvoiceLineId};

/// A credit note about to be written.
pub struct NewNote<'a> {
    pub id: CreditNoteId,
    pub invoice: &'a Invoice,
    pub number: String,
    pub issued_on: NaiveDate,
    pub reason: &'a str,
    pub note: &'a Note<InvoiceLineId>,
}

pub async fn insert(tx: &mut TenantTx, new: &NewNote<'_>) -> Result<(), sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    let parties = serde_json::to_value(&new.invoice.parties).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        "INSERT INTO invoices (tenant_id, id, account_id, status, number, issued_on, issued_at, due_on, currency, net, tax, gross, parties,
                               corrects_id, reason)
         VALUES ($1, $2, $3, 'issued', $4, $5, $6, $5, $7, -$8::numeric, -$9::numeric, -$10::numeric, $11, $12, $13)",
        tenant.uuid(),
        new.id.uuid(),
        new.invoice.summary.account_id.uuid(),
        new.number,
        new.issued_on,
        at,
        new.note.gross.currency().code(),
        new.note.net.amount(),
        new.note.tax.amount(),
        new.note.gross.amount(),
        parties,
        new.invoice.summary.id.uuid(),
        new.reason
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes the lines: each as its line of the invoice, with what is given back of it.
pub async fn insert_lines(tx: &mut TenantTx, new: &NewNote<'_>) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    let ids: Vec<Uuid> = new.note.lines.iter().map(|_| tx.new_id::<InvoiceLineId>().uuid()).collect();
    let credited: Vec<Uuid> = new.note.lines.iter().map(|given| given.id.uuid()).collect();
    let nets: Vec<Decimal> = new.note.lines.iter().map(|given| -given.net.amount()).collect();
    let grosses: Vec<_> = new.note.lines.iter().map(|given| given.gross.map(|gross| -gross.amount())).collect();
    sqlx::query!(
        "INSERT INTO invoice_lines (tenant_id, id, invoice_id, position, kind, subscription_id, plan_version_id, description, period,
                full_period, quantity, unit_price, net, tax_category, tax_rate, credits_line_id, taxed_by, gross, account_id)
         SELECT $1, given.id, $2, given.position, $3, l.subscription_id, l.plan_version_id, l.description, l.period, l.full_period,
                1, coalesce(given.gross, given.net), given.net, l.tax_category, l.tax_rate, l.id, l.taxed_by, given.gross, l.account_id
         FROM unnest($4::uuid[], $5::uuid[], $6::numeric[], $7::numeric[]) WITH ORDINALITY AS given (id, credited, net, gross, position)
         JOIN invoice_lines l ON l.tenant_id = $1 AND l.id = given.credited",
        tenant,
        new.id.uuid(),
        LineKind::Correction.name(),
        &ids,
        &credited,
        &nets,
        &grosses as &[Option<Decimal>]
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn insert_tax(
    tx: &mut TenantTx,
    id: CreditNoteId,
    words: &Group,
    group: &TaxGroup,
) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    let parts = serde_json::to_value(&words.parts).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        "INSERT INTO invoice_taxes (tenant_id, invoice_id, category, name, rate, base, tax, reason, parts)
         VALUES ($1, $2, $3, $4, $5, -$6::numeric, -$7::numeric, $8, $9)",
        tenant,
        id.uuid(),
        group.rate.category().code(),
        words.name,
        group.rate.percent(),
        group.base.amount(),
        group.tax.amount(),
        words.reason,
        parts
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub struct GivenRow {
    pub id: InvoiceLineId,
    pub tax_category: String,
    pub tax_rate: Decimal,
    pub net: Decimal,
    /// With tax, where its price includes it.
    pub gross: Option<Decimal>,
    /// What other lines gave back of it without tax: below zero for a charge.
    pub given: Decimal,
    /// Of that, what is not on credit notes of the same invoice.
    pub given_elsewhere: Decimal,
    /// What other lines gave back of it with tax, where its price includes it.
    pub gross_given: Decimal,
    /// Of that, what is on credit notes of the same invoice.
    pub gross_given_here: Decimal,
}

/// Lines of an invoice with what was given back of each.
pub async fn given(tx: &mut TenantTx, invoice: InvoiceId) -> Result<Vec<GivenRow>, sqlx::Error> {
    sqlx::query_as!(
        GivenRow,
        r#"SELECT l.id AS "id: _", l.tax_category, l.tax_rate, l.net, l.gross, coalesce(sum(c.net), 0) AS "given!",
                  coalesce(sum(c.net) FILTER (WHERE n.corrects_id IS DISTINCT FROM l.invoice_id), 0) AS "given_elsewhere!",
                  coalesce(sum(c.gross), 0) AS "gross_given!",
                  coalesce(sum(c.gross) FILTER (WHERE n.corrects_id = l.invoice_id), 0) AS "gross_given_here!"
           FROM invoice_lines l
           LEFT JOIN invoice_lines c ON c.tenant_id = l.tenant_id AND c.credits_line_id = l.id
           LEFT JOIN invoices n ON n.tenant_id = c.tenant_id AND n.id = c.invoice_id
           WHERE l.invoice_id = $1 GROUP BY l.tenant_id, l.id ORDER BY l.position"#,
        invoice.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

pub struct TaxLeftRow {
    pub category: String,
    pub rate: Decimal,
    pub left: Decimal,
}

/// Tax of an invoice less that of its credit notes.
pub async fn taxes_left(tx: &mut TenantTx, invoice: InvoiceId) -> Result<Vec<TaxLeftRow>, sqlx::Error> {
    sqlx::query_as!(
        TaxLeftRow,
        r#"SELECT t.category, t.rate, t.tax + coalesce((
                      SELECT sum(g.tax) FROM invoices n JOIN invoice_taxes g ON g.tenant_id = n.tenant_id AND g.invoice_id = n.id
                      WHERE n.tenant_id = t.tenant_id AND n.corrects_id = t.invoice_id AND g.category = t.category AND g.rate = t.rate), 0) AS "left!"
           FROM invoice_taxes t WHERE t.invoice_id = $1 ORDER BY t.category, t.rate"#,
        invoice.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

pub struct NoteRow {
    pub id: CreditNoteId,
    pub number: String,
    pub invoice_id: InvoiceId,
    pub invoice_number: String,
    pub invoice_issued_on: NaiveDate,
    pub account_id: AccountId,
    pub issued_on: NaiveDate,
    pub reason: String,
    pub currency: String,
    pub net: Decimal,
    pub tax: Decimal,
    pub gross: Decimal,
    pub used: Decimal,
    pub parties: serde_json::Value,
}

pub async fn page(tx: &mut TenantTx, page: Page, filter: &CreditNoteFilter) -> Result<Vec<NoteRow>, sqlx::Error> {
    sqlx::query_as!(
        NoteRow,
        r#"SELECT n.id AS "id: _", n.number AS "number!", i.id AS "invoice_id: _", i.number AS "invoice_number!", i.issued_on AS "invoice_issued_on!",
                  n.account_id AS "account_id: _", n.issued_on AS "issued_on!", n.reason AS "reason!", n.currency, n.net, n.tax, n.gross,
                  coalesce((SELECT sum(a.amount) FROM allocations a WHERE a.credit_id = n.id), 0) AS "used!", n.parties
           FROM invoices n JOIN invoices i ON i.tenant_id = n.tenant_id AND i.id = n.corrects_id
           WHERE ($1::uuid IS NULL OR n.id < $1) AND ($2::uuid IS NULL OR n.account_id = $2) AND ($3::uuid IS NULL OR n.corrects_id = $3)
           ORDER BY n.id DESC LIMIT $4"#,
        page.after,
        filter.account.map(AccountId::uuid),
        filter.invoice.map(InvoiceId::uuid),
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

/// Credit notes of this id, or whose number contains `number`.
pub async fn numbered(
    tx: &mut TenantTx,
    id: Option<CreditNoteId>,
    number: Option<&str>,
    limit: i64,
) -> Result<Vec<NoteRow>, sqlx::Error> {
    sqlx::query_as!(
        NoteRow,
        r#"SELECT n.id AS "id: _", n.number AS "number!", i.id AS "invoice_id: _", i.number AS "invoice_number!", i.issued_on AS "invoice_issued_on!",
                  n.account_id AS "account_id: _", n.issued_on AS "issued_on!", n.reason AS "reason!", n.currency, n.net, n.tax, n.gross,
                  coalesce((SELECT sum(a.amount) FROM allocations a WHERE a.credit_id = n.id), 0) AS "used!", n.parties
           FROM invoices n JOIN invoices i ON i.tenant_id = n.tenant_id AND i.id = n.corrects_id
           WHERE n.id = $1 OR position($2 IN lower(n.number)) > 0 ORDER BY n.id DESC LIMIT $3"#,
        id.map(CreditNoteId::uuid),
        number,
        limit
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn find(tx: &mut TenantTx, id: CreditNoteId) -> Result<Option<NoteRow>, sqlx::Error> {
    Ok(numbered(tx, Some(id), None, 1).await?.pop())
}

pub struct LineRow {
    pub id: InvoiceLineId,
    pub position: i32,
    pub credits: InvoiceLineId,
    pub description: String,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub net: Decimal,
    pub gross: Option<Decimal>,
    pub tax_category: String,
    pub tax_rate: Decimal,
}

pub async fn lines(tx: &mut TenantTx, id: CreditNoteId) -> Result<Vec<LineRow>, sqlx::Error> {
    sqlx::query_as!(
        LineRow,
        r#"SELECT id AS "id: _", position, credits_line_id AS "credits!: _", description, lower(period) AS "from!", upper(period) AS "to!",
                  net, gross, tax_category, tax_rate
           FROM invoice_lines WHERE invoice_id = $1 AND credits_line_id IS NOT NULL ORDER BY position"#,
        id.uuid()
    )
    .fetch_all(tx.conn())
    .await
}
