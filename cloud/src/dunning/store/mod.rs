//! SQL of dunning.

pub mod cases;
pub mod fees;
pub mod holds;
pub mod policies;
pub mod standing;
