//! What a measured quantity costs by whole packages, by blocks of tiers, or by percent.
//!
//! Results are exact decimals in major units; the caller rounds the line once. Start with [`package`] and [`Percentage`].

use rust_decimal::Decimal;

use crate::pricing::PricingError;

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

#[cfg(test)]
#[path = "packages_tests.rs"]
mod tests;
