//! Examples of amounts as others want them: minor units, files for banks, account numbers.

use rust_decimal::Decimal;
use weir_rules::iban as account_number;
use weir_rules::money::Money;
use weir_rules::payment;

use super::answer::{Answer, Got};
use super::input::Input;
use super::refusal::Stop;

/// An amount in minor units, or the other way round.
pub fn minor_units(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    input.text("currency")?;
    let money = match input.maybe_money("amount", currency)? {
        Some(money) => money,
        None => {
            let units = input.number("minor_units")?.normalize();
            let whole = if units.scale() == 0 { i64::try_from(units.mantissa()).ok() } else { None };
            let whole = whole.ok_or_else(|| {
                Stop::refused(&["not_representable", "invalid_amount"], format!("{units} minor units"))
            })?;
            Money::from_minor_units(whole, currency)?
        }
    };
    Ok(Answer::default()
        .with("minor_units", money.minor_units())
        .with("amount", money)
        .with("decimals", currency.decimals()))
}

/// The header of a payment file.
pub fn control_sum(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let (count, sum) = payment::control_sum(currency, &input.moneys("amounts", currency)?)?;
    Ok(Answer::default().with("nb_of_txs", Decimal::from(count)).with("ctrl_sum", sum))
}

/// Whether a text is an account number.
pub fn iban(input: &Input<'_>) -> Result<Answer, Stop> {
    Ok(Answer::default().with("valid", Got::Flag(account_number::is_valid(input.text("iban")?))))
}
