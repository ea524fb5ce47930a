//! Schedules, what they hold, and the days they were earned on.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use weir_rules::calendar::Period;
use weir_rules::money::Money;
use weir_rules::proration::ProrationError;
use weir_rules::recognition::Stretch;

use crate::ids::{InvoiceId, InvoiceLineId, RecognitionId};
use crate::ledger::Amount;

/// What of a line is earned over some days, as long as nothing is given back.
#[derive(Clone, Copy, Debug)]
pub(in crate::ledger) struct Schedule {
    pub line: InvoiceLineId,
    /// From 1; a higher one holds from its day on.
    pub revision: i32,
    /// The first day it holds for.
    pub since: NaiveDate,
    /// The first day a later one holds for.
    pub until: Option<NaiveDate>,
    pub stretch: Stretch,
}

impl Schedule {
    /// Its days after `after` for which it holds.
    pub fn days_after(&self, after: Option<NaiveDate>) -> Option<Period> {
        let days = self.stretch.days;
        let first = after.and_then(|after| after.succ_opt()).map_or(days.start(), |first| first.max(days.start()));
        Period::new(first, self.until.map_or(days.end(), |until| until.min(days.end()))).ok()
    }

    /// What it earns on a day.
    pub fn earned_on(&self, day: NaiveDate) -> Result<Money, ProrationError> {
        match Period::new(day, day.succ_opt().unwrap_or(day)) {
            Ok(day) => self.stretch.earned_on(day),
            Err(_) => Ok(Money::zero(self.stretch.amount.currency())),
        }
    }
}

/// What was billed and is still to be earned.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeferredRevenue {
    /// The last day whose revenue is earned; null if none is yet.
    pub recognised_through: Option<NaiveDate>,
    /// What each month still to come earns, in each currency.
    pub months: Vec<DeferredMonth>,
    /// What they earn together, one amount a currency.
    #[schema(value_type = Vec<Amount>)]
    pub total: Vec<Money>,
    /// The balance of the ledger account, above zero for what is deferred; the same as `total`.
    #[schema(value_type = Vec<Amount>)]
    pub balance: Vec<Money>,
}

/// What a month earns of what was billed by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeferredMonth {
    /// Its first day.
    pub month: NaiveDate,
    /// What it earns, in one currency.
    #[schema(value_type = Amount)]
    pub amount: Money,
}

/// A day whose revenue is earned.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RecognisedDay)]
pub struct Recognition {
    /// Which.
    pub id: RecognitionId,
    /// The ISP's local day.
    pub day: NaiveDate,
    /// When it was posted.
    pub recognised_at: DateTime<Utc>,
    /// The day in the books: another one where the day's own was closed; null where it earned nothing.
    pub posted_on: Option<NaiveDate>,
    /// What was earned, one amount a currency.
    #[schema(value_type = Vec<Amount>)]
    pub amounts: Vec<Money>,
}

/// What a line earned on a day.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RecognisedLine {
    /// The line.
    pub line_id: InvoiceLineId,
    /// The invoice it stands on.
    pub invoice_id: InvoiceId,
    /// Its number.
    pub invoice_number: String,
    /// What the line says.
    pub description: String,
    /// The first day of those that share the amount.
    pub from: NaiveDate,
    /// The last of them.
    pub through: NaiveDate,
    /// What all of these days earn.
    #[schema(value_type = Amount)]
    pub amount: Money,
    /// What the day earned.
    #[schema(value_type = Amount)]
    pub earned: Money,
}
