//! Examples of what is measured: tiers, commitments, packages, blocks, allowances.

use rust_decimal::Decimal;
use serde_json::Value;
use weir_rules::money::Money;
use weir_rules::overage::{self, OverageMode};
use weir_rules::packages::{self, BlockTier, Percentage};
use weir_rules::pricing::{Commitment, Tier, TierMode, Tiers};
use weir_rules::unit_price::charge;

use super::answer::{Answer, Got};
use super::input::Input;
use super::refusal::Stop;

/// An amount, rounded when the example names a currency.
fn amount(input: &Input<'_>, exact: Decimal) -> Result<Got, Stop> {
    if input.get("currency").is_none() {
        return Ok(Got::Exact(exact));
    }
    Ok(Money::rounded(exact, input.currency()?)?.into())
}

fn tiers(input: &Input<'_>) -> Result<Tiers, Stop> {
    let tier = |row: Input<'_>| {
        let first = |keys: [&str; 3]| keys.iter().find_map(|key| row.maybe_price(key).transpose()).transpose();
        Ok(Tier {
            up_to: row.maybe_number("up_to")?,
            unit: first(["unit", "unit_price", "per_unit"])?.unwrap_or_default(),
            flat: first(["flat", "flat_fee", "flat_price"])?.unwrap_or_default(),
        })
    };
    let rows: Result<Vec<Tier>, Stop> = input.objects("tiers")?.into_iter().map(tier).collect();
    Ok(Tiers::new(rows?)?)
}

fn mode(input: &Input<'_>) -> Result<TierMode, Stop> {
    let name = input.maybe_text("tier_mode")?.or(input.maybe_text("mode")?).unwrap_or("graduated");
    match name {
        "graduated" => Ok(TierMode::Graduated),
        "volume" => Ok(TierMode::Volume),
        _ => Err(Stop::Malformed(format!("\"mode\" is not graduated or volume: {name:?}"))),
    }
}

fn tiered(input: &Input<'_>, mode: TierMode) -> Result<Answer, Stop> {
    let flat = input.flag("flat_fee_at_zero_usage", true)?;
    let exact = tiers(input)?.price(mode, input.number("units")?, flat)?;
    Ok(Answer::default().with("amount", amount(input, exact)?))
}

/// Each unit at its own tier.
pub fn graduated(input: &Input<'_>) -> Result<Answer, Stop> {
    tiered(input, TierMode::Graduated)
}

/// All units at the tier reached.
pub fn volume(input: &Input<'_>) -> Result<Answer, Stop> {
    tiered(input, TierMode::Volume)
}

/// A line inside a period, with or without a maximum.
pub fn progressive(input: &Input<'_>) -> Result<Answer, Stop> {
    let commitment = Commitment { minimum: None, maximum: input.maybe_price("maximum_spend")? };
    let before = input.maybe_number("units_before")?.unwrap_or_default();
    let in_line = if input.get("units_in_line").is_some() { "units_in_line" } else { "units" };
    let flat = input.flag("flat_fee_at_zero_usage", false)?;
    let line = tiers(input)?.line(mode(input)?, before, input.number(in_line)?, flat, commitment)?;
    Ok(Answer::default()
        .with_all(&["line_amount", "amount", "total"], amount(input, line.amount())?)
        .with_all(&["line_gross", "usage_amount"], amount(input, line.gross())?)
        .with_all(&["line_discount", "discount"], amount(input, line.discount())?)
        .with("cumulative_before", amount(input, line.before)?)
        .with("cumulative_after", amount(input, line.after)?))
}

/// What is missing to a minimum.
pub fn spend_minimum(input: &Input<'_>) -> Result<Answer, Stop> {
    let flat = input.flag("flat_fee_at_zero_usage", true)?;
    let commitment = Commitment { minimum: Some(input.price("minimum_spend")?), maximum: None };
    let used = match input.maybe_number("units")? {
        Some(units) => tiers(input)?.price(mode(input)?, units, flat)?,
        None => input.price("usage_amount")?,
    };
    Ok(Answer::default()
        .with("usage_amount", amount(input, used)?)
        .with_all(&["minimum_top_up", "top_up"], amount(input, commitment.top_up(used))?)
        .with_all(&["total", "amount"], amount(input, commitment.raised(used))?))
}

