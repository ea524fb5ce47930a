//! Metered traffic against an allowance: what was used, what is over, what the overage blocks cost.
//!
//! Not here: measuring (the agent does) and tariffs by tier. Everything counts in bytes. Start with [`rate`].

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::calendar::{CalendarError, Cycle, Period};
use crate::money::{Money, MoneyError};
use crate::proration::{ProrationError, prorated_allowance};

/// Why usage could not be rated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// A block of overage has at least one byte.
    #[error("overage block of zero bytes")]
    EmptyBlock,
    /// A price below zero.
    #[error("overage price {0} is below zero")]
    NegativePrice(Money),
    /// The sum of the segments does not fit.
    #[error("usage in the period is too large")]
    TooLarge,
    /// The allowance could not be prorated.
    #[error(transparent)]
    Proration(#[from] ProrationError),
    /// An amount of money was refused.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// Traffic measured on one local day, or a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageSegment {
    /// The local day it began.
    pub on: NaiveDate,
    /// Bytes to the subscriber.
    pub down_bytes: u64,
    /// Bytes from the subscriber.
    pub up_bytes: u64,
}

/// Days one allowance is for: those of one plan version inside one full period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The days.
    pub days: Period,
    /// The period they are a part of.
    pub full: Period,
}

/// The pieces of a version in force from `from` up to `to`: the one that contains `today`, and as many after it as there
/// are, `count` in all at most.
pub fn pieces(
    cycle: Cycle,
    from: NaiveDate,
    to: Option<NaiveDate>,
    today: NaiveDate,
    count: usize,
) -> Result<Vec<Piece>, CalendarError> {
    let held = Period::new(from.max(cycle.start()), to.unwrap_or(NaiveDate::MAX))?;
    let mut pieces = Vec::new();
    let mut full = cycle.full_period_containing(today)?;
    while pieces.len() < count {
        let Some(days) = held.intersection(full) else { break };
        pieces.push(Piece { days, full });
        full = cycle.full_period_containing(full.end())?;
    }
    Ok(pieces)
}

/// The piece of a version in force from `from` just before another one of it, if there is one.
pub fn piece_before(cycle: Cycle, from: NaiveDate, piece: Piece) -> Result<Option<Piece>, CalendarError> {
    let start = piece.days.start();
    if start <= from.max(cycle.start()) {
        return Ok(None);
    }
    let yesterday = start.pred_opt().unwrap_or(start);
    Ok(pieces(cycle, from, Some(start), yesterday, 1)?.pop())
}

/// What traffic over the allowance costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overage {
    /// The size of a block; a begun block counts whole.
    pub block_bytes: u64,
    /// The price of one block.
    pub price: Money,
}

/// What a plan says about traffic; no allowance means unmetered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageTerms {
    /// Bytes included in a full period.
    pub allowance_bytes: Option<u64>,
    /// Bytes bought on top, for the days that are rated; nothing without an allowance.
    pub top_up_bytes: u64,
    /// What more costs; `None` charges nothing for it.
    pub overage: Option<Overage>,
}

/// What was used in a period and what is charged for it, with every figure of the explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RatedUsage {
    /// The days counted.
    pub period: Period,
    /// Bytes to the subscriber.
    pub down_bytes: u64,
    /// Bytes from the subscriber.
    pub up_bytes: u64,
    /// Both directions.
    pub used_bytes: u64,
    /// What the period included, prorated, with what was bought on top; `None` when unmetered.
    pub allowance_bytes: Option<u64>,
    /// Bytes above the allowance.
    pub over_bytes: u64,
    /// What is charged; `None` when nothing is over or overage is free.
    pub line: Option<OverageLine>,
}

/// The charge for traffic over the allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverageLine {
    /// Blocks charged, begun blocks counted whole.
    pub blocks: u64,
    /// The size of a block.
    pub block_bytes: u64,
    /// The price of a block.
    pub price: Money,
    /// Blocks times price.
    pub amount: Money,
}

/// Rates the segments that fall in `period`, a part of the full period, against the allowance prorated to it.
///
/// 1200 MB used of 1000 MB with blocks of 10 MB is 20 blocks. Segments of other days are left out.
pub fn rate(
    terms: &UsageTerms,
    period: Period,
    full: Period,
    segments: &[UsageSegment],
) -> Result<RatedUsage, UsageError> {
    let add = |sum: u64, bytes: u64| sum.checked_add(bytes).ok_or(UsageError::TooLarge);
    let (mut down_bytes, mut up_bytes) = (0, 0);
    for segment in segments.iter().filter(|segment| period.contains(segment.on)) {
        down_bytes = add(down_bytes, segment.down_bytes)?;
        up_bytes = add(up_bytes, segment.up_bytes)?;
    }
    let used_bytes = add(down_bytes, up_bytes)?;
    let allowance_bytes = match terms.allowance_bytes {
        Some(allowance) => Some(add(prorated_allowance(allowance, period, full)?, terms.top_up_bytes)?),
        None => None,
    };
    let over_bytes = allowance_bytes.map_or(0, |allowance| used_bytes.saturating_sub(allowance));
    let line = match terms.overage {
        Some(overage) => overage_line(overage, over_bytes)?,
        None => None,
    };
    Ok(RatedUsage { period, down_bytes, up_bytes, used_bytes, allowance_bytes, over_bytes, line })
}

