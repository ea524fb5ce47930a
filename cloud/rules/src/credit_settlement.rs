//! What credit notes of an invoice of one rate take back, and where their money goes.
//!
//! The net is rounded first and tax is on the rounded net; the note that takes the last of an invoice takes what is left of
//! its tax, too, so that notes in any grouping add up to the invoice. Start with [`Creditable`] and [`settle`].

use rust_decimal::Decimal;

use crate::money::{Money, MoneyError};
use crate::tax_profile::{TaxProfile, TaxProfileError};

/// Why a credit note was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettlementError {
    /// More than is left of the invoice.
    #[error("credit of {wanted} is more than the {left} left of the invoice")]
    MoreThanLeft {
        /// What was asked for.
        wanted: Money,
        /// What there is.
        left: Money,
    },
    /// A note takes something back.
    #[error("credit of {0} is below zero")]
    Negative(Money),
    /// Days unused are at most those of the period.
    #[error("{unused} unused days of a period of {period}")]
    Days {
        /// The days unused.
        unused: u32,
        /// The days of the period.
        period: u32,
    },
    /// What a settlement says does not add up to the note.
    #[error("the parts of the settlement come to {parts}, the note to {note}")]
    Parts {
        /// The parts together.
        parts: Money,
        /// The note.
        note: Money,
    },
    /// Tax was refused.
    #[error(transparent)]
    Tax(#[from] TaxProfileError),
    /// An amount of money was refused.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// A net amount with its tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taxed {
    /// Without tax.
    pub net: Money,
    /// The tax.
    pub tax: Money,
}

impl Taxed {
    /// A net and the tax on it at a rate, rounded half up.
    pub fn at(net: Money, rate_percent: Decimal) -> Result<Taxed, TaxProfileError> {
        Ok(Taxed { net, tax: TaxProfile::default().tax_on(net, rate_percent)? })
    }

    /// Both together.
    pub fn total(self) -> Result<Money, MoneyError> {
        self.net.checked_add(self.tax)
    }
}

/// What is left to credit of an invoice of one rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Creditable {
    left: Taxed,
    rate_percent: Decimal,
}

impl Creditable {
    /// All of an invoice.
    pub fn whole(net: Money, rate_percent: Decimal) -> Result<Creditable, SettlementError> {
        Ok(Creditable { left: Taxed::at(net, rate_percent)?, rate_percent })
    }

    /// What no note has taken yet.
    pub const fn left(&self) -> Taxed {
        self.left
    }

    /// The next note over a net amount; refuses more than is left, and changes nothing then.
    pub fn credit(&mut self, net: Money) -> Result<Taxed, SettlementError> {
        if net.is_negative() {
            return Err(SettlementError::Negative(net));
        }
        if net.checked_cmp(self.left.net)?.is_gt() {
            return Err(SettlementError::MoreThanLeft { wanted: net, left: self.left.net });
        }
        let last = net == self.left.net;
        let tax =
            if last { self.left.tax } else { Taxed::at(net, self.rate_percent)?.tax.checked_min(self.left.tax)? };
        self.left = Taxed { net: self.left.net.checked_sub(net)?, tax: self.left.tax.checked_sub(tax)? };
        Ok(Taxed { net, tax })
    }
}

/// The part of a net amount that unused days of a period stand for: 29 of 30 days of 200.00 are 193.33.
pub fn unused_net(net: Money, unused_days: u32, period_days: u32) -> Result<Money, SettlementError> {
    if period_days == 0 || unused_days > period_days {
        return Err(SettlementError::Days { unused: unused_days, period: period_days });
    }
    Ok(net.times_ratio(unused_days.into(), period_days.into())?)
}

/// How an invoice was paid when a note is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaidFrom {
    /// The invoice with tax.
    pub invoice: Money,
    /// From the account's credit.
    pub account_credit: Money,
    /// Through a payment provider, less what was given back before.
    pub provider: Money,
}

/// What a note's money is for, beyond what is still owed on the invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// Back the way it came: to the account's credit what came from there, to the provider what it collected.
    Refund,
    /// To the account's credit.
    AccountCredit,
    /// Off what is owed on the invoice; what is more goes to the account's credit.
    Invoice,
    /// So much to each.
    Parts {
        /// Back through the provider, no more than it collected.
        refund: Money,
        /// To the account's credit.
        account_credit: Money,
        /// Off the invoice, no more than is owed.
        invoice: Money,
    },
}

/// Where the money of a note goes; the three add up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// Off what is still owed on the invoice.
    pub off_invoice: Money,
    /// To the account's credit.
    pub to_account_credit: Money,
    /// Back through the provider.
    pub to_provider: Money,
}

/// Settles a note. What is owed on the invoice is always taken off first, and a provider never gives back more than it collected.
///
/// A refund of a part of an invoice goes back in the proportion it was paid: 50.00 of 100.00 that was 20.00 credit and 80.00 card
/// is 10.00 and 40.00.
pub fn settle(note: Money, paid: PaidFrom, settlement: Settlement) -> Result<Settled, SettlementError> {
    if note.is_negative() {
        return Err(SettlementError::Negative(note));
    }
    if note.checked_cmp(paid.invoice)?.is_gt() {
        return Err(SettlementError::MoreThanLeft { wanted: note, left: paid.invoice });
    }
    let nothing = Money::zero(note.currency());
    let from_both = paid.account_credit.checked_add(paid.provider)?;
    let owed = paid.invoice.checked_sub(from_both)?.checked_max(nothing)?;
    if let Settlement::Parts { refund, account_credit, invoice } = settlement {
        let parts = refund.checked_add(account_credit)?.checked_add(invoice)?;
        if parts != note {
            return Err(SettlementError::Parts { parts, note });
        }
        for (wanted, left) in [(refund, paid.provider), (invoice, owed)] {
            if wanted.checked_cmp(left)?.is_gt() {
                return Err(SettlementError::MoreThanLeft { wanted, left });
            }
        }
        return Ok(Settled { off_invoice: invoice, to_account_credit: account_credit, to_provider: refund });
    }
    let off_invoice = note.checked_min(owed)?;
    let rest = note.checked_sub(off_invoice)?;
    let to_provider = match settlement {
        Settlement::Refund if from_both.is_positive() => {
            let from_credit = rest.times_ratio(paid.account_credit.amount(), from_both.amount())?;
            rest.checked_sub(from_credit)?.checked_min(paid.provider)?
        }
        _ => nothing,
    };
    Ok(Settled { off_invoice, to_account_credit: rest.checked_sub(to_provider)?, to_provider })
}

#[cfg(test)]
#[path = "credit_settlement_tests.rs"]
mod tests;
