//! Examples of what takes an amount down: discounts, credit notes, an account's credit.

use weir_rules::credit_settlement::{self, Creditable, PaidFrom, Settlement, Taxed};
use weir_rules::discount::Discount;
use weir_rules::money::{Currency, Money};
use weir_rules::payment::apply_credit;

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

fn invoice(input: &Input<'_>, currency: Currency) -> Result<Creditable, Stop> {
    let rate = input.maybe_number("tax_rate_percent")?.unwrap_or_default();
    Ok(Creditable::whole(input.money("invoice_net", currency)?, rate)?)
}

/// A credit note for unused days, or over a net amount.
pub fn note(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let mut invoice = invoice(input, currency)?;
    let whole = invoice.left();
    let net = match input.maybe_money("credit_net", currency)? {
        Some(net) => net,
        None => credit_settlement::unused_net(whole.net, input.count("unused_days")?, input.count("period_days")?)?,
    };
    let credit = invoice.credit(net)?;
    Ok(Answer::default()
        .with("invoice_net", whole.net)
        .with("invoice_tax", whole.tax)
        .with("invoice_total", whole.total()?)
        .with("credit_net", credit.net)
        .with("credit_tax", credit.tax)
        .with("credit_total", credit.total()?)
        .with("remaining_creditable", invoice.left().total()?))
}

/// Credit notes one after another.
pub fn series(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let mut invoice = invoice(input, currency)?;
    let whole = invoice.left();
    let (mut notes, mut totals) = (Vec::new(), Vec::new());
    for net in input.moneys("credit_nets", currency)? {
        let credit: Taxed = invoice.credit(net)?;
        let total = credit.total()?;
        notes.push(Got::Fields(vec![("net", credit.net.into()), ("tax", credit.tax.into()), ("total", total.into())]));
        totals.push(total);
    }
    Ok(Answer::default()
        .with("invoice_tax", whole.tax)
        .with("invoice_total", whole.total()?)
        .with("credits", Got::List(notes))
        .with("sum_of_credit_totals", Money::sum(currency, totals)?)
        .with("remaining_creditable", invoice.left().total()?))
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
