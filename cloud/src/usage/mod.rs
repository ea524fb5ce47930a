//! Usage as the ledger of bytes: each record of an agent's log is applied once, or not at all.
//!
//! Start at [`Intake`]. What is charged for usage is `billing`'s.

pub mod api;
mod dating;
mod days;
pub mod error;
mod gap;
mod ingest;
pub mod jobs;
mod merge;
mod plausible;
mod quarantine;
mod shares;
mod store;

pub use days::{Day, Measured, days, measured};
pub use error::Error;
pub use ingest::{Applied, Intake, apply};
pub use merge::merge_all;
pub use quarantine::{Batch, Decision, Quarantined, decide, quarantined, undecided, waiting_with};
pub use shares::{Share, Shares, Whose, shares};
