//! Why a message was not written, or the way to send it not changed.

use crate::error::{FieldError, Problem};
use crate::ids::MessageId;
use crate::{billing, db, secrets, subscribers, tenants};

crate::kinds! {
    MESSAGE_NOT_FOUND = 404 "message-not-found", "There is no such message", "It may belong to somebody else.";
    MESSAGE_QUEUED = 409 "message-queued", "The message is still to be sent", "Wait until it was sent or refused: it is tried again by itself.";
    MESSAGE_LINK_GONE = 409 "message-link-gone", "The message's link is not kept", "A link that opens something is forgotten once it was sent. Ask for a new one instead.";
    MESSAGE_WITHOUT_RECIPIENT = 409 "message-without-recipient", "There is no address to send to", "Give the subscriber an e-mail address or a telephone number first.";
    MESSAGES_NOT_SET_UP = 409 "messages-not-set-up", "There is nothing to send with", "Name a mail server, or a gateway for short messages, in the settings of messages first.";
    TEMPLATE_NOT_FOUND = 404 "template-not-found", "There is no such built-in message", "GET /api/v1/message-templates lists them.";
    TEMPLATE_NOT_OPTIONAL = 409 "template-not-optional", "This message cannot be switched off", "Who asks for a link must get it: only its words can be changed.";
}

/// Why a message was not written, or the way to send it not changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No message has this id.
    #[error("no message {0}")]
    NotFound(MessageId),
    /// It is sent by itself.
    #[error("message {0} is still to be sent")]
    StillQueued(MessageId),
    /// What it opened is not kept.
    #[error("the link of message {0} is not kept")]
    LinkGone(MessageId),
    /// Nowhere to send it.
    #[error("the subscriber has no address for this")]
    NoRecipient,
    /// No server to send it with.
    #[error("no server is set up for this")]
    NotSetUp,
    /// No built-in message has this name.
    #[error("no built-in message is called {0:?}")]
    UnknownTemplate(String),
    /// It always goes by e-mail.
    #[error("the message {0} cannot be switched off")]
    NotOptional(&'static str),
    /// Fields that cannot be as they were sent.
    #[error("{} fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
    /// The words could not be put together.
    #[error("a message cannot be put into words: {0}")]
    Template(String),
    /// An event's facts cannot be read.
    #[error("an event cannot be read: {0}")]
    Event(String),
    /// The subscriber or the account.
    #[error(transparent)]
    Subscriber(#[from] subscribers::Error),
    /// The ISP's settings.
    #[error(transparent)]
    Tenant(#[from] tenants::Error),
    /// The invoice.
    #[error(transparent)]
    Billing(#[from] billing::Error),
    /// A password could not be sealed or opened.
    #[error(transparent)]
    Secrets(#[from] secrets::Error),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(_) => Self::new(&MESSAGE_NOT_FOUND, &error),
            Error::StillQueued(_) => Self::new(&MESSAGE_QUEUED, &error),
            Error::LinkGone(_) => Self::new(&MESSAGE_LINK_GONE, &error),
            Error::NoRecipient => Self::new(&MESSAGE_WITHOUT_RECIPIENT, &error),
            Error::NotSetUp => Self::new(&MESSAGES_NOT_SET_UP, &error),
            Error::UnknownTemplate(_) => Self::new(&TEMPLATE_NOT_FOUND, &error),
            Error::NotOptional(_) => Self::new(&TEMPLATE_NOT_OPTIONAL, &error),
            Error::Invalid(errors) => Self::invalid(errors),
            Error::Subscriber(error) => error.into(),
            Error::Billing(error) => error.into(),
            Error::Template(_) | Error::Event(_) | Error::Tenant(_) | Error::Secrets(_) | Error::Db(_) => {
                Self::internal(&error)
            }
        }
    }
}
