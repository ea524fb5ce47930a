//! Traffic priced by the gigabyte, in tiers: what a plan asks for what is used, or used beyond what it includes.
//!
//! Bounds, flat fees and the maximum are those of a month: a part of one has a part of each, so that a change of plan inside it
//! neither begins the tiers anew nor ends them early. Fractions of a gigabyte count; the line is rounded once. Start with
//! [`TrafficPrice::of`].

use rust_decimal::Decimal;

use crate::calendar::Period;
use crate::money::{Currency, Money, MoneyError};
use crate::pricing::{PricingError, Tier, TierMode, TierPart, Tiers};
use crate::proration::{ProrationError, prorated_allowance};

/// Bytes of the unit prices are for.
pub const GIGABYTE: u64 = 1_000_000_000;

/// Why traffic could not be priced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrafficPriceError {
    /// The tiers are none, or the traffic is beyond them.
    #[error(transparent)]
    Pricing(#[from] PricingError),
    /// A bound could not be prorated.
    #[error(transparent)]
    Proration(#[from] ProrationError),
    /// An amount of money was refused.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// A tier of a whole month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrafficTier {
    /// The last byte in it; `None` has no end.
    pub up_to_bytes: Option<u64>,
    /// For a gigabyte, in major units, with as many decimals as it needs.
    pub per_gigabyte: Decimal,
    /// Once, when the tier is reached, in major units.
    pub fee: Decimal,
}

/// What a month's traffic costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrafficPrice {
    /// Whether each gigabyte costs what its own tier says, or all of them what the last one's does.
    pub mode: TierMode,
    /// In order; the last is open.
    pub tiers: Vec<TrafficTier>,
    /// A month never costs more.
    pub maximum: Option<Money>,
    /// Of the prices.
    pub currency: Currency,
}

/// What some traffic costs, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricedTraffic {
    /// What of it each tier prices, in gigabytes, exactly.
    pub parts: Vec<TierPart>,
    /// The parts together, rounded.
    pub sum: Money,
    /// That, no more than the maximum of these days.
    pub total: Money,
}

impl TrafficPrice {
    /// What so many bytes cost in `days`, a part of the month `full` or all of it.
    ///
    /// 250 GB at 0.05 up to 100 GB and 0.02 beyond are 8.00: 100 at 0.05 and 150 at 0.02; in the other mode 5.00.
    pub fn of(&self, bytes: u64, days: Period, full: Period) -> Result<PricedTraffic, TrafficPriceError> {
        let units = gigabytes(bytes);
        let mut tiers: Vec<Tier> = Vec::with_capacity(self.tiers.len());
        for tier in &self.tiers {
            let up_to = tier.up_to_bytes.map(|bound| prorated_allowance(bound, days, full)).transpose()?.map(gigabytes);
            let flat = self.share(tier.fee, days, full)?;
            // In a few days a narrow tier may have no byte left.
            if up_to.is_none_or(|bound| bound > tiers.last().and_then(|before| before.up_to).unwrap_or_default()) {
                tiers.push(Tier { up_to, unit: tier.per_gigabyte, flat });
            }
        }
        let parts = Tiers::new(tiers)?.parts(self.mode, units, false)?;
        let add = |sum: Decimal, part: &TierPart| sum.checked_add(part.cost);
        let exact = parts.iter().try_fold(Decimal::ZERO, add).ok_or(PricingError::TooLarge(units))?;
        let sum = Money::rounded(exact, self.currency)?;
        let total = match self.maximum {
            Some(maximum) => {
                let share = self.share(maximum.amount(), days, full)?;
                sum.checked_min(Money::rounded(share, maximum.currency())?)?
            }
            None => sum,
        };
        Ok(PricedTraffic { parts, sum, total })
    }

    fn share(&self, amount: Decimal, days: Period, full: Period) -> Result<Decimal, MoneyError> {
        let share = amount.checked_mul(days.days().into()).and_then(|amount| amount.checked_div(full.days().into()));
        share.ok_or(MoneyError::TooLarge(self.currency))
    }
}

/// Bytes in gigabytes, exactly.
pub fn gigabytes(bytes: u64) -> Decimal {
    Decimal::from(bytes) / Decimal::from(GIGABYTE)
}

#[cfg(test)]
#[path = "traffic_price_tests.rs"]
mod tests;
