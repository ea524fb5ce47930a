//! Introductory prices as forms ask for them, one a line, `3 19.90` or `3 50%`, the same in every language; and as offers say them.

use rust_decimal::Decimal;
use weir_ui::i18n::t;

use super::catalog::{price_for, priced, typed_price};
use crate::catalog::{Amount, Phase, PhaseWish, PlanVersion};
use crate::http::page::Fields;

/// A phase as it is typed.
pub(super) fn typed(phase: &Phase) -> String {
    match phase.percent_off {
        Some(percent) => format!("{} {}%", phase.months, percent.normalize()),
        None => format!("{} {}", phase.months, typed_price(&phase.price)),
    }
}

/// Reads the phases of a form; a line that is none is noted under the field.
pub(super) fn read(fields: &mut Fields, currency: &str) -> Vec<PhaseWish> {
    let text = fields.text("phases");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let read: Option<Vec<_>> = lines.map(|line| phase(line, currency)).collect();
    if read.is_none() {
        fields.refuse("phases", "error-plan-phase");
    }
    read.unwrap_or_default()
}

fn phase(line: &str, currency: &str) -> Option<PhaseWish> {
    let mut words = line.split_whitespace();
    let (months, price) = (words.next()?.parse().ok()?, words.next()?);
    let (price, percent_off) = match price.strip_suffix('%') {
        Some(percent) => (None, Some(percent.parse().ok()?)),
        None => (Some(Amount { amount: price.parse::<Decimal>().ok()?, currency: currency.to_owned() }), None),
    };
    words.next().is_none().then_some(PhaseWish { months, price, percent_off })
}

/// What a line that begins with a version pays: its introductory prices, then its own.
pub(super) fn offered_for(lang: &str, version: &PlanVersion) -> String {
    if version.phases.is_empty() {
        return price_for(lang, version);
    }
    let phases: Vec<_> = version.phases.iter().map(|phase| words(lang, version, phase)).collect();
    let told = [("phases", phases.join(", ")), ("price", price_for(lang, version))];
    t(lang, "plan-offer-then", &told.each_ref().map(|(name, value)| (*name, value.as_str())))
}

fn words(lang: &str, version: &PlanVersion, phase: &Phase) -> String {
    let key = match (phase.price.amount.is_zero(), phase.months) {
        (true, 1) => "plan-offer-free-one",
        (true, _) => "plan-offer-free",
        (false, 1) => "plan-offer-price-one",
        (false, _) => "plan-offer-price",
    };
    let told = [("price", priced(lang, &phase.price, version.period)), ("months", phase.months.to_string())];
    t(lang, key, &told.each_ref().map(|(name, value)| (*name, value.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_typed_as_they_are_read() {
        for line in ["1 0", "3 19.90", "3 50%", "12 33.5%"] {
            let wish = phase(line, "EUR").unwrap();
            assert_eq!((wish.months > 0, wish.price.is_some()), (true, !line.ends_with('%')), "{line}");
        }
        for line in ["", "3", "x 19.90", "3 x", "3 19.90 EUR", "3 %", "3% 50"] {
            assert_eq!(phase(line, "EUR"), None, "{line}");
        }
        let eur = |amount: &str| Amount { amount: amount.parse().unwrap(), currency: "EUR".into() };
        let known = |price: &str, percent_off: Option<i64>| Phase {
            months: 3,
            price: eur(price),
            percent_off: percent_off.map(Decimal::from),
        };
        assert_eq!(
            [typed(&known("19.9", None)), typed(&known("0", None)), typed(&known("14.95", Some(50)))],
            ["3 19.90", "3 0.00", "3 50%"]
        );
    }
}
