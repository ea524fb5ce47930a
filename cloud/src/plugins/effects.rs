//! What plugins may ask for, checked and done in the transaction that records the call.

use serde_json::json;
use weir_plugin_host::call::{Effect, Value};

use super::pricing::Rule;
use super::{EFFECTS, Error};
use crate::db::TenantTx;
use crate::events::{self, Event, EventKind};
use crate::ids::SubscriptionId;
use crate::subscriptions::{self, HoldWish};

/// Longest note, in characters.
const NOTE_MAX: usize = 1_000;

/// Does all that is asked, or nothing.
pub(super) async fn carry_out(tx: &mut TenantTx, rule: &Rule, event: &Event, asked: &[Effect]) -> Result<(), Error> {
    for effect in asked {
        allowed(rule, effect)?;
        match effect.name.as_str() {
            "note" => note(tx, rule, event, effect).await?,
            _ => hold(tx, rule, event, effect).await?,
        }
    }
    Ok(())
}

/// Whether there is such an effect and the tenant allows it.
pub(super) fn allowed(rule: &Rule, effect: &Effect) -> Result<(), Error> {
    let name = effect.name.as_str();
    if !EFFECTS.contains(&name) {
        return Err(Error::Effect(format!("there is no effect {name:?}")));
    }
    if !rule.settings.effects.iter().any(|allowed| allowed == name) {
        return Err(Error::Effect(format!("the effect {name} is not allowed by the plugin's settings")));
    }
    Ok(())
}

/// A note for staff: an event of its own, with the account of the one it is about.
async fn note(tx: &mut TenantTx, rule: &Rule, event: &Event, effect: &Effect) -> Result<(), Error> {
    let text = text(effect, "text")?;
    if text.trim().is_empty() || text.chars().count() > NOTE_MAX {
        return Err(Error::Effect(format!("a note has 1 to {NOTE_MAX} characters")));
    }
    let data = json!({
        "plugin": rule.name, "version": rule.number, "digest": hex::encode(rule.digest),
        "about": event.id, "text": text,
    });
    events::publish(tx, EventKind::PluginNoted, rule.plugin_id, event.account_id, data).await?;
    Ok(())
}

/// A manual hold on a line of the account the event is about.
async fn hold(tx: &mut TenantTx, rule: &Rule, event: &Event, effect: &Effect) -> Result<(), Error> {
    let line: SubscriptionId =
        text(effect, "subscription")?.parse().map_err(|error| Error::Effect(format!("hold: {error}")))?;
    let refused = |error: subscriptions::Error| match error {
        subscriptions::Error::Db(error) => Error::Db(error),
        other => Error::Effect(format!("hold: {other}")),
    };
    let sold = subscriptions::subscription(tx, line).await.map_err(refused)?;
    if Some(sold.account_id) != event.account_id {
        return Err(Error::Effect(format!("hold: the line {line} is not of the account the event is about")));
    }
    let reason = format!("{} ({} {})", text(effect, "reason")?, rule.name, rule.number);
    let wish = HoldWish { kind: "manual".into(), effect: text(effect, "effect")?.into(), reason, until: None };
    subscriptions::place_hold(tx, line, wish).await.map_err(refused)?;
    Ok(())
}

fn text<'a>(effect: &'a Effect, name: &str) -> Result<&'a str, Error> {
    match effect.arguments.get(name) {
        Some(Value::Text(text)) => Ok(text),
        _ => Err(Error::Effect(format!("{}: the text {name} is missing", effect.name))),
    }
}
