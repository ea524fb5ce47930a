//! The built-in messages: their names, what they are about, what one does about them. Their words are in the catalogues.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A built-in message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Template {
    /// An invoice was issued; it goes along as a PDF.
    InvoiceIssued,
    /// Something of an invoice was given back.
    CreditNoteIssued,
    /// Money was received.
    PaymentReceived,
    /// A payment was tried and failed.
    PaymentFailed,
    /// Something is due soon, or past due.
    DunningReminder,
    /// A fee was added for being late.
    DunningLateFee,
    /// The last word before the line is held.
    DunningFinalNotice,
    /// The line is in the walled garden.
    LineWalled,
    /// The line is open again.
    LineRestored,
    /// Staff answered a ticket.
    TicketReplied,
    /// The line works for the first time.
    LineActivated,
    /// A link to choose a password for the portal.
    PasswordLink,
    /// A part of the allowance is used.
    UsageThreshold,
    /// More volume was bought for the running period.
    TopUpSold,
    /// A faster time was bought.
    BoostSold,
    /// More than what a plan includes is offered to who used it up.
    AllowanceOffer,
    /// A check of the books found what does not agree.
    BooksDiffer,
    /// Somebody is invited to the staff.
    StaffInvitation,
}

/// What the button of a message leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leads {
    /// Nowhere: there is none.
    Nowhere,
    /// Where the ISP takes payments.
    Pay,
    /// A link of this message alone, which opens something.
    Link,
}

impl Template {
    /// Every one, in the order of the settings.
    pub const ALL: [Self; 18] = [
        Self::InvoiceIssued,
        Self::CreditNoteIssued,
        Self::PaymentReceived,
        Self::PaymentFailed,
        Self::DunningReminder,
        Self::DunningLateFee,
        Self::DunningFinalNotice,
        Self::LineWalled,
        Self::LineRestored,
        Self::TicketReplied,
        Self::LineActivated,
        Self::UsageThreshold,
        Self::TopUpSold,
        Self::BoostSold,
        Self::AllowanceOffer,
        Self::BooksDiffer,
        Self::PasswordLink,
        Self::StaffInvitation,
    ];

    /// The name it is stored, addressed and translated under.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvoiceIssued => "invoice-issued",
            Self::CreditNoteIssued => "credit-note-issued",
            Self::PaymentReceived => "payment-received",
            Self::PaymentFailed => "payment-failed",
            Self::DunningReminder => "dunning-reminder",
            Self::DunningLateFee => "dunning-late-fee",
            Self::DunningFinalNotice => "dunning-final-notice",
            Self::LineWalled => "line-walled",
            Self::LineRestored => "line-restored",
            Self::TicketReplied => "ticket-replied",
            Self::LineActivated => "line-activated",
            Self::PasswordLink => "password-link",
            Self::UsageThreshold => "usage-threshold",
            Self::TopUpSold => "top-up-sold",
            Self::BoostSold => "boost-sold",
            Self::AllowanceOffer => "allowance-offer",
            Self::BooksDiffer => "books-differ",
            Self::StaffInvitation => "staff-invitation",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|template| template.name() == name)
    }

    /// What it may be about besides `name` and `isp`; an ISP's own words may name these in braces.
    pub fn facts(self) -> &'static [&'static str] {
        match self {
            Self::InvoiceIssued => &["number", "total", "due_on", "account"],
            Self::CreditNoteIssued => &["number", "invoice", "total", "reason", "account"],
            Self::PaymentReceived => &["number", "amount", "received_on", "account"],
            Self::PaymentFailed => &["amount", "retry_on", "account"],
            Self::DunningReminder | Self::DunningFinalNotice => &["balance", "due_on", "account"],
            Self::DunningLateFee => &["fee", "balance", "due_on", "account"],
            Self::LineWalled => &["balance", "account"],
            Self::LineRestored => &["account"],
            Self::TicketReplied => &["ticket", "title"],
            Self::LineActivated => &["plan", "starts_on", "account"],
            Self::PasswordLink | Self::StaffInvitation => &["expires_at"],
            Self::BooksDiffer => &["checked_on", "differences"],
            Self::UsageThreshold => &["percent", "used", "allowance", "account"],
            Self::AllowanceOffer => &["plan", "allowance", "account"],
            Self::TopUpSold => &["top_up", "volume", "price", "last_on", "account"],
            Self::BoostSold => &["boost", "from", "until", "price", "account"],
        }
    }

    /// Where its button leads.
    pub fn leads(self) -> Leads {
        match self {
            Self::InvoiceIssued
            | Self::PaymentFailed
            | Self::DunningReminder
            | Self::DunningLateFee
            | Self::DunningFinalNotice
            | Self::LineWalled => Leads::Pay,
            Self::PasswordLink | Self::StaffInvitation => Leads::Link,
            _ => Leads::Nowhere,
        }
    }

    /// Whether an ISP may do without it. Who asked for a link gets it.
    pub fn is_optional(self) -> bool {
        self.leads() != Leads::Link
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_has_its_words_in_every_language() {
        let told = ["isp", "name", "account", "language"].into_iter();
        let told: Vec<_> = told.chain(Template::ALL.into_iter().flat_map(Template::facts).copied()).collect();
        let told: Vec<_> = told.into_iter().map(|fact| (fact, "7")).collect();
        for lang in weir_ui::i18n::LANGUAGES {
            for template in Template::ALL {
                assert_eq!(Template::named(template.name()), Some(template));
                let mut keys: Vec<_> = ["", "-about", "-subject", "-intro", "-sms"]
                    .map(|part| format!("messages-{}{part}", template.name()))
                    .to_vec();
                if template.leads() != Leads::Nowhere {
                    keys.push(format!("messages-{}-action", template.name()));
                }
                keys.extend(template.facts().iter().map(|fact| format!("messages-fact-{}", fact.replace('_', "-"))));
                for key in keys {
                    assert_ne!(weir_ui::i18n::t(lang, &key, &told), key, "{lang}");
                }
            }
        }
    }
}
