//! What a plan costs in the first months of a line on it.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_rules::introductory::{self, Introductory};
use weir_rules::money::{Currency, Money, MoneyError};

use super::Amount;
use super::service::check_amount;
use crate::error::FieldError;

/// Phases a version may have.
const PHASES_MAX: usize = 6;
/// Months a phase may have.
const MONTHS_MAX: i16 = 36;

/// Some months of a line on the plan at a price of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = PlanPhase)]
pub struct Phase {
    /// How many, from billing day to billing day; days before the first billing day are in the first one's.
    #[schema(example = 3)]
    pub months: i16,
    /// For a full billing period, before tax; nothing in a trial.
    pub price: Amount,
    /// What it was given as: percent less than the plan's price; null = as a price.
    #[schema(value_type = Option<String>)]
    pub percent_off: Option<Decimal>,
}

impl Phase {
    /// As the rules of billing take it.
    pub fn rule(&self) -> Result<Introductory, MoneyError> {
        let price = Money::new(self.price.amount, Currency::from_code(&self.price.currency)?)?;
        Ok(Introductory { months: self.months.unsigned_abs().into(), price })
    }
}

/// Months at a price of their own, as they are wished: a price or a percent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(as = PlanPhaseWish)]
#[serde(deny_unknown_fields)]
pub struct PhaseWish {
    /// How many, from billing day to billing day, 1-36; days before the first billing day are in the first one's.
    #[schema(example = 3)]
    pub months: i16,
    /// For a full billing period, before tax, below the plan's price; nothing in a trial.
    pub price: Option<Amount>,
    /// Percent less than the plan's price instead, above 0 and at most 100.
    #[schema(value_type = Option<String>, example = "50")]
    pub percent_off: Option<Decimal>,
}

/// The phases that are wished of a plan of this price.
pub(super) fn phases(wishes: &[PhaseWish], own: &Amount, errors: &mut Vec<FieldError>) -> Vec<Phase> {
    if wishes.len() > PHASES_MAX {
        errors.push(FieldError::new("phases", format!("must have at most {PHASES_MAX} entries")));
        return Vec::new();
    }
    let mut phases: Vec<Phase> = Vec::with_capacity(wishes.len());
    for (n, wish) in wishes.iter().enumerate() {
        if !(1..=MONTHS_MAX).contains(&wish.months) {
            let text = format!("must be from 1 to {MONTHS_MAX} months, found {}", wish.months);
            errors.push(FieldError::new(format!("phases.{n}.months"), text));
        }
        let Some(price) = price(n, wish, own, errors) else { continue };
        if phases.last().is_some_and(|before| before.price == price) {
            errors.push(FieldError::new(format!("phases.{n}"), "must cost something else than the phase before"));
        }
        phases.push(Phase { months: wish.months, price, percent_off: wish.percent_off });
    }
    phases
}

/// The price of the phase in this place.
fn price(n: usize, wish: &PhaseWish, own: &Amount, errors: &mut Vec<FieldError>) -> Option<Amount> {
    let before = errors.len();
    let currency = own.currency.clone();
    let amount = match (&wish.price, wish.percent_off) {
        (Some(price), None) => {
            let field = format!("phases.{n}.price");
            check_amount(&field, price, errors);
            if price.currency != currency {
                errors.push(FieldError::new(field, format!("must be in {currency} as the price is")));
            }
            price.amount
        }
        (None, Some(percent)) if percent > Decimal::ZERO && percent <= Decimal::ONE_HUNDRED => {
            match reduced(own, percent) {
                Ok(price) => price,
                // What is wrong with the plan's own price is said there.
                Err(_) => return None,
            }
        }
        (None, Some(percent)) => {
            let text = format!("must be above 0 and at most 100, found {percent}");
            errors.push(FieldError::new(format!("phases.{n}.percent_off"), text));
            return None;
        }
        (None, None) | (Some(_), Some(_)) => {
            errors.push(FieldError::new(format!("phases.{n}"), "must have a price or a percent, one of them"));
            return None;
        }
    };
    if errors.len() == before && amount >= own.amount {
        let text = format!("must be less than the plan's own price, {}", own.amount);
        errors.push(FieldError::new(format!("phases.{n}.price"), text));
    }
    (errors.len() == before).then_some(Amount { amount, currency })
}

fn reduced(own: &Amount, percent: Decimal) -> Result<Decimal, MoneyError> {
    let own = Money::new(own.amount, Currency::from_code(&own.currency)?)?;
    Ok(introductory::reduced(own, percent)?.amount())
}
