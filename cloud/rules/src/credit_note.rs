//! What a credit note gives back of an invoice: never more than is left, and the last one takes whatever is left.
//!
//! Not here: numbers, parties, postings. Amounts of a note are above zero. What is given back of a line whose price includes tax
//! is meant with tax, and takes its share of the line's net. Start with [`credit`].

use crate::money::{Currency, Money, MoneyError};
use crate::tax::{TaxError, TaxGroup, TaxRate, Taxable, exclusive};
use crate::tax_inside::Charge;

/// Why a credit note was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CreditNoteError {
    /// Everything the invoice asked for was given back already.
    #[error("nothing is left of the invoice")]
    NothingLeft,
    /// A note of nothing says nothing.
    #[error("a credit note needs a line")]
    Empty,
    /// The wish at this place, from 0, names a line the invoice does not have.
    #[error("wish {0} names no line of the invoice")]
    UnknownLine(usize),
    /// The wish at this place, from 0, names a line that another one names, too.
    #[error("wish {0} names a line twice")]
    Twice(usize),
    /// The wish at this place, from 0, is not above zero.
    #[error("wish {0} is not above zero")]
    NotPositive(usize),
    /// The wish at this place, from 0, is more than what is left of its line.
    #[error("wish {wish} is more than the {left} left of its line")]
    AboveLine {
        /// Its place.
        wish: usize,
        /// What is left of the line: with tax, if its price includes it.
        left: Money,
    },
    /// All wishes together are more than what is left of the invoice.
    #[error("together more than the {net} without tax and {gross} with tax left of the invoice")]
    AboveInvoice {
        /// What is left without tax.
        net: Money,
        /// What is left with tax.
        gross: Money,
    },
    /// Tax was refused.
    #[error(transparent)]
    Tax(#[from] TaxError),
    /// An amount of money was refused.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// A line of an invoice, as far as it was not given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineLeft<I> {
    /// Which.
    pub id: I,
    /// How it is taxed.
    pub rate: TaxRate,
    /// What is left of it; below zero for a line that gives back itself.
    pub left: AmountLeft,
}

/// What is left of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AmountLeft {
    /// Its net less what was given back: tax is on top.
    OnTop(Money),
    /// Tax is inside its price.
    Inside(Charge),
}

impl<I: Copy> LineLeft<I> {
    /// As much as can be given back of it: with tax, where tax is inside.
    pub const fn left(&self) -> Money {
        match self.left {
            AmountLeft::OnTop(net) => net,
            AmountLeft::Inside(charge) => charge.gross_left,
        }
    }

    /// What of it is no tax.
    pub const fn net(&self) -> Money {
        match self.left {
            AmountLeft::OnTop(net) => net,
            AmountLeft::Inside(charge) => charge.net_left,
        }
    }

    const fn is_on_top(&self) -> bool {
        matches!(self.left, AmountLeft::OnTop(_))
    }

    /// What giving back an amount of it comes to.
    fn giving(&self, amount: Money) -> Result<Given<I>, MoneyError> {
        let (net, gross) = match self.left {
            AmountLeft::OnTop(_) => (amount, None),
            AmountLeft::Inside(mut charge) => (charge.give_back(amount)?, Some(amount)),
        };
        Ok(Given { id: self.id, rate: self.rate, net, gross })
    }
}

/// What is left of an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left<I> {
    /// The currency of every amount.
    pub currency: Currency,
    /// Its lines.
    pub lines: Vec<LineLeft<I>>,
    /// Tax on top by rate, less what was given back.
    pub taxes: Vec<(TaxRate, Money)>,
}

impl<I: Copy + Eq> Left<I> {
    /// All of an invoice of these lines.
    pub fn whole(currency: Currency, lines: Vec<LineLeft<I>>) -> Result<Left<I>, TaxError> {
        let on_top = lines.iter().filter(|line| line.is_on_top());
        let taxed: Vec<_> = on_top.map(|line| Taxable { net: line.net(), rate: line.rate }).collect();
        let taxes = exclusive(currency, &taxed)?.into_iter().map(|group| (group.rate, group.tax)).collect();
        Ok(Left { currency, lines, taxes })
    }

