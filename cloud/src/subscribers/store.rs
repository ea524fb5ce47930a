//! SQL of subscribers, accounts and service locations.

use chrono::NaiveDate;
use uuid::Uuid;

use super::{Account, AccountHit, Error, Holder, Location, LocationHit, PaidAccount, Subscriber};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::http::paging::Page;
use crate::ids::{AccountId, ServiceLocationId, SubscriberId};

pub async fn subscribers(tx: &mut TenantTx, prefix: Option<&str>, page: Page) -> Result<Vec<Subscriber>, sqlx::Error> {
    // `~>=~` and `~<~` are leakproof, so the index works under the policy; LIKE would not.
    let end = prefix.map(|prefix| format!("{prefix}\u{10ffff}"));
    sqlx::query_as!(
        Subscriber,
        r#"SELECT id AS "id: _", name, email, phone, language, created_at FROM subscribers
           WHERE ($1::text IS NULL OR (name_normalised ~>=~ $1 AND name_normalised ~<~ $2)) AND ($3::uuid IS NULL OR id < $3)
           ORDER BY id DESC LIMIT $4"#,
        prefix,
        end,
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn subscriber(tx: &mut TenantTx, id: SubscriberId) -> Result<Option<Subscriber>, sqlx::Error> {
    sqlx::query_as!(
        Subscriber,
        r#"SELECT id AS "id: _", name, email, phone, language, created_at FROM subscribers WHERE id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// Those of this id or e-mail address, and those whose name contains `name`; names that begin so come first.
pub async fn find_subscribers(
    tx: &mut TenantTx,
    id: Option<SubscriberId>,
    name: &str,
    email: &str,
    limit: i64,
) -> Result<Vec<Subscriber>, sqlx::Error> {
    sqlx::query_as!(
        Subscriber,
        r#"SELECT id AS "id: _", name, email, phone, language, created_at FROM subscribers
           WHERE id = $1 OR ($2 <> '' AND position($2 IN name_normalised) > 0) OR ($3 <> '' AND position($3 IN lower(email)) > 0)
           ORDER BY starts_with(name_normalised, $2) DESC, name_normalised, id LIMIT $4"#,
        id.map(SubscriberId::uuid),
        name,
        email,
        limit
    )
    .fetch_all(tx.conn())
    .await
}

/// Accounts of this id, or whose number contains `number`.
pub async fn find_accounts(
    tx: &mut TenantTx,
    id: Option<AccountId>,
    number: &str,
    limit: i64,
) -> Result<Vec<AccountHit>, sqlx::Error> {
    sqlx::query_as!(
        AccountHit,
        r#"SELECT a.id AS "id: _", a.number, a.subscriber_id AS "subscriber_id: _", b.name AS subscriber
           FROM accounts a JOIN subscribers b ON b.tenant_id = a.tenant_id AND b.id = a.subscriber_id
           WHERE a.id = $1 OR position($2 IN lower(a.number)) > 0 ORDER BY a.number LIMIT $3"#,
        id.map(AccountId::uuid),
        number,
        limit
    )
    .fetch_all(tx.conn())
    .await
}

/// Service locations whose street, postcode or town contains `text`.
pub async fn find_locations(tx: &mut TenantTx, text: &str, limit: i64) -> Result<Vec<LocationHit>, sqlx::Error> {
    sqlx::query_as!(
        LocationHit,
        r#"SELECT l.line1, l.postcode, l.city, l.subscriber_id AS "subscriber_id: _", b.name AS subscriber
           FROM service_locations l JOIN subscribers b ON b.tenant_id = l.tenant_id AND b.id = l.subscriber_id
           WHERE position($1 IN lower(concat_ws(' ', l.line1, l.line2, l.postcode, l.city))) > 0 ORDER BY l.line1, l.id LIMIT $2"#,
        text,
        limit
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn insert_subscriber(
    tx: &mut TenantTx,
    subscriber: &Subscriber,
    normalised: &str,
) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO subscribers (tenant_id, id, name, name_normalised, email, phone, language, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        tenant,
        subscriber.id.uuid(),
        subscriber.name,
        normalised,
        subscriber.email,
        subscriber.phone,
        subscriber.language,
        subscriber.created_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn update_subscriber(
    tx: &mut TenantTx,
    subscriber: &Subscriber,
    normalised: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE subscribers SET name = $2, name_normalised = $3, email = $4, phone = $5, language = $6 WHERE id = $1",
        subscriber.id.uuid(),
        subscriber.name,
        normalised,
        subscriber.email,
        subscriber.phone,
        subscriber.language
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn accounts(tx: &mut TenantTx, of: Option<SubscriberId>, page: Page) -> Result<Vec<Account>, sqlx::Error> {
    sqlx::query_as!(
        Account,
        r#"SELECT id AS "id: _", number, subscriber_id AS "subscriber_id: _", currency, time_zone, billing_day, payer_id AS "payer_id: _", paid_since, created_at
           FROM accounts WHERE ($1::uuid IS NULL OR subscriber_id = $1) AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3"#,
        of.map(SubscriberId::uuid),
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn account(tx: &mut TenantTx, id: AccountId) -> Result<Option<Account>, sqlx::Error> {
    sqlx::query_as!(
        Account,
        r#"SELECT id AS "id: _", number, subscriber_id AS "subscriber_id: _", currency, time_zone, billing_day, payer_id AS "payer_id: _", paid_since, created_at
           FROM accounts WHERE id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// Number and subscriber of these accounts.
pub async fn holders(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<(AccountId, Holder)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT a.id AS "id: AccountId", a.number, s.name FROM accounts a
           JOIN subscribers s ON s.tenant_id = a.tenant_id AND s.id = a.subscriber_id WHERE a.id = ANY($1)"#,
        ids
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, Holder { number: row.number, name: row.name })).collect())
}

pub async fn insert_account(tx: &mut TenantTx, account: &Account) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO accounts (tenant_id, id, subscriber_id, number, currency, time_zone, billing_day, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        tenant,
        account.id.uuid(),
        account.subscriber_id.uuid(),
        account.number,
        account.currency,
        account.time_zone,
        account.billing_day,
        account.created_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn locations(tx: &mut TenantTx, of: Option<SubscriberId>, page: Page) -> Result<Vec<Location>, sqlx::Error> {
    sqlx::query_as!(
        Location,
        r#"SELECT id AS "id: _", subscriber_id AS "subscriber_id: _", site_id AS "site_id: _", line1, line2, city, postcode, region, country, created_at
           FROM service_locations WHERE ($1::uuid IS NULL OR subscriber_id = $1) AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3"#,
        of.map(SubscriberId::uuid),
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn location(tx: &mut TenantTx, id: ServiceLocationId) -> Result<Option<Location>, sqlx::Error> {
    sqlx::query_as!(
        Location,
        r#"SELECT id AS "id: _", subscriber_id AS "subscriber_id: _", site_id AS "site_id: _", line1, line2, city, postcode, region, country, created_at
           FROM service_locations WHERE id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn insert_location(tx: &mut TenantTx, location: &Location) -> Result<(), Error> {
    let tenant = tx.tenant().uuid();
    let inserted = sqlx::query!(
        "INSERT INTO service_locations (tenant_id, id, subscriber_id, site_id, line1, line2, city, postcode, region, country, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        tenant,
        location.id.uuid(),
        location.subscriber_id.uuid(),
        location.site_id.map(|site| site.uuid()),
        location.line1,
        location.line2,
        location.city,
        location.postcode,
        location.region,
        location.country,
        location.created_at
    )
    .execute(tx.conn())
    .await;
    match inserted {
        Err(error) if error.as_database_error().is_some_and(|error| error.is_foreign_key_violation()) => {
            Err(Error::Invalid(vec![FieldError::new("site_id", "there is no such site")]))
        }
        other => Ok(other.map(|_| ())?),
    }
}

pub async fn account_numbered(tx: &mut TenantTx, number: &str) -> Result<Option<AccountId>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT id AS "id: AccountId" FROM accounts WHERE upper(number) = $1"#, number)
        .fetch_optional(tx.conn())
        .await
}

pub async fn set_payer(
    tx: &mut TenantTx,
    account: AccountId,
    payer: Option<(AccountId, NaiveDate)>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE accounts SET payer_id = $2, paid_since = $3 WHERE id = $1",
        account.uuid(),
        payer.map(|(payer, _)| payer.uuid()),
        payer.map(|(_, since)| since)
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Locks accounts, in the order of their ids.
pub async fn lock(tx: &mut TenantTx, accounts: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT FROM accounts WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE", accounts)
        .fetch_all(tx.conn())
        .await?;
    Ok(())
}

/// The accounts another pays for, by number.
pub async fn paid_by(tx: &mut TenantTx, payer: AccountId, page: Page) -> Result<Vec<PaidAccount>, sqlx::Error> {
    sqlx::query_as!(
        PaidAccount,
        r#"SELECT a.id AS "account_id: _", a.number, a.subscriber_id AS "subscriber_id: _", s.name AS subscriber, a.paid_since AS "paid_since!"
           FROM accounts a JOIN subscribers s ON s.tenant_id = a.tenant_id AND s.id = a.subscriber_id
           WHERE a.payer_id = $1 AND ($2::uuid IS NULL OR a.id > $2) ORDER BY a.id LIMIT $3"#,
        payer.uuid(),
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}
