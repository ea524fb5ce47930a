//! Messages, and how an ISP sends them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Template;
use crate::ids::{AccountId, InvoiceId, MessageId, SubscriberId};

/// By what a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = MessageChannel)]
pub enum Channel {
    /// E-mail.
    Email,
    /// Short message.
    Sms,
}

impl Channel {
    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }
}

/// How far a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum MessageStatus {
    /// To be sent, perhaps again.
    Queued,
    /// A server took it.
    Sent,
    /// A server refused it for good.
    Refused,
    /// It could not be sent, and no longer is tried.
    Failed,
}

impl MessageStatus {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Sent, Self::Refused, Self::Failed];

    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// A message to somebody.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Message {
    /// Which.
    pub id: MessageId,
    /// To which subscriber, if to one.
    pub subscriber_id: Option<SubscriberId>,
    /// About which account, if about one.
    pub account_id: Option<AccountId>,
    /// Which built-in message.
    pub template: String,
    /// By what.
    pub channel: Channel,
    /// The address or number.
    pub recipient: String,
    /// BCP 47 tag of its language.
    pub language: String,
    /// What it is about; empty for a short message.
    pub subject: String,
    /// How far it is.
    pub status: MessageStatus,
    /// How often it was given to a server.
    pub attempts: i32,
    /// What the server answered last.
    pub answer: String,
    /// When it is tried next.
    pub next_at: Option<DateTime<Utc>>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it was sent or given up.
    pub settled_at: Option<DateTime<Utc>>,
}

/// A message in full.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MessageText {
    /// The message.
    #[serde(flatten)]
    pub message: Message,
    /// What it says. A link that opens something is left out.
    pub text: String,
    /// The same as HTML; empty for a short message.
    pub html: String,
    /// Where answers go; empty if to the ISP's usual address.
    pub reply_to: String,
    /// The invoice, or the credit note, that goes along as a PDF.
    pub invoice_id: Option<InvoiceId>,
    /// The message this one repeats.
    pub again_of: Option<MessageId>,
    /// Every time it was given to a server.
    pub log: Vec<Attempt>,
}

/// A time a message was given to a server.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = MessageAttempt)]
pub struct Attempt {
    /// Counted from one.
    pub number: i32,
    /// When.
    pub at: DateTime<Utc>,
    /// `sent`, `refused`, `deferred` (it is tried again) or `failed` (it cannot be sent at all).
    #[schema(example = "sent")]
    pub outcome: String,
    /// What the server answered.
    pub answer: String,
}

/// Which messages of a list.
#[derive(Clone, Copy, Debug, Default)]
pub struct MessageFilter {
    /// Only to this subscriber.
    pub subscriber: Option<SubscriberId>,
    /// Only about this account.
    pub account: Option<AccountId>,
    /// Only by this.
    pub channel: Option<Channel>,
    /// Only as far as this.
    pub status: Option<MessageStatus>,
}

/// How a connection to a mail server is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Security {
    /// Not at all: only for a server on the same machine or wire.
    None,
    /// In the clear at first, then TLS or nothing (usually port 587).
    Starttls,
    /// TLS from the first byte (usually port 465).
    Tls,
}

impl Security {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Starttls, Self::Tls, Self::None];

    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Starttls => "starttls",
            Self::Tls => "tls",
        }
    }
}

/// How a gateway is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[sqlx(type_name = "text", rename_all = "UPPERCASE")]
pub enum SmsMethod {
    /// Everything stands in the address.
    Get,
    /// With a body.
    Post,
    /// With a body.
    Put,
}

impl SmsMethod {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Post, Self::Put, Self::Get];

    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// What the body of a request to a gateway is; it decides how number and text are escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum SmsType {
    /// `application/json`.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `text/plain`.
    Plain,
}

impl SmsType {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Json, Self::Form, Self::Plain];

    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Form => "form",
            Self::Plain => "plain",
        }
    }
}

/// How an ISP sends messages; secrets are not told.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = MessageSettings)]
pub struct Settings {
    /// By e-mail.
    pub email: EmailSettings,
    /// By short message.
    pub sms: SmsSettings,
}

