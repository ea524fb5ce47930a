//! SQL of orders.

use chrono::{DateTime, Utc};

use super::{Order, OrderFilter, OrderStatus, OrderWish, Place};
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{OrderId, PlanVersionId, SubscriberId};

struct Row {
    id: OrderId,
    status: String,
    name: String,
    email: String,
    phone: String,
    line1: String,
    line2: String,
    city: String,
    postcode: String,
    country: String,
    language: String,
    note: String,
    plan_name: String,
    plan_version_id: PlanVersionId,
    placed_at: DateTime<Utc>,
    decided_at: Option<DateTime<Utc>>,
    decided_by: Option<String>,
    reason: Option<String>,
    subscriber_id: Option<SubscriberId>,
}

impl TryFrom<Row> for Order {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let status = OrderStatus::from_name(&row.status).ok_or_else(|| sqlx::Error::Decode(row.status.into()))?;
        let Row { line1, line2, city, postcode, country, .. } = row;
        Ok(Self {
            id: row.id,
            status,
            name: row.name,
            email: row.email,
            phone: row.phone,
            place: Place { line1, line2, city, postcode, country },
            language: row.language,
            note: row.note,
            plan_name: row.plan_name,
            plan_version_id: row.plan_version_id,
            placed_at: row.placed_at,
            decided_at: row.decided_at,
            decided_by: row.decided_by,
            reason: row.reason,
            subscriber_id: row.subscriber_id,
        })
    }
}

pub async fn orders(
    tx: &mut TenantTx,
    only: Option<OrderId>,
    filter: OrderFilter,
    page: Page,
) -> Result<Vec<Order>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT o.id AS "id: _", o.status, o.name, o.email, o.phone, o.line1, o.line2, o.city, o.postcode, o.country, o.language, o.note,
                  p.name AS plan_name, o.plan_version_id AS "plan_version_id: _", o.placed_at, o.decided_at, o.decided_by, o.reason,
                  o.subscriber_id AS "subscriber_id: _"
           FROM orders o
           JOIN plan_versions v ON v.tenant_id = o.tenant_id AND v.id = o.plan_version_id
           JOIN plans p ON p.tenant_id = v.tenant_id AND p.id = v.plan_id
           WHERE ($1::uuid IS NULL OR o.id = $1) AND ($2::text IS NULL OR o.status = $2) AND ($3::uuid IS NULL OR o.id < $3)
           ORDER BY o.id DESC LIMIT $4"#,
        only.map(OrderId::uuid),
        filter.status.map(OrderStatus::name),
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Order::try_from).collect()
}

pub async fn waiting(tx: &mut TenantTx) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "waiting!" FROM orders WHERE status = 'placed'"#)
        .fetch_one(tx.conn())
        .await
}

/// Serialises who orders with an e-mail address.
pub async fn lock_email(tx: &mut TenantTx, email: &str) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid().to_string();
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1 || lower($2), 0))", tenant, email)
        .fetch_one(tx.conn())
        .await?;
    Ok(())
}

/// The order of the same person for the same plan at the same place, if one waits.
pub async fn same(tx: &mut TenantTx, wish: &OrderWish) -> Result<Option<OrderId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: OrderId" FROM orders
           WHERE status = 'placed' AND lower(email) = lower($1) AND plan_version_id = $2 AND line1 = $3 AND line2 = $4 AND city = $5
           ORDER BY id DESC LIMIT 1"#,
        wish.email,
        wish.plan_version_id.uuid(),
        wish.place.line1,
        wish.place.line2,
        wish.place.city
    )
    .fetch_optional(tx.conn())
    .await
}

/// How many orders this e-mail address and this network address have placed since.
pub async fn placed_since(
    tx: &mut TenantTx,
    wish: &OrderWish,
    since: DateTime<Utc>,
) -> Result<(i64, i64), sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM orders WHERE lower(email) = lower($1) AND placed_at > $3) AS "of_email!",
                  (SELECT count(*) FROM orders WHERE origin = $2 AND placed_at > $3) AS "of_origin!""#,
        wish.email,
        wish.origin.as_deref(),
        since
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((row.of_email, row.of_origin))
}

pub async fn insert(tx: &mut TenantTx, id: OrderId, wish: &OrderWish) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    sqlx::query!(
        "INSERT INTO orders (tenant_id, id, status, name, email, phone, line1, line2, city, postcode, country, language, note,
                             plan_version_id, placed_at, origin)
         VALUES ($1, $2, 'placed', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        tenant,
        id.uuid(),
        wish.name,
        wish.email,
        wish.phone,
        wish.place.line1,
        wish.place.line2,
        wish.place.city,
        wish.place.postcode,
        wish.place.country,
        wish.language,
        wish.note,
        wish.plan_version_id.uuid(),
        now,
        wish.origin.as_deref()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn lock(tx: &mut TenantTx, id: OrderId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT id FROM orders WHERE id = $1 FOR UPDATE", id.uuid()).fetch_optional(tx.conn()).await?;
    Ok(())
}

pub async fn decide(
    tx: &mut TenantTx,
    id: OrderId,
    status: OrderStatus,
    reason: Option<&str>,
    subscriber: Option<SubscriberId>,
) -> Result<(), sqlx::Error> {
    let (now, actor) = (tx.at(), tx.actor().to_string());
    sqlx::query!(
        "UPDATE orders SET status = $2, decided_at = $3, decided_by = $4, reason = $5, subscriber_id = $6 WHERE id = $1",
        id.uuid(),
        status.name(),
        now,
        actor,
        reason,
        subscriber.map(SubscriberId::uuid)
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
