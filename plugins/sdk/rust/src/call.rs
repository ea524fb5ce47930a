//! The call a rule is in: its context, the tenant's settings, the log.

use std::str::FromStr;

use crate::bindings::weir::plugins::log::{Level, write};
use crate::bindings::weir::plugins::{clock, config};
use crate::{Context, Error};

/// The call a rule is in.
pub struct Call {
    /// What every call is told.
    pub context: Context,
}

impl Call {
    #[doc(hidden)]
    pub fn begin(context: Context) -> Self {
        // A panic ends the instance without a word; this gives it one.
        std::panic::set_hook(Box::new(|panic| write(Level::Error, &panic.to_string())));
        Self { context }
    }

    /// A setting the tenant gave this plugin, if any; an error if it cannot be read as what is asked for.
    pub fn setting<T: FromStr>(&self, name: &str) -> Result<Option<T>, Error> {
        let Some(text) = config::get(name) else { return Ok(None) };
        match text.trim().parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(Error::Misconfigured(format!("the setting {name} cannot be {text:?}"))),
        }
    }

    /// The same, for a setting without which the rule cannot decide.
    pub fn required<T: FromStr>(&self, name: &str) -> Result<T, Error> {
        self.setting(name)?.ok_or_else(|| Error::Misconfigured(format!("the setting {name} is missing")))
    }

    /// Milliseconds since 1970; it stands still during the call.
    pub fn now(&self) -> u64 {
        clock::now()
    }
}

/// Writes a line to the call's record.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// Writes a line to the call's record.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Writes a line to the call's record.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}
