//! Why something could not be done with a plugin.

use weir_plugin_host::compile::Refusal;

use crate::error::{FieldError, Problem};
use crate::ids::{PluginId, PluginInvocationId, PluginVersionId};
use crate::{db, tenants};

crate::kinds! {
    PLUGIN_NOT_FOUND = 404 "plugin-not-found", "There is no such plugin", "It may belong to somebody else.";
    PLUGIN_VERSION_NOT_FOUND = 404 "plugin-version-not-found", "There is no such version of a plugin", "It may belong to somebody else. Activate a version by the digest it is listed under.";
    PLUGIN_INVOCATION_NOT_FOUND = 404 "plugin-invocation-not-found", "There is no such call of a plugin", "It may belong to somebody else, or it is older than ninety days.";
    PLUGIN_NAME_TAKEN = 409 "plugin-name-taken", "Another plugin has this name", "Upload a version of that plugin, or choose another name.";
    PLUGIN_REFUSED = 422 "plugin-refused", "This is not a plugin we can take", "The detail says why. A plugin is a WebAssembly component of at most one and a half megabytes that answers one hook of weir:plugins@1.0.0 and imports nothing else: weir plugin build makes one.";
    PLUGIN_VERSION_KNOWN = 409 "plugin-version-known", "This very component was uploaded before", "Nothing has to be uploaded: activate the version named in the detail.";
    PLUGIN_NOT_TRIED = 409 "plugin-not-tried", "This version has not been tried", "Make a dry run of it first and look at what it would change.";
    PLUGIN_PRICES_TAKEN = 409 "plugin-prices-taken", "Another plugin sets prices already", "Two rules for one price would be none: disable the other one first.";
    PLUGIN_NOTHING_BEFORE = 409 "plugin-nothing-before", "There is no version to return to", "A rollback returns to the version that was active before this one; disable the plugin to stop it.";
    PLUGIN_NOT_ACTIVE = 409 "plugin-not-active", "No version of this plugin is active", "Activate a version first.";
    PLUGIN_NOT_PAUSED = 409 "plugin-not-paused", "This plugin is not paused", "There is nothing to resume.";
    PLUGIN_NOT_SET_ASIDE = 409 "plugin-not-set-aside", "This call was not set aside", "Only an event that nothing was done about can be tried again.";
}

/// Why something could not be done with a plugin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No plugin has this id.
    #[error("no plugin {0}")]
    NotFound(PluginId),
    /// No version has this id.
    #[error("no version {0}")]
    VersionNotFound(PluginVersionId),
    /// The plugin has no version with this digest.
    #[error("the plugin has no version with the digest {0:?}")]
    DigestNotFound(String),
    /// No call has this id.
    #[error("no call {0}")]
    InvocationNotFound(PluginInvocationId),
    /// Names are unique.
    #[error("the name {0:?} is taken")]
    NameTaken(String),
    /// The upload is no plugin of this hook.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The same component again.
    #[error("it is version {number}, {id}")]
    Known {
        /// The version it is.
        id: PluginVersionId,
        /// Its number.
        number: i32,
    },
    /// A version is activated after its dry run.
    #[error("version {0} has not been tried on recorded inputs")]
    NotTried(i32),
    /// One plugin sets prices.
    #[error("the plugin {0} sets prices")]
    PricesTaken(String),
    /// Nothing was active before.
    #[error("nothing was active before")]
    NothingBefore,
    /// Nothing is active.
    #[error("no version is active")]
    NotActive,
    /// It is not paused.
    #[error("it is not paused")]
    NotPaused,
    /// It is not set aside.
    #[error("the call {0} is not an event that was set aside")]
    NotSetAside(PluginInvocationId),
    /// An effect that cannot be carried out; the event is set aside.
    #[error("{0}")]
    Effect(String),
    /// Fields that cannot be as they were sent.
    #[error("{} fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
    /// A runner or a compiler could not be started.
    #[error("a process for plugins could not be started")]
    Process(#[from] std::io::Error),
    /// The tenant could not be read.
    #[error(transparent)]
    Tenant(#[from] tenants::Error),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Error {
    /// Whether the same may well succeed a moment later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Db(error) | Self::Tenant(tenants::Error::Db(error)) => error.is_passing(),
            Self::Process(_) => true,
            _ => false,
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
            Error::NotFound(_) => Self::new(&PLUGIN_NOT_FOUND, &error),
            Error::VersionNotFound(_) | Error::DigestNotFound(_) => Self::new(&PLUGIN_VERSION_NOT_FOUND, &error),
            Error::InvocationNotFound(_) => Self::new(&PLUGIN_INVOCATION_NOT_FOUND, &error),
            Error::NameTaken(_) => Self::new(&PLUGIN_NAME_TAKEN, &error),
            Error::Refused(_) => Self::new(&PLUGIN_REFUSED, &error),
            Error::Known { .. } => Self::new(&PLUGIN_VERSION_KNOWN, &error),
            Error::NotTried(_) => Self::new(&PLUGIN_NOT_TRIED, &error),
            Error::PricesTaken(_) => Self::new(&PLUGIN_PRICES_TAKEN, &error),
            Error::NothingBefore => Self::new(&PLUGIN_NOTHING_BEFORE, &error),
            Error::NotActive => Self::new(&PLUGIN_NOT_ACTIVE, &error),
            Error::NotPaused => Self::new(&PLUGIN_NOT_PAUSED, &error),
            Error::NotSetAside(_) => Self::new(&PLUGIN_NOT_SET_ASIDE, &error),
            Error::Invalid(errors) => Self::invalid(errors),
            Error::Effect(_) | Error::Process(_) | Error::Tenant(_) | Error::Db(_) => Self::internal(&error),
        }
    }
}
