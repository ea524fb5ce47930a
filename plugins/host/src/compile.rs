//! Checks a component and compiles it. Code from outside meets a parser and a compiler here: run it in a process that
//! ends with the answer.

use std::io::{Read, Write};

use serde::{Deserialize, Serialize};
use wasmtime::component::Component;

use crate::call::Hook;
use crate::engine::{engine, fingerprint};
use crate::guest::Plugin;
use crate::{frame, limits, sandbox};

/// Interfaces a plugin may import, without their version.
pub const GRANTS: [&str; 5] =
    ["weir:plugins/types", "weir:plugins/log", "weir:plugins/config", "weir:plugins/clock", "weir:plugins/exact"];

/// What a component is and wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The hook it answers.
    pub hook: Hook,
    /// The interfaces it imports.
    pub imports: Vec<String>,
    /// The engine its code is for.
    pub engine: String,
}

/// Why a component is not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// Larger than may be uploaded.
    #[error("it has {0} bytes, at most {max} may be", max = limits::COMPONENT_BYTES_MAX)]
    TooLarge(usize),
    /// Not WebAssembly.
    #[error("it is not WebAssembly: its first bytes are not \\0asm")]
    NotWasm,
    /// A core module.
    #[error("it is a core module, not a component: build it with weir plugin build")]
    CoreModule,
    /// It does not compile.
    #[error("it is not a valid component: {0}")]
    Invalid(String),
    /// It wants what no plugin may have.
    #[error("it imports {0}, which no plugin may: only log, config, clock and exact of weir:plugins are there")]
    Import(String),
    /// It answers no hook, or more than one.
    #[error("it answers no hook of weir:plugins@1.0.0: it exports {0}")]
    World(String),
    /// It answers another hook than the plugin it is for.
    #[error("it answers {found}, but the plugin is for {wanted}")]
    OtherHook {
        /// Of the plugin.
        wanted: String,
        /// Of the component.
        found: String,
    },
    /// The compiler ended without an answer.
    #[error("it could not be compiled within its limits: {0}")]
    Limits(String),
}

/// Checks a component and compiles it, in this process.
pub fn compile(component: &[u8]) -> Result<(Report, Vec<u8>), Refusal> {
    if component.len() > limits::COMPONENT_BYTES_MAX {
        return Err(Refusal::TooLarge(component.len()));
    }
    match component.get(..8) {
        Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => return Err(Refusal::CoreModule),
        Some([0, b'a', b's', b'm', ..]) => {}
        _ => return Err(Refusal::NotWasm),
    }
    let invalid = |error: wasmtime::Error| Refusal::Invalid(limits::kept(&format!("{error:#}")));
    let engine = engine().map_err(invalid)?;
    let compiled = Component::new(&engine, component).map_err(invalid)?;
    let shape = compiled.component_type();
    let imports: Vec<_> = shape.imports(&engine).map(|(name, _)| name.to_owned()).collect();
    if let Some(foreign) = imports.iter().find(|name| !is_granted(name)) {
        return Err(Refusal::Import(foreign.clone()));
    }
    let exports: Vec<_> = shape.exports(&engine).map(|(name, _)| name.to_owned()).collect();
    let hooks: Vec<_> = Hook::ALL.into_iter().filter(|hook| exports.iter().any(|e| e == hook.interface())).collect();
    let [hook] = hooks[..] else {
        let exported = if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") };
        return Err(Refusal::World(limits::kept(&exported)));
    };
    Plugin::link(&engine, &compiled, hook).map_err(invalid)?;
    let code = compiled.serialize().map_err(invalid)?;
    Ok((Report { hook, imports, engine: fingerprint() }, code))
}

fn is_granted(name: &str) -> bool {
    name.split_once('@').is_some_and(|(interface, version)| GRANTS.contains(&interface) && version.starts_with("1."))
}

/// The compiler's process: a component comes in, the answer goes out, and that is all.
pub fn main(from: &mut impl Read, to: &mut impl Write) -> std::io::Result<()> {
    let limits =
        sandbox::Limits { address_space: limits::COMPILER_ADDRESS_SPACE, cpu_seconds: limits::COMPILER_CPU_SECONDS };
    sandbox::enter(&limits)?;
    let Some(component) = frame::read(from)? else { return Ok(()) };
    match compile(&component) {
        Ok((report, code)) => {
            frame::write_value(to, &Ok::<_, Refusal>(report))?;
            frame::write(to, &code)
        }
        Err(refusal) => frame::write_value(to, &Err::<Report, _>(refusal)),
    }
}
