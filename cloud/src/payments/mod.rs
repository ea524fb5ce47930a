//! Money received: recorded once, spread over open invoices, posted, and lines restored, all in one transaction.
//!
//! Start with [`record`]. Money is never moved here, only told about.

pub mod api;
pub mod error;
mod idempotency;
mod model;
mod service;
mod store;

pub use error::Error;
pub use model::{AllocatedPart, Method, NewPayment, Payment};
pub use service::{payment, payments, record};
