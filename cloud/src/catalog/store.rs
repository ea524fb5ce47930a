//! SQL of plans and versions.

use rust_decimal::Decimal;

use super::{
    Amount, BillingPeriod, BillingTiming, Error, Overage, Phase, Plan, PlanVersion, Step, Throttle, TrafficPrice,
    Window,
};
use crate::db::TenantTx;
use crate::error::broken_constraint;
use crate::http::paging::Page;
use crate::ids::{PlanId, PlanVersionId};

struct VersionRow {
    id: PlanVersionId,
    plan_id: PlanId,
    version: i32,
    rate_down_bps: i64,
    rate_up_bps: i64,
    price: Decimal,
    tax_included: bool,
    currency: String,
    period_months: Option<i16>,
    period_days: Option<i16>,
    in_arrears: bool,
    phases: sqlx::types::Json<Vec<Phase>>,
    allowance_bytes: Option<i64>,
    overage_block_bytes: Option<i64>,
    overage_block_price: Option<Decimal>,
    traffic_price: Option<sqlx::types::Json<TrafficPrice>>,
    throttle_down_bps: Option<i64>,
    throttle_up_bps: Option<i64>,
    steps: sqlx::types::Json<Vec<Step>>,
    carry_over_bytes: Option<i64>,
    allowance_shared: bool,
    windows: sqlx::types::Json<Vec<Window>>,
    burst_down_bytes: i64,
    burst_up_bytes: i64,
    created_at: chrono::DateTime<chrono::Utc>,
}

impl From<VersionRow> for PlanVersion {
    fn from(row: VersionRow) -> Self {
        let overage = row.overage_block_bytes.zip(row.overage_block_price).map(|(block_bytes, amount)| Overage {
            block_bytes,
            price: Amount { amount, currency: row.currency.clone() },
        });
        let throttle = row.throttle_down_bps.zip(row.throttle_up_bps);
        Self {
            id: row.id,
            plan_id: row.plan_id,
            version: row.version,
            rate_down_bps: row.rate_down_bps,
            rate_up_bps: row.rate_up_bps,
            price: Amount { amount: row.price, currency: row.currency },
            tax_included: row.tax_included,
            period: row.period_days.map_or(BillingPeriod::Months(row.period_months.unwrap_or(1)), BillingPeriod::Days),
            timing: if row.in_arrears { BillingTiming::InArrears } else { BillingTiming::InAdvance },
            phases: row.phases.0,
            allowance_bytes: row.allowance_bytes,
            overage,
            traffic_price: row.traffic_price.map(|price| price.0),
            throttle: throttle.map(|(rate_down_bps, rate_up_bps)| Throttle { rate_down_bps, rate_up_bps }),
            steps: row.steps.0,
            carry_over_bytes: row.carry_over_bytes,
            allowance_shared: row.allowance_shared,
            windows: row.windows.0,
            burst_down_bytes: row.burst_down_bytes,
            burst_up_bytes: row.burst_up_bytes,
            created_at: row.created_at,
        }
    }
}

struct PlanRow {
    id: PlanId,
    name: String,
    created_at: chrono::DateTime<chrono::Utc>,
    retired_at: Option<chrono::DateTime<chrono::Utc>>,
    offered_in_portal: bool,
}

