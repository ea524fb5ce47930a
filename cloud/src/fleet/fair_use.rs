//! The fair use of a line as its router gets it: what is included now and in the periods ahead, and the rules around it.
//!
//! The agent acts on it alone. What it has not counted itself is in [`Allowance::elsewhere_bytes`]: usage of other agents
//! of the router, of tallies this one had to give up, and of lines on other routers that share the allowance. So a line that
//! is only used leaves its object as it is, unless it shares across routers.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use weir_protocol::desired::{Allowance, Boost, FairUse, Step, TopUp, Window};
use weir_rules::calendar::{BillingDay, Cycle, local_date, start_of_day};
use weir_rules::proration::prorated_allowance;
use weir_rules::usage::{Piece, piece_before, pieces};

use super::pools::{Derived, Pool};
use super::store::{self, BoostRow, SoldLine, TopUpRow};
use super::{Error, pools};
use crate::catalog;
use crate::db::TenantTx;
use crate::ids::{AgentId, SubscriptionId};

/// Periods an agent knows, the current one among them: a reset needs no cloud.
const PERIODS: usize = 4;

/// What a line's rates follow, if anything.
pub(super) async fn of_line(
    tx: &mut TenantTx,
    agent: AgentId,
    id: SubscriptionId,
    sold: &SoldLine,
    derived: &mut Derived,
) -> Result<Option<FairUse>, Error> {
    let boosts: Vec<_> = store::boosts_of(tx, id).await?.into_iter().map(boost).collect();
    if sold.allowance_bytes.is_none() && sold.windows.is_empty() && boosts.is_empty() {
        return Ok(None);
    }
    let tally = store::agents::tally(tx, agent).await?;
    let pool = if sold.allowance_shared { pools::of_line(tx, id).await? } else { None };
    let named = pool.map(|pool| pool.id()).unwrap_or_default();
    let allowances = match derived.of(agent, &named) {
        Some(allowances) => allowances,
        None => allowances(tx, &Count { line: id, tally: tally.as_deref(), pool }, sold).await?,
    };
    if pool.is_some() {
        derived.keep(agent, &named, &allowances);
    }
    let rate = |bps: Option<i64>| bps.unwrap_or(0).unsigned_abs();
    Ok(Some(FairUse {
        time_zone: sold.time_zone.clone(),
        allowances,
        exhausted_down_bps: rate(sold.throttle_down_bps),
        exhausted_up_bps: rate(sold.throttle_up_bps),
        windows: sold.windows.iter().map(window).collect(),
        tally: tally.unwrap_or_default(),
        steps: sold.steps.iter().map(step).collect(),
        boosts,
        pool: named,
    }))
}

/// Whose use is counted.
struct Count<'a> {
    line: SubscriptionId,
    /// What its router counts in.
    tally: Option<&'a [u8]>,
    pool: Option<Pool>,
}

impl Count<'_> {
    /// What was used that the agent does not count, and what it counts that was not: bytes.
    async fn elsewhere(
        &self,
        tx: &mut TenantTx,
        between: (DateTime<Utc>, DateTime<Utc>),
        sold: &SoldLine,
    ) -> Result<(Decimal, Decimal), Error> {
        let Some(pool) = &self.pool else {
            let elsewhere = store::used_elsewhere(tx, self.line, between, self.tally, sold).await?;
            return Ok((elsewhere, Decimal::ZERO));
        };
        let moved = pool.moved(tx, self.line, between).await?;
        Ok((moved.elsewhere_bytes(), moved.foreign_bytes()))
    }

    async fn top_ups(&self, tx: &mut TenantTx, today: NaiveDate, from: NaiveDate) -> Result<Vec<TopUpRow>, Error> {
        Ok(match &self.pool {
            Some(pool) => store::pools::top_ups(tx, pool, from).await?,
            None => store::top_ups_of(tx, self.line, today).await?,
        })
    }
}

