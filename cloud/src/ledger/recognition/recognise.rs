//! Earns the revenue of days that are over: one entry a day, summed over all lines.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde_json::json;
use weir_rules::calendar::local_date;
use weir_rules::money::{Currency, Money};
use weir_rules::posting;

use super::model::Schedule;
use crate::app::App;
use crate::db::{Scope, TenantTx};
use crate::ids::RecognitionId;
use crate::ledger::{Error, Fact, Source, post_all, store};
use crate::{audit, tenants};

/// What each day earns in each currency.
type Earned = BTreeMap<NaiveDate, BTreeMap<Currency, Money>>;

/// Earns the revenue of all days that are over where the ISP is; says of how many.
pub async fn recognise_if_due(app: &App, scope: &Scope) -> Result<usize, Error> {
    let mut tx = app.db.begin(scope).await?;
    let tenant = tenants::tenant(&mut tx).await?;
    let zone: Tz = tenant.time_zone.parse().unwrap_or(Tz::UTC);
    let Some(yesterday) = local_date(tx.at(), zone).pred_opt() else { return Ok(0) };
    if tenant.deferring_since.is_none() || store::recognition::through(&mut tx).await? >= Some(yesterday) {
        return Ok(0);
    }
    let days = recognise(&mut tx, yesterday).await?;
    tx.commit().await?;
    Ok(days)
}

/// Earns the revenue of every day up to this one that is not yet. Waits for whoever posts or issues at this moment.
pub(in crate::ledger) async fn recognise(tx: &mut TenantTx, through: NaiveDate) -> Result<usize, Error> {
    store::closing::wait_for_postings(tx).await?;
    let after = store::recognition::through(tx).await?;
    let schedules = store::recognition::unearned(tx, after).await?;
    let starts = schedules.iter().filter_map(|schedule| schedule.days_after(after)).map(|days| days.start()).min();
    let Some(first) = starts.filter(|first| *first <= through) else { return Ok(0) };
    let mut earned = earned(&schedules, after, through)?;
    let (mut days, mut facts) = (Vec::new(), Vec::new());
    for day in first.iter_days().take_while(|day| *day <= through) {
        let id: RecognitionId = tx.new_id();
        days.push((id, day));
        let amounts: Vec<_> = earned.remove(&day).unwrap_or_default().into_values().collect();
        let amounts: Vec<_> = amounts.into_iter().filter(|amount| !amount.is_zero()).collect();
        if !amounts.is_empty() {
            facts.push(Fact {
                source: Source { kind: "recognition", id: id.uuid(), posting: "recognise" },
                on: day,
                description: format!("Revenue of {day}"),
                entry: posting::recognize_revenue(&amounts)?,
            });
        }
    }
    store::recognition::insert_days(tx, &days).await?;
    post_all(tx, &facts).await?;
    if let Some((id, _)) = days.last() {
        audit::record(tx, "recognise revenue", *id, json!({ "from": first, "through": through })).await?;
    }
    Ok(days.len())
}

fn earned(schedules: &[Schedule], after: Option<NaiveDate>, through: NaiveDate) -> Result<Earned, Error> {
    let mut earned = Earned::new();
    for schedule in schedules.iter().filter(|schedule| !schedule.stretch.amount.is_zero()) {
        let Some(days) = schedule.days_after(after) else { continue };
        for day in days.start().iter_days().take_while(|day| *day < days.end() && *day <= through) {
            let share = schedule.earned_on(day)?;
            let of_day = earned.entry(day).or_default().entry(share.currency());
            let sum = of_day.or_insert_with(|| Money::zero(share.currency()));
            *sum = sum.checked_add(share)?;
        }
    }
    Ok(earned)
}
