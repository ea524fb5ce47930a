//! Usage as the ledger of bytes: each record of an agent's log is applied once, or not at all.
//!
//! Start at [`apply`]. What is charged for usage is `billing`'s.

pub mod api;
pub mod error;
mod days;
mod ingest;
mod store;

pub use days::{Day, days};
pub use error::Error;
pub use ingest::{Applied, apply};
