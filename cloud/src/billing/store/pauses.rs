//! SQL of the days on which subscriptions are paused.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::db::TenantTx;
use crate::ids::{AccountId, SubscriptionId};

pub struct PauseRow {
    pub account: AccountId,
    pub subscription: SubscriptionId,
    pub from: NaiveDate,
    pub to: Option<NaiveDate>,
    /// What a full period costs meanwhile; none = nothing.
    pub price: Option<Decimal>,
}

/// The pauses of these accounts' subscriptions, by account and date.
pub async fn of(tx: &mut TenantTx, accounts: &[Uuid]) -> Result<Vec<PauseRow>, sqlx::Error> {
    sqlx::query_as!(
        PauseRow,
        r#"SELECT s.account_id AS "account: _", p.subscription_id AS "subscription: _", lower(p.days) AS "from!", upper(p.days) AS "to?", p.price
           FROM pauses p JOIN subscriptions s ON s.id = p.subscription_id
           WHERE s.account_id = ANY($1) AND p.cancelled_at IS NULL ORDER BY s.account_id, lower(p.days), p.id"#,
        accounts
    )
    .fetch_all(tx.conn())
    .await
}
