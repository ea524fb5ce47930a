//! Tax as an authority or contract asks for it: scope and mode of rounding, several rates at once, tax inside or on top.
//!
//! Not here: categories and what EN 16931 wants of an invoice (see [`crate::tax`]), nor which rate holds where (see
//! [`crate::tax_place`]). Rates are percents of zero or more. Start with [`TaxProfile`].

use rust_decimal::Decimal;

use crate::money::{Currency, Money, MoneyError};
use crate::rounding::Rounding;

/// Why a tax could not be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaxProfileError {
    /// A rate is zero or more.
    #[error("tax rate {0} % is below zero")]
    NegativeRate(Decimal),
    /// An amount of money was refused.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// Where tax is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TaxScope {
    /// Once for each rate of an invoice, on the sum of its lines.
    #[default]
    PerInvoicePerRate,
    /// On each line.
    PerLine,
}

/// How tax is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TaxProfile {
    /// Where.
    pub scope: TaxScope,
    /// Which way.
    pub mode: Rounding,
}

/// An amount and the rate it is taxed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rated {
    /// Without tax, or with it where tax is inside.
    pub amount: Money,
    /// Zero or more.
    pub percent: Decimal,
}

/// All amounts of one rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateGroup {
    /// The rate.
    pub percent: Decimal,
    /// Without tax.
    pub base: Money,
    /// The tax on it.
    pub tax: Money,
}

/// Which of the two amounts inside a gross one is rounded; the other is the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RoundedInside {
    /// The net.
    #[default]
    Net,
    /// The tax.
    Tax,
}

impl TaxProfile {
    /// The tax on a net amount.
    pub fn tax_on(self, net: Money, percent: Decimal) -> Result<Money, TaxProfileError> {
        self.share(net, checked(percent)?, Decimal::ONE_HUNDRED)
    }

    /// Tax on top of net amounts: a group for each rate, in the order they first appear.
    pub fn exclusive(self, currency: Currency, lines: &[Rated]) -> Result<Vec<RateGroup>, TaxProfileError> {
        let mut groups = grouped(currency, lines)?;
        for group in &mut groups {
            group.tax = match self.scope {
                TaxScope::PerInvoicePerRate => self.tax_on(group.base, group.percent)?,
                TaxScope::PerLine => {
                    let of_rate = lines.iter().filter(|line| line.percent == group.percent);
                    let taxes: Result<Vec<_>, _> = of_rate.map(|line| self.tax_on(line.amount, line.percent)).collect();
                    Money::sum(currency, taxes?)?
                }
            };
        }
        Ok(groups)
    }

    /// Tax inside gross amounts, which stay as they are: a group for each rate, net and tax together its gross.
    pub fn inclusive(
        self,
        currency: Currency,
        lines: &[Rated],
        rounded: RoundedInside,
    ) -> Result<Vec<RateGroup>, TaxProfileError> {
        let mut groups = grouped(currency, lines)?;
        for group in &mut groups {
            let gross = group.base;
            let of_rate = lines.iter().filter(|line| line.percent == group.percent).map(|line| line.amount);
            let amounts: Vec<_> = match self.scope {
                TaxScope::PerInvoicePerRate => vec![gross],
                TaxScope::PerLine => of_rate.collect(),
            };
            let nets: Result<Vec<_>, _> =
                amounts.into_iter().map(|amount| self.net_inside(amount, group.percent, rounded)).collect();
            group.base = Money::sum(currency, nets?)?;
            group.tax = gross.checked_sub(group.base)?;
        }
        Ok(groups)
    }

    /// The net inside one gross amount: 2.99 at 4 % is 2.88 rounding the net and 2.87 rounding the tax.
    pub fn net_inside(self, gross: Money, percent: Decimal, rounded: RoundedInside) -> Result<Money, TaxProfileError> {
        let percent = checked(percent)?;
        let whole = percent.saturating_add(Decimal::ONE_HUNDRED);
        match rounded {
            RoundedInside::Net => self.share(gross, Decimal::ONE_HUNDRED, whole),
            RoundedInside::Tax => Ok(gross.checked_sub(self.share(gross, percent, whole)?)?),
        }
    }

    /// Several taxes on one amount, in order; compound ones are on the amount with the taxes before.
    pub fn several(self, net: Money, percents: &[Decimal], compound: bool) -> Result<Vec<Money>, TaxProfileError> {
        let mut base = net;
        let mut taxes = Vec::with_capacity(percents.len());
        for percent in percents {
            let tax = self.tax_on(base, *percent)?;
            if compound {
                base = base.checked_add(tax)?;
            }
            taxes.push(tax);
        }
        Ok(taxes)
    }

    fn share(self, amount: Money, part: Decimal, whole: Decimal) -> Result<Money, TaxProfileError> {
        let currency = amount.currency();
        let exact = amount.amount().checked_mul(part).and_then(|product| product.checked_div(whole));
        let exact = exact.ok_or(MoneyError::TooLarge(currency))?;
        Ok(Money::new(self.mode.round(exact, currency.decimals()), currency)?)
    }
}

/// The lines summed by rate, tax not yet known.
fn grouped(currency: Currency, lines: &[Rated]) -> Result<Vec<RateGroup>, TaxProfileError> {
    let mut groups: Vec<RateGroup> = Vec::new();
    for line in lines {
        let percent = checked(line.percent)?;
        let known = groups.iter_mut().find(|group| group.percent == percent);
        match known {
            Some(group) => group.base = group.base.checked_add(line.amount)?,
            None => {
                let base = Money::zero(currency).checked_add(line.amount)?;
                groups.push(RateGroup { percent, base, tax: Money::zero(currency) });
            }
        }
    }
    Ok(groups)
}

fn checked(percent: Decimal) -> Result<Decimal, TaxProfileError> {
    if percent < Decimal::ZERO { Err(TaxProfileError::NegativeRate(percent)) } else { Ok(percent) }
}

/// All tax of some groups.
pub fn total_tax(currency: Currency, groups: &[RateGroup]) -> Result<Money, MoneyError> {
    Money::sum(currency, groups.iter().map(|group| group.tax))
}

/// All bases of some groups.
pub fn total_base(currency: Currency, groups: &[RateGroup]) -> Result<Money, MoneyError> {
    Money::sum(currency, groups.iter().map(|group| group.base))
}

#[cfg(test)]
#[path = "tax_profile_tests.rs"]
mod tests;
