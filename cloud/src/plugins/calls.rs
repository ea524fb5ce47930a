//! One call: made in a runner, recorded, counted. And recorded calls, looked at or made again.

use chrono::{DateTime, Offset, Utc};
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Value, json};
use std::sync::Arc;
use weir_plugin_host::call::{Call, Context, Decision, Fault, Hook, Input, Mode, Output, Reply, Value as Fact};

use super::pricing::Rule;
use super::runners::Code;
use super::store::{self, versions::CodeRow};
use super::{Error, Invocation, InvocationSummary, listening};
use crate::app::App;
use crate::audit;
use crate::db::{Scope, TenantTx};
use crate::events::{self, EventKind};
use crate::http::paging::Page;
use crate::ids::{EventId, PluginId, PluginInvocationId, PluginVersionId, new_id};
use crate::tenants;

/// Live calls that may fail in a row before the plugin is paused.
const FAULTS_IN_A_ROW_MAX: i32 = 5;

/// A call that was made.
pub(super) struct Made {
    pub id: PluginInvocationId,
    pub call: Call,
    pub reply: Reply,
}

/// What a call is about.
pub(super) struct About {
    pub subject: String,
    pub event: Option<EventId>,
}

impl Made {
    /// `ok`, or the name of the fault; and what was said about it.
    pub(super) fn outcome(&self) -> (&'static str, String) {
        match &self.reply.result {
            Ok(_) => ("ok", String::new()),
            Err((fault, message)) => (fault.name(), message.clone()),
        }
    }
}

/// Whose calendar and money a call is in.
pub(super) async fn surroundings(tx: &mut TenantTx, currency: Option<&str>) -> Result<(i16, String), Error> {
    let tenant = tenants::tenant(tx).await?;
    let zone: chrono_tz::Tz = tenant.time_zone.parse().unwrap_or(chrono_tz::Tz::UTC);
    let offset = tx.at().with_timezone(&zone).offset().fix().local_minus_utc() / 60;
    Ok((offset.to_i16().unwrap_or(0), currency.map_or(tenant.currency, str::to_owned)))
}

/// Asks a version; nothing is recorded yet. Call it outside transactions: it waits for another process.
pub(super) async fn make(
    app: &App,
    scope: &Scope,
    rule: &Rule,
    (offset, currency): (i16, String),
    mode: Mode,
    input: Input,
) -> Result<Made, Error> {
    let now = app.clock.now();
    let id: PluginInvocationId = new_id(now);
    let context = Context {
        tenant: scope.tenant.uuid(),
        invocation: id.uuid(),
        now: millis(now),
        config_revision: rule.settings.revision.unsigned_abs(),
        utc_offset_minutes: offset,
        currency,
        mode,
    };
    let call = Call { context, settings: rule.settings.entries.clone(), input };
    let code = code(app, scope, rule.version_id, rule.digest).await?;
    let reply = recordable(app.plugins.call(scope.tenant, &code, call.clone()).await?);
    Ok(Made { id, call, reply })
}

/// The reply, if its answer can be kept: the database holds every character but one.
fn recordable(reply: Reply) -> Reply {
    let has_nul = |text: &String| text.contains('\0');
    let fits = match &reply.result {
        Ok(Output::RateUsage(decisions)) => {
            !decisions.iter().any(|one| matches!(one, Decision::Priced { reason, .. } if has_nul(reason)))
        }
        Ok(Output::HandleEvent(effects)) => !effects.iter().any(|effect| {
            let said =
                |(name, value): (&String, &Fact)| has_nul(name) || matches!(value, Fact::Text(text) if has_nul(text));
            has_nul(&effect.name) || effect.arguments.iter().any(said)
        }),
        Err(_) => true,
    };
    if fits {
        return reply;
    }
    let message = "its answer has the character U+0000, which cannot be kept".to_owned();
    Reply { result: Err((Fault::Answer, message)), ..reply }
}

/// Milliseconds since 1970.
pub(super) fn millis(at: DateTime<Utc>) -> u64 {
    at.timestamp_millis().unsigned_abs()
}

/// A version's machine code, compiled anew where it was made for another engine.
async fn code(app: &App, scope: &Scope, version: PluginVersionId, digest: [u8; 32]) -> Result<Arc<Code>, Error> {
    if let Some(code) = app.plugins.kept(scope.tenant, &digest) {
        return Ok(code);
    }
    let mut tx = app.db.read(scope).await?;
    let row = store::versions::code(&mut tx, version).await?.ok_or(Error::VersionNotFound(version))?;
    drop(tx);
    let row = if row.engine == app.plugins.engine() { row } else { compiled_anew(app, scope, version, row).await? };
    let hook = Hook::from_name(&row.hook).ok_or(Error::VersionNotFound(version))?;
    Ok(app.plugins.keep(scope.tenant, Code { digest, hook, code: row.code, signature: row.signature }))
}

async fn compiled_anew(app: &App, scope: &Scope, id: PluginVersionId, row: CodeRow) -> Result<CodeRow, Error> {
    let (report, code) = app.plugins.compile(&row.component).await?;
    let digest = weir_plugin_host::sign::digest(&row.component);
    let signature = app.plugins.sign(scope.tenant, &digest, &code);
    let mut tx = app.db.begin(scope).await?;
    store::versions::set_code(&mut tx, id, &code, &signature, &report.engine).await?;
    tx.commit().await?;
    Ok(CodeRow { code, signature, engine: report.engine, ..row })
}