/// Whole packages.
pub fn package(input: &Input<'_>) -> Result<Answer, Stop> {
    let free = input.maybe_number("free_units")?.unwrap_or_default();
    let exact =
        packages::package(input.number("units")?, input.number("package_size")?, input.price("package_price")?, free)?;
    Ok(Answer::default().with("amount", amount(input, exact)?))
}

/// A percentage of a total and a part for each event.
pub fn percentage(input: &Input<'_>) -> Result<Answer, Stop> {
    let number = |key| input.maybe_number(key).map(Option::unwrap_or_default);
    let percentage = Percentage {
        rate_percent: input.number("rate_percent")?,
        fixed_per_event: number("fixed_per_event")?,
        free_total: number("free_total")?,
        free_events: number("free_events")?,
    };
    let each = ["event_amounts", "events"].into_iter().find(|key| input.get(key).is_some_and(Value::is_array));
    let exact = match each {
        Some(key) => {
            let bound = |names: [&str; 2]| names.iter().find_map(|key| input.maybe_number(key).transpose()).transpose();
            let minimum = bound(["minimum_per_event", "min_per_event"])?;
            let maximum = bound(["maximum_per_event", "max_per_event"])?;
            percentage.price_each(&input.numbers(key)?, minimum, maximum)?
        }
        None => percentage.price(input.number("total")?, number("events")?)?,
    };
    Ok(Answer::default().with("amount", amount(input, exact)?))
}

fn block_tiers(input: &Input<'_>) -> Result<Vec<BlockTier>, Stop> {
    let tier = |row: Input<'_>| {
        let most = row.maybe_number("max_blocks")?.filter(|most| *most >= Decimal::ZERO);
        Ok(BlockTier { size: row.number("block_size")?, max_blocks: most, price: row.price("price")? })
    };
    input.objects("tiers")?.into_iter().map(tier).collect()
}

/// Blocks that fill one tier after another.
pub fn blocks_all_tiers(input: &Input<'_>) -> Result<Answer, Stop> {
    let costs = packages::blocks_in_all_tiers(&block_tiers(input)?, input.number("units")?)?;
    let sum = amount(input, packages::sum(&costs)?)?;
    Ok(Answer::default()
        .with("per_tier", Got::Trimmed(costs.into_iter().map(Got::Exact).collect()))
        .with("amount", sum))
}

/// Blocks of the tier that is reached.
pub fn blocks_top_tier(input: &Input<'_>) -> Result<Answer, Stop> {
    let exact = packages::blocks_in_top_tier(&block_tiers(input)?, input.number("units")?)?;
    Ok(Answer::default().with("amount", amount(input, exact)?))
}

/// So many at a unit price.
pub fn per_unit(input: &Input<'_>) -> Result<Answer, Stop> {
    input.number("units")?;
    let unit = input.unit("unit_price", "units")?;
    Ok(Answer::default().with("amount", charge(unit, weir_rules::schedule::Share::WHOLE)?))
}

/// A quantity of data whose key ends in its unit, in megabytes.
fn data(input: &Input<'_>, name: &str) -> Result<Option<Decimal>, Stop> {
    for (key, _) in input.entries() {
        let Some(unit) = key.strip_prefix(name).and_then(|rest| rest.strip_prefix('_')) else { continue };
        let Some(megabytes) = overage::megabytes(unit) else { continue };
        return Ok(Some(overage::in_megabytes(input.number(key)?, megabytes)?));
    }
    if input.get(name).is_some() { input.number(name).map(Some) } else { Ok(None) }
}

fn needed(input: &Input<'_>, name: &str) -> Result<Decimal, Stop> {
    data(input, name)?
        .ok_or_else(|| Stop::Malformed(format!("input has no {name:?} with its unit, such as \"{name}_mb\"")))
}

