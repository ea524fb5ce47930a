//! Opening tickets and finding them again.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use weir_rules::support::priority::{PlanWeight, priority};
use weir_rules::support::status::TicketStatus;

use super::conversation::{self, Author, Words};
use super::{
    Channel, Conversation, Error, File, Promise, Ticket, TicketCounts, TicketFilter, TicketWish, attachments, events,
    policy, store,
};
use crate::db::{Actor, TenantTx};
use crate::error::FieldError;
use crate::http::paging::Page;
use crate::ids::{AccountId, AttachmentId, InvoiceId, PlanVersionId, RouterId, SubscriberId, SubscriptionId, TicketId};
use crate::subscriptions::Status;
use crate::{access, audit, billing, catalog, network, subscribers, subscriptions};

const TITLE_MAX: usize = 200;
/// Lines of an account that are looked at for the heaviest plan.
const LINES: Page = Page { after: None, limit: 200 };
/// A promise that ends so soon is about to be missed.
pub const SOON: TimeDelta = TimeDelta::hours(1);

/// What a ticket is about.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Links {
    pub subscriber: Option<SubscriberId>,
    pub account: Option<AccountId>,
    pub subscription: Option<SubscriptionId>,
    pub router: Option<RouterId>,
    pub invoice: Option<InvoiceId>,
}

/// A page of tickets: those first whose promise ends first, then the newest.
pub async fn tickets(tx: &mut TenantTx, page: Page, filter: &TicketFilter) -> Result<Vec<Ticket>, Error> {
    Ok(store::tickets(tx, None, filter, page).await?)
}

/// One ticket.
pub async fn ticket(tx: &mut TenantTx, id: TicketId) -> Result<Ticket, Error> {
    let one = Page { after: None, limit: 1 };
    store::tickets(tx, Some(id), &TicketFilter::default(), one).await?.pop().ok_or(Error::NotFound(id))
}

/// One ticket with its history.
pub async fn conversation(tx: &mut TenantTx, id: TicketId) -> Result<Conversation, Error> {
    let ticket = ticket(tx, id).await?;
    let entries = store::entries::entries(tx, id).await?;
    Ok(Conversation { ticket, entries })
}

/// One ticket that nobody else changes until this transaction ends.
pub(super) async fn locked(tx: &mut TenantTx, id: TicketId) -> Result<Ticket, Error> {
    store::lock(tx, id).await?;
    ticket(tx, id).await
}

/// A file that came with an entry: its name, its type, all of it.
pub async fn attachment(tx: &mut TenantTx, id: AttachmentId) -> Result<(String, String, Vec<u8>), Error> {
    store::entries::attachment(tx, id).await?.ok_or(Error::AttachmentNotFound(id))
}

/// How many tickets want somebody now.
pub async fn counts(tx: &mut TenantTx) -> Result<TicketCounts, Error> {
    let soon = tx.at() + SOON;
    Ok(store::counts(tx, soon).await?)
}

/// Opens a ticket for whoever staff speak for.
pub async fn open(tx: &mut TenantTx, wish: TicketWish) -> Result<Ticket, Error> {
    let author = Author::acting(tx).await?;
    let links = links(tx, &wish).await?;
    open_by(tx, Channel::Staff, &author, links, &wish, Words::plain(&wish.body), Vec::new()).await
}

/// Opens a ticket about what `links` name; nothing of the wish's own links is read.
pub(super) async fn open_by(
    tx: &mut TenantTx,
    channel: Channel,
    author: &Author,
    links: Links,
    wish: &TicketWish,
    words: Words,
    files: Vec<File>,
) -> Result<Ticket, Error> {
    let title = check(wish, &words)?;
    let files = attachments::check_all(files)?;
    let assignee = match wish.assignee_id {
        Some(id) => Some(assignable(tx, id).await?),
        None => None,
    };
    let weight = weight(tx, links).await?;
    let priority = wish.priority.unwrap_or_else(|| priority(weight, wish.impact));
    let rules = policy::policy(tx).await?;
    let (hours, target) = (policy::hours(tx, &rules).await?, rules.target(priority));
    let (id, now): (TicketId, DateTime<Utc>) = (tx.new_id(), tx.at());
    let today = billing::today(tx).await?;
    let ticket = Ticket {
        id,
        number: billing::number(tx, "ticket", "T", today).await?,
        title,
        channel,
        status: TicketStatus::New,
        impact: wish.impact,
        priority,
        subscriber_id: links.subscriber,
        subscriber: None,
        account_id: links.account,
        subscription_id: links.subscription,
        router_id: links.router,
        invoice_id: links.invoice,
        assignee_id: assignee.as_ref().map(|member| member.id),
        assignee: assignee.map(|member| member.name),
        opened_by: author.id.clone(),
        opened_at: now,
        changed_at: now,
        solved_at: None,
        closed_at: None,
        merged_into: None,
        response: Promise::start(&hours, target.first_response_minutes, now),
        resolution: Promise::start(&hours, target.resolution_minutes, now),
    };
    store::insert(tx, &ticket).await?;
    conversation::append(tx, &ticket, conversation::first(author, words), files).await?;
    audit::record(tx, "open ticket", id, json!({ "number": ticket.number, "channel": channel })).await?;
    events::opened(tx, &ticket).await?;
    self::ticket(tx, id).await
}

