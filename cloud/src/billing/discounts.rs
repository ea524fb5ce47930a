//! What discounts take off recurring lines: of a charge, by what holds on its days; of a credit, what its charge was less.
//!
//! A charge keeps what it was billed with: what begins or ends later reduces later charges alone.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_rules::calendar::Period;
use weir_rules::charges::NewLine;
use weir_rules::discount::{Discount, given_back};
use weir_rules::money::{Money, MoneyError};
use weir_rules::promotion::{self, Promotion};
use weir_rules::proration;
use weir_rules::rhythm::stretch_at;

use super::Error;
use super::account::{self, Draft, Facts};
use super::store::discounts::{self as store, DiscountRow};
use super::store::facts::{self, BilledRow};
use crate::db::TenantTx;
use crate::ids::{AccountId, DiscountId, InvoiceLineId, PlanVersionId, SubscriptionId};
use crate::ledger::Amount;

/// What a discount took off a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineDiscount {
    /// Which.
    pub discount_id: DiscountId,
    /// As it was called then.
    pub name: String,
    /// How much.
    #[schema(value_type = Amount)]
    pub amount: Money,
}

/// What a line is less than its price says.
#[derive(Clone, Debug)]
pub(super) struct Reduction {
    /// Below zero on a credit.
    pub total: Money,
    /// What of it is whose; not told of a credit.
    pub parts: Vec<LineDiscount>,
}

impl Reduction {
    /// What of it goes with each part of its line; together they are it.
    pub(super) fn split(&self, weights: &[Decimal]) -> Result<Vec<Self>, MoneyError> {
        if self.parts.is_empty() {
            let totals = self.total.allocate(weights)?;
            return Ok(totals.into_iter().map(|total| Self { total, parts: Vec::new() }).collect());
        }
        let nothing = Self { total: Money::zero(self.total.currency()), parts: Vec::new() };
        let mut split = vec![nothing; weights.len()];
        for part in &self.parts {
            for (piece, amount) in split.iter_mut().zip(part.amount.allocate(weights)?) {
                piece.total = piece.total.checked_add(amount)?;
                piece.parts.push(LineDiscount { amount, ..part.clone() });
            }
        }
        Ok(split)
    }
}

/// A recurring line about to be billed.
type Line = NewLine<InvoiceLineId, PlanVersionId>;

/// A charge cut on the days on which a discount begins or ends, so that all days of a piece cost the same, whatever is given
/// back or taxed of it later; anything else as it is.
pub(super) fn cut(facts: &Facts<'_>, drafts: &[Draft], line: Line) -> Result<Vec<Line>, Error> {
    if line.credits.is_some() || restated(facts, drafts, &line).is_some() {
        return Ok(vec![line]);
    }
    let turns = facts.discounts.iter().flat_map(|row| [Some(row.from), row.to]).flatten();
    let inside = turns.filter(|day| line.period.start() < *day && *day < line.period.end());
    let cuts = Vec::from_iter(BTreeSet::from_iter(inside));
    let (mut pieces, mut from) = (Vec::with_capacity(cuts.len() + 1), line.period.start());
    let ends = cuts.iter().copied().chain([line.period.end()]);
    for (amount, to) in proration::pieces(line.amount, line.period, &cuts)?.into_iter().zip(ends) {
        pieces.push(NewLine { period: Period::new(from, to)?, amount, ..line.clone() });
        from = to;
    }
    Ok(pieces)
}

/// What a derived line is less; `drafts` are the lines before it.
pub(super) fn of(facts: &Facts<'_>, drafts: &[Draft], line: &Line) -> Result<Reduction, Error> {
    if let Some(charge) = line.credits.and_then(|id| facts.billed.iter().find(|billed| billed.id == id)) {
        let total = -of_credit(facts, drafts, charge, -line.amount)?;
        return Ok(Reduction { total, parts: Vec::new() });
    }
    if let Some(taken_back) = restated(facts, drafts, line) {
        return again(facts, taken_back, line.amount);
    }
    let mut promotions = Vec::with_capacity(facts.discounts.len());
    for row in &facts.discounts {
        promotions.push(promotion(facts, row)?);
    }
    let taken = promotion::on_line(&promotions, line.amount, line.period, line.full_period)?;
    let mut reduction = Reduction { total: Money::zero(facts.currency), parts: Vec::new() };
    for (row, amount) in facts.discounts.iter().zip(taken).filter(|(_, amount)| amount.is_positive()) {
        reduction.total = reduction.total.checked_add(amount)?;
        reduction.parts.push(LineDiscount { discount_id: row.id, name: row.name.clone(), amount });
    }
    Ok(reduction)
}

