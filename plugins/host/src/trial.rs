//! Runs a component in this very process: for its developer, on their own machine. Never for somebody else's.

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::call::{Call, Fault, Reply};
use crate::compile::{Refusal, Report, compile};
use crate::engine::engine;
use crate::guest::Plugin;

/// A component ready to be called.
pub struct Trial {
    /// What it is and wants.
    pub report: Report,
    engine: Engine,
    plugin: Plugin,
}

impl Trial {
    /// Checks a component as an upload would, and loads it.
    pub fn load(component: &[u8]) -> Result<Self, Refusal> {
        let (report, _) = compile(component)?;
        let invalid = |error: wasmtime::Error| Refusal::Invalid(format!("{error:#}"));
        let engine = engine().map_err(invalid)?;
        let compiled = Component::new(&engine, component).map_err(invalid)?;
        let plugin = Plugin::link(&engine, &compiled, report.hook).map_err(invalid)?;
        Ok(Self { report, engine, plugin })
    }

    /// Makes a call twice; an answer that differs is a fault.
    pub fn call_twice(&self, call: &Call) -> Reply {
        let (first, second) = (self.plugin.call(&self.engine, call), self.plugin.call(&self.engine, call));
        if first.result != second.result {
            return Reply::fault(Fault::Answer, "it answered the same question differently the second time");
        }
        first
    }
}
