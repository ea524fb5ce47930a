//! E-mail nobody could be found for: staff connect it to a ticket or a subscriber, or discard it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::parse;
use crate::audit;
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{SubscriberId, SupportMailId, TicketId};
use crate::tickets::conversation::Author;
use crate::tickets::{Channel, Error, Side, Ticket, service, store};

/// An e-mail somebody has to look at.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UnmatchedMail {
    /// Which.
    pub id: SupportMailId,
    /// From which address.
    pub sender: String,
    /// Under which name.
    pub sender_name: String,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub body: String,
    /// `unknown_sender`, `several_subscribers`, `other_sender` or `forged_tag`.
    pub reason: String,
    /// When it came.
    pub received_at: DateTime<Utc>,
}

/// Where an e-mail goes: into a ticket, or into a new one of a subscriber.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectWish {
    /// The ticket it belongs to.
    pub ticket_id: Option<TicketId>,
    /// Whose it is, when it begins a new ticket.
    pub subscriber_id: Option<SubscriberId>,
}

/// A page of e-mails to look at, newest first.
pub async fn unmatched_mails(tx: &mut TenantTx, page: Page) -> Result<Vec<UnmatchedMail>, Error> {
    Ok(store::mails::unmatched(tx, None, page).await?)
}

/// How many there are to look at.
pub async fn unmatched_count(tx: &mut TenantTx) -> Result<i64, Error> {
    Ok(store::mails::unmatched_count(tx).await?)
}

/// One of them.
pub async fn unmatched(tx: &mut TenantTx, id: SupportMailId) -> Result<UnmatchedMail, Error> {
    let one = Page { after: None, limit: 1 };
    store::mails::unmatched(tx, Some(id), one).await?.pop().ok_or(Error::MailNotFound(id))
}

/// Puts an e-mail where staff say it belongs.
pub async fn connect(tx: &mut TenantTx, id: SupportMailId, wish: ConnectWish) -> Result<Ticket, Error> {
    let raw = store::mails::take_raw(tx, id).await?.ok_or(Error::MailNotFound(id))?;
    let mail = parse::read(&raw).ok_or(Error::MailUnreadable)?;
    let name = if mail.sender_name.is_empty() { mail.sender.clone() } else { mail.sender_name.clone() };
    let author = Author { side: Side::Subscriber, id: mail.sender.clone(), name, channel: Channel::Email };
    let ticket = match (wish.ticket_id, wish.subscriber_id) {
        (Some(ticket), None) => {
            let found = service::ticket(tx, ticket).await?;
            super::into_ticket(tx, &mail, ticket, &author).await?.ok_or(Error::Closed(found.number))?
        }
        (None, Some(subscriber)) => {
            let (links, _) = super::links_of(tx, subscriber).await?;
            super::open_ticket(tx, &mail, links, &author).await?
        }
        _ => return Err(Error::field("ticket_id", "must name a ticket or a subscriber, one of the two")),
    };
    store::mails::settle(tx, id, "taken", Some(ticket)).await?;
    audit::record(tx, "connect e-mail", id, json!({ "ticket": ticket })).await?;
    service::ticket(tx, ticket).await
}

/// Discards an e-mail nobody needs.
pub async fn discard(tx: &mut TenantTx, id: SupportMailId) -> Result<(), Error> {
    store::mails::take_raw(tx, id).await?.ok_or(Error::MailNotFound(id))?;
    store::mails::settle(tx, id, "discarded", None).await?;
    Ok(audit::record(tx, "discard e-mail", id, json!({})).await?)
}
