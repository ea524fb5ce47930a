//! Whether the books are what the documents say: asked every night, and told to whoever answers for them.
//!
//! What must always hold is in [`Question`]; each is one query over live data, all of one moment. Start with [`check`].

pub mod api;
mod check;
pub mod error;
pub mod jobs;
mod model;
mod store;

pub use check::{book_check, book_checks, check, check_if_due};
pub use error::Error;
pub use model::{Answer, BookCheck, Difference, Question};
