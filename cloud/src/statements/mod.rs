//! Statements of account: what an account was asked for, paid and was given back over some days, and how it stands after them.
//!
//! A view over the ledger: nothing is written, and a statement of the same days says the same again unless something was dated
//! back since. Start with [`statement`]; [`draw`] makes a document of it.

pub mod api;
mod document;
pub mod error;
mod model;
mod read;
mod store;

pub use document::draw;
pub use error::Error;
pub use model::{AgedSum, Ageing, Movement, MovementKind, StatementItem, StatementOfAccount, StatementSpan};
pub use read::statement;
