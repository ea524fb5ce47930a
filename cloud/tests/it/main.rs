//! The control plane against a real PostgreSQL, through the same doors its users have.

mod harness;
mod money;