    /// What is left after one more note.
    pub fn less(mut self, note: &Note<I>) -> Result<Left<I>, MoneyError> {
        for (rate, tax) in &mut self.taxes {
            for group in note.taxes.iter().filter(|group| group.rate == *rate) {
                let given = note.lines.iter().filter(|given| given.rate == *rate);
                *tax = tax.checked_sub(group.tax)?.checked_add(inside(self.currency, given)?)?;
            }
        }
        for line in &mut self.lines {
            for given in note.lines.iter().filter(|given| given.id == line.id) {
                match &mut line.left {
                    AmountLeft::OnTop(net) => *net = net.checked_sub(given.net)?,
                    AmountLeft::Inside(charge) => {
                        charge.give_back(given.gross.unwrap_or(given.net))?;
                    }
                }
            }
        }
        Ok(self)
    }
}

impl<I: Copy> Left<I> {
    /// Without tax.
    pub fn net(&self) -> Result<Money, MoneyError> {
        Money::sum(self.currency, self.lines.iter().map(LineLeft::net))
    }

    /// All tax.
    pub fn tax(&self) -> Result<Money, MoneyError> {
        let mut tax = Money::sum(self.currency, self.taxes.iter().map(|(_, tax)| *tax))?;
        for line in &self.lines {
            if let AmountLeft::Inside(charge) = line.left {
                tax = tax.checked_add(charge.tax_left()?)?;
            }
        }
        Ok(tax)
    }

    /// With tax.
    pub fn gross(&self) -> Result<Money, MoneyError> {
        self.net()?.checked_add(self.tax()?)
    }

    /// The nets of a rate that tax is on top of.
    fn net_of(&self, rate: TaxRate) -> Result<Money, MoneyError> {
        let lines = self.lines.iter().filter(|line| line.rate == rate && line.is_on_top());
        Money::sum(self.currency, lines.map(LineLeft::net))
    }

    fn tax_of(&self, rate: TaxRate) -> Money {
        let found = self.taxes.iter().find(|(known, _)| *known == rate);
        found.map_or(Money::zero(self.currency), |(_, tax)| *tax)
    }
}

/// What is to be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish<'a, I> {
    /// Whatever is left of every line.
    Rest,
    /// Amounts of lines, with tax where their price includes it; none = what is left of the line.
    Lines(&'a [(I, Option<Money>)]),
}

/// What is given back of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given<I> {
    /// Which.
    pub id: I,
    /// How it is taxed.
    pub rate: TaxRate,
    /// Without tax; below zero where the line itself is.
    pub net: Money,
    /// With tax, where the line's price includes it.
    pub gross: Option<Money>,
}

/// The tax inside of what is given back of lines whose price includes it.
fn inside<'a, I: 'a>(currency: Currency, lines: impl Iterator<Item = &'a Given<I>>) -> Result<Money, MoneyError> {
    let taxes = lines.filter_map(|given| given.gross.map(|gross| gross.checked_sub(given.net)));
    Money::sum(currency, taxes.collect::<Result<Vec<_>, _>>()?)
}

/// What a credit note gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<I> {
    /// Lines of the invoice with what is given back of each, in the invoice's order.
    pub lines: Vec<Given<I>>,
    /// Tax by rate.
    pub taxes: Vec<TaxGroup>,
    /// Without tax.
    pub net: Money,
    /// All tax.
    pub tax: Money,
    /// With tax, above zero.
    pub gross: Money,
}

