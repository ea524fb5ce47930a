//! SQL of invoices and what settles them.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::types::Json;
use uuid::Uuid;

use crate::billing::InvoiceFilter;
use crate::billing::account::Draft;
use crate::billing::issue::NewInvoice;
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{
    AccountId, BillingRunId, InvoiceId, InvoiceLineId, PaymentId, PlanVersionId, RefundId, SubscriptionId,
};
use crate::plugins::PricedBy;

pub async fn insert(tx: &mut TenantTx, invoice: &NewInvoice<'_>) -> Result<(), sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    let totals = &invoice.totals;
    let parties = serde_json::to_value(&invoice.parties).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        "INSERT INTO invoices (tenant_id, id, account_id, run_id, status, number, issued_on, issued_at, due_on, currency, net, tax, gross, parties)
         VALUES ($1, $2, $3, $4, 'issued', $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        tenant.uuid(),
        invoice.id.uuid(),
        invoice.account.id.uuid(),
        invoice.run.map(BillingRunId::uuid),
        invoice.number,
        invoice.issued_on,
        at,
        invoice.due_on,
        totals.gross.currency().code(),
        totals.net.amount(),
        totals.tax.amount(),
        totals.gross.amount(),
        parties
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn insert_lines(tx: &mut TenantTx, invoice: &NewInvoice<'_>, lines: &[Draft]) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    for (index, line) in lines.iter().enumerate() {
        let (traffic, rate) = (line.traffic.as_ref(), line.rate.unwrap_or(invoice.rate));
        sqlx::query!(
            "INSERT INTO invoice_lines (tenant_id, id, invoice_id, position, kind, subscription_id, plan_version_id, description, period,
                    full_period, quantity, unit_price, net, tax_category, tax_rate, down_bytes, up_bytes, included_bytes, late, credits_line_id, free_bytes,
                    priced_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, daterange($9, $10), daterange($11, $12), $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)",
            tenant,
            line.id.uuid(),
            invoice.id.uuid(),
            i32::try_from(index + 1).unwrap_or(i32::MAX),
            line.kind.name(),
            line.subscription.map(SubscriptionId::uuid),
            line.version.map(PlanVersionId::uuid),
            line.description,
            line.period.start(),
            line.period.end(),
            line.full.start(),
            line.full.end(),
            line.quantity,
            line.unit_price.amount(),
            line.net.amount(),
            rate.category().code(),
            rate.percent(),
            traffic.map(|traffic| traffic.down_bytes),
            traffic.map(|traffic| traffic.up_bytes),
            traffic.and_then(|traffic| traffic.included_bytes),
            traffic.is_some_and(|traffic| traffic.late),
            line.credits.map(InvoiceLineId::uuid),
            traffic.map(|traffic| traffic.free_bytes),
            line.priced_by.as_ref().map(Json) as _
        )
        .execute(tx.conn())
        .await?;
    }
    Ok(())
}

pub async fn insert_taxes(tx: &mut TenantTx, invoice: &NewInvoice<'_>) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    for group in &invoice.totals.taxes {
        sqlx::query!(
            "INSERT INTO invoice_taxes (tenant_id, invoice_id, category, name, rate, base, tax) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            tenant,
            invoice.id.uuid(),
            group.rate.category().code(),
            invoice.tax_name,
            group.rate.percent(),
            group.base.amount(),
            group.tax.amount()
        )
        .execute(tx.conn())
        .await?;
    }
    Ok(())
}

pub struct OpenRow {
    pub id: InvoiceId,
    pub number: String,
    pub due_on: NaiveDate,
    pub open: Decimal,
}

pub async fn open(tx: &mut TenantTx, account: AccountId, currency: &str) -> Result<Vec<OpenRow>, sqlx::Error> {
    sqlx::query_as!(
        OpenRow,
        r#"SELECT i.id AS "id: _", i.number AS "number!", i.due_on AS "due_on!", i.gross - s.settled AS "open!"
           FROM invoices i
           CROSS JOIN LATERAL (SELECT coalesce(sum(a.amount), 0) AS settled FROM allocations a WHERE a.invoice_id = i.id) s
           WHERE i.account_id = $1 AND i.currency = $2 AND i.status = 'issued' AND i.gross > s.settled
           ORDER BY i.due_on, i.id"#,
        account.uuid(),
        currency
    )
    .fetch_all(tx.conn())
    .await
}

pub struct CreditRow {
    pub payment: Option<PaymentId>,
    pub credit: Option<InvoiceId>,
    pub left: Decimal,
}

