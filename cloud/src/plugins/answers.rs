//! Guard rails: what of an answer is taken.

use rust_decimal::Decimal;
use weir_plugin_host::call::{Decision, UsageLine};
use weir_rules::money::{Currency, Money};

/// Longest reason that stands on a line, in characters.
const REASON_MAX: usize = 200;

/// A price the plugin set, with its reason; `None` where it left the plan's.
pub(super) fn price(
    line: &UsageLine,
    decision: &Decision,
    limit_percent: i32,
    currency: Currency,
) -> Result<Option<(Money, String)>, String> {
    let Decision::Priced { unit_price, reason } = decision else { return Ok(None) };
    if unit_price.is_sign_negative() && !unit_price.is_zero() {
        return Err(format!("the price {unit_price} is below zero"));
    }
    let price = Money::rounded(*unit_price, currency).map_err(|error| error.to_string())?;
    let away = (price.amount() - line.unit_price).abs() * Decimal::ONE_HUNDRED;
    if away > line.unit_price * Decimal::from(limit_percent) {
        return Err(format!(
            "the price {} is more than {limit_percent} % away from the plan's {}",
            price.amount(),
            line.unit_price.normalize()
        ));
    }
    let plain = reason.chars().filter(|letter| !letter.is_control()).take(REASON_MAX).collect();
    Ok(Some((price, plain)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(plan: &str, price: &str, limit: i32) -> Result<Option<String>, String> {
        let line = UsageLine {
            subscription: uuid::Uuid::nil(),
            plan: String::new(),
            period_start: 0,
            period_end: 0,
            used_bytes: 0,
            included_bytes: 0,
            over_bytes: 0,
            block_bytes: 1,
            blocks: 1,
            unit_price: plan.parse().unwrap(),
            by_hour: vec![0; 24],
            attributes: Default::default(),
        };
        let decision = Decision::Priced { unit_price: price.parse().unwrap(), reason: "a\u{0}b".into() };
        let taken = super::price(&line, &decision, limit, Currency::EUR)?;
        Ok(taken.map(|(price, reason)| format!("{} {reason}", price.amount())))
    }

    #[test]
    fn prices_stay_within_the_limit_and_are_rounded_once() {
        assert_eq!(judged("0.50", "0.385", 50), Ok(Some("0.39 ab".into())));
        assert_eq!(judged("0.50", "0.25", 50), Ok(Some("0.25 ab".into())));
        assert!(judged("0.50", "0.24", 50).unwrap_err().contains("more than 50 %"));
        assert!(judged("0.50", "0.76", 50).is_err());
        assert_eq!(judged("0.50", "0", 100), Ok(Some("0.00 ab".into())));
        assert!(judged("0.50", "-0.01", 1000).unwrap_err().contains("below zero"));
        assert!(judged("0.00", "0.01", 1000).is_err());
    }
}
