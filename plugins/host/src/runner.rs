//! A runner: one process, one thread, one tenant. It loads signed code and calls it, one call after the other.

use std::collections::HashMap;
use std::io::{Error, Read, Result, Write};

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::call::{Call, Fault, Hook, Reply};
use crate::engine::engine;
use crate::guest::Plugin;
use crate::{frame, limits, sandbox, sign};

/// The first frame: whose runner this is, and whose code it may load.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// The only tenant it will ever serve.
    pub tenant: Uuid,
    /// Who signs code.
    pub public_key: Vec<u8>,
}

/// What a runner is asked; each is answered by one frame.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Ask {
    /// Load code; the next frame is the code itself. Answered by a `Result`.
    Load {
        /// Of the component it was compiled from.
        digest: [u8; 32],
        /// What it answers.
        hook: Hook,
        /// Of tenant, digest and code.
        signature: Vec<u8>,
    },
    /// Make a call. Answered by a `Reply`.
    Call {
        /// Of the component.
        digest: [u8; 32],
        /// The call.
        call: Box<Call>,
    },
}

/// What is loaded.
struct Shelf {
    hello: Hello,
    engine: Engine,
    plugins: HashMap<[u8; 32], Plugin>,
}

/// The runner's process: serves until its input ends.
pub fn main(from: &mut impl Read, to: &mut impl Write) -> Result<()> {
    let limits =
        sandbox::Limits { address_space: limits::RUNNER_ADDRESS_SPACE, cpu_seconds: limits::RUNNER_CPU_SECONDS };
    sandbox::enter(&limits)?;
    let Some(hello) = frame::read_value::<Hello>(from)? else { return Ok(()) };
    let engine = engine().map_err(|error| Error::other(format!("{error:#}")))?;
    let mut shelf = Shelf { hello, engine, plugins: HashMap::new() };
    while let Some(ask) = frame::read_value::<Ask>(from)? {
        match ask {
            Ask::Load { digest, hook, signature } => {
                let code = frame::read(from)?.unwrap_or_default();
                frame::write_value(to, &shelf.load(digest, hook, &signature, &code))?;
            }
            Ask::Call { digest, call } => frame::write_value(to, &shelf.call(&digest, &call))?,
        }
    }
    Ok(())
}

impl Shelf {
    fn load(&mut self, digest: [u8; 32], hook: Hook, signature: &[u8], code: &[u8]) -> std::result::Result<(), String> {
        if !sign::is_signed(&self.hello.public_key, self.hello.tenant, &digest, code, signature) {
            return Err("the code is not signed for this tenant by this installation".into());
        }
        #[expect(unsafe_code, reason = "loading machine code is trusting it")]
        // SAFETY: the signature says that our own compiler made these very bytes from the component.
        let component = unsafe { Component::deserialize(&self.engine, code) };
        let linked = component.and_then(|component| Plugin::link(&self.engine, &component, hook));
        let plugin = linked.map_err(|error| limits::kept(&format!("{error:#}")))?;
        self.plugins.insert(digest, plugin);
        Ok(())
    }

    fn call(&self, digest: &[u8; 32], call: &Call) -> Reply {
        if call.context.tenant != self.hello.tenant {
            return Reply::fault(Fault::Load, "this runner belongs to another tenant");
        }
        match self.plugins.get(digest) {
            Some(plugin) => plugin.call(&self.engine, call),
            None => Reply::fault(Fault::Load, "the code is not loaded"),
        }
    }
}
