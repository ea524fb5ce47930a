//! Double entry: the accounts, which of them may meet in an entry, and an entry that always balances.
//!
//! Not here: storage, balances, and what each business fact posts (see [`crate::posting`]). Debits are above zero,
//! credits below. Start with [`Entry::new`].

use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money, MoneyError};

/// Why an entry was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The postings in a currency do not add up to zero.
    #[error("ledger entry is off balance by {0}")]
    Unbalanced(Money),
    /// An entry needs postings.
    #[error("ledger entry has no postings")]
    Empty,
    /// A posting of nothing says nothing.
    #[error("posting to {} is zero", .0.code())]
    ZeroPosting(LedgerAccount),
    /// The two accounts never meet.
    #[error("ledger account {} may not be debited against {}", debit.code(), credit.code())]
    PairNotAllowed {
        /// The account debited.
        debit: LedgerAccount,
        /// The account credited.
        credit: LedgerAccount,
    },
    /// The account is kept per subscriber and the posting names none.
    #[error("posting to {} names no subscriber account", .0.code())]
    SubscriberMissing(LedgerAccount),
    /// The amount of a business fact is not above zero.
    #[error("amount {0} is not above zero")]
    NotPositive(Money),
    /// A sum of money was refused.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// What an account is in the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// What the provider has.
    Asset,
    /// What it owes.
    Liability,
    /// What it earned.
    Income,
    /// What it spent or lost.
    Expense,
}

/// The side on which an account grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Above zero.
    Debit,
    /// Below zero.
    Credit,
}

/// The accounts of the ledger, by their code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerAccount {
    /// Notes and coins taken at the counter.
    CashOnHand,
    /// Money in the bank.
    Bank,
    /// Money a payment provider holds for us.
    GatewayClearing,
    /// What subscribers owe on issued invoices.
    Receivable,
    /// Tax charged and not yet paid to the state.
    TaxPayable,
    /// Paid by subscribers beyond what they owe.
    CustomerCredit,
    /// Deposits to be returned.
    DepositsHeld,
    /// Prepaid balances.
    Wallet,
    /// Received, and not known yet from whom.
    Suspense,
    /// Billed for days still to come.
    DeferredRevenue,
    /// Earned for service.
    Revenue,
    /// Earned by late fees.
    LateFeeRevenue,
    /// Prepaid balances that expired.
    Breakage,
    /// Collected after it was written off.
    Recovered,
    /// What payment providers and banks charge.
    Fees,
    /// Receivables given up.
    BadDebt,
    /// Cents of cash rounding, either way.
    Rounding,
}

impl LedgerAccount {
    /// Every account, by code.
    pub const ALL: [LedgerAccount; 17] = [
        LedgerAccount::CashOnHand,
        LedgerAccount::Bank,
        LedgerAccount::GatewayClearing,
        LedgerAccount::Receivable,
        LedgerAccount::TaxPayable,
        LedgerAccount::CustomerCredit,
        LedgerAccount::DepositsHeld,
        LedgerAccount::Wallet,
        LedgerAccount::Suspense,
        LedgerAccount::DeferredRevenue,
        LedgerAccount::Revenue,
        LedgerAccount::LateFeeRevenue,
        LedgerAccount::Breakage,
        LedgerAccount::Recovered,
        LedgerAccount::Fees,
        LedgerAccount::BadDebt,
        LedgerAccount::Rounding,
    ];

