//! SQL of events.

use uuid::Uuid;

use super::{Event, EventKind};
use crate::db::TenantTx;
use crate::ids::{AccountId, EventId};

pub async fn insert(tx: &mut TenantTx, events: &[Event]) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant();
    let ids: Vec<_> = events.iter().map(|event| event.id.uuid()).collect();
    let at: Vec<_> = events.iter().map(|event| event.at).collect();
    let actors: Vec<_> = events.iter().map(|event| event.actor.clone()).collect();
    let kinds: Vec<_> = events.iter().map(|event| event.kind.name().to_owned()).collect();
    let subjects: Vec<_> = events.iter().map(|event| event.subject.clone()).collect();
    let accounts: Vec<_> = events.iter().map(|event| event.account_id.map(AccountId::uuid)).collect();
    let data: Vec<_> = events.iter().map(|event| event.data.clone()).collect();
    sqlx::query!(
        "INSERT INTO events (tenant_id, id, at, actor, kind, subject, account_id, data)
         SELECT $1, event.* FROM unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::jsonb[]) AS event",
        tenant.uuid(),
        &ids,
        &at,
        &actors,
        &kinds,
        &subjects,
        &accounts as &[Option<Uuid>],
        &data
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The listeners for which something of the tenant's wants to be told of a kind.
pub async fn tenants_own_listeners(tx: &mut TenantTx, kind: EventKind) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT DISTINCT listener AS "listener!" FROM event_listeners WHERE kinds = '{}' OR $1 = ANY(kinds)"#,
        kind.name()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn find(tx: &mut TenantTx, ids: &[EventId]) -> Result<Vec<Event>, sqlx::Error> {
    let ids: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"SELECT e.id AS "id: EventId", at, actor, kind, subject, account_id AS "account_id: AccountId", data
           FROM unnest($1::uuid[]) AS asked (id) CROSS JOIN LATERAL (SELECT * FROM events e WHERE e.id = asked.id OFFSET 0) e ORDER BY e.id"#,
        &ids
    )
    .fetch_all(tx.conn())
    .await?;
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        let kind = EventKind::from_name(&row.kind).ok_or_else(|| sqlx::Error::Decode(row.kind.into()))?;
        let (at, actor, subject) = (row.at, row.actor, row.subject);
        events.push(Event { id: row.id, at, actor, kind, subject, account_id: row.account_id, data: row.data });
    }
    Ok(events)
}

pub async fn about(tx: &mut TenantTx, kind: EventKind, subject: &str, limit: i64) -> Result<Vec<Event>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: EventId", at, actor, account_id AS "account_id: AccountId", data FROM events WHERE kind = $1 AND subject = $2 ORDER BY id DESC LIMIT $3"#,
        kind.name(),
        subject,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    let events = rows.into_iter().map(|row| Event {
        id: row.id,
        at: row.at,
        actor: row.actor,
        kind,
        subject: subject.to_owned(),
        account_id: row.account_id,
        data: row.data,
    });
    Ok(events.collect())
}