fn overage_line(overage: Overage, over_bytes: u64) -> Result<Option<OverageLine>, UsageError> {
    let Overage { block_bytes, price } = overage;
    if block_bytes == 0 {
        return Err(UsageError::EmptyBlock);
    }
    if price.is_negative() {
        return Err(UsageError::NegativePrice(price));
    }
    if over_bytes == 0 {
        return Ok(None);
    }
    let blocks = over_bytes.div_ceil(block_bytes);
    Ok(Some(OverageLine { blocks, block_bytes, price, amount: price.times(Decimal::from(blocks))? }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    const MB: u64 = 1_000_000;

    fn period(start: &str, end: &str) -> Period {
        Period::new(start.parse().unwrap(), end.parse().unwrap()).unwrap()
    }

    fn terms(allowance_bytes: u64, block_bytes: u64) -> UsageTerms {
        let price = Money::parse("0.50", Currency::EUR).unwrap();
        UsageTerms {
            allowance_bytes: Some(allowance_bytes),
            top_up_bytes: 0,
            overage: Some(Overage { block_bytes, price }),
        }
    }

    fn used(on: &str, down_bytes: u64, up_bytes: u64) -> UsageSegment {
        UsageSegment { on: on.parse().unwrap(), down_bytes, up_bytes }
    }

    #[test]
    fn begun_blocks_are_charged_whole() {
        let june = period("2026-06-01", "2026-07-01");
        for (bytes, over, blocks) in
            [(1200 * MB, 200 * MB, 20), (1000 * MB, 0, 0), (1000 * MB + 1, 1, 1), (1010 * MB, 10 * MB, 1)]
        {
            let segments = [used("2026-06-01", bytes - 5, 5), used("2026-07-01", 9 * MB, 0), used("2026-05-31", MB, 0)];
            let rated = rate(&terms(1000 * MB, 10 * MB), june, june, &segments).unwrap();
            assert_eq!((rated.used_bytes, rated.over_bytes), (bytes, over));
            assert_eq!(rated.line.map_or(0, |line| line.blocks), blocks);
        }
    }

    #[test]
    fn a_part_of_a_period_includes_a_part_of_the_allowance() {
        let (part, full) = (period("2026-06-16", "2026-07-01"), period("2026-06-01", "2026-07-01"));
        let rated = rate(&terms(1001, 100), part, full, &[used("2026-06-20", 601, 0)]).unwrap();
        assert_eq!((rated.allowance_bytes, rated.over_bytes), (Some(500), 101));
        assert_eq!(rated.line.unwrap().amount.to_string(), "1.00 EUR");
    }

    #[test]
    fn an_allowance_is_for_the_days_of_one_version_in_one_period() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let cycle = Cycle::monthly(day("2026-06-10"), crate::calendar::BillingDay::new(1).unwrap(), 1).unwrap();
        let found = |from, to: Option<&str>, today| {
            let pieces = pieces(cycle, day(from), to.map(day), day(today), 3).unwrap();
            pieces
                .iter()
                .map(|piece| (piece.days.start().to_string(), piece.days.end().to_string()))
                .collect::<Vec<_>>()
        };
        let texts =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect::<Vec<_>>();
        let open = texts(&[("2026-06-10", "2026-07-01"), ("2026-07-01", "2026-08-01"), ("2026-08-01", "2026-09-01")]);
        assert_eq!(found("2026-06-10", None, "2026-06-12"), open);
        assert_eq!(found("2026-06-10", Some("2026-06-20"), "2026-06-12"), texts(&[("2026-06-10", "2026-06-20")]));
        let changed = texts(&[("2026-06-20", "2026-07-01"), ("2026-07-01", "2026-07-05")]);
        assert_eq!(found("2026-06-20", Some("2026-07-05"), "2026-06-25"), changed);
    }

    #[test]
    fn what_was_bought_on_top_is_not_prorated() {
        let (part, full) = (period("2026-06-16", "2026-07-01"), period("2026-06-01", "2026-07-01"));
        let terms = UsageTerms { top_up_bytes: 100, ..terms(1000, 100) };
        let rated = rate(&terms, part, full, &[used("2026-06-20", 650, 0)]).unwrap();
        assert_eq!((rated.allowance_bytes, rated.over_bytes), (Some(600), 50));
    }

    #[test]
    fn unmetered_is_never_over_and_bad_terms_are_refused() {
        let june = period("2026-06-01", "2026-07-01");
        let unmetered = UsageTerms { allowance_bytes: None, ..terms(0, 1) };
        assert_eq!(rate(&unmetered, june, june, &[used("2026-06-01", MB, 0)]).unwrap().line, None);
        assert_eq!(rate(&terms(0, 0), june, june, &[]), Err(UsageError::EmptyBlock));
        let segments = [used("2026-06-01", u64::MAX, 1)];
        assert_eq!(rate(&terms(0, 1), june, june, &segments), Err(UsageError::TooLarge));
    }
}
