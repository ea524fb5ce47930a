//! The figures of an invoice: totals, number, due date and how its collection stands.
//!
//! Not here: rows, rendering, issuing. Totals satisfy BR-CO-10, 13, 14, 15 and 16 of EN 16931 by construction.
//! Start with [`totals`].

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money, MoneyError, round_to_step};
use crate::tax::{TaxError, TaxGroup, Taxable, exclusive};

/// Why a figure of an invoice was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvoiceError {
    /// A prefix is 1 to 12 capital letters, digits or hyphens, and neither begins nor ends with a hyphen.
    #[error("invoice prefix {0:?} is not 1 to 12 capital letters, digits or inner hyphens")]
    Prefix(String),
    /// Numbers begin at 1; a year has four digits.
    #[error("invoice number {sequence} of {year} is out of range")]
    Number {
        /// The year.
        year: i32,
        /// The number within the year.
        sequence: u64,
    },
    /// The due date is beyond the calendar.
    #[error("payment terms of {0} days are out of range")]
    Terms(u32),
    /// A cash step is above zero.
    #[error("cash rounding step {0} is not above zero")]
    CashStep(Decimal),
    /// Tax was refused.
    #[error(transparent)]
    Tax(#[from] TaxError),
    /// An amount of money was refused.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// What the totals of a document are made of.
#[derive(Debug, Clone, Default)]
pub struct Parts<'a> {
    /// The nets of the lines.
    pub lines: &'a [Taxable],
    /// Reductions of the whole document, each zero or more.
    pub allowances: &'a [Taxable],
    /// Additions to the whole document.
    pub charges: &'a [Taxable],
}

/// The totals of a document; the names in brackets are the terms of EN 16931.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// Sum of line nets (BT-106).
    pub line_total: Money,
    /// Sum of allowances (BT-107).
    pub allowance_total: Money,
    /// Sum of charges (BT-108).
    pub charge_total: Money,
    /// Without tax (BT-109).
    pub net: Money,
    /// The breakdown (BG-23).
    pub taxes: Vec<TaxGroup>,
    /// All tax (BT-110).
    pub tax: Money,
    /// With tax (BT-112).
    pub gross: Money,
}

/// Adds up a document: lines less allowances plus charges, tax once per category and rate, gross.
pub fn totals(currency: Currency, parts: &Parts<'_>) -> Result<Totals, InvoiceError> {
    let sum = |amounts: &[Taxable]| Money::sum(currency, amounts.iter().map(|amount| amount.net));
    let (line_total, allowance_total, charge_total) = (sum(parts.lines)?, sum(parts.allowances)?, sum(parts.charges)?);
    let less = parts.allowances.iter().map(|allowance| Taxable { net: -allowance.net, ..*allowance });
    let amounts: Vec<_> = parts.lines.iter().copied().chain(less).chain(parts.charges.iter().copied()).collect();
    let taxes = exclusive(currency, &amounts)?;
    let net = line_total.checked_sub(allowance_total)?.checked_add(charge_total)?;
    let tax = Money::sum(currency, taxes.iter().map(|group| group.tax))?;
    let gross = net.checked_add(tax)?;
    Ok(Totals { line_total, allowance_total, charge_total, net, taxes, tax, gross })
}

/// The same with tax rounded on each line and summed, as some authorities want it: 25.00 and 25.00 at 8.25 % is twice 2.06.
///
/// For documents without allowances and charges. From the group's own rounding it is off by half a cent a line at most.
pub fn rounded_by_line(mut totals: Totals, lines: &[Taxable]) -> Result<Totals, InvoiceError> {
    let currency = totals.net.currency();
    for group in &mut totals.taxes {
        let of_group = lines.iter().filter(|line| line.rate == group.rate);
        let taxes = of_group.map(|line| line.rate.on_net(line.net)).collect::<Result<Vec<_>, _>>()?;
        group.tax = Money::sum(currency, taxes)?;
    }
    totals.tax = Money::sum(currency, totals.taxes.iter().map(|group| group.tax))?;
    totals.gross = totals.net.checked_add(totals.tax)?;
    Ok(totals)
}