    /// The number accountants sort by: 1 assets, 2 liabilities, 4 income, 5 expenses.
    pub const fn code(self) -> &'static str {
        self.described().0
    }

    /// The English name, as exported.
    pub const fn name(self) -> &'static str {
        self.described().1
    }

    /// What it is in the books.
    pub const fn kind(self) -> AccountKind {
        self.described().2
    }

    /// The side on which it grows.
    pub const fn normal_side(self) -> Side {
        match self.kind() {
            AccountKind::Asset | AccountKind::Expense => Side::Debit,
            AccountKind::Liability | AccountKind::Income => Side::Credit,
        }
    }

    /// Finds an account by its code.
    pub fn from_code(code: &str) -> Option<LedgerAccount> {
        LedgerAccount::ALL.into_iter().find(|account| account.code() == code)
    }

    /// Whether every posting must name the subscriber's account.
    pub const fn per_subscriber(self) -> bool {
        use LedgerAccount::{CustomerCredit, DepositsHeld, Receivable, Wallet};
        matches!(self, Receivable | CustomerCredit | DepositsHeld | Wallet)
    }

    /// Whether this account may be debited in an entry that credits `credit`.
    pub const fn may_debit_against(self, credit: LedgerAccount) -> bool {
        use LedgerAccount::*;
        match self {
            CashOnHand | Bank | GatewayClearing => matches!(
                credit,
                CashOnHand
                    | Bank
                    | GatewayClearing
                    | Receivable
                    | CustomerCredit
                    | DepositsHeld
                    | Wallet
                    | Suspense
                    | Recovered
            ),
            Receivable => matches!(
                credit,
                Revenue
                    | DeferredRevenue
                    | LateFeeRevenue
                    | TaxPayable
                    | Rounding
                    | CashOnHand
                    | Bank
                    | GatewayClearing
            ),
            TaxPayable => matches!(credit, Receivable | CustomerCredit | Bank),
            CustomerCredit => matches!(credit, Receivable | CashOnHand | Bank | GatewayClearing | Breakage),
            DepositsHeld => matches!(credit, Receivable | CustomerCredit | CashOnHand | Bank | GatewayClearing),
            Wallet => matches!(credit, Receivable | Revenue | TaxPayable | Breakage | Bank | GatewayClearing),
            Suspense => matches!(credit, Receivable | CustomerCredit | CashOnHand | Bank | GatewayClearing),
            DeferredRevenue => matches!(credit, Revenue | Receivable | CustomerCredit),
            Revenue | LateFeeRevenue => matches!(credit, Receivable | CustomerCredit | DeferredRevenue),
            Fees => matches!(credit, CashOnHand | Bank | GatewayClearing),
            BadDebt | Rounding => matches!(credit, Receivable),
            Breakage | Recovered => false,
        }
    }

    const fn described(self) -> (&'static str, &'static str, AccountKind) {
        use AccountKind::{Asset, Expense, Income, Liability};
        match self {
            LedgerAccount::CashOnHand => ("1000", "Cash on hand", Asset),
            LedgerAccount::Bank => ("1010", "Bank", Asset),
            LedgerAccount::GatewayClearing => ("1020", "Gateway clearing", Asset),
            LedgerAccount::Receivable => ("1100", "Receivable", Asset),
            LedgerAccount::TaxPayable => ("2000", "Tax payable", Liability),
            LedgerAccount::CustomerCredit => ("2100", "Customer credit", Liability),
            LedgerAccount::DepositsHeld => ("2110", "Deposits held", Liability),
            LedgerAccount::Wallet => ("2120", "Wallet", Liability),
            LedgerAccount::Suspense => ("2130", "Suspense", Liability),
            LedgerAccount::DeferredRevenue => ("2200", "Deferred revenue", Liability),
            LedgerAccount::Revenue => ("4000", "Revenue", Income),
            LedgerAccount::LateFeeRevenue => ("4010", "Late-fee revenue", Income),
            LedgerAccount::Breakage => ("4020", "Breakage", Income),
            LedgerAccount::Recovered => ("4030", "Recovered", Income),
            LedgerAccount::Fees => ("5000", "Fees", Expense),
            LedgerAccount::BadDebt => ("5010", "Bad debt", Expense),
            LedgerAccount::Rounding => ("5020", "Rounding", Expense),
        }
    }
}

/// One amount on one account; `A` identifies the subscriber's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting<A> {
    /// The account of the ledger.
    pub account: LedgerAccount,
    /// Whose, for accounts kept per subscriber.
    pub subscriber_account: Option<A>,
    /// Above zero for a debit, below for a credit.
    pub amount: Money,
}

/// Postings that balance in every currency and use only allowed pairs of accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<A> {
    postings: Vec<Posting<A>>,
}

