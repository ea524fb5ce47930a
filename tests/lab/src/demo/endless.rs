//! Subscribers that never stop: they stream, browse, send backups, and rest, at rates a small machine can carry.

use super::stage::Stage;
use crate::subscriber::Subscriber;
use crate::traffic::{Direction, Family, Load};
use futures_util::future::join_all;
use std::time::Duration;

/// Keeps every subscriber busy until the future is dropped.
pub async fn keep_busy(stage: &Stage) {
    let all = stage.lines.iter().enumerate().map(|(index, line)| {
        let terms = stage.terms(index);
        let habits = Habits { state: 0x9e37_79b9_7f4a_7c15 ^ u64::from(line.number), rate_bps: terms.rate_down_bps };
        live(stage.lab.subscriber(line.number), habits, terms.rate_up_bps)
    });
    join_all(all).await;
}

async fn live(subscriber: Subscriber, mut habits: Habits, rate_up_bps: u64) {
    loop {
        let family = if habits.one_in(2) { Family::V6 } else { Family::V4 };
        let seconds = u32::try_from(5 + habits.below(20)).unwrap_or(10);
        let (direction, rate) = match habits.below(6) {
            // A film: steady, well under the line's rate.
            0 | 1 => (Direction::Down, habits.rate_bps / 4),
            // A backup: fills a part of the upload.
            2 => (Direction::Up, rate_up_bps / 2),
            // A download that fills the line, when the line is slow enough for a small machine.
            3 => (Direction::Down, habits.rate_bps.min(12_000_000)),
            // Pages, many small things.
            4 => {
                browse(&subscriber, family, habits.below(20)).await;
                continue;
            }
            _ => {
                rest(Duration::from_millis(2_000 + habits.below(8_000))).await;
                continue;
            }
        };
        let flow = subscriber.flow(direction, Load::seconds(seconds).at(rate), family).await;
        if flow.is_err() {
            // Walled off, or the router is busy: people try again.
            rest(Duration::from_secs(3)).await;
        }
    }
}

async fn browse(subscriber: &Subscriber, family: Family, pages: u64) {
    for _ in 0..pages {
        let _shown = subscriber.http_get("/", family).await;
        rest(Duration::from_millis(150)).await;
    }
}

async fn rest(time: Duration) {
    let _always_elapses = tokio::time::timeout(time, std::future::pending::<()>()).await;
}

/// A subscriber's whims: a small generator of numbers, the same in every run.
struct Habits {
    state: u64,
    rate_bps: u64,
}

impl Habits {
    fn below(&mut self, limit: u64) -> u64 {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) % limit
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}
