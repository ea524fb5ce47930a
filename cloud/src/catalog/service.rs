//! The verbs: make a plan, a further version, retire.

use serde_json::json;
use weir_rules::money::{Currency, Money};

use super::fair_use::{check_beyond, check_throttle, check_windows};
use super::model::Amount;
use super::phases::phases;
use super::traffic::check_traffic_price;
use super::{
    BillingPeriod, BillingTiming, Error, Overage, Phase, Plan, PlanChange, PlanVersion, PlanWish, VersionWish, store,
};
use crate::audit;
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::http::paging::Page;
use crate::ids::{PlanId, PlanVersionId};
use crate::tenants;

const NAME_MAX: usize = 100;
/// The fastest line, bits a second: a terabit.
pub(super) const RATE_MAX: i64 = 1_000_000_000_000;
/// Seconds of its rate a line may move at once: routers remember no longer that it was idle.
const BURST_SECONDS_MAX: i64 = 60;
/// The largest allowance and block: an exabyte.
pub(super) const BYTES_MAX: i64 = 1_000_000_000_000_000_000;

/// A page of plans, newest first, with their versions.
pub async fn plans(tx: &mut TenantTx, page: Page) -> Result<Vec<Plan>, Error> {
    Ok(store::plans(tx, page).await?)
}

/// One plan with its versions.
pub async fn plan(tx: &mut TenantTx, id: PlanId) -> Result<Plan, Error> {
    store::plan(tx, id).await?.ok_or(Error::PlanNotFound(id))
}

/// One version, of whatever plan.
pub async fn version(tx: &mut TenantTx, id: PlanVersionId) -> Result<PlanVersion, Error> {
    store::version(tx, id).await?.ok_or(Error::VersionNotFound(id))
}

