//! Carrier-grade NAT: which ports of which public address are a line's alone, since when, and who had them at an instant.
//!
//! Blocks are given and ended under their router's lock, in the transaction of the change that caused it; their history is the
//! log (RFC 6888, RFC 7422).

pub mod api;
mod assignment;
pub mod error;
pub mod jobs;
mod lookup;
mod model;
mod store;

pub use assignment::{
    COOLING, Search, assign_waiting, awaits_reports, changed_at, of_line, pool, resize, routers_with_networks, settle,
    told,
};
pub use error::Error;
pub use lookup::{Answer, Certainty, Found, Question, look_up};
pub use model::{Pool, PortBlock, Ports, Told};
