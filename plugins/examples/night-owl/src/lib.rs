//! Traffic of the night costs less: the price falls by the share of the period's bytes that were counted at night.
//!
//! Settings: `percent` off for the night's bytes (50 if not given), `from` and `until` as local hours (0 and 6).

use weir_plugin::{Call, Decimal, Decision, Error, UsageLine};

weir_plugin::rate_usage!(price);

fn price(line: &UsageLine, call: &Call) -> Result<Decision, Error> {
    let percent = call.setting("percent")?.unwrap_or(Decimal::whole(50));
    let (from, until) = (call.setting("from")?.unwrap_or(0), call.setting("until")?.unwrap_or(6));
    let night: u64 = line.by_hour.get(from..until).unwrap_or_default().iter().sum();
    let all: u64 = line.by_hour.iter().sum();
    if night == 0 {
        return Ok(Decision::Unchanged);
    }
    let share = Decimal::whole(night).over(Decimal::whole(all), 6)?;
    let off = percent.times(share, 4)?;
    let kept = Decimal::whole(100).minus(off)?.over(Decimal::whole(100), 6)?;
    let shown = share.times(Decimal::whole(100), 1)?;
    Ok(Decision::price(line.unit_price.times(kept, 6)?, format!("{shown} % at night, {off} % off")))
}
