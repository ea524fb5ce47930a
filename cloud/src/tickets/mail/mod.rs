//! E-mail as a way to tickets: a message that came becomes a reply, a ticket, something for staff to look at, or nothing.
//!
//! Start with [`receive`]. A message counts once, by its Message-ID. [`parse`] reads it, [`tag`] signs reply addresses,
//! [`quote`] folds what it repeats.

pub(super) mod mailbox;
mod parse;
mod quote;
mod tag;
pub(super) mod unmatched;

use serde::Serialize;
use serde_json::json;
use weir_rules::support::priority::Impact;

pub(super) use self::parse::Mail;
use super::attachments::{self, Checked};
use super::conversation::{self, Author, NewEntry, Words};
use super::service::{self, Links};
use super::{Channel, EntryKind, Error, TicketWish, store};
use crate::app::App;
use crate::audit;
use crate::db::{Scope, TenantTx};
use crate::ids::{SubscriberId, SupportMailId, TicketId};
use crate::subscribers;
pub use mailbox::{MadeMailbox, Mailbox, MailboxWish, close_mailbox, mailbox, make_mailbox, reply_address};
pub use unmatched::{ConnectWish, UnmatchedMail, connect, discard, unmatched, unmatched_count, unmatched_mails};

/// Bytes of a message at most.
pub const MESSAGE_MAX: usize = 25 * 1024 * 1024;

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It is part of a ticket.
    Taken {
        /// Which.
        ticket_id: TicketId,
    },
    /// Staff have to look at it.
    Unmatched {
        /// Why.
        reason: &'static str,
    },
    /// Nobody needs it.
    Ignored {
        /// Why.
        reason: &'static str,
    },
    /// It came before.
    Duplicate,
}

/// Takes a raw message (RFC 5322) for whoever's mailbox the token opens.
pub async fn receive(app: &App, token: &str, raw: &[u8]) -> Result<Outcome, Error> {
    let mailbox = mailbox::open(app, token).await?;
    let mail = parse::read(raw).ok_or(Error::MailUnreadable)?;
    let mut tx = app.db.begin(&Scope::system(mailbox.tenant)).await?;
    if store::mails::came_before(&mut tx, &mail.message_id).await? {
        return Ok(Outcome::Duplicate);
    }
    let id: SupportMailId = tx.new_id();
    let outcome = judge(&mut tx, &mailbox, &mail).await?;
    store::mails::insert(&mut tx, id, &mail, &outcome, raw).await?;
    if let Outcome::Unmatched { reason } = outcome {
        audit::record(&mut tx, "keep unmatched e-mail", id, json!({ "reason": reason })).await?;
    }
    tx.commit().await?;
    Ok(outcome)
}

/// The mailbox a message may come to, before its body is read.
pub async fn is_known(app: &App, token: &str) -> Result<(), Error> {
    mailbox::open(app, token).await.map(|_| ())
}

async fn judge(tx: &mut TenantTx, mailbox: &mailbox::Open, mail: &Mail) -> Result<Outcome, Error> {
    if let Some(reason) = mail.automatic {
        return Ok(Outcome::Ignored { reason });
    }
    if mail.sender.eq_ignore_ascii_case(&mailbox.address) {
        return Ok(Outcome::Ignored { reason: "loop" });
    }
    let tagged = match tag::read(&mail.recipients, &mailbox.address, &mailbox.tag_key) {
        tag::Found::Forged => return Ok(Outcome::Unmatched { reason: "forged_tag" }),
        tag::Found::Ticket(number) => store::numbered(tx, &number).await?,
        tag::Found::Nothing => None,
    };
    let thread = match tagged {
        Some(ticket) => Some(ticket),
        None => answered(tx, mail).await?,
    };
    let known = store::mails::senders(tx, &mail.sender).await?;
    match (thread, &known[..]) {
        (Some(ticket), known) => {
            let owner = service::ticket(tx, ticket).await?.subscriber_id;
            match known.iter().find(|(id, _)| owner == Some(*id)) {
                Some((id, name)) => reply(tx, mail, ticket, *id, name).await,
                None => Ok(Outcome::Unmatched { reason: "other_sender" }),
            }
        }
        (None, [(id, name)]) => begin(tx, mail, *id, name).await,
        (None, []) => Ok(Outcome::Unmatched { reason: "unknown_sender" }),
        (None, _) => Ok(Outcome::Unmatched { reason: "several_subscribers" }),
    }
}

