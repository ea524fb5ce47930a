//! The cloud's tests: through its router, on a real PostgreSQL, each test in a tenant of its own.

mod access_points;
mod desired;
mod dunning;
mod fair_use;
mod harness;
mod identities;
mod line_probes;
mod line_quality;
mod messages;
mod money;
mod network;
mod pages;
mod paying;
mod played;
mod plugins;
mod portal;
mod quality;
mod refusals;
mod removals;
mod router_settings;
mod search;
mod staff;
mod staffapi;
mod subscriptions;
mod tickets;
mod world;
