//! Deferred revenue: billed for days to come, and revenue once they pass.
//!
//! Billing says what it issues and gives back ([`Deferring`]); what is still to be earned of each line is a schedule. Once a
//! local day is over, what all schedules earn on it is one entry ([`recognise_if_due`]), which closing the books waits for.

pub mod api;
mod deferring;
pub mod jobs;
mod model;
mod recognise;
mod report;

pub use deferring::Deferring;
pub(super) use model::Schedule;
pub use model::{DeferredMonth, DeferredRevenue, RecognisedLine, Recognition};
pub(super) use recognise::recognise;
pub use recognise::recognise_if_due;
pub use report::{deferred_revenue, recognised_lines, recognition, recognitions};
