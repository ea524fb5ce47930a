//! SQL of who a line's subscriber is to the servers of its router.

use chrono::NaiveDate;
use weir_rules::identity::Identity;

use crate::db::TenantTx;
use crate::ids::{RouterId, SubscriptionId};

/// The line of a router that has this identity on a day of a range.
pub async fn claimed(
    tx: &mut TenantTx,
    router: RouterId,
    wanted: &Identity,
    (from, until): (NaiveDate, Option<NaiveDate>),
    but: SubscriptionId,
) -> Result<Option<SubscriptionId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT subscription_id AS "of: SubscriptionId" FROM subscription_identities
           WHERE router_id = $1 AND kind = $2 AND value = $3 AND valid && daterange($4, $5) AND subscription_id <> $6 LIMIT 1"#,
        router.uuid(),
        wanted.kind(),
        wanted.value(),
        from,
        until,
        but.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// Whether any line is known by an Ethernet address.
pub async fn any_by_mac(tx: &mut TenantTx) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM subscription_identities WHERE kind = 'mac') AS "any!""#)
        .fetch_one(tx.conn())
        .await
}

/// Gives a line an identity from a day on.
pub async fn give(
    tx: &mut TenantTx,
    id: SubscriptionId,
    router: RouterId,
    identity: &Identity,
    (from, until): (NaiveDate, Option<NaiveDate>),
) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO subscription_identities (tenant_id, subscription_id, router_id, kind, value, valid)
         VALUES ($1, $2, $3, $4, $5, daterange($6, $7))",
        tenant,
        id.uuid(),
        router.uuid(),
        identity.kind(),
        identity.value(),
        from,
        until
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes an identity from a line.
pub async fn take(tx: &mut TenantTx, id: SubscriptionId, identity: &Identity) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM subscription_identities WHERE subscription_id = $1 AND kind = $2 AND value = $3",
        id.uuid(),
        identity.kind(),
        identity.value()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Sets the end of a line's hold on its identities.
pub async fn set_end(tx: &mut TenantTx, id: SubscriptionId, ends_on: NaiveDate) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE subscription_identities SET valid = daterange(lower(valid), greatest(lower(valid), $2)) WHERE subscription_id = $1",
        id.uuid(),
        ends_on
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