fn check(wish: &TicketWish, words: &Words) -> Result<String, Error> {
    let mut errors = Vec::new();
    let title = wish.title.split_whitespace().collect::<Vec<_>>().join(" ");
    if title.is_empty() {
        errors.push(FieldError::new("title", "must not be empty"));
    } else if title.chars().count() > TITLE_MAX {
        errors.push(FieldError::new("title", format!("must have at most {TITLE_MAX} characters")));
    }
    words.check(&mut errors);
    if errors.is_empty() { Ok(title) } else { Err(Error::Invalid(errors)) }
}

/// Somebody of the staff who still works here.
pub(super) async fn assignable(tx: &mut TenantTx, id: crate::ids::StaffId) -> Result<access::Member, Error> {
    match access::member(tx, id).await {
        Ok(member) if member.disabled_at.is_none() => Ok(member),
        Ok(_) | Err(access::Error::NotFound(_)) => Err(Error::field("assignee_id", "nobody of the staff has this id")),
        Err(error) => Err(error.into()),
    }
}

/// What the wish names, and what follows from it; things of two subscribers do not go together.
async fn links(tx: &mut TenantTx, wish: &TicketWish) -> Result<Links, Error> {
    let mut links = Links { subscriber: wish.subscriber_id, router: wish.router_id, ..Links::default() };
    if let Some(id) = wish.subscriber_id {
        subscribers::subscriber(tx, id).await?;
    }
    if let Some(id) = wish.router_id {
        network::router(tx, id).await?;
    }
    let mut accounts = Vec::new();
    if let Some(id) = wish.account_id {
        accounts.push(("account_id", id));
    }
    if let Some(id) = wish.subscription_id {
        let sold = subscriptions::subscription(tx, id).await?;
        links.subscription = Some(id);
        links.router = links.router.or(Some(sold.router_id));
        accounts.push(("subscription_id", sold.account_id));
    }
    if let Some(id) = wish.invoice_id {
        accounts.push(("invoice_id", billing::invoice(tx, id).await?.summary.account_id));
        links.invoice = Some(id);
    }
    for (field, id) in accounts {
        let account = subscribers::account(tx, id).await?;
        if links.account.is_some_and(|other| other != id) {
            return Err(Error::field(field, "belongs to another account"));
        }
        if links.subscriber.is_some_and(|other| other != account.subscriber_id) {
            return Err(Error::field(field, "belongs to another subscriber"));
        }
        links.account = Some(id);
        links.subscriber = Some(account.subscriber_id);
    }
    if links.subscriber.is_none() && links.router.is_none() {
        return Err(Error::field("subscriber_id", "a ticket is about a subscriber or a router"));
    }
    Ok(links)
}

/// What a subscriber's words are about when they do not say: their only account, their only line.
pub(super) async fn only_links(tx: &mut TenantTx, subscriber: SubscriberId) -> Result<Links, Error> {
    let mut links = Links { subscriber: Some(subscriber), ..Links::default() };
    let accounts = subscribers::accounts(tx, Some(subscriber), LINES).await?;
    let mut lines = Vec::new();
    for account in &accounts {
        lines.extend(subscriptions::subscriptions(tx, Some(account.id), LINES).await?);
    }
    lines.retain(|line| line.status != Status::Closed);
    if let [line] = &lines[..] {
        links.account = Some(line.account_id);
        links.subscription = Some(line.id);
        links.router = Some(line.router_id);
    } else if let [account] = &accounts[..] {
        links.account = Some(account.id);
    }
    Ok(links)
}

/// The weight of the line's plan, or of the heaviest plan of the account.
pub(super) async fn weight(tx: &mut TenantTx, links: Links) -> Result<PlanWeight, Error> {
    let weights = policy::plan_weights(tx).await?;
    if weights.is_empty() {
        return Ok(PlanWeight::Standard);
    }
    let versions: Vec<PlanVersionId> = match (links.subscription, links.account) {
        (Some(id), _) => vec![subscriptions::subscription(tx, id).await?.plan_version_id],
        (None, Some(account)) => {
            let sold = subscriptions::subscriptions(tx, Some(account), LINES).await?;
            sold.into_iter().filter(|sold| sold.status != Status::Closed).map(|sold| sold.plan_version_id).collect()
        }
        (None, None) => Vec::new(),
    };
    let mut heaviest = PlanWeight::Standard;
    for version in versions {
        let plan = catalog::version(tx, version).await?.plan_id;
        heaviest = heaviest.max(weights.get(&plan).copied().unwrap_or(PlanWeight::Standard));
    }
    Ok(heaviest)
}

impl Author {
    /// Whoever acts in this transaction.
    pub(super) async fn acting(tx: &mut TenantTx) -> Result<Self, Error> {
        match tx.actor() {
            Actor::Staff(id) => Ok(Self::staff(id, access::member(tx, id).await?.name)),
            other => Ok(Self::system(other.to_string())),
        }
    }
}
