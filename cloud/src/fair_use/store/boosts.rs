//! SQL of boosts as they were sold.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::catalog::Amount;
use crate::db::TenantTx;
use crate::fair_use::{Boost, BoostProduct, BoostStatus};
use crate::http::paging::Page;
use crate::ids::{BoostId, BoostProductId, InvoiceLineId, PlanVersionId, SubscriptionId};

struct BoostRow {
    id: BoostId,
    subscription_id: SubscriptionId,
    product_id: BoostProductId,
    name: String,
    rate_down_bps: Option<i64>,
    rate_up_bps: Option<i64>,
    from_at: DateTime<Utc>,
    until_at: DateTime<Utc>,
    price: Decimal,
    currency: String,
    sold_at: DateTime<Utc>,
    sold_by: String,
    cancelled_at: Option<DateTime<Utc>>,
    invoice_line_id: Option<InvoiceLineId>,
}

impl BoostRow {
    fn shown(self, now: DateTime<Utc>) -> Boost {
        let status = match self.cancelled_at {
            Some(_) => BoostStatus::Cancelled,
            None if now < self.from_at => BoostStatus::Coming,
            None if now < self.until_at => BoostStatus::Running,
            None => BoostStatus::Over,
        };
        Boost {
            id: self.id,
            subscription_id: self.subscription_id,
            product_id: self.product_id,
            name: self.name,
            rate_down_bps: self.rate_down_bps,
            rate_up_bps: self.rate_up_bps,
            from_at: self.from_at,
            until_at: self.until_at,
            status,
            price: Amount { amount: self.price, currency: self.currency },
            sold_at: self.sold_at,
            sold_by: self.sold_by,
            cancelled_at: self.cancelled_at,
            invoice_line_id: self.invoice_line_id,
        }
    }
}

/// Which boosts are meant.
#[derive(Default)]
pub struct Which<'a> {
    pub id: Option<BoostId>,
    pub line: Option<SubscriptionId>,
    pub reference: Option<&'a str>,
}

/// A page of boosts, newest first.
pub async fn boosts(tx: &mut TenantTx, which: Which<'_>, page: Page) -> Result<Vec<Boost>, sqlx::Error> {
    let now = tx.at();
    let rows = sqlx::query_as!(
        BoostRow,
        r#"SELECT t.id AS "id: _", t.subscription_id AS "subscription_id: _", t.product_id AS "product_id: _", t.name, t.rate_down_bps,
                  t.rate_up_bps, lower(t.runs) AS "from_at!", upper(t.runs) AS "until_at!", t.price, t.currency, t.sold_at, t.sold_by,
                  c.cancelled_at AS "cancelled_at?", b.invoice_line_id AS "invoice_line_id?: _"
           FROM top_ups t
           LEFT JOIN cancelled_boosts c ON c.tenant_id = t.tenant_id AND c.top_up_id = t.id
           LEFT JOIN billed_top_ups b ON b.tenant_id = t.tenant_id AND b.top_up_id = t.id
           WHERE t.runs IS NOT NULL AND ($1::uuid IS NULL OR t.id = $1) AND ($2::uuid IS NULL OR t.subscription_id = $2)
             AND ($3::text IS NULL OR t.reference = $3) AND ($4::uuid IS NULL OR t.id < $4)
           ORDER BY t.id DESC LIMIT $5"#,
        which.id.map(BoostId::uuid),
        which.line.map(SubscriptionId::uuid),
        which.reference,
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| row.shown(now)).collect())
}

/// What a line is sold with at an instant.
pub struct SoldAt {
    pub version: PlanVersionId,
    pub rate_down_bps: i64,
    pub rate_up_bps: i64,
    pub time_zone: String,
}

pub async fn sold_at(tx: &mut TenantTx, id: SubscriptionId, at: DateTime<Utc>) -> Result<Option<SoldAt>, sqlx::Error> {
    sqlx::query_as!(
        SoldAt,
        r#"SELECT v.id AS "version: _", v.rate_down_bps, v.rate_up_bps, a.time_zone
           FROM subscriptions s
           JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
           JOIN subscription_terms t ON t.tenant_id = s.tenant_id AND t.subscription_id = s.id
                AND t.valid @> ($2::timestamptz AT TIME ZONE a.time_zone)::date
           JOIN plan_versions v ON v.tenant_id = t.tenant_id AND v.id = t.plan_version_id
           WHERE s.id = $1"#,
        id.uuid(),
        at
    )
    .fetch_optional(tx.conn())
    .await
}

/// Boosts of a line that run or are to come.
pub async fn ahead(tx: &mut TenantTx, id: SubscriptionId) -> Result<i64, sqlx::Error> {
    let now = tx.at();
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM top_ups t WHERE t.subscription_id = $1 AND upper(t.runs) > $2
             AND NOT EXISTS (SELECT FROM cancelled_boosts c WHERE c.tenant_id = t.tenant_id AND c.top_up_id = t.id)"#,
        id.uuid(),
        now
    )
    .fetch_one(tx.conn())
    .await
}

/// When the last boost of a line ends that is as fast as this product in both directions and runs at some of this time.
pub async fn beside(
    tx: &mut TenantTx,
    id: SubscriptionId,
    product: &BoostProduct,
    from_at: DateTime<Utc>,
    until_at: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT max(upper(t.runs)) FROM top_ups t
         WHERE t.subscription_id = $1 AND t.runs && tstzrange($2, $3)
           AND coalesce(t.rate_down_bps, 0) >= coalesce($4::bigint, 0) AND coalesce(t.rate_up_bps, 0) >= coalesce($5::bigint, 0)
           AND NOT EXISTS (SELECT FROM cancelled_boosts c WHERE c.tenant_id = t.tenant_id AND c.top_up_id = t.id)",
        id.uuid(),
        from_at,
        until_at,
        product.rate_down_bps,
        product.rate_up_bps
    )
    .fetch_one(tx.conn())
    .await
}

/// When a sale was, by the account's days: the first, and the first it does not run on any more.
pub struct Days {
    pub sold_on: NaiveDate,
    pub until_on: NaiveDate,
}

pub async fn insert(
    tx: &mut TenantTx,
    boost: &Boost,
    version: PlanVersionId,
    days: Days,
    reference: &str,
) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO top_ups (tenant_id, id, subscription_id, product_id, plan_version_id, name, rate_down_bps, rate_up_bps, runs, price,
                              currency, sold_on, sold_at, sold_by, until_on, reference)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, tstzrange($9, $10), $11, $12, $13, $14, $15, $16, $17)",
        tenant,
        boost.id.uuid(),
        boost.subscription_id.uuid(),
        boost.product_id.uuid(),
        version.uuid(),
        boost.name,
        boost.rate_down_bps,
        boost.rate_up_bps,
        boost.from_at,
        boost.until_at,
        boost.price.amount,
        boost.price.currency,
        days.sold_on,
        boost.sold_at,
        boost.sold_by,
        days.until_on,
        reference
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn cancel(tx: &mut TenantTx, id: Uuid) -> Result<(), sqlx::Error> {
    let (tenant, now, by) = (tx.tenant().uuid(), tx.at(), tx.actor().to_string());
    sqlx::query!(
        "INSERT INTO cancelled_boosts (tenant_id, top_up_id, cancelled_at, cancelled_by) VALUES ($1, $2, $3, $4)",
        tenant,
        id,
        now,
        by
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
