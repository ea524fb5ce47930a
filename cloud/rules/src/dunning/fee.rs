//! How much a late fee is.

use super::plan::Charged;
use super::policy::in_currency;
use super::{FeeRule, Policy};
use crate::money::{Money, MoneyError};

impl FeeRule {
    /// The fee on what is still owed, before the caps; `None` where the fee is in another currency.
    pub fn on(&self, owed: Money) -> Result<Option<Money>, MoneyError> {
        let Some(flat) = in_currency(Some(self.flat), owed.currency()) else { return Ok(None) };
        let share = owed.times(self.percent / rust_decimal::Decimal::ONE_HUNDRED)?;
        let mut fee = flat.checked_add(share)?;
        if let Some(min) = in_currency(self.min, owed.currency()).filter(|min| min.amount() > fee.amount()) {
            fee = min;
        }
        match in_currency(self.max, owed.currency()) {
            Some(max) => Ok(Some(fee.checked_min(max)?)),
            None => Ok(Some(fee)),
        }
    }
}

/// What the caps leave of a fee on an invoice; zero when they leave nothing.
pub(super) fn capped<I: PartialEq>(
    policy: &Policy,
    fee: Money,
    invoice: &I,
    year: i32,
    charged: &[Charged<I>],
) -> Result<Money, MoneyError> {
    use chrono::Datelike;
    let of_invoice = charged.iter().filter(|before| before.invoice == *invoice);
    let of_year = charged.iter().filter(|before| before.on.year() == year);
    let fee = below(fee, policy.fee_cap_invoice, of_invoice)?;
    below(fee, policy.fee_cap_year, of_year)
}

fn below<'a, I: 'a>(
    fee: Money,
    cap: Option<Money>,
    charged: impl Iterator<Item = &'a Charged<I>>,
) -> Result<Money, MoneyError> {
    let currency = fee.currency();
    let Some(cap) = in_currency(cap, currency) else { return Ok(fee) };
    let before = Money::sum(currency, charged.map(|before| before.amount).filter(|one| one.currency() == currency))?;
    let left = cap.checked_sub(before)?;
    if left.is_negative() { Ok(Money::zero(currency)) } else { fee.checked_min(left) }
}
