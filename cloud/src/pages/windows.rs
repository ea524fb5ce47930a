//! Windows of the day as forms ask for them: one a line, `mon-fri 23:00-07:00 200/50 free`, the same in every language.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::catalog::MEGABIT;
use crate::catalog::{TimeOfDay, Weekday, Window};
use crate::http::page::Fields;

/// A window as it is typed.
pub(super) fn typed(window: &Window) -> String {
    let mut words = vec![typed_days(&window.days), format!("{}-{}", window.from, window.to)];
    if window.rate_down_bps.is_some() || window.rate_up_bps.is_some() {
        words.push(typed_rates(window.rate_down_bps, window.rate_up_bps));
    }
    if window.free {
        words.push("free".to_owned());
    }
    words.join(" ")
}

/// Both rates in megabits as they are typed.
pub(super) fn typed_rates(down_bps: Option<i64>, up_bps: Option<i64>) -> String {
    let megabits = |bps: Option<i64>| {
        bps.map_or("-".to_owned(), |bps| (Decimal::from(bps) / Decimal::from(MEGABIT)).normalize().to_string())
    };
    format!("{}/{}", megabits(down_bps), megabits(up_bps))
}

/// Days that follow each other as a range, others with commas.
fn typed_days(days: &[Weekday]) -> String {
    let mut days = days.to_vec();
    days.sort_unstable();
    let runs = days.chunk_by(|one, next| *next as usize == *one as usize + 1);
    let runs = runs.map(|run| match run {
        [only] => only.short().to_owned(),
        [first, .., last] => format!("{}-{}", first.short(), last.short()),
        [] => String::new(),
    });
    runs.collect::<Vec<_>>().join(",")
}

/// Reads the windows of a form; a line that is none is noted under the field.
pub(super) fn read(fields: &mut Fields) -> Vec<Window> {
    let text = fields.text("windows");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let read: Option<Vec<Window>> = lines.map(window).collect();
    if read.is_none() {
        fields.refuse("windows", "error-fair-use-window");
    }
    read.unwrap_or_default()
}

fn window(line: &str) -> Option<Window> {
    let mut words = line.split_whitespace();
    let days = days(words.next()?)?;
    let (from, to) = words.next()?.split_once('-')?;
    let (from, to): (TimeOfDay, TimeOfDay) = (from.parse().ok()?, to.parse().ok()?);
    let mut window = Window { days, from, to, rate_down_bps: None, rate_up_bps: None, free: false };
    for word in words {
        match word.split_once('/') {
            Some((down, up)) => (window.rate_down_bps, window.rate_up_bps) = (rate(down)?, rate(up)?),
            None if word == "free" => window.free = true,
            None => return None,
        }
    }
    Some(window)
}

fn days(text: &str) -> Option<Vec<Weekday>> {
    let day = |text: &str| Weekday::ALL.into_iter().find(|day| day.short() == text);
    let mut days = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)? as usize, day(last)? as usize);
        days.extend(Weekday::ALL.get(first..=last)?);
    }
    Some(days)
}

/// Bits per second of a figure in megabits; `-` is as it is.
pub(super) fn rate(text: &str) -> Option<Option<i64>> {
    if text == "-" {
        return Some(None);
    }
    let figure: Decimal = text.parse().ok()?;
    let bps = figure.checked_mul(MEGABIT.into()).filter(Decimal::is_integer)?;
    Some(Some(bps.to_i64()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_typed_as_they_are_read() {
        for line in [
            "mon-sun 00:00-06:00 free",
            "mon-fri 20:00-23:00 50/10",
            "sat-sun 08:30-08:00 -/2.5",
            "mon,wed-fri 23:00-07:00 200/- free",
        ] {
            assert_eq!(window(line).as_ref().map(typed).as_deref(), Some(line));
        }
        assert_eq!(window("sat,sun 08:30-08:00 free"), window("sat-sun 08:30-08:00 free"));
        for line in
            ["", "mon", "mon 25:00-01:00 free", "fri-mon 00:00-01:00 free", "lun 00:00-01:00 free", "mon 0-1 free"]
        {
            assert_eq!(window(line), None, "{line}");
        }
        assert_eq!(window("mon 00:00-01:00 50/ten"), None);
        assert_eq!(window("mon 00:00-01:00 gratis"), None);
    }
}
