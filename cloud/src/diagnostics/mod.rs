//! What is wrong on that router: questions people ask of it from the dashboard, passed on by the gateway that has its
//! session, answered bit by bit.
//!
//! Nothing is changed on the router. Looking at a line's packets has a permission of its own, needs a reason, and what was
//! seen is forgotten after a day.

pub mod api;
pub mod error;
pub mod jobs;
mod model;
mod service;
mod sessions;
mod store;
mod wishes;

pub use error::Error;
pub use model::{Diagnosis, State, Tool};
pub use service::{ask, cancel, capture, capture_file, diagnoses, diagnosis, output};
pub use sessions::{answered, due, part};
pub use wishes::{CaptureWish, DiagnosisWish};
