//! What is left of an invoice: what it asked for, less what credit notes and later invoices gave back of its lines.

use weir_rules::credit_note::{Left, LineLeft};
use weir_rules::money::{Currency, Money};
use weir_rules::tax::{TaxCategory, TaxRate};

use super::store;
use crate::billing::{Error, Invoice};
use crate::db::TenantTx;
use crate::ids::InvoiceLineId;

/// What of an invoice can still be given back.
#[derive(Clone, Debug)]
pub struct InvoiceLeft {
    /// By line, in order.
    pub lines: Vec<InvoiceLineLeft>,
    /// Without tax.
    pub net: Money,
    /// With tax.
    pub gross: Money,
}

/// What of a line can still be given back.
#[derive(Clone, Debug)]
pub struct InvoiceLineLeft {
    /// Which.
    pub id: InvoiceLineId,
    /// Without tax; below zero for a line that gives back itself.
    pub left: Money,
}

/// What is left of an invoice.
pub async fn left_of(tx: &mut TenantTx, invoice: &Invoice) -> Result<InvoiceLeft, Error> {
    let left = rules_left(tx, invoice).await?;
    let lines = left.lines.iter().map(|line| InvoiceLineLeft { id: line.id, left: line.left }).collect();
    Ok(InvoiceLeft { lines, net: left.net()?, gross: left.gross()? })
}

/// The same, as the rules take it.
pub(super) async fn rules_left(tx: &mut TenantTx, invoice: &Invoice) -> Result<Left<InvoiceLineId>, Error> {
    let currency: Currency = invoice.summary.gross.currency();
    let mut lines = Vec::new();
    let mut elsewhere: Vec<(TaxRate, Money)> = Vec::new();
    for row in store::given(tx, invoice.summary.id).await? {
        let rate = TaxRate::new(TaxCategory::from_code(&row.tax_category)?, row.tax_rate)?;
        lines.push(LineLeft { id: row.id, rate, left: Money::new(row.net + row.given, currency)? });
        let given = Money::new(row.given_elsewhere, currency)?;
        match elsewhere.iter_mut().find(|(known, _)| *known == rate) {
            Some((_, sum)) => *sum = sum.checked_add(given)?,
            None => elsewhere.push((rate, given)),
        }
    }
    let mut taxes = Vec::new();
    for row in store::taxes_left(tx, invoice.summary.id).await? {
        let rate = TaxRate::new(TaxCategory::from_code(&row.category)?, row.rate)?;
        let of_rate = lines.iter().filter(|line| line.rate == rate).map(|line| line.left);
        let net = Money::sum(currency, of_rate)?;
        let given = elsewhere.iter().find(|(known, _)| *known == rate).map_or(Money::zero(currency), |(_, sum)| *sum);
        let left = match net.is_zero() && !given.is_zero() {
            // Another document's rounding leaves no cent of tax on nothing.
            true => Money::zero(currency),
            false => Money::new(row.left, currency)?.checked_add(rate.on_net(given)?)?,
        };
        taxes.push((rate, left));
    }
    Ok(Left { currency, lines, taxes })
}
