//! SQL of the audit log.

use uuid::Uuid;

use super::chain::{Fact, Link, Place};
use super::{Entry, EntryFilter};
use crate::db::{Actor, PlatformTx, TenantTx};
use crate::http::paging::Page;
use crate::ids::AuditEntryId;

pub async fn insert(
    tx: &mut TenantTx,
    action: &str,
    changes: Vec<(String, serde_json::Value)>,
) -> Result<(), sqlx::Error> {
    let (tenant, at, actor) = (tx.tenant(), tx.at(), tx.actor().to_string());
    let ids: Vec<_> = changes.iter().map(|_| tx.new_id::<AuditEntryId>().uuid()).collect();
    let (subjects, details): (Vec<_>, Vec<_>) = changes.into_iter().unzip();
    sqlx::query!(
        "INSERT INTO audit_entries (tenant_id, id, at, actor, action, subject, detail)
         SELECT $1, id, $2, $3, $4, subject, detail FROM unnest($5::uuid[], $6::text[], $7::jsonb[]) AS change (id, subject, detail)",
        tenant.uuid(),
        at,
        actor,
        action,
        &ids,
        &subjects,
        &details
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn insert_everywhere(
    tx: &mut PlatformTx,
    action: &str,
    subject: &str,
    detail: serde_json::Value,
) -> Result<(), sqlx::Error> {
    let (at, actor) = (tx.at(), Actor::System.to_string());
    sqlx::query!(
        "INSERT INTO audit_entries (tenant_id, id, at, actor, action, subject, detail)
         SELECT tenant_id, gen_random_uuid(), $1, $2, $3, $4, $5 FROM platform.tenants",
        at,
        actor,
        action,
        subject,
        detail
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn entries(tx: &mut TenantTx, page: Page, filter: &EntryFilter) -> Result<Vec<Entry>, sqlx::Error> {
    sqlx::query_as!(
        Entry,
        r#"SELECT e.id AS "id: _", e.at, e.actor, e.action, e.subject, e.detail, l.position AS "position?",
                  encode(l.hash, 'hex') AS "hash?"
           FROM audit_entries e LEFT JOIN audit_links l ON l.entry_id = e.id
           WHERE ($1::text IS NULL OR e.actor = $1) AND ($2::text IS NULL OR e.action = $2)
             AND ($3::text IS NULL OR e.subject = $3)
             AND ($4::date IS NULL OR (
                 e.at >= $4::date::timestamp AT TIME ZONE (SELECT time_zone FROM tenants)
                 AND e.at < ($4::date + 1)::timestamp AT TIME ZONE (SELECT time_zone FROM tenants)))
             AND ($5::uuid IS NULL OR (e.at, e.id) < (SELECT a.at, a.id FROM audit_entries a WHERE a.id = $5))
           ORDER BY e.at DESC, e.id DESC LIMIT $6"#,
        filter.actor,
        filter.action,
        filter.subject,
        filter.day,
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn entry(tx: &mut TenantTx, id: AuditEntryId) -> Result<Option<Entry>, sqlx::Error> {
    sqlx::query_as!(
        Entry,
        r#"SELECT e.id AS "id: _", e.at, e.actor, e.action, e.subject, e.detail, l.position AS "position?",
                  encode(l.hash, 'hex') AS "hash?"
           FROM audit_entries e LEFT JOIN audit_links l ON l.entry_id = e.id WHERE e.id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// The actions there are, one step of the index each however long the log is.
pub async fn actions(tx: &mut TenantTx) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"WITH RECURSIVE known AS (
               (SELECT action FROM audit_entries ORDER BY action LIMIT 1)
               UNION ALL
               SELECT (SELECT e.action FROM audit_entries e WHERE e.action > known.action ORDER BY e.action LIMIT 1)
               FROM known WHERE known.action IS NOT NULL)
           SELECT action AS "action!" FROM known WHERE action IS NOT NULL"#
    )
    .fetch_all(tx.conn())
    .await
}

/// The last link: its position and hash.
pub async fn head(tx: &mut TenantTx) -> Result<Option<(i64, Vec<u8>)>, sqlx::Error> {
    let row = sqlx::query!("SELECT position, hash FROM audit_links ORDER BY position DESC LIMIT 1");
    Ok(row.fetch_optional(tx.conn()).await?.map(|row| (row.position, row.hash)))
}

/// Entries without a link, in time: those after a place in time, or all there may be. A transaction may commit after later ones,
/// but not an hour later: older entries are not looked for. Links are looked up by their entry, whatever the database believes of
/// a young table.
pub async fn unlinked(tx: &mut TenantTx, after: Option<Place>, limit: i64) -> Result<Vec<Fact>, sqlx::Error> {
    let (at, id) = after.map(|(at, id)| (at, id.uuid())).unzip();
    sqlx::query_as!(
        Fact,
        r#"SELECT e.id AS "id: _", e.at, e.actor, e.action, e.subject, e.detail::text AS "detail!" FROM audit_entries e
           WHERE e.at >= coalesce($2, (SELECT n.at - interval '1 hour' FROM audit_entries n
                                       WHERE n.id = (SELECT h.entry_id FROM audit_links h ORDER BY h.position DESC LIMIT 1)), '-infinity')
             AND (e.at, e.id) > ($2, $3) IS NOT FALSE
             AND NOT EXISTS (SELECT FROM audit_links l WHERE l.entry_id = e.id OFFSET 0)
           ORDER BY e.at, e.id LIMIT $1"#,
        limit,
        at,
        id
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn insert_links(
    tx: &mut TenantTx,
    positions: &[i64],
    entries: &[Uuid],
    hashes: &[Vec<u8>],
) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant();
    sqlx::query!(
        "INSERT INTO audit_links (tenant_id, position, entry_id, hash)
         SELECT $1, link.* FROM unnest($2::bigint[], $3::uuid[], $4::bytea[]) AS link",
        tenant.uuid(),
        positions,
        entries,
        hashes
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The links that follow a position, in order.
pub async fn links(tx: &mut TenantTx, after: i64, limit: i64) -> Result<Vec<Link>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT l.position, l.entry_id AS "entry: AuditEntryId", l.hash, e.at AS "at?", e.actor AS "actor?", e.action AS "action?",
                  e.subject AS "subject?", e.detail::text AS "detail?"
           FROM audit_links l LEFT JOIN audit_entries e ON e.id = l.entry_id
           WHERE l.position > $1 ORDER BY l.position LIMIT $2"#,
        after,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    let link = |position, id, hash, fact: Option<(_, _, _, _, _)>| Link {
        position,
        entry: id,
        hash,
        fact: fact.map(|(at, actor, action, subject, detail)| Fact { id, at, actor, action, subject, detail }),
    };
    let links = rows.into_iter().map(|row| {
        let fact = row.at.zip(row.actor).zip(row.action).zip(row.subject.zip(row.detail));
        let fact = fact.map(|(((at, actor), action), (subject, detail))| (at, actor, action, subject, detail));
        link(row.position, row.entry, row.hash, fact)
    });
    Ok(links.collect())
}

/// How many entries are not linked yet.
pub async fn pending(tx: &mut TenantTx) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM audit_entries e WHERE NOT EXISTS (SELECT FROM audit_links l WHERE l.entry_id = e.id)"#
    )
    .fetch_one(tx.conn())
    .await
}

/// An entry without a link that is too old to get one.
pub async fn stray(tx: &mut TenantTx) -> Result<Option<AuditEntryId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT e.id AS "id: AuditEntryId" FROM audit_entries e
           WHERE NOT EXISTS (SELECT FROM audit_links l WHERE l.entry_id = e.id)
             AND e.at < (SELECT n.at - interval '1 hour' FROM audit_links h JOIN audit_entries n ON n.id = h.entry_id
                         ORDER BY h.position DESC LIMIT 1)
           ORDER BY e.at LIMIT 1"#
    )
    .fetch_optional(tx.conn())
    .await
}
