//! What a change of the policy would do to those who owe today.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use weir_rules::dunning::{Policy, plan};

use super::standing::{Known, standings};
use super::{Error, PolicyBody, Preview, PreviewStep, forecast, policies};
use crate::db::TenantTx;

/// How far it looks, in days.
const DAYS: u32 = 30;

/// Compares a policy with the one in force on today's debtors. Nothing is written.
pub async fn preview(tx: &mut TenantTx, policy: PolicyBody) -> Result<Preview, Error> {
    let changed = policies::rules_of(&policies::normal(tx, policy).await?, policies::grace_days(tx).await?);
    let in_force = policies::in_force(tx).await?.rules;
    let span = (tx.at(), tx.at() + TimeDelta::days(DAYS.into()));
    let terms = forecast::fee_terms(tx).await?;
    let mut steps: BTreeMap<u16, PreviewStep> = BTreeMap::new();
    for step in in_force.steps.iter().chain(&changed.steps) {
        let (number, kind) = (step.number, forecast::name(&step.kind));
        let offset_days = step.offset_days;
        steps.insert(number, PreviewStep { number, kind, offset_days, at_once: 0, after: 0, before: 0 });
    }
    let mut relieved = 0;
    for known in standings(tx, None, forecast::ahead(DAYS)).await? {
        let first = changed
            .working_time
            .next_open(tx.at(), known.facts.zone)
            .map_err(weir_rules::dunning::DunningError::from)?;
        for one in forecast::of(&changed, &known, span, terms)? {
            if let Some(step) = steps.get_mut(&one.action.step) {
                step.after += 1;
                step.at_once += u32::from(first.is_some_and(|first| one.at <= first));
            }
        }
        for one in forecast::of(&in_force, &known, span, terms)? {
            if let Some(step) = steps.get_mut(&one.action.step) {
                step.before += 1;
            }
        }
        relieved += u32::from(is_relieved(&changed, &known, tx.at())?);
    }
    let mut steps: Vec<_> = steps.into_values().collect();
    steps.sort_by_key(|step| (step.offset_days, step.kind, step.number));
    Ok(Preview { steps, relieved })
}

fn is_relieved(changed: &Policy, known: &Known, now: DateTime<Utc>) -> Result<bool, Error> {
    Ok(plan(changed, &known.facts, now)?.access < known.facts.held)
}
