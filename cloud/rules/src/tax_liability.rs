//! Whether somebody is taxed, at which rate, and why not: certificates of exemption, reverse charge, rates that change.
//!
//! Not here: which rule holds where (see [`crate::tax_place`]). Start with [`liability`] and [`split_by_tax`].

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::calendar::Period;
use crate::money::Money;
use crate::proration::{ProrationError, pieces};
use crate::tax::{TaxCategory, TaxError, TaxRate};

/// A paper that frees from tax from one day up to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certificate {
    /// The first day.
    pub from: NaiveDate,
    /// The day after the last; `None` while it holds.
    pub to: Option<NaiveDate>,
}

impl Certificate {
    /// Whether it holds on a day.
    pub fn holds(&self, on: NaiveDate) -> bool {
        self.from <= on && self.to.is_none_or(|to| on < to)
    }
}

/// What of a buyer decides about tax.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Buyer {
    /// Certificates of exemption.
    pub certificates: Vec<Certificate>,
    /// A business whose tax number was found valid.
    pub business: bool,
    /// Lives in the seller's country.
    pub domestic: bool,
    /// The seller and the buyer are both in a union that lets the buyer account for the tax.
    pub same_union: bool,
}

/// The rate for a buyer where a rule gives `rate_percent`, on the day the tax is due.
///
/// A certificate comes first; then a foreign business of the same union accounts for the tax itself; then the rule. No rule, or
/// one of zero, is zero rated.
pub fn liability(buyer: &Buyer, rate_percent: Option<Decimal>, on: NaiveDate) -> Result<TaxRate, TaxError> {
    if buyer.certificates.iter().any(|certificate| certificate.holds(on)) {
        return TaxRate::new(TaxCategory::Exempt, Decimal::ZERO);
    }
    if buyer.business && buyer.same_union && !buyer.domestic {
        return TaxRate::new(TaxCategory::ReverseCharge, Decimal::ZERO);
    }
    match rate_percent.filter(|rate| !rate.is_zero()) {
        Some(rate) => TaxRate::new(TaxCategory::Standard, rate),
        None => TaxRate::new(TaxCategory::ZeroRated, Decimal::ZERO),
    }
}

/// Splits a line where its tax changes, so that the pieces add up to it; days before the first tax have the first.
///
/// A tax is whatever tells it from another: its rate, or what that follows from, too. `taxes` are each from a day on, in any
/// order; of several from one day on, the last holds. A change to the same splits nothing.
pub fn split_by_tax<T: Clone + PartialEq>(
    net: Money,
    line: Period,
    taxes: &[(NaiveDate, T)],
) -> Result<Vec<(Period, Money, T)>, ProrationError> {
    let mut ordered: Vec<_> = taxes.iter().collect();
    ordered.sort_by_key(|(from, _)| *from);
    ordered.dedup_by(|later, earlier| {
        let at_once = later.0 == earlier.0;
        if at_once {
            *earlier = *later;
        }
        at_once
    });
    let before = ordered.iter().rposition(|(from, _)| *from <= line.start()).unwrap_or(0);
    let Some((_, first)) = ordered.get(before) else { return Ok(Vec::new()) };
    let mut held = vec![(line.start(), first)];
    for (from, tax) in ordered.iter().skip(before + 1).filter(|(from, _)| line.contains(*from)) {
        if held.last().is_some_and(|(_, last)| *last != tax) {
            held.push((*from, tax));
        }
    }
    let cuts: Vec<NaiveDate> = held.iter().skip(1).map(|(from, _)| *from).collect();
    let ends = cuts.iter().copied().chain([line.end()]);
    let amounts = pieces(net, line, &cuts)?;
    let parts = held.iter().zip(ends).zip(amounts);
    parts.map(|(((from, tax), to), amount)| Ok((Period::new(*from, to)?, amount, (*tax).clone()))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::Currency;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn standard(percent: i64) -> TaxRate {
        TaxRate::new(TaxCategory::Standard, percent.into()).unwrap()
    }

    #[test]
    fn papers_come_before_businesses_before_rules() {
        let on = day("2026-06-15");
        let paper = |from: &str, to: Option<&str>| Certificate { from: day(from), to: to.map(day) };
        let abroad = Buyer { business: true, same_union: true, ..Buyer::default() };
        for (buyer, rate, category) in [
            (Buyer::default(), Some(20), TaxCategory::Standard),
            (Buyer::default(), Some(0), TaxCategory::ZeroRated),
            (Buyer::default(), None, TaxCategory::ZeroRated),
            (abroad.clone(), Some(20), TaxCategory::ReverseCharge),
            (Buyer { domestic: true, ..abroad.clone() }, Some(20), TaxCategory::Standard),
            (Buyer { business: false, ..abroad.clone() }, Some(20), TaxCategory::Standard),
            (Buyer { certificates: vec![paper("2026-01-01", None)], ..abroad }, Some(20), TaxCategory::Exempt),
            (
                Buyer { certificates: vec![paper("2026-01-01", Some("2026-06-15"))], ..Buyer::default() },
                Some(20),
                TaxCategory::Standard,
            ),
        ] {
            let found = liability(&buyer, rate.map(Decimal::from), on).unwrap();
            assert_eq!(found.category(), category, "{buyer:?}");
        }
    }

    #[test]
    fn a_new_rate_splits_the_line() {
        let line = Period::new(day("2026-06-15"), day("2026-07-15")).unwrap();
        let rates =
            [(day("2026-07-01"), 21), (day("2020-01-01"), 20), (day("2026-07-10"), 21), (day("2026-08-01"), 22)]
                .map(|(from, percent)| (from, standard(percent)));
        let net = Money::parse("30.01", Currency::EUR).unwrap();
        let parts = split_by_tax(net, line, &rates).unwrap();
        let rows: Vec<_> =
            parts.iter().map(|(days, net, rate)| (days.days(), net.to_string(), rate.percent())).collect();
        assert_eq!(rows, [(16, "16.01 EUR".to_owned(), 20.into()), (14, "14.00 EUR".to_owned(), 21.into())]);
        assert_eq!(split_by_tax::<TaxRate>(net, line, &[]).unwrap(), []);
        let twice = [(day("2020-01-01"), 20), (day("2026-07-01"), 21), (day("2026-07-01"), 22)]
            .map(|(from, percent)| (from, standard(percent)));
        let parts = split_by_tax(net, line, &twice).unwrap();
        assert_eq!(parts.iter().map(|(_, _, rate)| rate.percent()).collect::<Vec<_>>(), [20.into(), 22.into()]);
    }

    proptest! {
        #[test]
        fn pieces_tile_the_line(units in 0_i64..1_000_000, days in 1_u64..400, changes in prop::collection::vec((0_u64..500, 1_i64..4), 1..6)) {
            let start = day("2027-12-31");
            let line = Period::new(start, start + chrono::Days::new(days)).unwrap();
            let rates: Vec<_> = changes.into_iter().map(|(at, percent)| (day("2027-12-01") + chrono::Days::new(at), standard(percent))).collect();
            let net = Money::from_minor_units(units, Currency::EUR).unwrap();
            let parts = split_by_tax(net, line, &rates).unwrap();
            prop_assert_eq!(Money::sum(Currency::EUR, parts.iter().map(|part| part.1)).unwrap(), net);
            prop_assert_eq!(parts.first().unwrap().0.start(), line.start());
            prop_assert_eq!(parts.last().unwrap().0.end(), line.end());
            for pair in parts.windows(2) {
                prop_assert_eq!(pair[0].0.end(), pair[1].0.start());
                prop_assert!(pair[0].2 != pair[1].2);
            }
        }
    }
}
