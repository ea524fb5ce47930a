//! The policy in force, the versions before it, and a further one.

use std::collections::HashMap;

use serde_json::json;
use weir_rules::dunning::{FeeRule, Policy, RestDays, Step, StepKind, WorkingTime};

use super::store::policies::{self as store, PolicyRow};
use super::{
    Error, PolicyBody, PolicyVersion, PolicyWish, RestDaysName, RetriesBody, StepBody, StepName, policy_check,
};
use crate::db::{self, TenantTx};
use crate::error::FieldError;
use crate::{audit, tenants};

/// Days after a soft decline on which a charge is tried again where nothing was decided.
const SOFT_RETRIES: [u16; 3] = [1, 3, 5];

/// The policy by which accounts are judged.
pub(super) struct InForce {
    /// 0 where nothing was decided.
    pub version: i32,
    pub rules: Policy,
}

pub(super) async fn in_force(tx: &mut TenantTx) -> Result<InForce, Error> {
    let grace_days = grace_days(tx).await?;
    Ok(match store::newest(tx).await? {
        Some(row) => InForce { version: row.version, rules: rules_of(&read(row.policy)?, grace_days) },
        None => InForce { version: 0, rules: Policy::standard(grace_days) },
    })
}

/// The policy in force.
pub async fn policy(tx: &mut TenantTx) -> Result<PolicyVersion, Error> {
    let grace_days = grace_days(tx).await?;
    match store::newest(tx).await? {
        Some(row) => shown(row, grace_days, true),
        None => Ok(standard(grace_days, true)),
    }
}

/// Every version, newest first; the last is what held before anything was decided.
pub async fn versions(tx: &mut TenantTx) -> Result<Vec<PolicyVersion>, Error> {
    let grace_days = grace_days(tx).await?;
    let rows = store::versions(tx, None).await?;
    let mut versions = Vec::new();
    for (place, row) in rows.into_iter().enumerate() {
        versions.push(shown(row, grace_days, place == 0)?);
    }
    versions.push(standard(grace_days, versions.is_empty()));
    Ok(versions)
}

/// One version.
pub async fn version(tx: &mut TenantTx, version: i32) -> Result<PolicyVersion, Error> {
    let grace_days = grace_days(tx).await?;
    let newest = store::newest(tx).await?.map_or(0, |row| row.version);
    if version == 0 {
        return Ok(standard(grace_days, newest == 0));
    }
    let row = store::versions(tx, Some(version)).await?.pop().ok_or(Error::VersionNotFound(version))?;
    shown(row, grace_days, version == newest)
}

/// Makes a policy the one in force, as a further version.
pub async fn save(tx: &mut TenantTx, wish: PolicyWish) -> Result<PolicyVersion, Error> {
    let policy = normal(tx, wish.policy).await?;
    insert(tx, wish.based_on, policy, None).await
}

/// Makes an earlier version the one in force again, as a further version.
pub async fn restore(tx: &mut TenantTx, earlier: i32) -> Result<PolicyVersion, Error> {
    let policy = version(tx, earlier).await?.policy;
    let policy = normal(tx, policy).await?;
    let newest = store::newest(tx).await?.map_or(0, |row| row.version);
    insert(tx, newest, policy, Some(earlier).filter(|version| *version > 0)).await
}

async fn insert(
    tx: &mut TenantTx,
    based_on: i32,
    policy: PolicyBody,
    restores: Option<i32>,
) -> Result<PolicyVersion, Error> {
    let before = self::policy(tx).await?;
    let changed = || Error::PolicyChanged { based_on, newest: before.version };
    let next = before.version.checked_add(1).filter(|_| before.version == based_on).ok_or_else(changed)?;
    let body = serde_json::to_value(&policy).map_err(|error| db::Error::from(sqlx::Error::Encode(error.into())))?;
    if !store::insert(tx, next, &body, restores).await? {
        return Err(changed());
    }
    let detail = json!({ "version": next, "restores": restores, "before": before.policy, "after": policy });
    audit::record(tx, "change dunning policy", tx.tenant(), detail).await?;
    version(tx, next).await
}

