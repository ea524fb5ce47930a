//! Usage lines: every segment of a closed period is counted, rated against the allowance, and taken once when it is billed.
//!
//! A segment belongs to the period in which it ended; what ends exactly at a boundary belongs to the period before it.
//! Segments that arrive after their period was billed make a line of their own, rated with what was billed before.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use weir_plugin_host::call::{Attributes, UsageLine};
use weir_rules::calendar::{Period, start_of_day};
use weir_rules::money::{Currency, Money, MoneyError};
use weir_rules::traffic_price::PricedTraffic;
use weir_rules::usage::{Overage, OverageLine, RatedUsage, UsageSegment, UsageTerms, rate};

use super::account::{Draft, Facts, Traffic};
use super::error::RulesError;
use super::pricing::Prices;
use super::store::facts::{self, BilledRow, CountedRow, TermRow, Window};
use super::{Error, LineKind, LineTier, LineTiers};
use crate::catalog::TrafficPrice;
use crate::db::TenantTx;
use crate::ids::{InvoiceLineId, PlanVersionId};
use crate::plugins::PricedBy;

/// What a plan version asks for traffic.
pub(super) struct Tariff<'a> {
    pub version: PlanVersionId,
    pub plan: &'a str,
    pub allowance_bytes: Option<i64>,
    /// It is for all lines of the account on the version.
    pub shared: bool,
    pub block: Option<(i64, Decimal)>,
    pub traffic_price: Option<&'a TrafficPrice>,
    /// The price of a block includes tax.
    pub tax_included: bool,
    pub windows: &'a serde_json::Value,
}

/// Days of one plan version inside one full period.
pub(super) struct Piece<'a> {
    pub tariff: Tariff<'a>,
    pub days: Period,
    pub full: Period,
    pub billed: bool,
}

/// A closed piece, with the line it would become and when the segments that are its ended.
pub(super) struct Closed<'a> {
    piece: Piece<'a>,
    line: InvoiceLineId,
    after: Option<DateTime<Utc>>,
    until: DateTime<Utc>,
    zone: Tz,
}

impl Closed<'_> {
    /// Which segments are its.
    pub(super) fn window(&self, facts: &Facts<'_>) -> Window<'_> {
        Window {
            line: self.line,
            subscription: facts.subscription,
            after: self.after,
            until: self.until,
            zone: self.zone.name(),
            windows: self.piece.tariff.windows,
        }
    }
}

/// Every piece that is closed by `until`.
pub(super) fn closed<'a>(tx: &TenantTx, facts: &Facts<'a>, until: NaiveDate) -> Result<Vec<Closed<'a>>, Error> {
    let pieces = pieces(facts, until)?;
    let service_end = facts.terms.iter().map(|term| term.to.unwrap_or(NaiveDate::MAX)).max().unwrap_or(NaiveDate::MAX);
    let starts: Vec<_> = pieces.iter().map(|piece| piece.days.start()).collect();
    let mut closed = Vec::new();
    for (index, piece) in pieces.into_iter().enumerate() {
        if piece.full.end().min(service_end) > until {
            continue;
        }
        // The first piece reaches back and the last of an ended line goes on, so that every segment belongs to one.
        let after = if index == 0 { None } else { Some(start_of_day(piece.days.start(), facts.zone)?) };
        let until = match starts.get(index + 1) {
            Some(next) => start_of_day(*next, facts.zone)?,
            None if service_end <= until => tx.at(),
            None => start_of_day(piece.days.end(), facts.zone)?,
        };
        closed.push(Closed { piece, line: tx.new_id(), after, until, zone: facts.zone });
    }
    Ok(closed)
}

/// Adds a line for every closed piece with traffic, and for every closed piece of a plan that meters.
pub(super) async fn count(
    tx: &mut TenantTx,
    facts: &Facts<'_>,
    closed: &[Closed<'_>],
    counted: &HashMap<InvoiceLineId, CountedRow>,
    prices: &mut Prices,
    lines: &mut Vec<Draft>,
) -> Result<(), Error> {
    for closed in closed {
        if let Some(line) = line(tx, facts, closed, counted.get(&closed.line), prices).await? {
            lines.push(line);
        }
    }
    Ok(())
}

/// The pieces that begin by `until`, by date: those billed as they were billed, and what of the terms is left.
pub(super) fn pieces<'a>(facts: &Facts<'a>, until: NaiveDate) -> Result<Vec<Piece<'a>>, Error> {
    let mut pieces = Vec::new();
    let mut taken: Vec<Period> = Vec::new();
    for line in facts.billed.iter().filter(|line| line.kind == LineKind::Usage.name()) {
        let days = Period::new(line.from, line.to)?;
        if !taken.contains(&days) {
            taken.push(days);
            // As it was billed, whatever plan holds these days by now.
            let tariff = Tariff {
                version: line.version,
                plan: &line.plan,
                allowance_bytes: line.allowance_bytes,
                shared: line.allowance_shared,
                block: line.block_bytes.zip(line.block_price),
                traffic_price: line.traffic_price.as_deref(),
                tax_included: line.tax_included,
                windows: &line.windows,
            };
            pieces.push(Piece { tariff, days, full: Period::new(line.full_from, line.full_to)?, billed: true });
        }
    }
    let Some(first) = facts.terms.first().filter(|first| first.from <= until) else { return Ok(pieces) };
    for full in facts.cycle.full_periods(first.from, until)? {
        for term in facts.terms {
            let Ok(held) = Period::new(term.from.max(facts.cycle.start()), term.to.unwrap_or(NaiveDate::MAX)) else {
                continue;
            };
            let Some(days) = held.intersection(full) else { continue };
            let left = taken
                .iter()
                .fold(vec![days], |left, taken| left.into_iter().flat_map(|days| days.without(*taken)).collect());
            pieces.extend(left.into_iter().map(|days| Piece { tariff: tariff(term), days, full, billed: false }));
        }
    }
    pieces.sort_by_key(|piece| piece.days.start());
    Ok(pieces)
}

