//! A subscriber's own tickets: they see what was written to them, and nothing of others.

use serde::Deserialize;
use utoipa::ToSchema;
use weir_rules::support::answer::diagnose;
use weir_rules::support::priority::Impact;

use super::conversation::{self, Author, Words};
use super::service::{self, Links};
use super::{
    Answer, Channel, Conversation, EntryKind, Error, File, Ticket, TicketFilter, TicketWish, answer, attachments,
    facts, store,
};
use crate::app::App;
use crate::db::{Scope, TenantTx};
use crate::http::paging::Page;
use crate::ids::{AttachmentId, SubscriberId, SubscriptionId, TicketId};
use crate::subscribers::{self, Subscriber};
use crate::{subscriptions, tenants};

/// What a subscriber asks.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What it is about, 1-200 characters.
    pub title: String,
    /// What they say.
    pub body: String,
    /// Which of their lines; their only one if absent.
    pub subscription_id: Option<SubscriptionId>,
}

/// Opens a ticket for a subscriber and tells them at once what we see, in their language.
pub async fn open_as_subscriber(
    app: &App,
    scope: &Scope,
    subscriber: SubscriberId,
    question: Question,
    files: Vec<File>,
) -> Result<(Ticket, Vec<Answer>), Error> {
    let mut tx = app.db.begin(scope).await?;
    let person = subscribers::subscriber(&mut tx, subscriber).await?;
    let links = links(&mut tx, &person, question.subscription_id).await?;
    let author = Author::subscriber(subscriber, person.name.clone(), Channel::Portal);
    let words = Words::plain(&question.body);
    let wish = TicketWish {
        title: question.title,
        body: question.body,
        subscriber_id: None,
        account_id: None,
        subscription_id: None,
        router_id: None,
        invoice_id: None,
        impact: if links.subscription.is_some() { Impact::OneLine } else { Impact::Question },
        priority: None,
        assignee_id: None,
    };
    let ticket = service::open_by(&mut tx, Channel::Portal, &author, links, &wish, words, files).await?;
    tx.commit().await?;
    let answers = answers(app, scope, &person, &ticket).await?;
    Ok((ticket, answers))
}

async fn links(tx: &mut TenantTx, person: &Subscriber, line: Option<SubscriptionId>) -> Result<Links, Error> {
    let Some(id) = line else { return service::only_links(tx, person.id).await };
    let sold = subscriptions::subscription(tx, id).await?;
    if subscribers::account(tx, sold.account_id).await?.subscriber_id != person.id {
        return Err(subscriptions::Error::NotFound(id).into());
    }
    Ok(Links {
        subscriber: Some(person.id),
        account: Some(sold.account_id),
        subscription: Some(id),
        router: Some(sold.router_id),
        invoice: None,
    })
}

async fn answers(app: &App, scope: &Scope, person: &Subscriber, ticket: &Ticket) -> Result<Vec<Answer>, Error> {
    let links = Links::of(ticket);
    let sample = facts::sample(app, scope, links).await?;
    let mut tx = app.db.read(scope).await?;
    let zone = tenants::tenant(&mut tx).await?.time_zone.parse().unwrap_or(chrono_tz::UTC);
    let facts = facts::gather(&mut tx, links, Some(ticket.id), sample.as_ref()).await?;
    Ok(diagnose(&facts).iter().map(|finding| answer(&person.language, zone, finding)).collect())
}

/// Adds what a subscriber writes; a ticket that is closed stays so.
pub async fn reply_as_subscriber(
    tx: &mut TenantTx,
    subscriber: SubscriberId,
    id: TicketId,
    body: &str,
    files: Vec<File>,
) -> Result<Conversation, Error> {
    let ticket = own(tx, subscriber, id).await?;
    let files = attachments::check_all(files)?;
    let person = subscribers::subscriber(tx, subscriber).await?;
    let author = Author::subscriber(subscriber, person.name, Channel::Portal);
    let heard = conversation::hear(tx, id, &author, Words::plain(body), files).await?;
    let heard = heard.ok_or(Error::Closed(ticket.number))?;
    own_conversation(tx, subscriber, heard).await
}

/// A page of a subscriber's tickets, newest first among those not promised.
pub async fn own_tickets(tx: &mut TenantTx, subscriber: SubscriberId, page: Page) -> Result<Vec<Ticket>, Error> {
    let filter = TicketFilter { subscriber: Some(subscriber), ..TicketFilter::default() };
    Ok(store::tickets(tx, None, &filter, page).await?)
}

/// One of a subscriber's tickets with what was written to and by them.
pub async fn own_conversation(
    tx: &mut TenantTx,
    subscriber: SubscriberId,
    id: TicketId,
) -> Result<Conversation, Error> {
    own(tx, subscriber, id).await?;
    let mut conversation = service::conversation(tx, id).await?;
    conversation.entries.retain(|entry| entry.kind == EntryKind::Reply);
    Ok(conversation)
}

/// A file of one of a subscriber's tickets: its name, its type, all of it.
pub async fn own_attachment(
    tx: &mut TenantTx,
    subscriber: SubscriberId,
    id: AttachmentId,
) -> Result<(String, String, Vec<u8>), Error> {
    match store::entries::ticket_of(tx, id).await? {
        Some((ticket, true)) if own(tx, subscriber, ticket).await.is_ok() => service::attachment(tx, id).await,
        _ => Err(Error::AttachmentNotFound(id)),
    }
}

async fn own(tx: &mut TenantTx, subscriber: SubscriberId, id: TicketId) -> Result<Ticket, Error> {
    let ticket = service::ticket(tx, id).await?;
    if ticket.subscriber_id == Some(subscriber) { Ok(ticket) } else { Err(Error::NotFound(id)) }
}
