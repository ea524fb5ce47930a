//! Tickets, their entries and attachments.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_rules::support::priority::{Impact, Priority};
use weir_rules::support::status::TicketStatus;

use crate::ids::{
    AccountId, AttachmentId, InvoiceId, RouterId, StaffId, SubscriberId, SubscriptionId, TicketEntryId, TicketId,
};

/// How something came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TicketChannel)]
pub enum Channel {
    /// Staff wrote it down.
    Staff,
    /// The subscriber's own pages.
    Portal,
    /// E-mail.
    Email,
}

impl Channel {
    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Portal => "portal",
            Self::Email => "email",
        }
    }

    pub(super) fn from_name(name: &str) -> Self {
        match name {
            "portal" => Self::Portal,
            "email" => Self::Email,
            _ => Self::Staff,
        }
    }
}

/// What subscribers were promised, in working time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ServicePromise)]
pub struct Promise {
    /// Minutes of working time.
    pub target_minutes: i32,
    /// When it ends, while it runs.
    pub due_at: Option<DateTime<Utc>>,
    /// Seconds of working time left, while it stands still.
    pub left_seconds: Option<i64>,
    /// When it was kept, or done late.
    pub kept_at: Option<DateTime<Utc>>,
    /// When it was missed; null while it is not.
    pub missed_at: Option<DateTime<Utc>>,
}

/// Something a subscriber asked, or that is wrong with a router.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Ticket {
    /// Which.
    pub id: TicketId,
    /// As people call it.
    #[schema(example = "T-2026-000123")]
    pub number: String,
    /// What it is about.
    pub title: String,
    /// How it came in.
    pub channel: Channel,
    /// `new`, `open`, `waiting`, `solved`, `closed`.
    #[schema(value_type = String)]
    pub status: TicketStatus,
    /// `question`, `one_line`, `several_lines`, `site`.
    #[schema(value_type = String)]
    pub impact: Impact,
    /// `low`, `normal`, `high`, `urgent`.
    #[schema(value_type = String)]
    pub priority: Priority,
    /// Who asked.
    pub subscriber_id: Option<SubscriberId>,
    /// Their name.
    pub subscriber: Option<String>,
    /// Whose money it is about.
    pub account_id: Option<AccountId>,
    /// Which line.
    pub subscription_id: Option<SubscriptionId>,
    /// Which router.
    pub router_id: Option<RouterId>,
    /// Which invoice.
    pub invoice_id: Option<InvoiceId>,
    /// Whose it is to solve.
    pub assignee_id: Option<StaffId>,
    /// Their name.
    pub assignee: Option<String>,
    /// Who opened it.
    pub opened_by: String,
    /// When.
    pub opened_at: DateTime<Utc>,
    /// When it last changed.
    pub changed_at: DateTime<Utc>,
    /// When it was last solved.
    pub solved_at: Option<DateTime<Utc>>,
    /// When it ended for good.
    pub closed_at: Option<DateTime<Utc>>,
    /// The ticket it turned out to be the same as.
    pub merged_into: Option<TicketId>,
    /// The first answer.
    pub response: Promise,
    /// The solution.
    pub resolution: Promise,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// The subscriber reads it.
    Reply,
    /// Only staff read it.
    Note,
    /// Something of the ticket changed.
    Change,
}

impl EntryKind {
    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Note => "note",
            Self::Change => "change",
        }
    }

    pub(super) fn from_name(name: &str) -> Self {
        match name {
            "reply" => Self::Reply,
            "note" => Self::Note,
            _ => Self::Change,
        }
    }
}

/// Who an entry is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The ISP.
    Staff,
    /// The subscriber.
    Subscriber,
    /// What works by itself.
    System,
}

impl Side {
    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Subscriber => "subscriber",
            Self::System => "system",
        }
    }

    pub(super) fn from_name(name: &str) -> Self {
        match name {
            "staff" => Self::Staff,
            "subscriber" => Self::Subscriber,
            _ => Self::System,
        }
    }
}

/// A part of a ticket's history.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TicketEntry)]
pub struct Entry {
    /// Which.
    pub id: TicketEntryId,
    /// What.
    pub kind: EntryKind,
    /// From whom.
    pub side: Side,
    /// Who exactly: an id, or an address.
    pub author: String,
    /// Under which name, as it was then.
    pub author_name: String,
    /// How it came in.
    pub channel: Channel,
    /// What was written.
    pub body: String,
    /// What an e-mail repeated of those before it.
    pub quoted: String,
    /// What changed: `[from, to]` by field.
    #[schema(value_type = Object)]
    pub change: serde_json::Value,
    /// When.
    pub at: DateTime<Utc>,
    /// Files that came with it.
    pub attachments: Vec<Attachment>,
}