/// Payments and credit documents with something left over, oldest first.
pub async fn credit(tx: &mut TenantTx, account: AccountId, currency: &str) -> Result<Vec<CreditRow>, sqlx::Error> {
    sqlx::query_as!(
        CreditRow,
        r#"SELECT payment AS "payment: _", credit AS "credit: _", "left" AS "left!" FROM (
               SELECT i.id AS at, NULL::uuid AS payment, i.id AS credit,
                      -i.gross - coalesce((SELECT sum(a.amount) FROM allocations a WHERE a.credit_id = i.id), 0) AS "left"
               FROM invoices i WHERE i.account_id = $1 AND i.currency = $2 AND i.status = 'issued' AND i.gross < 0
               UNION ALL
               SELECT p.id, p.id, NULL, p.amount - coalesce((SELECT sum(a.amount) FROM allocations a WHERE a.payment_id = p.id), 0)
                      - coalesce((SELECT sum(r.amount) FROM refunds r WHERE r.payment_id = p.id AND r.status = 'succeeded'), 0)
               FROM payments p WHERE p.account_id = $1 AND p.currency = $2
           ) sources WHERE "left" > 0 ORDER BY at"#,
        account.uuid(),
        currency
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn insert_allocation(
    tx: &mut TenantTx,
    id: Uuid,
    invoice: InvoiceId,
    payment: Option<PaymentId>,
    credit: Option<InvoiceId>,
    amount: Decimal,
) -> Result<(), sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    sqlx::query!(
        "INSERT INTO allocations (tenant_id, id, invoice_id, payment_id, credit_id, amount, allocated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        tenant.uuid(),
        id,
        invoice.uuid(),
        payment.map(PaymentId::uuid),
        credit.map(InvoiceId::uuid),
        amount,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes back a part of what a payment settled. Parts of one refund fit together, so they are judged at the end.
pub async fn take_back(
    tx: &mut TenantTx,
    id: Uuid,
    invoice: InvoiceId,
    payment: PaymentId,
    refund: RefundId,
    amount: Decimal,
) -> Result<(), sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    sqlx::query!("SET CONSTRAINTS allocations_fit DEFERRED").execute(tx.conn()).await?;
    sqlx::query!(
        "INSERT INTO allocations (tenant_id, id, invoice_id, payment_id, refund_id, amount, allocated_at) VALUES ($1, $2, $3, $4, $5, -$6::numeric, $7)",
        tenant.uuid(),
        id,
        invoice.uuid(),
        payment.uuid(),
        refund.uuid(),
        amount,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub struct InvoiceRow {
    pub id: InvoiceId,
    pub number: String,
    pub account_id: AccountId,
    pub run_id: Option<BillingRunId>,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    pub currency: String,
    pub net: Decimal,
    pub tax: Decimal,
    pub gross: Decimal,
    pub settled: Decimal,
    pub parties: serde_json::Value,
}

pub async fn page(
    tx: &mut TenantTx,
    page: Page,
    filter: &InvoiceFilter,
    today: NaiveDate,
) -> Result<Vec<InvoiceRow>, sqlx::Error> {
    sqlx::query_as!(
        InvoiceRow,
        r#"SELECT i.id AS "id: _", i.number AS "number!", i.account_id AS "account_id: _", i.run_id AS "run_id: _", i.issued_on AS "issued_on!",
                  i.due_on AS "due_on!", i.currency, i.net, i.tax, i.gross, s.settled AS "settled!", i.parties
           FROM invoices i
           CROSS JOIN LATERAL (
               SELECT coalesce(sum(a.amount) FILTER (WHERE a.invoice_id = i.id), 0) - coalesce(sum(a.amount) FILTER (WHERE a.credit_id = i.id), 0) AS settled
               FROM allocations a WHERE a.invoice_id = i.id OR a.credit_id = i.id) s
           WHERE i.status = 'issued' AND i.corrects_id IS NULL AND ($1::uuid IS NULL OR i.id < $1) AND ($2::uuid IS NULL OR i.account_id = $2)
             AND ($3::uuid IS NULL OR i.run_id = $3)
             AND ($4::text IS NULL OR $4 = CASE
                     WHEN i.gross <= s.settled OR i.gross < 0 THEN 'paid'
                     WHEN i.due_on < $5 THEN 'overdue'
                     WHEN s.settled > 0 THEN 'part_paid'
                     ELSE 'due' END
                  OR ($4 = 'open' AND i.gross > s.settled AND i.gross > 0))
             AND ($7::text IS NULL OR strpos(i.number, $7) > 0)
           ORDER BY i.id DESC LIMIT $6"#,
        page.after,
        filter.account.map(AccountId::uuid),
        filter.run.map(BillingRunId::uuid),
        filter.status.as_deref(),
        today,
        page.fetch(),
        filter.number.as_deref()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn find(tx: &mut TenantTx, id: InvoiceId) -> Result<Option<InvoiceRow>, sqlx::Error> {
    sqlx::query_as!(
        InvoiceRow,
        r#"SELECT i.id AS "id: _", i.number AS "number!", i.account_id AS "account_id: _", i.run_id AS "run_id: _", i.issued_on AS "issued_on!",
                  i.due_on AS "due_on!", i.currency, i.net, i.tax, i.gross, i.parties,
                  coalesce((SELECT sum(a.amount) FROM allocations a WHERE a.invoice_id = i.id), 0)
                  - coalesce((SELECT sum(a.amount) FROM allocations a WHERE a.credit_id = i.id), 0) AS "settled!"
           FROM invoices i WHERE i.id = $1 AND i.status = 'issued' AND i.corrects_id IS NULL"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// Issued invoices of this id, or whose number contains `number`.
pub async fn numbered(
    tx: &mut TenantTx,
    id: Option<InvoiceId>,
    number: &str,
    limit: i64,
) -> Result<Vec<InvoiceRow>, sqlx::Error> {
    sqlx::query_as!(
        InvoiceRow,
        r#"SELECT i.id AS "id: _", i.number AS "number!", i.account_id AS "account_id: _", i.run_id AS "run_id: _", i.issued_on AS "issued_on!",
                  i.due_on AS "due_on!", i.currency, i.net, i.tax, i.gross, i.parties,
                  coalesce((SELECT sum(a.amount) FROM allocations a WHERE a.invoice_id = i.id), 0)
                  - coalesce((SELECT sum(a.amount) FROM allocations a WHERE a.credit_id = i.id), 0) AS "settled!"
           FROM invoices i WHERE i.status = 'issued' AND i.corrects_id IS NULL AND (i.id = $1 OR position($2 IN lower(i.number)) > 0)
           ORDER BY i.id DESC LIMIT $3"#,
        id.map(InvoiceId::uuid),
        number,
        limit
    )
    .fetch_all(tx.conn())
    .await
}

pub struct LineRow {
    pub id: InvoiceLineId,
    pub position: i32,
    pub kind: String,
    pub subscription_id: Option<SubscriptionId>,
    pub plan_version_id: Option<PlanVersionId>,
    pub description: String,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub full_from: NaiveDate,
    pub full_to: NaiveDate,
    pub quantity: Decimal,
    pub unit_price: Decimal,
    pub net: Decimal,
    pub tax_category: String,
    pub tax_rate: Decimal,
    pub down_bytes: Option<i64>,
    pub up_bytes: Option<i64>,
    pub free_bytes: Option<i64>,
    pub included_bytes: Option<i64>,
    pub late: bool,
    pub segments: i64,
    pub credits_line_id: Option<InvoiceLineId>,
    pub priced_by: Option<Json<PricedBy>>,
}

pub async fn lines(tx: &mut TenantTx, invoice: InvoiceId) -> Result<Vec<LineRow>, sqlx::Error> {
    sqlx::query_as!(
        LineRow,
        r#"SELECT l.id AS "id: _", l.position, l.kind, l.subscription_id AS "subscription_id: _", l.plan_version_id AS "plan_version_id: _",
                  l.description, lower(l.period) AS "from!", upper(l.period) AS "to!", lower(l.full_period) AS "full_from!",
                  upper(l.full_period) AS "full_to!", l.quantity, l.unit_price, l.net, l.tax_category, l.tax_rate, l.down_bytes, l.up_bytes,
                  l.free_bytes, l.included_bytes, l.late, l.credits_line_id AS "credits_line_id: _", l.priced_by AS "priced_by: _",
                  (SELECT count(*) FROM billed_segments b WHERE b.invoice_line_id = l.id) AS "segments!"
           FROM invoice_lines l WHERE l.invoice_id = $1 ORDER BY l.position"#,
        invoice.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

pub struct TaxRow {
    pub category: String,
    pub name: String,
    pub rate: Decimal,
    pub base: Decimal,
    pub tax: Decimal,
}

pub async fn taxes(tx: &mut TenantTx, invoice: InvoiceId) -> Result<Vec<TaxRow>, sqlx::Error> {
    sqlx::query_as!(
        TaxRow,
        "SELECT category, name, rate, base, tax FROM invoice_taxes WHERE invoice_id = $1 ORDER BY category, rate",
        invoice.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

/// What an account's invoices ask for beyond what settled them, and how much of it is past its due date.
pub async fn standing(
    tx: &mut TenantTx,
    account: AccountId,
    currency: &str,
    today: NaiveDate,
) -> Result<(Decimal, Decimal), sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT coalesce(sum(i.gross - s.settled), 0) AS "open!",
                  coalesce(sum(i.gross - s.settled) FILTER (WHERE i.due_on < $3), 0) AS "overdue!"
           FROM invoices i
           CROSS JOIN LATERAL (SELECT coalesce(sum(a.amount), 0) AS settled FROM allocations a WHERE a.invoice_id = i.id) s
           WHERE i.account_id = $1 AND i.currency = $2 AND i.status = 'issued' AND i.gross > s.settled"#,
        account.uuid(),
        currency,
        today
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((row.open, row.overdue))
}
