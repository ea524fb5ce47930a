//! SQL of port blocks: [`blocks`] themselves, what routers [`reports`] of them, and [`lookups`].

pub mod blocks;
pub mod lookups;
pub mod reports;
