//! The books: double entry, written once in the transaction of the business fact, never changed.
//!
//! Which facts post what is decided by `weir_rules::posting`; here entries are stored and read. Balances are projections.
//! Start with [`post`].

pub mod api;
pub mod error;
mod model;
mod service;
mod store;

pub use error::Error;
pub use model::{Amount, EntryView, Fact, PostingView, Source, TrialBalance, TrialBalanceRow};
pub use service::{entries, entries_of, post, post_all, trial_balance};
