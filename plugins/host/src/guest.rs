//! What an instance sees of the world, and one call of it.

use std::collections::BTreeMap;
use std::time::Instant;

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Engine, ResourceLimiter, Store, Trap};

use crate::bindings::event::HandleEventPre;
use crate::bindings::rate::RateUsagePre;
use crate::bindings::types::Decimal;
use crate::bindings::{clock, config, exact, log, types};
use crate::call::{Call, Fault, Hook, Input, Output, Reply};
use crate::{convert, limits};

/// All an instance sees: the settings, the time, a log; and what it was refused.
pub(crate) struct Room {
    settings: BTreeMap<String, String>,
    now: u64,
    logs: Vec<(String, String)>,
    memory_refused: bool,
}

impl types::Host for Room {}

impl log::Host for Room {
    fn write(&mut self, level: log::Level, message: String) {
        if self.logs.len() < limits::LOG_LINES_MAX {
            let level = match level {
                log::Level::Debug => "debug",
                log::Level::Info => "info",
                log::Level::Warn => "warn",
                log::Level::Error => "error",
            };
            self.logs.push((level.to_owned(), limits::kept(&message)));
        }
    }
}

impl config::Host for Room {
    fn get(&mut self, key: String) -> Option<String> {
        self.settings.get(&key).cloned()
    }

    fn keys(&mut self) -> Vec<String> {
        self.settings.keys().cloned().collect()
    }
}

impl clock::Host for Room {
    fn now(&mut self) -> u64 {
        self.now
    }
}

impl exact::Host for Room {
    fn add(&mut self, a: Decimal, b: Decimal) -> Result<Decimal, String> {
        crate::exact::add(a, b)
    }

    fn mul(&mut self, a: Decimal, b: Decimal, scale: u8, rounding: exact::Rounding) -> Result<Decimal, String> {
        crate::exact::mul(a, b, scale, rounding)
    }

    fn div(&mut self, a: Decimal, b: Decimal, scale: u8, rounding: exact::Rounding) -> Result<Decimal, String> {
        crate::exact::div(a, b, scale, rounding)
    }
}

impl ResourceLimiter for Room {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let fits = desired <= limits::MEMORY_BYTES_MAX;
        self.memory_refused |= !fits;
        Ok(fits)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= 20_000)
    }
}

/// A component, linked with all it may import and ready to be instantiated.
pub(crate) enum Plugin {
    Rate(RateUsagePre<Room>),
    Event(HandleEventPre<Room>),
}

impl Plugin {
    /// Links a component for a hook; refuses whatever imports or exports something else. Runs nothing of it.
    pub(crate) fn link(engine: &Engine, component: &Component, hook: Hook) -> wasmtime::Result<Self> {
        let mut linker = Linker::<Room>::new(engine);
        log::add_to_linker::<_, HasSelf<Room>>(&mut linker, |room| room)?;
        config::add_to_linker::<_, HasSelf<Room>>(&mut linker, |room| room)?;
        clock::add_to_linker::<_, HasSelf<Room>>(&mut linker, |room| room)?;
        exact::add_to_linker::<_, HasSelf<Room>>(&mut linker, |room| room)?;
        types::add_to_linker::<_, HasSelf<Room>>(&mut linker, |room| room)?;
        let linked = linker.instantiate_pre(component)?;
        Ok(match hook {
            Hook::RateUsage => Self::Rate(RateUsagePre::new(linked)?),
            Hook::HandleEvent => Self::Event(HandleEventPre::new(linked)?),
        })
    }

    fn hook(&self) -> Hook {
        match self {
            Self::Rate(_) => Hook::RateUsage,
            Self::Event(_) => Hook::HandleEvent,
        }
    }

