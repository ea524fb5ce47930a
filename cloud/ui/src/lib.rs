//! The staff screens: view structs in, HTML out. No queries, no clock, no HTTP. Start at [`frame::Frame`]
//! and the pages made of [`blocks`] in [`pages`]; the rules of the road are in `README.md`.

pub mod assets;
pub mod blocks;
pub mod colour;
pub mod conversation;
pub mod format;
pub mod frame;
pub mod i18n;
pub mod mail;
pub mod pages;
pub mod portal;
pub mod reference;
pub mod samples;

pub use askama::Template;
pub use frame::{Frame, NavItem};
