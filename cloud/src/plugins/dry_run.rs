//! Dry runs: what a version would have decided about what the tenant really billed or lived through.

use std::collections::HashMap;

use rust_decimal::Decimal;
use serde_json::json;
use weir_plugin_host::call::{Effect, Hook, Input, Mode, Output, Reply, UsageLine};
use weir_rules::money::{Currency, Money};

use super::calls::{self};
use super::pricing::{Rule, amount};
use super::store::recorded::{self, BilledLine};
use super::{Difference, DryRun, Error, Version, VersionState, answers, effects, listening, store, versions};
use crate::app::App;
use crate::audit;
use crate::db::Scope;
use crate::events;
use crate::ids::PluginVersionId;

/// Usage lines looked back on.
const LINES: i64 = 500;
/// Events looked back on.
const EVENTS: i64 = 100;
/// Faults in a row after which nothing more is asked: each may take as long as a call may.
const FAULTS_MAX: u32 = 5;
/// Differences that are kept.
const KEPT: usize = 100;

/// Asks a version about the last recorded inputs, twice, compares with what was decided, and keeps what it found.
pub async fn dry_run(app: &App, scope: &Scope, id: PluginVersionId) -> Result<Version, Error> {
    let mut tx = app.db.read(scope).await?;
    let version = versions::version(&mut tx, id).await?;
    let rule = store::versions::rule(&mut tx, id).await?.ok_or(Error::VersionNotFound(id))?;
    let hook = store::plugins::find(&mut tx, version.plugin_id).await?.ok_or(Error::NotFound(version.plugin_id))?.hook;
    drop(tx);
    let found = match hook {
        Hook::RateUsage => prices(app, scope, &rule).await?,
        Hook::HandleEvent => reactions(app, scope, &rule).await?,
    };
    let mut tx = app.db.begin(scope).await?;
    store::versions::set_dry_run(&mut tx, id, &found).await?;
    if version.state == VersionState::Verified {
        store::versions::set_state(&mut tx, id, VersionState::Tried).await?;
    }
    let detail = json!({ "inputs": found.inputs, "changed": found.changed, "failed": found.failed });
    audit::record(&mut tx, "dry-run plugin version", id, detail).await?;
    let tried = versions::version(&mut tx, id).await?;
    tx.commit().await?;
    Ok(tried)
}

fn empty(app: &App) -> DryRun {
    DryRun {
        at: app.clock.now(),
        inputs: 0,
        changed: 0,
        failed: 0,
        charged: None,
        would_charge: None,
        currency: None,
        differences: Vec::new(),
    }
}

impl DryRun {
    fn differs(&mut self, difference: Difference) {
        if difference.failed {
            self.failed += 1;
        } else {
            self.changed += 1;
        }
        if self.differences.len() < KEPT {
            self.differences.push(difference);
        }
    }
}

/// The tenant's last usage lines with something to pay, in its own currency, priced by the version.
async fn prices(app: &App, scope: &Scope, rule: &Rule) -> Result<DryRun, Error> {
    let mut tx = app.db.read(scope).await?;
    let surroundings = calls::surroundings(&mut tx, None).await?;
    let billed = recorded::lines(&mut tx, &surroundings.1, LINES).await?;
    drop(tx);
    let mut found = empty(app);
    let Ok(currency) = Currency::from_code(&surroundings.1) else { return Ok(found) };
    if billed.is_empty() {
        return Ok(found);
    }
    let lines: Vec<UsageLine> = billed.iter().map(|billed| billed.line.clone()).collect();
    let reply = twice(app, scope, rule, surroundings.clone(), Input::RateUsage(lines)).await?;
    let (mut charged, mut would) = (Decimal::ZERO, Decimal::ZERO);
    for (at, billed) in billed.iter().enumerate() {
        found.inputs += 1;
        let before = amount(&billed.line, Some(billed.unit_price));
        let (after, difference) = compared(billed, at, &reply, rule.settings.limit_percent, currency);
        charged += before;
        would += after;
        if let Some(difference) = difference {
            found.differs(difference);
        }
    }
    let money = |sum: Decimal| Money::rounded(sum, currency).map(Money::amount).ok();
    (found.charged, found.would_charge) = (money(charged), money(would));
    found.currency = Some(surroundings.1);
    Ok(found)
}