    /// Makes one call in an instance that lives as long as the call.
    pub(crate) fn call(&self, engine: &Engine, call: &Call) -> Reply {
        if call.input.hook() != self.hook() || call.input.records() > limits::BATCH_MAX {
            return Reply::fault(Fault::Load, format!("this plugin does not answer {}", call.input.hook().name()));
        }
        let room =
            Room { settings: call.settings.clone(), now: call.context.now, logs: Vec::new(), memory_refused: false };
        let mut store = Store::new(engine, room);
        store.limiter(|room| room);
        store.set_hostcall_fuel(limits::OUTPUT_BYTES_MAX);
        let fuel = limits::FUEL_CALL + limits::FUEL_RECORD * call.input.records() as u64;
        let began = Instant::now();
        let called = store.set_fuel(fuel).and_then(|()| self.answer(&mut store, call));
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let used = fuel - store.get_fuel().unwrap_or(0);
        let room = store.into_data();
        let result = match called {
            Ok(answered) => answered.and_then(|output| checked(&call.input, output)),
            Err(error) => Err(fault(&error, &room)),
        };
        Reply { result, fuel: used, micros, logs: room.logs }
    }

    fn answer(&self, store: &mut Store<Room>, call: &Call) -> wasmtime::Result<Result<Output, (Fault, String)>> {
        let outside = |message: String| (Fault::Answer, message);
        let context = match convert::context(&call.context) {
            Ok(context) => context,
            Err(message) => return Ok(Err((Fault::InvalidInput, message))),
        };
        match (self, &call.input) {
            (Self::Rate(plugin), Input::RateUsage(lines)) => {
                let lines: Result<Vec<_>, _> = lines.iter().map(convert::line).collect();
                let Ok(lines) = lines else {
                    return Ok(Err((Fault::InvalidInput, "a line has a number of more than 53 bits".into())));
                };
                let instance = plugin.instantiate(&mut *store)?;
                let answer = instance.weir_plugins_rating().call_rate_usage(store, &context, &lines)?;
                Ok(answer.map_err(convert::refusal).and_then(|decisions| {
                    let decisions: Result<Vec<_>, _> = decisions.into_iter().map(convert::decision).collect();
                    decisions.map(Output::RateUsage).map_err(outside)
                }))
            }
            (Self::Event(plugin), Input::HandleEvent(event)) => {
                let event = match convert::event(event) {
                    Ok(event) => event,
                    Err(message) => return Ok(Err((Fault::InvalidInput, message))),
                };
                let instance = plugin.instantiate(&mut *store)?;
                let answer = instance.weir_plugins_events().call_handle_event(store, &context, &event)?;
                Ok(answer.map_err(convert::refusal).and_then(|effects| {
                    let effects: Result<Vec<_>, _> = effects.into_iter().map(convert::effect).collect();
                    effects.map(Output::HandleEvent).map_err(outside)
                }))
            }
            (Self::Rate(_), Input::HandleEvent(_)) | (Self::Event(_), Input::RateUsage(_)) => {
                Ok(Err((Fault::Load, "another hook".into())))
            }
        }
    }
}

/// An answer of the right shape and size.
fn checked(input: &Input, output: Output) -> Result<Output, (Fault, String)> {
    match (input, &output) {
        (Input::RateUsage(lines), Output::RateUsage(decisions)) if lines.len() != decisions.len() => {
            let message = format!("{} decisions for {} lines", decisions.len(), lines.len());
            Err((Fault::Answer, message))
        }
        (_, Output::HandleEvent(effects)) if effects.len() > limits::EFFECTS_MAX => {
            Err((Fault::Answer, format!("{} effects, at most {} may be", effects.len(), limits::EFFECTS_MAX)))
        }
        _ => Ok(output),
    }
}

/// Why a call broke off, told by what the plugin said last, or by where it was.
fn fault(error: &wasmtime::Error, room: &Room) -> (Fault, String) {
    let told = format!("{error:#}");
    if error.downcast_ref::<Trap>() == Some(&Trap::OutOfFuel) {
        return (Fault::Fuel, "it used up its instructions: an endless loop, most likely".into());
    }
    if told.contains("fuel allocated for hostcalls") {
        return (Fault::Output, format!("it answered or logged more than {} bytes", limits::OUTPUT_BYTES_MAX));
    }
    if room.memory_refused {
        let megabytes = limits::MEMORY_BYTES_MAX >> 20;
        return (Fault::Memory, format!("it wanted more than {megabytes} MiB of memory"));
    }
    let said = room.logs.iter().rev().find(|(level, _)| level == "error").map(|(_, text)| text.clone());
    let cause = || match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => limits::kept(&error.root_cause().to_string()),
    };
    (Fault::Trap, said.unwrap_or_else(cause))
}
