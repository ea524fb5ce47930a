//! SQL of taxes.

pub mod exemptions;
pub mod places;
pub mod rules;
