//! What a measured quantity costs by tiers, and what a commitment adds or takes off.
//!
//! Results are exact decimals in major units; the caller rounds the line once. A tier covers the quantities above the one
//! before it up to and including its own bound, fractions too. Not here: packages, blocks, percentages (see
//! [`crate::packages`]). Start with [`Tiers`].

use rust_decimal::Decimal;

/// Why a quantity could not be priced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PricingError {
    /// Tiers have ascending bounds above zero, and only the last may be open.
    #[error("tier {0} does not reach beyond the one before it")]
    TierOrder(usize),
    /// There is no tier.
    #[error("there are no tiers")]
    NoTiers,
    /// The last tier is bounded and the quantity is beyond it.
    #[error("quantity {0} is beyond the last tier")]
    BeyondTiers(Decimal),
    /// A package or block holds something.
    #[error("a package or block of {0} units")]
    EmptyPackage(Decimal),
    /// The result does not fit.
    #[error("the price of {0} units is too large")]
    TooLarge(Decimal),
}

/// One tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    /// The last quantity in it; `None` has no end.
    pub up_to: Option<Decimal>,
    /// For each unit.
    pub unit: Decimal,
    /// Once, when the tier is reached.
    pub flat: Decimal,
}

/// How the tiers apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TierMode {
    /// Each unit costs what its own tier says.
    #[default]
    Graduated,
    /// Every unit costs what the tier of the last one says.
    Volume,
}

/// Tiers in order, each beyond the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tiers(Vec<Tier>);

impl Tiers {
    /// Refuses none, bounds that do not ascend, and an open tier before the last.
    pub fn new(tiers: Vec<Tier>) -> Result<Tiers, PricingError> {
        if tiers.is_empty() {
            return Err(PricingError::NoTiers);
        }
        let mut before = Decimal::ZERO;
        for (index, tier) in tiers.iter().enumerate() {
            match tier.up_to {
                Some(bound) if bound > before => before = bound,
                None if index + 1 == tiers.len() => {}
                _ => return Err(PricingError::TierOrder(index + 1)),
            }
        }
        Ok(Tiers(tiers))
    }

    /// What a quantity costs. Nothing used costs the flat fee of the first tier where `flat_at_zero`, else nothing.
    pub fn price(&self, mode: TierMode, units: Decimal, flat_at_zero: bool) -> Result<Decimal, PricingError> {
        let parts = self.parts(mode, units, flat_at_zero)?;
        let add = |sum: Decimal, part: &TierPart| sum.checked_add(part.cost).ok_or(PricingError::TooLarge(units));
        parts.iter().try_fold(Decimal::ZERO, add)
    }

    /// What of a quantity is priced by which tier, in their order; what [`Tiers::price`] sums.
    pub fn parts(&self, mode: TierMode, units: Decimal, flat_at_zero: bool) -> Result<Vec<TierPart>, PricingError> {
        if units < Decimal::ZERO || (units.is_zero() && !flat_at_zero) {
            return Ok(Vec::new());
        }
        let reached = self.0.iter().position(|tier| tier.up_to.is_none_or(|bound| units <= bound));
        let reached = reached.ok_or(PricingError::BeyondTiers(units))?;
        let mut below = Decimal::ZERO;
        let mut parts = Vec::new();
        for (index, tier) in self.0.iter().enumerate().take(reached + 1) {
            let top = tier.up_to.map_or(units, |bound| bound.min(units));
            let units = match mode {
                TierMode::Graduated => top - below,
                TierMode::Volume if index == reached => units,
                TierMode::Volume => continue,
            };
            let cost = units.checked_mul(tier.unit).and_then(|cost| cost.checked_add(tier.flat));
            parts.push(TierPart { tier: *tier, units, cost: cost.ok_or(PricingError::TooLarge(units))? });
            below = top;
        }
        Ok(parts)
    }
}

/// What of a quantity one tier prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierPart {
    /// The tier.
    pub tier: Tier,
    /// How much of the quantity.
    pub units: Decimal,
    /// What that costs, with the tier's flat fee.
    pub cost: Decimal,
}

/// A line of a period, as the difference of what the period costs with and without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierLine {
    /// The price of everything before, no more than the maximum.
    pub before: Decimal,
    /// The price of everything with the line, no more than the maximum.
    pub after: Decimal,
    /// The two without a maximum.
    uncapped: (Decimal, Decimal),
}

impl TierLine {
    /// What the line costs.
    pub fn amount(&self) -> Decimal {
        self.after.saturating_sub(self.before)
    }

    /// What it would cost without a maximum.
    pub fn gross(&self) -> Decimal {
        self.uncapped.1.saturating_sub(self.uncapped.0)
    }

    /// What the maximum takes off.
    pub fn discount(&self) -> Decimal {
        self.gross().saturating_sub(self.amount())
    }
}

impl Tiers {
    /// A line of `units` after `before` units of the same period: 10 after 12 cost what 22 cost less what 12 do.
    pub fn line(
        &self,
        mode: TierMode,
        before: Decimal,
        units: Decimal,
        flat_at_zero: bool,
        commitment: Commitment,
    ) -> Result<TierLine, PricingError> {
        let all = before.checked_add(units).ok_or(PricingError::TooLarge(units))?;
        let uncapped = (self.price(mode, before, flat_at_zero)?, self.price(mode, all, flat_at_zero)?);
        Ok(TierLine { before: commitment.capped(uncapped.0), after: commitment.capped(uncapped.1), uncapped })
    }
}

/// What the account agreed to spend in a period, at least and at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Commitment {
    /// At least this.
    pub minimum: Option<Decimal>,
    /// At most this; it holds even where the minimum is above it.
    pub maximum: Option<Decimal>,
}

impl Commitment {
    /// What is missing to the minimum, zero or more.
    pub fn top_up(&self, amount: Decimal) -> Decimal {
        self.minimum.map_or(Decimal::ZERO, |minimum| minimum.saturating_sub(amount).max(Decimal::ZERO))
    }

    /// The amount, no less than the minimum.
    pub fn raised(&self, amount: Decimal) -> Decimal {
        self.minimum.map_or(amount, |minimum| amount.max(minimum))
    }

    /// The amount, no more than the maximum.
    pub fn capped(&self, amount: Decimal) -> Decimal {
        self.maximum.map_or(amount, |maximum| amount.min(maximum))
    }
}

/// The 95th percentile of measured rates by the nearest rank: of 100 samples the 95th from below. `None` without samples.
pub fn percentile_95(samples: &[u64]) -> Option<u64> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * 95).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
#[path = "pricing_tests.rs"]
mod tests;
