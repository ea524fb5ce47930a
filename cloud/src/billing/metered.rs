//! What a line used in each of its periods, against what its plan includes: as a run would count it. Nothing is written.

use chrono::NaiveDate;
use weir_rules::calendar::{BillingDay, Cycle, Period};
use weir_rules::money::Money;
use weir_rules::usage::{UsageSegment, rate};

use super::error::RulesError;
use super::store::facts;
use super::usage::{Piece, pieces, terms};
use super::{Error, account};
use crate::db::TenantTx;
use crate::ids::{AccountId, SubscriptionId};
use crate::usage::{self, Day};

/// Days of one plan in one billing period: what was used and what that costs.
#[derive(Clone, Debug)]
pub struct Metered {
    /// The plan's name.
    pub plan: String,
    /// First day.
    pub from: NaiveDate,
    /// First day after.
    pub to: NaiveDate,
    /// What was used, day by day; days without any are left out.
    pub days: Vec<Day>,
    /// Bytes of both directions.
    pub used_bytes: i64,
    /// Bytes these days include; none = unmetered.
    pub allowance_bytes: Option<i64>,
    /// Bytes beyond.
    pub over_bytes: i64,
    /// Size and price of a block beyond, if anything is charged.
    pub block: Option<(i64, Money)>,
    /// Begun blocks so far, and what they cost before tax.
    pub charge: Option<(u64, Money)>,
}

/// The periods of a line that have begun by `until`, oldest first.
pub async fn metered(
    tx: &mut TenantTx,
    account: AccountId,
    line: SubscriptionId,
    until: NaiveDate,
) -> Result<Vec<Metered>, Error> {
    let row = facts::account(tx, account).await?.ok_or(Error::AccountNotFound(account))?;
    let terms = facts::terms(tx, account).await?;
    let billed = facts::billed(tx, account).await?;
    let days = usage::days(tx, line, None, None).await?;
    let mut found = Vec::new();
    for facts in account::by_subscription(&row, &terms, &billed)? {
        if facts.subscription == line {
            let pieces = pieces(&facts, until)?;
            for (index, piece) in pieces.iter().enumerate() {
                // As a run counts them: what came before the first period is the first one's.
                let from = if index == 0 { NaiveDate::MIN } else { piece.days.start() };
                let own = days.iter().filter(|day| day.on >= from && day.on < piece.days.end());
                found.push(one(&facts, piece, own.copied().collect())?);
            }
        }
    }
    Ok(found)
}

/// The billing period of a line that contains `day`.
pub async fn period(
    tx: &mut TenantTx,
    account: AccountId,
    starts_on: NaiveDate,
    day: NaiveDate,
) -> Result<(NaiveDate, NaiveDate), Error> {
    let row = facts::account(tx, account).await?.ok_or(Error::AccountNotFound(account))?;
    let billing_day = u32::try_from(row.billing_day).map_err(|_| RulesError::Range("billing day"))?;
    let full = Cycle::monthly(starts_on, BillingDay::new(billing_day)?, 1)?.full_period_containing(day)?;
    Ok((full.start(), full.end()))
}

fn one(facts: &account::Facts<'_>, piece: &Piece<'_>, days: Vec<Day>) -> Result<Metered, Error> {
    let bytes = |bytes: i64| u64::try_from(bytes).map_err(|_| RulesError::Range("usage"));
    let signed = |bytes: u64| i64::try_from(bytes).map_err(|_| RulesError::Range("usage"));
    let mut segments = Vec::with_capacity(days.len());
    for day in &days {
        let (down_bytes, up_bytes) = (bytes(day.down_bytes)?, bytes(day.up_bytes)?);
        segments.push(UsageSegment { on: piece.days.start(), down_bytes, up_bytes });
    }
    let period: Period = piece.days;
    let rated = rate(&terms(&piece.tariff, facts.currency)?, period, piece.full, &segments)?;
    let block = match piece.tariff.block {
        Some((size, price)) => Some((size, Money::new(price, facts.currency)?)),
        None => None,
    };
    Ok(Metered {
        plan: piece.tariff.plan.to_owned(),
        from: period.start(),
        to: period.end(),
        days,
        used_bytes: signed(rated.used_bytes)?,
        allowance_bytes: rated.allowance_bytes.map(signed).transpose()?,
        over_bytes: signed(rated.over_bytes)?,
        block,
        charge: rated.line.map(|line| (line.blocks, line.amount)),
    })
}
