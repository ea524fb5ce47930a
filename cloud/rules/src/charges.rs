//! What a billing run bills for one subscription: derive what should have been billed, subtract what was, emit the rest.
//!
//! Runs that are late, repeated or skipped, and changes dated in the past, all end in the same totals.
//! Not here: usage (see [`crate::usage`]), tax, discounts. Amounts are list prices; what reduces a line is taken off it
//! afterwards (see [`crate::promotion`] and [`crate::discount::given_back`]). Start with [`derive`].

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::calendar::{CalendarError, Cycle, Period, Timing};
use crate::money::{Currency, Money, MoneyError};
use crate::proration::{ProrationError, ProrationPolicy, prorated};

/// Why charges could not be derived.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChargesError {
    /// Two terms hold on the same day.
    #[error("subscription terms overlap on {0}")]
    TermsOverlap(NaiveDate),
    /// Terms end on or before the day they begin.
    #[error("subscription terms from {from} to {to} are empty or reversed")]
    EmptyTerms {
        /// The first day.
        from: NaiveDate,
        /// The day after the last.
        to: NaiveDate,
    },
    /// A price or billed line is in another currency than the subscription.
    #[error("subscription is billed in {expected}, found {found}")]
    Currency {
        /// The currency of the subscription.
        expected: Currency,
        /// The one found.
        found: Currency,
    },
    /// Terms charge nothing or more; what reduces them is taken off their lines.
    #[error("subscription price {0} is below zero")]
    NegativePrice(Money),
    /// An amount could not be prorated.
    #[error(transparent)]
    Proration(#[from] ProrationError),
    /// An amount of money was refused.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A date was refused.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
}

/// What a subscription is sold for from one day up to another; `V` identifies the plan version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms<V> {
    /// The plan version.
    pub version: V,
    /// The price of one full period.
    pub price: Money,
    /// How many.
    pub quantity: Decimal,
    /// The first day.
    pub from: NaiveDate,
    /// The day after the last; `None` while open.
    pub to: Option<NaiveDate>,
}

/// The facts about one subscription that decide its recurring charges.
#[derive(Debug, Clone)]
pub struct Subscription<V> {
    /// How its periods follow each other.
    pub cycle: Cycle,
    /// Billed at the beginning or the end of a period.
    pub timing: Timing,
    /// How parts of a period are priced.
    pub policy: ProrationPolicy,
    /// The currency of every price.
    pub currency: Currency,
    /// What it was sold for, in any order, never two on one day; days between terms are not charged.
    pub terms: Vec<Terms<V>>,
}

/// A recurring line billed before; `I` identifies it. Usage and one-off lines are not given, and amounts are before discounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BilledLine<I, V> {
    /// The line.
    pub id: I,
    /// The plan version it charged or credited.
    pub version: V,
    /// The price of a full period it was computed from.
    pub price: Money,
    /// The quantity it was computed from.
    pub quantity: Decimal,
    /// The days it charges or credits.
    pub period: Period,
    /// Above zero for a charge, below zero for a credit.
    pub amount: Money,
    /// For a credit, the charge it takes back.
    pub credits: Option<I>,
}

/// A line to bill now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLine<I, V> {
    /// The plan version.
    pub version: V,
    /// The price of a full period.
    pub price: Money,
    /// How many.
    pub quantity: Decimal,
    /// The days charged or credited.
    pub period: Period,
    /// The full period they are a part of, for the explanation.
    pub full_period: Period,
    /// Above zero for a charge, below zero for a credit.
    pub amount: Money,
    /// For a credit, the charge it takes back.
    pub credits: Option<I>,
}

/// One price of one version: lines and terms with the same key charge the same thing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key<V> {
    version: V,
    price: Decimal,
    quantity: Decimal,
}

/// What should be and what was billed for one key in one full period.
struct Compared<'a, I, V> {
    wanted: Vec<Period>,
    billed: Vec<&'a BilledLine<I, V>>,
}

impl<I, V> Default for Compared<'_, I, V> {
    fn default() -> Self {
        Compared { wanted: Vec::new(), billed: Vec::new() }
    }
}

