//! SQL of discounts.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use weir_rules::money::{Currency, Money, MoneyError};

use super::{Discount, DiscountStatus};
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{DiscountId, SubscriptionId};

pub struct DiscountRow {
    id: DiscountId,
    subscription_id: SubscriptionId,
    name: String,
    percent: Option<Decimal>,
    amount: Option<Decimal>,
    most: Option<Decimal>,
    currency: String,
    from_on: NaiveDate,
    until_on: Option<NaiveDate>,
    ended_on: Option<NaiveDate>,
    granted_at: DateTime<Utc>,
    granted_by: String,
    ended_by: Option<String>,
    /// The account's local day.
    today: NaiveDate,
}

impl DiscountRow {
    pub fn shown(self) -> Result<Discount, MoneyError> {
        let currency = Currency::from_code(&self.currency)?;
        let money = |amount| Money::new(amount, currency);
        let to = self.until_on.into_iter().chain(self.ended_on).min();
        let status = match to {
            Some(to) if to <= self.today || to <= self.from_on => DiscountStatus::Over,
            _ if self.from_on > self.today => DiscountStatus::Coming,
            _ => DiscountStatus::InForce,
        };
        Ok(Discount {
            id: self.id,
            subscription_id: self.subscription_id,
            name: self.name,
            percent: self.percent.map(|percent| percent.normalize()),
            amount: self.amount.map(money).transpose()?,
            most: self.most.map(money).transpose()?,
            from_on: self.from_on,
            until_on: self.until_on,
            ended_on: self.ended_on,
            status,
            granted_at: self.granted_at,
            granted_by: self.granted_by,
            ended_by: self.ended_by,
        })
    }
}

/// A page of discounts, newest first; of one subscription, or one, if given.
pub async fn discounts(
    tx: &mut TenantTx,
    id: Option<DiscountId>,
    of: Option<SubscriptionId>,
    page: Page,
) -> Result<Vec<DiscountRow>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_as!(
        DiscountRow,
        r#"SELECT d.id AS "id: _", d.subscription_id AS "subscription_id: _", d.name, d.percent, d.amount, d.most, d.currency, d.from_on,
                  d.until_on, d.ended_on, d.granted_at, d.granted_by, d.ended_by,
                  ($1::timestamptz AT TIME ZONE a.time_zone)::date AS "today!"
           FROM discounts d
           JOIN subscriptions s ON s.tenant_id = d.tenant_id AND s.id = d.subscription_id
           JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
           WHERE ($2::uuid IS NULL OR d.id = $2) AND ($3::uuid IS NULL OR d.subscription_id = $3) AND ($4::uuid IS NULL OR d.id < $4)
           ORDER BY d.id DESC LIMIT $5"#,
        now,
        id.map(DiscountId::uuid),
        of.map(SubscriptionId::uuid),
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

/// A discount of this name that holds on some of these days.
pub async fn named(
    tx: &mut TenantTx,
    of: SubscriptionId,
    name: &str,
    (from, until): (NaiveDate, Option<NaiveDate>),
) -> Result<Option<DiscountId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: DiscountId" FROM discounts
           WHERE subscription_id = $1 AND lower(name) = lower($2) AND daterange(from_on, least(until_on, ended_on)) && daterange($3, $4)
           LIMIT 1"#,
        of.uuid(),
        name,
        from,
        until
    )
    .fetch_optional(tx.conn())
    .await
}

/// How many of a subscription's discounts are not over on a day.
pub async fn not_over(tx: &mut TenantTx, of: SubscriptionId, on: NaiveDate) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM discounts
           WHERE subscription_id = $1 AND coalesce(least(until_on, ended_on), 'infinity') > greatest($2, from_on)"#,
        of.uuid(),
        on
    )
    .fetch_one(tx.conn())
    .await
}

pub async fn insert(tx: &mut TenantTx, new: &Discount, currency: &str) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO discounts (tenant_id, id, subscription_id, name, percent, amount, most, currency, from_on, until_on, granted_at, granted_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        tenant,
        new.id.uuid(),
        new.subscription_id.uuid(),
        new.name,
        new.percent,
        new.amount.map(Money::amount),
        new.most.map(Money::amount),
        currency,
        new.from_on,
        new.until_on,
        new.granted_at,
        new.granted_by
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn end(tx: &mut TenantTx, id: DiscountId, on: NaiveDate) -> Result<(), sqlx::Error> {
    let (at, by) = (tx.at(), tx.actor().to_string());
    sqlx::query!(
        "UPDATE discounts SET ended_on = $2, ended_at = $3, ended_by = $4 WHERE id = $1",
        id.uuid(),
        on,
        at,
        by
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
