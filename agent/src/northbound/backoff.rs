//! How long to wait before the next attempt to connect. Pure: randomness is an argument.

use std::time::Duration;

const BASE: Duration = Duration::from_secs(1);
/// A session this long forgives the failures before it.
const STABLE: Duration = Duration::from_secs(60);

/// Attempts so far and the longest wait.
#[derive(Debug)]
pub struct Backoff {
    failures: u32,
    cap: Duration,
}

impl Backoff {
    /// Starts afresh; no wait is longer than `cap`.
    pub fn new(cap: Duration) -> Self {
        Self { failures: 0, cap }
    }

    /// After an attempt that reached nobody: full jitter under a doubling ceiling.
    pub fn after_failure(&mut self, roll: u64) -> Duration {
        let ceiling = BASE.saturating_mul(1 << self.failures.min(16)).min(self.cap);
        self.failures = self.failures.saturating_add(1);
        below(ceiling, roll)
    }

    /// After losing a session that lasted `lasted`: a random time up to the cloud's spread, or, if sessions keep
    /// dying young, at least as careful as after a failure.
    pub fn after_loss(&mut self, lasted: Duration, spread: Duration, roll: u64) -> Duration {
        if lasted >= STABLE {
            self.failures = 0;
        }
        if self.failures == 0 {
            self.failures = 1;
            return below(spread.min(self.cap), roll);
        }
        below(spread.min(self.cap), roll).max(self.after_failure(roll))
    }

    /// When the cloud said when to come back.
    pub fn told(min: Duration, max: Duration, roll: u64) -> Duration {
        min.saturating_add(below(max.saturating_sub(min), roll))
    }

    /// The longest wait.
    pub fn cap(&self) -> Duration {
        self.cap
    }
}

fn below(ceiling: Duration, roll: u64) -> Duration {
    let ceiling = u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(roll % ceiling.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_never_end() {
        let mut backoff = Backoff::new(Duration::from_secs(300));
        let ceilings: Vec<u64> = (0..12)
            .map(|_| {
                let ceiling = BASE.saturating_mul(1 << backoff.failures.min(16)).min(backoff.cap);
                let wait = backoff.after_failure(u64::MAX - 1);
                assert!(wait <= ceiling);
                ceiling.as_secs()
            })
            .collect();
        assert_eq!(ceilings, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    }

    #[test]
    fn the_first_retry_after_a_loss_keeps_to_the_spread() {
        let mut backoff = Backoff::new(Duration::from_secs(300));
        let spread = Duration::from_millis(50);
        for roll in 0..200 {
            assert!(backoff.after_loss(STABLE, spread, roll) <= spread);
        }
    }

    #[test]
    fn the_cloud_may_say_when() {
        let (min, max) = (Duration::from_millis(100), Duration::from_millis(110));
        for roll in 0..50 {
            let wait = Backoff::told(min, max, roll);
            assert!(wait >= min && wait <= max);
        }
    }
}
