//! SQL of e-mail that came, and of mailboxes.

use crate::db::{PlatformTx, TenantTx};
use crate::http::paging::Page;
use crate::ids::{SubscriberId, SupportMailId, TenantId, TicketId};
use crate::tickets::mail::mailbox::Open;
use crate::tickets::mail::{Mail, Mailbox, Outcome, UnmatchedMail};

/// Whether a message came before; whoever asks about it at the same time waits until this transaction ends.
pub async fn came_before(tx: &mut TenantTx, message_id: &str) -> Result<bool, sqlx::Error> {
    let tenant = tx.tenant().uuid().to_string();
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1 || $2, 22))", tenant, message_id)
        .fetch_one(tx.conn())
        .await?;
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM support_mails WHERE message_id = $1) AS "came!""#, message_id)
        .fetch_one(tx.conn())
        .await
}

/// Keeps a message with what became of it.
pub async fn insert(
    tx: &mut TenantTx,
    id: SupportMailId,
    mail: &Mail,
    outcome: &Outcome,
    raw: &[u8],
) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    let (state, reason, ticket) = match outcome {
        Outcome::Taken { ticket_id } => ("taken", "", Some(*ticket_id)),
        Outcome::Unmatched { reason } => ("unmatched", *reason, None),
        Outcome::Ignored { reason } => ("ignored", *reason, None),
        Outcome::Duplicate => return Ok(()),
    };
    // What became part of a ticket is there; what nobody needs is kept by name only.
    let unmatched = state == "unmatched";
    let body = if unmatched { mail.text.as_str() } else { "" };
    sqlx::query!(
        "INSERT INTO support_mails (tenant_id, id, message_id, sender, sender_name, subject, body, state, reason, ticket_id, raw, received_at, settled_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        tenant,
        id.uuid(),
        mail.message_id,
        mail.sender,
        mail.sender_name,
        mail.subject,
        body,
        state,
        reason,
        ticket.map(TicketId::uuid),
        unmatched.then_some(raw),
        now,
        (!unmatched).then_some(now)
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The ticket a message became part of.
pub async fn ticket_of(tx: &mut TenantTx, message_id: &str) -> Result<Option<TicketId>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"SELECT ticket_id AS "id: TicketId" FROM support_mails WHERE message_id = $1 AND ticket_id IS NOT NULL"#,
        message_id
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found.flatten())
}

/// Subscribers with this address, two at most.
pub async fn senders(tx: &mut TenantTx, address: &str) -> Result<Vec<(SubscriberId, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: SubscriberId", name FROM subscribers WHERE lower(email) = $1 ORDER BY id LIMIT 20"#,
        address
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// Those somebody has to look at, newest first.
pub async fn unmatched(
    tx: &mut TenantTx,
    id: Option<SupportMailId>,
    page: Page,
) -> Result<Vec<UnmatchedMail>, sqlx::Error> {
    sqlx::query_as!(
        UnmatchedMail,
        r#"SELECT id AS "id: _", sender, sender_name, subject, body, reason, received_at FROM support_mails
           WHERE state = 'unmatched' AND ($1::uuid IS NULL OR id = $1) AND ($2::uuid IS NULL OR id < $2)
           ORDER BY id DESC LIMIT $3"#,
        id.map(SupportMailId::uuid),
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

/// How many somebody has to look at.
pub async fn unmatched_count(tx: &mut TenantTx) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM support_mails WHERE state = 'unmatched'"#)
        .fetch_one(tx.conn())
        .await
}

/// The whole of a message that waits for somebody, locked.
pub async fn take_raw(tx: &mut TenantTx, id: SupportMailId) -> Result<Option<Vec<u8>>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "SELECT raw FROM support_mails WHERE id = $1 AND state = 'unmatched' FOR UPDATE",
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found.flatten())
}

/// Notes what staff did with it, and forgets the message itself.
pub async fn settle(
    tx: &mut TenantTx,
    id: SupportMailId,
    state: &str,
    ticket: Option<TicketId>,
) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!(
        "UPDATE support_mails SET state = $2, ticket_id = $3, raw = NULL, body = '', settled_at = $4 WHERE id = $1",
        id.uuid(),
        state,
        ticket.map(TicketId::uuid),
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The mailbox and the key of its tags.
pub async fn mailbox(tx: &mut TenantTx) -> Result<Option<(Mailbox, Vec<u8>)>, sqlx::Error> {
    let row = sqlx::query!("SELECT address, created_at, tag_key FROM platform.support_mailboxes")
        .fetch_optional(tx.conn())
        .await?;
    Ok(row.map(|row| (Mailbox { address: row.address, created_at: row.created_at }, row.tag_key)))
}

pub async fn replace_mailbox(tx: &mut TenantTx, hash: &[u8], address: &str, key: &[u8]) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    sqlx::query!(
        "INSERT INTO platform.support_mailboxes (token_hash, tenant_id, address, tag_key, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id) DO UPDATE SET token_hash = $1, address = $3, created_at = $5",
        hash,
        tenant,
        address,
        key,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn delete_mailbox(tx: &mut TenantTx) -> Result<bool, sqlx::Error> {
    let deleted = sqlx::query!("DELETE FROM platform.support_mailboxes").execute(tx.conn()).await?;
    Ok(deleted.rows_affected() == 1)
}

pub async fn open(tx: &mut PlatformTx, hash: &[u8]) -> Result<Option<Open>, sqlx::Error> {
    sqlx::query_as!(
        Open,
        r#"SELECT tenant_id AS "tenant: TenantId", address, tag_key FROM platform.support_mailboxes WHERE token_hash = $1"#,
        hash
    )
    .fetch_optional(tx.conn())
    .await
}
