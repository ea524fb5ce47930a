//! SQL of where accounts and their lines are.

use uuid::Uuid;

use crate::db::TenantTx;
use crate::ids::{AccountId, SubscriptionId};

pub struct PlaceRow {
    pub account: AccountId,
    /// None: where the account itself is, the first of its subscriber's locations.
    pub subscription: Option<SubscriptionId>,
    pub country: String,
    pub region: String,
    pub city: String,
    pub postcode: String,
}

/// Where these accounts are, and each of their lines.
pub async fn of_accounts(tx: &mut TenantTx, accounts: &[Uuid]) -> Result<Vec<PlaceRow>, sqlx::Error> {
    sqlx::query_as!(
        PlaceRow,
        r#"SELECT s.account_id AS "account!: _", s.id AS "subscription?: _", l.country AS "country!", l.region AS "region!",
                  l.city AS "city!", l.postcode AS "postcode!"
           FROM subscriptions s JOIN service_locations l ON l.tenant_id = s.tenant_id AND l.id = s.service_location_id
           WHERE s.account_id = ANY($1)
           UNION ALL
           (SELECT DISTINCT ON (a.id) a.id, NULL::uuid, l.country, l.region, l.city, l.postcode
            FROM accounts a JOIN service_locations l ON l.tenant_id = a.tenant_id AND l.subscriber_id = a.subscriber_id
            WHERE a.id = ANY($1) ORDER BY a.id, l.created_at, l.id)"#,
        accounts
    )
    .fetch_all(tx.conn())
    .await
}

/// The account of a line, and the one that is billed for it.
pub async fn accounts_of(
    tx: &mut TenantTx,
    subscription: SubscriptionId,
) -> Result<(AccountId, AccountId), sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT a.id AS "account: AccountId", coalesce(a.payer_id, a.id) AS "billed!: AccountId"
           FROM subscriptions s JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id WHERE s.id = $1"#,
        subscription.uuid()
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((row.account, row.billed))
}
