//! Examples of time zones: local days, days of 23 and 25 hours, trials.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc, Weekday};
use chrono_tz::Tz;
use weir_rules::calendar::{BillingDay, Cycle, Timing, local_date as local_day, start_of_day};
use weir_rules::elapsed::{self, calendar_days};
use weir_rules::interval::Interval;
use weir_rules::schedule::{self, Share};
use weir_rules::unit_price::{UnitPrice, charge, charge_for};

use super::answer::{Answer, Got};
use super::input::Input;
use super::proration::part;
use super::refusal::Stop;

/// A part of a period by calendar days and by hours.
pub fn proration(input: &Input<'_>) -> Result<Answer, Stop> {
    let (share, full, zone) = (part(input)?, input.full_period()?, input.zone()?);
    let unit = input.unit("price", "quantity")?;
    let (from, to) = (input.date("from")?, input.maybe_date("to")?.unwrap_or(full.end()));
    let days = weir_rules::calendar::Period::new(from, to)?;
    let by_time = elapsed::prorated_by_time(unit.price, unit.currency, days, full, zone)?;
    Ok(Answer::default()
        .with_all(&["calendar_day_based", "amount"], charge(unit, share)?)
        .with("elapsed_time_based", by_time)
        .with("calendar_days", share.days())
        .with("elapsed_hours", elapsed::elapsed_hours(from, to, zone)?)
        .with("period_hours", elapsed::elapsed_hours(full.start(), full.end(), zone)?))
}

/// Days and hours between two days or instants.
pub fn day_count(input: &Input<'_>) -> Result<Answer, Stop> {
    let zone = input.zone()?;
    let ((from_day, from), (to_day, to)) = (moment(input, "from", zone)?, moment(input, "to", zone)?);
    Ok(Answer::default()
        .with_all(&["calendar_days", "days"], calendar_days(from_day, to_day))
        .with("elapsed_hours", elapsed::hours_between(from, to)))
}

/// A local day and the instant it stands for: a date begins in the zone, a time without offset is local.
fn moment(input: &Input<'_>, key: &str, zone: Tz) -> Result<(NaiveDate, DateTime<Utc>), Stop> {
    let text = input.text(key)?;
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        let at = at.with_timezone(&Utc);
        return Ok((local_day(at, zone), at));
    }
    if let Ok(local) = text.parse::<NaiveDateTime>() {
        let at = local.and_local_timezone(zone).earliest();
        let at = at.ok_or_else(|| Stop::refused(&["no_such_time"], format!("{text} does not exist in {zone}")))?;
        return Ok((local.date(), at.with_timezone(&Utc)));
    }
    let day = input.date(key)?;
    Ok((day, start_of_day(day, zone)?))
}

/// The local day of an instant, and the rest of its calendar period from there.
pub fn local_date(input: &Input<'_>) -> Result<Answer, Stop> {
    let start = local_day(input.instant("instant")?, input.zone()?);
    let answer = Answer::default().with_all(&["local_start_date", "local_date"], start);
    let prices = [
        ("weekly_price", Interval::Days(7)),
        ("monthly_price", Interval::Months(1)),
        ("quarterly_price", Interval::Months(3)),
        ("annual_price", Interval::Months(12)),
        ("yearly_price", Interval::Months(12)),
    ];
    let named = prices.into_iter().find(|(key, _)| input.get(key).is_some());
    let (key, interval) = match named {
        Some(named) => named,
        None if input.get("price").is_some() => ("price", input.interval()?),
        None => return Ok(answer),
    };
    let full = match interval {
        Interval::Days(7) => Cycle::weekly(start, week_start(input)?)?.full_period_containing(start)?,
        Interval::Months(months) => Cycle::calendar_months(start, months)?.full_period_containing(start)?,
        Interval::Days(_) => return Err(Stop::Malformed("\"period\" is no calendar period".to_owned())),
    };
    let share = Share::between(start, full.end(), full)?;
    Ok(answer.with("days_billed", share.days()).with("amount", charge(input.unit(key, "quantity")?, share)?))
}

fn week_start(input: &Input<'_>) -> Result<Weekday, Stop> {
    let name = input.maybe_text("week_starts")?.unwrap_or("monday");
    name.parse().map_err(|_| Stop::Malformed(format!("\"week_starts\" is not a day of the week: {name:?}")))
}

/// Whether a boundary is reached where the account is.
pub fn due(input: &Input<'_>) -> Result<Answer, Stop> {
    let (zone, boundary) = (input.zone()?, input.date("boundary_date")?);
    let today = local_day(input.instant("now")?, zone);
    Ok(Answer::default()
        .with_all(&["boundary_reached", "due"], boundary <= today)
        .with_all(&["local_date", "local_today"], today))
}

/// A trial, and the first periods after it.
pub fn trial(input: &Input<'_>) -> Result<Answer, Stop> {
    let start = input.start()?;
    let end = schedule::trial_end(start, input.count("trial_days")?)?;
    let day = match input.maybe_billing_day()? {
        Some(day) => day,
        None => BillingDay::of(end),
    };
    let cycle = input.interval()?.cycle(end, Some(day))?;
    let mut answer = Answer::default()
        .with_all(&["local_start_date", "local_date"], start)
        .with("trial_end", end)
        .with("billing_day", day.get());
    if let Some(count) = input.maybe_count("count")? {
        let boundaries = schedule::boundaries(cycle, 0, usize::try_from(count).unwrap_or(usize::MAX), false)?;
        answer = answer.with("boundaries", Got::list(boundaries));
    }
    if input.get("price").is_none() {
        return Ok(answer);
    }
    let unit = input.unit("price", "quantity")?;
    let first = schedule::billed_cycles(cycle, None, end, Timing::InAdvance)?;
    let first = first.first().ok_or_else(|| Stop::Malformed("no period begins when the trial ends".to_owned()))?;
    let second = cycle.full_period_containing(first.period.end())?;
    let line = |unit: UnitPrice, period: weir_rules::calendar::Period| -> Result<Got, Stop> {
        let full = cycle.full_period_containing(period.start())?;
        let amount = charge_for(unit, period, full)?;
        Ok(Got::Fields(vec![("from", period.start().into()), ("to", period.end().into()), ("amount", amount.into())]))
    };
    Ok(answer
        .with("first_charge", line(unit, first.period)?)
        .with_all(&["second_charge", "next_charge"], line(unit, second)?))
}
