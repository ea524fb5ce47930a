//! The program on the router: enforces the desired state, meters every line, and keeps the cloud informed.
//!
//! [`northbound`] speaks to the cloud and never touches the kernel; [`southbound`] does the opposite; [`plan`]
//! is pure; [`diagnosis`] answers people's questions; [`store`] and [`usage`] survive crashes; [`subscribers`] learns who has which address. [`run`] is the loop that joins them, and the only place
//! that waits for more than one thing.

pub mod clock;
pub mod config;
pub mod diagnosis;
pub mod echo;
pub mod garden;
pub mod memory;
pub mod northbound;
pub mod plan;
pub mod run;
pub mod southbound;
pub mod status;
pub mod store;
pub mod subscribers;
pub mod usage;
