//! How fast one agent may tell what makes us write: a bucket that fills with time and is emptied by what is told.

use std::time::Duration;

use tokio::time::Instant;

/// A bucket of so many at once, refilled at so many a second.
pub(super) struct Pace {
    most: f64,
    a_second: f64,
    left: f64,
    at: Instant,
}

impl Pace {
    /// A full one.
    pub(super) fn new(at_once: usize, a_second: u32) -> Self {
        let most = at_once as f64;
        Self { most, a_second: a_second.into(), left: most, at: Instant::now() }
    }

    /// Takes `count` out, and waits until the bucket is not below empty: what is told too fast is told later, not lost.
    pub(super) async fn take(&mut self, count: usize) {
        let wait = self.wait(count, Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    fn wait(&mut self, count: usize, now: Instant) -> Duration {
        self.left = self.most.min(self.left + self.a_second * (now - self.at).as_secs_f64()) - count as f64;
        self.at = now;
        Duration::from_secs_f64((-self.left / self.a_second).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_a_flood_waits() {
        let mut pace = Pace::new(100, 10);
        let began = pace.at;
        assert!((0..100).all(|_| pace.wait(1, began).is_zero()));
        let mut now = began;
        for _ in 0..50 {
            now += pace.wait(1, now);
        }
        assert!((now - began).abs_diff(Duration::from_secs(5)) < Duration::from_millis(1), "{:?}", now - began);
        assert_eq!(pace.wait(100, now + Duration::from_secs(60)), Duration::ZERO, "who was quiet may burst again");
        let late = pace.wait(1_000, now + Duration::from_secs(60));
        assert_eq!(late, Duration::from_secs(100));
    }
}
