//! SQL of what reduces the price of subscriptions.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::db::TenantTx;
use crate::ids::{AccountId, DiscountId, SubscriptionId};

pub struct DiscountRow {
    pub account: AccountId,
    pub subscription: SubscriptionId,
    pub id: DiscountId,
    pub name: String,
    pub percent: Option<Decimal>,
    pub amount: Option<Decimal>,
    pub most: Option<Decimal>,
    pub from: NaiveDate,
    pub to: Option<NaiveDate>,
}

/// What reduces the prices of these accounts' subscriptions on some day, by account and in the order it does.
pub async fn of(tx: &mut TenantTx, accounts: &[Uuid]) -> Result<Vec<DiscountRow>, sqlx::Error> {
    sqlx::query_as!(
        DiscountRow,
        r#"SELECT s.account_id AS "account: _", d.subscription_id AS "subscription: _", d.id AS "id: _", d.name, d.percent, d.amount, d.most,
                  d.from_on AS "from", least(d.until_on, d.ended_on) AS "to?"
           FROM discounts d JOIN subscriptions s ON s.id = d.subscription_id
           WHERE s.account_id = ANY($1) AND (d.ended_on IS NULL OR d.ended_on > d.from_on) ORDER BY s.account_id, d.id"#,
        accounts
    )
    .fetch_all(tx.conn())
    .await
}

/// The first day after the last whose price was billed; none = none was.
pub async fn billed_until(tx: &mut TenantTx, subscription: SubscriptionId) -> Result<Option<NaiveDate>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT max(upper(period)) FROM billed_periods WHERE subscription_id = $1 AND component = 'recurring'",
        subscription.uuid()
    )
    .fetch_one(tx.conn())
    .await
}
