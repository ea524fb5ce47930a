//! SQL of quality: what is known by the hour, and probes.

pub mod hours;
pub mod probes;
