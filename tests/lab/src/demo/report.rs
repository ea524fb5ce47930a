//! What the check measured, and whether it is what was promised.
//!
//! - `meter_error`: metered against sent, in layer-3 bytes, the worse direction.
//! - `shaped_error`: goodput against the sold rate less headers (1448 of 1500 bytes over v4, 1428 over v6), the worst line.
//! - `lost`, `doubled`: usage records the agent sealed that the cloud has not, or has more than once.
//! - `suspend_ms`, `restore_ms`: from the API's answer to the first packet refused, or passed, at the line.

use crate::isp::Faults;
use crate::traffic::Carried;
use serde_json::{Value, json};

const METER_ERROR_MAX: f64 = 0.005;
const SHAPED_ERROR_MAX: f64 = 0.05;
const RESTORE_MS_MAX: u64 = 1_000;

/// The measurements.
#[derive(Debug, Default)]
pub struct Report {
    /// What crossed the subscribers' ports.
    pub sent: Carried,
    /// What the cloud counted.
    pub metered: Carried,
    /// What stands on invoices.
    pub billed: Carried,
    /// The worst line's deviation from its rate.
    pub shaped_error: f64,
    /// Records that never arrived, or more than once.
    pub faults: Faults,
    /// Milliseconds until the line was closed.
    pub suspend_ms: u64,
    /// Milliseconds until the line was open again.
    pub restore_ms: u64,
}

impl Report {
    /// Metered against sent, the worse direction.
    pub fn meter_error(&self) -> f64 {
        let down = deviation(self.metered.down_bytes, self.sent.down_bytes);
        down.max(deviation(self.metered.up_bytes, self.sent.up_bytes))
    }

    /// The promises that were not kept, in words.
    pub fn missed(&self) -> Vec<String> {
        let goals = [
            (self.sent.total() > 0, "no traffic was sent".to_owned()),
            (self.meter_error() <= METER_ERROR_MAX, format!("meter_error {} > {METER_ERROR_MAX}", self.meter_error())),
            (self.shaped_error <= SHAPED_ERROR_MAX, format!("shaped_error {} > {SHAPED_ERROR_MAX}", self.shaped_error)),
            (self.faults.lost == 0, format!("{} records lost", self.faults.lost)),
            (self.faults.doubled == 0, format!("{} records doubled", self.faults.doubled)),
            (self.billed == self.metered, format!("billed {:?}, metered {:?}", self.billed, self.metered)),
            (self.restore_ms <= RESTORE_MS_MAX, format!("restore_ms {} > {RESTORE_MS_MAX}", self.restore_ms)),
        ];
        goals.into_iter().filter(|(kept, _)| !kept).map(|(_, words)| words).collect()
    }

    /// One line for programs.
    pub fn to_json(&self) -> Value {
        json!({
            "bytes_sent": {"down": self.sent.down_bytes, "up": self.sent.up_bytes},
            "bytes_metered": {"down": self.metered.down_bytes, "up": self.metered.up_bytes},
            "bytes_billed": {"down": self.billed.down_bytes, "up": self.billed.up_bytes},
            "meter_error": rounded(self.meter_error()),
            "shaped_error": rounded(self.shaped_error),
            "lost": self.faults.lost,
            "doubled": self.faults.doubled,
            "suspend_ms": self.suspend_ms,
            "restore_ms": self.restore_ms,
            "ok": self.missed().is_empty(),
        })
    }
}

fn deviation(measured: u64, expected: u64) -> f64 {
    if expected == 0 {
        return if measured == 0 { 0.0 } else { 1.0 };
    }
    (measured as f64 / expected as f64 - 1.0).abs()
}

fn rounded(ratio: f64) -> f64 {
    (ratio * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Report {
        let bytes = Carried { down_bytes: 1_000_000, up_bytes: 10_000 };
        Report { sent: bytes, metered: bytes, billed: bytes, restore_ms: 80, ..Report::default() }
    }

    #[test]
    fn a_good_run_misses_nothing() {
        assert_eq!(good().missed(), Vec::<String>::new());
        assert_eq!(good().to_json()["ok"], true);
    }

    #[test]
    fn each_promise_is_judged() {
        let metered = Carried { down_bytes: 994_000, up_bytes: 10_000 };
        let bad =
            Report { metered, shaped_error: 0.06, faults: Faults { lost: 1, doubled: 2 }, restore_ms: 1_001, ..good() };
        assert_eq!(bad.missed().len(), 6);
        assert_eq!(bad.to_json()["ok"], false);
    }
}
