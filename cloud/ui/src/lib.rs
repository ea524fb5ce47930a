//! The staff screens: view structs in, HTML out. No queries, no clock, no HTTP. Start at [`frame::Frame`]
//! and imitate [`sites`]; the rules of the road are in `README.md`.

pub mod assets;
pub mod frame;
pub mod i18n;
pub mod sites;

pub use frame::{Frame, NavItem};
