//! Puts on every line the rate of its place and day, and what that follows from. A charge over days that are taxed differently
//! becomes several.

use std::collections::HashMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use weir_rules::money::{Currency, Money};
use weir_rules::tax::{TaxGroup, TaxRate};
use weir_rules::tax_inside::{self, Charge};
use weir_rules::tax_liability::split_by_tax;
use weir_rules::tax_profile::TaxScope;
use weir_rules::tax_rules;

use super::account::{Draft, Drafted};
use super::store::facts::AccountRow;
use super::store::taxing as store;
use super::{Error, InvoiceTaxPart, LineKind};
use crate::db::TenantTx;
use crate::ids::{AccountId, InvoiceLineId, SubscriptionId};
use crate::taxes::{Book, ExemptionKind, Line, TaxedBy};
use crate::tenants::{self, TaxRounding};

/// Taxes the lines of accounts. What gives something back is taxed as it was charged; what has a rate keeps it.
pub(super) async fn tax<'a>(tx: &mut TenantTx, drafted: Vec<Drafted<'a>>) -> Result<Vec<Drafted<'a>>, Error> {
    let mut accounts: Vec<_> = drafted.iter().map(|(account, _)| account.id.uuid()).collect();
    accounts.extend(drafted.iter().filter_map(|(account, _)| account.payer).map(AccountId::uuid));
    let lines = drafted.iter().filter_map(|(_, lines)| lines.as_ref().ok()).flatten();
    let credited: Vec<_> = lines.filter_map(|line| line.credits).map(InvoiceLineId::uuid).collect();
    let book = Book::of(tx, &accounts).await?;
    let mut frozen = HashMap::new();
    if !credited.is_empty() {
        for row in store::frozen(tx, &credited).await? {
            frozen.insert(row.id, (charge_of(&row)?, row.taxed_by.map(|by| by.0)));
        }
    }
    let scope = scope_of(tenants::tenant(tx).await?.tax_rounding);
    let today = super::runs::today(tx).await?;
    let mut taxed = Vec::with_capacity(drafted.len());
    for (account, lines) in drafted {
        let lines = lines.and_then(|lines| {
            let mut lines = tax_lines(tx, &book, &frozen, (whose(account), today), lines)?;
            take_tax_out(&mut lines, &frozen, scope)?;
            Ok(lines)
        });
        taxed.push((account, lines));
    }
    Ok(taxed)
}

/// What is frozen on lines of which something is given back: what of it is left, where its price includes tax, and what it was
/// taxed by.
type Frozen = HashMap<InvoiceLineId, (Option<Charge>, Option<TaxedBy>)>;

fn charge_of(row: &store::FrozenRow) -> Result<Option<Charge>, Error> {
    let Some(gross) = row.gross else { return Ok(None) };
    let currency = Currency::from_code(&row.currency)?;
    Ok(Some(Charge {
        gross: Money::new(gross, currency)?,
        net: Money::new(row.net, currency)?,
        gross_left: Money::new(gross + row.gross_given, currency)?,
        net_left: Money::new(row.net + row.net_given, currency)?,
    }))
}

/// Where an ISP rounds tax.
pub(super) fn scope_of(rounding: TaxRounding) -> TaxScope {
    match rounding {
        TaxRounding::Line => TaxScope::PerLine,
        TaxRounding::Invoice => TaxScope::PerInvoicePerRate,
    }
}

/// Finds the nets of lines whose price includes tax: of what is given back, and of what is charged again of it, its share of
/// the net that was billed; of all else together what is inside.
fn take_tax_out(lines: &mut [Draft], frozen: &Frozen, scope: TaxScope) -> Result<(), Error> {
    let mut left: HashMap<InvoiceLineId, Charge> = HashMap::new();
    for line in lines.iter_mut() {
        let Some(gross) = line.gross else { continue };
        if let Some((id, charge)) = line.credits.and_then(|id| Some((id, frozen.get(&id)?.0?))) {
            line.net = -left.entry(id).or_insert(charge).give_back(-gross)?;
        }
    }
    take_tax_out_of_charges(lines, scope)
}

