//! Recurring lines: what should have been billed, less what was.

use std::collections::VecDeque;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use weir_rules::calendar::{Period, Timing};
use weir_rules::charges::{BilledLine, NewLine, Subscription, Terms};
use weir_rules::introductory;
use weir_rules::money::{Currency, Money, MoneyError};
use weir_rules::pause::{self, BillEffect, Pause};
use weir_rules::proration::ProrationPolicy;
use weir_rules::rhythm::derive_stretches;
use weir_rules::tax::{TaxCategory, TaxRate};
use weir_ui::i18n::t;

use super::account::{Draft, Facts};
use super::store::facts::BilledRow;
use super::{Error, LineKind, discounts};
use crate::db::TenantTx;
use crate::ids::{InvoiceLineId, PlanVersionId};

/// Adds the charges and credits due by `as_of`, by day.
pub(super) fn charge(tx: &TenantTx, facts: &Facts<'_>, as_of: NaiveDate, lines: &mut Vec<Draft>) -> Result<(), Error> {
    let subscription = subscription(facts)?;
    let mut billed = Vec::new();
    for line in facts.billed.iter().filter(|line| line.is_of_terms()) {
        billed.push(BilledLine {
            id: line.id,
            version: line.version,
            price: Money::new(line.unit_price, facts.currency)?,
            quantity: line.quantity,
            period: Period::new(line.from, line.to)?,
            amount: Money::new(line.asks + line.discount, facts.currency)?,
            credits: line.credits,
        });
    }
    let mut due = VecDeque::from(derive_stretches(&subscription, &facts.stretches, &billed, as_of)?);
    while let Some(line) = due.pop_front() {
        let mut pieces = discounts::cut(facts, lines, line)?;
        let line = pieces.remove(0);
        pieces.into_iter().rev().for_each(|piece| due.push_front(piece));
        let credited = facts.billed.iter().find(|billed| Some(billed.id) == line.credits);
        let rate = |billed: &&BilledRow| TaxRate::new(TaxCategory::from_code(&billed.tax_category)?, billed.tax_rate);
        let reduction = discounts::of(facts, lines, &line)?;
        let asks = line.amount.checked_sub(reduction.total)?;
        let twice = line.credits.map(|credited| given_twice(facts, lines, credited, asks)).transpose()?;
        let tax_included = facts.terms.iter().any(|term| term.version == line.version && term.tax_included);
        let tax_included = credited.map_or(tax_included, |billed| billed.tax_included);
        let draft = Draft {
            id: tx.new_id(),
            kind: if line.credits.is_some() { LineKind::Credit } else { LineKind::Recurring },
            paid_for: None,
            subscription: Some(facts.subscription),
            version: Some(line.version),
            description: credited.map_or_else(|| described(facts, &line), |billed| Ok(billed.description.clone()))?,
            period: line.period,
            full: credited.map_or(Ok(line.full_period), |billed| Period::new(billed.full_from, billed.full_to))?,
            quantity: line.quantity,
            unit_price: line.price,
            gross: tax_included.then_some(asks),
            net: asks,
            reduction: Some(reduction),
            traffic: None,
            credits: line.credits,
            top_up: None,
            once: None,
            rate: credited.map(rate).transpose()?,
            taxed_by: None,
            priced_by: None,
        };
        let again = twice.filter(|amount| amount.is_positive()).map(|amount| Draft {
            id: tx.new_id(),
            kind: LineKind::Correction,
            description: draft.description.clone(),
            quantity: Decimal::ONE,
            unit_price: amount,
            gross: tax_included.then_some(amount),
            net: amount,
            reduction: None,
            traffic: None,
            taxed_by: None,
            priced_by: None,
            ..draft.clone()
        });
        lines.push(draft);
        lines.extend(again);
    }
    Ok(())
}

/// What a charge is called: the plan, and which month of an introductory price it is for.
fn described(facts: &Facts<'_>, line: &NewLine<InvoiceLineId, PlanVersionId>) -> Result<String, Error> {
    let plan = facts.terms.iter().find(|term| term.version == line.version).map(|term| term.plan.clone());
    let plan = plan.unwrap_or_else(|| line.version.to_string());
    let first = facts.terms.first().filter(|first| first.version == line.version && first.from <= line.period.start());
    if first.is_none_or(|first| first.to.is_some_and(|to| to < line.period.end())) {
        return Ok(plan);
    }
    // A pause may ask another price meanwhile.
    let month = introductory::month_of(facts.cycle, &facts.phases, line.period)?;
    let Some(month) = month.filter(|month| month.price == line.price) else { return Ok(plan) };
    let which = match month.first == month.last {
        true => month.first.to_string(),
        false => format!("{}–{}", month.first, month.last),
    };
    let key = if month.of == 1 { "line-introductory-one" } else { "line-introductory" };
    let words = t(facts.language, key, &[("which", &which), ("of", &month.of.to_string())]);
    Ok(format!("{plan} · {}", words.replace(['\u{2068}', '\u{2069}'], "")))
}

fn subscription(facts: &Facts<'_>) -> Result<Subscription<PlanVersionId>, Error> {
    let mut terms = Vec::new();
    for term in facts.terms {
        let price = Money::new(term.price, Currency::from_code(&term.currency)?)?;
        terms.push(Terms { version: term.version, price, quantity: Decimal::ONE, from: term.from, to: term.to });
    }
    if !terms.is_empty() && !facts.phases.is_empty() {
        let mut began = introductory::served(facts.cycle, &terms[0], &facts.phases)?;
        // What costs nothing is not asked for, nor what follows it in its period before that begins.
        began.retain(|one| !one.price.is_zero());
        terms.splice(..1, began);
    }
    let mut pauses = Vec::with_capacity(facts.pauses.len());
    for row in &facts.pauses {
        let effect = match row.price {
            Some(price) => BillEffect::Hold { price: Money::new(price, facts.currency)? },
            None => BillEffect::Credit,
        };
        pauses.push(Pause { from: row.from, to: row.to, effect });
    }
    let terms = pause::served(&terms, &pauses)?;
    // Each stretch has its own cycle and timing.
    let (timing, policy) = (Timing::InAdvance, ProrationPolicy::ByDay);
    Ok(Subscription { cycle: facts.cycle, timing, policy, currency: facts.currency, terms })
}

/// What of a credit a credit note gave back before: together they may not give back more than was charged.
fn given_twice(facts: &Facts<'_>, drafts: &[Draft], charge: InvoiceLineId, credit: Money) -> Result<Money, MoneyError> {
    let about = facts.billed.iter().filter(|line| line.id == charge || line.credits == Some(charge));
    let billed: Decimal = about.map(|line| line.asks).sum();
    let drafted = drafts.iter().filter(|line| line.credits == Some(charge)).map(Draft::asks);
    let left =
        Money::new(billed, facts.currency)?.checked_add(Money::sum(facts.currency, drafted)?)?.checked_add(credit)?;
    (-left).checked_min(-credit)
}
