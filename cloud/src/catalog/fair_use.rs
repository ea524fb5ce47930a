//! What a plan does by use and by the clock: the throttle at the end of an allowance, steps beyond it, and windows of the day.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::VersionWish;
use super::service::{BYTES_MAX, RATE_MAX, check_bytes, check_range};
use crate::error::FieldError;

/// Windows a version may have.
const WINDOWS_MAX: usize = 8;
/// Steps a version may have.
const STEPS_MAX: usize = 8;
const HOUR: u16 = 60;
const DAY: u16 = 24 * HOUR;

/// What a line still gets when its allowance is used up, until the period ends or more is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Throttle {
    /// Toward the subscriber, bits per second of layer 3.
    #[schema(example = 1_000_000)]
    pub rate_down_bps: i64,
    /// From the subscriber, bits per second of layer 3.
    #[schema(example = 1_000_000)]
    pub rate_up_bps: i64,
}

/// What a line gets from a use beyond its allowance on, until the period ends or more is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Bytes beyond the allowance and what was bought on top; 0 = from its end.
    #[schema(example = 20_000_000_000_i64)]
    pub over_bytes: i64,
    /// Toward the subscriber, bits per second of layer 3; null = as it was before the step.
    pub rate_down_bps: Option<i64>,
    /// From the subscriber, bits per second of layer 3; null = as it was before the step.
    pub rate_up_bps: Option<i64>,
    /// The line is in the walled garden instead, as if held for its quota; the last step alone can be one.
    #[serde(default)]
    pub cap: bool,
}

/// A time of the day with rates of its own, by the wall clock of the account's time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The days it begins on.
    pub days: Vec<Weekday>,
    /// When it begins.
    #[schema(value_type = String, example = "23:00")]
    pub from: TimeOfDay,
    /// When it ends; on the next day when not after `from`.
    #[schema(value_type = String, example = "07:00")]
    pub to: TimeOfDay,
    /// Toward the subscriber, bits per second of layer 3; null = as sold.
    pub rate_down_bps: Option<i64>,
    /// From the subscriber, bits per second of layer 3; null = as sold.
    pub rate_up_bps: Option<i64>,
    /// What is moved in it is not counted, and a used-up allowance does not slow it.
    #[serde(default)]
    pub free: bool,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the days of the week")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// From the first day of the week to the last.
    pub const ALL: [Self; 7] =
        [Self::Monday, Self::Tuesday, Self::Wednesday, Self::Thursday, Self::Friday, Self::Saturday, Self::Sunday];

    /// The three letters forms use, in every language.
    pub fn short(self) -> &'static str {
        ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][self as usize]
    }
}

/// A minute of the day, as `23:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// Minutes since midnight.
    pub fn minute(self) -> u16 {
        self.0
    }
}

/// No time of the day is written so.
#[derive(Debug, thiserror::Error)]
#[error("must be a time of the day such as 23:00")]
pub struct NotATime;

impl FromStr for TimeOfDay {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        let (hour, minute) = text.split_once(':').ok_or(NotATime)?;
        let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        let (hour, minute): (u16, u16) = match (digits(hour) && digits(minute), hour.parse(), minute.parse()) {
            (true, Ok(hour), Ok(minute)) if minute < HOUR => (hour, minute),
            _ => return Err(NotATime),
        };
        Some(Self(hour * HOUR + minute)).filter(|time| time.0 < DAY).ok_or(NotATime)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / HOUR, self.0 % HOUR)
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <std::borrow::Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

pub(super) fn check_throttle(throttle: &Throttle, metered: bool, charged: bool, errors: &mut Vec<FieldError>) {
    if !metered {
        errors.push(FieldError::new("throttle", "needs an allowance to be beyond"));
    }
    if charged {
        errors.push(FieldError::new("throttle", "must not be beside a charge: choose one of them"));
    }
    check_range("throttle.rate_down_bps", throttle.rate_down_bps, RATE_MAX, errors);
    check_range("throttle.rate_up_bps", throttle.rate_up_bps, RATE_MAX, errors);
}

