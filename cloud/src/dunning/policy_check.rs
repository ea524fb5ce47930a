//! What cannot be in a policy.

use std::collections::BTreeSet;

use chrono::Datelike;
use rust_decimal::Decimal;
use weir_rules::money::Money;

use super::{FeeBody, PolicyBody, StepBody, StepName};
use crate::error::FieldError;

const STEPS_MAX: usize = 20;
const HOLIDAYS_MAX: usize = 366;
const RETRIES_MAX: usize = 10;
/// The earliest reminder, and the latest step.
const DAYS: std::ops::RangeInclusive<i32> = -60..=365;
/// Days after a decline on which a payment may be tried again.
const RETRY_DAYS: std::ops::RangeInclusive<u16> = 1..=60;
/// Years holidays may be in.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2099;

/// Everything that is wrong with a policy, by field.
pub(super) fn check(policy: &PolicyBody, grace_days: u32, currency: &str) -> Vec<FieldError> {
    let mut checking = Checking { errors: Vec::new(), currency };
    if policy.steps.len() > STEPS_MAX {
        checking.refuse("policy.steps", format!("must be at most {STEPS_MAX} steps"));
    }
    for (place, step) in policy.steps.iter().enumerate() {
        checking.step(&format!("policy.steps.{place}"), step, grace_days);
    }
    checking.together(&policy.steps);
    if policy.from_hour > 23 {
        checking.refuse("policy.from_hour", "must be between 0 and 23");
    }
    if policy.to_hour > 24 || policy.to_hour <= policy.from_hour {
        checking.refuse("policy.to_hour", "must be after the first hour, at most 24");
    }
    if policy.holidays.len() > HOLIDAYS_MAX {
        checking.refuse("policy.holidays", format!("must be at most {HOLIDAYS_MAX} days"));
    }
    if let Some(day) = policy.holidays.iter().find(|day| !YEARS.contains(&day.year())) {
        checking.refuse("policy.holidays", format!("{day} must be in the years 2000 to 2099"));
    }
    for (field, cap) in [("fee_cap_invoice", policy.fee_cap_invoice), ("fee_cap_year", policy.fee_cap_year)] {
        let field = format!("policy.{field}");
        checking.amount(&field, cap);
        if cap.is_some_and(|cap| !cap.is_positive()) {
            checking.refuse(&field, "must be above zero");
        }
    }
    let retries = &policy.retries;
    for (kind, days) in [("soft", &retries.soft), ("hard", &retries.hard), ("needs_customer", &retries.needs_customer)]
    {
        let rising = days.windows(2).all(|pair| pair[0] < pair[1]);
        if days.len() > RETRIES_MAX || !rising || days.iter().any(|day| !RETRY_DAYS.contains(day)) {
            let message = format!("must be at most {RETRIES_MAX} rising days between 1 and 60");
            checking.refuse(&format!("policy.retries.{kind}"), message);
        }
    }
    checking.errors
}

struct Checking<'a> {
    errors: Vec<FieldError>,
    currency: &'a str,
}

impl Checking<'_> {
    fn refuse(&mut self, field: &str, message: impl ToString) {
        self.errors.push(FieldError::new(field, message));
    }

    /// Amounts of a policy are in the ISP's currency.
    fn amount(&mut self, field: &str, amount: Option<Money>) {
        if amount.is_some_and(|amount| amount.currency().code() != self.currency) {
            self.refuse(field, format!("must be in {}", self.currency));
        }
    }

    fn not_negative(&mut self, field: &str, amount: Option<Money>) {
        self.amount(field, amount);
        if amount.is_some_and(Money::is_negative) {
            self.refuse(field, "must not be below zero");
        }
    }

    fn step(&mut self, field: &str, step: &StepBody, grace_days: u32) {
        let offset = format!("{field}.offset_days");
        let grace_days = i32::try_from(grace_days).unwrap_or(i32::MAX);
        match step.kind {
            _ if !DAYS.contains(&step.offset_days) => self.refuse(&offset, "must be between -60 and 365 days"),
            StepName::LateFee | StepName::Throttle | StepName::WalledGarden if step.offset_days <= grace_days => {
                self.refuse(&offset, format!("must be after the {grace_days} days of grace of the settings"));
            }
            StepName::FinalNotice if step.offset_days < 1 => self.refuse(&offset, "must be after the due date"),
            _ => {}
        }
        self.not_negative(&format!("{field}.minimum_balance"), step.minimum_balance);
        match (step.kind, &step.fee) {
            (StepName::LateFee, Some(fee)) => self.fee(&format!("{field}.fee"), fee),
            (StepName::LateFee, None) => self.refuse(&format!("{field}.fee"), "must say how much a late fee is"),
            (_, Some(_)) => self.refuse(&format!("{field}.fee"), "must be absent: only a late fee charges"),
            (_, None) => {}
        }
    }

    fn fee(&mut self, field: &str, fee: &FeeBody) {
        self.not_negative(&format!("{field}.flat"), Some(fee.flat));
        self.not_negative(&format!("{field}.min"), fee.min);
        self.not_negative(&format!("{field}.max"), fee.max);
        let percent = fee.percent;
        if percent.is_sign_negative() || percent > Decimal::ONE_HUNDRED || percent.normalize().scale() > 4 {
            self.refuse(&format!("{field}.percent"), "must be between 0 and 100 with at most four decimals");
        }
        if fee.flat.is_zero() && percent.is_zero() && fee.min.is_none_or(Money::is_zero) {
            self.refuse(&format!("{field}.flat"), "must be above zero, or the percentage must be");
        }
        if let (Some(min), Some(max)) = (fee.min, fee.max)
            && min.amount() > max.amount()
        {
            self.refuse(&format!("{field}.max"), "must not be below the least fee");
        }
        if fee.max.is_some_and(Money::is_zero) {
            self.refuse(&format!("{field}.max"), "must be above zero");
        }
    }

    /// What steps may not be beside each other.
    fn together(&mut self, steps: &[StepBody]) {
        let mut seen = BTreeSet::new();
        let mut numbers = BTreeSet::new();
        for (place, step) in steps.iter().enumerate() {
            if !seen.insert((step.kind, step.offset_days)) {
                let message = format!("must not be the day of another {}", step.kind.name());
                self.refuse(&format!("policy.steps.{place}.offset_days"), message);
            }
            if step.number.is_some_and(|number| !numbers.insert(number)) {
                self.refuse(&format!("policy.steps.{place}.number"), "must not be another step's");
            }
        }
        for kind in [StepName::Throttle, StepName::WalledGarden] {
            if let Some((place, _)) = steps.iter().enumerate().filter(|(_, step)| step.kind == kind).nth(1) {
                self.refuse(
                    &format!("policy.steps.{place}.kind"),
                    "must be there once: its effect lasts until all is paid",
                );
            }
        }
        let walled = steps.iter().find(|step| step.kind == StepName::WalledGarden).map(|step| step.offset_days);
        let throttle = steps.iter().position(|step| step.kind == StepName::Throttle);
        if let (Some(walled), Some(place)) = (walled, throttle)
            && steps[place].offset_days >= walled
        {
            let message = "must be before the walled garden: nothing gentler follows what is stricter";
            self.refuse(&format!("policy.steps.{place}.offset_days"), message);
        }
    }
}