fn overage_mode(input: &Input<'_>) -> Result<OverageMode, Stop> {
    let name = input.text("overage_mode")?;
    let says = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if says(&["top_up", "topup", "block_of", "package"]) {
        return Ok(OverageMode::TopUps {
            size: needed(input, "top_up_size")?,
            price: input.maybe_price("top_up_price")?.unwrap_or_default(),
            most: input.maybe_number("max_top_ups")?,
        });
    }
    if says(&["throttle", "slow", "reduce", "speed", "shape", "fup"]) {
        return Ok(OverageMode::Throttle);
    }
    if says(&["block", "stop", "close", "disconnect", "suspend"]) {
        return Ok(OverageMode::Block);
    }
    if says(&["unit", "charge", "overage", "per_", "pay"]) && !says(&["no_charge", "no_overage", "without"]) {
        let price = input.entries().find_map(|(key, _)| {
            let unit = ["price_per_", "unit_price_per_", "overage_price_per_"]
                .iter()
                .find_map(|begin| key.strip_prefix(begin))?;
            Some((key, overage::megabytes(unit)))
        });
        // A price for a unit that is not named is for the unit of what was used.
        let own = input.entries().find_map(|(key, _)| key.strip_prefix("used_").and_then(overage::megabytes));
        let (key, per) = price.unwrap_or(("unit_price", None));
        let per = per.or(own).unwrap_or(Decimal::ONE);
        return Ok(OverageMode::PerUnit { price: input.price(key)?, per });
    }
    if says(&["none", "free", "ignore", "nothing", "no_charge", "no_overage", "notify", "unlimited"]) {
        return Ok(OverageMode::Free);
    }
    Err(Stop::Malformed(format!("unknown \"overage_mode\" {name:?}")))
}

/// What use beyond an allowance comes to.
pub fn allowance_overage(input: &Input<'_>) -> Result<Answer, Stop> {
    let (allowance, bought) = (needed(input, "allowance")?, data(input, "top_up")?.unwrap_or_default());
    let result = overage::overage(allowance, bought, needed(input, "used")?, overage_mode(input)?)?;
    let mut answer = Answer::default()
        .with_all(&["top_ups_charged", "top_ups"], result.top_ups)
        .with_all(&["amount", "charge", "overage_amount", "overage_charge"], amount(input, result.amount)?)
        .with("throttled", result.throttled)
        .with_all(&["blocked", "service_blocked"], result.blocked);
    for (key, unit) in
        [("overage_kb", "kb"), ("overage_mb", "mb"), ("overage_gb", "gb"), ("overage_tb", "tb"), ("overage", "mb")]
    {
        answer = answer.with(key, overage::from_megabytes(result.over, unit)?);
    }
    Ok(answer)
}

/// When to tell how much is gone.
pub fn allowance_notification(input: &Input<'_>) -> Result<Answer, Stop> {
    let (allowance, bought) = (needed(input, "allowance")?, data(input, "top_up")?.unwrap_or_default());
    let percent = input.number("threshold_percent")?;
    let monthly = overage::threshold(allowance, Decimal::ZERO, percent)?;
    let total = overage::threshold(allowance, bought, percent)?;
    let top_up = overage::threshold(Decimal::ZERO, bought, percent)?;
    let mut answer = Answer::default();
    for (unit, keys) in [
        ("mb", ["trigger_mb_on_monthly_limit", "trigger_mb_on_total", "trigger_mb_on_top_up"]),
        ("gb", ["trigger_gb_on_monthly_limit", "trigger_gb_on_total", "trigger_gb_on_top_up"]),
    ] {
        for (key, at) in keys.into_iter().zip([monthly, total, top_up]) {
            answer = answer.with(key, overage::from_megabytes(at, unit)?);
        }
    }
    if let Some(used) = data(input, "used")? {
        answer = answer
            .with_all(&["notify_on_monthly_limit", "reached_on_monthly_limit"], used >= monthly)
            .with_all(&["notify_on_total", "reached_on_total"], used >= total);
    }
    Ok(answer)
}
