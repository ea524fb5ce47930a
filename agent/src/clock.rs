//! Time and chance, so that everything else can take them as arguments.

pub mod corrected;

use std::time::Instant;
use uuid::Uuid;

/// What time it is, by two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Wall clock, Unix milliseconds.
    pub wall_ms: u64,
    /// Monotonic time since boot, milliseconds.
    pub mono_ms: u64,
}

/// The router's clocks.
pub trait Clock {
    /// Reads both.
    fn now(&self) -> Now;
    /// The boot the monotonic clock and the kernel's counters began with.
    fn boot(&self) -> Uuid;
}

/// The kernel's clocks.
#[derive(Debug)]
pub struct System {
    started: Instant,
    uptime_ms: u64,
    boot: Uuid,
}

impl System {
    /// Reads uptime and boot id once; the monotonic clock counts from the uptime. Without a boot id it is a fixed one.
    pub fn start() -> Self {
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
        let mut digits = uptime.split_whitespace().next().unwrap_or("0").split('.');
        let number = |text: Option<&str>| text.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        let uptime_ms = number(digits.next()) * 1000 + number(digits.next()) * 10;
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let boot = boot.trim().parse().unwrap_or(Uuid::nil());
        Self { started: Instant::now(), uptime_ms, boot }
    }
}

impl Clock for System {
    #[expect(clippy::disallowed_methods, reason = "the one place the agent asks for the time")]
    fn now(&self) -> Now {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let wall_ms = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
        Now { wall_ms, mono_ms: self.uptime_ms.saturating_add(elapsed) }
    }

    fn boot(&self) -> Uuid {
        self.boot
    }
}

/// Bytes nobody can guess.
///
/// # Panics
/// If the kernel gives none, which it does not do once it has started.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the kernel gives random bytes");
    bytes
}

/// A new UUIDv7.
pub fn event_id(wall_ms: u64) -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(wall_ms, &random()).into_uuid()
}

/// A new UUIDv4.
pub fn random_id() -> Uuid {
    uuid::Builder::from_random_bytes(random()).into_uuid()
}
