//! Prices that include tax: the gross stays as it is, and net and tax are what it is made of.
//!
//! Not here: what a price comes to for some days, or what a discount takes off it; those are reckoned with tax, before. What is
//! given back of a charge takes the same share of its net, so that all of it given back, in whatever parts, is all of its net.
//! Start with [`nets`] and [`totals`].

use rust_decimal::Decimal;

use crate::invoice::{InvoiceError, Parts, Totals, rounded_by_line};
use crate::money::{Currency, Money, MoneyError};
use crate::tax::{TaxError, TaxRate, Taxable, inclusive};
use crate::tax_profile::TaxScope;

/// The nets inside gross amounts, in their order: zero or more each, and at most the gross, if the gross is zero or more.
///
/// Rounded on each line, or once for each rate: then the nets of a rate add up to the net inside the sum of its grosses, and
/// those whose own rounding was farthest off take the odd cents. Twice 29.90 at 19 % is 25.12 and 25.13, for 50.25 is in 59.80.
pub fn nets(currency: Currency, grosses: &[(Money, TaxRate)], scope: TaxScope) -> Result<Vec<Money>, TaxError> {
    let mut nets = grosses
        .iter()
        .map(|(gross, rate)| Ok(inclusive(*gross, *rate)?.0))
        .collect::<Result<Vec<Money>, TaxError>>()?;
    if scope == TaxScope::PerLine {
        return Ok(nets);
    }
    for (index, (_, rate)) in grosses.iter().enumerate() {
        if grosses[..index].iter().any(|(_, before)| before == rate) {
            continue;
        }
        let of_rate: Vec<_> = (index..grosses.len()).filter(|other| grosses[*other].1 == *rate).collect();
        let gross = Money::sum(currency, of_rate.iter().map(|line| grosses[*line].0))?;
        let odd =
            inclusive(gross, *rate)?.0.checked_sub(Money::sum(currency, of_rate.iter().map(|line| nets[*line]))?)?;
        give(odd, grosses, &of_rate, &mut nets)?;
    }
    Ok(nets)
}

/// Gives odd cents to the lines whose own rounding left most of one.
fn give(odd: Money, grosses: &[(Money, TaxRate)], lines: &[usize], nets: &mut [Money]) -> Result<(), MoneyError> {
    let currency = odd.currency();
    let too_large = || MoneyError::TooLarge(currency);
    let mut off = Vec::with_capacity(lines.len());
    for line in lines {
        let (gross, rate) = grosses[*line];
        // Times the whole, so that nothing is divided, and equal ones compare equal.
        let exact = gross.amount().checked_mul(Decimal::ONE_HUNDRED).ok_or_else(too_large)?;
        let whole = Decimal::ONE_HUNDRED + rate.percent();
        let rounded = nets[*line].amount().checked_mul(whole).ok_or_else(too_large)?;
        off.push((exact - rounded, *line));
    }
    let up = odd.is_positive();
    off.sort_by(|a, b| if up { b.0.cmp(&a.0) } else { a.0.cmp(&b.0) }.then(a.1.cmp(&b.1)));
    let unit = Money::from_minor_units(if up { 1 } else { -1 }, currency)?;
    for (_, line) in off.into_iter().take(usize::try_from(odd.minor_units().unsigned_abs()).unwrap_or(usize::MAX)) {
        nets[line] = nets[line].checked_add(unit)?;
    }
    Ok(())
}

/// A charge whose price includes tax, as it was billed, and what of it was not given back yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charge {
    /// What was asked for, with tax.
    pub gross: Money,
    /// What of it is no tax.
    pub net: Money,
    /// The gross that is left.
    pub gross_left: Money,
    /// The net that is left.
    pub net_left: Money,
}

impl Charge {
    /// One of which nothing was given back.
    pub const fn whole(gross: Money, net: Money) -> Charge {
        Charge { gross, net, gross_left: gross, net_left: net }
    }

    /// Gives back so much with tax, or charges it again where it is below zero; answers with the net of that.
    ///
    /// What is left has the same share of the charge's net as of its gross, rounded; what is given back is the rest.
    pub fn give_back(&mut self, gross: Money) -> Result<Money, MoneyError> {
        let gross_left = self.gross_left.checked_sub(gross)?;
        let net_left = match self.gross.is_zero() {
            true => Money::zero(gross.currency()),
            false => self.net.times_ratio(gross_left.amount(), self.gross.amount())?,
        };
        let net = self.net_left.checked_sub(net_left)?;
        (self.gross_left, self.net_left) = (gross_left, net_left);
        Ok(net)
    }

    /// The tax in what is left.
    pub fn tax_left(&self) -> Result<Money, MoneyError> {
        self.gross_left.checked_sub(self.net_left)
    }
}

/// A line of a document: its net and rate, and its gross where its price includes tax.
pub type Line = (Taxable, Option<Money>);

/// Adds up a document of lines with tax on top and lines with tax inside.
///
/// Tax on top is rounded once a rate, or on each line; tax inside is what the line's gross is more than its net.
pub fn totals(currency: Currency, lines: &[Line], scope: TaxScope) -> Result<Totals, InvoiceError> {
    let all: Vec<_> = lines.iter().map(|(taxable, _)| *taxable).collect();
    let on_top: Vec<_> = lines.iter().filter(|(_, gross)| gross.is_none()).map(|(taxable, _)| *taxable).collect();
    let mut totals = crate::invoice::totals(currency, &Parts { lines: &all, ..Parts::default() })?;
    if on_top.len() == all.len() {
        return if scope == TaxScope::PerLine { rounded_by_line(totals, &all) } else { Ok(totals) };
    }
    let mut added = crate::invoice::totals(currency, &Parts { lines: &on_top, ..Parts::default() })?;
    if scope == TaxScope::PerLine {
        added = rounded_by_line(added, &on_top)?;
    }
    for group in &mut totals.taxes {
        let on_top = added.taxes.iter().find(|added| added.rate == group.rate).map(|added| added.tax);
        group.tax = on_top.unwrap_or(Money::zero(currency));
        for (line, gross) in lines.iter().filter(|(line, _)| line.rate == group.rate) {
            if let Some(gross) = gross {
                group.tax = group.tax.checked_add(gross.checked_sub(line.net)?)?;
            }
        }
    }
    totals.tax = Money::sum(currency, totals.taxes.iter().map(|group| group.tax))?;
    totals.gross = totals.net.checked_add(totals.tax)?;
    Ok(totals)
}

#[cfg(test)]
#[path = "tax_inside_tests.rs"]
mod tests;