/// Makes a plan with its first version.
pub async fn add_plan(tx: &mut TenantTx, wish: PlanWish) -> Result<Plan, Error> {
    let name = wish.name.trim().to_owned();
    let first = VersionWish {
        rate_down_bps: wish.rate_down_bps,
        rate_up_bps: wish.rate_up_bps,
        price: wish.price,
        tax_included: wish.tax_included,
        period: wish.period,
        timing: wish.timing,
        phases: wish.phases,
        allowance_bytes: wish.allowance_bytes,
        overage: wish.overage,
        traffic_price: wish.traffic_price,
        throttle: wish.throttle,
        steps: wish.steps,
        carry_over_bytes: wish.carry_over_bytes,
        allowance_shared: wish.allowance_shared,
        windows: wish.windows,
        burst_down_bytes: wish.burst_down_bytes,
        burst_up_bytes: wish.burst_up_bytes,
    };
    let (phases, mut errors) = check(&first);
    if name.is_empty() || name.chars().count() > NAME_MAX {
        errors.push(FieldError::new("name", format!("must have 1 to {NAME_MAX} characters")));
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let id: PlanId = tx.new_id();
    store::insert_plan(tx, id, &name, wish.offered_in_portal).await?;
    let first = made_of(tx, id, 1, (first, phases)).await?;
    store::insert_version(tx, &first).await?;
    let plan = plan(tx, id).await?;
    audit::record(tx, "make plan", id, json!(plan)).await?;
    Ok(plan)
}

/// Offers a plan in the portal, or no longer.
pub async fn change_plan(tx: &mut TenantTx, id: PlanId, change: PlanChange) -> Result<Plan, Error> {
    if plan(tx, id).await?.retired_at.is_some() {
        return Err(Error::Retired(id));
    }
    store::offer(tx, id, change.offered_in_portal).await?;
    audit::record(tx, "change plan", id, json!({ "offered_in_portal": change.offered_in_portal })).await?;
    plan(tx, id).await
}

/// The plans subscribers can choose in the portal, cheapest first, each with the version on sale.
pub async fn offered(tx: &mut TenantTx, currency: &str) -> Result<Vec<(Plan, PlanVersion)>, Error> {
    let plans = store::offered(tx).await?.into_iter().filter_map(|plan| {
        let newest = plan.versions.first().filter(|newest| newest.price.currency == currency)?.clone();
        Some((plan, newest))
    });
    let mut offered: Vec<_> = plans.collect();
    offered.sort_by(|(one, a), (other, b)| (a.price.amount, &one.name).cmp(&(b.price.amount, &other.name)));
    Ok(offered)
}

/// Makes a further version; those sold before keep theirs.
pub async fn add_version(tx: &mut TenantTx, id: PlanId, wish: VersionWish) -> Result<Plan, Error> {
    let (phases, errors) = check(&wish);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    store::lock_plan(tx, id).await?;
    let before = plan(tx, id).await?;
    if before.retired_at.is_some() {
        return Err(Error::Retired(id));
    }
    let next = before.versions.first().map_or(1, |newest| newest.version + 1);
    let version = made_of(tx, id, next, (wish, phases)).await?;
    store::insert_version(tx, &version).await?;
    let after = plan(tx, id).await?;
    audit::record(tx, "make plan version", id, json!({ "version": after.versions.first() })).await?;
    Ok(after)
}

/// The version a wish would make, of no plan and not kept.
pub async fn proposed(tx: &mut TenantTx, wish: VersionWish) -> Result<PlanVersion, Error> {
    let (phases, errors) = check(&wish);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let plan = tx.new_id();
    made_of(tx, plan, 1, (wish, phases)).await
}

/// Stops selling a plan; those who have it keep it. Retiring twice is no error.
pub async fn retire(tx: &mut TenantTx, id: PlanId) -> Result<Plan, Error> {
    plan(tx, id).await?;
    store::retire(tx, id).await?;
    audit::record(tx, "retire plan", id, json!({})).await?;
    plan(tx, id).await
}

async fn made_of(
    tx: &mut TenantTx,
    plan_id: PlanId,
    version: i32,
    (wish, phases): (VersionWish, Vec<Phase>),
) -> Result<PlanVersion, Error> {
    let tax_included = match wish.tax_included {
        Some(included) => included,
        None => tenants::tenant(tx).await?.tax_included,
    };
    Ok(PlanVersion {
        id: tx.new_id(),
        plan_id,
        version,
        rate_down_bps: wish.rate_down_bps,
        rate_up_bps: wish.rate_up_bps,
        price: wish.price,
        tax_included,
        period: wish.period,
        timing: wish.timing,
        phases,
        allowance_bytes: wish.allowance_bytes,
        overage: wish.overage,
        traffic_price: wish.traffic_price,
        throttle: wish.throttle,
        steps: wish.steps,
        carry_over_bytes: wish.carry_over_bytes,
        allowance_shared: wish.allowance_shared,
        windows: wish.windows,
        burst_down_bytes: wish.burst_down_bytes,
        burst_up_bytes: wish.burst_up_bytes,
        created_at: tx.at(),
    })
}

/// The phases of a version, and what is wrong with the wish.
fn check(wish: &VersionWish) -> (Vec<Phase>, Vec<FieldError>) {
    let mut errors = Vec::new();
    for (field, rate) in [("rate_down_bps", wish.rate_down_bps), ("rate_up_bps", wish.rate_up_bps)] {
        check_range(field, rate, RATE_MAX, &mut errors);
    }
    check_amount("price", &wish.price, &mut errors);
    let phases = phases(&wish.phases, &wish.price, &mut errors);
    check_period(wish, &mut errors);
    if let Some(bytes) = wish.allowance_bytes {
        check_bytes("allowance_bytes", bytes, &mut errors);
    }
    if let Some(Overage { block_bytes, price }) = &wish.overage {
        if wish.allowance_bytes.is_none() {
            errors.push(FieldError::new("overage", "needs an allowance to be beyond"));
        }
        check_bytes("overage.block_bytes", *block_bytes, &mut errors);
        check_amount("overage.price", price, &mut errors);
        if price.currency != wish.price.currency {
            errors
                .push(FieldError::new("overage.price", format!("must be in {} as the price is", wish.price.currency)));
        }
    }
    if let Some(throttle) = &wish.throttle {
        check_throttle(throttle, wish.allowance_bytes.is_some(), wish.overage.is_some(), &mut errors);
    }
    check_beyond(wish, &mut errors);
    check_traffic_price(wish, &mut errors);
    check_windows(&wish.windows, &mut errors);
    for (field, burst, rate) in [
        ("burst_down_bytes", wish.burst_down_bytes, wish.rate_down_bps),
        ("burst_up_bytes", wish.burst_up_bytes, wish.rate_up_bps),
    ] {
        let most = (rate / 8).saturating_mul(BURST_SECONDS_MAX);
        if burst < 0 {
            errors.push(FieldError::new(field, "must not be below zero"));
        } else if burst > most.max(0) {
            errors.push(FieldError::new(field, format!("must be at most a minute of the rate: {most} bytes")));
        }
    }
    (phases, errors)
}

fn check_period(wish: &VersionWish, errors: &mut Vec<FieldError>) {
    match wish.period {
        BillingPeriod::Months(1 | 3 | 6 | 12) => {}
        BillingPeriod::Months(months) => {
            errors.push(FieldError::new("period.months", format!("must be 1, 3, 6 or 12, found {months}")));
        }
        BillingPeriod::Days(days) if !(1..=365).contains(&days) => {
            errors.push(FieldError::new("period.days", format!("must be 1 to 365, found {days}")));
        }
        BillingPeriod::Days(_) if wish.allowance_bytes.is_some() || wish.traffic_price.is_some() => {
            errors.push(FieldError::new("period", "must be in months: traffic is counted by the month"));
        }
        BillingPeriod::Days(_) => {}
    }
    if wish.timing == BillingTiming::InArrears && wish.period != BillingPeriod::Months(1) {
        errors.push(FieldError::new("timing", "must be in_advance: only a month can be paid afterwards"));
    }
}

pub(super) fn check_range(field: &str, value: i64, max: i64, errors: &mut Vec<FieldError>) {
    if value <= 0 {
        errors.push(FieldError::new(field, format!("must be above zero, found {value}")));
    } else if value > max {
        errors.push(FieldError::new(field, format!("must be at most {max}, found {value}")));
    }
}

/// A rate in bits per second that is given at all.
pub(crate) fn check_rate(field: &str, rate: Option<i64>, errors: &mut Vec<FieldError>) {
    if let Some(rate) = rate {
        check_range(field, rate, RATE_MAX, errors);
    }
}

pub(crate) fn check_amount(field: &str, price: &Amount, errors: &mut Vec<FieldError>) {
    let money = Currency::from_code(&price.currency).and_then(|currency| Money::new(price.amount, currency));
    match money {
        Err(error) => errors.push(FieldError::new(field, error)),
        Ok(money) if money.is_negative() => errors.push(FieldError::new(field, "must not be below zero")),
        Ok(_) => {}
    }
}

pub(crate) fn check_bytes(field: &str, bytes: i64, errors: &mut Vec<FieldError>) {
    check_range(field, bytes, BYTES_MAX, errors);
}
