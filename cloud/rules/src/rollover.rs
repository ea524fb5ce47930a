//! An allowance as dated buckets: what is left of one period is carried to later ones, used before it expires, or lost.
//!
//! Buckets are used in the order they expire; of those that expire together what was carried goes first, then what is
//! included, then what was bought. Start with [`Buckets`].

use chrono::NaiveDate;

use crate::calendar::{CalendarError, Period};

/// Where bytes of a bucket come from, in the order they are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Left of an earlier period.
    Carried,
    /// Included in the plan.
    Included,
    /// Bought on top.
    Bought,
}

/// Bytes that may be used before a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// Where they come from.
    pub source: Source,
    /// How many are left.
    pub bytes: u64,
    /// The first day they are lost; `None` never.
    pub expires: Option<NaiveDate>,
}

/// What becomes of included bytes that are left when a period ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rollover {
    /// They are lost.
    None,
    /// They are carried until the day given, no more than so many. What was carried is never carried again.
    Until {
        /// The first day they are lost.
        expires: NaiveDate,
        /// No more than this.
        most: u64,
    },
}

/// The buckets of one line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Buckets {
    open: Vec<Bucket>,
    used: u64,
    lost: u64,
}

impl Buckets {
    /// Adds bytes; none add nothing.
    pub fn grant(&mut self, source: Source, bytes: u64, expires: Option<NaiveDate>) {
        if bytes > 0 {
            self.open.push(Bucket { source, bytes, expires });
            let never = NaiveDate::MAX;
            self.open.sort_by_key(|bucket| (bucket.expires.unwrap_or(never), bucket.source));
        }
    }

    /// Uses bytes on a day, from what expires first; gives those that no bucket had.
    pub fn consume(&mut self, on: NaiveDate, bytes: u64) -> u64 {
        self.expire(on);
        let mut wanted = bytes;
        for bucket in &mut self.open {
            let taken = wanted.min(bucket.bytes);
            bucket.bytes -= taken;
            wanted -= taken;
        }
        self.open.retain(|bucket| bucket.bytes > 0);
        self.used = self.used.saturating_add(bytes - wanted);
        wanted
    }

    /// Ends a period: what is left of what was included is carried or lost, and what expires by then is lost.
    pub fn end_period(&mut self, period: Period, rollover: Rollover) -> Result<(), CalendarError> {
        let mut left = 0_u64;
        for bucket in &mut self.open {
            if bucket.source == Source::Included && bucket.expires == Some(period.end()) {
                left = left.saturating_add(bucket.bytes);
                bucket.bytes = 0;
            }
        }
        self.open.retain(|bucket| bucket.bytes > 0);
        self.expire(period.end());
        let carried = match rollover {
            Rollover::None => 0,
            Rollover::Until { expires, .. } if expires <= period.end() => {
                return Err(CalendarError::EmptyPeriod { start: period.end(), end: expires });
            }
            Rollover::Until { expires, most } => {
                let carried = left.min(most);
                self.grant(Source::Carried, carried, Some(expires));
                carried
            }
        };
        self.lost = self.lost.saturating_add(left - carried);
        Ok(())
    }

    /// What may still be used.
    pub fn left(&self) -> u64 {
        self.open.iter().fold(0, |sum, bucket| sum.saturating_add(bucket.bytes))
    }

    /// The buckets, in the order they are used.
    pub fn open(&self) -> &[Bucket] {
        &self.open
    }

    /// What was used of buckets so far.
    pub const fn used(&self) -> u64 {
        self.used
    }

    /// What expired so far.
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    fn expire(&mut self, on: NaiveDate) {
        let gone = |bucket: &Bucket| bucket.expires.is_some_and(|day| day <= on);
        let lost =
            self.open.iter().filter(|bucket| gone(bucket)).fold(0, |sum: u64, one| sum.saturating_add(one.bytes));
        self.lost = self.lost.saturating_add(lost);
        self.open.retain(|bucket| !gone(bucket));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn what_expires_first_is_used_first() {
        let june = Period::new(day("2026-06-01"), day("2026-07-01")).unwrap();
        let mut buckets = Buckets::default();
        buckets.grant(Source::Bought, 50, None);
        buckets.grant(Source::Included, 100, Some(june.end()));
        buckets.grant(Source::Carried, 30, Some(june.end()));
        assert_eq!(buckets.consume(day("2026-06-10"), 40), 0);
        let left: Vec<_> = buckets.open().iter().map(|bucket| (bucket.source, bucket.bytes)).collect();
        assert_eq!(left, [(Source::Included, 90), (Source::Bought, 50)]);
        buckets.end_period(june, Rollover::Until { expires: day("2026-08-01"), most: 80 }).unwrap();
        assert_eq!((buckets.left(), buckets.lost()), (130, 10));
        let july = Period::new(june.end(), day("2026-08-01")).unwrap();
        buckets.end_period(july, Rollover::Until { expires: day("2026-09-01"), most: 80 }).unwrap();
        assert_eq!((buckets.left(), buckets.lost()), (50, 90));
        assert_eq!(buckets.consume(day("2030-01-01"), 70), 20);
        assert!(buckets.end_period(july, Rollover::Until { expires: july.end(), most: 1 }).is_err());
    }

    proptest! {
        #[test]
        fn used_left_and_lost_are_what_was_granted(
            steps in prop::collection::vec((0_u8..4, 0_u64..1000, 0_u64..90), 1..40),
        ) {
            let mut buckets = Buckets::default();
            let (mut today, mut granted, mut asked, mut over) = (day("2028-01-31"), 0, 0, 0);
            for (what, bytes, days) in steps {
                let later = today + chrono::Days::new(days + 1);
                match what {
                    0 => { buckets.grant(Source::Included, bytes, Some(later)); granted += bytes; }
                    1 => { buckets.grant(Source::Bought, bytes, None); granted += bytes; }
                    2 => { over += buckets.consume(today, bytes); asked += bytes; }
                    _ => {
                        let period = Period::new(today, later).unwrap();
                        let rollover = Rollover::Until { expires: later + chrono::Days::new(30), most: bytes };
                        buckets.end_period(period, rollover).unwrap();
                        today = later;
                    }
                }
                prop_assert_eq!(buckets.used() + buckets.left() + buckets.lost(), granted);
                prop_assert_eq!(buckets.used() + over, asked);
            }
        }
    }
}
