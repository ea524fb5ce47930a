//! What others hear of tickets.

use serde_json::{Value, json};

use super::conversation::Author;
use super::{Error, Side, Ticket};
use crate::db::TenantTx;
use crate::ids::TicketEntryId;

/// Characters of a reply that are told with it.
const EXCERPT: usize = 300;

pub(super) async fn opened(tx: &mut TenantTx, ticket: &Ticket) -> Result<(), Error> {
    publish(tx, ticket, json!({ "priority": ticket.priority, "impact": ticket.impact })).await
}

/// A public reply; `side` says whose.
pub(super) async fn replied(
    tx: &mut TenantTx,
    ticket: &Ticket,
    entry: TicketEntryId,
    author: &Author,
    body: &str,
) -> Result<(), Error> {
    let excerpt: String = body.chars().take(EXCERPT).collect();
    let by_staff = author.side == Side::Staff;
    let facts =
        json!({ "entry": entry, "excerpt": excerpt, "public": true, "side": author.side, "by_staff": by_staff });
    publish(tx, ticket, facts).await
}

pub(super) async fn solved(tx: &mut TenantTx, ticket: &Ticket) -> Result<(), Error> {
    publish(tx, ticket, json!({ "solved_at": ticket.solved_at })).await
}

pub(super) async fn sla_missed(tx: &mut TenantTx, ticket: &Ticket, facts: Value) -> Result<(), Error> {
    publish(tx, ticket, facts).await
}

async fn publish(_tx: &mut TenantTx, _ticket: &Ticket, _facts: Value) -> Result<(), Error> {
    Ok(())
}
