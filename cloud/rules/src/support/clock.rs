//! A promise in working time: it runs, or is paused while we wait for somebody else.

use chrono::{DateTime, TimeDelta, Utc};

use super::hours::WorkingHours;

/// Where a promise stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// It ends at an instant.
    Running(DateTime<Utc>),
    /// So much working time is left once it runs again; none or less when it was missed before.
    Paused(TimeDelta),
}

impl Clock {
    /// A promise of so much working time, given now. `None` when nobody ever works that long.
    pub fn start(hours: &WorkingHours, target: TimeDelta, now: DateTime<Utc>) -> Option<Self> {
        hours.due(now, target).map(Self::Running)
    }

    /// When it ends, while it runs.
    pub fn due_at(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Running(due) => Some(due),
            Self::Paused(_) => None,
        }
    }

    /// Working time left; below zero once it is missed.
    pub fn left(self, hours: &WorkingHours, now: DateTime<Utc>) -> TimeDelta {
        match self {
            Self::Running(due) if due >= now => hours.work_between(now, due),
            Self::Running(due) => -hours.work_between(due, now),
            Self::Paused(left) => left,
        }
    }

    /// The same promise while it does not run.
    #[must_use]
    pub fn pause(self, hours: &WorkingHours, now: DateTime<Utc>) -> Self {
        Self::Paused(self.left(hours, now))
    }

    /// The same promise while it runs; what was missed stays due now. `None` when nobody ever works that long.
    pub fn resume(self, hours: &WorkingHours, now: DateTime<Utc>) -> Option<Self> {
        match self {
            Self::Running(_) => Some(self),
            Self::Paused(left) => Self::start(hours, left, now),
        }
    }

    /// The promise with another target: what was worked so far counts toward it.
    pub fn retarget(self, hours: &WorkingHours, by: TimeDelta, now: DateTime<Utc>) -> Option<Self> {
        let left = self.left(hours, now) + by;
        match self {
            Self::Running(_) => Self::start(hours, left, now),
            Self::Paused(_) => Some(Self::Paused(left)),
        }
    }
}