/// The policy with its steps in order, each with a number, if nothing about it is wrong.
pub(super) async fn normal(tx: &mut TenantTx, mut policy: PolicyBody) -> Result<PolicyBody, Error> {
    let tenant = tenants::tenant(tx).await?;
    let mut errors = policy_check::check(&policy, grace_days(tx).await?, &tenant.currency);
    let mut known: HashMap<i32, String> = store::numbers(tx).await?.into_iter().collect();
    known.entry(1).or_insert_with(|| StepName::WalledGarden.name().to_owned());
    for (place, step) in policy.steps.iter().enumerate() {
        let of_kind = |number: u16| known.get(&number.into()).is_some_and(|kind| kind == step.kind.name());
        if step.number.is_some_and(|number| !of_kind(number)) {
            let message = format!("must be the number of a step that is a {}, or absent", step.kind.name());
            errors.push(FieldError::new(format!("policy.steps.{place}.number"), message));
        }
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let mut last = known.keys().max().copied().unwrap_or(0);
    for step in policy.steps.iter_mut().filter(|step| step.number.is_none()) {
        last += 1;
        step.number = Some(u16::try_from(last).map_err(|_| Error::Setting("the number of a step"))?);
    }
    policy.steps.sort_by_key(|step| (step.offset_days, step.kind, step.number));
    policy.holidays.sort_unstable();
    policy.holidays.dedup();
    Ok(policy)
}

pub(super) async fn grace_days(tx: &mut TenantTx) -> Result<u32, Error> {
    u32::try_from(tenants::tenant(tx).await?.grace_days).map_err(|_| Error::Setting("the days of grace"))
}

fn read(policy: serde_json::Value) -> Result<PolicyBody, Error> {
    Ok(serde_json::from_value(policy).map_err(|error| db::Error::from(sqlx::Error::Decode(error.into())))?)
}

fn shown(row: PolicyRow, grace_days: u32, in_force: bool) -> Result<PolicyVersion, Error> {
    Ok(PolicyVersion {
        version: row.version,
        in_force,
        policy: read(row.policy)?,
        grace_days,
        restores: row.restores,
        made_by: Some(row.made_by),
        made_at: Some(row.made_at),
    })
}

fn standard(grace_days: u32, in_force: bool) -> PolicyVersion {
    let Policy { steps, working_time, .. } = Policy::standard(grace_days);
    let step = |step: Step| StepBody {
        number: Some(step.number),
        kind: StepName::WalledGarden,
        offset_days: step.offset_days,
        minimum_balance: None,
        fee: None,
    };
    let policy = PolicyBody {
        steps: steps.into_iter().map(step).collect(),
        from_hour: working_time.from_hour,
        to_hour: working_time.to_hour,
        rest_days: RestDaysName::None,
        holidays: Vec::new(),
        fee_cap_invoice: None,
        fee_cap_year: None,
        retries: RetriesBody { soft: SOFT_RETRIES.to_vec(), ..RetriesBody::default() },
    };
    PolicyVersion { version: 0, in_force, policy, grace_days, restores: None, made_by: None, made_at: None }
}

/// The policy as the rules have it. A step without a number, or a fee without amounts, is never stored.
pub(super) fn rules_of(policy: &PolicyBody, grace_days: u32) -> Policy {
    let step = |step: &StepBody| {
        let kind = match step.kind {
            StepName::Remind => StepKind::Remind,
            StepName::LateFee => {
                let fee = step.fee.as_ref()?;
                StepKind::LateFee(FeeRule { flat: fee.flat, percent: fee.percent, min: fee.min, max: fee.max })
            }
            StepName::Throttle => StepKind::Throttle,
            StepName::WalledGarden => StepKind::WalledGarden,
            StepName::FinalNotice => StepKind::FinalNotice,
        };
        let (offset_days, minimum_balance) = (step.offset_days, step.minimum_balance);
        Some(Step { number: step.number?, offset_days, minimum_balance, kind })
    };
    let rest_days = match policy.rest_days {
        RestDaysName::None => RestDays::None,
        RestDaysName::Sunday => RestDays::Sunday,
        RestDaysName::SaturdaySunday => RestDays::SaturdaySunday,
        RestDaysName::FridaySaturday => RestDays::FridaySaturday,
    };
    Policy {
        grace_days,
        steps: policy.steps.iter().filter_map(step).collect(),
        working_time: WorkingTime {
            from_hour: policy.from_hour,
            to_hour: policy.to_hour,
            rest_days,
            holidays: policy.holidays.iter().copied().collect(),
        },
        fee_cap_invoice: policy.fee_cap_invoice,
        fee_cap_year: policy.fee_cap_year,
    }
}
