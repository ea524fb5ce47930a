//! Events, their kinds, and who listens.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::ids::{AccountId, EventId};

/// Something that happened.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Event {
    /// Which; later events have greater ids.
    pub id: EventId,
    /// When.
    pub at: DateTime<Utc>,
    /// Who caused it.
    pub actor: String,
    /// What kind of thing happened.
    pub kind: EventKind,
    /// The id of the thing it happened to.
    pub subject: String,
    /// Whose money or line it concerns; null when nobody's.
    pub account_id: Option<AccountId>,
    /// The facts.
    pub data: Value,
}

/// What there is to say about one of many things that happened.
#[derive(Clone, Debug)]
pub struct News {
    /// The id of the thing.
    pub subject: String,
    /// Whose money or line it concerns.
    pub account: Option<AccountId>,
    /// The facts; amounts as exact decimals, no secrets.
    pub data: Value,
}

macro_rules! named {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What kinds of things happen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        pub enum EventKind { $( $(#[$doc])* #[serde(rename = $text)] $name, )* }

        impl EventKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name it is stored and sent under.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

named! {
    /// A subscriber was added.
    SubscriberAdded = "subscriber.added";
    /// Another account pays for one, or none does any more.
    PayerChanged = "account.payer_changed";
    /// A plan was sold.
    SubscriptionSold = "subscription.sold";
    /// A subscription moves to another plan version.
    PlanChanged = "subscription.plan_changed";
    /// A subscription got a last day.
    SubscriptionEnded = "subscription.ended";
    /// A line used 80 or 100 % of its allowance, or all lines that share it did together; once a period each.
    UsageThreshold = "usage.threshold";
    /// A top-up was sold.
    TopUpSold = "top_up.sold";
    /// A boost was sold.
    BoostSold = "boost.sold";
    /// A boost was stopped before its end.
    BoostCancelled = "boost.cancelled";
    /// A line is to be paused.
    PausePlanned = "pause.planned";
    /// A pause got another end.
    PauseChanged = "pause.changed";
    /// A pause is not to be.
    PauseCancelled = "pause.cancelled";
    /// A line was closed for its pause.
    PauseBegan = "pause.began";
    /// A line was opened after its pause.
    PauseEnded = "pause.ended";
    /// A hold was placed on a line.
    HoldPlaced = "hold.placed";
    /// A hold was lifted.
    HoldReleased = "hold.released";
    /// An invoice was issued.
    InvoiceIssued = "invoice.issued";
    /// A credit note was issued.
    CreditNoteIssued = "credit_note.issued";
    /// A payment was received.
    PaymentReceived = "payment.received";
    /// A subscriber is to be reminded of unpaid bills.
    DunningReminded = "dunning.reminded";
    /// A late fee was charged.
    DunningFeeCharged = "dunning.fee_charged";
    /// An account's lines were slowed down for unpaid bills.
    DunningThrottled = "dunning.throttled";
    /// An account's lines were walled off for unpaid bills.
    DunningWalled = "dunning.walled";
    /// A subscriber is to be told for the last time.
    DunningFinalNotice = "dunning.final_notice";
    /// A promise to pay was noted.
    DunningPromised = "dunning.promised";
    /// Nothing of what a case was about is open any more.
    DunningCured = "dunning.cured";
    /// A plugin leaves a note for staff.
    PluginNoted = "plugin.noted";
    /// A plugin failed too often in a row and is not asked any more.
    PluginPaused = "plugin.paused";
    /// A ticket was opened.
    TicketOpened = "ticket.opened";
    /// Somebody wrote to the other side of a ticket.
    TicketReplied = "ticket.replied";
    /// A ticket was solved.
    TicketSolved = "ticket.solved";
    /// A promise of a ticket was missed.
    TicketSlaMissed = "ticket.sla_missed";
    /// A payment through a provider was refused for good.
    PaymentFailed = "payment.failed";
    /// A payment was given back, wholly or in part.
    PaymentRefunded = "payment.refunded";
    /// A payer's bank took a payment back.
    PaymentDisputed = "payment.disputed";
    /// A check of the books found what does not agree.
    BooksDiffer = "books.differ";
    /// Somebody wants to become a subscriber.
    OrderPlaced = "order.placed";
    /// Staff made a subscriber of them.
    OrderApproved = "order.approved";
    /// Staff declined.
    OrderDeclined = "order.declined";
    /// A subscriber asks for a link that sets a password of the portal.
    PortalLinkRequested = "portal.link_requested";
}

impl EventKind {
    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// A slice that wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listener {
    /// Judges an account again when what it owes or has changed.
    Dunning,
    /// Writes to the people it concerns.
    Notifications,
    /// Tells the tenant's own rules.
    Plugins,
    /// Charges what is due as soon as it is issued.
    Payments,
    /// Tells programs elsewhere.
    Webhooks,
}

impl Listener {
    /// Every listener.
    pub const ALL: [Self; 5] = [Self::Dunning, Self::Notifications, Self::Plugins, Self::Payments, Self::Webhooks];

    /// The name it is queued under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dunning => "dunning",
            Self::Notifications => "notifications",
            Self::Plugins => "plugins",
            Self::Payments => "payments",
            Self::Webhooks => "webhooks",
        }
    }

    /// Whether it speaks for what a tenant may or may not have, and is told only where there is such a thing.
    pub fn is_tenants_own(self) -> bool {
        matches!(self, Self::Plugins | Self::Webhooks)
    }

    /// How many events it hears in one go, all or none: where each calls somebody's program, of one.
    pub fn hears_at_once(self) -> usize {
        if self.is_tenants_own() { 1 } else { usize::MAX }
    }

    /// Whether it wants to be told of this kind.
    pub fn hears(self, kind: EventKind) -> bool {
        match self {
            Self::Dunning => {
                matches!(
                    kind,
                    EventKind::InvoiceIssued
                        | EventKind::CreditNoteIssued
                        | EventKind::SubscriptionSold
                        | EventKind::PayerChanged
                )
            }
            Self::Notifications => matches!(
                kind,
                EventKind::SubscriptionSold
                    | EventKind::HoldPlaced
                    | EventKind::HoldReleased
                    | EventKind::InvoiceIssued
                    | EventKind::CreditNoteIssued
                    | EventKind::PaymentReceived
                    | EventKind::PaymentFailed
                    | EventKind::DunningReminded
                    | EventKind::DunningFeeCharged
                    | EventKind::DunningFinalNotice
                    | EventKind::TicketReplied
                    | EventKind::UsageThreshold
                    | EventKind::TopUpSold
                    | EventKind::BoostSold
                    | EventKind::BooksDiffer
            ),
            // What plugins themselves cause would come back to them without end.
            Self::Plugins => !matches!(kind, EventKind::PluginNoted | EventKind::PluginPaused),
            Self::Payments => matches!(kind, EventKind::InvoiceIssued),
            Self::Webhooks => true,
        }
    }
}
