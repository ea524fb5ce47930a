//! A seller's taxes by place and day: which of them hold for a line, what they come to together, and when that changes.
//!
//! Of each tax the most specific rule in force at a place holds; taxes of other names stand beside it. Not here: whether the
//! buyer is exempt (see [`crate::tax_liability`]). Start with [`taxes_at`] and [`together`].

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::calendar::Period;
use crate::money::{Money, round_half_up};
use crate::tax::{TaxCategory, TaxError, TaxRate};
use crate::tax_place::{Place, specificity};

/// Decimals a rate made of several is kept with, in percent.
const DECIMALS: u32 = 6;

/// One rate of one tax at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule<I> {
    /// Which.
    pub id: I,
    /// Where it holds; what is left out matches everything.
    pub place: Place,
    /// The tax, as its authority calls it. Rules of one name stand for each other, whatever its case.
    pub tax: String,
    /// Its category and rate.
    pub rate: TaxRate,
    /// Its turn among several, the first lowest.
    pub order: i16,
    /// Whether it is on the amount with the taxes before it.
    pub compound: bool,
    /// The first day; `None` = always before.
    pub from: Option<NaiveDate>,
    /// The day after the last; `None` = for good.
    pub to: Option<NaiveDate>,
}

impl<I> Rule<I> {
    fn holds(&self, on: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= on) && self.to.is_none_or(|to| on < to)
    }
}

/// The rules that hold at a place on a day, by their turn: of each tax the most specific, of rules as specific the first.
pub fn taxes_at<'a, I>(place: &Place, rules: &'a [Rule<I>], on: NaiveDate) -> Vec<&'a Rule<I>> {
    let mut best: Vec<(u8, &Rule<I>)> = Vec::new();
    for rule in rules.iter().filter(|rule| rule.holds(on)) {
        let Some(specific) = specificity(place, &rule.place) else { continue };
        match best.iter_mut().find(|(_, before)| same(&before.tax, &rule.tax)) {
            Some(before) if specific > before.0 => *before = (specific, rule),
            Some(_) => {}
            None => best.push((specific, rule)),
        }
    }
    let mut found: Vec<_> = best.into_iter().map(|(_, rule)| rule).collect();
    found.sort_by_key(|rule| (rule.order, rule.tax.to_lowercase()));
    found
}

/// Where a place is taxed on a day: itself, or the seller's country if no rule that holds is about the place's own.
pub fn taxed_place<I>(place: Place, home: &str, rules: &[Rule<I>], on: NaiveDate) -> Place {
    let mut holding = rules.iter().filter(|rule| rule.holds(on));
    let mut known =
        |country: &str| holding.any(|rule| rule.place.country.as_deref().is_some_and(|of| same(of, country)));
    match place.country.as_deref() {
        Some(country) if same(country, home) || known(country) => place,
        _ => Place { country: Some(home.to_owned()), ..Place::default() },
    }
}

/// What each of several taxes adds to an amount before tax, in percent, in their order: one that is compound counts the taxes
/// before it, too. 15 % and a compound 16 % are 15 and 18.4.
pub fn shares<I>(taxes: &[&Rule<I>]) -> Vec<Decimal> {
    let mut sum = Decimal::ZERO;
    let mut shares = Vec::with_capacity(taxes.len());
    for tax in taxes {
        let percent = tax.rate.percent();
        let share = if tax.compound { percent + percent * sum / Decimal::ONE_HUNDRED } else { percent };
        sum += share;
        shares.push(share);
    }
    shares
}

/// One rate for several taxes, for a line of a document has one: their sum, at six decimals. `None` where there is no tax.
pub fn together<I>(taxes: &[&Rule<I>]) -> Result<Option<TaxRate>, TaxError> {
    let Some(first) = taxes.first() else { return Ok(None) };
    let percent: Decimal = shares(taxes).into_iter().sum();
    let category = taxes.iter().find(|tax| !tax.rate.percent().is_zero()).unwrap_or(first).rate.category();
    TaxRate::new(category, round_half_up(percent, DECIMALS)).map(Some)
}

/// How much of a tax each of its parts is, by what they came to before rounding: the parts add up to it.
pub fn parts(tax: Money, exact: &[Decimal]) -> Result<Vec<Money>, TaxError> {
    let all: Decimal = exact.iter().copied().sum();
    let one_way = exact.iter().all(|part| part.is_sign_negative() == all.is_sign_negative() || part.is_zero());
    if one_way && !all.is_zero() {
        let weights: Vec<_> = exact.iter().map(Decimal::abs).collect();
        return Ok(tax.allocate(&weights)?);
    }
    // Charges and what is given back outweigh each other: the first takes the odd cent.
    let currency = tax.currency();
    let mut parts = exact.iter().map(|part| Money::rounded(*part, currency)).collect::<Result<Vec<_>, _>>()?;
    let odd = tax.checked_sub(Money::sum(currency, parts.iter().copied())?)?;
    if let Some(first) = parts.first_mut() {
        *first = first.checked_add(odd)?;
    }
    Ok(parts)
}

/// The days inside a period from which another set of rules holds, in order.
pub fn changes<I>(rules: &[Rule<I>], period: Period) -> Vec<NaiveDate> {
    let days = rules.iter().flat_map(|rule| [rule.from, rule.to]).flatten();
    let mut days: Vec<_> = days.filter(|day| *day > period.start() && *day < period.end()).collect();
    days.sort_unstable();
    days.dedup();
    days
}

/// Whether a seller may lay down a rule of this category: what depends on the buyer is no rule of a place.
pub fn may_be_a_rule(category: TaxCategory) -> bool {
    use TaxCategory::{CanaryIslands, CeutaMelilla, Exempt, Standard, ZeroRated};
    matches!(category, Standard | ZeroRated | Exempt | CanaryIslands | CeutaMelilla)
}

fn same(a: &str, b: &str) -> bool {
    a.trim().to_lowercase() == b.trim().to_lowercase()
}

#[cfg(test)]
#[path = "tax_rules_tests.rs"]
mod tests;