/// A file that came with an entry.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Attachment {
    /// Which.
    pub id: AttachmentId,
    /// As it was called.
    pub name: String,
    /// What it is, by its content.
    pub media_type: String,
    /// How large.
    pub size_bytes: i32,
}

/// A ticket with its history.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Conversation {
    /// As in lists.
    #[serde(flatten)]
    pub ticket: Ticket,
    /// From the first to the last.
    pub entries: Vec<Entry>,
}

/// A ticket to be opened.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketWish {
    /// What it is about, 1-200 characters.
    #[schema(example = "No internet since this morning")]
    pub title: String,
    /// What was said or seen.
    pub body: String,
    /// Who asks; may be left out when a line, an account or an invoice says so, or for a router's own problem.
    pub subscriber_id: Option<SubscriberId>,
    /// Whose money.
    pub account_id: Option<AccountId>,
    /// Which line.
    pub subscription_id: Option<SubscriptionId>,
    /// Which router; the line's if absent.
    pub router_id: Option<RouterId>,
    /// Which invoice.
    pub invoice_id: Option<InvoiceId>,
    /// `question`, `one_line`, `several_lines`, `site`.
    #[schema(value_type = String, example = "one_line")]
    pub impact: Impact,
    /// By plan and impact if absent.
    #[schema(value_type = Option<String>)]
    pub priority: Option<Priority>,
    /// Whose it is to solve.
    pub assignee_id: Option<StaffId>,
}

/// A change of a ticket; what is absent stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketChange {
    /// Where it goes from where it is.
    #[schema(value_type = Option<String>)]
    pub status: Option<TicketStatus>,
    /// How soon it wants an answer; its promises are measured anew.
    #[schema(value_type = Option<String>)]
    pub priority: Option<Priority>,
    /// How many lines it touches; with it, the priority by plan and impact unless that is given too.
    #[schema(value_type = Option<String>)]
    pub impact: Option<Impact>,
    /// Whose it is to solve; null = nobody's.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<StaffId>)]
    pub assignee_id: Option<Option<StaffId>>,
}

/// Tells `null` from absent.
fn given<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// A reply or a note to be added.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryWish {
    /// `reply` goes to the subscriber, `note` stays with the staff.
    pub kind: EntryKind,
    /// What is written, 1-20,000 characters.
    pub body: String,
    /// Where the ticket goes then; a reply to a new ticket opens it.
    #[schema(value_type = Option<String>)]
    pub status: Option<TicketStatus>,
    /// At most ten files.
    #[serde(default)]
    pub attachments: Vec<FileWish>,
}

/// A file to be attached: PDF, PNG, JPEG, WebP or plain text, at most 10 MiB.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FileWish {
    /// As it is called; its ending must be right for its content.
    #[schema(example = "speed-test.png")]
    pub name: String,
    /// In Base64.
    pub content_base64: String,
}

/// A file as it was sent, not looked at yet.
#[derive(Clone, Debug)]
pub struct File {
    /// As it is called.
    pub name: String,
    /// All of it.
    pub content: Vec<u8>,
}

/// Which tickets.
#[derive(Clone, Debug, Default)]
pub struct TicketFilter {
    /// Only those that stand so; all if empty.
    pub statuses: Vec<TicketStatus>,
    /// Only theirs.
    pub assignee: Option<StaffId>,
    /// Only nobody's.
    pub unassigned: bool,
    /// Only those of this subscriber.
    pub subscriber: Option<SubscriberId>,
    /// Only those about this line.
    pub subscription: Option<SubscriptionId>,
    /// Only those about this router.
    pub router: Option<RouterId>,
    /// Only those with a promise that ends by then.
    pub due_by: Option<DateTime<Utc>>,
    /// Only those with this in their number or title.
    pub text: Option<String>,
}

/// How many tickets want somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketCounts {
    /// Not solved.
    pub active: i64,
    /// Of these, nobody's.
    pub unassigned: i64,
    /// Of these, with a promise missed or about to be.
    pub breaching: i64,
}
