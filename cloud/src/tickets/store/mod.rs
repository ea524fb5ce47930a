//! SQL of tickets.

pub mod entries;
pub mod facts;
pub mod mails;
pub mod policy;

use chrono::{DateTime, Utc};
use weir_rules::support::priority::{Impact, Priority};
use weir_rules::support::status::TicketStatus;

use super::{Channel, Promise, Ticket, TicketCounts, TicketFilter};
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccountId, InvoiceId, RouterId, StaffId, SubscriberId, SubscriptionId, TicketId};

struct TicketRow {
    id: TicketId,
    number: String,
    title: String,
    channel: String,
    status: String,
    impact: String,
    priority: String,
    subscriber_id: Option<SubscriberId>,
    subscriber: Option<String>,
    account_id: Option<AccountId>,
    subscription_id: Option<SubscriptionId>,
    router_id: Option<RouterId>,
    invoice_id: Option<InvoiceId>,
    assignee_id: Option<StaffId>,
    assignee: Option<String>,
    opened_by: String,
    opened_at: DateTime<Utc>,
    changed_at: DateTime<Utc>,
    solved_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
    merged_into: Option<TicketId>,
    response_target_minutes: i32,
    response_due_at: Option<DateTime<Utc>>,
    response_left_s: Option<i64>,
    response_at: Option<DateTime<Utc>>,
    response_missed_at: Option<DateTime<Utc>>,
    resolution_target_minutes: i32,
    resolution_due_at: Option<DateTime<Utc>>,
    resolution_left_s: Option<i64>,
    resolution_missed_at: Option<DateTime<Utc>>,
}

impl From<TicketRow> for Ticket {
    fn from(row: TicketRow) -> Self {
        let status = TicketStatus::from_name(&row.status).unwrap_or(TicketStatus::Closed);
        let ended = row.solved_at.or(row.closed_at);
        Self {
            id: row.id,
            number: row.number,
            title: row.title,
            channel: Channel::from_name(&row.channel),
            status,
            impact: Impact::from_name(&row.impact).unwrap_or(Impact::Question),
            priority: Priority::from_name(&row.priority).unwrap_or(Priority::Normal),
            subscriber_id: row.subscriber_id,
            subscriber: row.subscriber,
            account_id: row.account_id,
            subscription_id: row.subscription_id,
            router_id: row.router_id,
            invoice_id: row.invoice_id,
            assignee_id: row.assignee_id,
            assignee: row.assignee,
            opened_by: row.opened_by,
            opened_at: row.opened_at,
            changed_at: row.changed_at,
            solved_at: row.solved_at,
            closed_at: row.closed_at,
            merged_into: row.merged_into,
            response: Promise {
                target_minutes: row.response_target_minutes,
                due_at: row.response_due_at,
                left_seconds: row.response_left_s,
                kept_at: row.response_at,
                missed_at: row.response_missed_at,
            },
            resolution: Promise {
                target_minutes: row.resolution_target_minutes,
                due_at: row.resolution_due_at,
                left_seconds: row.resolution_left_s,
                kept_at: ended.filter(|_| !status.is_active()),
                missed_at: row.resolution_missed_at,
            },
        }
    }
}

/// One ticket, or a page of those the filter lets through.
pub async fn tickets(
    tx: &mut TenantTx,
    id: Option<TicketId>,
    filter: &TicketFilter,
    page: Page,
) -> Result<Vec<Ticket>, sqlx::Error> {
    let statuses: Vec<_> = filter.statuses.iter().map(|status| status.name().to_owned()).collect();
    let text = filter.text.as_deref().map(str::to_lowercase).filter(|text| !text.is_empty());
    let rows = sqlx::query_as!(
        TicketRow,
        r#"SELECT t.id AS "id: _", t.number, t.title, t.channel, t.status, t.impact, t.priority,
                  t.subscriber_id AS "subscriber_id: _", s.name AS "subscriber?", t.account_id AS "account_id: _",
                  t.subscription_id AS "subscription_id: _", t.router_id AS "router_id: _", t.invoice_id AS "invoice_id: _",
                  t.assignee_id AS "assignee_id: _", a.name AS "assignee?", t.opened_by, t.opened_at, t.changed_at, t.solved_at,
                  t.closed_at, t.merged_into AS "merged_into: _", t.response_target_minutes, t.response_due_at, t.response_left_s,
                  t.response_at, t.response_missed_at, t.resolution_target_minutes, t.resolution_due_at, t.resolution_left_s,
                  t.resolution_missed_at
           FROM tickets t LEFT JOIN subscribers s ON s.id = t.subscriber_id LEFT JOIN staff a ON a.id = t.assignee_id
           WHERE ($1::uuid IS NULL OR t.id = $1) AND (cardinality($2::text[]) = 0 OR t.status = ANY ($2))
             AND ($3::uuid IS NULL OR t.assignee_id = $3) AND (NOT $4 OR t.assignee_id IS NULL)
             AND ($5::uuid IS NULL OR t.subscriber_id = $5) AND ($6::uuid IS NULL OR t.subscription_id = $6)
             AND ($7::uuid IS NULL OR t.router_id = $7) AND ($8::timestamptz IS NULL OR t.next_due_at <= $8)
             AND ($9::text IS NULL OR position($9 IN lower(t.number || ' ' || t.title)) > 0)
             AND ($10::uuid IS NULL OR EXISTS (SELECT FROM tickets seen WHERE seen.id = $10
                 AND (t.next_due_at > seen.next_due_at OR (t.next_due_at = seen.next_due_at AND t.id < seen.id))))
           ORDER BY t.next_due_at, t.id DESC LIMIT $11"#,
        id.map(TicketId::uuid),
        &statuses,
        filter.assignee.map(StaffId::uuid),
        filter.unassigned,
        filter.subscriber.map(SubscriberId::uuid),
        filter.subscription.map(SubscriptionId::uuid),
        filter.router.map(RouterId::uuid),
        filter.due_by,
        text,
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Ticket::from).collect())
}