/// A charge billed before, and what happens to what earlier credits left of it.
struct Charge<'a, I, V> {
    line: &'a BilledLine<I, V>,
    /// Its days that are still wanted.
    kept: Vec<Period>,
    /// What is taken back for the days that are not, above or equal to zero.
    credits: Vec<(Period, Money)>,
    /// What these credits leave of it: nothing once no day is kept.
    left: Money,
}

/// The charges and credits to bill up to `as_of`, credits first within a period, in an order that never varies.
///
/// A period is due in advance on its first day, in arrears on the day after its last; a period with billed lines is
/// always corrected. A change inside a billed period credits what was billed for the days not used and charges the new
/// terms; a change known before gives two segments of the same total. A cent that rounding leaves over is settled by taking
/// a charge back and charging it anew over the same days. Running it again on its own result gives nothing.
pub fn derive<I: Clone + Ord, V: Clone + Ord>(
    subscription: &Subscription<V>,
    billed: &[BilledLine<I, V>],
    as_of: NaiveDate,
) -> Result<Vec<NewLine<I, V>>, ChargesError> {
    let terms = ordered(subscription)?;
    for line in billed {
        same_currency(subscription.currency, line.amount)?;
    }
    let first_days: BTreeMap<_, _> = billed.iter().map(|line| (&line.id, line.period.start())).collect();
    // A credit is looked at with its charge, which may reach into a further period when a plan of other periods held before.
    let placed = |line: &BilledLine<I, V>| {
        line.credits.as_ref().and_then(|id| first_days.get(id).copied()).unwrap_or(line.period.start())
    };
    let mut new = Vec::new();
    for full in periods(subscription, &terms, billed, as_of)? {
        let wanted = wanted(subscription, &terms, full);
        let mut keys: BTreeMap<Key<V>, Compared<'_, I, V>> = BTreeMap::new();
        for (key, segment) in wanted {
            keys.entry(key).or_default().wanted.push(segment);
        }
        for line in billed.iter().filter(|line| full.contains(placed(line))) {
            keys.entry(key_of_line(line)).or_default().billed.push(line);
        }
        let mut lines = Vec::new();
        for (key, Compared { wanted, billed }) in &keys {
            lines.extend(differences(subscription, full, key, wanted, billed)?);
        }
        lines.sort_by(|a, b| {
            let place = |line: &NewLine<I, V>| (line.credits.is_none(), line.period, line.version.clone());
            place(a).cmp(&place(b))
        });
        new.extend(lines);
    }
    Ok(new)
}

/// Terms by date, checked, with neighbours of the same price joined.
fn ordered<V: Clone + Ord>(subscription: &Subscription<V>) -> Result<Vec<(Key<V>, Period)>, ChargesError> {
    let mut ordered = Vec::with_capacity(subscription.terms.len());
    for terms in &subscription.terms {
        same_currency(subscription.currency, terms.price)?;
        if terms.price.is_negative() {
            return Err(ChargesError::NegativePrice(terms.price));
        }
        let to = terms.to.unwrap_or(NaiveDate::MAX);
        let days = Period::new(terms.from, to).map_err(|_| ChargesError::EmptyTerms { from: terms.from, to })?;
        let key = Key { version: terms.version.clone(), price: terms.price.amount(), quantity: terms.quantity };
        ordered.push((key, days));
    }
    ordered.sort_by_key(|(_, days)| days.start());
    let mut joined: Vec<(Key<V>, Period)> = Vec::with_capacity(ordered.len());
    for (key, days) in ordered {
        if let Some((last_key, last)) = joined.last_mut() {
            if last.end() > days.start() {
                return Err(ChargesError::TermsOverlap(days.start()));
            }
            if last.end() == days.start() && *last_key == key {
                *last = Period::new(last.start(), days.end())?;
                continue;
            }
        }
        joined.push((key, days));
    }
    Ok(joined)
}

