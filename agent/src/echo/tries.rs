//! What asking a host came to. Pure.

use std::time::Duration;

/// Answers kept of one host: more than a few minutes bring.
const ANSWERS_MAX: usize = 512;

/// Echoes a host was asked for, and those that came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tries {
    /// How many it was asked for.
    pub asked: u32,
    /// How long each took that came, microseconds.
    answers_us: Vec<u32>,
}

impl Tries {
    /// Takes in what one question came to.
    pub fn take(&mut self, answer: Option<Duration>) {
        if self.answers_us.len() < ANSWERS_MAX {
            self.asked += 1;
            self.answers_us.extend(answer.map(|took| u32::try_from(took.as_micros()).unwrap_or(u32::MAX)));
        }
    }

    /// How many came.
    pub fn answered(&self) -> u32 {
        u32::try_from(self.answers_us.len()).unwrap_or(u32::MAX)
    }

    /// The time within which so many of a hundred came, microseconds; 0 if none did.
    pub fn within_us(&self, percent: usize) -> u32 {
        let mut sorted = self.answers_us.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * percent).div_ceil(100).max(1) - 1;
        sorted.get(place).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_and_nearly_all_answers_came_within_a_time() {
        let mut tries = Tries::default();
        assert_eq!((tries.within_us(50), tries.answered()), (0, 0));
        for ms in 1..=20 {
            tries.take(Some(Duration::from_millis(ms)));
        }
        tries.take(None);
        assert_eq!((tries.asked, tries.answered()), (21, 20));
        assert_eq!((tries.within_us(50), tries.within_us(95)), (10_000, 19_000));
    }
}
