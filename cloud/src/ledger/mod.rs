//! The books: double entry, written once in the transaction of the business fact, never changed.
//!
//! Which facts post what is decided by `weir_rules::posting`; here entries are stored and read. Balances are projections.
//! Start with [`post`].

pub mod api;
mod closing;
pub mod error;
mod journal;
mod model;
pub mod recognition;
mod service;
mod store;

pub use closing::{Closing, ClosingWish, close, closed_through, closings};
pub use error::Error;
pub use journal::journal;
pub use model::{Amount, EntryView, Fact, JournalFormat, PostingView, Source, Span, TrialBalance, TrialBalanceRow};
pub use recognition::{Deferring, deferred_revenue};
pub use service::{entries, entries_of, post, post_all, post_new, trial_balance};
