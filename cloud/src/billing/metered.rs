//! What a line used in each of its periods, against what its plan includes: as a run would count it. Nothing is written.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use weir_rules::calendar::{BillingDay, Cycle, Period, start_of_day};
use weir_rules::money::Money;
use weir_rules::usage::{UsageSegment, rate};

use super::error::RulesError;
use super::store::facts;
use super::usage::{Piece, pieces, priced, terms};
use super::{Error, account};
use crate::catalog::TrafficPrice;
use crate::db::TenantTx;
use crate::ids::{AccountId, SubscriptionId};
use crate::usage::{self, Day};

/// Before any line.
const EVER: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a day");

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
    /// Bytes of both directions that count: free times are left out.
    pub used_bytes: i64,
    /// Bytes these days include, with what was bought on top; none = unmetered.
    pub allowance_bytes: Option<i64>,
    /// Whether they include it for all lines of the account on the plan together.
    pub shared: bool,
    /// Bytes beyond.
    pub over_bytes: i64,
    /// Size and price of a block beyond, if anything is charged.
    pub block: Option<(i64, Money)>,
    /// What traffic costs by the gigabyte instead, if anything.
    pub traffic_price: Option<TrafficPrice>,
    /// What is to be paid for it so far.
    pub charge: Option<TrafficCharge>,
    /// Whether the prices include tax; or else they are before tax.
    pub tax_included: bool,
}

/// What is to be paid for traffic.
#[derive(Clone, Copy, Debug)]
pub struct TrafficCharge {
    /// Before tax, or with it where the prices include it.
    pub amount: Money,
    /// How many begun blocks it is for; none = it is by the gigabyte.
    pub blocks: Option<u64>,
}

/// The periods of a line that have begun by `until`, oldest first.
pub async fn metered(
    tx: &mut TenantTx,
    account: AccountId,
    line: SubscriptionId,
    until: NaiveDate,
) -> Result<Vec<Metered>, Error> {
    let row = facts::account(tx, account).await?.ok_or(Error::AccountNotFound(account))?;
    let terms = facts::terms(tx, &[account.uuid()]).await?;
    let billed = facts::billed(tx, &[account.uuid()]).await?;
    let bought = facts::top_ups(tx, &[account.uuid()]).await?;
    let days = usage::days(tx, line, None, None).await?;
    let mut found = Vec::new();
    for facts in account::by_subscription(&row, (&terms, &billed), &bought, account::Deals::default())? {
        if facts.subscription == line {
            let pieces = pieces(&facts, until)?;
            for (index, piece) in pieces.iter().enumerate() {
                // As a run counts them: what came before the first period is the first one's.
                let from = if index == 0 { EVER } else { piece.days.start() };
                let own = days.iter().filter(|day| day.on >= from && day.on < piece.days.end());
                let between = (start_of_day(from, facts.zone)?, start_of_day(piece.days.end(), facts.zone)?);
                let free = facts::free_bytes(tx, line, between, facts.zone.name(), piece.tariff.windows).await?;
                found.push(one(&facts, piece, own.copied().collect(), free)?);
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
    let full = cycle(tx, account, starts_on).await?.full_period_containing(day)?;
    Ok((full.start(), full.end()))
}

/// How the billing periods of a line that starts on a day follow each other.
pub(super) async fn cycle(tx: &mut TenantTx, account: AccountId, starts_on: NaiveDate) -> Result<Cycle, Error> {
    let row = facts::account(tx, account).await?.ok_or(Error::AccountNotFound(account))?;
    let billing_day = u32::try_from(row.billing_day).map_err(|_| RulesError::Range("billing day"))?;
    Ok(Cycle::monthly(starts_on, BillingDay::new(billing_day)?, 1)?)
}

fn one(facts: &account::Facts<'_>, piece: &Piece<'_>, days: Vec<Day>, free: Decimal) -> Result<Metered, Error> {
    let signed = |bytes: u64| i64::try_from(bytes).map_err(|_| RulesError::Range("usage"));
    let moved: Decimal = days.iter().map(|day| Decimal::from(day.down_bytes) + Decimal::from(day.up_bytes)).sum();
    let down_bytes = (moved - free).to_u64().ok_or(RulesError::Range("usage"))?;
    let segments = [UsageSegment { on: piece.days.start(), down_bytes, up_bytes: 0 }];
    let bought = facts.top_ups.iter().filter(|top_up| piece.days.contains(top_up.sold_on));
    let bought = bought.map(|top_up| top_up.bytes.unsigned_abs()).fold(0, u64::saturating_add);
    let period: Period = piece.days;
    let rated = rate(&terms(&piece.tariff, bought, facts.currency)?, period, piece.full, &segments)?;
    let by_the_block = rated.line.map(|line| TrafficCharge { amount: line.amount, blocks: Some(line.blocks) });
    let priced = priced(&piece.tariff, &rated, piece.full, facts.currency)?;
    let by_the_gigabyte = priced.map(|priced| TrafficCharge { amount: priced.total, blocks: None });
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
        shared: piece.tariff.shared,
        over_bytes: signed(rated.over_bytes)?,
        block,
        traffic_price: piece.tariff.traffic_price.cloned(),
        charge: by_the_gigabyte.or(by_the_block),
        tax_included: piece.tariff.tax_included,
    })
}
