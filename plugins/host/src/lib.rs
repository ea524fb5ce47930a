//! Runs tenants' rules: WebAssembly components that are given facts and answer with a decision, and can do nothing else.
//!
//! The contract is `plugins/wit`. [`compile`] checks a component and turns it into machine code, in a process of its own
//! that ends with it; [`runner`] loads signed code and calls it, in a process that belongs to one tenant; both speak
//! [`frame`]s over their standard streams and give up, by [`sandbox`], all they do not need. The process that owns the
//! business only ever sees [`call`]: plain values that can be stored and compared.

mod bindings;
pub mod call;
pub mod compile;
mod convert;
pub mod encode;
mod engine;
mod exact;
pub mod frame;
mod guest;
pub mod limits;
pub mod runner;
pub mod sandbox;
pub mod sign;
pub mod trial;

pub use engine::fingerprint;