/// What is to be paid (BT-115) and the rounding in it (BT-114), as (payable, rounding).
///
/// `cash_step` rounds only this amount: 107.93 CHF in steps of 0.05 is (107.95, 0.02).
pub fn payable(gross: Money, prepaid: Money, cash_step: Option<Decimal>) -> Result<(Money, Money), InvoiceError> {
    let exact = gross.checked_sub(prepaid)?;
    let payable = match cash_step {
        None => exact,
        Some(step) => {
            let rounded = round_to_step(exact.amount(), step).ok_or(InvoiceError::CashStep(step))?;
            Money::new(rounded, gross.currency())?
        }
    };
    Ok((payable, payable.checked_sub(exact)?))
}

/// The number on a document: prefix `INV`, year 2026 and number 42 is `INV-2026-000042`.
pub fn document_number(prefix: &str, year: i32, sequence: u64) -> Result<String, InvoiceError> {
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    let edges = prefix.starts_with('-') || prefix.ends_with('-');
    if prefix.is_empty() || prefix.len() > 12 || edges || !prefix.bytes().all(allowed) {
        return Err(InvoiceError::Prefix(prefix.chars().take(16).collect()));
    }
    if !(1000..=9999).contains(&year) || sequence == 0 {
        return Err(InvoiceError::Number { year, sequence });
    }
    Ok(format!("{prefix}-{year}-{sequence:06}"))
}

/// The last day to pay without being late: issued on 1 January with 2 days is 3 January; 0 days is the day of issue.
pub fn due_on(issued_on: NaiveDate, terms_days: u32) -> Result<NaiveDate, InvoiceError> {
    issued_on.checked_add_days(Days::new(terms_days.into())).ok_or(InvoiceError::Terms(terms_days))
}

/// How the collection of an issued invoice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CollectionStatus {
    /// Nothing paid, not late.
    Due,
    /// Something is open after the due date, whether or not a part was paid.
    Overdue,
    /// A part is paid, not late.
    PartPaid,
    /// Nothing is open.
    Paid,
}

