//! The first answer: what is known of a line, an account and a router becomes an ordered list of findings.
//!
//! The first finding is the answer; the others stand behind it. A finding is the name of a message and its arguments,
//! so that everybody reads it in their own language. Nothing is guessed: a fact that is not known finds nothing.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::access::{Access, HoldKind};
use crate::money::Money;

/// Percent of a rate from which a line or a router counts as full.
const FULL_PERCENT: u64 = 90;
/// Percent of an allowance from which it is nearly used up.
const NEARLY_PERCENT: u64 = 90;
/// A line in use that was quiet for so long is silent.
const SILENT_AFTER: TimeDelta = TimeDelta::hours(24);

/// What is known; `None` where nothing is.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The instant the facts were read.
    pub now: DateTime<Utc>,
    /// What is owed and paid.
    pub account: Option<AccountFacts>,
    /// The line.
    pub line: Option<LineFacts>,
    /// The router that serves it.
    pub router: Option<RouterFacts>,
    /// A problem known to touch others there: the number of its ticket, and since when.
    pub outage: Option<(String, DateTime<Utc>)>,
}

/// What is owed, and what is on its way.
#[derive(Debug, Clone, Default)]
pub struct AccountFacts {
    /// The oldest invoice past due.
    pub overdue: Option<OverdueInvoice>,
    /// What was paid and is not confirmed yet.
    pub pending: Option<Money>,
    /// Where to pay; empty if nowhere.
    pub pay_url: String,
}

/// An invoice past due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverdueInvoice {
    /// Its number.
    pub number: String,
    /// What is left to pay.
    pub open: Money,
    /// The day it was due.
    pub due_on: NaiveDate,
}

/// Toward the subscriber and from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rates {
    /// Toward the subscriber, bits per second.
    pub down_bps: u64,
    /// From the subscriber, bits per second.
    pub up_bps: u64,
}

/// What was sold, what the line may do, and what it does.
#[derive(Debug, Clone, Default)]
pub struct LineFacts {
    /// The day service begins, while it has not.
    pub begins_on: Option<NaiveDate>,
    /// The day service ended, once it has.
    pub ended_on: Option<NaiveDate>,
    /// The strictest hold in force.
    pub hold: Option<HoldFacts>,
    /// What was sold.
    pub sold: Rates,
    /// What the router does with the line, if that is not what it should: `None` while they agree or before its first report.
    pub differs: Option<Differs>,
    /// What it moves now.
    pub now: Option<Rates>,
    /// What it moved in all but the busiest twentieth of the last day.
    pub p95: Option<Rates>,
    /// When it last moved anything.
    pub last_traffic_at: Option<DateTime<Utc>>,
    /// The allowance of this period.
    pub allowance: Option<AllowanceFacts>,
}

/// A hold in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldFacts {
    /// Why.
    pub kind: HoldKind,
    /// What it does.
    pub effect: Access,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it ends by itself.
    pub until: Option<DateTime<Utc>>,
}

/// What the router does instead of what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differs {
    /// Why, a stable name; empty while it is only late.
    pub code: String,
    /// When the router told us; `None` before its first report of the line.
    pub reported_at: Option<DateTime<Utc>>,
}

/// An allowance and what of it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowanceFacts {
    /// Bytes used in this period.
    pub used_bytes: u64,
    /// Bytes included.
    pub included_bytes: u64,
    /// The day the next period begins.
    pub resets_on: NaiveDate,
}

/// The router that serves a line.
#[derive(Debug, Clone, Default)]
pub struct RouterFacts {
    /// Its name.
    pub name: String,
    /// Whether its agent talks to us.
    pub connected: bool,
    /// When it last did.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// What all its lines move now.
    pub now: Option<Rates>,
    /// What it can move; zero where there is no limit.
    pub capacity: Rates,
}

/// An argument of a message, to be written as its readers write such things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// As it is.
    Text(String),
    /// An amount.
    Money(Money),
    /// An instant.
    At(DateTime<Utc>),
    /// A day.
    On(NaiveDate),
    /// Bits per second.
    Rate(u64),
    /// A volume.
    Bytes(u64),
    /// Parts of a hundred.
    Percent(u64),
    /// The name of another message.
    Key(&'static str),
}

/// How sure it is that this is what the subscriber notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It explains the problem.
    Cause,
    /// It may explain it.
    Hint,
    /// Nothing is wrong that we can see.
    Clear,
}

/// Where the evidence of a finding is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// The account and its invoices.
    Account,
    /// The line with its holds and traffic.
    Line,
    /// The router.
    Router,
    /// The ticket about the same problem.
    Outage,
    /// Nowhere.
    Nothing,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Names the message: `answer-<code>`.
    pub code: &'static str,
    /// What it says of the problem.
    pub weight: Weight,
    /// Where to look.
    pub evidence: Evidence,
    /// The message's arguments.
    pub arguments: Vec<(&'static str, Value)>,
}

