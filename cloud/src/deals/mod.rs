//! What is agreed with a subscriber beside the price of a plan: discounts.
//!
//! What follows from them is decided by `weir_rules` and billed by `billing`; here they are granted, shown and ended.

pub mod discounts;
pub mod error;

pub use discounts::{Discount, DiscountEnd, DiscountStatus, DiscountWish, discount, discounts, end_discount, grant};
pub use error::Error;