async fn line(
    tx: &mut TenantTx,
    facts: &Facts<'_>,
    closed: &Closed<'_>,
    counted: Option<&CountedRow>,
    prices: &mut Prices,
) -> Result<Option<Draft>, Error> {
    let piece = &closed.piece;
    if counted.is_none() && (piece.billed || piece.tariff.allowance_bytes.is_none()) {
        return Ok(None);
    }
    let [down_bytes, up_bytes, free_bytes] =
        counted.map_or([Decimal::ZERO; 3], |counted| [counted.down_bytes, counted.up_bytes, counted.free_bytes]);
    let (from, to) = (piece.days.start(), piece.days.end());
    let usage = facts.billed.iter().copied().filter(|line| line.kind == LineKind::Usage.name());
    let before: Vec<_> = usage.filter(|line| (line.from, line.to) == (from, to)).collect();
    let used_before = before.iter().map(|line| line.used_bytes).sum::<Decimal>();
    let rated = rated(facts, piece, [down_bytes + up_bytes - free_bytes, used_before])?;
    let charge = match priced(&piece.tariff, &rated, piece.full, facts.currency)? {
        Some(priced) => by_the_gigabyte(priced, &before, facts.currency)?,
        None => by_the_block(tx, facts, closed, (&rated, &before), prices).await?,
    };
    let asks = charge.unit_price.times(charge.quantity)?;
    // What lines share is not included once for each of them.
    let included = rated
        .allowance_bytes
        .filter(|_| !piece.tariff.shared)
        .map(|bytes| i64::try_from(bytes).map_err(|_| RulesError::Range("allowance")))
        .transpose()?;
    Ok(Some(Draft {
        id: closed.line,
        kind: LineKind::Usage,
        paid_for: None,
        subscription: Some(facts.subscription),
        version: Some(piece.tariff.version),
        description: piece.tariff.plan.to_owned(),
        period: piece.days,
        full: piece.full,
        quantity: charge.quantity,
        unit_price: charge.unit_price,
        gross: piece.tariff.tax_included.then_some(asks),
        net: asks,
        reduction: None,
        traffic: Some(Traffic {
            down_bytes: whole(down_bytes)?,
            up_bytes: whole(up_bytes)?,
            free_bytes: whole(free_bytes)?,
            included_bytes: included,
            late: piece.billed,
            tiers: charge.tiers,
            segments: counted.map_or(0, |counted| counted.segments),
            after: closed.after,
            until: closed.until,
        }),
        credits: None,
        top_up: None,
        once: None,
        rate: None,
        taxed_by: None,
        priced_by: charge.priced_by,
    }))
}

/// What a line asks for. What was charged before stays charged: this is the rest.
struct Charge {
    quantity: Decimal,
    unit_price: Money,
    tiers: Option<LineTiers>,
    priced_by: Option<PricedBy>,
}

/// The blocks that are not charged yet, at the plan's price or the one a rule sets.
async fn by_the_block(
    tx: &mut TenantTx,
    facts: &Facts<'_>,
    closed: &Closed<'_>,
    (rated, before): (&RatedUsage, &[&BilledRow]),
    prices: &mut Prices,
) -> Result<Charge, Error> {
    let nothing = Money::zero(facts.currency);
    let mut charge = Charge { quantity: Decimal::ZERO, unit_price: nothing, tiers: None, priced_by: None };
    let Some(over) = rated.line else { return Ok(charge) };
    let charged: Decimal = before.iter().map(|line| line.quantity).sum();
    (charge.quantity, charge.unit_price) = (Decimal::from(over.blocks) - charged, over.price);
    if prices.are_asked() && charge.quantity > Decimal::ZERO {
        let hours = facts::by_hour(tx, facts.subscription, closed.after, closed.until, facts.zone.name()).await?;
        if let Some(quoted) = prices.of(asked(facts, &closed.piece, rated, over, hours)?)? {
            charge.unit_price = quoted.price.unwrap_or(charge.unit_price);
            charge.priced_by = Some(quoted.by);
        }
    }
    Ok(charge)
}

