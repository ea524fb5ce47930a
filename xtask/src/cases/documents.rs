//! Examples of the figures on a document: totals, the net of a line, what is to be paid.

use rust_decimal::Decimal;
use weir_rules::invoice::{self, Parts};
use weir_rules::line_net::LineNet;
use weir_rules::money::{Currency, Money};
use weir_rules::tax::{TaxCategory, TaxGroup, TaxRate, Taxable};

use super::answer::{Answer, Got};
use super::input::Input;
use super::refusal::Stop;

fn line(input: &Input<'_>, charges: &str, allowances: &str) -> Result<LineNet, Stop> {
    let number = |key: &str| input.maybe_number(key);
    Ok(LineNet {
        quantity: input.number("quantity")?,
        price: input.price("price")?,
        base_quantity: number("base_quantity")?.unwrap_or(Decimal::ONE),
        charges: number(charges)?.unwrap_or_default(),
        allowances: number(allowances)?.unwrap_or_default(),
    })
}

fn rate(input: &Input<'_>) -> Result<TaxRate, Stop> {
    let category = TaxCategory::from_code(input.maybe_text("category")?.unwrap_or("S"))?;
    Ok(TaxRate::new(category, input.maybe_number("rate_percent")?.unwrap_or_default())?)
}

/// Lines with their nets stated or computed.
fn lines(input: &Input<'_>, currency: Currency) -> Result<Vec<Taxable>, Stop> {
    let taxable = |row: Input<'_>| {
        let net = match row.maybe_money("net", currency)? {
            Some(net) => net,
            None => line(&row, "line_charges", "line_allowances")?.rounded(currency)?,
        };
        Ok(Taxable { net, rate: rate(&row)? })
    };
    input.objects("lines")?.into_iter().map(taxable).collect()
}

/// Allowances or charges of the whole document.
fn of_document(input: &Input<'_>, key: &str, currency: Currency) -> Result<Vec<Taxable>, Stop> {
    if input.get(key).is_none() {
        return Ok(Vec::new());
    }
    let taxable = |row: Input<'_>| Ok(Taxable { net: row.money("amount", currency)?, rate: rate(&row)? });
    input.objects(key)?.into_iter().map(taxable).collect()
}

/// The totals of a document.
pub fn totals(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let lines = lines(input, currency)?;
    let allowances = of_document(input, "document_allowances", currency)?;
    let charges = of_document(input, "document_charges", currency)?;
    let totals = invoice::totals(currency, &Parts { lines: &lines, allowances: &allowances, charges: &charges })?;
    let nothing = Money::zero(currency);
    let prepaid = input.maybe_money("prepaid", currency)?.unwrap_or(nothing);
    let (exact, stepped) = invoice::payable(totals.gross, prepaid, input.maybe_number("cash_step")?)?;
    let stated = ["rounding", "rounding_amount", "payable_rounding"]
        .into_iter()
        .find_map(|key| input.maybe_money(key, currency).transpose())
        .transpose()?
        .unwrap_or(nothing);
    Ok(Answer::default()
        .with("line_nets", Got::list(lines.iter().map(|line| line.net)))
        .with_all(&["sum_of_lines", "line_total"], totals.line_total)
        .with_all(&["allowance_total", "allowances_total", "sum_of_allowances"], totals.allowance_total)
        .with_all(&["charge_total", "charges_total", "sum_of_charges"], totals.charge_total)
        .with("tax_exclusive", totals.net)
        .with("breakdown", Got::AnyOrder(totals.taxes.iter().map(group).collect()))
        .with("tax_total", totals.tax)
        .with("tax_inclusive", totals.gross)
        .with("prepaid", prepaid)
        .with_all(&["rounding", "rounding_amount"], stepped.checked_add(stated)?)
        .with("payable", exact.checked_add(stated)?))
}

fn group(group: &TaxGroup) -> Got {
    let percent = group.rate.percent();
    let rate = if percent.is_zero() { Got::NoRate } else { percent.into() };
    Got::Fields(vec![
        ("category", Got::Text(group.rate.category().code().to_owned())),
        ("rate_percent", rate),
        ("base", group.base.into()),
        ("tax", group.tax.into()),
    ])
}

/// Whether a stated net is near enough to quantity and price.
pub fn line_net(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let line = line(input, "charges", "allowances")?;
    Ok(Answer::default()
        .with("accepted", line.accepts(input.money("line_net", currency)?)?)
        .with_all(&["line_net_if_rounded_half_up", "line_net"], line.rounded(currency)?))
}

/// What is to be paid in coins.
pub fn payable(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let prepaid = input.maybe_money("prepaid", currency)?.unwrap_or(Money::zero(currency));
    let gross = input.money("tax_inclusive", currency)?;
    let (payable, rounding) = invoice::payable(gross, prepaid, input.maybe_number("cash_step")?)?;
    Ok(Answer::default().with_all(&["rounding_amount", "rounding"], rounding).with("payable", payable))
}