/// Finds the nets of charges whose price includes tax: of all together what is inside. Doing it again changes nothing.
pub(super) fn take_tax_out_of_charges(lines: &mut [Draft], scope: TaxScope) -> Result<(), Error> {
    let (mut fresh, mut grosses) = (Vec::new(), Vec::new());
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| line.credits.is_none()) {
        if let Some(charge) = line.gross.zip(line.rate) {
            fresh.push(index);
            grosses.push(charge);
        }
    }
    let Some((first, _)) = grosses.first() else { return Ok(()) };
    for (index, net) in fresh.into_iter().zip(tax_inside::nets(first.currency(), &grosses, scope)?) {
        lines[index].net = net;
    }
    Ok(())
}

/// Where an account is decides, and whether the one that is billed for it is exempt.
pub(super) fn whose(account: &AccountRow) -> Line {
    Line { account: account.id, billed: account.payer(), subscription: None }
}

/// Taxes charges by what a book says of an account.
pub(super) fn by_book(
    tx: &TenantTx,
    (book, rounding): (&Book, TaxRounding),
    whose: (Line, NaiveDate),
    lines: Vec<Draft>,
) -> Result<Vec<Draft>, Error> {
    let mut lines = tax_lines(tx, book, &HashMap::new(), whose, lines)?;
    take_tax_out(&mut lines, &HashMap::new(), scope_of(rounding))?;
    Ok(lines)
}

fn tax_lines(
    tx: &TenantTx,
    book: &Book,
    frozen: &Frozen,
    (account, today): (Line, NaiveDate),
    lines: Vec<Draft>,
) -> Result<Vec<Draft>, Error> {
    let mut taxed = Vec::with_capacity(lines.len());
    for mut line in lines {
        let whose = Line { subscription: line.subscription, ..account };
        match (line.rate, line.kind) {
            (Some(_), _) => {
                line.taxed_by = line.credits.and_then(|credited| frozen.get(&credited)?.1.clone());
                taxed.push(line);
            }
            (None, LineKind::Recurring) => taxed.extend(split(tx, book, whose, line)?),
            (None, kind) => {
                let last = line.period.end().pred_opt().unwrap_or(line.period.start());
                let on = match kind {
                    LineKind::Usage => last,
                    // Billed before its day, it is taxed as that of today.
                    LineKind::OneTime => line.period.start().min(today),
                    _ => line.period.start(),
                };
                let (rate, by) = book.taxed(whose, on)?;
                (line.rate, line.taxed_by) = (Some(rate), Some(by));
                taxed.push(line);
            }
        }
    }
    Ok(taxed)
}

/// A charge, cut where its rate changes or what that follows from; the pieces add up to it.
fn split(tx: &TenantTx, book: &Book, whose: Line, line: Draft) -> Result<Vec<Draft>, Error> {
    let mut taxes = Vec::new();
    for from in [line.period.start()].into_iter().chain(book.changes(whose, line.period)) {
        taxes.push((from, book.taxed(whose, from)?));
    }
    let cut = split_by_tax(line.asks(), line.period, &taxes)?;
    let days: Vec<_> = cut.iter().map(|(period, _, _)| Decimal::from(period.days())).collect();
    let mut reductions = match &line.reduction {
        Some(reduction) => reduction.split(&days)?.into_iter().map(Some).collect(),
        None => vec![None; cut.len()],
    };
    let mut pieces = Vec::new();
    for (index, (period, asks, (rate, by))) in cut.into_iter().enumerate() {
        let id = if index == 0 { line.id } else { tx.new_id() };
        let reduction = reductions[index].take();
        let (gross, rate, taxed_by) = (line.gross.map(|_| asks), Some(rate), Some(by));
        pieces.push(Draft { id, period, gross, net: asks, reduction, rate, taxed_by, ..line.clone() });
    }
    Ok(pieces)
}

