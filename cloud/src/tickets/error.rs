//! Why something of a ticket was not done.

use crate::error::{FieldError, Problem};
use crate::ids::{AttachmentId, SupportMailId, TicketId};
use crate::{access, billing, catalog, db, fair_use, fleet, network, payments, subscribers, subscriptions, tenants};

crate::kinds! {
    TICKET_NOT_FOUND = 404 "ticket-not-found", "There is no such ticket", "It may belong to somebody else.";
    ATTACHMENT_NOT_FOUND = 404 "attachment-not-found", "There is no such attachment", "It may belong to somebody else.";
    MAIL_NOT_FOUND = 404 "mail-not-found", "There is no such e-mail to look at", "Somebody may have connected or discarded it already.";
    MAILBOX_UNKNOWN = 404 "mailbox-unknown", "This address takes no e-mail", "Make a new address in the support settings and give it to the mail server.";
    MAIL_UNREADABLE = 422 "mail-unreadable", "This is not an e-mail", "Send the whole message as it arrived, headers first (RFC 5322).";
    TICKET_STATUS_BLOCKED = 409 "ticket-status-blocked", "The ticket cannot go there from where it is", "Look at the ticket again: somebody may have moved it meanwhile.";
    TICKET_CLOSED = 409 "ticket-closed", "The ticket is closed", "Open a new one and name this one in it.";
    TICKET_MERGE_BLOCKED = 409 "ticket-merge-blocked", "These tickets cannot be merged", "Merge two different tickets of the same subscriber, into one that is not closed.";
    ATTACHMENT_TYPE_REFUSED = 422 "attachment-type-refused", "Files of this kind are not taken", "Send a PDF, a PNG, JPEG or WebP picture, or plain text.";
    ATTACHMENT_DISGUISED = 422 "attachment-disguised", "The file is not what its name says", "Give the file the ending that belongs to its content, or send what the name promises.";
    ATTACHMENT_TOO_LARGE = 422 "attachment-too-large", "The file is empty or too large", "A file has at most 10 MiB; send larger ones another way.";
}

/// Why something of a ticket was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No ticket has this id.
    #[error("no ticket {0}")]
    NotFound(TicketId),
    /// No attachment has this id.
    #[error("no attachment {0}")]
    AttachmentNotFound(AttachmentId),
    /// No e-mail with this id waits for somebody.
    #[error("no unmatched e-mail {0}")]
    MailNotFound(SupportMailId),
    /// No mailbox has this token.
    #[error("no mailbox has this token")]
    MailboxUnknown,
    /// What came is not a message.
    #[error("the message cannot be read")]
    MailUnreadable,
    /// The status does not follow.
    #[error("a ticket that is {from} cannot become {to}")]
    StatusBlocked {
        /// Where it is.
        from: &'static str,
        /// Where it was to go.
        to: &'static str,
    },
    /// Nothing is added to a closed ticket.
    #[error("ticket {0} is closed")]
    Closed(String),
    /// The tickets are the same, of two subscribers, or one is closed.
    #[error("ticket {0} cannot be merged into {1}")]
    MergeBlocked(String, String),
    /// The content is of a kind that is not taken.
    #[error("the content of {0:?} is not a PDF, PNG, JPEG, WebP or plain text")]
    TypeRefused(String),
    /// Name and content differ.
    #[error("{name:?} is {found}")]
    Disguised {
        /// As it was called.
        name: String,
        /// What it is.
        found: &'static str,
    },
    /// Nothing, or too much.
    #[error("{0:?} has {1} bytes; 1 to 10485760 are taken")]
    TooLarge(String, usize),
    /// Fields that cannot be as they were sent.
    #[error("{} fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
    /// Who works here.
    #[error(transparent)]
    Access(#[from] access::Error),
    /// The ISP.
    #[error(transparent)]
    Tenants(#[from] tenants::Error),
    /// The router.
    #[error(transparent)]
    Network(#[from] network::Error),
    /// The subscriber or the account.
    #[error(transparent)]
    Subscribers(#[from] subscribers::Error),
    /// The plan.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// The agent.
    #[error(transparent)]
    Fleet(#[from] fleet::Error),
    /// The line.
    #[error(transparent)]
    Subscriptions(#[from] subscriptions::Error),
    /// The invoice.
    #[error(transparent)]
    Billing(#[from] billing::Error),
    /// The line's allowance.
    #[error(transparent)]
    FairUse(#[from] fair_use::Error),
    /// The payment.
    #[error(transparent)]
    Payments(#[from] payments::Error),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl Error {
    /// One field that cannot be as it was sent.
    pub(super) fn field(field: &str, message: impl ToString) -> Self {
        Self::Invalid(vec![FieldError::new(field, message)])
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(_) => Self::new(&TICKET_NOT_FOUND, &error),
            Error::AttachmentNotFound(_) => Self::new(&ATTACHMENT_NOT_FOUND, &error),
            Error::MailNotFound(_) => Self::new(&MAIL_NOT_FOUND, &error),
            Error::MailboxUnknown => Self::new(&MAILBOX_UNKNOWN, &error),
            Error::MailUnreadable => Self::new(&MAIL_UNREADABLE, &error),
            Error::StatusBlocked { .. } => Self::new(&TICKET_STATUS_BLOCKED, &error),
            Error::Closed(_) => Self::new(&TICKET_CLOSED, &error),
            Error::MergeBlocked(..) => Self::new(&TICKET_MERGE_BLOCKED, &error),
            Error::TypeRefused(_) => Self::new(&ATTACHMENT_TYPE_REFUSED, &error),
            Error::Disguised { .. } => Self::new(&ATTACHMENT_DISGUISED, &error),
            Error::TooLarge(..) => Self::new(&ATTACHMENT_TOO_LARGE, &error),
            Error::Invalid(errors) => Self::invalid(errors),
            Error::Access(error) => error.into(),
            Error::Tenants(error) => error.into(),
            Error::Network(error) => error.into(),
            Error::Subscribers(error) => error.into(),
            Error::Catalog(error) => error.into(),
            Error::Fleet(error) => error.into(),
            Error::Subscriptions(error) => error.into(),
            Error::Billing(error) => error.into(),
            Error::FairUse(error) => error.into(),
            Error::Payments(error) => error.into(),
            Error::Db(_) => Self::internal(&error),
        }
    }
}