/// The full periods to look at: those due, and those with lines.
fn periods<I, V>(
    subscription: &Subscription<V>,
    terms: &[(Key<V>, Period)],
    billed: &[BilledLine<I, V>],
    as_of: NaiveDate,
) -> Result<Vec<Period>, ChargesError> {
    let mut periods = Vec::new();
    if let (Some((_, first)), Some((_, last))) = (terms.first(), terms.last()) {
        let begin = first.start().max(subscription.cycle.start());
        let until = as_of.min(last.end().pred_opt().unwrap_or(last.end()));
        for full in subscription.cycle.full_periods(begin, until)? {
            let due = match subscription.timing {
                Timing::InAdvance => full.start().max(begin) <= as_of,
                Timing::InArrears => full.end().min(last.end()) <= as_of,
            };
            if due {
                periods.push(full);
            }
        }
    }
    for line in billed {
        periods.push(subscription.cycle.full_period_containing(line.period.start())?);
    }
    periods.sort();
    periods.dedup();
    Ok(periods)
}

/// What should be billed for one full period, by date.
fn wanted<V: Clone>(subscription: &Subscription<V>, terms: &[(Key<V>, Period)], full: Period) -> Vec<(Key<V>, Period)> {
    let Ok(service) = Period::new(full.start().max(subscription.cycle.start()), full.end()) else {
        return Vec::new();
    };
    let mut segments =
        terms.iter().filter_map(|(key, days)| days.intersection(service).map(|part| (key.clone(), part)));
    if subscription.policy.splits_periods() {
        return segments.collect();
    }
    let whole = segments.next().and_then(|(key, part)| Some((key, Period::new(part.start(), full.end()).ok()?)));
    whole.into_iter().collect()
}

/// The lines that bring what was billed for one key in one full period to what should be.
fn differences<I: Clone + Ord, V: Clone + Ord>(
    subscription: &Subscription<V>,
    full: Period,
    key: &Key<V>,
    wanted: &[Period],
    billed: &[&BilledLine<I, V>],
) -> Result<Vec<NewLine<I, V>>, ChargesError> {
    let price = Money::new(key.price, subscription.currency)?;
    let cost = |part: &Period| prorated(price, key.quantity, *part, full, subscription.policy);
    let mut due = Money::zero(subscription.currency);
    for part in wanted {
        due = due.checked_add(cost(part)?)?;
    }
    let before = Money::sum(subscription.currency, billed.iter().map(|line| line.amount))?;
    let mut charges = charges(billed, wanted)?;
    // Days without a cent are charged again once they are worth one.
    let paid: Vec<Period> = charges
        .iter()
        .filter(|charge| charge.left.is_positive())
        .flat_map(|charge| charge.kept.iter().copied())
        .collect();
    let missing: Vec<Period> = wanted.iter().flat_map(|part| minus(*part, &paid)).collect();
    let mut rest = due.checked_sub(before)?;
    if missing.is_empty() {
        settle(&mut charges, -rest)?;
    }
    let line = |period, amount, credits| NewLine {
        version: key.version.clone(),
        price,
        quantity: key.quantity,
        period,
        full_period: full,
        amount,
        credits,
    };
    let mut lines: Vec<NewLine<I, V>> = Vec::new();
    for charge in &charges {
        for (period, amount) in charge.credits.iter().filter(|(_, amount)| amount.is_positive()) {
            rest = rest.checked_add(*amount)?;
            lines.push(line(*period, -*amount, Some(charge.line.id.clone())));
        }
    }
    for (index, period) in missing.iter().enumerate() {
        let last = index + 1 == missing.len();
        let amount = if last { rest } else { cost(period)?.checked_min(rest)? };
        if amount.is_positive() {
            rest = rest.checked_sub(amount)?;
            lines.push(line(*period, amount, None));
        }
    }
    for restated in restate(&charges, rest)? {
        lines.push(line(restated.period, -restated.was, Some(restated.id)));
        if restated.becomes.is_positive() {
            lines.push(line(restated.period, restated.becomes, None));
        }
    }
    Ok(lines)
}

