//! SQL of entries and attachments.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::db::TenantTx;
use crate::ids::{AttachmentId, TicketEntryId, TicketId};
use crate::tickets::attachments::Checked;
use crate::tickets::conversation::NewEntry;
use crate::tickets::{Attachment, Channel, Entry, EntryKind, Side};

/// Appends an entry; the ticket is locked or new.
pub async fn insert(
    tx: &mut TenantTx,
    ticket: TicketId,
    id: TicketEntryId,
    entry: &NewEntry,
) -> Result<(), sqlx::Error> {
    let (tenant, at) = (tx.tenant().uuid(), tx.at());
    sqlx::query!(
        "INSERT INTO ticket_entries (tenant_id, id, ticket_id, position, kind, side, author, author_name, channel, body, quoted, change, at)
         VALUES ($1, $2, $3, (SELECT coalesce(max(position), 0) + 1 FROM ticket_entries WHERE ticket_id = $3), $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        tenant,
        id.uuid(),
        ticket.uuid(),
        entry.kind.name(),
        entry.author.side.name(),
        entry.author.id,
        entry.author.name,
        entry.author.channel.name(),
        entry.words.body,
        entry.words.quoted,
        entry.change,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn insert_attachment(tx: &mut TenantTx, entry: TicketEntryId, file: &Checked) -> Result<(), sqlx::Error> {
    let (tenant, at, id) = (tx.tenant().uuid(), tx.at(), tx.new_id::<AttachmentId>());
    sqlx::query!(
        "INSERT INTO ticket_attachments (tenant_id, id, entry_id, name, media_type, content, added_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        tenant,
        id.uuid(),
        entry.uuid(),
        file.name,
        file.media_type,
        &file.content,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

struct EntryRow {
    id: TicketEntryId,
    kind: String,
    side: String,
    author: String,
    author_name: String,
    channel: String,
    body: String,
    quoted: String,
    change: Value,
    at: DateTime<Utc>,
}

/// A ticket's history with what came with it, from the first to the last.
pub async fn entries(tx: &mut TenantTx, ticket: TicketId) -> Result<Vec<Entry>, sqlx::Error> {
    let rows = sqlx::query_as!(
        EntryRow,
        r#"SELECT id AS "id: _", kind, side, author, author_name, channel, body, quoted, change, at
           FROM ticket_entries WHERE ticket_id = $1 ORDER BY position"#,
        ticket.uuid()
    )
    .fetch_all(tx.conn())
    .await?;
    let mut files = attachments(tx, ticket).await?;
    let shown = rows.into_iter().map(|row| Entry {
        id: row.id,
        kind: EntryKind::from_name(&row.kind),
        side: Side::from_name(&row.side),
        author: row.author,
        author_name: row.author_name,
        channel: Channel::from_name(&row.channel),
        body: row.body,
        quoted: row.quoted,
        change: row.change,
        at: row.at,
        attachments: files.remove(&row.id).unwrap_or_default(),
    });
    Ok(shown.collect())
}

async fn attachments(
    tx: &mut TenantTx,
    ticket: TicketId,
) -> Result<HashMap<TicketEntryId, Vec<Attachment>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT f.entry_id AS "entry: TicketEntryId", f.id AS "id: AttachmentId", f.name, f.media_type, length(f.content) AS "size!"
           FROM ticket_attachments f JOIN ticket_entries e ON e.id = f.entry_id WHERE e.ticket_id = $1 ORDER BY f.id"#,
        ticket.uuid()
    )
    .fetch_all(tx.conn())
    .await?;
    let mut files: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        let file = Attachment { id: row.id, name: row.name, media_type: row.media_type, size_bytes: row.size };
        files.entry(row.entry).or_default().push(file);
    }
    Ok(files)
}

/// Name, type and content.
pub async fn attachment(tx: &mut TenantTx, id: AttachmentId) -> Result<Option<(String, String, Vec<u8>)>, sqlx::Error> {
    let row = sqlx::query!("SELECT name, media_type, content FROM ticket_attachments WHERE id = $1", id.uuid())
        .fetch_optional(tx.conn())
        .await?;
    Ok(row.map(|row| (row.name, row.media_type, row.content)))
}

/// Whose ticket a file came with.
pub async fn ticket_of(tx: &mut TenantTx, id: AttachmentId) -> Result<Option<(TicketId, bool)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT e.ticket_id AS "ticket: TicketId", e.kind = 'reply' AS "public!" FROM ticket_attachments f
           JOIN ticket_entries e ON e.id = f.entry_id WHERE f.id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.ticket, row.public)))
}

/// The ticket whose entry has this id.
pub async fn entry_ticket(tx: &mut TenantTx, id: TicketEntryId) -> Result<Option<TicketId>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT ticket_id AS "id: TicketId" FROM ticket_entries WHERE id = $1"#, id.uuid())
        .fetch_optional(tx.conn())
        .await
}
