//! Examples of what takes an amount down: discounts, credit notes, an account's credit.

use rust_decimal::Decimal;
use weir_rules::credit_note::{AmountLeft, Left, LineLeft, Note, Wish, credit};
use weir_rules::credit_settlement::{self, PaidFrom, Settlement};
use weir_rules::discount::Discount;
use weir_rules::money::{Currency, Money};
use weir_rules::payment::apply_credit;
use weir_rules::tax::{TaxCategory, TaxRate};

use super::answer::{Answer, Got};
use super::input::Input;
use super::refusal::Stop;

fn taken(amount: Money, discount: Discount) -> Result<Answer, Stop> {
    let taken = discount.on(amount)?;
    Ok(Answer::default().with("discount", taken).with("final", amount.checked_sub(taken)?))
}

/// A discount by percent.
pub fn discount_percent(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let mut most = None;
    for key in ["maximum", "maximum_discount", "cap"] {
        most = most.or(input.maybe_money(key, currency)?);
    }
    taken(input.money("amount", currency)?, Discount::Percent { percent: input.number("percent")?, most })
}

/// A discount of an amount.
pub fn discount_fixed(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    taken(input.money("amount", currency)?, Discount::Fixed(input.money("discount", currency)?))
}

/// An amount shared out by weight.
pub fn allocation(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let parts = input.money("total", currency)?.allocate(&input.numbers("weights")?)?;
    let sum = Money::sum(currency, parts.iter().copied())?;
    Ok(Answer::default().with("parts", Got::list(parts)).with_all(&["sum", "total"], sum))
}

/// An invoice of one line, of which nothing was given back.
fn invoice(input: &Input<'_>, currency: Currency) -> Result<Left<()>, Stop> {
    let percent = input.maybe_number("tax_rate_percent")?.unwrap_or_default();
    let category = if percent.is_zero() { TaxCategory::ZeroRated } else { TaxCategory::Standard };
    let rate = TaxRate::new(category, percent)?;
    let line = LineLeft { id: (), rate, left: AmountLeft::OnTop(input.money("invoice_net", currency)?) };
    Ok(Left::whole(currency, vec![line])?)
}

/// The next note over a net amount, and what is left after it. Nothing is given back by no note at all.
fn next(left: Left<()>, net: Money) -> Result<(Note<()>, Left<()>), Stop> {
    if net.is_zero() {
        return Ok((Note { lines: Vec::new(), taxes: Vec::new(), net, tax: net, gross: net }, left));
    }
    let note = credit(&left, Wish::Lines(&[((), Some(net))]))?;
    let left = left.less(&note)?;
    Ok((note, left))
}

/// The part of a net amount that unused days of a period stand for: 29 of 30 days of 200.00 are 193.33.
fn unused(net: Money, days: u32, of: u32) -> Result<Money, Stop> {
    if of == 0 || days > of {
        return Err(Stop::refused(&["invalid_days"], format!("{days} unused days of a period of {of}")));
    }
    Ok(Money::rounded(net.amount() * Decimal::from(days) / Decimal::from(of), net.currency())?)
}

/// A credit note for unused days, or over a net amount.
pub fn note(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let whole = invoice(input, currency)?;
    let (invoice_net, invoice_tax, invoice_total) = (whole.net()?, whole.tax()?, whole.gross()?);
    let net = match input.maybe_money("credit_net", currency)? {
        Some(net) => net,
        None => unused(invoice_net, input.count("unused_days")?, input.count("period_days")?)?,
    };
    let (credit, left) = next(whole, net)?;
    Ok(Answer::default()
        .with("invoice_net", invoice_net)
        .with("invoice_tax", invoice_tax)
        .with("invoice_total", invoice_total)
        .with("credit_net", credit.net)
        .with("credit_tax", credit.tax)
        .with("credit_total", credit.gross)
        .with("remaining_creditable", left.gross()?))
}

/// Credit notes one after another.
pub fn series(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let mut left = invoice(input, currency)?;
    let (invoice_tax, invoice_total) = (left.tax()?, left.gross()?);
    let (mut notes, mut totals) = (Vec::new(), Vec::new());
    for net in input.moneys("credit_nets", currency)? {
        let (credit, rest) = next(left, net)?;
        left = rest;
        let fields = [("net", credit.net), ("tax", credit.tax), ("total", credit.gross)];
        notes.push(Got::Fields(fields.map(|(name, amount)| (name, amount.into())).to_vec()));
        totals.push(credit.gross);
    }
    Ok(Answer::default()
        .with("invoice_tax", invoice_tax)
        .with("invoice_total", invoice_total)
        .with("credits", Got::List(notes))
        .with("sum_of_credit_totals", Money::sum(currency, totals)?)
        .with("remaining_creditable", left.gross()?))
}

/// How the example says a note is settled: a word, or an object with a part for each way.
fn way(input: &Input<'_>, currency: Currency) -> Result<Settlement, Stop> {
    if input.get("settlement").is_some_and(|value| value.is_object()) {
        let parts = input.object("settlement")?;
        let part = |keys: &[&str]| -> Result<Money, Stop> {
            let found = keys.iter().find_map(|key| parts.maybe_money(key, currency).transpose()).transpose()?;
            Ok(found.unwrap_or(Money::zero(currency)))
        };
        return Ok(Settlement::Parts {
            refund: part(&["refund"])?,
            account_credit: part(&["credit", "account_credit", "credit_to_account"])?,
            invoice: part(&["offset", "invoice", "apply_to_invoice"])?,
        });
    }
    match input.text("settlement")? {
        "refund" | "refund_to_gateway" | "refund_to_original" => Ok(Settlement::Refund),
        "credit" | "account_credit" | "credit_to_account" | "credit_to_balance" | "balance" => {
            Ok(Settlement::AccountCredit)
        }
        "offset" | "invoice" | "apply_to_invoice" | "applied_to_invoice" | "offset_invoice" | "debt_cancellation" => {
            Ok(Settlement::Invoice)
        }
        other => Err(Stop::Malformed(format!("unknown \"settlement\" {other:?}"))),
    }
}

/// Where the money of a note goes.
pub fn settlement(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let amount =
        |key: &str| -> Result<Money, Stop> { Ok(input.maybe_money(key, currency)?.unwrap_or(Money::zero(currency))) };
    let paid = PaidFrom {
        invoice: input.money("invoice_total", currency)?,
        account_credit: amount("paid_from_account_credit")?,
        provider: amount("paid_by_gateway")?,
    };
    let settled = credit_settlement::settle(input.money("credit_note_total", currency)?, paid, way(input, currency)?)?;
    Ok(Answer::default()
        .with_all(&["returned_to_account_credit", "credited_to_account", "account_credit"], settled.to_account_credit)
        .with_all(&["refunded_to_gateway", "refunded"], settled.to_provider)
        .with_all(
            &["applied_to_invoice", "offset_against_invoice", "offset_to_invoice", "offset"],
            settled.off_invoice,
        ))
}

/// An account's credit pays an invoice.
pub fn account_credit(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let mut amounts = input.moneys("invoice_lines", currency)?;
    amounts.extend(input.maybe_money("tax", currency)?);
    let total = Money::sum(currency, amounts)?;
    let applied = apply_credit(input.money("account_credit", currency)?, total)?;
    Ok(Answer::default()
        .with_all(&["invoice_total", "total"], total)
        .with("credit_used", applied.used)
        .with("amount_due", applied.due)
        .with("credit_left", applied.left))
}
