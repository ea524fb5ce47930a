//! SQL of the support policy.

use std::collections::BTreeMap;

use weir_rules::support::priority::{PlanWeight, Priority};

use crate::db::TenantTx;
use crate::ids::PlanId;
use crate::tickets::policy::{Holiday, Hours, SupportPolicy, Target, WEEKDAYS};

/// The policy, if one was ever set.
pub async fn policy(tx: &mut TenantTx) -> Result<Option<SupportPolicy>, sqlx::Error> {
    let found = sqlx::query_scalar!("SELECT reopen_days FROM support_policies").fetch_optional(tx.conn()).await?;
    let Some(reopen_days) = found else { return Ok(None) };
    let mut week = vec![None; WEEKDAYS.len()];
    let rows = sqlx::query!("SELECT weekday, opens_min, closes_min FROM support_hours").fetch_all(tx.conn()).await?;
    for row in rows {
        let day = usize::from(row.weekday.unsigned_abs()).saturating_sub(1);
        if let Some(day) = week.get_mut(day) {
            *day = Some(Hours { opens_minute: row.opens_min, closes_minute: row.closes_min });
        }
    }
    let holidays = sqlx::query_as!(Holiday, r#"SELECT on_day AS "on", name FROM support_holidays ORDER BY on_day"#)
        .fetch_all(tx.conn())
        .await?;
    let rows = sqlx::query!("SELECT priority, first_response_minutes, resolution_minutes FROM support_targets")
        .fetch_all(tx.conn())
        .await?;
    let mut targets: Vec<_> = rows
        .into_iter()
        .filter_map(|row| {
            Some(Target {
                priority: Priority::from_name(&row.priority)?,
                first_response_minutes: row.first_response_minutes,
                resolution_minutes: row.resolution_minutes,
            })
        })
        .collect();
    targets.sort_by_key(|target| target.priority);
    Ok(Some(SupportPolicy { reopen_days, week, holidays, targets }))
}

/// Writes the policy in place of the one before.
pub async fn replace(tx: &mut TenantTx, policy: &SupportPolicy) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    sqlx::query!(
        "INSERT INTO support_policies (tenant_id, reopen_days, updated_at) VALUES ($1, $2, $3)
         ON CONFLICT (tenant_id) DO UPDATE SET reopen_days = $2, updated_at = $3",
        tenant,
        policy.reopen_days,
        now
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!("DELETE FROM support_hours").execute(tx.conn()).await?;
    for (weekday, hours) in (1i16..).zip(&policy.week) {
        let Some(hours) = hours else { continue };
        sqlx::query!(
            "INSERT INTO support_hours (tenant_id, weekday, opens_min, closes_min) VALUES ($1, $2, $3, $4)",
            tenant,
            weekday,
            hours.opens_minute,
            hours.closes_minute
        )
        .execute(tx.conn())
        .await?;
    }
    sqlx::query!("DELETE FROM support_holidays").execute(tx.conn()).await?;
    for holiday in &policy.holidays {
        sqlx::query!(
            "INSERT INTO support_holidays (tenant_id, on_day, name) VALUES ($1, $2, $3)",
            tenant,
            holiday.on,
            holiday.name
        )
        .execute(tx.conn())
        .await?;
    }
    for target in &policy.targets {
        sqlx::query!(
            "INSERT INTO support_targets (tenant_id, priority, first_response_minutes, resolution_minutes) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant_id, priority) DO UPDATE SET first_response_minutes = $3, resolution_minutes = $4",
            tenant,
            target.priority.name(),
            target.first_response_minutes,
            target.resolution_minutes
        )
        .execute(tx.conn())
        .await?;
    }
    Ok(())
}

pub async fn weights(tx: &mut TenantTx) -> Result<BTreeMap<PlanId, PlanWeight>, sqlx::Error> {
    let rows = sqlx::query!(r#"SELECT plan_id AS "plan: PlanId", weight FROM support_plan_weights"#)
        .fetch_all(tx.conn())
        .await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.plan, PlanWeight::from_name(&row.weight)?))).collect())
}

pub async fn set_weight(tx: &mut TenantTx, plan: PlanId, weight: PlanWeight) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO support_plan_weights (tenant_id, plan_id, weight) VALUES ($1, $2, $3)
         ON CONFLICT (tenant_id, plan_id) DO UPDATE SET weight = $3",
        tenant,
        plan.uuid(),
        weight.name()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