async fn allowances(tx: &mut TenantTx, count: &Count<'_>, sold: &SoldLine) -> Result<Vec<Allowance>, Error> {
    let Some(bytes) = sold.allowance_bytes else { return Ok(Vec::new()) };
    let zone = sold.time_zone.parse().map_err(underivable)?;
    let today = local_date(tx.at(), zone);
    let billing_day = BillingDay::new(u32::from(sold.billing_day.unsigned_abs())).map_err(underivable)?;
    let (starts_on, from, to) = match &count.pool {
        Some(pool) => (pool.from, pool.from, pool.to),
        None => (sold.starts_on, sold.from, sold.to),
    };
    let cycle = Cycle::monthly(starts_on, billing_day, 1).map_err(underivable)?;
    let mut found = pieces(cycle, from, to, today, PERIODS).map_err(underivable)?;
    let current = found.first().map_or(today, |piece| piece.days.start());
    let before = match (found.first(), sold.carry_over_bytes) {
        (Some(current), Some(_)) => piece_before(cycle, from, *current).map_err(underivable)?,
        _ => None,
    };
    found.splice(0..0, before);
    let top_ups = count.top_ups(tx, today, current).await?;
    let mut allowances = Vec::new();
    for Piece { days, full } in found {
        let instant = |day| start_of_day(day, zone).map_err(underivable);
        let (start, end) = (instant(days.start())?, instant(days.end())?);
        let end_ms = end.timestamp_millis().unsigned_abs();
        let begun = days.start() <= today;
        let (elsewhere, foreign) = match begun {
            true => count.elsewhere(tx, (start, end), sold).await?,
            false => Default::default(),
        };
        let included = prorated_allowance(bytes.unsigned_abs(), days, full).map_err(underivable)?;
        let bought = top_ups.iter().filter(|top_up| days.contains(top_up.sold_on));
        allowances.push(Allowance {
            start_ms: start.timestamp_millis().unsigned_abs(),
            end_ms,
            bytes: included.saturating_add(foreign.to_u64().unwrap_or(u64::MAX)),
            elsewhere_bytes: elsewhere.to_u64().unwrap_or(u64::MAX),
            top_ups: bought.map(|top_up| TopUp { bytes: top_up.bytes.unsigned_abs(), until_ms: end_ms }).collect(),
            carry_max_bytes: sold.carry_over_bytes.unwrap_or(0).unsigned_abs(),
        });
    }
    Ok(allowances)
}

fn underivable(error: impl std::fmt::Display) -> Error {
    Error::FairUse(error.to_string())
}

fn step(step: &catalog::Step) -> Step {
    let rate = |bps: Option<i64>| bps.unwrap_or(0).unsigned_abs();
    Step {
        over_bytes: step.over_bytes.unsigned_abs(),
        rate_down_bps: rate(step.rate_down_bps),
        rate_up_bps: rate(step.rate_up_bps),
        garden: step.cap,
    }
}

fn boost(boost: BoostRow) -> Boost {
    let rate = |bps: Option<i64>| bps.unwrap_or(0).unsigned_abs();
    let ms = |at: DateTime<Utc>| at.timestamp_millis().unsigned_abs();
    Boost {
        from_ms: ms(boost.from_at),
        until_ms: ms(boost.until_at),
        rate_down_bps: rate(boost.rate_down_bps),
        rate_up_bps: rate(boost.rate_up_bps),
    }
}

fn window(window: &catalog::Window) -> Window {
    let rate = |bps: Option<i64>| bps.unwrap_or(0).unsigned_abs();
    Window {
        weekdays: window.days.iter().fold(0, |days, day| days | 1 << *day as u32),
        from_minute: window.from.minute().into(),
        to_minute: window.to.minute().into(),
        rate_down_bps: rate(window.rate_down_bps),
        rate_up_bps: rate(window.rate_up_bps),
        free: window.free,
    }
}
