//! What a measured quantity costs: tiers, packages, percentages, blocks, and what a commitment adds or takes off.
//!
//! Results are exact decimals in major units; the caller rounds the line once. A tier covers the quantities above the one
//! before it up to and including its own bound, fractions too. Start with [`Tiers`].

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
        if units < Decimal::ZERO || (units.is_zero() && !flat_at_zero) {
            return Ok(Decimal::ZERO);
        }
        let reached = self.0.iter().position(|tier| tier.up_to.is_none_or(|bound| units <= bound));
        let reached = reached.ok_or(PricingError::BeyondTiers(units))?;
        let mut amount = Decimal::ZERO;
        let mut below = Decimal::ZERO;
        for (index, tier) in self.0.iter().enumerate().take(reached + 1) {
            let top = tier.up_to.map_or(units, |bound| bound.min(units));
            let priced = match mode {
                TierMode::Graduated => top - below,
                TierMode::Volume if index == reached => units,
                TierMode::Volume => continue,
            };
            let cost = priced.checked_mul(tier.unit).and_then(|cost| cost.checked_add(tier.flat));
            amount = cost.and_then(|cost| amount.checked_add(cost)).ok_or(PricingError::TooLarge(units))?;
            below = top;
        }
        Ok(amount)
    }
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

/// Units in whole packages, begun ones too, after free units: 121 in tens are 13 packages.
pub fn package(units: Decimal, size: Decimal, price: Decimal, free_units: Decimal) -> Result<Decimal, PricingError> {
    let paid = units.saturating_sub(free_units).max(Decimal::ZERO);
    packages(paid, size)?.checked_mul(price).ok_or(PricingError::TooLarge(units))
}

fn packages(units: Decimal, size: Decimal) -> Result<Decimal, PricingError> {
    if size <= Decimal::ZERO {
        return Err(PricingError::EmptyPackage(size));
    }
    let rest = units % size;
    let whole = (units - rest).checked_div(size).ok_or(PricingError::TooLarge(units))?;
    Ok(if rest > Decimal::ZERO { whole + Decimal::ONE } else { whole })
}

/// A charge by percent of a total, with a fixed part for each event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Percentage {
    /// Of what is above `free_total`.
    pub rate_percent: Decimal,
    /// For each event above `free_events`.
    pub fixed_per_event: Decimal,
    /// Of the total, free.
    pub free_total: Decimal,
    /// Of the events, free.
    pub free_events: Decimal,
}

impl Percentage {
    /// The charge on a total of so many events: 1.3 % of 550 and twice 2.00 are 11.15. Nothing on a total of nothing.
    pub fn price(&self, total: Decimal, events: Decimal) -> Result<Decimal, PricingError> {
        if total.is_zero() {
            return Ok(Decimal::ZERO);
        }
        let above = |value: Decimal, free: Decimal| value.saturating_sub(free).max(Decimal::ZERO);
        let share = above(total, self.free_total).checked_mul(self.rate_percent);
        let share = share.and_then(|share| share.checked_div(Decimal::ONE_HUNDRED));
        let fixed = above(events, self.free_events).checked_mul(self.fixed_per_event);
        share.zip(fixed).and_then(|(share, fixed)| share.checked_add(fixed)).ok_or(PricingError::TooLarge(total))
    }

    /// The charge event by event, each between a minimum and a maximum; free events and free totals are used up first.
    pub fn price_each(
        &self,
        events: &[Decimal],
        minimum: Option<Decimal>,
        maximum: Option<Decimal>,
    ) -> Result<Decimal, PricingError> {
        let (mut free_total, mut free_events) = (self.free_total, self.free_events);
        let mut amount = Decimal::ZERO;
        for event in events {
            let mut value = *event;
            if free_total > Decimal::ZERO {
                free_events -= Decimal::ONE;
                let free = free_total.min(value);
                free_total -= free;
                value -= free;
                if value.is_zero() {
                    continue;
                }
                free_events = Decimal::ZERO;
            } else if free_events > Decimal::ZERO {
                free_events -= Decimal::ONE;
                continue;
            }
            let share = value.checked_mul(self.rate_percent).and_then(|share| share.checked_div(Decimal::ONE_HUNDRED));
            let cost = share.and_then(|share| share.checked_add(self.fixed_per_event));
            let mut cost = cost.ok_or(PricingError::TooLarge(value))?;
            cost = minimum.map_or(cost, |minimum| cost.max(minimum));
            cost = maximum.map_or(cost, |maximum| cost.min(maximum));
            amount = amount.checked_add(cost).ok_or(PricingError::TooLarge(value))?;
        }
        Ok(amount)
    }
}

/// A tier counted in blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockTier {
    /// Units in a block.
    pub size: Decimal,
    /// Blocks in the tier; `None` has no end. The last tier takes what is beyond it, too.
    pub max_blocks: Option<Decimal>,
    /// For each block, begun ones too.
    pub price: Decimal,
}

/// What each tier costs when the units fill one after the other, for the tiers that are reached.
pub fn blocks_in_all_tiers(tiers: &[BlockTier], units: Decimal) -> Result<Vec<Decimal>, PricingError> {
    let mut left = units.max(Decimal::ZERO);
    let mut costs = Vec::with_capacity(tiers.len());
    for (index, tier) in tiers.iter().enumerate() {
        let mut blocks = packages(left, tier.size)?;
        if let Some(most) = tier.max_blocks.filter(|most| index + 1 < tiers.len() && blocks > *most) {
            blocks = most;
        }
        left = (left - blocks.checked_mul(tier.size).ok_or(PricingError::TooLarge(units))?).max(Decimal::ZERO);
        costs.push(blocks.checked_mul(tier.price).ok_or(PricingError::TooLarge(units))?);
        if left.is_zero() {
            break;
        }
    }
    if tiers.is_empty() { Err(PricingError::NoTiers) } else { Ok(costs) }
}

/// What tiers cost together.
pub fn sum(costs: &[Decimal]) -> Result<Decimal, PricingError> {
    let add = |sum: Decimal, cost: &Decimal| sum.checked_add(*cost).ok_or(PricingError::TooLarge(*cost));
    costs.iter().try_fold(Decimal::ZERO, add)
}

/// What all units cost in blocks of the tier that the last one reaches.
pub fn blocks_in_top_tier(tiers: &[BlockTier], units: Decimal) -> Result<Decimal, PricingError> {
    let mut room = Decimal::ZERO;
    for (index, tier) in tiers.iter().enumerate() {
        room = room.saturating_add(tier.max_blocks.unwrap_or_default().saturating_mul(tier.size));
        if tier.max_blocks.is_none() || units <= room || index + 1 == tiers.len() {
            return package(units, tier.size, tier.price, Decimal::ZERO);
        }
    }
    Err(PricingError::NoTiers)
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