/// The ticket of the message this one answers, be it one that came or one of our replies.
async fn answered(tx: &mut TenantTx, mail: &Mail) -> Result<Option<TicketId>, Error> {
    for id in &mail.answers {
        let ours = id.split('@').next().and_then(|local| local.parse().ok());
        let ticket = match ours {
            Some(entry) => store::entries::entry_ticket(tx, entry).await?,
            None => store::mails::ticket_of(tx, id).await?,
        };
        if ticket.is_some() {
            return Ok(ticket);
        }
    }
    Ok(None)
}

async fn reply(
    tx: &mut TenantTx,
    mail: &Mail,
    ticket: TicketId,
    from: SubscriberId,
    name: &str,
) -> Result<Outcome, Error> {
    let author = Author::subscriber(from, name.to_owned(), Channel::Email);
    let ticket_id = into_ticket(tx, mail, ticket, &author).await?;
    match ticket_id {
        Some(ticket_id) => Ok(Outcome::Taken { ticket_id }),
        None => begin(tx, mail, from, name).await,
    }
}

/// Adds a message to a ticket; `None` when the ticket is over.
pub(super) async fn into_ticket(
    tx: &mut TenantTx,
    mail: &Mail,
    ticket: TicketId,
    author: &Author,
) -> Result<Option<TicketId>, Error> {
    let (files, left_out) = files(mail);
    let heard = conversation::hear(tx, ticket, author, words(mail), files).await?;
    if let Some(ticket) = heard {
        tell_left_out(tx, ticket, left_out).await?;
    }
    Ok(heard)
}

async fn begin(tx: &mut TenantTx, mail: &Mail, from: SubscriberId, name: &str) -> Result<Outcome, Error> {
    let author = Author::subscriber(from, name.to_owned(), Channel::Email);
    let links = service::only_links(tx, from).await?;
    Ok(Outcome::Taken { ticket_id: open_ticket(tx, mail, links, &author).await? })
}

/// Opens a ticket with a message.
pub(super) async fn open_ticket(
    tx: &mut TenantTx,
    mail: &Mail,
    links: Links,
    author: &Author,
) -> Result<TicketId, Error> {
    let impact = if links.subscription.is_some() { Impact::OneLine } else { Impact::Question };
    let wish = TicketWish {
        title: mail.title(),
        body: String::new(),
        subscriber_id: None,
        account_id: None,
        subscription_id: None,
        router_id: None,
        invoice_id: None,
        impact,
        priority: None,
        assignee_id: None,
    };
    let (files, left_out) = files(mail);
    let files = files.into_iter().map(Checked::into_file).collect();
    let ticket = service::open_by(tx, Channel::Email, author, links, &wish, words(mail), files).await?;
    tell_left_out(tx, ticket.id, left_out).await?;
    Ok(ticket.id)
}

/// A subscriber's things, for a message staff connect to them.
pub(super) async fn links_of(tx: &mut TenantTx, subscriber: SubscriberId) -> Result<(Links, String), Error> {
    let name = subscribers::subscriber(tx, subscriber).await?.name;
    Ok((service::only_links(tx, subscriber).await?, name))
}

fn words(mail: &Mail) -> Words {
    let (body, quoted) = quote::fold(&mail.text);
    let body = if body.trim().is_empty() { mail.title() } else { body };
    let cut = |text: String| text.chars().take(conversation::BODY_MAX).collect();
    Words { body: cut(body), quoted: cut(quoted) }
}

/// Files that may be kept, and the names of those that may not.
fn files(mail: &Mail) -> (Vec<Checked>, Vec<String>) {
    let (mut kept, mut left_out) = (Vec::new(), Vec::new());
    for file in &mail.files {
        match attachments::check(file.clone()) {
            Ok(file) if kept.len() < attachments::FILES_MAX => kept.push(file),
            Ok(Checked { name, .. }) => left_out.push(name),
            Err(_) => left_out.push(file.name.clone()),
        }
    }
    (kept, left_out)
}

async fn tell_left_out(tx: &mut TenantTx, ticket: TicketId, left_out: Vec<String>) -> Result<(), Error> {
    if left_out.is_empty() {
        return Ok(());
    }
    let names: String = left_out.join(", ").chars().take(1_000).collect();
    let entry = NewEntry {
        kind: EntryKind::Change,
        author: Author::system("system".to_owned()),
        words: Words::default(),
        change: json!({ "left_out": [null, names] }),
    };
    let ticket = service::ticket(tx, ticket).await?;
    conversation::append(tx, &ticket, entry, Vec::new()).await?;
    Ok(())
}
