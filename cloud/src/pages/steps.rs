//! Steps beyond an allowance as forms ask for them: one a line, `20 5/1` or `50 cap`, the same in every language.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::catalog::GIGABYTE;
use super::windows::{rate, typed_rates};
use crate::catalog::Step;
use crate::http::page::Fields;

/// A step as it is typed.
pub(super) fn typed(step: &Step) -> String {
    let gigabytes = (Decimal::from(step.over_bytes) / Decimal::from(GIGABYTE)).normalize();
    match step.cap {
        true => format!("{gigabytes} cap"),
        false => format!("{gigabytes} {}", typed_rates(step.rate_down_bps, step.rate_up_bps)),
    }
}

/// Reads the steps of a form; a line that is none is noted under the field.
pub(super) fn read(fields: &mut Fields) -> Vec<Step> {
    let text = fields.text("steps");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let read: Option<Vec<Step>> = lines.map(step).collect();
    if read.is_none() {
        fields.refuse("steps", "error-fair-use-step");
    }
    read.unwrap_or_default()
}

fn step(line: &str) -> Option<Step> {
    let mut words = line.split_whitespace();
    let figure: Decimal = words.next()?.parse().ok()?;
    let over_bytes = figure.checked_mul(GIGABYTE.into()).filter(Decimal::is_integer)?.to_i64()?;
    let then = words.next()?;
    let (cap, (rate_down_bps, rate_up_bps)) = match then.split_once('/') {
        Some((down, up)) => (false, (rate(down)?, rate(up)?)),
        None if then == "cap" => (true, (None, None)),
        None => return None,
    };
    words.next().is_none().then_some(Step { over_bytes, rate_down_bps, rate_up_bps, cap })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_typed_as_they_are_read() {
        for line in ["0 5/1", "20 2.5/-", "0.5 -/1", "50 cap"] {
            assert_eq!(step(line).as_ref().map(typed).as_deref(), Some(line));
        }
        for line in ["", "20", "cap", "20 block", "20 5", "x 5/1", "20 5/1 cap", "20 5/one"] {
            assert_eq!(step(line), None, "{line}");
        }
    }
}
