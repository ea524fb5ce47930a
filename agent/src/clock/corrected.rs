//! A router's clock, corrected by what the cloud says the time is.
//!
//! Many routers have no clock that runs without power: they boot in 1970, or when their image was made, until something sets
//! them right. What is measured meanwhile must not be dated there: it would lie in a period that was billed long ago.

use std::io;

use prost::Message;
use uuid::Uuid;

use super::{Clock, Now};
use crate::store::disk::Disk;
use crate::store::frame;

const FILE: &str = "cloud-time";
/// A cloud that shows less shows nothing: it was not there yet. 2026-01-01, Unix milliseconds.
const EARLIEST_MS: u64 = 1_767_225_600_000;
/// A router's clock may differ from the cloud's by so much, and by a two-thousandth of the time since that was told: neither
/// clock runs exactly.
const AGREES_MS: u64 = 120_000;
const DRIFT_DIVISOR: u64 = 2_000;
/// What is known of the time is kept this often.
const KEPT_EVERY_MS: u64 = 3_600_000;

/// A clock that is not believed where it cannot be right.
#[derive(Debug)]
pub struct Corrected<C> {
    router: C,
    /// What the cloud told in this boot.
    told: Option<Now>,
    /// It was later than this when the boot began, Unix milliseconds.
    floor_ms: u64,
    kept_ms: u64,
}

/// What is kept.
#[derive(Clone, PartialEq, Message)]
struct Kept {
    /// The time in the cloud, Unix milliseconds.
    #[prost(uint64, tag = "1")]
    wall_ms: u64,
    /// The boot it was told in, 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    boot_id: Vec<u8>,
    /// Time since that boot, milliseconds.
    #[prost(uint64, tag = "3")]
    mono_ms: u64,
}

impl<C: Clock> Corrected<C> {
    /// Goes on from what `disk` keeps.
    pub fn open(disk: &impl Disk, router: C) -> Self {
        let bytes = disk.read(FILE).unwrap_or_default();
        let kept = frame::at(&bytes, 0).and_then(|frame| Kept::decode(frame.body).ok()).unwrap_or_default();
        let same_boot = kept.boot_id == router.boot().as_bytes();
        let told = same_boot.then_some(Now { wall_ms: kept.wall_ms, mono_ms: kept.mono_ms });
        Self { router, told, floor_ms: kept.wall_ms, kept_ms: kept.wall_ms }
    }

    /// What the router itself shows.
    pub fn uncorrected(&self) -> Now {
        self.router.now()
    }

    /// The time, if it is certain; otherwise that from which on it is certainly later. Unix milliseconds.
    pub fn earliest_ms(&self) -> u64 {
        match self.told {
            Some(_) => self.now().wall_ms,
            None => self.floor_ms.saturating_add(self.router.now().mono_ms).max(EARLIEST_MS),
        }
    }

    /// Takes in what the cloud says the time is; answers by how much the router is wrong, milliseconds ahead, if it is.
    pub fn tell(&mut self, cloud_ms: u64) -> Option<i64> {
        if cloud_ms < EARLIEST_MS {
            return None;
        }
        let now = self.router.now();
        self.told = Some(Now { wall_ms: cloud_ms, ..now });
        let ahead = i64::try_from(now.wall_ms).unwrap_or(i64::MAX).saturating_sub_unsigned(cloud_ms);
        (ahead.unsigned_abs() > AGREES_MS).then_some(ahead)
    }

    /// Keeps what is known of the time, if that has grown old.
    pub fn keep(&mut self, disk: &mut impl Disk) -> io::Result<()> {
        let Now { wall_ms, mono_ms } = self.now();
        if self.told.is_none() || wall_ms.abs_diff(self.kept_ms) < KEPT_EVERY_MS {
            return Ok(());
        }
        let kept = Kept { wall_ms, boot_id: self.router.boot().as_bytes().to_vec(), mono_ms };
        disk.replace(FILE, &frame::encode(1, &kept.encode_to_vec()))?;
        self.kept_ms = wall_ms;
        Ok(())
    }
}

impl<C: Clock> Clock for Corrected<C> {
    fn now(&self) -> Now {
        let now = self.router.now();
        let wall_ms = match self.told {
            Some(told) => {
                let since = now.mono_ms.saturating_sub(told.mono_ms);
                let expected = told.wall_ms.saturating_add(since);
                let agrees = expected.abs_diff(now.wall_ms) <= AGREES_MS + since / DRIFT_DIVISOR;
                if agrees { now.wall_ms } else { expected }
            }
            // How long the router was without power, nobody knows: not less than no time.
            None if self.floor_ms > 0 => now.wall_ms.max(self.floor_ms.saturating_add(now.mono_ms)),
            None => now.wall_ms,
        };
        Now { wall_ms, ..now }
    }

