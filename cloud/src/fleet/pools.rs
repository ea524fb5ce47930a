//! Pools: the lines of one account whose plan version shares its allowance. They have one allowance, one count of what was
//! moved, and one beginning: the first day from which on the account held the version without a gap.
//!
//! A line counts for the days it is sold the version. An agent sums up what its own tally holds of the lines it has; all the
//! rest is told to it, and anew when lines come and go or were used on another router. Lines of a pool on one router are
//! told in one transaction, so that none of them acts on half a change.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use weir_protocol::desired::{Allowance, FairUse, Line};
use weir_rules::calendar::Period;

use super::Error;
use super::jobs::RefreshPool;
use super::store::pools as rows;
use crate::db::TenantTx;
use crate::ids::{AccountId, AgentId, PlanVersionId, SubscriptionId};
use crate::jobs;

/// What records say that come within this time is told together, seconds.
const TOGETHER_SECONDS: i64 = 30;
/// Length of what agents know a pool by.
const ID_BYTES: usize = 16;

/// Lines that share an allowance today.
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    /// Whose.
    pub account: AccountId,
    /// What they are sold.
    pub version: PlanVersionId,
    /// The first day the account held the version, without a gap until today.
    pub from: NaiveDate,
    /// The first day it no longer does.
    pub to: Option<NaiveDate>,
}

/// What was moved in a time, bytes, as far as records came.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    /// By all lines, while they were in the pool.
    pub shared_bytes: Decimal,
    /// Of it, by the line asked about.
    pub own_bytes: Decimal,
    /// What the tally of that line's router holds of the lines that are in the pool on it now, whenever they came.
    pub tallied_bytes: Decimal,
}

impl Moved {
    /// What the router is told that it does not count itself.
    pub(super) fn elsewhere_bytes(&self) -> Decimal {
        (self.shared_bytes - self.tallied_bytes).max(Decimal::ZERO)
    }

    /// What its tally holds of lines that moved it before they came into the pool: the router is told an allowance that is
    /// larger by this.
    pub fn foreign_bytes(&self) -> Decimal {
        (self.tallied_bytes - self.shared_bytes).max(Decimal::ZERO)
    }
}

impl Pool {
    /// What agents know it by: the same for ever.
    pub(super) fn id(&self) -> Vec<u8> {
        let named = [self.account.uuid().into_bytes(), self.version.uuid().into_bytes()].concat();
        blake3::hash(&named).as_bytes()[..ID_BYTES].to_vec()
    }

    /// What was moved between two instants, told of one of its lines.
    pub async fn moved(
        &self,
        tx: &mut TenantTx,
        line: SubscriptionId,
        between: (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Moved, Error> {
        Ok(rows::moved(tx, self, line, between).await?)
    }

    /// How many lines it has.
    pub async fn lines(&self, tx: &mut TenantTx) -> Result<i64, Error> {
        Ok(rows::lines(tx, self).await?)
    }

    /// What was bought on top in these days, on any of its lines, bytes.
    pub async fn bought(&self, tx: &mut TenantTx, days: Period) -> Result<i64, Error> {
        let bought = rows::top_ups(tx, self, days.start()).await?.into_iter();
        Ok(bought
            .filter(|top_up| days.contains(top_up.sold_on))
            .map(|top_up| top_up.bytes)
            .fold(0, i64::saturating_add))
    }
}

/// The pool a line is in today, if its plan shares.
pub async fn of_line(tx: &mut TenantTx, id: SubscriptionId) -> Result<Option<Pool>, Error> {
    Ok(rows::of_line(tx, id).await?)
}

/// Allowances that were derived in a transaction: all lines of a pool on a router have the same.
#[derive(Debug, Default)]
pub(super) struct Derived(HashMap<(AgentId, Vec<u8>), Vec<Allowance>>);

impl Derived {
    pub(super) fn of(&self, agent: AgentId, pool: &[u8]) -> Option<Vec<Allowance>> {
        self.0.get(&(agent, pool.to_vec())).cloned()
    }

    pub(super) fn keep(&mut self, agent: AgentId, pool: &[u8], allowances: &[Allowance]) {
        self.0.insert((agent, pool.to_vec()), allowances.to_vec());
    }
}

/// Whether lines beside this one must be told, too: it came, went, or its pool has other allowances than before.
pub(super) fn concerns_others(before: Option<&Line>, after: Option<&Line>) -> bool {
    fn shared(line: Option<&Line>) -> Option<&FairUse> {
        line?.fair_use.as_deref().filter(|fair_use| !fair_use.pool.is_empty())
    }
    let of = |fair_use: &FairUse| (fair_use.pool.clone(), fair_use.allowances.clone());
    shared(before).map(of) != shared(after).map(of)
}

/// Has lines on other routers told that share with a line that changed.
pub(super) async fn tell_other_routers(tx: &mut TenantTx, id: SubscriptionId) -> Result<(), Error> {
    let Some(account) = rows::on_other_routers(tx, id).await? else { return Ok(()) };
    let (now, reason) = (tx.at(), tx.at().to_rfc3339());
    Ok(jobs::enqueue(tx, &RefreshPool { account, reason }, now).await?)
}

/// Has routers told what a record says that they do not know, of lines that share: once for all records that come within a
/// while, after them.
pub async fn hear(tx: &mut TenantTx, agent: AgentId, epoch: &[u8], seq: i64) -> Result<(), Error> {
    for account in rows::news_of(tx, agent, epoch, seq).await? {
        let while_of = tx.at().timestamp() / TOGETHER_SECONDS;
        let after = DateTime::from_timestamp((while_of + 2) * TOGETHER_SECONDS, 0).unwrap_or(tx.at());
        jobs::enqueue(tx, &RefreshPool { account, reason: format!("records {while_of}") }, after).await?;
    }
    Ok(())
}
