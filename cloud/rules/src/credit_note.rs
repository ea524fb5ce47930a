//! What a credit note gives back of an invoice: never more than is left, and the last one takes whatever is left.
//!
//! Not here: numbers, parties, postings. Amounts of a note are above zero. Start with [`credit`].

use crate::money::{Currency, Money, MoneyError};
use crate::tax::{TaxError, TaxGroup, TaxRate, Taxable, exclusive};

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
        /// What is left of the line, without tax.
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
    /// Its net less what was given back; below zero for a line that gives back itself.
    pub left: Money,
}

/// What is left of an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left<I> {
    /// The currency of every amount.
    pub currency: Currency,
    /// Its lines.
    pub lines: Vec<LineLeft<I>>,
    /// Tax by rate, less what was given back.
    pub taxes: Vec<(TaxRate, Money)>,
}

impl<I: Copy + Eq> Left<I> {
    /// All of an invoice of these lines.
    pub fn whole(currency: Currency, lines: Vec<LineLeft<I>>) -> Result<Left<I>, TaxError> {
        let taxed: Vec<_> = lines.iter().map(|line| Taxable { net: line.left, rate: line.rate }).collect();
        let taxes = exclusive(currency, &taxed)?.into_iter().map(|group| (group.rate, group.tax)).collect();
        Ok(Left { currency, lines, taxes })
    }

    /// What is left after one more note.
    pub fn less(mut self, note: &Note<I>) -> Result<Left<I>, MoneyError> {
        for line in &mut self.lines {
            for (_, _, net) in note.lines.iter().filter(|(id, _, _)| *id == line.id) {
                line.left = line.left.checked_sub(*net)?;
            }
        }
        for (rate, tax) in &mut self.taxes {
            for group in note.taxes.iter().filter(|group| group.rate == *rate) {
                *tax = tax.checked_sub(group.tax)?;
            }
        }
        Ok(self)
    }
}

impl<I> Left<I> {
    /// Without tax.
    pub fn net(&self) -> Result<Money, MoneyError> {
        Money::sum(self.currency, self.lines.iter().map(|line| line.left))
    }

    /// All tax.
    pub fn tax(&self) -> Result<Money, MoneyError> {
        Money::sum(self.currency, self.taxes.iter().map(|(_, tax)| *tax))
    }

    /// With tax.
    pub fn gross(&self) -> Result<Money, MoneyError> {
        self.net()?.checked_add(self.tax()?)
    }

    fn net_of(&self, rate: TaxRate) -> Result<Money, MoneyError> {
        let lines = self.lines.iter().filter(|line| line.rate == rate);
        Money::sum(self.currency, lines.map(|line| line.left))
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
    /// Amounts of lines, without tax; none = what is left of the line.
    Lines(&'a [(I, Option<Money>)]),
}

/// What a credit note gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<I> {
    /// Lines of the invoice with what is given back of each, in the invoice's order; below zero where the line itself is.
    pub lines: Vec<(I, TaxRate, Money)>,
    /// Tax by rate.
    pub taxes: Vec<TaxGroup>,
    /// Without tax.
    pub net: Money,
    /// All tax.
    pub tax: Money,
    /// With tax, above zero.
    pub gross: Money,
}

/// Gives back a part of an invoice: nets as wished, tax on their rounded sum once a rate.
///
/// A note that takes all that is left of a rate takes its remaining tax, too, so that any notes that leave nothing add up
/// to the invoice.
pub fn credit<I: Copy + Eq>(left: &Left<I>, wish: Wish<'_, I>) -> Result<Note<I>, CreditNoteError> {
    let (net_left, gross_left) = (left.net()?, left.gross()?);
    if !gross_left.is_positive() {
        return Err(CreditNoteError::NothingLeft);
    }
    let lines = match wish {
        Wish::Rest => left.lines.iter().map(|line| (line.id, line.rate, line.left)).collect(),
        Wish::Lines(wishes) => chosen(left, wishes)?,
    };
    let lines: Vec<_> = lines.into_iter().filter(|(_, _, net)| !net.is_zero()).collect();
    let mut taxes: Vec<TaxGroup> = Vec::new();
    for (_, rate, net) in &lines {
        match taxes.iter_mut().find(|group| group.rate == *rate) {
            Some(group) => group.base = group.base.checked_add(*net)?,
            None => taxes.push(TaxGroup { rate: *rate, base: *net, tax: Money::zero(left.currency) }),
        }
    }
    if matches!(wish, Wish::Rest) {
        let rest = left.taxes.iter().filter(|(rate, tax)| !tax.is_zero() && taxes.iter().all(|one| one.rate != *rate));
        let rest: Vec<_> = rest.map(|(rate, _)| *rate).collect();
        let nothing = Money::zero(left.currency);
        taxes.extend(rest.into_iter().map(|rate| TaxGroup { rate, base: nothing, tax: nothing }));
    }
    for group in &mut taxes {
        let rest = left.tax_of(group.rate);
        group.tax = if group.base == left.net_of(group.rate)? {
            rest
        } else {
            let most = rest.checked_max(Money::zero(left.currency))?;
            group.rate.on_net(group.base)?.checked_min(most)?
        };
    }
    let net = Money::sum(left.currency, lines.iter().map(|(_, _, net)| *net))?;
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

fn chosen<I: Copy + Eq>(
    left: &Left<I>,
    wishes: &[(I, Option<Money>)],
) -> Result<Vec<(I, TaxRate, Money)>, CreditNoteError> {
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
        let most = line.left.checked_max(Money::zero(left.currency))?;
        if most.is_zero() || amount.map(|amount| amount.checked_cmp(most)).transpose()?.is_some_and(|is| is.is_gt()) {
            return Err(CreditNoteError::AboveLine { wish: index, left: most });
        }
    }
    let given = left.lines.iter().filter_map(|line| {
        let (_, amount) = wishes.iter().find(|(id, _)| *id == line.id)?;
        Some((line.id, line.rate, amount.unwrap_or(line.left)))
    });
    Ok(given.collect())
}

#[cfg(test)]
#[path = "credit_note_tests.rs"]
mod tests;
