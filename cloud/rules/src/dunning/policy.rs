//! What an ISP decided: its steps, its hours, its caps.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::WorkingTime;
use crate::access::HoldEffect;
use crate::calendar::CalendarError;
use crate::money::{Currency, Money};

/// What an ISP does about unpaid bills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Days after the due date that are free of fees and restrictions; the last one counts as free.
    pub grace_days: u32,
    /// What is done, from the first to the last.
    pub steps: Vec<Step>,
    /// When anything new may be done.
    pub working_time: WorkingTime,
    /// All fees of one invoice are at most this.
    pub fee_cap_invoice: Option<Money>,
    /// All fees of one account in a calendar year are at most this.
    pub fee_cap_year: Option<Money>,
}

/// One thing that is done about unpaid bills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Names it in every version of the policy.
    pub number: u16,
    /// Days from the due date; below zero is before it.
    pub offset_days: i32,
    /// Less than this due for the step does nothing; the same amount does. Of no effect in another currency.
    pub minimum_balance: Option<Money>,
    /// What is done.
    pub kind: StepKind,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepKind {
    /// A friendly message.
    Remind,
    /// A charge, once for each invoice.
    LateFee(FeeRule),
    /// A lower rate on every line.
    Throttle,
    /// Only the pages that tell how to pay, on every line.
    WalledGarden,
    /// The last message.
    FinalNotice,
}

/// How a late fee is computed: flat and percent of what is still owed, between min and max.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeRule {
    /// The same for everybody.
    pub flat: Money,
    /// Of what is left to pay on the invoice.
    pub percent: Decimal,
    /// At least this.
    pub min: Option<Money>,
    /// At most this.
    pub max: Option<Money>,
}

impl StepKind {
    /// The name on the wire and in the database.
    pub const fn name(&self) -> &'static str {
        match self {
            StepKind::Remind => "remind",
            StepKind::LateFee(_) => "late_fee",
            StepKind::Throttle => "throttle",
            StepKind::WalledGarden => "walled_garden",
            StepKind::FinalNotice => "final_notice",
        }
    }

    /// What it does to lines, if anything.
    pub const fn effect(&self) -> Option<HoldEffect> {
        match self {
            StepKind::Throttle => Some(HoldEffect::Throttled),
            StepKind::WalledGarden => Some(HoldEffect::WalledGarden),
            StepKind::Remind | StepKind::LateFee(_) | StepKind::FinalNotice => None,
        }
    }

    /// Whether it only tells.
    pub const fn is_message(&self) -> bool {
        matches!(self, StepKind::Remind | StepKind::FinalNotice)
    }
}

impl Policy {
    /// What holds where an ISP decided nothing: the walled garden on the first day after grace, at any hour.
    pub fn standard(grace_days: u32) -> Policy {
        let offset_days = i32::try_from(grace_days).unwrap_or(i32::MAX).saturating_add(1);
        Policy {
            grace_days,
            steps: vec![Step { number: 1, offset_days, minimum_balance: None, kind: StepKind::WalledGarden }],
            working_time: WorkingTime::always(),
            fee_cap_invoice: None,
            fee_cap_year: None,
        }
    }

    /// Days from the due date on which a step is due: fees and restrictions never before grace has ended.
    pub fn days_to(&self, step: &Step) -> i32 {
        if step.kind.is_message() {
            return step.offset_days;
        }
        step.offset_days.max(i32::try_from(self.grace_days).unwrap_or(i32::MAX).saturating_add(1))
    }

    /// The local day on which a step is due for a bill that was due on `due_on`.
    pub fn day_of(&self, step: &Step, due_on: NaiveDate) -> Result<NaiveDate, CalendarError> {
        let days = chrono::TimeDelta::days(i64::from(self.days_to(step)));
        due_on.checked_add_signed(days).ok_or(CalendarError::OutOfRange)
    }
}

impl Step {
    /// Whether this much is enough for the step.
    pub(super) fn is_met_by(&self, balance: Money) -> bool {
        let minimum = in_currency(self.minimum_balance, balance.currency());
        balance.is_positive() && minimum.is_none_or(|minimum| balance.amount() >= minimum.amount())
    }
}

/// An amount of the policy, where it is in the account's currency.
pub(super) fn in_currency(amount: Option<Money>, currency: Currency) -> Option<Money> {
    amount.filter(|amount| amount.currency() == currency)
}