/// Gives back a part of an invoice: amounts as wished, tax on top on their rounded sum once a rate, tax inside with its line.
///
/// A note that takes all that is left of a rate takes its remaining tax, too, so that any notes that leave nothing add up
/// to the invoice.
pub fn credit<I: Copy + Eq>(left: &Left<I>, wish: Wish<'_, I>) -> Result<Note<I>, CreditNoteError> {
    let (net_left, gross_left) = (left.net()?, left.gross()?);
    if !gross_left.is_positive() {
        return Err(CreditNoteError::NothingLeft);
    }
    let lines: Vec<Given<I>> = match wish {
        Wish::Rest => left.lines.iter().map(|line| line.giving(line.left())).collect::<Result<_, _>>()?,
        Wish::Lines(wishes) => chosen(left, wishes)?,
    };
    let lines: Vec<_> = lines.into_iter().filter(|given| !given.gross.unwrap_or(given.net).is_zero()).collect();
    let taxes = taxes_of(left, &lines, matches!(wish, Wish::Rest))?;
    let net = Money::sum(left.currency, lines.iter().map(|given| given.net))?;
    let tax = Money::sum(left.currency, taxes.iter().map(|group| group.tax))?;
    let gross = net.checked_add(tax)?;
    if !gross.is_positive() {
        return Err(CreditNoteError::Empty);
    }
    if net.checked_cmp(net_left)?.is_gt() || gross.checked_cmp(gross_left)?.is_gt() {
        return Err(CreditNoteError::AboveInvoice { net: net_left, gross: gross_left });
    }
    Ok(Note { lines, taxes, net, tax, gross })
}

/// The tax of what is given back, by rate; of all that is left, that of rates of which no line is left, too.
fn taxes_of<I: Copy + Eq>(left: &Left<I>, lines: &[Given<I>], all: bool) -> Result<Vec<TaxGroup>, CreditNoteError> {
    let nothing = Money::zero(left.currency);
    let mut taxes: Vec<TaxGroup> = Vec::new();
    for given in lines {
        match taxes.iter_mut().find(|group| group.rate == given.rate) {
            Some(group) => group.base = group.base.checked_add(given.net)?,
            None => taxes.push(TaxGroup { rate: given.rate, base: given.net, tax: nothing }),
        }
    }
    if all {
        let rest = left.taxes.iter().filter(|(rate, tax)| !tax.is_zero() && taxes.iter().all(|one| one.rate != *rate));
        let rest: Vec<_> = rest.map(|(rate, _)| *rate).collect();
        taxes.extend(rest.into_iter().map(|rate| TaxGroup { rate, base: nothing, tax: nothing }));
    }
    for group in &mut taxes {
        let of_rate = || lines.iter().filter(|given| given.rate == group.rate);
        let net = of_rate().filter(|given| given.gross.is_none()).map(|given| given.net);
        let net = Money::sum(left.currency, net)?;
        let rest = left.tax_of(group.rate);
        let on_top = if net == left.net_of(group.rate)? {
            rest
        } else {
            group.rate.on_net(net)?.checked_min(rest.checked_max(nothing)?)?
        };
        group.tax = on_top.checked_add(inside(left.currency, of_rate())?)?;
    }
    Ok(taxes)
}

fn chosen<I: Copy + Eq>(left: &Left<I>, wishes: &[(I, Option<Money>)]) -> Result<Vec<Given<I>>, CreditNoteError> {
    if wishes.is_empty() {
        return Err(CreditNoteError::Empty);
    }
    for (index, (id, amount)) in wishes.iter().enumerate() {
        let line = left.lines.iter().find(|line| line.id == *id).ok_or(CreditNoteError::UnknownLine(index))?;
        if wishes[..index].iter().any(|(before, _)| before == id) {
            return Err(CreditNoteError::Twice(index));
        }
        if amount.is_some_and(|amount| !amount.is_positive()) {
            return Err(CreditNoteError::NotPositive(index));
        }
        let most = line.left().checked_max(Money::zero(left.currency))?;
        if most.is_zero() || amount.map(|amount| amount.checked_cmp(most)).transpose()?.is_some_and(|is| is.is_gt()) {
            return Err(CreditNoteError::AboveLine { wish: index, left: most });
        }
    }
    let mut given = Vec::with_capacity(wishes.len());
    for line in &left.lines {
        if let Some((_, amount)) = wishes.iter().find(|(id, _)| *id == line.id) {
            given.push(line.giving(amount.unwrap_or(line.left()))?);
        }
    }
    Ok(given)
}

#[cfg(test)]
#[path = "credit_note_tests.rs"]
mod tests;
