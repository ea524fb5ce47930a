//! The cloud's tests: through its router, on a real PostgreSQL, each test in a tenant of its own.

mod harness;
mod money;
mod network;
mod pages;
mod paying;
mod refusals;
mod search;
mod staff;
mod subscriptions;
mod world;
