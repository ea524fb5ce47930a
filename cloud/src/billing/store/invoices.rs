//! SQL of invoices and what settles them.

use std::collections::HashMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::types::Json;
use uuid::Uuid;
use weir_rules::money::{Currency, Money};

use crate::billing::account::Draft;
use crate::billing::issue::NewInvoice;
use crate::billing::{InvoiceFilter, InvoiceTaxPart, LineDiscount, LineTiers};
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{
    AccountId, BillingRunId, InvoiceId, InvoiceLineId, PaymentId, PlanVersionId, RefundId, SubscriptionId,
};
use crate::plugins::PricedBy;
use crate::taxes::TaxedBy;

pub async fn insert(tx: &mut TenantTx, invoices: &[NewInvoice<'_>]) -> Result<(), sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    let ids: Vec<_> = invoices.iter().map(|invoice| invoice.id.uuid()).collect();
    let accounts: Vec<_> = invoices.iter().map(|invoice| invoice.account.id.uuid()).collect();
    let runs: Vec<_> = invoices.iter().map(|invoice| invoice.run.map(BillingRunId::uuid)).collect();
    let numbers: Vec<_> = invoices.iter().map(|invoice| invoice.number.clone()).collect();
    let issued: Vec<_> = invoices.iter().map(|invoice| invoice.issued_on).collect();
    let due: Vec<_> = invoices.iter().map(|invoice| invoice.due_on).collect();
    let currencies: Vec<_> = invoices.iter().map(|invoice| invoice.totals.gross.currency().code().to_owned()).collect();
    let nets: Vec<_> = invoices.iter().map(|invoice| invoice.totals.net.amount()).collect();
    let taxes: Vec<_> = invoices.iter().map(|invoice| invoice.totals.tax.amount()).collect();
    let grosses: Vec<_> = invoices.iter().map(|invoice| invoice.totals.gross.amount()).collect();
    let parties = invoices.iter().map(|invoice| serde_json::to_value(&invoice.parties));
    let parties = parties.collect::<Result<Vec<_>, _>>().map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        "INSERT INTO invoices (tenant_id, id, account_id, run_id, status, number, issued_on, issued_at, due_on, currency, net, tax, gross, parties)
         SELECT $1, id, account_id, run_id, 'issued', number, issued_on, $2, due_on, currency, net, tax, gross, parties
         FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::date[], $8::date[], $9::text[], $10::numeric[], $11::numeric[],
                     $12::numeric[], $13::jsonb[])
              AS invoice (id, account_id, run_id, number, issued_on, due_on, currency, net, tax, gross, parties)",
        tenant.uuid(),
        at,
        &ids,
        &accounts,
        &runs as &[Option<Uuid>],
        &numbers,
        &issued,
        &due,
        &currencies,
        &nets,
        &taxes,
        &grosses,
        &parties
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The columns of lines of invoices, each a list over all of them.
#[derive(Default)]
struct LineColumns {
    ids: Vec<Uuid>,
    invoices: Vec<Uuid>,
    positions: Vec<i32>,
    kinds: Vec<String>,
    subscriptions: Vec<Option<Uuid>>,
    accounts: Vec<Option<Uuid>>,
    versions: Vec<Option<Uuid>>,
    descriptions: Vec<String>,
    /// First days of the period and of the full one, and the days after their last.
    days: [Vec<NaiveDate>; 4],
    quantities: Vec<Decimal>,
    unit_prices: Vec<Decimal>,
    nets: Vec<Decimal>,
    grosses: Vec<Option<Decimal>>,
    discounts: Vec<Decimal>,
    /// What of them is whose.
    parts: Vec<serde_json::Value>,
    tax_categories: Vec<String>,
    tax_rates: Vec<Decimal>,
    /// Down, up, included and free.
    bytes: [Vec<Option<i64>>; 4],
    late: Vec<bool>,
    credits: Vec<Option<Uuid>>,
    priced_by: Vec<Option<serde_json::Value>>,
    taxed_by: Vec<Option<serde_json::Value>>,
    tiers: Vec<Option<serde_json::Value>>,
}

impl LineColumns {
    fn add(&mut self, invoice: &NewInvoice<'_>, index: usize, line: &Draft) -> Result<(), serde_json::Error> {
        let (traffic, rate) = (line.traffic.as_ref(), line.rate.unwrap_or(invoice.rate));
        self.ids.push(line.id.uuid());
        self.invoices.push(invoice.id.uuid());
        self.positions.push(i32::try_from(index + 1).unwrap_or(i32::MAX));
        self.kinds.push(line.kind.name().to_owned());
        self.subscriptions.push(line.subscription.map(SubscriptionId::uuid));
        self.accounts.push(line.paid_for.as_ref().map(|paid| paid.account_id.uuid()));
        self.versions.push(line.version.map(PlanVersionId::uuid));
        self.descriptions.push(line.description.clone());
        let days = [line.period.start(), line.period.end(), line.full.start(), line.full.end()];
        self.days.iter_mut().zip(days).for_each(|(column, day)| column.push(day));
        self.quantities.push(line.quantity);
        self.unit_prices.push(line.unit_price.amount());
        self.nets.push(line.net.amount());
        self.grosses.push(line.gross.map(Money::amount));
        self.discounts.push(line.reduction.as_ref().map(|reduction| reduction.total.amount()).unwrap_or_default());
        let parts = line.reduction.as_ref().map_or(&[][..], |reduction| &reduction.parts);
        self.parts.push(serde_json::to_value(parts)?);
        self.tax_categories.push(rate.category().code().to_owned());
        self.tax_rates.push(rate.percent());
        let bytes = [
            traffic.map(|traffic| traffic.down_bytes),
            traffic.map(|traffic| traffic.up_bytes),
            traffic.and_then(|traffic| traffic.included_bytes),
            traffic.map(|traffic| traffic.free_bytes),
        ];
        self.bytes.iter_mut().zip(bytes).for_each(|(column, bytes)| column.push(bytes));
        self.late.push(traffic.is_some_and(|traffic| traffic.late));
        self.credits.push(line.credits.map(InvoiceLineId::uuid));
        self.priced_by.push(line.priced_by.as_ref().map(serde_json::to_value).transpose()?);
        let tiers = traffic.and_then(|traffic| traffic.tiers.as_ref());
        self.tiers.push(tiers.map(serde_json::to_value).transpose()?);
        self.taxed_by.push(line.taxed_by.as_ref().map(serde_json::to_value).transpose()?);
        Ok(())
    }
}

pub async fn insert_lines(tx: &mut TenantTx, lines: &[(&NewInvoice<'_>, &[Draft])]) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    let mut columns = LineColumns::default();
    for (invoice, lines) in lines {
        for (index, line) in lines.iter().enumerate() {
            columns.add(invoice, index, line).map_err(|error| sqlx::Error::Encode(error.into()))?;
        }
    }
    sqlx::query!(
        r#"INSERT INTO invoice_lines (tenant_id, id, invoice_id, position, kind, subscription_id, plan_version_id, description, period,
                full_period, quantity, unit_price, net, tax_category, tax_rate, down_bytes, up_bytes, included_bytes, free_bytes, late,
                credits_line_id, priced_by, discount, discounts, taxed_by, tiers, gross, account_id)
           SELECT $1, id, invoice_id, position, kind, subscription_id, plan_version_id, description, daterange("from", "to"),
                daterange(full_from, full_to), quantity, unit_price, net, tax_category, tax_rate, down_bytes, up_bytes, included_bytes,
                free_bytes, late, credits_line_id, priced_by, discount, discounts, taxed_by, tiers, gross, account_id
           FROM unnest($2::uuid[], $3::uuid[], $4::integer[], $5::text[], $6::uuid[], $7::uuid[], $8::text[], $9::date[], $10::date[],
                       $11::date[], $12::date[], $13::numeric[], $14::numeric[], $15::numeric[], $16::text[], $17::numeric[], $18::bigint[],
                       $19::bigint[], $20::bigint[], $21::bigint[], $22::boolean[], $23::uuid[], $24::jsonb[],
                       $25::numeric[], $26::jsonb[], $27::jsonb[], $28::jsonb[], $29::numeric[], $30::uuid[])
                AS line (id, invoice_id, position, kind, subscription_id, plan_version_id, description, "from", "to", full_from, full_to,
                         quantity, unit_price, net, tax_category, tax_rate, down_bytes, up_bytes, included_bytes, free_bytes, late,
                         credits_line_id, priced_by, discount, discounts, taxed_by, tiers, gross, account_id)"#,
        tenant,
        &columns.ids,
        &columns.invoices,
        &columns.positions,
        &columns.kinds,
        &columns.subscriptions as &[Option<Uuid>],
        &columns.versions as &[Option<Uuid>],
        &columns.descriptions,
        &columns.days[0],
        &columns.days[1],
        &columns.days[2],
        &columns.days[3],
        &columns.quantities,
        &columns.unit_prices,
        &columns.nets,
        &columns.tax_categories,
        &columns.tax_rates,
        &columns.bytes[0] as &[Option<i64>],
        &columns.bytes[1] as &[Option<i64>],
        &columns.bytes[2] as &[Option<i64>],
        &columns.bytes[3] as &[Option<i64>],
        &columns.late,
        &columns.credits as &[Option<Uuid>],
        &columns.priced_by as &[Option<serde_json::Value>],
        &columns.discounts,
        &columns.parts,
        &columns.taxed_by as &[Option<serde_json::Value>],
        &columns.tiers as &[Option<serde_json::Value>],
        &columns.grosses as &[Option<Decimal>],
        &columns.accounts as &[Option<Uuid>]
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn insert_taxes(tx: &mut TenantTx, invoices: &[NewInvoice<'_>]) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    let words = || invoices.iter().flat_map(|invoice| &invoice.groups);
    let groups = || invoices.iter().flat_map(|invoice| invoice.totals.taxes.iter().map(move |group| (invoice, group)));
    let of: Vec<_> = groups().map(|(invoice, _)| invoice.id.uuid()).collect();
    let categories: Vec<_> = groups().map(|(_, group)| group.rate.category().code().to_owned()).collect();
    let names: Vec<_> = words().map(|words| words.name.clone()).collect();
    let rates: Vec<_> = groups().map(|(_, group)| group.rate.percent()).collect();
    let bases: Vec<_> = groups().map(|(_, group)| group.base.amount()).collect();
    let taxes: Vec<_> = groups().map(|(_, group)| group.tax.amount()).collect();
    let reasons: Vec<_> = words().map(|words| words.reason.clone()).collect();
    let parts = words().map(|words| serde_json::to_value(&words.parts));
    let parts = parts.collect::<Result<Vec<_>, _>>().map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        "INSERT INTO invoice_taxes (tenant_id, invoice_id, category, name, rate, base, tax, reason, parts)
         SELECT $1, tax.* FROM unnest($2::uuid[], $3::text[], $4::text[], $5::numeric[], $6::numeric[], $7::numeric[], $8::text[], $9::jsonb[]) AS tax",
        tenant,
        &of,
        &categories,
        &names,
        &rates,
        &bases,
        &taxes,
        &reasons,
        &parts
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub struct OpenRow {
    pub account: AccountId,
    pub id: InvoiceId,
    pub number: String,
    pub due_on: NaiveDate,
    pub open: Decimal,
}

/// What is left to pay on invoices of accounts, each in a currency; oldest due first.
///
/// `<> 'draft'`, and the order, leave the database the accounts' own key alone to find invoices by: while it knows little of
/// an ISP's rows it takes any key for as good, and the one by due days is the shortest.
pub async fn open(tx: &mut TenantTx, accounts: &[(AccountId, Currency)]) -> Result<Vec<OpenRow>, sqlx::Error> {
    let (ids, currencies) = columns(accounts);
    sqlx::query_as!(
        OpenRow,
        r#"SELECT i.account_id AS "account: _", i.id AS "id: _", i.number AS "number!", i.due_on AS "due_on!", i.gross - s.settled AS "open!"
           FROM unnest($1::uuid[], $2::text[]) AS asked (account, currency)
           CROSS JOIN LATERAL (SELECT * FROM invoices i WHERE i.account_id = asked.account AND i.currency = asked.currency AND i.status <> 'draft'
                               ORDER BY i.issued_on OFFSET 0) i
           CROSS JOIN LATERAL (SELECT coalesce(sum(a.amount), 0) AS settled FROM allocations a WHERE a.invoice_id = i.id) s
           WHERE i.gross > s.settled
           ORDER BY i.due_on, i.id"#,
        &ids,
        &currencies
    )
    .fetch_all(tx.conn())
    .await
}

fn columns(accounts: &[(AccountId, Currency)]) -> (Vec<Uuid>, Vec<String>) {
    accounts.iter().map(|(account, currency)| (account.uuid(), currency.code().to_owned())).unzip()
}

pub struct CreditRow {
    pub account: AccountId,
    pub payment: Option<PaymentId>,
    pub credit: Option<InvoiceId>,
    pub left: Decimal,
}

/// Payments and credit documents of accounts with something left over, oldest first.
pub async fn credit(tx: &mut TenantTx, accounts: &[(AccountId, Currency)]) -> Result<Vec<CreditRow>, sqlx::Error> {
    let (ids, currencies) = columns(accounts);
    sqlx::query_as!(
        CreditRow,
        r#"SELECT account AS "account!: _", payment AS "payment: _", credit AS "credit: _", "left" AS "left!" FROM (
               SELECT i.id AS at, i.account_id AS account, NULL::uuid AS payment, i.id AS credit,
                      -i.gross - coalesce((SELECT sum(a.amount) FROM allocations a WHERE a.credit_id = i.id), 0) AS "left"
               FROM unnest($1::uuid[], $2::text[]) AS asked (account, currency)
               CROSS JOIN LATERAL (SELECT * FROM invoices i WHERE i.account_id = asked.account AND i.currency = asked.currency
                                   AND i.status <> 'draft' AND i.gross < 0 ORDER BY i.issued_on OFFSET 0) i
               UNION ALL
               SELECT p.id, p.account_id, p.id, NULL, p.amount - coalesce((SELECT sum(a.amount) FROM allocations a WHERE a.payment_id = p.id), 0)
                      - coalesce((SELECT sum(r.amount) FROM refunds r WHERE r.payment_id = p.id AND r.status = 'succeeded'), 0)
               FROM unnest($1::uuid[], $2::text[]) AS asked (account, currency)
               CROSS JOIN LATERAL (SELECT * FROM payments p WHERE p.account_id = asked.account AND p.currency = asked.currency
                                   ORDER BY p.received_on OFFSET 0) p
           ) sources WHERE "left" > 0 ORDER BY at"#,
        &ids,
        &currencies
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
    pub account_id: Option<AccountId>,
    pub description: String,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub full_from: NaiveDate,
    pub full_to: NaiveDate,
    pub quantity: Decimal,
    pub unit_price: Decimal,
    pub net: Decimal,
    pub gross: Option<Decimal>,
    pub discount: Decimal,
    pub discounts: Json<Vec<LineDiscount>>,
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
    pub taxed_by: Option<Json<TaxedBy>>,
    pub tiers: Option<Json<LineTiers>>,
}

pub async fn lines(tx: &mut TenantTx, invoice: InvoiceId) -> Result<Vec<LineRow>, sqlx::Error> {
    sqlx::query_as!(
        LineRow,
        r#"SELECT l.id AS "id: _", l.position, l.kind, l.subscription_id AS "subscription_id: _", l.plan_version_id AS "plan_version_id: _", l.account_id AS "account_id: _",
                  l.description, lower(l.period) AS "from!", upper(l.period) AS "to!", lower(l.full_period) AS "full_from!",
                  upper(l.full_period) AS "full_to!", l.quantity, l.unit_price, l.net, l.gross, l.discount, l.discounts AS "discounts: _", l.tax_category, l.tax_rate, l.down_bytes, l.up_bytes,
                  l.free_bytes, l.included_bytes, l.late, l.credits_line_id AS "credits_line_id: _", l.priced_by AS "priced_by: _",
                  l.taxed_by AS "taxed_by: _", l.tiers AS "tiers: _",
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
    pub reason: String,
    pub parts: Json<Vec<InvoiceTaxPart>>,
}

pub async fn taxes(tx: &mut TenantTx, invoice: InvoiceId) -> Result<Vec<TaxRow>, sqlx::Error> {
    sqlx::query_as!(
        TaxRow,
        r#"SELECT category, name, rate, base, tax, reason, parts AS "parts: _" FROM invoice_taxes
           WHERE invoice_id = $1 ORDER BY category, rate"#,
        invoice.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

/// What the last invoice that a run issued to each of these accounts asks for.
pub async fn last_of_runs(
    tx: &mut TenantTx,
    accounts: &[AccountId],
) -> Result<HashMap<AccountId, Decimal>, sqlx::Error> {
    let accounts: Vec<_> = accounts.iter().map(|account| account.uuid()).collect();
    let rows = sqlx::query!(
        r#"SELECT DISTINCT ON (account_id) account_id AS "account: AccountId", gross FROM invoices
           WHERE account_id = ANY($1) AND run_id IS NOT NULL AND status = 'issued' ORDER BY account_id, id DESC"#,
        &accounts
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.account, row.gross)).collect())
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
