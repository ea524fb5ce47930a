//! Where the money of a credit note goes. What a note takes back is `credit_note`'s. Start with [`settle`].

use crate::money::{Money, MoneyError};

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
    /// What a settlement says does not add up to the note.
    #[error("the parts of the settlement come to {parts}, the note to {note}")]
    Parts {
        /// The parts together.
        parts: Money,
        /// The note.
        note: Money,
    },
    /// An amount of money was refused.
    #[error(transparent)]
    Money(#[from] MoneyError),
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