impl<A> Entry<A> {
    /// Checks and keeps the postings, in the order given.
    pub fn new(postings: Vec<Posting<A>>) -> Result<Entry<A>, LedgerError> {
        if postings.is_empty() {
            return Err(LedgerError::Empty);
        }
        for posting in &postings {
            if posting.amount.is_zero() {
                return Err(LedgerError::ZeroPosting(posting.account));
            }
            if posting.account.per_subscriber() && posting.subscriber_account.is_none() {
                return Err(LedgerError::SubscriberMissing(posting.account));
            }
        }
        for currency in currencies(&postings) {
            let own = || postings.iter().filter(|posting| posting.amount.currency() == currency);
            let balance = Money::sum(currency, own().map(|posting| posting.amount))?;
            if !balance.is_zero() {
                return Err(LedgerError::Unbalanced(balance));
            }
            let credits: Vec<_> = own().filter(|posting| posting.amount.is_negative()).collect();
            for debit in own().filter(|posting| posting.amount.is_positive()) {
                if let Some(credit) = credits.iter().find(|credit| !debit.account.may_debit_against(credit.account)) {
                    return Err(LedgerError::PairNotAllowed { debit: debit.account, credit: credit.account });
                }
            }
        }
        Ok(Entry { postings })
    }

    /// The postings, in order.
    pub fn postings(&self) -> &[Posting<A>] {
        &self.postings
    }

    /// Gives the postings away.
    pub fn into_postings(self) -> Vec<Posting<A>> {
        self.postings
    }
}

fn currencies<A>(postings: &[Posting<A>]) -> Vec<Currency> {
    let mut currencies: Vec<_> = postings.iter().map(|posting| posting.amount.currency()).collect();
    currencies.sort_unstable();
    currencies.dedup();
    currencies
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posting(account: LedgerAccount, amount: &str, code: &str) -> Posting<u32> {
        let amount = Money::parse(amount, Currency::from_code(code).unwrap()).unwrap();
        Posting { account, subscriber_account: account.per_subscriber().then_some(7), amount }
    }

    #[test]
    fn entries_that_do_not_hold_are_refused() {
        use LedgerAccount::*;
        let entry = |postings: &[(LedgerAccount, &str, &str)]| {
            Entry::new(postings.iter().map(|(account, amount, code)| posting(*account, amount, code)).collect())
        };
        assert!(entry(&[(Receivable, "12", "EUR"), (Revenue, "-10", "EUR"), (TaxPayable, "-2", "EUR")]).is_ok());
        assert_eq!(entry(&[]), Err(LedgerError::Empty));
        let off = entry(&[(Receivable, "12", "EUR"), (Revenue, "-10", "EUR")]).unwrap_err();
        assert_eq!(off.to_string(), "ledger entry is off balance by 2.00 EUR");
        let two = entry(&[(Receivable, "12", "EUR"), (Revenue, "-12", "USD")]);
        assert!(matches!(two, Err(LedgerError::Unbalanced(_))));
        let pair = entry(&[(BadDebt, "1", "EUR"), (Bank, "-1", "EUR")]).unwrap_err();
        assert_eq!(pair.to_string(), "ledger account 5010 may not be debited against 1010");
        let nobody = Posting { subscriber_account: None, ..posting(Receivable, "1", "EUR") };
        let nobody = Entry::new(vec![nobody, posting(Revenue, "-1", "EUR")]);
        assert_eq!(nobody, Err(LedgerError::SubscriberMissing(Receivable)));
        assert_eq!(entry(&[(Bank, "0", "EUR")]), Err(LedgerError::ZeroPosting(Bank)));
    }

    #[test]
    fn accounts_are_sorted_by_code_and_found_by_it() {
        assert!(LedgerAccount::ALL.is_sorted_by_key(|account| account.code()));
        for account in LedgerAccount::ALL {
            assert_eq!(LedgerAccount::from_code(account.code()), Some(account));
        }
        assert_eq!(LedgerAccount::Receivable.normal_side(), Side::Debit);
        assert_eq!(LedgerAccount::CustomerCredit.normal_side(), Side::Credit);
    }
}