/// What the tax of a group is called, why none is charged, and what it is made of.
pub(super) struct Group {
    pub name: String,
    pub reason: String,
    pub parts: Vec<InvoiceTaxPart>,
}

/// A line as its taxes see it.
pub(super) type Part<'a> = (TaxRate, Money, Option<&'a TaxedBy>);

/// What stands beside each of a document's taxes; `usual` is the tax of lines that no rule was about.
pub(super) fn groups(lines: &[Part<'_>], taxes: &[TaxGroup], usual: &str) -> Result<Vec<Group>, Error> {
    let of = |group: &TaxGroup| {
        let lines: Vec<_> = lines.iter().filter(|(rate, _, _)| *rate == group.rate).collect();
        let named = |(_, _, by): &&Part<'_>| by.map(TaxedBy::name).filter(|name| !name.is_empty());
        let names = joined(lines.iter().map(|line| named(line).unwrap_or_else(|| usual.to_owned())), ", ");
        let reasons = lines.iter().filter_map(|(_, _, by)| Some(by.as_ref()?.exemption.as_ref()?.reason.clone()));
        let name = if names.is_empty() { usual.to_owned() } else { names };
        Ok(Group { name, reason: joined(reasons, "; "), parts: parts(&lines, group)? })
    };
    taxes.iter().map(of).collect()
}

fn joined(texts: impl Iterator<Item = String>, with: &str) -> String {
    let mut different: Vec<String> = Vec::new();
    for text in texts {
        if !different.contains(&text) {
            different.push(text);
        }
    }
    different.join(with)
}

/// What each rule's tax is of a group's: together exactly that.
fn parts(lines: &[&Part<'_>], group: &TaxGroup) -> Result<Vec<InvoiceTaxPart>, Error> {
    let currency: Currency = group.tax.currency();
    let (mut parts, mut exact): (Vec<InvoiceTaxPart>, Vec<Decimal>) = (Vec::new(), Vec::new());
    for (_, net, by) in lines {
        for tax in by.iter().filter(|by| by.exemption.is_none()).flat_map(|by| &by.taxes) {
            let index = match parts.iter().position(|part| part.rule_id == tax.rule_id) {
                Some(index) => index,
                None => {
                    let (base, amount) = (Money::zero(currency), Money::zero(currency));
                    parts.push(InvoiceTaxPart {
                        rule_id: tax.rule_id,
                        tax: tax.tax.clone(),
                        rate: tax.rate,
                        base,
                        amount,
                    });
                    exact.push(Decimal::ZERO);
                    parts.len() - 1
                }
            };
            parts[index].base = parts[index].base.checked_add(*net)?;
            exact[index] += net.amount() * tax.share / Decimal::ONE_HUNDRED;
        }
    }
    if !parts.is_empty() {
        let amounts = tax_rules::parts(group.tax, &exact)?;
        parts.iter_mut().zip(amounts).for_each(|(part, amount)| part.amount = amount);
    }
    Ok(parts)
}

/// What identifies the buyer to the tax authorities, if a line's exemption rests on it; empty otherwise.
pub(super) fn buyer_tax_id(lines: &[Draft]) -> String {
    let exemptions = lines.iter().filter_map(|line| line.taxed_by.as_ref()?.exemption.as_ref());
    let identified = exemptions.filter(|exemption| exemption.kind != ExemptionKind::Certificate);
    identified.map(|exemption| exemption.document.clone()).next().unwrap_or_default()
}

/// What a subscription's tax is called and its rate on a day, for whoever asks before anything is billed.
pub async fn tax_of_line(
    tx: &mut TenantTx,
    subscription: SubscriptionId,
    on: NaiveDate,
) -> Result<(String, TaxRate), Error> {
    let usual = tenants::tenant(tx).await?.tax_name;
    let (book, line) = Book::of_line(tx, subscription).await?;
    let (rate, by) = book.taxed(line, on)?;
    Ok((Some(by.name()).filter(|name| !name.is_empty()).unwrap_or(usual), rate))
}
