//! The program on an edge router.

pub mod garden;
pub mod plan;
pub mod southbound;