/// The traffic of all lines of the piece at the prices of its tiers, less what the earlier ones asked for. Where a later tier is
/// cheaper for all of it, that may be below nothing.
fn by_the_gigabyte(priced: PricedTraffic, before: &[&BilledRow], currency: Currency) -> Result<Charge, Error> {
    let nets = before.iter().map(|line| Money::new(line.asks, currency)).collect::<Result<Vec<_>, MoneyError>>()?;
    let charged_before = Money::sum(currency, nets)?;
    let net = priced.total.checked_sub(charged_before)?;
    let parts = priced.parts.iter().map(|part| LineTier {
        gigabytes: part.units.normalize(),
        per_gigabyte: part.tier.unit.normalize(),
        fee: part.tier.flat.normalize(),
        amount: part.cost.normalize(),
    });
    let tiers = LineTiers { parts: parts.collect(), sum: priced.sum, total: priced.total, charged_before };
    Ok(Charge {
        quantity: if net.is_negative() { Decimal::NEGATIVE_ONE } else { Decimal::ONE },
        unit_price: net.abs(),
        tiers: Some(tiers),
        priced_by: None,
    })
}

/// What the traffic of rated days costs by the gigabyte, where the tariff prices it so: what is beyond the allowance, or all.
pub(super) fn priced(
    tariff: &Tariff<'_>,
    rated: &RatedUsage,
    full: Period,
    currency: Currency,
) -> Result<Option<PricedTraffic>, Error> {
    let Some(price) = tariff.traffic_price else { return Ok(None) };
    let bytes = rated.allowance_bytes.map_or(rated.used_bytes, |_| rated.over_bytes);
    Ok(Some(price.rule(currency)?.of(bytes, rated.period, full)?))
}

/// What counts in a piece against what it includes, with what was bought on top.
fn rated(facts: &Facts<'_>, piece: &Piece<'_>, used: [Decimal; 2]) -> Result<RatedUsage, Error> {
    let on = piece.days.start();
    let mut segments = Vec::new();
    for bytes in used {
        let down_bytes = bytes.to_u64().ok_or(RulesError::Range("usage"))?;
        segments.push(UsageSegment { on, down_bytes, up_bytes: 0 });
    }
    let bought = facts.top_ups.iter().filter(|top_up| piece.days.contains(top_up.sold_on));
    let bought = bought.map(|top_up| top_up.bytes.unsigned_abs()).fold(0, u64::saturating_add);
    Ok(rate(&terms(&piece.tariff, bought, facts.currency)?, piece.days, piece.full, &segments)?)
}

/// Bytes as a line of an invoice holds them; sums that do not fit stop the account, they are not cut short.
fn whole(bytes: Decimal) -> Result<i64, RulesError> {
    bytes.to_i64().ok_or(RulesError::Range("usage"))
}

/// A line with something to pay, as a rule is asked about it.
fn asked(
    facts: &Facts<'_>,
    piece: &Piece<'_>,
    rated: &RatedUsage,
    over: OverageLine,
    by_hour: Vec<u64>,
) -> Result<UsageLine, Error> {
    let instant = |day| Ok::<_, Error>(start_of_day(day, facts.zone)?.timestamp_millis().unsigned_abs());
    Ok(UsageLine {
        subscription: facts.subscription.uuid(),
        plan: piece.tariff.plan.to_owned(),
        period_start: instant(piece.days.start())?,
        period_end: instant(piece.days.end())?,
        used_bytes: rated.used_bytes,
        included_bytes: rated.allowance_bytes.unwrap_or(0),
        over_bytes: rated.over_bytes,
        block_bytes: over.block_bytes,
        blocks: over.blocks,
        unit_price: over.price.amount(),
        by_hour,
        attributes: Attributes::new(),
    })
}

fn tariff(term: &TermRow) -> Tariff<'_> {
    Tariff {
        version: term.version,
        plan: &term.plan,
        allowance_bytes: term.allowance_bytes,
        shared: term.allowance_shared,
        block: term.block_bytes.zip(term.block_price),
        traffic_price: term.traffic_price.as_deref(),
        tax_included: term.tax_included,
        windows: &term.windows,
    }
}

pub(super) fn terms(tariff: &Tariff<'_>, top_up_bytes: u64, currency: Currency) -> Result<UsageTerms, Error> {
    let bytes = |bytes: i64| u64::try_from(bytes).map_err(|_| RulesError::Range("bytes of a plan"));
    let overage = match tariff.block {
        Some((block, price)) => Some(Overage { block_bytes: bytes(block)?, price: Money::new(price, currency)? }),
        None => None,
    };
    Ok(UsageTerms { allowance_bytes: tariff.allowance_bytes.map(bytes).transpose()?, top_up_bytes, overage })
}