pub async fn lock(tx: &mut TenantTx, id: TicketId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT id FROM tickets WHERE id = $1 FOR UPDATE", id.uuid()).fetch_optional(tx.conn()).await?;
    Ok(())
}

pub async fn insert(tx: &mut TenantTx, ticket: &Ticket) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO tickets (tenant_id, id, number, title, channel, status, impact, priority, subscriber_id, account_id,
             subscription_id, router_id, invoice_id, assignee_id, opened_by, opened_at, changed_at, response_target_minutes,
             response_due_at, resolution_target_minutes, resolution_due_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $17, $18, $19, $20)",
        tenant,
        ticket.id.uuid(),
        ticket.number,
        ticket.title,
        ticket.channel.name(),
        ticket.status.name(),
        ticket.impact.name(),
        ticket.priority.name(),
        ticket.subscriber_id.map(SubscriberId::uuid),
        ticket.account_id.map(AccountId::uuid),
        ticket.subscription_id.map(SubscriptionId::uuid),
        ticket.router_id.map(RouterId::uuid),
        ticket.invoice_id.map(InvoiceId::uuid),
        ticket.assignee_id.map(StaffId::uuid),
        ticket.opened_by,
        ticket.opened_at,
        ticket.response.target_minutes,
        ticket.response.due_at,
        ticket.resolution.target_minutes,
        ticket.resolution.due_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Saves all of a ticket that can change.
pub async fn update(tx: &mut TenantTx, ticket: &Ticket) -> Result<(), sqlx::Error> {
    let (response, resolution) = (&ticket.response, &ticket.resolution);
    sqlx::query!(
        "UPDATE tickets SET status = $2, impact = $3, priority = $4, assignee_id = $5, changed_at = $6, solved_at = $7, closed_at = $8,
                merged_into = $9, response_target_minutes = $10, response_due_at = $11, response_left_s = $12, response_at = $13,
                response_missed_at = $14, resolution_target_minutes = $15, resolution_due_at = $16, resolution_left_s = $17,
                resolution_missed_at = $18
         WHERE id = $1",
        ticket.id.uuid(),
        ticket.status.name(),
        ticket.impact.name(),
        ticket.priority.name(),
        ticket.assignee_id.map(StaffId::uuid),
        ticket.changed_at,
        ticket.solved_at,
        ticket.closed_at,
        ticket.merged_into.map(TicketId::uuid),
        response.target_minutes,
        response.due_at,
        response.left_seconds,
        response.kept_at,
        response.missed_at,
        resolution.target_minutes,
        resolution.due_at,
        resolution.left_seconds,
        resolution.missed_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many are not solved, nobody's, or have a promise that ends by `soon`.
pub async fn counts(tx: &mut TenantTx, soon: DateTime<Utc>) -> Result<TicketCounts, sqlx::Error> {
    sqlx::query_as!(
        TicketCounts,
        r#"SELECT count(*) AS "active!", count(*) FILTER (WHERE assignee_id IS NULL) AS "unassigned!",
                  count(*) FILTER (WHERE next_due_at <= $1) AS "breaching!"
           FROM tickets WHERE status IN ('new', 'open', 'waiting')"#,
        soon
    )
    .fetch_one(tx.conn())
    .await
}

/// Tickets with a promise that ended and is not noted as missed, locked.
pub async fn lock_missed(tx: &mut TenantTx, limit: i64) -> Result<Vec<TicketId>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_scalar!(
        r#"SELECT id AS "id: TicketId" FROM tickets
           WHERE next_due_at <= $1 AND ((response_due_at <= $1 AND response_missed_at IS NULL)
              OR (resolution_due_at <= $1 AND resolution_missed_at IS NULL))
           ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED"#,
        now,
        limit
    )
    .fetch_all(tx.conn())
    .await
}

/// Tickets solved by then that nobody opened again.
pub async fn solved_before(tx: &mut TenantTx, before: DateTime<Utc>, limit: i64) -> Result<Vec<TicketId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: TicketId" FROM tickets WHERE status = 'solved' AND solved_at < $1
           ORDER BY solved_at, id LIMIT $2"#,
        before,
        limit
    )
    .fetch_all(tx.conn())
    .await
}

/// Tickets with a promise that runs.
pub async fn running(tx: &mut TenantTx) -> Result<Vec<TicketId>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT id AS "id: TicketId" FROM tickets WHERE next_due_at < 'infinity' ORDER BY id"#)
        .fetch_all(tx.conn())
        .await
}

/// The ticket of this number.
pub async fn numbered(tx: &mut TenantTx, number: &str) -> Result<Option<TicketId>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT id AS "id: TicketId" FROM tickets WHERE number = $1"#, number)
        .fetch_optional(tx.conn())
        .await
}
