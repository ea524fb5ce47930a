//! A year of an ISP's life, lived through the product's own services in a few minutes.
//!
//! Nothing is put into the database from here: people are signed up over the REST API, routers enroll and report as agents
//! do, the clock moves and the worker's jobs run. So what the year leaves behind is what a year would.
//!
//! [`script`] decides what happens, and is pure; [`life`] does it.

mod dice;
pub mod life;
pub mod script;
