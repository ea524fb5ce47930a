//! Lists of subscribers with their accounts, locations and subscriptions, brought in from a CSV file, whole or not at all.
//!
//! [`add`] takes a file and guesses its columns; a job checks every row by doing it and undoing it ([`rows`]); [`start`]
//! does it for good. What is done is done by the other slices' own verbs: nothing is imported that could not be typed in.

pub mod api;
mod columns;
pub mod error;
pub mod jobs;
mod model;
mod rows;
mod service;
mod store;

pub use columns::FIELDS;
pub use error::Error;
pub use model::{Import, ImportChange, ImportStatus, NewImport, Row};
pub use service::{add, change, headers, import, imports, outcomes, remove, start};
