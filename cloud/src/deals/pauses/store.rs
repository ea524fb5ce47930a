//! SQL of pauses.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use weir_rules::money::{Currency, Money, MoneyError};

use super::{Pause, PauseStatus};
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{LinePauseId, SubscriptionId};

pub struct PauseRow {
    id: LinePauseId,
    subscription_id: SubscriptionId,
    from_on: NaiveDate,
    until_on: Option<NaiveDate>,
    price: Option<Decimal>,
    currency: String,
    reason: String,
    planned_at: DateTime<Utc>,
    planned_by: String,
    changed_at: DateTime<Utc>,
    changed_by: String,
    cancelled_at: Option<DateTime<Utc>>,
    /// First day the subscription is no longer served.
    ends_on: Option<NaiveDate>,
    /// The account's local day.
    today: NaiveDate,
}

impl PauseRow {
    pub fn shown(self) -> Result<Pause, MoneyError> {
        let currency = Currency::from_code(&self.currency)?;
        let to = self.until_on.into_iter().chain(self.ends_on).min();
        let status = match to {
            _ if self.cancelled_at.is_some() => PauseStatus::Cancelled,
            Some(to) if to <= self.today || to <= self.from_on => PauseStatus::Over,
            _ if self.from_on > self.today => PauseStatus::Planned,
            _ => PauseStatus::Running,
        };
        Ok(Pause {
            id: self.id,
            subscription_id: self.subscription_id,
            from_on: self.from_on,
            until_on: self.until_on,
            price: self.price.map(|price| Money::new(price, currency)).transpose()?,
            reason: self.reason,
            status,
            planned_at: self.planned_at,
            planned_by: self.planned_by,
            changed_at: self.changed_at,
            changed_by: self.changed_by,
        })
    }
}

/// A page of pauses, newest first; of one subscription, or one, if given.
pub async fn pauses(
    tx: &mut TenantTx,
    id: Option<LinePauseId>,
    of: Option<SubscriptionId>,
    page: Page,
) -> Result<Vec<PauseRow>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_as!(
        PauseRow,
        r#"SELECT p.id AS "id: _", p.subscription_id AS "subscription_id: _", lower(p.days) AS "from_on!", upper(p.days) AS until_on, p.price,
                  p.currency, p.reason, p.planned_at, p.planned_by, p.changed_at, p.changed_by, p.cancelled_at, s.ends_on,
                  ($1::timestamptz AT TIME ZONE a.time_zone)::date AS "today!"
           FROM pauses p
           JOIN subscriptions s ON s.tenant_id = p.tenant_id AND s.id = p.subscription_id
           JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
           WHERE ($2::uuid IS NULL OR p.id = $2) AND ($3::uuid IS NULL OR p.subscription_id = $3) AND ($4::uuid IS NULL OR p.id < $4)
           ORDER BY p.id DESC LIMIT $5"#,
        now,
        id.map(LinePauseId::uuid),
        of.map(SubscriptionId::uuid),
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

/// Another pause of a subscription on some of these days.
pub async fn beside(
    tx: &mut TenantTx,
    of: SubscriptionId,
    but: Option<LinePauseId>,
    (from, until): (NaiveDate, Option<NaiveDate>),
) -> Result<Option<LinePauseId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: LinePauseId" FROM pauses
           WHERE subscription_id = $1 AND cancelled_at IS NULL AND id IS DISTINCT FROM $2::uuid AND days && daterange($3, $4)
           ORDER BY days LIMIT 1"#,
        of.uuid(),
        but.map(LinePauseId::uuid),
        from,
        until
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn insert(tx: &mut TenantTx, new: &Pause, currency: &str) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO pauses (tenant_id, id, subscription_id, days, price, currency, reason, planned_at, planned_by, changed_at, changed_by)
         VALUES ($1, $2, $3, daterange($4, $5), $6, $7, $8, $9, $10, $9, $10)",
        tenant,
        new.id.uuid(),
        new.subscription_id.uuid(),
        new.from_on,
        new.until_on,
        new.price.map(Money::amount),
        currency,
        new.reason,
        new.planned_at,
        new.planned_by
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn set_end(tx: &mut TenantTx, id: LinePauseId, until: Option<NaiveDate>) -> Result<(), sqlx::Error> {
    let (at, by) = (tx.at(), tx.actor().to_string());
    sqlx::query!(
        "UPDATE pauses SET days = daterange(lower(days), $2), changed_at = $3, changed_by = $4 WHERE id = $1",
        id.uuid(),
        until,
        at,
        by
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn cancel(tx: &mut TenantTx, id: LinePauseId) -> Result<(), sqlx::Error> {
    let (at, by) = (tx.at(), tx.actor().to_string());
    sqlx::query!(
        "UPDATE pauses SET cancelled_at = $2, changed_at = $2, changed_by = $3 WHERE id = $1",
        id.uuid(),
        at,
        by
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The pauses whose lines are not as they say: to be closed, or to be opened. At most `limit`.
pub async fn turning(tx: &mut TenantTx, limit: i64) -> Result<Vec<LinePauseId>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_scalar!(
        r#"SELECT p.id AS "id: LinePauseId" FROM pauses p
           JOIN subscriptions s ON s.id = p.subscription_id JOIN accounts a ON a.id = s.account_id
           CROSS JOIN LATERAL (SELECT ($1::timestamptz AT TIME ZONE a.time_zone)::date AS today) d
           WHERE (p.cancelled_at IS NULL AND p.days @> d.today AND s.starts_on <= d.today AND coalesce(s.ends_on, 'infinity') > d.today)
                 <> EXISTS (SELECT FROM holds h WHERE h.pause_id = p.id AND h.released_at IS NULL)
           ORDER BY p.id LIMIT $2"#,
        now,
        limit
    )
    .fetch_all(tx.conn())
    .await
}
