//! SQL of the figures.

pub mod money;
pub mod network;
pub mod recurring;
pub mod risk;
