//! Why something about an agent could not be done.

use crate::error::Problem;
use crate::ids::{AgentId, RouterId};
use crate::{db, network, secrets, subscribers, translation};

crate::kinds! {
    AGENT_NOT_FOUND = 404 "agent-not-found", "There is no such agent", "It may belong to somebody else.";
    NO_REMOVALS_HELD = 409 "no-removals-held", "The router holds nothing back", "It removes and suspends lines by itself, but for many at once.";
    NOTHING_HELD = 409 "nothing-held", "No router holds anything back", "They remove and suspend lines by themselves, but for many at once.";
    ROUTER_WITHOUT_AGENT = 409 "router-without-agent", "The router has no agent", "Enroll one with the one-line command of the router's page.";
}

/// Why something about an agent could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No agent has this id.
    #[error("no agent {0}")]
    AgentNotFound(AgentId),
    /// The router has no agent.
    #[error("router {0} has no agent")]
    WithoutAgent(RouterId),
    /// Nothing waits to be confirmed.
    #[error("router {0} holds nothing back")]
    NoRemovalsHeld(RouterId),
    /// Nothing waits to be released.
    #[error("no router holds anything back, and the database is not restored")]
    NothingHeld,
    /// No token has this id.
    #[error("the enrollment token is unknown")]
    TokenUnknown,
    /// Another router used the token.
    #[error("the enrollment token has been used already")]
    TokenUsed,
    /// The token was not used in time.
    #[error("the enrollment token has expired")]
    TokenExpired,
    /// The proof is not of this token's secret, this connection and this request.
    #[error("the proof of the enrollment token is wrong")]
    ProofWrong,
    /// The signing request is none.
    #[error("the certificate signing request is invalid: {0}")]
    CsrInvalid(String),
    /// A certificate could not be made.
    #[error("making a certificate failed: {0}")]
    Certificate(String),
    /// The agent has a new certificate since a moment.
    #[error("the certificate was renewed less than an hour ago")]
    RenewedLately,
    /// The agent was away for too long.
    #[error("the certificate ended more than 400 days ago: enroll the router anew")]
    CertificateTooOld,
    /// Others took the place of what is shown, and this is not the newest key's.
    #[error("the certificate was replaced long since: enroll the router anew")]
    CertificateReplaced,
    /// There is no such root, or it is retired.
    #[error("{0} is no root that is trusted")]
    RootNotTrusted(uuid::Uuid),
    /// A restore would lose it.
    #[error("no backup has root {0} yet: make one first")]
    RootNotInBackup(uuid::Uuid),
    /// Another root must issue first.
    #[error("root {0} issues certificates: let another one issue first")]
    RootIssues(uuid::Uuid),
    /// Agents would have to be enrolled anew.
    #[error("{0} agents may still show a certificate of this root: they renew it within two months while they connect")]
    RootInUse(i64),
    /// The installation's key cannot be used.
    #[error(transparent)]
    Secrets(#[from] secrets::Error),
    /// What a line includes could not be derived from what was sold.
    #[error("the fair use of a line cannot be derived: {0}")]
    FairUse(String),
    /// A newer session of the agent took over.
    #[error("a newer session of the agent took over")]
    Fenced,
    /// The agent may not connect any more.
    #[error("the agent is revoked")]
    Revoked,
    /// Its usage log begins anew again and again.
    #[error("{0} epochs of its usage log are new since yesterday: no more are taken until tomorrow")]
    TooManyEpochs(i64),
    /// About the router.
    #[error(transparent)]
    Network(#[from] network::Error),
    /// About the ports of lines.
    #[error(transparent)]
    Translation(#[from] translation::Error),
    /// About the account.
    #[error(transparent)]
    Subscribers(#[from] subscribers::Error),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Error {
    /// The code an agent is told at enrollment or renewal; `None` if the fault is ours.
    pub fn enrollment_code(&self) -> Option<&'static str> {
        match self {
            Self::TokenUnknown => Some("token-unknown"),
            Self::TokenUsed => Some("token-used"),
            Self::TokenExpired => Some("token-expired"),
            Self::ProofWrong => Some("proof-wrong"),
            Self::CsrInvalid(_) => Some("csr-invalid"),
            Self::RenewedLately => Some("renewed-lately"),
            Self::CertificateTooOld => Some("certificate-too-old"),
            Self::CertificateReplaced => Some("certificate-replaced"),
            Self::AgentNotFound(_) | Self::WithoutAgent(_) | Self::NoRemovalsHeld(_) | Self::NothingHeld => None,
            Self::Fenced | Self::Revoked | Self::TooManyEpochs(_) | Self::Network(_) | Self::Translation(_) => None,
            Self::RootNotTrusted(_) | Self::RootNotInBackup(_) | Self::RootIssues(_) | Self::RootInUse(_) => None,
            Self::Certificate(_) | Self::Secrets(_) | Self::FairUse(_) | Self::Subscribers(_) | Self::Db(_) => None,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::AgentNotFound(_) => Self::new(&AGENT_NOT_FOUND, &error),
            Error::WithoutAgent(_) => Self::new(&ROUTER_WITHOUT_AGENT, &error),
            Error::NoRemovalsHeld(_) => Self::new(&NO_REMOVALS_HELD, &error),
            Error::NothingHeld => Self::new(&NOTHING_HELD, &error),
            Error::Network(error) => error.into(),
            Error::Translation(error) => error.into(),
            Error::Subscribers(error) => error.into(),
            Error::TokenUnknown
            | Error::TokenUsed
            | Error::TokenExpired
            | Error::ProofWrong
            | Error::CsrInvalid(_)
            | Error::RenewedLately
            | Error::CertificateTooOld
            | Error::CertificateReplaced
            | Error::RootNotTrusted(_)
            | Error::RootNotInBackup(_)
            | Error::RootIssues(_)
            | Error::RootInUse(_)
            | Error::Certificate(_)
            | Error::Secrets(_)
            | Error::FairUse(_)
            | Error::Fenced
            | Error::Revoked
            | Error::TooManyEpochs(_)
            | Error::Db(_) => Self::internal(&error),
        }
    }
}
