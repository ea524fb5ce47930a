//! Agents: their identity, what they should hold, what they hold. How they are spoken to is `roles::gateway`.

pub mod desired;
pub mod error;
mod store;

pub use error::Error;