impl Finding {
    fn new<const N: usize>(
        code: &'static str,
        weight: Weight,
        evidence: Evidence,
        arguments: [(&'static str, Value); N],
    ) -> Self {
        Self { code, weight, evidence, arguments: arguments.into() }
    }
}

/// What is likely wrong, the most likely first; never empty.
///
/// What we did ourselves comes first, then what keeps the line from working, then what makes it slow, then what may soon.
pub fn diagnose(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    let served = served(facts, &mut found);
    if served {
        held(facts, &mut found);
        reached(facts, &mut found);
        full(facts, &mut found);
        silent(facts, &mut found);
        used(facts, &mut found);
    }
    owed(facts, &mut found);
    found.sort_by_key(|finding| finding.weight);
    if found.iter().all(|finding| finding.weight == Weight::Hint) && facts.account.is_none() && facts.line.is_none() {
        found.push(Finding::new("unknown", Weight::Clear, Evidence::Nothing, []));
    } else if found.is_empty() {
        let evidence = if facts.line.is_some() { Evidence::Line } else { Evidence::Account };
        found.push(Finding::new("healthy", Weight::Clear, evidence, []));
    }
    found
}

/// Whether the line is served on this day; says why if it is not.
fn served(facts: &Facts, found: &mut Vec<Finding>) -> bool {
    let Some(line) = &facts.line else { return true };
    if let Some(day) = line.ended_on {
        found.push(Finding::new("ended", Weight::Cause, Evidence::Line, [("day", Value::On(day))]));
    } else if let Some(day) = line.begins_on {
        found.push(Finding::new("not-begun", Weight::Cause, Evidence::Line, [("day", Value::On(day))]));
    }
    line.ended_on.is_none() && line.begins_on.is_none()
}

fn held(facts: &Facts, found: &mut Vec<Finding>) {
    let Some(hold) = facts.line.as_ref().and_then(|line| line.hold) else { return };
    if hold.kind == HoldKind::Unpaid {
        return found.push(unpaid(facts, hold));
    }
    let code = match hold.kind {
        HoldKind::Quota => "quota",
        HoldKind::Fraud => "fraud",
        HoldKind::Abuse => "abuse",
        HoldKind::Seasonal => "seasonal",
        HoldKind::Manual | HoldKind::Unpaid => "held",
    };
    let mut finding = Finding::new(code, Weight::Cause, Evidence::Line, [("since", Value::At(hold.since))]);
    finding.arguments.push(("access", Value::Key(access_key(hold.effect))));
    match hold.until {
        Some(until) => finding.arguments.push(("until", Value::At(until))),
        None => finding.arguments.push(("until", Value::Key("answer-until-lifted"))),
    }
    found.push(finding);
}

fn unpaid(facts: &Facts, hold: HoldFacts) -> Finding {
    let access = ("access", Value::Key(access_key(hold.effect)));
    let account = facts.account.as_ref();
    if let Some(amount) = account.and_then(|account| account.pending) {
        let arguments = [access, ("amount", Value::Money(amount))];
        return Finding::new("payment-pending", Weight::Cause, Evidence::Account, arguments);
    }
    let Some(invoice) = account.and_then(|account| account.overdue.clone()) else {
        // Held for a debt that is not there: ours to mend.
        return Finding::new("held-without-debt", Weight::Cause, Evidence::Line, [access]);
    };
    let pay_url = account.map(|account| account.pay_url.clone()).unwrap_or_default();
    let mut finding = Finding::new(
        if pay_url.is_empty() { "unpaid" } else { "unpaid-pay" },
        Weight::Cause,
        Evidence::Account,
        [access],
    );
    finding.arguments.extend([
        ("invoice", Value::Text(invoice.number)),
        ("amount", Value::Money(invoice.open)),
        ("due", Value::On(invoice.due_on)),
    ]);
    if !pay_url.is_empty() {
        finding.arguments.push(("url", Value::Text(pay_url)));
    }
    finding
}

fn access_key(access: Access) -> &'static str {
    match access {
        Access::Open => "answer-access-open",
        Access::Throttled => "answer-access-throttled",
        Access::WalledGarden => "answer-access-walled_garden",
        Access::Closed => "answer-access-closed",
    }
}

/// What keeps the line from being what it should be.
fn reached(facts: &Facts, found: &mut Vec<Finding>) {
    if let Some((number, since)) = &facts.outage {
        let arguments = [("ticket", Value::Text(number.clone())), ("since", Value::At(*since))];
        found.push(Finding::new("outage", Weight::Cause, Evidence::Outage, arguments));
    }
    let Some(router) = &facts.router else { return };
    let name = || ("router", Value::Text(router.name.clone()));
    if !router.connected {
        let finding = match router.last_seen_at {
            Some(at) => {
                let arguments = [name(), ("since", Value::At(at))];
                Finding::new("router-unreachable", Weight::Cause, Evidence::Router, arguments)
            }
            None => Finding::new("router-never-seen", Weight::Cause, Evidence::Router, [name()]),
        };
        found.push(finding);
    } else if let Some(differs) = facts.line.as_ref().and_then(|line| line.differs.as_ref()) {
        let code = if differs.code.is_empty() { "not-applied-yet" } else { "not-applied" };
        found.push(Finding::new(code, Weight::Cause, Evidence::Router, [name()]));
    }
}

/// What makes the line slow: itself, or its router.
fn full(facts: &Facts, found: &mut Vec<Finding>) {
    let open = facts.line.as_ref().filter(|line| line.hold.is_none());
    if let Some(line) = open {
        if let Some((direction, rate, sold)) = line.now.and_then(|now| fullest(now, line.sold)) {
            let arguments = [direction, ("rate", Value::Rate(rate)), ("sold", Value::Rate(sold))];
            found.push(Finding::new("line-full", Weight::Cause, Evidence::Line, arguments));
        } else if let Some((direction, rate, sold)) = line.p95.and_then(|p95| fullest(p95, line.sold)) {
            let arguments = [direction, ("rate", Value::Rate(rate)), ("sold", Value::Rate(sold))];
            found.push(Finding::new("often-full", Weight::Hint, Evidence::Line, arguments));
        }
    }
    let Some(router) = facts.router.as_ref().filter(|router| router.connected) else { return };
    if let Some((direction, rate, capacity)) = router.now.and_then(|now| fullest(now, router.capacity)) {
        let load = rate.saturating_mul(100) / capacity.max(1);
        let arguments = [direction, ("router", Value::Text(router.name.clone())), ("load", Value::Percent(load))];
        found.push(Finding::new("router-full", Weight::Cause, Evidence::Router, arguments));
    }
}

/// The direction nearest its limit, if it is near: the argument that names it, the rate and the limit.
fn fullest(rates: Rates, limits: Rates) -> Option<((&'static str, Value), u64, u64)> {
    let ways = [("answer-down", rates.down_bps, limits.down_bps), ("answer-up", rates.up_bps, limits.up_bps)];
    let near = |(_, rate, limit): &(&str, u64, u64)| {
        *limit > 0 && u128::from(*rate) * 100 >= u128::from(*limit) * u128::from(FULL_PERCENT)
    };
    // Compared by cross-multiplication: shares of two different limits.
    let share = |a: &(&str, u64, u64), b: &(&str, u64, u64)| {
        (u128::from(a.1) * u128::from(b.2)).cmp(&(u128::from(b.1) * u128::from(a.2)))
    };
    let (key, rate, limit) = ways.into_iter().filter(near).max_by(share)?;
    Some((("direction", Value::Key(key)), rate, limit))
}

/// Whether a line that was in use has gone quiet while everything before it works.
fn silent(facts: &Facts, found: &mut Vec<Finding>) {
    let reachable = facts.router.as_ref().is_some_and(|router| router.connected);
    let Some(line) = facts.line.as_ref().filter(|line| line.hold.is_none()) else { return };
    let Some(last) = line.last_traffic_at.filter(|last| reachable && facts.now - *last >= SILENT_AFTER) else { return };
    found.push(Finding::new("silent", Weight::Cause, Evidence::Line, [("since", Value::At(last))]));
}

fn used(facts: &Facts, found: &mut Vec<Finding>) {
    let Some(allowance) = facts.line.as_ref().and_then(|line| line.allowance) else { return };
    let percent = u128::from(allowance.used_bytes) * 100 / u128::from(allowance.included_bytes.max(1));
    if percent < u128::from(NEARLY_PERCENT) {
        return;
    }
    let code = if percent >= 100 { "allowance-used" } else { "allowance-nearly" };
    let arguments = [
        ("used", Value::Bytes(allowance.used_bytes)),
        ("included", Value::Bytes(allowance.included_bytes)),
        ("day", Value::On(allowance.resets_on)),
    ];
    found.push(Finding::new(code, Weight::Hint, Evidence::Line, arguments));
}

/// What is overdue though nothing is held for it yet.
fn owed(facts: &Facts, found: &mut Vec<Finding>) {
    let Some(invoice) = facts.account.as_ref().and_then(|account| account.overdue.as_ref()) else { return };
    if found.iter().any(|finding| finding.evidence == Evidence::Account) {
        return;
    }
    let arguments = [
        ("invoice", Value::Text(invoice.number.clone())),
        ("amount", Value::Money(invoice.open)),
        ("due", Value::On(invoice.due_on)),
    ];
    found.push(Finding::new("overdue", Weight::Hint, Evidence::Account, arguments));
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
