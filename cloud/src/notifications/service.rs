//! The verbs: write a message, look at messages, send one again.

use chrono_tz::Tz;
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::compose::{self, Composed, HIDDEN, Reader, compose};
use super::jobs::SendMessage;
use super::model::NewMessage;
use super::template::Leads;
use super::{
    Channel, Error, Facts, Message, MessageFilter, MessageStatus, MessageText, Settings, Template, TemplateSettings,
    sms, store, wording,
};
use crate::app::App;
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccountId, InvoiceId, MessageId, SubscriberId};
use crate::secrets::Place;
use crate::tenants::Tenant;
use crate::{audit, jobs, subscribers, tenants};

/// To whom a message goes.
#[derive(Clone, Debug)]
pub enum Recipient {
    /// The subscriber who holds an account, about that account.
    Account(AccountId),
    /// A subscriber.
    Subscriber(SubscriberId),
    /// Somebody of the staff, or invited to it.
    Person {
        /// Their name.
        name: String,
        /// Their address.
        email: String,
        /// BCP 47 tag of the language they read.
        language: String,
    },
}

/// A message to be written.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Which.
    pub template: Template,
    /// What caused it, such as an event: there is one message a cause, template, channel and recipient.
    pub cause: Uuid,
    /// To whom.
    pub to: Recipient,
    /// What it tells.
    pub facts: Facts,
    /// Where answers go, where not to the ISP's usual address.
    pub reply_to: Option<String>,
    /// The invoice that goes along.
    pub invoice: Option<InvoiceId>,
    /// The link its button leads to, where that opens something. It is sealed, and forgotten once sent.
    pub link: Option<String>,
}

/// Somebody with their addresses.
struct Person {
    reader: Reader,
    subscriber: Option<SubscriberId>,
    account: Option<AccountId>,
    email: Option<String>,
    phone: Option<String>,
}

/// Writes a message for every channel it goes by and queues it, all in the caller's transaction. Nothing is written where
/// the ISP has no server for a channel, has switched the message off, or knows no address; what was written before for
/// the same cause stays as it is. Returns what was written.
pub async fn send(app: &App, tx: &mut TenantTx, notice: &Notice) -> Result<Vec<MessageId>, Error> {
    Desk::of(tx).await?.send(app, tx, notice).await
}

/// What all messages of an ISP have in common.
pub(super) struct Desk {
    tenant: Tenant,
    settings: Settings,
    templates: Vec<TemplateSettings>,
}

impl Desk {
    /// The transaction's ISP's.
    pub(super) async fn of(tx: &mut TenantTx) -> Result<Self, Error> {
        let (tenant, settings) = (tenants::tenant(tx).await?, super::settings(tx).await?);
        Ok(Self { tenant, settings, templates: wording::templates(tx).await? })
    }

    /// Whether there is a server for any channel.
    pub(super) fn has_channels(&self) -> bool {
        !self.settings.email.host.is_empty() || !self.settings.sms.url.is_empty()
    }

    /// Writes a message, as [`send`] does.
    pub(super) async fn send(&self, app: &App, tx: &mut TenantTx, notice: &Notice) -> Result<Vec<MessageId>, Error> {
        let Self { tenant, settings, templates } = self;
        let chosen = templates.iter().find(|one| one.template == notice.template);
        let chosen = chosen.ok_or_else(|| Error::UnknownTemplate(notice.template.name().to_owned()))?;
        let person = person(tx, tenant, &notice.to).await?;
        let own = chosen.wordings.iter().find(|wording| wording.language == person.reader.language);
        let link = match (notice.template.leads(), person.account) {
            (Leads::Pay, Some(account)) => Some(subscribers::pay_address(tx, account).await?),
            (Leads::Pay, None) => Some(tenant.pay_url.clone()).filter(|url| !url.is_empty()),
            _ => notice.link.as_ref().map(|_| HIDDEN.to_owned()),
        };
        let composed = compose(tenant, notice.template, &person.reader, &notice.facts, own, link.as_deref())?;
        let mut written = Vec::new();
        let email = person.email.as_ref().filter(|_| chosen.email && !settings.email.host.is_empty());
        let phone = person.phone.as_deref().and_then(sms::number);
        let phone = phone.filter(|_| chosen.sms && !settings.sms.url.is_empty());
        for (channel, recipient) in [(Channel::Email, email.cloned()), (Channel::Sms, phone)] {
            let Some(recipient) = recipient else { continue };
            let mut new = new_message(tx, notice, &person, channel, recipient, &composed);
            if let Some(link) = &notice.link {
                let place = link_place(tx, new.id);
                new.link = Some(app.secrets.seal(place, link.as_bytes())?);
            }
            if store::insert(tx, &new).await? {
                enqueue(tx, new.id, 0).await?;
                written.push(new.id);
            }
        }
        Ok(written)
    }
}

