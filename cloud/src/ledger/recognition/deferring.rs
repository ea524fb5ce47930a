//! What of the lines of documents is deferred as they are issued, and what giving back undoes.

use std::collections::HashMap;

use chrono::NaiveDate;
use weir_rules::calendar::Period;
use weir_rules::money::Money;
use weir_rules::recognition::{self, Stretch};

use super::model::Schedule;
use crate::db::TenantTx;
use crate::ids::InvoiceLineId;
use crate::ledger::{Error, store};
use crate::tenants::{Recognition, Tenant};

/// Decides about the lines of documents that are issued together, and keeps the schedules that follows from them.
#[derive(Default)]
pub struct Deferring {
    /// After which day revenue is deferred; none = it is not.
    after: Option<NaiveDate>,
    /// What is still to be earned of lines that are given back.
    left: HashMap<InvoiceLineId, Left>,
    schedules: Vec<Schedule>,
}

struct Left {
    revision: i32,
    since: NaiveDate,
    stretches: Vec<Stretch>,
}

impl Deferring {
    /// Of documents issued on this day that give back something of `given_back`. Whoever never deferred is not asked.
    pub async fn begin(
        tx: &mut TenantTx,
        tenant: &Tenant,
        on: NaiveDate,
        given_back: &[InvoiceLineId],
    ) -> Result<Self, Error> {
        let defers = tenant.recognition == Recognition::OverPeriod;
        if !defers && (tenant.deferring_since.is_none() || given_back.is_empty()) {
            return Ok(Self::default());
        }
        let after = store::recognition::through(tx).await?.map_or(on, |through| through.max(on));
        let mut left: HashMap<InvoiceLineId, Left> = HashMap::new();
        if !given_back.is_empty() {
            for schedule in store::recognition::newest(tx, given_back).await? {
                let since = after.succ_opt().map_or(schedule.since, |next| next.max(schedule.since));
                let of_line = left.entry(schedule.line);
                let of_line = of_line.or_insert(Left { revision: schedule.revision, since, stretches: Vec::new() });
                let Stretch { amount, days } = schedule.stretch;
                of_line.stretches.extend(recognition::deferred(amount, days, after)?);
            }
        }
        Ok(Self { after: defers.then_some(after), left, schedules: Vec::new() })
    }

    /// What of a line that charges for these days is deferred.
    pub fn charge(&mut self, line: InvoiceLineId, net: Money, days: Period) -> Result<Money, Error> {
        let nothing = Money::zero(net.currency());
        let Some(after) = self.after else { return Ok(nothing) };
        let Some(stretch) = recognition::deferred(net, days, after)? else { return Ok(nothing) };
        let since = stretch.days.start();
        self.schedules.push(Schedule { line, revision: 1, since, until: None, stretch });
        Ok(stretch.amount)
    }

    /// What is no longer deferred of a line when an amount of it, above zero, is given back: for some of its days, or for
    /// whichever are still to come.
    pub fn give_back(&mut self, line: InvoiceLineId, given: Money, of: Option<Period>) -> Result<Money, Error> {
        let Some(left) = self.left.get_mut(&line).filter(|left| !left.stretches.is_empty()) else {
            return Ok(Money::zero(given.currency()));
        };
        let back = recognition::give_back(&left.stretches, given, of)?;
        if back.undone.is_zero() {
            return Ok(back.undone);
        }
        left.revision += 1;
        let schedule = |stretch| Schedule { line, revision: left.revision, since: left.since, until: None, stretch };
        if back.left.is_empty() {
            let nothing = Money::zero(given.currency());
            let last = left.stretches.last().copied();
            self.schedules.extend(last.map(|last| schedule(Stretch { amount: nothing, ..last })));
        }
        self.schedules.extend(back.left.iter().copied().map(schedule));
        left.stretches = back.left;
        Ok(back.undone)
    }

    /// How much was decided, to be forgotten back to.
    pub fn mark(&self) -> usize {
        self.schedules.len()
    }

    /// Forgets what was decided since, about a document that is not issued.
    pub fn forget(&mut self, mark: usize) {
        self.schedules.truncate(mark);
    }

    /// Writes the schedules, after the lines they are of and their postings. Days that are earned stay as they are: refused if
    /// some were meanwhile.
    pub async fn record(self, tx: &mut TenantTx) -> Result<(), Error> {
        if self.schedules.is_empty() {
            return Ok(());
        }
        store::closing::keep_from_closing(tx).await?;
        let written = store::recognition::insert(tx, &self.schedules).await?;
        if usize::try_from(written) == Ok(self.schedules.len()) { Ok(()) } else { Err(Error::EarnedMeanwhile) }
    }
}