/// The charges among billed lines, by date, each with what it keeps and gives back by its share of days.
fn charges<'a, I: Ord, V>(
    billed: &[&'a BilledLine<I, V>],
    wanted: &[Period],
) -> Result<Vec<Charge<'a, I, V>>, ChargesError> {
    let mut charges = Vec::new();
    for line in billed.iter().filter(|line| line.credits.is_none()) {
        let taken: Vec<_> = billed.iter().filter(|credit| credit.credits.as_ref() == Some(&line.id)).collect();
        let credited: Vec<_> = taken.iter().map(|credit| credit.period).collect();
        let mut left =
            Money::sum(line.amount.currency(), taken.iter().map(|credit| credit.amount))?.checked_add(line.amount)?;
        let days = minus(line.period, &credited);
        let unwanted: Vec<Period> = days.iter().flat_map(|days| minus(*days, wanted)).collect();
        let kept: Vec<Period> = days.iter().flat_map(|days| minus(*days, &unwanted)).collect();
        let mut credits = Vec::with_capacity(unwanted.len());
        for (index, period) in unwanted.iter().enumerate() {
            let last = kept.is_empty() && index + 1 == unwanted.len();
            let amount = if last { left } else { share(line, *period)?.checked_min(left)? };
            left = left.checked_sub(amount)?;
            credits.push((*period, amount));
        }
        charges.push(Charge { line, kept, credits, left });
    }
    charges.sort_by(|a, b| (a.line.period, &a.line.id).cmp(&(b.line.period, &b.line.id)));
    Ok(charges)
}

/// The part of a line's amount its days in `period` stand for.
fn share<I, V>(line: &BilledLine<I, V>, period: Period) -> Result<Money, MoneyError> {
    line.amount.times_ratio(period.days().into(), line.period.days().into())
}

/// Brings the credits to `total`, moving rounding cents onto the last of them.
///
/// A charge that keeps no day is given back whole: a cent left without a day could never be taken back.
fn settle<I, V>(charges: &mut [Charge<'_, I, V>], total: Money) -> Result<(), MoneyError> {
    let credited = charges.iter().flat_map(|charge| charge.credits.iter().map(|(_, amount)| *amount));
    let mut odd = total.checked_sub(Money::sum(total.currency(), credited)?)?;
    for charge in charges.iter_mut().rev().filter(|charge| !charge.kept.is_empty()) {
        for (_, amount) in charge.credits.iter_mut().rev() {
            let shift =
                if odd.is_negative() { -odd.abs().checked_min(*amount)? } else { odd.checked_min(charge.left)? };
            *amount = amount.checked_add(shift)?;
            charge.left = charge.left.checked_sub(shift)?;
            odd = odd.checked_sub(shift)?;
        }
    }
    Ok(())
}

/// A piece of a charge taken back and charged anew over the same days.
struct Restated<I> {
    period: Period,
    id: I,
    was: Money,
    becomes: Money,
}

/// Places the cents that rounding left over when pieces billed apart make one segment again, or one was cut in pieces.
fn restate<I: Clone, V>(charges: &[Charge<'_, I, V>], mut rest: Money) -> Result<Vec<Restated<I>>, ChargesError> {
    let mut restated = Vec::new();
    for Charge { line, kept, left, .. } in charges.iter().rev() {
        if rest.is_zero() {
            break;
        }
        let Some(period) = kept.last().copied().filter(|_| left.is_positive()) else {
            continue;
        };
        let share = share(line, period)?;
        let was =
            if kept.len() == 1 || share.is_zero() { *left } else { share.checked_max(-rest)?.checked_min(*left)? };
        let sum = was.checked_add(rest)?;
        let becomes = if sum.is_negative() { Money::zero(sum.currency()) } else { sum };
        rest = sum.checked_sub(becomes)?;
        restated.push(Restated { period, id: line.id.clone(), was, becomes });
    }
    Ok(restated)
}

/// The days of `whole` in none of `others`, by date.
fn minus(whole: Period, others: &[Period]) -> Vec<Period> {
    others
        .iter()
        .fold(vec![whole], |pieces, other| pieces.into_iter().flat_map(|piece| piece.without(*other)).collect())
}

fn key_of_line<I, V: Clone>(line: &BilledLine<I, V>) -> Key<V> {
    Key { version: line.version.clone(), price: line.price.amount(), quantity: line.quantity }
}

fn same_currency(expected: Currency, money: Money) -> Result<(), ChargesError> {
    let found = money.currency();
    if found == expected { Ok(()) } else { Err(ChargesError::Currency { expected, found }) }
}

#[cfg(test)]
#[path = "charges_tests.rs"]
mod tests;