fn promotion(facts: &Facts<'_>, row: &DiscountRow) -> Result<Promotion, MoneyError> {
    let money = |amount| Money::new(amount, facts.currency);
    let discount = match (row.percent, row.amount) {
        (Some(percent), _) => Discount::Percent { percent, most: row.most.map(money).transpose()? },
        (None, amount) => Discount::Fixed(money(amount.unwrap_or_default())?),
    };
    Ok(Promotion { discount, from: row.from, to: row.to })
}

/// What of a charge's reduction goes with a part of its price that is given back.
fn of_credit(facts: &Facts<'_>, drafts: &[Draft], charge: &BilledRow, now: Money) -> Result<Money, MoneyError> {
    let before = facts.billed.iter().filter(|line| line.is_of_terms() && line.credits == Some(charge.id));
    let mut before = Money::new(-before.map(|line| line.asks + line.discount).sum::<Decimal>(), now.currency())?;
    for draft in drafts.iter().filter(|draft| draft.credits == Some(charge.id) && draft.reduction.is_some()) {
        before = before.checked_sub(draft.price()?)?;
    }
    let money = |amount| Money::new(amount, now.currency());
    given_back(money(charge.asks + charge.discount)?, money(charge.discount)?, before, now)
}

/// The credit beside which a line charges the same days at the same price anew, for a cent that rounding left.
fn restated<'a>(facts: &Facts<'_>, drafts: &'a [Draft], line: &Line) -> Option<&'a Draft> {
    let mut credits = drafts.iter().filter(|draft| draft.credits.is_some() && draft.reduction.is_some());
    credits.find(|draft| {
        draft.subscription == Some(facts.subscription)
            && draft.version == Some(line.version)
            && draft.unit_price == line.price
            && draft.period == line.period
    })
}

/// What is charged anew is less by what it was less before.
fn again(facts: &Facts<'_>, taken_back: &Draft, amount: Money) -> Result<Reduction, Error> {
    let was = taken_back.reduction.as_ref().map_or(Money::zero(amount.currency()), |reduction| -reduction.total);
    let total = was.checked_min(amount)?;
    let charge = facts.billed.iter().find(|billed| Some(billed.id) == taken_back.credits);
    let parts = charge.map(|charge| charge.discounts.0.clone()).unwrap_or_default();
    if parts.is_empty() || total.is_zero() {
        return Ok(Reduction { total, parts: Vec::new() });
    }
    let weights: Vec<_> = parts.iter().map(|part| part.amount.amount()).collect();
    let shares = total.allocate(&weights)?;
    let parts = parts.into_iter().zip(shares).map(|(part, amount)| LineDiscount { amount, ..part });
    Ok(Reduction { total, parts: parts.collect() })
}

/// The first day of a subscription whose price is not billed yet; none = none was billed.
pub async fn billed_until(tx: &mut TenantTx, subscription: SubscriptionId) -> Result<Option<NaiveDate>, Error> {
    Ok(store::billed_until(tx, subscription).await?)
}

/// The first day after so many billing periods of a subscription from a day on; the one that the day is in counts.
pub async fn after_periods(
    tx: &mut TenantTx,
    account: AccountId,
    subscription: SubscriptionId,
    (from, periods): (NaiveDate, usize),
) -> Result<Option<NaiveDate>, Error> {
    let row = facts::account(tx, account).await?.ok_or(Error::AccountNotFound(account))?;
    let terms = facts::terms(tx, &[account.uuid()]).await?;
    let all = account::by_subscription(&row, (&terms, &[]), &[], account::Deals::default())?;
    let Some(facts) = all.into_iter().find(|facts| facts.subscription == subscription) else { return Ok(None) };
    let Some(stretch) = facts.stretches.get(stretch_at(&facts.stretches, from)) else { return Ok(None) };
    Ok(stretch.cycle.boundaries_after(from, periods)?.last().copied())
}
