//! What survives a restart of the agent: its identity and the desired state it holds.
//!
//! The usage log lives in [`crate::usage`]; it shares [`disk`] and [`frame`] with this module. Nothing here
//! speaks to the network or the kernel. Start at [`desired::Store`].

pub mod desired;
pub mod disk;
pub mod frame;
pub mod guard;
#[cfg(test)]
mod guard_tests;
pub mod identity;
pub mod limits;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