/// Records a live call and counts it: enough faults in a row pause the plugin.
pub(super) async fn record(
    tx: &mut TenantTx,
    rule: &Rule,
    about: &About,
    made: &Made,
    (outcome, message): (&str, &str),
) -> Result<(), Error> {
    store::invocations::insert(tx, rule, about, made, "live", (outcome, message)).await?;
    let faults = store::plugins::count(tx, rule.plugin_id, outcome == "ok").await?;
    if faults >= FAULTS_IN_A_ROW_MAX && !rule.paused {
        let because = format!("{faults} calls failed in a row, the last one by {outcome}: {message}");
        if store::plugins::pause(tx, rule.plugin_id, &because).await? {
            audit::record(tx, "pause plugin", rule.plugin_id, json!({ "because": because })).await?;
            let data = json!({ "plugin": rule.name, "because": because });
            events::publish(tx, EventKind::PluginPaused, rule.plugin_id, None, data).await?;
        }
    }
    Ok(())
}

/// Calls of a plugin, newest first.
pub async fn invocations(
    tx: &mut TenantTx,
    plugin: PluginId,
    page: Page,
    set_aside: bool,
) -> Result<Vec<InvocationSummary>, Error> {
    store::plugins::find(tx, plugin).await?.ok_or(Error::NotFound(plugin))?;
    Ok(store::invocations::page(tx, plugin, page, set_aside).await?)
}

/// One call.
pub async fn invocation(tx: &mut TenantTx, id: PluginInvocationId) -> Result<Invocation, Error> {
    store::invocations::find(tx, id).await?.ok_or(Error::InvocationNotFound(id))
}

/// Makes a recorded call again, by the same code with the same input; says whether the answer is the same, byte for byte.
pub async fn replay(app: &App, scope: &Scope, id: PluginInvocationId) -> Result<(Invocation, bool), Error> {
    let mut tx = app.db.read(scope).await?;
    let recorded = invocation(&mut tx, id).await?;
    let rule = store::versions::rule(&mut tx, recorded.summary.version_id)
        .await?
        .ok_or(Error::VersionNotFound(recorded.summary.version_id))?;
    drop(tx);
    let mut call: Call = serde_json::from_value(recorded.call).map_err(std::io::Error::from)?;
    call.context.mode = Mode::Replay;
    let code = code(app, scope, rule.version_id, rule.digest).await?;
    let reply = recordable(app.plugins.call(scope.tenant, &code, call.clone()).await?);
    let made = Made { id: new_id(app.clock.now()), call, reply };
    let (outcome, message) = made.outcome();
    let same = answer(&made.reply) == recorded.result
        && (recorded.result != Value::Null || outcome == recorded.summary.outcome);
    let mut tx = app.db.begin(scope).await?;
    let about = About { subject: recorded.summary.subject, event: recorded.summary.event_id };
    store::invocations::insert(&mut tx, &rule, &about, &made, "replay", (outcome, &message)).await?;
    audit::record(&mut tx, "replay plugin call", id, json!({ "same": same, "replay": made.id })).await?;
    let replayed = invocation(&mut tx, made.id).await?;
    tx.commit().await?;
    Ok((replayed, same))
}

/// Tells a plugin again of an event that was set aside.
pub async fn retry(app: &App, scope: &Scope, id: PluginInvocationId) -> Result<Invocation, Error> {
    let mut tx = app.db.read(scope).await?;
    let aside = invocation(&mut tx, id).await?;
    let event = aside.summary.event_id.filter(|_| aside.set_aside).ok_or(Error::NotSetAside(id))?;
    let event = events::event(&mut tx, event).await?.ok_or(Error::NotSetAside(id))?;
    let rule = store::plugins::rule(&mut tx, aside.summary.plugin_id).await?.ok_or(Error::NotActive)?;
    drop(tx);
    let made = listening::tell(app, scope, &rule, &event).await?;
    invocation(&mut app.db.read(scope).await?, made).await
}

/// The answer as it is recorded; null for a fault.
pub(super) fn answer(reply: &Reply) -> Value {
    match &reply.result {
        Ok(output) => serde_json::to_value(output).unwrap_or(Value::Null),
        Err(_) => Value::Null,
    }
}

/// A call that was not made, because the plugin is paused.
pub(super) fn not_made(app: &App, scope: &Scope, rule: &Rule, input: Input) -> Made {
    let now = app.clock.now();
    let id: PluginInvocationId = new_id(now);
    let context = Context {
        tenant: scope.tenant.uuid(),
        invocation: id.uuid(),
        now: millis(now),
        config_revision: rule.settings.revision.unsigned_abs(),
        utc_offset_minutes: 0,
        currency: String::new(),
        mode: Mode::Live,
    };
    let call = Call { context, settings: rule.settings.entries.clone(), input };
    Made { id, call, reply: Reply::fault(Fault::Load, "the plugin is paused") }
}
