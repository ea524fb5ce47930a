//! Echoes: whether hosts are there and how far they are, asked slowly and all the time.
//!
//! [`socket`] asks one host once; [`patrol`] goes round all lines, the gateway and the anchors. Nothing is ever made to
//! depend on an answer: hosts may be silent and well.

mod patrol;
mod route;
mod socket;
mod tries;

pub use patrol::{Patrol, Seen, host, patrol, uplinks};
pub use route::gateway;
pub use socket::Echo;
pub use tries::Tries;
