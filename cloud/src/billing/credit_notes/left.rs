//! What is left of an invoice: what it asked for, less what credit notes and later invoices gave back of its lines.

use rust_decimal::Decimal;
use weir_rules::credit_note::{AmountLeft, Left, LineLeft};
use weir_rules::money::{Currency, Money};
use weir_rules::tax::{TaxCategory, TaxRate};
use weir_rules::tax_inside::Charge;

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
    /// With tax where its price includes it, without it where tax is on top; below zero for a line that gives back itself.
    pub left: Money,
}

/// What is left of an invoice.
pub async fn left_of(tx: &mut TenantTx, invoice: &Invoice) -> Result<InvoiceLeft, Error> {
    let left = rules_left(tx, invoice).await?;
    let lines = left.lines.iter().map(|line| InvoiceLineLeft { id: line.id, left: line.left() }).collect();
    Ok(InvoiceLeft { lines, net: left.net()?, gross: left.gross()? })
}

/// The same, as the rules take it.
pub(super) async fn rules_left(tx: &mut TenantTx, invoice: &Invoice) -> Result<Left<InvoiceLineId>, Error> {
    let currency: Currency = invoice.summary.gross.currency();
    let mut lines = Vec::new();
    // By rate, what was given back elsewhere of lines with tax on top, and the tax of lines that include it.
    let mut elsewhere: Vec<(TaxRate, Money, Money)> = Vec::new();
    for row in store::given(tx, invoice.summary.id).await? {
        let rate = TaxRate::new(TaxCategory::from_code(&row.tax_category)?, row.tax_rate)?;
        let left = amount_left(&row, currency)?;
        lines.push(LineLeft { id: row.id, rate, left });
        let (given, inside) = match row.gross {
            None => (row.given_elsewhere, Decimal::ZERO),
            Some(gross) => (Decimal::ZERO, gross + row.gross_given_here - row.net - row.given + row.given_elsewhere),
        };
        let (given, inside) = (Money::new(given, currency)?, Money::new(inside, currency)?);
        match elsewhere.iter_mut().find(|(known, _, _)| *known == rate) {
            Some((_, sum, tax)) => (*sum, *tax) = (sum.checked_add(given)?, tax.checked_add(inside)?),
            None => elsewhere.push((rate, given, inside)),
        }
    }
    let nothing = Money::zero(currency);
    let mut taxes = Vec::new();
    for row in store::taxes_left(tx, invoice.summary.id).await? {
        let rate = TaxRate::new(TaxCategory::from_code(&row.category)?, row.rate)?;
        let on_top = lines.iter().filter(|line| line.rate == rate && matches!(line.left, AmountLeft::OnTop(_)));
        let net = Money::sum(currency, on_top.map(LineLeft::net))?;
        let known = elsewhere.iter().find(|(known, _, _)| *known == rate);
        let (given, inside) = known.map_or((nothing, nothing), |(_, given, inside)| (*given, *inside));
        let left = match net.is_zero() && !given.is_zero() {
            // Another document's rounding leaves no cent of tax on nothing.
            true => nothing,
            false => Money::new(row.left, currency)?.checked_sub(inside)?.checked_add(rate.on_net(given)?)?,
        };
        taxes.push((rate, left));
    }
    Ok(Left { currency, lines, taxes })
}

fn amount_left(row: &store::GivenRow, currency: Currency) -> Result<AmountLeft, Error> {
    let net_left = Money::new(row.net + row.given, currency)?;
    let Some(gross) = row.gross else { return Ok(AmountLeft::OnTop(net_left)) };
    Ok(AmountLeft::Inside(Charge {
        gross: Money::new(gross, currency)?,
        net: Money::new(row.net, currency)?,
        gross_left: Money::new(gross + row.gross_given, currency)?,
        net_left,
    }))
}
