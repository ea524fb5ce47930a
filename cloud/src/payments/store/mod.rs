//! SQL of payments.

pub mod attempts;
pub mod bank;
pub mod methods;
pub mod providers;
pub mod refunds;
pub mod suspense;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::service::{Came, Receipt};
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccountId, InvoiceId, PaymentAttemptId, PaymentId};

pub struct PaymentRow {
    pub id: PaymentId,
    pub number: String,
    pub account_id: AccountId,
    pub method: String,
    pub currency: String,
    pub amount: Decimal,
    pub refunded: Decimal,
    pub attempt_id: Option<PaymentAttemptId>,
    pub received_on: NaiveDate,
    pub reference: String,
    pub recorded_by: String,
    pub recorded_at: DateTime<Utc>,
}

pub async fn insert(tx: &mut TenantTx, id: PaymentId, number: &str, new: &Receipt) -> Result<(), sqlx::Error> {
    let (tenant, at, actor) = (tx.tenant(), tx.at(), tx.actor().to_string());
    let (attempt, entry, suspense) = match new.came {
        Came::ToUs => (None, None, None),
        Came::ByAttempt(id) => (Some(id.uuid()), None, None),
        Came::ToTheBank(id) => (None, Some(id.uuid()), None),
        Came::FromSuspense(id) => (None, None, Some(id.uuid())),
    };
    sqlx::query!(
        "INSERT INTO payments (tenant_id, id, account_id, number, method, currency, amount, received_on, reference, recorded_by, recorded_at,
                attempt_id, bank_entry_id, suspense_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        tenant.uuid(),
        id.uuid(),
        new.account.uuid(),
        number,
        new.method.name(),
        new.amount.currency().code(),
        new.amount.amount(),
        new.received_on,
        new.reference,
        actor,
        at,
        attempt,
        entry,
        suspense
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A page of payments, newest first; of one account, or the one of this id, if given.
pub async fn payments(
    tx: &mut TenantTx,
    only: Option<PaymentId>,
    account: Option<AccountId>,
    page: Page,
) -> Result<Vec<PaymentRow>, sqlx::Error> {
    sqlx::query_as!(
        PaymentRow,
        r#"SELECT p.id AS "id: _", number, account_id AS "account_id: _", method, currency, amount, received_on, reference, recorded_by, recorded_at,
                  attempt_id AS "attempt_id: _",
                  coalesce((SELECT sum(r.amount) FROM refunds r WHERE r.payment_id = p.id AND r.status = 'succeeded'), 0) AS "refunded!"
           FROM payments p
           WHERE ($1::uuid IS NULL OR p.id < $1) AND ($2::uuid IS NULL OR account_id = $2) AND ($4::uuid IS NULL OR p.id = $4)
           ORDER BY p.id DESC LIMIT $3"#,
        page.after,
        account.map(AccountId::uuid),
        page.fetch(),
        only.map(PaymentId::uuid)
    )
    .fetch_all(tx.conn())
    .await
}

pub struct PartRow {
    pub payment: PaymentId,
    pub invoice: InvoiceId,
    pub number: String,
    pub amount: Decimal,
}

pub async fn parts(tx: &mut TenantTx, payments: &[Uuid]) -> Result<Vec<PartRow>, sqlx::Error> {
    sqlx::query_as!(
        PartRow,
        r#"SELECT a.payment_id AS "payment!: _", a.invoice_id AS "invoice: _", i.number AS "number!", sum(a.amount) AS "amount!"
           FROM allocations a JOIN invoices i ON i.id = a.invoice_id WHERE a.payment_id = ANY($1)
           GROUP BY a.payment_id, a.invoice_id, i.number, i.due_on, i.id HAVING sum(a.amount) > 0 ORDER BY i.due_on, i.id"#,
        payments
    )
    .fetch_all(tx.conn())
    .await
}

/// What a payment settles of each invoice, newest due first: what a refund takes back first.
pub async fn settled(tx: &mut TenantTx, payment: PaymentId) -> Result<Vec<PartRow>, sqlx::Error> {
    sqlx::query_as!(
        PartRow,
        r#"SELECT a.payment_id AS "payment!: _", a.invoice_id AS "invoice: _", i.number AS "number!", sum(a.amount) AS "amount!"
           FROM allocations a JOIN invoices i ON i.id = a.invoice_id WHERE a.payment_id = $1
           GROUP BY a.payment_id, a.invoice_id, i.number, i.due_on, i.id HAVING sum(a.amount) > 0 ORDER BY i.due_on DESC, i.id DESC"#,
        payment.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

/// The payment a payment of the provider's became; of several, for money goes and comes back, one with something left.
pub async fn of_intent(tx: &mut TenantTx, intent: &str) -> Result<Option<PaymentId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT p.id AS "id: PaymentId" FROM payments p
           LEFT JOIN payment_attempts a ON a.id = p.attempt_id
           LEFT JOIN suspense_items s ON s.id = p.suspense_id AND s.place = 'gateway'
           WHERE a.intent = $1 OR a.reference = $1 OR coalesce(s.intent, s.reference) = $1
           ORDER BY p.amount > coalesce((SELECT sum(r.amount) FROM refunds r WHERE r.payment_id = p.id AND r.status <> 'failed'), 0) DESC, p.id
           LIMIT 1"#,
        intent
    )
    .fetch_optional(tx.conn())
    .await
}

/// The payment an attempt, an entry of the bank or a sum in suspense became.
pub async fn of_source(tx: &mut TenantTx, source: Uuid) -> Result<Option<PaymentId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: PaymentId" FROM payments WHERE attempt_id = $1 OR bank_entry_id = $1 OR suspense_id = $1"#,
        source
    )
    .fetch_optional(tx.conn())
    .await
}