/// Checks the steps beyond an allowance, what is carried over, and whether it can be shared.
pub(super) fn check_beyond(wish: &VersionWish, errors: &mut Vec<FieldError>) {
    let mut needs = |field: &str| {
        if wish.allowance_bytes.is_none() {
            errors.push(FieldError::new(field, "needs an allowance"));
        }
        if wish.overage.is_some() || wish.traffic_price.is_some() {
            errors.push(FieldError::new(field, "must not be beside a charge: choose one of them"));
        }
    };
    if !wish.steps.is_empty() {
        needs("steps");
    }
    if wish.allowance_shared {
        needs("allowance_shared");
    }
    if let Some(bytes) = wish.carry_over_bytes {
        needs("carry_over_bytes");
        check_bytes("carry_over_bytes", bytes, errors);
    }
    if wish.steps.len() > STEPS_MAX {
        errors.push(FieldError::new("steps", format!("must have at most {STEPS_MAX} entries")));
    }
    // A throttle is the step at the allowance's end.
    let mut before = wish.throttle.map(|_| 0);
    for (n, step) in wish.steps.iter().take(STEPS_MAX).enumerate() {
        let last = n + 1 == wish.steps.len();
        check_step(step, before, last, &mut |field, text| {
            let field = if field.is_empty() { format!("steps.{n}") } else { format!("steps.{n}.{field}") };
            errors.push(FieldError::new(field, text));
        });
        before = Some(step.over_bytes);
    }
    check_falling(wish, errors);
}

/// Refuses what is faster beyond the allowance than before it.
fn check_falling(wish: &VersionWish, errors: &mut Vec<FieldError>) {
    let throttle = wish.throttle.map(|throttle| {
        let (down, up) = (throttle.rate_down_bps, throttle.rate_up_bps);
        ("throttle".to_owned(), Some(down), Some(up))
    });
    let steps = wish.steps.iter().take(STEPS_MAX).enumerate();
    let steps = steps.map(|(n, step)| (format!("steps.{n}"), step.rate_down_bps, step.rate_up_bps));
    let (mut down, mut up) = (wish.rate_down_bps, wish.rate_up_bps);
    for (step, new_down, new_up) in throttle.into_iter().chain(steps) {
        for (field, now, new) in [("rate_down_bps", &mut down, new_down), ("rate_up_bps", &mut up, new_up)] {
            let Some(new) = new else { continue };
            if new > *now {
                let message = format!("must not be faster than what holds before it, {now}, found {new}");
                errors.push(FieldError::new(format!("{step}.{field}"), message));
            }
            *now = new;
        }
    }
}

fn check_step(step: &Step, before: Option<i64>, last: bool, refuse: &mut impl FnMut(&str, String)) {
    if step.over_bytes < 0 {
        refuse("over_bytes", "must not be below zero".into());
    } else if let Some(before) = before.filter(|before| step.over_bytes <= *before) {
        refuse("over_bytes", format!("must be above the step before, at {before}, found {}", step.over_bytes));
    } else if step.over_bytes > BYTES_MAX {
        refuse("over_bytes", format!("must be at most {BYTES_MAX}, found {}", step.over_bytes));
    }
    let rates = [("rate_down_bps", step.rate_down_bps), ("rate_up_bps", step.rate_up_bps)];
    for (field, rate) in rates.into_iter().filter_map(|(field, rate)| Some((field, rate?))) {
        if !(1..=RATE_MAX).contains(&rate) {
            refuse(field, format!("must be from 1 to {RATE_MAX}, found {rate}"));
        }
    }
    match (step.cap, rates.iter().any(|(_, rate)| rate.is_some())) {
        (true, true) => refuse("cap", "has no rates: choose one of them".into()),
        (true, false) if !last => refuse("cap", "must be the last step".into()),
        (false, false) => refuse("", "must change a rate or be a cap".into()),
        _ => {}
    }
}

pub(super) fn check_windows(windows: &[Window], errors: &mut Vec<FieldError>) {
    if windows.len() > WINDOWS_MAX {
        errors.push(FieldError::new("windows", format!("must have at most {WINDOWS_MAX} entries")));
    }
    for (n, window) in windows.iter().take(WINDOWS_MAX).enumerate() {
        let mut days = window.days.clone();
        days.sort_unstable();
        days.dedup();
        if days.is_empty() || days.len() != window.days.len() {
            errors.push(FieldError::new(format!("windows.{n}.days"), "must name each of its days once"));
        }
        let rates = [("rate_down_bps", window.rate_down_bps), ("rate_up_bps", window.rate_up_bps)];
        for (field, rate) in rates {
            if let Some(rate) = rate {
                check_range(&format!("windows.{n}.{field}"), rate, RATE_MAX, errors);
            }
        }
        if rates.iter().all(|(_, rate)| rate.is_none()) && !window.free {
            errors.push(FieldError::new(format!("windows.{n}"), "must change a rate or be free"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_day_return_as_they_were_written() {
        for text in ["00:00", "07:05", "23:59"] {
            assert_eq!(text.parse::<TimeOfDay>().map(|time| time.to_string()).ok().as_deref(), Some(text));
        }
        for text in ["24:00", "7:00", "12:60", "12", "", "+1:00", "-1:00", "12:00:00"] {
            assert!(text.parse::<TimeOfDay>().is_err(), "{text}");
        }
    }
}
