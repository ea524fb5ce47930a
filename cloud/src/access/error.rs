//! Why access was refused.

use chrono::{DateTime, Utc};

use crate::db;
use crate::error::{self, FieldError, Problem};
use crate::ids::{ApiKeyId, InvitationId, SessionId, StaffId};

crate::kinds! {
    WRONG_LOGIN = 401 "wrong-login", "The e-mail address or the password is wrong", "Check both. After several wrong attempts an account waits longer and longer before the next one counts.";
    SECOND_STEP_NEEDED = 401 "second-step-needed", "The password is right, a code is asked for too", "Send the code your authenticator shows now, or a recovery code, as code.";
    WRONG_CODE = 401 "wrong-code", "The code is not right", "Send the code your authenticator shows now; each works once. A recovery code works once, too.";
    SECOND_STEP_MISSING = 403 "second-step-missing", "Your provider demands a second step", "Set up an authenticator in your preferences; until then nothing else is open to you.";
    SECOND_STEP_ON = 409 "second-step-on", "The second step is set up already", "Turn it off first to enrol another authenticator.";
    SECOND_STEP_OFF = 409 "second-step-off", "There is no second step", "Set up an authenticator first.";
    SECOND_STEP_REQUIRED = 409 "second-step-required", "Your provider demands a second step of everybody", "An owner can stop demanding it.";
    LOGIN_WAITS = 429 "login-waits", "Too many wrong attempts", "Wait for the time in Retry-After, then try again with the right password.";
    EMAIL_TAKEN = 409 "email-taken", "Somebody already logs in with this e-mail address", "Use another address: one address is one log-in.";
    STAFF_NOT_FOUND = 404 "staff-not-found", "There is no such person among the staff", "Check the id, or list the staff.";
    SESSION_NOT_FOUND = 404 "session-not-found", "There is no such session", "It may be over already. List the sessions.";
    API_KEY_NOT_FOUND = 404 "api-key-not-found", "There is no such API key", "Check the id, or list the keys.";
    API_KEY_ELSEWHERE = 403 "api-key-elsewhere", "The API key is not taken from there", "Ask from one of the networks the key is bound to, or make another key.";
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
    /// The password was right, but a code is asked for, too.
    #[error("the password is right, but a code is asked for, too")]
    SecondStepNeeded,
    /// The code of the second step is wrong or was used.
    #[error("the code is wrong or was used already")]
    WrongCode,
    /// There is a second step already.
    #[error("the second step is set up already")]
    SecondStepOn,
    /// There is no second step.
    #[error("there is no second step set up")]
    SecondStepOff,
    /// The ISP demands one.
    #[error("the second step is demanded of everybody")]
    SecondStepRequired,
    /// A secret could not be sealed or opened.
    #[error(transparent)]
    Secrets(#[from] crate::secrets::Error),
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
    /// No API key has this id.
    #[error("there is no API key {0}")]
    ApiKeyNotFound(ApiKeyId),
    /// The key is bound to other networks.
    #[error("the API key is bound to networks this request does not come from")]
    ApiKeyElsewhere,
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
    /// Fields cannot be as they were sent.
    #[error("{} fields cannot be as sent", .0.len())]
    Fields(Vec<FieldError>),
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
            Error::SecondStepNeeded => Self::new(&SECOND_STEP_NEEDED, &error),
            Error::WrongCode => Self::new(&WRONG_CODE, &error),
            Error::SecondStepOn => Self::new(&SECOND_STEP_ON, &error),
            Error::SecondStepOff => Self::new(&SECOND_STEP_OFF, &error),
            Error::SecondStepRequired => Self::new(&SECOND_STEP_REQUIRED, &error),
            Error::WrongLogin => Self::new(&WRONG_LOGIN, &error),
            Error::Waits(_, seconds) => Self::new(&LOGIN_WAITS, &error).retry_after(*seconds),
            Error::NoSession => Self::new(&error::UNAUTHENTICATED, &error),
            Error::EmailTaken(_) => Self::new(&EMAIL_TAKEN, &error),
            Error::NotFound(_) => Self::new(&STAFF_NOT_FOUND, &error),
            Error::SessionNotFound(_) => Self::new(&SESSION_NOT_FOUND, &error),
            Error::ApiKeyNotFound(_) => Self::new(&API_KEY_NOT_FOUND, &error),
            Error::ApiKeyElsewhere => Self::new(&API_KEY_ELSEWHERE, &error),
            Error::InvitationNotFound(_) => Self::new(&INVITATION_NOT_FOUND, &error),
            Error::InvitationOver => Self::new(&INVITATION_OVER, &error),
            Error::LastOwner(_) => Self::new(&LAST_OWNER, &error),
            Error::OwnAccess => Self::new(&OWN_ACCESS, &error),
            Error::Invalid(field, message) => Self::field(field, message),
            Error::Fields(errors) => Self::invalid(errors.clone()),
            Error::Busy => Self::new(&error::TOO_BUSY, &error).retry_after(1),
            Error::Hashing(_) | Error::Secrets(_) | Error::Db(_) => Self::internal(&error),
        }
    }
}
