//! Between plain values and the contract's.

use uuid::Uuid;

use crate::bindings::event::exports::weir::plugins::events;
use crate::bindings::rate::exports::weir::plugins::rating;
use crate::bindings::types;
use crate::call::{Attributes, Context, Decision, Effect, Event, Fault, Mode, UsageLine, Value};
use crate::exact::{from_wire, to_wire};

type Outside<T> = Result<T, String>;

/// 2^53: whole numbers above it are not every language's.
const WHOLE_MAX: u64 = 1 << 53;

fn whole(value: u64) -> Outside<u64> {
    if value < WHOLE_MAX { Ok(value) } else { Err(format!("{value} needs more than 53 bits")) }
}

fn uuid(id: Uuid) -> types::Uuid {
    let word = |shift: u32| (id.as_u128() >> shift) as u32;
    types::Uuid { a: word(96), b: word(64), c: word(32), d: word(0) }
}

pub(crate) fn context(context: &Context) -> Outside<types::Context> {
    Ok(types::Context {
        tenant: uuid(context.tenant),
        invocation: uuid(context.invocation),
        now: whole(context.now)?,
        config_revision: context.config_revision,
        utc_offset_minutes: context.utc_offset_minutes,
        currency: context.currency.clone(),
        mode: match context.mode {
            Mode::Live => types::Mode::Live,
            Mode::DryRun => types::Mode::DryRun,
            Mode::Replay => types::Mode::Replay,
            Mode::Test => types::Mode::Test,
        },
    })
}

fn attributes(facts: &Attributes) -> Outside<types::Attributes> {
    let value = |value: &Value| {
        Ok::<_, String>(match value {
            Value::Boolean(yes) => types::Value::Boolean(*yes),
            Value::Integer(number) => types::Value::Integer(*number),
            Value::Decimal(number) => types::Value::Decimal(to_wire(*number)?),
            Value::Text(text) => types::Value::Text(text.clone()),
            Value::Time(millis) => types::Value::Time(whole(*millis)?),
        })
    };
    facts.iter().map(|(name, fact)| Ok((name.clone(), value(fact)?))).collect()
}

pub(crate) fn line(line: &UsageLine) -> Outside<rating::UsageLine> {
    Ok(rating::UsageLine {
        subscription: uuid(line.subscription),
        plan: line.plan.clone(),
        period_start: whole(line.period_start)?,
        period_end: whole(line.period_end)?,
        used_bytes: whole(line.used_bytes)?,
        included_bytes: whole(line.included_bytes)?,
        over_bytes: whole(line.over_bytes)?,
        block_bytes: whole(line.block_bytes)?,
        blocks: whole(line.blocks)?,
        unit_price: to_wire(line.unit_price)?,
        by_hour: line.by_hour.iter().copied().map(whole).collect::<Outside<_>>()?,
        attributes: attributes(&line.attributes)?,
    })
}

pub(crate) fn decision(decision: rating::Decision) -> Outside<Decision> {
    Ok(match decision {
        rating::Decision::Unchanged => Decision::Unchanged,
        rating::Decision::Priced(price) => {
            Decision::Priced { unit_price: from_wire(price.unit_price)?.normalize(), reason: price.reason }
        }
    })
}

pub(crate) fn event(event: &Event) -> Outside<events::Event> {
    Ok(events::Event {
        id: uuid(event.id),
        kind: event.kind.clone(),
        occurred_at: whole(event.occurred_at)?,
        subject: event.subject.clone(),
        account: event.account.clone(),
        facts: attributes(&event.facts)?,
        payload: event.payload.clone(),
    })
}

pub(crate) fn effect(effect: events::Effect) -> Outside<Effect> {
    let mut arguments = Attributes::new();
    for (name, value) in effect.arguments {
        let value = match value {
            types::Value::Boolean(yes) => Value::Boolean(yes),
            types::Value::Integer(number) => Value::Integer(number),
            types::Value::Decimal(number) => Value::Decimal(from_wire(number)?),
            types::Value::Text(text) => Value::Text(text),
            types::Value::Time(millis) => Value::Time(whole(millis)?),
        };
        if arguments.insert(name.clone(), value).is_some() {
            return Err(format!("the argument {name} is given twice"));
        }
    }
    Ok(Effect { name: effect.name, arguments })
}

/// What the plugin itself said went wrong.
pub(crate) fn refusal(error: types::HookError) -> (Fault, String) {
    let (fault, message) = match error {
        types::HookError::InvalidInput(message) => (Fault::InvalidInput, message),
        types::HookError::Misconfigured(message) => (Fault::Misconfigured, message),
        types::HookError::Failed(message) => (Fault::Failed, message),
    };
    (fault, crate::limits::kept(&message))
}