/// What a line would cost, and how that differs from what it did.
fn compared(
    billed: &BilledLine,
    at: usize,
    reply: &Reply,
    limit: i32,
    currency: Currency,
) -> (Decimal, Option<Difference>) {
    let line = &billed.line;
    let told = |after: Decimal, reason: String, failed: bool| Difference {
        subject: billed.invoice_number.clone(),
        subject_id: billed.invoice_id.to_string(),
        about: line.plan.clone(),
        before: format!("{} × {}", line.blocks, billed.unit_price.normalize()),
        after: if failed { String::new() } else { format!("{} × {}", line.blocks, after.normalize()) },
        reason,
        failed,
    };
    let judged = match &reply.result {
        Ok(Output::RateUsage(decisions)) if decisions.len() > at => {
            answers::price(line, &decisions[at], limit, currency)
        }
        Ok(_) => Err("it answered another question".into()),
        Err((_, message)) => Err(message.clone()),
    };
    match judged {
        Err(message) => (amount(line, None), Some(told(Decimal::ZERO, message, true))),
        Ok(decided) => {
            let (price, reason) =
                decided.map_or((line.unit_price, String::new()), |(money, why)| (money.amount(), why));
            let differs = price != billed.unit_price;
            (amount(line, Some(price)), differs.then(|| told(price, reason, false)))
        }
    }
}

/// The tenant's last events the plugin would be told of, and what it would ask for.
async fn reactions(app: &App, scope: &Scope, rule: &Rule) -> Result<DryRun, Error> {
    let mut tx = app.db.read(scope).await?;
    let surroundings = calls::surroundings(&mut tx, None).await?;
    let ids = recorded::events(&mut tx, &rule.settings.events, EVENTS).await?;
    let mut recorded_events = Vec::new();
    for id in ids {
        recorded_events.extend(events::event(&mut tx, id).await?);
    }
    let done: HashMap<_, _> = store::invocations::answers(&mut tx, rule.plugin_id).await?.into_iter().collect();
    drop(tx);
    let mut found = empty(app);
    let mut faults = 0;
    for event in recorded_events {
        if faults == FAULTS_MAX {
            break;
        }
        found.inputs += 1;
        let input = Input::HandleEvent(listening::told(&event));
        let reply = twice(app, scope, rule, surroundings.clone(), input).await?;
        faults = if reply.result.is_err() { faults + 1 } else { 0 };
        let before = done.get(&event.id).map(names).unwrap_or_default();
        let (after, reason, failed) = match &reply.result {
            Ok(Output::HandleEvent(asked)) => {
                match asked.iter().find_map(|effect| effects::allowed(rule, effect).err()) {
                    Some(refused) => (String::new(), refused.to_string(), true),
                    None => (listed(asked), told(asked), false),
                }
            }
            Ok(_) => (String::new(), "it answered another question".into(), true),
            Err((_, message)) => (String::new(), message.clone(), true),
        };
        if failed || before != after {
            let (subject, about) = (event.subject.clone(), event.kind.name().to_owned());
            found.differs(Difference { subject_id: subject.clone(), subject, about, before, after, reason, failed });
        }
    }
    Ok(found)
}

fn listed(asked: &[Effect]) -> String {
    asked.iter().map(|effect| effect.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// What the effects say for themselves.
fn told(asked: &[Effect]) -> String {
    let texts = asked.iter().flat_map(|effect| effect.arguments.values()).filter_map(|value| match value {
        weir_plugin_host::call::Value::Text(text) => Some(text.as_str()),
        _ => None,
    });
    weir_plugin_host::limits::kept(&texts.collect::<Vec<_>>().join("; "))
}

fn names(answer: &serde_json::Value) -> String {
    match serde_json::from_value(answer.clone()) {
        Ok(Output::HandleEvent(asked)) => listed(&asked),
        _ => String::new(),
    }
}

/// Asks twice: a rule that answers differently the second time is no rule.
async fn twice(
    app: &App,
    scope: &Scope,
    rule: &Rule,
    surroundings: (i16, String),
    input: Input,
) -> Result<Reply, Error> {
    let first = calls::make(app, scope, rule, surroundings.clone(), Mode::DryRun, input.clone()).await?.reply;
    if first.result.is_err() {
        return Ok(first);
    }
    let second = calls::make(app, scope, rule, surroundings, Mode::DryRun, input).await?.reply;
    if first.result != second.result {
        let message = "it answered the same question differently the second time";
        return Ok(Reply::fault(weir_plugin_host::call::Fault::Answer, message));
    }
    Ok(first)
}