pub async fn plans(tx: &mut TenantTx, page: Page) -> Result<Vec<Plan>, sqlx::Error> {
    let rows = sqlx::query_as!(
        PlanRow,
        r#"SELECT id AS "id: _", name, created_at, retired_at, offered_in_portal FROM plans WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2"#,
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await?;
    with_versions(tx, rows).await
}

pub async fn plan(tx: &mut TenantTx, id: PlanId) -> Result<Option<Plan>, sqlx::Error> {
    let rows = sqlx::query_as!(
        PlanRow,
        r#"SELECT id AS "id: _", name, created_at, retired_at, offered_in_portal FROM plans WHERE id = $1"#,
        id.uuid()
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(with_versions(tx, rows).await?.pop())
}

/// The plans on sale that are offered in the portal.
pub async fn offered(tx: &mut TenantTx) -> Result<Vec<Plan>, sqlx::Error> {
    let rows = sqlx::query_as!(
        PlanRow,
        r#"SELECT id AS "id: _", name, created_at, retired_at, offered_in_portal FROM plans
           WHERE offered_in_portal AND retired_at IS NULL ORDER BY id LIMIT 200"#
    )
    .fetch_all(tx.conn())
    .await?;
    with_versions(tx, rows).await
}

pub async fn offer(tx: &mut TenantTx, id: PlanId, offered: bool) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE plans SET offered_in_portal = $2 WHERE id = $1", id.uuid(), offered)
        .execute(tx.conn())
        .await?;
    Ok(())
}

async fn with_versions(tx: &mut TenantTx, rows: Vec<PlanRow>) -> Result<Vec<Plan>, sqlx::Error> {
    let ids: Vec<_> = rows.iter().map(|row| row.id.uuid()).collect();
    let versions = sqlx::query_as!(
        VersionRow,
        r#"SELECT id AS "id: _", plan_id AS "plan_id: _", version, rate_down_bps, rate_up_bps, price, tax_included, currency, period_months, period_days, in_arrears, phases AS "phases: _", allowance_bytes,
                  overage_block_bytes, overage_block_price, traffic_price AS "traffic_price: _", throttle_down_bps, throttle_up_bps, windows AS "windows: _",
                  steps AS "steps: _", carry_over_bytes, allowance_shared, burst_down_bytes, burst_up_bytes, created_at
           FROM plan_versions WHERE plan_id = ANY($1) ORDER BY version DESC"#,
        &ids
    )
    .fetch_all(tx.conn())
    .await?;
    let mut plans: Vec<_> = rows
        .into_iter()
        .map(|row| Plan {
            id: row.id,
            name: row.name,
            created_at: row.created_at,
            retired_at: row.retired_at,
            offered_in_portal: row.offered_in_portal,
            versions: Vec::new(),
        })
        .collect();
    for version in versions {
        if let Some(plan) = plans.iter_mut().find(|plan| plan.id == version.plan_id) {
            plan.versions.push(version.into());
        }
    }
    Ok(plans)
}

pub async fn version(tx: &mut TenantTx, id: PlanVersionId) -> Result<Option<PlanVersion>, sqlx::Error> {
    let row = sqlx::query_as!(
        VersionRow,
        r#"SELECT id AS "id: _", plan_id AS "plan_id: _", version, rate_down_bps, rate_up_bps, price, tax_included, currency, period_months, period_days, in_arrears, phases AS "phases: _", allowance_bytes,
                  overage_block_bytes, overage_block_price, traffic_price AS "traffic_price: _", throttle_down_bps, throttle_up_bps, windows AS "windows: _",
                  steps AS "steps: _", carry_over_bytes, allowance_shared, burst_down_bytes, burst_up_bytes, created_at
           FROM plan_versions WHERE id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

pub async fn insert_plan(tx: &mut TenantTx, id: PlanId, name: &str, offered: bool) -> Result<(), Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    let inserted = sqlx::query!(
        "INSERT INTO plans (tenant_id, id, name, created_at, offered_in_portal) VALUES ($1, $2, $3, $4, $5)",
        tenant,
        id.uuid(),
        name,
        now,
        offered
    )
    .execute(tx.conn())
    .await;
    match inserted {
        Err(error) if broken_constraint(&error) == Some("plans_name_unique") => Err(Error::NameTaken(name.to_owned())),
        other => Ok(other.map(|_| ())?),
    }
}

pub async fn insert_version(tx: &mut TenantTx, version: &PlanVersion) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    let windows = serde_json::to_value(&version.windows).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let (months, days) = match version.period {
        BillingPeriod::Months(months) => (Some(months), None),
        BillingPeriod::Days(days) => (None, Some(days)),
    };
    let phases = serde_json::to_value(&version.phases).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let traffic_price = version.traffic_price.as_ref().map(serde_json::to_value).transpose();
    let traffic_price = traffic_price.map_err(|error| sqlx::Error::Encode(error.into()))?;
    let steps = serde_json::to_value(&version.steps).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        "INSERT INTO plan_versions (tenant_id, id, plan_id, version, rate_down_bps, rate_up_bps, price, currency, allowance_bytes,
                                    overage_block_bytes, overage_block_price, throttle_down_bps, throttle_up_bps, windows, created_at,
                                    burst_down_bytes, burst_up_bytes, steps, carry_over_bytes, allowance_shared,
                                    period_months, period_days, in_arrears, phases, traffic_price, tax_included)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)",
        tenant,
        version.id.uuid(),
        version.plan_id.uuid(),
        version.version,
        version.rate_down_bps,
        version.rate_up_bps,
        version.price.amount,
        version.price.currency,
        version.allowance_bytes,
        version.overage.as_ref().map(|overage| overage.block_bytes),
        version.overage.as_ref().map(|overage| overage.price.amount),
        version.throttle.map(|throttle| throttle.rate_down_bps),
        version.throttle.map(|throttle| throttle.rate_up_bps),
        windows,
        version.created_at,
        version.burst_down_bytes,
        version.burst_up_bytes,
        steps,
        version.carry_over_bytes,
        version.allowance_shared,
        months,
        days,
        version.timing == BillingTiming::InArrears,
        phases,
        traffic_price,
        version.tax_included
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn lock_plan(tx: &mut TenantTx, id: PlanId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT id FROM plans WHERE id = $1 FOR UPDATE", id.uuid()).fetch_optional(tx.conn()).await?;
    Ok(())
}

pub async fn retire(tx: &mut TenantTx, id: PlanId) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!("UPDATE plans SET retired_at = coalesce(retired_at, $2) WHERE id = $1", id.uuid(), now)
        .execute(tx.conn())
        .await?;
    Ok(())
}
