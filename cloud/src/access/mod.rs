//! Staff, their sessions, and the record of what they changed. Subscribers log in elsewhere.
//!
//! Start at [`log_in`] and [`who_is`]; what a person may do stands in [`crate::http::permission`].

pub mod api;
pub mod error;
pub mod jobs;
mod model;
mod password;
mod service;
mod store;

pub use error::Error;
pub use model::{NewStaff, Person, Session};
pub use service::{add_staff, change_preferences, log_in, log_out, name_of, who_is};