/// The cause of a message that is written once for what these words say.
#[must_use]
pub fn cause_of(words: &str) -> Uuid {
    let digest = Sha256::digest(words);
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

fn new_message(
    tx: &TenantTx,
    notice: &Notice,
    person: &Person,
    channel: Channel,
    recipient: String,
    composed: &Composed,
) -> NewMessage {
    let (subject, text, html) = match channel {
        Channel::Email => (composed.subject.clone(), composed.text.clone(), composed.html.clone()),
        Channel::Sms => (String::new(), composed.sms.clone(), String::new()),
    };
    NewMessage {
        id: tx.new_id(),
        subscriber: person.subscriber,
        account: person.account,
        cause: notice.cause,
        template: notice.template.name().to_owned(),
        channel,
        recipient,
        language: person.reader.language.to_owned(),
        subject,
        text,
        html,
        reply_to: notice.reply_to.as_deref().map(compose::one_line).unwrap_or_default(),
        invoice: notice.invoice.filter(|_| channel == Channel::Email),
        link: None,
        again_of: None,
    }
}

/// Where a message's link is kept.
pub(super) fn link_place(tx: &TenantTx, id: MessageId) -> Place {
    Place::Tenant { tenant: tx.tenant(), column: "messages.link", row: id.uuid() }
}

pub(super) async fn enqueue(tx: &mut TenantTx, message: MessageId, attempts: i32) -> Result<(), Error> {
    let at = tx.at();
    Ok(jobs::enqueue(tx, &SendMessage { message, attempts }, at).await?)
}

async fn person(tx: &mut TenantTx, tenant: &Tenant, to: &Recipient) -> Result<Person, Error> {
    let language = |tag: &str| compose::language(tag).or_else(|| compose::language(&tenant.language)).unwrap_or("en");
    let own_zone = tenant.time_zone.parse().unwrap_or(Tz::UTC);
    let (subscriber, account, zone) = match to {
        Recipient::Person { name, email, language: tag } => {
            let reader = Reader { name: name.clone(), language: language(tag), zone: own_zone };
            let email = Some(email.clone());
            return Ok(Person { reader, subscriber: None, account: None, email, phone: None });
        }
        Recipient::Subscriber(id) => (*id, None, own_zone),
        Recipient::Account(id) => {
            let account = subscribers::account(tx, *id).await?;
            (account.subscriber_id, Some(*id), account.time_zone.parse().unwrap_or(own_zone))
        }
    };
    let found = subscribers::subscriber(tx, subscriber).await?;
    let reader = Reader { name: found.name, language: language(&found.language), zone };
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    Ok(Person { reader, subscriber: Some(subscriber), account, email: given(found.email), phone: given(found.phone) })
}

/// A page of messages, newest first.
pub async fn messages(tx: &mut TenantTx, page: Page, filter: &MessageFilter) -> Result<Vec<Message>, Error> {
    Ok(store::messages(tx, page, filter).await?)
}

/// One message in full.
pub async fn message(tx: &mut TenantTx, id: MessageId) -> Result<MessageText, Error> {
    store::message(tx, id).await?.ok_or(Error::NotFound(id))
}

/// Sends what a message says once more, as a new message to where the subscriber is reached now.
pub async fn send_again(tx: &mut TenantTx, id: MessageId) -> Result<Message, Error> {
    let old = message(tx, id).await?;
    let MessageText { message: Message { channel, status, .. }, .. } = old;
    if status == MessageStatus::Queued {
        return Err(Error::StillQueued(id));
    }
    if old.text.contains(HIDDEN) {
        return Err(Error::LinkGone(id));
    }
    let kept = super::settings(tx).await?;
    let recipient = match (channel, old.message.subscriber_id) {
        (_, None) => Some(old.message.recipient.clone()),
        (Channel::Email, Some(subscriber)) => subscribers::subscriber(tx, subscriber).await?.email,
        (Channel::Sms, Some(subscriber)) => {
            subscribers::subscriber(tx, subscriber).await?.phone.as_deref().and_then(sms::number)
        }
    };
    let ready = match channel {
        Channel::Email => !kept.email.host.is_empty(),
        Channel::Sms => !kept.sms.url.is_empty(),
    };
    if !ready {
        return Err(Error::NotSetUp);
    }
    let new_id: MessageId = tx.new_id();
    let new = NewMessage {
        id: new_id,
        subscriber: old.message.subscriber_id,
        account: old.message.account_id,
        cause: new_id.uuid(),
        template: old.message.template,
        channel,
        recipient: recipient.filter(|recipient| !recipient.is_empty()).ok_or(Error::NoRecipient)?,
        language: old.message.language,
        subject: old.message.subject,
        text: old.text,
        html: old.html,
        reply_to: old.reply_to,
        invoice: old.invoice_id,
        link: None,
        again_of: Some(id),
    };
    store::insert(tx, &new).await?;
    enqueue(tx, new_id, 0).await?;
    audit::record(tx, "send message again", new_id, json!({ "again_of": id })).await?;
    Ok(message(tx, new_id).await?.message)
}
