//! Time in the lab: the wall clock, shared by all its processes, and waiting for something with a limit.

use crate::isp::ZONE;
use anyhow::{Context, Result, bail};
use chrono::{DateTime, NaiveDate};
use std::future::Future;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long something may take before the lab calls it a failure.
#[derive(Debug, Clone, Copy)]
pub struct Limit(pub Duration);

impl Limit {
    /// A limit of whole seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

/// Microseconds of the wall clock since 1970.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the lab measures the real world, across processes")]
pub fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// The day it is for the lab's ISPs, by the wall clock.
pub fn local_day() -> Result<NaiveDate> {
    let now = DateTime::from_timestamp_micros(i64::try_from(now_us())?).context("the clock is out of range")?;
    Ok(now.with_timezone(&ZONE).date_naive())
}

/// Asks again and again until the answer is `Some`; fails with `what` when the limit has passed.
pub async fn until<T, F, A>(what: &str, limit: Limit, mut ask: F) -> Result<T>
where
    F: FnMut() -> A,
    A: Future<Output = Result<Option<T>>>,
{
    let began = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    loop {
        tick.tick().await;
        if let Some(found) = ask().await? {
            return Ok(found);
        }
        if began.elapsed() > limit.0 {
            bail!("{what} did not happen within {:?}", limit.0);
        }
    }
}
