//! The one place that reads the wall clock. A development clock can be moved; everything else asks it for the time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

/// Tells the time. Clones share one setting.
#[derive(Clone, Debug)]
pub struct Clock {
    moved: watch::Sender<()>,
    /// How far a development clock is moved, in milliseconds. Every process that shares it reads it each time.
    saved_in: Option<Arc<Path>>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self { moved: watch::Sender::new(()), saved_in: None }
    }

    /// A clock for development: it can be moved, by every process that names the same `file`, which outlives them.
    pub fn movable(file: PathBuf) -> Self {
        Self { moved: watch::Sender::new(()), saved_in: Some(file.into()) }
    }

    /// The system's own time, wherever a development clock was moved: TLS libraries judge certificates by it.
    #[expect(clippy::disallowed_methods, reason = "this is the clock the others are told to ask")]
    pub fn system_now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    /// The time.
    pub fn now(&self) -> DateTime<Utc> {
        self.system_now() + self.offset()
    }

    /// Whether [`Clock::shift`] is permitted.
    pub fn is_movable(&self) -> bool {
        self.saved_in.is_some()
    }

    /// Moves a development clock and returns the new time. The system's clock stays where it is.
    pub fn shift(&self, by: TimeDelta) -> std::io::Result<DateTime<Utc>> {
        if let Some(file) = &self.saved_in {
            let offset = (self.offset() + by).num_milliseconds();
            // Whoever reads meanwhile sees the old one or the new one.
            let beside = file.with_extension("new");
            std::fs::write(&beside, offset.to_string())?;
            std::fs::rename(&beside, file)?;
            self.moved.send_replace(());
        }
        Ok(self.now())
    }

    fn offset(&self) -> TimeDelta {
        let saved = self.saved_in.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
        TimeDelta::milliseconds(saved.and_then(|text| text.trim().parse().ok()).unwrap_or(0))
    }

    /// Changes whenever this process moves the clock, so that schedules look again.
    pub fn moved(&self) -> watch::Receiver<()> {
        self.moved.subscribe()
    }
}
