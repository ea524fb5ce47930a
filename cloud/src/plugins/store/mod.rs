//! SQL of plugins.

pub mod invocations;
pub mod plugins;
pub mod recorded;
pub mod versions;