/// Where an invoice stands on a local day; it is overdue from the day after `due_on`.
pub fn collection_status(
    gross: Money,
    allocated: Money,
    due_on: NaiveDate,
    today: NaiveDate,
) -> Result<CollectionStatus, InvoiceError> {
    let open = gross.checked_sub(allocated)?;
    Ok(if !open.is_positive() {
        CollectionStatus::Paid
    } else if today > due_on {
        CollectionStatus::Overdue
    } else if allocated.is_positive() {
        CollectionStatus::PartPaid
    } else {
        CollectionStatus::Due
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tax::{TaxCategory, TaxRate};

    fn money(text: &str, code: &str) -> Money {
        Money::parse(text, Currency::from_code(code).unwrap()).unwrap()
    }

    fn taxable(net: &str, category: TaxCategory, percent: u32) -> Taxable {
        Taxable { net: money(net, "EUR"), rate: TaxRate::new(category, percent.into()).unwrap() }
    }

    #[test]
    fn allowances_and_charges_move_the_base_of_their_rate() {
        let s = |net| taxable(net, TaxCategory::Standard, 25);
        let lines = [s("4000"), taxable("1000", TaxCategory::Exempt, 0), s("900")];
        let parts = Parts { lines: &lines, allowances: &[s("200")], charges: &[s("200")] };
        let totals = totals(Currency::EUR, &parts).unwrap();
        assert_eq!(totals.line_total, money("5900", "EUR"));
        assert_eq!(
            totals.taxes.iter().map(|group| group.base).collect::<Vec<_>>(),
            ["4900", "1000"].map(|m| money(m, "EUR"))
        );
        assert_eq!((totals.tax, totals.gross), (money("1225", "EUR"), money("7125", "EUR")));
        let paid = payable(totals.gross, money("1000", "EUR"), None).unwrap();
        assert_eq!(paid, (money("6125", "EUR"), money("0", "EUR")));
    }

    #[test]
    fn tax_can_be_rounded_on_each_line() {
        let rate = TaxRate::new(TaxCategory::Standard, "8.25".parse().unwrap()).unwrap();
        let lines = ["25.00", "25.00"].map(|net| Taxable { net: money(net, "EUR"), rate });
        let once = totals(Currency::EUR, &Parts { lines: &lines, ..Parts::default() }).unwrap();
        let each = rounded_by_line(once.clone(), &lines).unwrap();
        assert_eq!((once.tax, each.tax), (money("4.13", "EUR"), money("4.12", "EUR")));
        assert_eq!((each.gross, each.taxes[0].tax), (money("54.12", "EUR"), money("4.12", "EUR")));
    }

    #[test]
    fn cash_rounding_touches_only_what_is_paid() {
        let step = Some("0.05".parse().unwrap());
        let rounded = payable(money("107.93", "CHF"), money("0", "CHF"), step).unwrap();
        assert_eq!(rounded, (money("107.95", "CHF"), money("0.02", "CHF")));
        assert!(payable(money("1", "CHF"), money("0", "CHF"), Some(Decimal::ZERO)).is_err());
    }

    #[test]
    fn numbers_and_due_dates() {
        assert_eq!(document_number("INV", 2026, 42).unwrap(), "INV-2026-000042");
        assert_eq!(document_number("A-1", 2026, 1_234_567).unwrap(), "A-1-2026-1234567");
        for prefix in ["", "inv", "-A", "A-", "A B", "ABCDEFGHIJKLM"] {
            assert!(matches!(document_number(prefix, 2026, 1), Err(InvoiceError::Prefix(_))), "{prefix:?}");
        }
        assert!(document_number("INV", 2026, 0).is_err());
        let issued: NaiveDate = "2025-01-01".parse().unwrap();
        assert_eq!(due_on(issued, 2), Ok("2025-01-03".parse().unwrap()));
        assert_eq!(due_on(issued, u32::MAX), Err(InvoiceError::Terms(u32::MAX)));
    }

    #[test]
    fn collection_follows_what_is_open_and_the_day() {
        let due: NaiveDate = "2025-01-03".parse().unwrap();
        for (gross, allocated, today, status) in [
            ("10", "0", "2025-01-03", CollectionStatus::Due),
            ("10", "0", "2025-01-04", CollectionStatus::Overdue),
            ("10", "4", "2025-01-03", CollectionStatus::PartPaid),
            ("10", "4", "2025-01-04", CollectionStatus::Overdue),
            ("10", "10", "2025-01-04", CollectionStatus::Paid),
            ("0", "0", "2025-01-04", CollectionStatus::Paid),
        ] {
            let found = collection_status(money(gross, "EUR"), money(allocated, "EUR"), due, today.parse().unwrap());
            assert_eq!(found, Ok(status), "{gross} {allocated} {today}");
        }
    }

    proptest! {
        #[test]
        fn totals_add_up(nets in prop::collection::vec((-1_000_000_i64..1_000_000, 1_u32..30), 0..20)) {
            let line = |(units, percent): (i64, u32)| Taxable {
                net: Money::from_minor_units(units, Currency::EUR).unwrap(),
                rate: TaxRate::new(TaxCategory::Standard, percent.into()).unwrap(),
            };
            let lines: Vec<_> = nets.into_iter().map(line).collect();
            let totals = totals(Currency::EUR, &Parts { lines: &lines, ..Parts::default() }).unwrap();
            let bases = Money::sum(Currency::EUR, totals.taxes.iter().map(|group| group.base)).unwrap();
            prop_assert_eq!(bases, totals.net);
            prop_assert_eq!(totals.net.checked_add(totals.tax).unwrap(), totals.gross);
        }
    }
}
