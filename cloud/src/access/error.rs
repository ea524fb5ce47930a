//! Why access was refused.

use chrono::{DateTime, Utc};

use crate::db;
use crate::error::{self, Problem};
use crate::ids::{InvitationId, SessionId, StaffId};

crate::kinds! {
    WRONG_LOGIN = 401 "wrong-login", "The e-mail address or the password is wrong", "Check both. After several wrong attempts an account waits longer and longer before the next one counts.";
    LOGIN_WAITS = 429 "login-waits", "Too many wrong attempts", "Wait for the time in Retry-After, then try again with the right password.";
    EMAIL_TAKEN = 409 "email-taken", "Somebody already logs in with this e-mail address", "Use another address: one address is one log-in.";
    STAFF_NOT_FOUND = 404 "staff-not-found", "There is no such person among the staff", "Check the id, or list the staff.";
    SESSION_NOT_FOUND = 404 "session-not-found", "There is no such session", "It may be over already. List the sessions.";
    INVITATION_NOT_FOUND = 404 "invitation-not-found", "There is no such invitation", "It may have been accepted or withdrawn. List the open invitations.";
    INVITATION_OVER = 410 "invitation-over", "This invitation cannot be accepted any more", "It was used, withdrawn, replaced or is too old. Ask whoever invited you for a new one.";
    LAST_OWNER = 409 "last-owner", "An ISP keeps at least one owner", "Make somebody else an owner first.";
    OWN_ACCESS = 409 "own-access", "Nobody changes their own access", "Ask another owner to do it.";
}

/// Why access was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody has this address and password.
    #[error("the e-mail address or the password is wrong")]
    WrongLogin,
    /// Too many wrong attempts: not before this instant.
    #[error("too many wrong attempts: try again after {0}")]
    Waits(DateTime<Utc>, u64),
    /// The session is unknown, ended or its owner was disabled.
    #[error("the session is over: log in again")]
    NoSession,
    /// The address logs somebody in already.
    #[error("{0} already logs somebody in")]
    EmailTaken(String),
    /// Nobody of the staff has this id.
    #[error("there is no {0} among the staff")]
    NotFound(StaffId),
    /// No session has this id, or it is somebody else's.
    #[error("there is no session {0}")]
    SessionNotFound(SessionId),
    /// No open invitation has this id.
    #[error("there is no invitation {0}")]
    InvitationNotFound(InvitationId),
    /// The token opens no invitation, or none any more.
    #[error("the invitation was used, withdrawn, replaced or is too old")]
    InvitationOver,
    /// Nobody would own the ISP.
    #[error("{0} is the only owner")]
    LastOwner(StaffId),
    /// One's own role or access.
    #[error("nobody changes their own role or ends their own access")]
    OwnAccess,
    /// A field cannot be as it was sent.
    #[error("{0}: {1}")]
    Invalid(&'static str, String),
    /// More log-ins at once than passwords may be checked.
    #[error("too many log-ins at once")]
    Busy,
    /// A stored password hash cannot be read, or hashing failed.
    #[error("password hashing failed: {0}")]
    Hashing(String),
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
        match &error {
            Error::WrongLogin => Self::new(&WRONG_LOGIN, &error),
            Error::Waits(_, seconds) => Self::new(&LOGIN_WAITS, &error).retry_after(*seconds),
            Error::NoSession => Self::new(&error::UNAUTHENTICATED, &error),
            Error::EmailTaken(_) => Self::new(&EMAIL_TAKEN, &error),
            Error::NotFound(_) => Self::new(&STAFF_NOT_FOUND, &error),
            Error::SessionNotFound(_) => Self::new(&SESSION_NOT_FOUND, &error),
            Error::InvitationNotFound(_) => Self::new(&INVITATION_NOT_FOUND, &error),
            Error::InvitationOver => Self::new(&INVITATION_OVER, &error),
            Error::LastOwner(_) => Self::new(&LAST_OWNER, &error),
            Error::OwnAccess => Self::new(&OWN_ACCESS, &error),
            Error::Invalid(field, message) => Self::field(field, message),
            Error::Busy => Self::new(&error::TOO_BUSY, &error).retry_after(1),
            Error::Hashing(_) | Error::Db(_) => Self::internal(&error),
        }
    }
}
