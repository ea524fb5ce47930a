//! The rules alone, on one processor: what is due of each line, tax and totals, the number, the books.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use weir_rules::calendar::{BillingDay, Cycle, Timing};
use weir_rules::charges::{Subscription, Terms, derive};
use weir_rules::invoice::{Parts, document_number, totals};
use weir_rules::money::{Currency, Money};
use weir_rules::posting::{Issued, issue_invoice};
use weir_rules::proration::ProrationPolicy;
use weir_rules::tax::{TaxCategory, TaxRate, Taxable};

use crate::at_least;
use crate::figure::print;

const INVOICES: usize = 100_000;

/// How many invoices a second the rules make.
pub fn run() -> Result<()> {
    let (sold, due) = (day(2026, 3, 11)?, day(2026, 4, 1)?);
    let rate = TaxRate::new(TaxCategory::Standard, Decimal::from(21))?;
    let began = Instant::now();
    for account in 0..INVOICES {
        let mut taxed = Vec::new();
        // Three of ten have two lines.
        for version in 0..1 + usize::from(account % 10 < 3) {
            let line = subscription(sold, version)?;
            for charge in derive::<usize, usize>(&line, &[], due)? {
                taxed.push(Taxable { net: charge.amount, rate });
            }
        }
        let totals = totals(Currency::EUR, &Parts { lines: &taxed, ..Parts::default() })?;
        let issued = Issued { revenue: totals.net, deferred: Money::zero(Currency::EUR), tax: totals.tax };
        black_box(issue_invoice(&account, &issued)?);
        black_box(document_number("INV", 2026, account as u64 + 1)?);
    }
    let rate = INVOICES as f64 / began.elapsed().as_secs_f64();
    let note = "the rules alone on one processor: a part of a month and a whole one of 1.3 lines, tax, books, number";
    print("engine_invoices_s", rate, "invoices/s", at_least(3_000.0), INVOICES, note);
    Ok(())
}

fn subscription(sold: NaiveDate, version: usize) -> Result<Subscription<usize>> {
    let price = Money::parse("30.00", Currency::EUR)?;
    Ok(Subscription {
        cycle: Cycle::monthly(sold, BillingDay::new(1)?, 1)?,
        timing: Timing::InAdvance,
        policy: ProrationPolicy::ByDay,
        currency: Currency::EUR,
        terms: vec![Terms { version, price, quantity: Decimal::ONE, from: sold, to: None }],
    })
}

fn day(year: i32, month: u32, day: u32) -> Result<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month, day).context("a day")
}
