//! What happens to those who do not pay: the `unpaid` hold, placed and lifted.
//!
//! The decision is `weir_rules::dunning`'s; here standings are read and holds placed. Money is never touched.
//! Start with [`check`].

pub mod api;
pub mod error;
mod holds;
pub mod jobs;
mod service;
mod store;

pub use error::Error;
pub use service::{Checked, check, check_account, listen, released_at};
