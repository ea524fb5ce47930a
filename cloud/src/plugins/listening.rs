//! The hook `handle-event`: each event is told to each active plugin once, and what it asks for is done once.

use weir_plugin_host::call::{Attributes, Event as Told, Input, Mode, Output, Value as Fact};

use super::calls::{self, About, Made};
use super::pricing::Rule;
use super::{Error, effects, store};
use crate::app::App;
use crate::db::Scope;
use crate::events::Event;
use crate::ids::PluginInvocationId;

/// Tells the tenant's plugins of an event. One that fails has the event set aside, and keeps no other from it.
pub async fn listen(app: &App, scope: &Scope, event: &Event) -> Result<(), Error> {
    let mut tx = app.db.read(scope).await?;
    let rules = store::plugins::rules(&mut tx, "handle-event").await?;
    let mut wanted = Vec::new();
    for rule in rules {
        let hears =
            rule.settings.events.is_empty() || rule.settings.events.iter().any(|kind| kind == event.kind.name());
        if hears && !store::invocations::was_told(&mut tx, rule.plugin_id, event.id).await? {
            wanted.push(rule);
        }
    }
    drop(tx);
    for rule in wanted {
        tell(app, scope, &rule, event).await?;
    }
    Ok(())
}

/// Tells one plugin, and does what it asks for in the transaction that records the call.
pub(super) async fn tell(app: &App, scope: &Scope, rule: &Rule, event: &Event) -> Result<PluginInvocationId, Error> {
    let about = About { subject: event.subject.clone(), event: Some(event.id) };
    let input = Input::HandleEvent(told(event));
    if rule.paused {
        let made = calls::not_made(app, scope, rule, input);
        return aside(app, scope, rule, &about, &made, ("paused", "the plugin is paused")).await;
    }
    let surroundings = calls::surroundings(&mut app.db.read(scope).await?, None).await?;
    let made = calls::make(app, scope, rule, surroundings, Mode::Live, input).await?;
    let asked = match &made.reply.result {
        Ok(Output::HandleEvent(asked)) => asked,
        Ok(Output::RateUsage(_)) | Err(_) => {
            let (outcome, message) = made.outcome();
            return aside(app, scope, rule, &about, &made, (outcome, &message)).await;
        }
    };
    let mut tx = app.db.begin(scope).await?;
    if !store::plugins::lock_for_event(&mut tx, rule.plugin_id, event.id).await? {
        // Somebody else was told in this very moment, and has done what was asked.
        return store::invocations::told(&mut tx, rule.plugin_id, event.id).await?.ok_or(Error::NotActive);
    }
    calls::record(&mut tx, rule, &about, &made, ("ok", "")).await?;
    match effects::carry_out(&mut tx, rule, event, asked).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(made.id)
        }
        Err(error) if error.is_passing() => Err(error),
        Err(error) => {
            drop(tx);
            aside(app, scope, rule, &about, &made, ("guard", &error.to_string())).await
        }
    }
}

/// Records a call after which nothing was done.
async fn aside(
    app: &App,
    scope: &Scope,
    rule: &Rule,
    about: &About,
    made: &Made,
    outcome: (&str, &str),
) -> Result<PluginInvocationId, Error> {
    let mut tx = app.db.begin(scope).await?;
    calls::record(&mut tx, rule, about, made, outcome).await?;
    tx.commit().await?;
    Ok(made.id)
}

/// An event as plugins are told of it.
pub(super) fn told(event: &Event) -> Told {
    let mut facts = Attributes::new();
    flatten("", &event.data, &mut facts);
    Told {
        id: event.id.uuid(),
        kind: event.kind.name().to_owned(),
        occurred_at: calls::millis(event.at),
        subject: event.subject.clone(),
        account: event.account_id.map(|account| account.to_string()),
        facts,
        payload: event.data.to_string(),
    }
}

/// Facts by name, nested names joined by dots; amounts of money stay exact.
fn flatten(name: &str, value: &serde_json::Value, facts: &mut Attributes) {
    use serde_json::Value;
    let fact = match value {
        Value::Object(parts) => {
            for (part, value) in parts {
                let name = if name.is_empty() { part.clone() } else { format!("{name}.{part}") };
                flatten(&name, value, facts);
            }
            return;
        }
        Value::Bool(yes) => Fact::Boolean(*yes),
        Value::Number(number) => match number.as_i64().and_then(|number| i32::try_from(number).ok()) {
            Some(number) => Fact::Integer(number),
            None => Fact::Text(number.to_string()),
        },
        Value::String(text) if name == "amount" || name.ends_with(".amount") => match text.parse() {
            Ok(amount) => Fact::Decimal(amount),
            Err(_) => Fact::Text(text.clone()),
        },
        Value::String(text) => Fact::Text(text.clone()),
        Value::Null | Value::Array(_) => return,
    };
    facts.insert(name.to_owned(), fact);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_flat_and_amounts_exact() {
        let mut facts = Attributes::new();
        let data = serde_json::json!({ "gross": { "amount": "12.10", "currency": "EUR" }, "days": 3, "late": true, "none": null });
        flatten("", &data, &mut facts);
        assert_eq!(facts.len(), 4);
        assert_eq!(facts["gross.amount"], Fact::Decimal("12.10".parse().unwrap()));
        assert_eq!(facts["days"], Fact::Integer(3));
    }
}
