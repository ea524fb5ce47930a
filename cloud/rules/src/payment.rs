//! Which open invoices a payment settles: oldest due first, the excess becomes credit.
//!
//! Not here: receiving the money, or what is posted (see [`crate::posting`]). Start with [`allocate`].

use chrono::NaiveDate;

use crate::money::{Currency, Money, MoneyError};

/// Why a payment could not be allocated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaymentError {
    /// A payment is above zero.
    #[error("payment of {0} is not above zero")]
    NotPositive(Money),
    /// Currencies differ or a sum is too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// An invoice with something left to pay; `I` identifies it and orders those due on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenInvoice<I> {
    /// The invoice.
    pub id: I,
    /// The last day to pay.
    pub due_on: NaiveDate,
    /// What is left; nothing or below takes no payment.
    pub open: Money,
}

/// Where a payment goes; the parts and the excess add up to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation<I> {
    /// Amounts above zero, oldest due first.
    pub parts: Vec<(I, Money)>,
    /// All parts together.
    pub allocated: Money,
    /// What no invoice took.
    pub excess: Money,
}

/// Spreads a payment: 30.00 on invoices of 20.00 due in May and 25.00 due in June pays 20.00 and 10.00.
pub fn allocate<I: Clone + Ord>(payment: Money, invoices: &[OpenInvoice<I>]) -> Result<Allocation<I>, PaymentError> {
    if !payment.is_positive() {
        return Err(PaymentError::NotPositive(payment));
    }
    let mut oldest_first: Vec<_> = invoices.iter().collect();
    oldest_first.sort_by(|a, b| (a.due_on, &a.id).cmp(&(b.due_on, &b.id)));
    let mut excess = payment;
    let mut parts = Vec::new();
    for invoice in oldest_first {
        let part = invoice.open.checked_min(excess)?;
        if part.is_positive() {
            excess = excess.checked_sub(part)?;
            parts.push((invoice.id.clone(), part));
        }
    }
    Ok(Allocation { parts, allocated: payment.checked_sub(excess)?, excess })
}

/// What an account's credit does to an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreditApplied {
    /// The part of the credit that pays.
    pub used: Money,
    /// What is left to pay.
    pub due: Money,
    /// What is left of the credit; an invoice below zero adds to it.
    pub left: Money,
}

/// Pays an invoice from the account's credit as far as it goes: 100.00 on 30.95 leaves nothing due and 69.05.
pub fn apply_credit(credit: Money, invoice: Money) -> Result<CreditApplied, PaymentError> {
    let nothing = Money::zero(invoice.currency());
    let used = credit.checked_min(invoice)?.checked_max(nothing)?;
    let due = invoice.checked_sub(used)?.checked_max(nothing)?;
    let given_back = (-invoice).checked_max(nothing)?;
    Ok(CreditApplied { used, due, left: credit.checked_sub(used)?.checked_add(given_back)? })
}

/// How many transfers a payment file has and what they come to, for its header.
pub fn control_sum(currency: Currency, amounts: &[Money]) -> Result<(usize, Money), PaymentError> {
    if let Some(amount) = amounts.iter().find(|amount| !amount.is_positive()) {
        return Err(PaymentError::NotPositive(*amount));
    }
    Ok((amounts.len(), Money::sum(currency, amounts.iter().copied())?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn eur(units: i64) -> Money {
        Money::from_minor_units(units, Currency::EUR).unwrap()
    }

    fn open(id: u32, due_on: &str, units: i64) -> OpenInvoice<u32> {
        OpenInvoice { id, due_on: due_on.parse().unwrap(), open: eur(units) }
    }

    #[test]
    fn the_oldest_due_is_paid_first() {
        let invoices = [open(1, "2026-06-01", 2500), open(2, "2026-05-01", 2000), open(3, "2026-06-01", 100)];
        let part = allocate(eur(3000), &invoices).unwrap();
        assert_eq!((part.parts, part.excess), (vec![(2, eur(2000)), (1, eur(1000))], eur(0)));
        let more = allocate(eur(5000), &invoices).unwrap();
        assert_eq!(more.parts, [(2, eur(2000)), (1, eur(2500)), (3, eur(100))]);
        assert_eq!((more.allocated, more.excess), (eur(4600), eur(400)));
        assert_eq!(allocate(eur(0), &invoices), Err(PaymentError::NotPositive(eur(0))));
        let dollars = Money::parse("1", Currency::USD).unwrap();
        assert!(matches!(allocate(dollars, &invoices), Err(PaymentError::Money(_))));
    }

    #[test]
    fn credit_pays_as_far_as_it_goes() {
        for (credit, invoice, used, due, left) in
            [(10_000, 3095, 3095, 0, 6905), (1000, 3095, 1000, 2095, 0), (0, 50, 0, 50, 0), (100, -50, 0, 0, 150)]
        {
            let applied = apply_credit(eur(credit), eur(invoice)).unwrap();
            assert_eq!(
                applied,
                CreditApplied { used: eur(used), due: eur(due), left: eur(left) },
                "{credit} {invoice}"
            );
        }
        assert_eq!(control_sum(Currency::EUR, &[eur(2999), eur(4550)]), Ok((2, eur(7549))));
        assert_eq!(control_sum(Currency::EUR, &[eur(2999), eur(0)]), Err(PaymentError::NotPositive(eur(0))));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_overpaid(payment in 1_i64..100_000, opens in prop::collection::vec(-100_i64..20_000, 0..10)) {
            let invoices: Vec<_> = (0_u32..).zip(&opens).map(|(id, units)| open(id, "2026-05-01", *units)).collect();
            let result = allocate(eur(payment), &invoices).unwrap();
            let parts = Money::sum(Currency::EUR, result.parts.iter().map(|part| part.1)).unwrap();
            prop_assert_eq!(parts, result.allocated);
            prop_assert_eq!(parts.checked_add(result.excess).unwrap(), eur(payment));
            for (id, part) in &result.parts {
                prop_assert!(part.minor_units() <= invoices[*id as usize].open.minor_units());
            }
            if result.excess.is_positive() {
                prop_assert_eq!(parts.minor_units(), opens.iter().filter(|units| **units > 0).sum::<i64>());
            }
        }
    }
}
