//! What meters a line today: its allowance, whether it shares it, and what was used of it.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use weir_rules::calendar::{BillingDay, Cycle, local_date, start_of_day};
use weir_rules::proration::prorated_allowance;
use weir_rules::usage::{Piece, piece_before, pieces};

use super::store::{self, Told};
use super::{Error, Standing};
use crate::db::TenantTx;
use crate::fleet::pools::{self, Pool};
use crate::ids::{PlanVersionId, SubscriptionId};

/// A line with an allowance.
pub(super) struct Metered {
    line: SubscriptionId,
    sold: store::Metered,
    pool: Option<Pool>,
}

/// What was used in a time, bytes.
struct Used {
    /// Of the allowance, by all lines that share it.
    bytes: i64,
    /// Of it, by this line.
    own_bytes: i64,
    /// What the router counts, too, and is not of the allowance.
    foreign_bytes: i64,
}

/// What meters a line today, if anything does.
pub(super) async fn of_line(tx: &mut TenantTx, line: SubscriptionId) -> Result<Option<Metered>, Error> {
    let Some(sold) = store::metered(tx, line).await? else { return Ok(None) };
    let pool = if sold.allowance_shared { pools::of_line(tx, line).await? } else { None };
    Ok(Some(Metered { line, sold, pool }))
}

impl Metered {
    pub fn version(&self) -> PlanVersionId {
        self.sold.version
    }

    /// The lines it shares the allowance with.
    pub fn pool(&self) -> Option<&Pool> {
        self.pool.as_ref()
    }

    pub fn zone(&self) -> Result<chrono_tz::Tz, Error> {
        self.sold.time_zone.parse().map_err(facts)
    }

    /// The days the allowance of today is for.
    pub fn piece(&self, tx: &TenantTx) -> Result<Piece, Error> {
        let today = local_date(tx.at(), self.zone()?);
        let (from, to) = self.held();
        let found = pieces(self.cycle()?, from, to, today, 1).map_err(facts)?;
        found.into_iter().next().ok_or_else(|| facts("no period contains today"))
    }

    /// Fills in what was used, and what is left of what.
    pub async fn count(&self, tx: &mut TenantTx, told: Option<&Told>, standing: &mut Standing) -> Result<(), Error> {
        let piece = self.piece(tx)?;
        let Piece { days, .. } = piece;
        let between = self.instants(piece)?;
        let used = self.used(tx, between).await?;
        // The router counts by the second, its records come by the interval.
        let told = told.filter(|told| told.start_at == Some(between.0)).map_or(0, |told| told.used_bytes);
        let included = self.included(piece)?;
        standing.carried_bytes = self.carried(tx, piece).await?;
        standing.top_up_bytes = match &self.pool {
            Some(pool) => pool.bought(tx, days).await?,
            None => {
                let bought = standing.top_ups.iter().filter(|top_up| days.contains(top_up.sold_on));
                bought.map(|top_up| top_up.bytes).fold(0, i64::saturating_add)
            }
        };
        if let Some(pool) = &self.pool {
            standing.sharing_lines = Some(pool.lines(tx).await?);
            standing.own_used_bytes = Some(used.own_bytes);
        }
        (standing.from, standing.to) = (Some(days.start()), Some(days.end()));
        standing.used_bytes = used.bytes.max(told.saturating_sub(used.foreign_bytes));
        standing.allowance_bytes = Some(included);
        let limit = included.saturating_add(standing.carried_bytes).saturating_add(standing.top_up_bytes);
        standing.remaining_bytes = Some(limit.saturating_sub(standing.used_bytes).max(0));
        Ok(())
    }

    /// What the router counts beside the allowance of this period, and adds to it, bytes; none if it began at another instant.
    pub async fn foreign_bytes(&self, tx: &mut TenantTx, start_at: DateTime<Utc>) -> Result<Option<i64>, Error> {
        let between = self.instants(self.piece(tx)?)?;
        if between.0 != start_at {
            return Ok(None);
        }
        Ok(Some(self.used(tx, between).await?.foreign_bytes))
    }

    async fn used(&self, tx: &mut TenantTx, between: (DateTime<Utc>, DateTime<Utc>)) -> Result<Used, Error> {
        let whole = |bytes: Decimal| bytes.to_i64().unwrap_or(i64::MAX);
        let Some(pool) = &self.pool else {
            let bytes = whole(store::used(tx, self.line, between, &self.sold).await?);
            return Ok(Used { bytes, own_bytes: bytes, foreign_bytes: 0 });
        };
        let moved = pool.moved(tx, self.line, between).await?;
        Ok(Used {
            bytes: whole(moved.shared_bytes),
            own_bytes: whole(moved.own_bytes),
            foreign_bytes: whole(moved.foreign_bytes()),
        })
    }

    /// What was left of the period before and is carried over, as the router sees it: of its allowance alone.
    async fn carried(&self, tx: &mut TenantTx, current: Piece) -> Result<i64, Error> {
        let Some(most) = self.sold.carry_over_bytes else { return Ok(0) };
        let (from, _) = self.held();
        let Some(before) = piece_before(self.cycle()?, from, current).map_err(facts)? else { return Ok(0) };
        let used = self.used(tx, self.instants(before)?).await?.bytes;
        Ok(self.included(before)?.saturating_sub(used).clamp(0, most))
    }

    /// What the plan includes in these days.
    fn included(&self, Piece { days, full }: Piece) -> Result<i64, Error> {
        let bytes = prorated_allowance(self.sold.allowance_bytes.unsigned_abs(), days, full).map_err(facts)?;
        Ok(i64::try_from(bytes).unwrap_or(i64::MAX))
    }

    /// Since when and until when its plan is held: by all who share the allowance.
    fn held(&self) -> (NaiveDate, Option<NaiveDate>) {
        self.pool.map_or((self.sold.from, self.sold.to), |pool| (pool.from, pool.to))
    }

    fn cycle(&self) -> Result<Cycle, Error> {
        let starts_on = self.pool.map_or(self.sold.starts_on, |pool| pool.from);
        let billing_day = BillingDay::new(u32::from(self.sold.billing_day.unsigned_abs())).map_err(facts)?;
        Cycle::monthly(starts_on, billing_day, 1).map_err(facts)
    }

    fn instants(&self, Piece { days, .. }: Piece) -> Result<(DateTime<Utc>, DateTime<Utc>), Error> {
        let zone = self.zone()?;
        let instant = |day| start_of_day(day, zone).map_err(facts);
        Ok((instant(days.start())?, instant(days.end())?))
    }
}

fn facts(error: impl std::fmt::Display) -> Error {
    Error::Facts(error.to_string())
}
