//! What each business fact posts to the ledger.
//!
//! Not here: the rules of an entry (see [`crate::ledger`]). Amounts are given above zero; a document whose gross is
//! below zero posts the other way round. Each function returns a checked [`Entry`].

use crate::ledger::{Entry, LedgerAccount, LedgerError, Posting};
use crate::money::Money;

/// Where money came in or goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MoneyPlace {
    /// The counter.
    Cash,
    /// A bank account.
    Bank,
    /// A payment provider.
    Gateway,
    /// Nowhere new: it had come before, and nobody knew from whom.
    Suspense,
}

impl MoneyPlace {
    /// Its ledger account.
    pub const fn account(self) -> LedgerAccount {
        match self {
            MoneyPlace::Cash => LedgerAccount::CashOnHand,
            MoneyPlace::Bank => LedgerAccount::Bank,
            MoneyPlace::Gateway => LedgerAccount::GatewayClearing,
            MoneyPlace::Suspense => LedgerAccount::Suspense,
        }
    }
}

/// The amounts an issued invoice posts; their sum is its gross. Zero parts post nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issued {
    /// Earned by the day of issue.
    pub revenue: Money,
    /// Billed for days to come.
    pub deferred: Money,
    /// All tax.
    pub tax: Money,
}

/// An invoice is issued: receivable against revenue, deferred revenue and tax payable.
///
/// What is charged and what is given back are entries of their own, in this order: an invoice may charge more than it gives
/// back and yet give back more tax. An invoice of nothing posts nothing.
pub fn issue_invoice<A: Clone>(account: &A, issued: &Issued) -> Result<Vec<Entry<A>>, LedgerError> {
    let parts = [
        (LedgerAccount::Revenue, issued.revenue),
        (LedgerAccount::DeferredRevenue, issued.deferred),
        (LedgerAccount::TaxPayable, issued.tax),
    ];
    let (charged, given_back): (Vec<_>, Vec<_>) =
        parts.into_iter().filter(|(_, amount)| !amount.is_zero()).partition(|(_, amount)| amount.is_positive());
    let mut entries = Vec::new();
    for parts in [charged, given_back].into_iter().filter(|parts| !parts.is_empty()) {
        let gross = Money::sum(issued.revenue.currency(), parts.iter().map(|(_, amount)| *amount))?;
        let mut postings = vec![owned(LedgerAccount::Receivable, account, gross)];
        postings.extend(parts.into_iter().map(|(ledger_account, amount)| plain(ledger_account, -amount)));
        entries.push(Entry::new(postings)?);
    }
    Ok(entries)
}

/// A late fee is charged: receivable against late-fee revenue. One given back is below zero and posts the other way round.
pub fn late_fee<A: Clone>(account: &A, amount: Money) -> Result<Entry<A>, LedgerError> {
    Entry::new(vec![owned(LedgerAccount::Receivable, account, amount), plain(LedgerAccount::LateFeeRevenue, -amount)])
}

/// A payment arrives: `allocated` settles receivables, `excess` becomes the customer's credit.
pub fn record_payment<A: Clone>(
    account: &A,
    place: MoneyPlace,
    allocated: Money,
    excess: Money,
) -> Result<Entry<A>, LedgerError> {
    for part in [allocated, excess] {
        if part.is_negative() {
            return Err(LedgerError::NotPositive(part));
        }
    }
    let received = positive(allocated.checked_add(excess)?)?;
    let mut postings = vec![plain(place.account(), received)];
    for (ledger_account, amount) in [(LedgerAccount::Receivable, allocated), (LedgerAccount::CustomerCredit, excess)] {
        if amount.is_positive() {
            postings.push(owned(ledger_account, account, -amount));
        }
    }
    Entry::new(postings)
}

/// Customer credit settles a receivable.
pub fn apply_credit<A: Clone>(account: &A, amount: Money) -> Result<Entry<A>, LedgerError> {
    let amount = positive(amount)?;
    Entry::new(vec![
        owned(LedgerAccount::CustomerCredit, account, amount),
        owned(LedgerAccount::Receivable, account, -amount),
    ])
}

/// Customer credit is paid back.
pub fn refund<A: Clone>(account: &A, place: MoneyPlace, amount: Money) -> Result<Entry<A>, LedgerError> {
    let amount = positive(amount)?;
    Entry::new(vec![owned(LedgerAccount::CustomerCredit, account, amount), plain(place.account(), -amount)])
}

/// A payment is given back: what it had settled is owed again, what was left of it was the customer's credit.
pub fn refund_payment<A: Clone>(
    account: &A,
    place: MoneyPlace,
    reopened: Money,
    credit: Money,
) -> Result<Entry<A>, LedgerError> {
    for part in [reopened, credit] {
        if part.is_negative() {
            return Err(LedgerError::NotPositive(part));
        }
    }
    let returned = positive(reopened.checked_add(credit)?)?;
    let parts = [(LedgerAccount::Receivable, reopened), (LedgerAccount::CustomerCredit, credit)];
    let mut postings: Vec<_> = parts
        .into_iter()
        .filter(|(_, amount)| amount.is_positive())
        .map(|(ledger_account, amount)| owned(ledger_account, account, amount))
        .collect();
    postings.push(plain(place.account(), -returned));
    Entry::new(postings)
}