/// The mail server.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EmailSettings {
    /// Its name or address; empty if no e-mail is sent.
    pub host: String,
    /// Its port.
    pub port: i32,
    /// How the connection is secured.
    pub security: Security,
    /// A certificate authority of one's own, PEM; empty for those the system trusts.
    pub authority: String,
    /// Who logs in; empty if nobody does.
    pub user: String,
    /// Whether there is a password.
    pub has_password: bool,
    /// The sender's name.
    pub from_name: String,
    /// The sender's address.
    pub from_address: String,
    /// Where answers go; empty if to the sender.
    pub reply_to: String,
}

/// What a mail server should be.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailWish {
    /// Its name or address; empty to send no e-mail.
    #[schema(example = "mail.example.net")]
    pub host: String,
    /// Its port.
    #[schema(example = 587)]
    pub port: u16,
    /// How the connection is secured.
    pub security: Security,
    /// A certificate authority of one's own, PEM.
    #[serde(default)]
    pub authority: String,
    /// Who logs in; empty if nobody does.
    #[serde(default)]
    pub user: String,
    /// Their password; the present one stays if absent, and goes with the user.
    #[schema(format = Password)]
    pub password: Option<String>,
    /// The sender's name, one line.
    pub from_name: String,
    /// The sender's address.
    #[schema(example = "billing@example.net")]
    pub from_address: String,
    /// Where answers go; empty if to the sender.
    #[serde(default)]
    pub reply_to: String,
}

/// The gateway for short messages.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SmsSettings {
    /// Its address; empty if no short messages are sent.
    pub url: String,
    /// How it is asked.
    pub method: SmsMethod,
    /// What the body is.
    #[serde(rename = "type")]
    pub kind: SmsType,
    /// The body, with `{to}` and `{text}`.
    pub body: String,
    /// Name of the header that proves who asks; empty if none does.
    pub header: String,
    /// Whether that header has a value.
    pub has_credential: bool,
}

/// What a gateway should be.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SmsWish {
    /// Its address, `{to}` and `{text}` in it are replaced; empty to send no short messages.
    #[schema(example = "https://sms.example.net/send")]
    pub url: String,
    /// How it is asked.
    pub method: SmsMethod,
    /// What the body is.
    #[serde(rename = "type")]
    pub kind: SmsType,
    /// The body, with `{to}` and `{text}`.
    #[serde(default)]
    #[schema(example = "{\"to\":\"{to}\",\"text\":\"{text}\"}")]
    pub body: String,
    /// Name of the header that proves who asks.
    #[serde(default)]
    #[schema(example = "Authorization")]
    pub header: String,
    /// Its value; the present one stays if absent, and goes with the header.
    #[schema(format = Password)]
    pub credential: Option<String>,
}

/// What became of a test message.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Tested {
    /// Whether the server took it.
    pub accepted: bool,
    /// What the server answered.
    pub answer: String,
}

/// Whether and in what words a built-in message is sent.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TemplateSettings {
    /// Which.
    pub template: Template,
    /// Whether it can be switched off.
    pub optional: bool,
    /// Whether it goes by e-mail.
    pub email: bool,
    /// Whether it goes by short message.
    pub sms: bool,
    /// What an ISP's own words may name in braces.
    pub facts: Vec<&'static str>,
    /// The ISP's own words, by language.
    pub wordings: Vec<Wording>,
}

/// An ISP's own words for a message in a language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wording {
    /// BCP 47.
    pub language: String,
    /// What it is about, one line; the built-in one if empty.
    #[serde(default)]
    pub subject: String,
    /// What it says first, paragraphs divided by empty lines; the built-in words if empty.
    #[serde(default)]
    pub intro: String,
}

/// Whether and in what words a built-in message should be sent; what is absent stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateWish {
    /// Whether it goes by e-mail.
    pub email: Option<bool>,
    /// Whether it goes by short message.
    pub sms: Option<bool>,
    /// The ISP's own words for these languages; others stay.
    pub wordings: Option<Vec<Wording>>,
}

/// A message as it would be, filled with invented facts.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = MessagePreview)]
pub struct Preview {
    /// What it is about.
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// As HTML.
    pub html: String,
    /// As a short message.
    pub sms: String,
}

/// What is written of a message.
pub(super) struct NewMessage {
    pub id: MessageId,
    pub subscriber: Option<SubscriberId>,
    pub account: Option<AccountId>,
    pub cause: Uuid,
    pub template: String,
    pub channel: Channel,
    pub recipient: String,
    pub language: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub reply_to: String,
    pub invoice: Option<InvoiceId>,
    pub link: Option<Vec<u8>>,
    pub again_of: Option<MessageId>,
}
