//! Traffic by the gigabyte as forms ask for it, a tier a line, `500 0.05`, `rest 0.02 1.50`, the same in every language; and as
//! offers and documents say it.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use weir_ui::blocks::Cell;
use weir_ui::format;
use weir_ui::i18n::t;

use super::catalog::{GIGABYTE, price_of, typed_price};
use crate::billing::LineTiers;
use crate::catalog::{Amount, TrafficMode, TrafficPrice, TrafficTier};
use crate::http::page::Fields;

/// What the last tier is called, which has no bound.
const REST: &str = "rest";

/// A tier as it is typed.
fn typed(tier: &TrafficTier, currency: &str) -> String {
    let bound = tier.up_to_bytes.map(|bytes| (Decimal::from(bytes) / Decimal::from(GIGABYTE)).normalize().to_string());
    let price = |amount| typed_price(&Amount { amount, currency: currency.to_owned() });
    let fee = if tier.fee.is_zero() { String::new() } else { format!(" {}", price(tier.fee)) };
    format!("{} {}{fee}", bound.unwrap_or_else(|| REST.into()), price(tier.per_gigabyte))
}

/// What a version asks, as the form's fields hold it.
pub(super) fn fields_of(price: Option<&TrafficPrice>, currency: &str) -> [(&'static str, String); 3] {
    let tiers = price.map(|price| price.tiers.iter().map(|tier| typed(tier, currency)).collect::<Vec<_>>().join("\n"));
    let volume = price.is_some_and(|price| price.mode == TrafficMode::Volume);
    let maximum = price.and_then(|price| price.maximum.as_ref());
    [
        ("traffic_price.tiers", tiers.unwrap_or_default()),
        ("traffic_price.mode", if volume { "yes".into() } else { String::new() }),
        ("traffic_price.maximum", maximum.map(typed_price).unwrap_or_default()),
    ]
}

/// Reads what a form asks for traffic, if anything; a line that is no tier is noted under the field.
pub(super) fn read(fields: &mut Fields, currency: &str) -> Option<TrafficPrice> {
    let text = fields.text("traffic_price.tiers");
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let maximum = match fields.get("traffic_price.maximum") {
        "" => None,
        _ => fields
            .read("traffic_price.maximum", "error-number")
            .map(|amount| Amount { amount, currency: currency.to_owned() }),
    };
    if lines.is_empty() && maximum.is_none() {
        return None;
    }
    let tiers: Option<Vec<_>> = lines.into_iter().map(tier).collect();
    if tiers.as_ref().is_none_or(Vec::is_empty) {
        fields.refuse("traffic_price.tiers", "error-traffic-tier");
    }
    let mode = if fields.get("traffic_price.mode") == "yes" { TrafficMode::Volume } else { TrafficMode::Graduated };
    Some(TrafficPrice { mode, tiers: tiers.unwrap_or_default(), maximum })
}

fn tier(line: &str) -> Option<TrafficTier> {
    let mut words = line.split_whitespace();
    let up_to_bytes = match words.next()? {
        REST => None,
        bound => {
            let figure: Decimal = bound.parse().ok()?;
            Some(figure.checked_mul(GIGABYTE.into()).filter(Decimal::is_integer)?.to_i64()?)
        }
    };
    let per_gigabyte = words.next()?.parse().ok()?;
    let fee = words.next().map_or(Ok(Decimal::ZERO), str::parse).ok()?;
    words.next().is_none().then_some(TrafficTier { up_to_bytes, per_gigabyte, fee })
}

/// What traffic costs, in words: "up to 500 GB €0.05 a GB, then €0.02; at most €20.00".
pub(super) fn words(lang: &str, price: &TrafficPrice, currency: &str) -> String {
    let amount = |amount: Decimal| format::money(lang, amount, currency);
    let tiers = price.tiers.iter().enumerate().map(|(n, tier)| {
        let bound = tier.up_to_bytes.map(|bytes| format::bytes(lang, bytes));
        let key = match (&bound, n) {
            (Some(_), _) => "traffic-tier-up-to",
            (None, 0) => "traffic-tier-all",
            (None, _) => "traffic-tier-rest",
        };
        let told = [("volume", bound.unwrap_or_default()), ("price", amount(tier.per_gigabyte))];
        let mut words = t(lang, key, &told.each_ref().map(|(name, value)| (*name, value.as_str())));
        if !tier.fee.is_zero() {
            words = t(lang, "traffic-tier-fee", &[("tier", &words), ("fee", &amount(tier.fee))]);
        }
        words
    });
    let mut words = tiers.collect::<Vec<_>>().join(", ");
    if price.mode == TrafficMode::Volume && price.tiers.len() > 1 {
        words = t(lang, "traffic-of-all", &[("tiers", &words)]);
    }
    match &price.maximum {
        Some(most) => t(lang, "traffic-at-most", &[("tiers", &words), ("most", &price_of(lang, most))]),
        None => words,
    }
}

/// How the traffic of a line was priced, step by step, for a table of step, quantity, price and amount.
pub(super) fn steps(lang: &str, tiers: &LineTiers) -> Vec<[Cell; 4]> {
    let code = tiers.total.currency().code();
    let amount = |amount: Decimal| Cell::Number(format::money(lang, amount, code));
    let nothing = || Cell::Text("—".into());
    let mut rows = Vec::new();
    for part in &tiers.parts {
        let used = t(lang, "traffic-gigabytes", &[("figure", &format::number(lang, part.gigabytes))]);
        let cost = part.amount - part.fee;
        let words = Cell::Text(t(lang, "traffic-step-tier", &[]));
        rows.push([words, Cell::Number(used), amount(part.per_gigabyte), amount(cost)]);
        if !part.fee.is_zero() {
            rows.push([Cell::Text(t(lang, "traffic-step-fee", &[])), nothing(), nothing(), amount(part.fee)]);
        }
    }
    let off = tiers.total.amount() - tiers.sum.amount();
    for (key, less) in [("traffic-step-maximum", off), ("traffic-step-before", -tiers.charged_before.amount())] {
        if !less.is_zero() {
            rows.push([Cell::Text(t(lang, key, &[])), nothing(), nothing(), amount(less)]);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_are_typed_as_they_are_read() {
        for line in ["500 0.05", "0.5 0.005", "rest 0.02", "rest 0.00", "1000 0.05 2.50"] {
            assert_eq!(tier(line).map(|tier| typed(&tier, "EUR")).as_deref(), Some(line));
        }
        for line in ["", "500", "rest", "x 0.05", "500 x", "500 0.05 x", "500 0.05 1 2", "0.0000000001 1"] {
            assert_eq!(tier(line), None, "{line}");
        }
    }

    #[test]
    fn prices_are_said_in_every_language() {
        let tier = |up_to_bytes, cents, fee| TrafficTier {
            up_to_bytes,
            per_gigabyte: Decimal::new(cents, 2),
            fee: Decimal::from(fee),
        };
        let most = Amount { amount: Decimal::from(20), currency: "EUR".into() };
        let price = TrafficPrice {
            mode: TrafficMode::Volume,
            tiers: vec![tier(Some(500 * GIGABYTE), 5, 0), tier(None, 2, 1)],
            maximum: Some(most),
        };
        let plain = |text: String| text.replace(['\u{2068}', '\u{2069}'], "").replace('\u{a0}', " ");
        assert_eq!(
            plain(words("en", &price, "EUR")),
            "up to 500 GB €0.05 a GB, beyond it €0.02 a GB and €1.00 once, for all of it what its last gigabyte costs; at most €20.00"
        );
        for lang in crate::tenants::LANGUAGES {
            let said = words(lang, &price, "EUR");
            assert!(!said.contains("traffic-"), "{said}");
        }
        let flat = TrafficPrice { mode: TrafficMode::Graduated, tiers: vec![tier(None, 2, 0)], maximum: None };
        assert_eq!(plain(words("en", &flat, "EUR")), "€0.02 a GB");
    }
}
