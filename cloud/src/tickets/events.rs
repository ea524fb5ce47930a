//! What others hear of tickets.

use serde_json::{Map, Value, json};

use super::conversation::Author;
use super::{Error, Side, Ticket, mail};
use crate::db::TenantTx;
use crate::events::{self, EventKind};
use crate::ids::TicketEntryId;

/// Characters of a reply that are told with it.
const EXCERPT: usize = 300;

pub(super) async fn opened(tx: &mut TenantTx, ticket: &Ticket) -> Result<(), Error> {
    let facts = json!({ "channel": ticket.channel, "priority": ticket.priority, "impact": ticket.impact });
    publish(tx, EventKind::TicketOpened, ticket, facts).await
}

/// A reply; `by_staff` says which way it went, and `reply_to` where an answer by e-mail finds the ticket again.
pub(super) async fn replied(
    tx: &mut TenantTx,
    ticket: &Ticket,
    entry: TicketEntryId,
    author: &Author,
    body: &str,
) -> Result<(), Error> {
    let excerpt: String = body.chars().take(EXCERPT).collect();
    let reply_to = mail::reply_address(tx, &ticket.number).await?;
    let facts = json!({
        "entry_id": entry,
        "excerpt": excerpt,
        "public": true,
        "by_staff": author.side == Side::Staff,
        "reply_to": reply_to,
    });
    publish(tx, EventKind::TicketReplied, ticket, facts).await
}

pub(super) async fn solved(tx: &mut TenantTx, ticket: &Ticket) -> Result<(), Error> {
    publish(tx, EventKind::TicketSolved, ticket, json!({ "solved_at": ticket.solved_at })).await
}

/// `promise` is `first_response` or `resolution`.
pub(super) async fn sla_missed(tx: &mut TenantTx, ticket: &Ticket, facts: Value) -> Result<(), Error> {
    publish(tx, EventKind::TicketSlaMissed, ticket, facts).await
}

async fn publish(tx: &mut TenantTx, kind: EventKind, ticket: &Ticket, facts: Value) -> Result<(), Error> {
    let mut data = Map::from_iter([
        ("ticket_number".to_owned(), json!(ticket.number)),
        ("title".to_owned(), json!(ticket.title)),
        ("subscriber_id".to_owned(), json!(ticket.subscriber_id)),
    ]);
    if let Value::Object(facts) = facts {
        data.extend(facts);
    }
    events::publish(tx, kind, ticket.id, ticket.account_id, Value::Object(data)).await?;
    Ok(())
}