    fn boot(&self) -> Uuid {
        self.router.boot()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sim::Sim;
    use std::cell::Cell;
    use std::rc::Rc;

    const DAY_MS: u64 = 24 * 3_600_000;
    const RIGHT: u64 = EARLIEST_MS + 200 * DAY_MS;

    /// What a router's clocks show, and which boot it is.
    #[derive(Debug, Clone, Default)]
    struct Shown(Rc<Cell<(Now, u128)>>);

    impl Shown {
        fn show(&self, wall_ms: u64, mono_ms: u64) {
            self.0.set((Now { wall_ms, mono_ms }, self.0.get().1));
        }

        fn boot_at(&self, wall_ms: u64) {
            self.0.set((Now { wall_ms, mono_ms: 0 }, self.0.get().1 + 1));
        }
    }

    impl Clock for Shown {
        fn now(&self) -> Now {
            self.0.get().0
        }

        fn boot(&self) -> Uuid {
            Uuid::from_u128(self.0.get().1)
        }
    }

    #[test]
    fn a_router_without_a_clock_goes_on_from_what_the_cloud_said_last() {
        let (shown, mut disk) = (Shown::default(), Sim::default());
        shown.boot_at(0);
        let mut clock = Corrected::open(&disk, shown.clone());
        shown.show(5_000, 5_000);
        assert_eq!(clock.now().wall_ms, 5_000, "nothing better is known");
        assert_eq!(clock.tell(RIGHT), Some(5_000 - i64::try_from(RIGHT).unwrap()));
        shown.show(9_000, 9_000);
        assert_eq!(clock.now().wall_ms, RIGHT + 4_000);
        clock.keep(&mut disk).unwrap();

        // The program starts again in the same boot, later the router does.
        let clock = Corrected::open(&disk, shown.clone());
        shown.show(10_000, 10_000);
        assert_eq!(clock.now().wall_ms, RIGHT + 5_000);
        shown.boot_at(0);
        let clock = Corrected::open(&disk, shown.clone());
        shown.show(7_000, 7_000);
        assert_eq!(clock.now().wall_ms, RIGHT + 4_000 + 7_000, "not before it was switched off");
        assert_eq!(clock.earliest_ms(), RIGHT + 4_000 + 7_000);
        // Something set it right before the cloud is reached.
        shown.show(RIGHT + DAY_MS, 8_000);
        assert_eq!((clock.now().wall_ms, clock.earliest_ms()), (RIGHT + DAY_MS, RIGHT + 4_000 + 8_000), "nobody knows");
    }

    #[test]
    fn a_clock_that_is_ahead_is_put_right_by_the_cloud_and_believed_again_when_it_agrees() {
        let (shown, disk) = (Shown::default(), Sim::default());
        shown.boot_at(RIGHT + 90 * DAY_MS);
        let mut clock = Corrected::open(&disk, shown.clone());
        assert_eq!(clock.tell(RIGHT), Some(90 * 24 * 3_600_000));
        shown.show(RIGHT + 90 * DAY_MS + 1_000, 1_000);
        assert_eq!(clock.now().wall_ms, RIGHT + 1_000);
        shown.show(RIGHT + 2_500, 2_000);
        assert_eq!(clock.now().wall_ms, RIGHT + 2_500, "half a second is no disagreement");
        assert_eq!(clock.tell(RIGHT + 2_400), None);
        // Weeks later both have drifted apart a little.
        shown.show(RIGHT + 30 * DAY_MS + 600_000, 30 * DAY_MS);
        assert_eq!(clock.now().wall_ms, RIGHT + 30 * DAY_MS + 600_000);
    }

    #[test]
    fn what_no_cloud_can_show_is_not_believed() {
        let shown = Shown::default();
        shown.boot_at(RIGHT);
        let mut clock = Corrected::open(&Sim::default(), shown.clone());
        assert_eq!((clock.tell(1), clock.now().wall_ms), (None, RIGHT));
    }

    #[test]
    fn a_cloud_that_was_ahead_is_not_believed_beyond_the_next_that_is_right() {
        let (shown, mut disk) = (Shown::default(), Sim::default());
        shown.boot_at(RIGHT);
        let mut clock = Corrected::open(&disk, shown.clone());
        for told in [RIGHT + 365 * DAY_MS, RIGHT] {
            clock.tell(told);
            clock.keep(&mut disk).unwrap();
        }
        shown.boot_at(RIGHT + DAY_MS);
        assert_eq!(Corrected::open(&disk, shown).now().wall_ms, RIGHT + DAY_MS);
    }

    #[test]
    fn the_time_is_kept_once_an_hour() {
        let (shown, mut disk) = (Shown::default(), Sim::default());
        shown.boot_at(RIGHT);
        let mut clock = Corrected::open(&disk, shown.clone());
        clock.keep(&mut disk).unwrap();
        assert!(disk.read(FILE).is_err(), "nobody told it");
        clock.tell(RIGHT);
        clock.keep(&mut disk).unwrap();
        let kept = disk.read(FILE).unwrap();
        for (minutes, again) in [(59, false), (61, true)] {
            shown.show(RIGHT + minutes * 60_000, minutes * 60_000);
            clock.keep(&mut disk).unwrap();
            assert_eq!(disk.read(FILE).unwrap() != kept, again, "after {minutes} minutes");
        }
    }
}
