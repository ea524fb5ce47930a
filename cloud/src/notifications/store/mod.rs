//! SQL of messages; their settings are in `settings`.

pub mod settings;

use chrono::{DateTime, Utc};

use super::model::NewMessage;
use super::{Attempt, Channel, Message, MessageFilter, MessageStatus, MessageText};
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccountId, InvoiceId, MessageId, SubscriberId};

/// A message about to be sent.
pub struct Due {
    pub channel: Channel,
    pub recipient: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub reply_to: String,
    pub invoice_id: Option<InvoiceId>,
    pub link: Option<Vec<u8>>,
    pub attempts: i32,
}

/// Writes a message, unless its cause has written it before; returns whether it did.
pub async fn insert(tx: &mut TenantTx, new: &NewMessage) -> Result<bool, sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    let done = sqlx::query!(
        "INSERT INTO messages (tenant_id, id, subscriber_id, account_id, cause, template, channel, recipient, language, subject, text,
                               html, reply_to, invoice_id, link, again_of, status, next_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 'queued', $17, $17)
         ON CONFLICT ON CONSTRAINT messages_once_per_cause DO NOTHING",
        tenant.uuid(),
        new.id.uuid(),
        new.subscriber.map(SubscriberId::uuid),
        new.account.map(AccountId::uuid),
        new.cause,
        new.template,
        new.channel.name(),
        new.recipient,
        new.language,
        new.subject,
        new.text,
        new.html,
        new.reply_to,
        new.invoice.map(InvoiceId::uuid),
        new.link,
        new.again_of.map(MessageId::uuid),
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn messages(tx: &mut TenantTx, page: Page, filter: &MessageFilter) -> Result<Vec<Message>, sqlx::Error> {
    sqlx::query_as!(
        Message,
        r#"SELECT id AS "id: _", subscriber_id AS "subscriber_id: _", account_id AS "account_id: _", template, channel AS "channel: _",
                  recipient, language, subject, status AS "status: _", attempts, answer, next_at, created_at, settled_at
           FROM messages
           WHERE ($1::uuid IS NULL OR subscriber_id = $1) AND ($2::uuid IS NULL OR account_id = $2)
             AND ($3::text IS NULL OR channel = $3) AND ($4::text IS NULL OR status = $4) AND ($5::uuid IS NULL OR id < $5)
           ORDER BY id DESC LIMIT $6"#,
        filter.subscriber.map(SubscriberId::uuid),
        filter.account.map(AccountId::uuid),
        filter.channel.map(Channel::name),
        filter.status.map(MessageStatus::name),
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn message(tx: &mut TenantTx, id: MessageId) -> Result<Option<MessageText>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT id AS "id: MessageId", subscriber_id AS "subscriber_id: SubscriberId", account_id AS "account_id: AccountId", template,
                  channel AS "channel: Channel", recipient, language, subject, status AS "status: MessageStatus", attempts, answer, next_at,
                  created_at, settled_at, text, html, reply_to, invoice_id AS "invoice_id: InvoiceId", again_of AS "again_of: MessageId"
           FROM messages WHERE id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let message = Message {
        id: row.id,
        subscriber_id: row.subscriber_id,
        account_id: row.account_id,
        template: row.template,
        channel: row.channel,
        recipient: row.recipient,
        language: row.language,
        subject: row.subject,
        status: row.status,
        attempts: row.attempts,
        answer: row.answer,
        next_at: row.next_at,
        created_at: row.created_at,
        settled_at: row.settled_at,
    };
    let log = sqlx::query_as!(
        Attempt,
        "SELECT number, at, outcome, answer FROM message_attempts WHERE message_id = $1 ORDER BY number",
        id.uuid()
    )
    .fetch_all(tx.conn())
    .await?;
    let (text, html, invoice_id, again_of) = (row.text, row.html, row.invoice_id, row.again_of);
    let reply_to = row.reply_to;
    Ok(Some(MessageText { message, text, html, reply_to, invoice_id, again_of, log }))
}

/// The message, if it is still to be sent.
pub async fn due(tx: &mut TenantTx, id: MessageId) -> Result<Option<Due>, sqlx::Error> {
    sqlx::query_as!(
        Due,
        r#"SELECT channel AS "channel: _", recipient, subject, text, html, reply_to, invoice_id AS "invoice_id: _", link, attempts
           FROM messages WHERE id = $1 AND status = 'queued'"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// The end of an attempt.
pub struct Ended<'a> {
    pub status: MessageStatus,
    pub outcome: &'static str,
    pub answer: &'a str,
    pub next_at: Option<DateTime<Utc>>,
}

/// Notes the end of an attempt, unless somebody else has noted it; returns whether it did.
pub async fn note(
    tx: &mut TenantTx,
    id: MessageId,
    attempts_before: i32,
    ended: &Ended<'_>,
) -> Result<bool, sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    let settled_at = (ended.status != MessageStatus::Queued).then_some(at);
    let noted = sqlx::query!(
        "UPDATE messages SET status = $3, answer = $4, attempts = attempts + 1, next_at = $5, settled_at = $6,
                link = CASE WHEN $3 = 'queued' THEN link END
         WHERE id = $1 AND status = 'queued' AND attempts = $2",
        id.uuid(),
        attempts_before,
        ended.status.name(),
        ended.answer,
        ended.next_at,
        settled_at
    )
    .execute(tx.conn())
    .await?;
    if noted.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!(
        "INSERT INTO message_attempts (tenant_id, message_id, number, at, outcome, answer) VALUES ($1, $2, $3, $4, $5, $6)",
        tenant.uuid(),
        id.uuid(),
        attempts_before + 1,
        at,
        ended.outcome,
        ended.answer
    )
    .execute(tx.conn())
    .await?;
    Ok(true)
}
