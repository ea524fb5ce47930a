//! The one place that reads the wall clock. A development clock can be moved; everything else asks it for the time.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

/// Tells the time. Clones share one setting.
#[derive(Clone, Debug)]
pub struct Clock {
    offset_ms: Arc<AtomicI64>,
    moved: watch::Sender<()>,
    saved_in: Option<PathBuf>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self { offset_ms: Arc::default(), moved: watch::Sender::new(()), saved_in: None }
    }

    /// A clock for development: it can be moved, and remembers how far across restarts in `file`.
    pub fn movable(file: PathBuf) -> Self {
        let offset = std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        Self { offset_ms: Arc::new(AtomicI64::new(offset)), moved: watch::Sender::new(()), saved_in: Some(file) }
    }

    /// The system's own time, wherever a development clock was moved: TLS libraries judge certificates by it.
    #[expect(clippy::disallowed_methods, reason = "this is the clock the others are told to ask")]
    pub fn system_now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    /// The time.
    pub fn now(&self) -> DateTime<Utc> {
        self.system_now() + TimeDelta::milliseconds(self.offset_ms.load(Ordering::Relaxed))
    }

    /// Whether [`Clock::shift`] is permitted.
    pub fn is_movable(&self) -> bool {
        self.saved_in.is_some()
    }

    /// Moves a development clock and returns the new time. The system's clock stays where it is.
    pub fn shift(&self, by: TimeDelta) -> std::io::Result<DateTime<Utc>> {
        if let Some(file) = &self.saved_in {
            let offset = self.offset_ms.load(Ordering::Relaxed) + by.num_milliseconds();
            std::fs::write(file, offset.to_string())?;
            self.offset_ms.store(offset, Ordering::Relaxed);
            self.moved.send_replace(());
        }
        Ok(self.now())
    }

    /// Changes whenever the clock is moved, so that schedules look again.
    pub fn moved(&self) -> watch::Receiver<()> {
        self.moved.subscribe()
    }
}