/// Money arrives and nobody knows yet from whom.
pub fn receive_unknown<A>(place: MoneyPlace, amount: Money) -> Result<Entry<A>, LedgerError> {
    let amount = positive(amount)?;
    Entry::new(vec![plain(place.account(), amount), plain(LedgerAccount::Suspense, -amount)])
}

/// Money that came from nobody known goes back where it came from.
pub fn return_unknown<A>(place: MoneyPlace, amount: Money) -> Result<Entry<A>, LedgerError> {
    let amount = positive(amount)?;
    Entry::new(vec![plain(LedgerAccount::Suspense, amount), plain(place.account(), -amount)])
}

/// A receivable is given up.
pub fn write_off<A: Clone>(account: &A, amount: Money) -> Result<Entry<A>, LedgerError> {
    let amount = positive(amount)?;
    Entry::new(vec![plain(LedgerAccount::BadDebt, amount), owned(LedgerAccount::Receivable, account, -amount)])
}

/// Deferred revenue is earned as its days pass: one amount a currency; those below zero post the other way round.
pub fn recognize_revenue<A>(amounts: &[Money]) -> Result<Entry<A>, LedgerError> {
    let both =
        |amount: &Money| [plain(LedgerAccount::DeferredRevenue, *amount), plain(LedgerAccount::Revenue, -*amount)];
    Entry::new(amounts.iter().flat_map(both).collect())
}

fn positive(amount: Money) -> Result<Money, LedgerError> {
    if amount.is_positive() { Ok(amount) } else { Err(LedgerError::NotPositive(amount)) }
}

fn plain<A>(account: LedgerAccount, amount: Money) -> Posting<A> {
    Posting { account, subscriber_account: None, amount }
}

fn owned<A: Clone>(account: LedgerAccount, subscriber: &A, amount: Money) -> Posting<A> {
    Posting { account, subscriber_account: Some(subscriber.clone()), amount }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::Currency;

    fn eur(units: i64) -> Money {
        Money::from_minor_units(units, Currency::EUR).unwrap()
    }

    fn shown(entry: &Entry<u32>) -> Vec<(LedgerAccount, String)> {
        entry.postings().iter().map(|posting| (posting.account, posting.amount.amount().to_string())).collect()
    }

    #[test]
    fn facts_post_to_their_accounts() {
        let issued = Issued { revenue: eur(1000), deferred: eur(0), tax: eur(210) };
        let entry = issue_invoice(&1, &issued).unwrap().remove(0);
        let expected = [
            (LedgerAccount::Receivable, "12.10"),
            (LedgerAccount::Revenue, "-10.00"),
            (LedgerAccount::TaxPayable, "-2.10"),
        ];
        assert_eq!(shown(&entry), expected.map(|(account, amount)| (account, amount.to_string())));
        let entry = record_payment(&1, MoneyPlace::Cash, eur(1210), eur(290)).unwrap();
        let expected = [
            (LedgerAccount::CashOnHand, "15.00"),
            (LedgerAccount::Receivable, "-12.10"),
            (LedgerAccount::CustomerCredit, "-2.90"),
        ];
        assert_eq!(shown(&entry), expected.map(|(account, amount)| (account, amount.to_string())));
        let nothing = Issued { revenue: eur(0), deferred: eur(0), tax: eur(0) };
        assert_eq!(issue_invoice(&1, &nothing), Ok(Vec::new()));
        assert_eq!(write_off(&1, eur(0)), Err(LedgerError::NotPositive(eur(0))));
        assert!(record_payment(&1, MoneyPlace::Bank, eur(10), eur(-5)).is_err());
    }

    proptest! {
        #[test]
        fn every_fact_balances(
            revenue in -10_000_i64..10_000,
            given in -10_000_i64..10_000,
            tax in -2_000_i64..2_000,
            deferred in 0_i64..10_000,
            amount in 1_i64..10_000,
        ) {
            let issued = Issued { revenue: eur(revenue), deferred: eur(given), tax: eur(tax) };
            let mut entries: Vec<Entry<u32>> = issue_invoice(&1, &issued).unwrap();
            let receivable = entries.iter().flat_map(Entry::postings).filter(|one| one.account == LedgerAccount::Receivable);
            let receivable = Money::sum(Currency::EUR, receivable.map(|one| one.amount));
            prop_assert_eq!(receivable.unwrap(), eur(revenue + given + tax));
            for place in [MoneyPlace::Cash, MoneyPlace::Bank, MoneyPlace::Gateway] {
                entries.push(record_payment(&1, place, eur(amount), eur(deferred)).unwrap());
                entries.push(refund(&1, place, eur(amount)).unwrap());
                entries.push(refund_payment(&1, place, eur(amount), eur(deferred)).unwrap());
                entries.push(receive_unknown(place, eur(amount)).unwrap());
                entries.push(return_unknown(place, eur(amount)).unwrap());
            }
            entries.push(apply_credit(&1, eur(amount)).unwrap());
            entries.push(late_fee(&1, eur(amount)).unwrap());
            entries.push(late_fee(&1, eur(-amount)).unwrap());
            entries.push(write_off(&1, eur(amount)).unwrap());
            entries.push(recognize_revenue(&[eur(amount)]).unwrap());
            entries.push(recognize_revenue(&[eur(-amount)]).unwrap());
            for entry in entries {
                let sum = Money::sum(Currency::EUR, entry.postings().iter().map(|posting| posting.amount));
                prop_assert_eq!(sum.unwrap(), eur(0));
            }
        }
    }
}
