//! What is agreed with a subscriber beside the price of a plan: discounts, and what is charged once.
//!
//! What follows from them is decided by `weir_rules` and billed by `billing`; here they are made, shown and ended.

pub mod charges;
pub mod discounts;
pub mod error;

pub use charges::{Charge, ChargeStatus, ChargeWish, add_charge, bill_charge, charge, charges, remove_charge};
pub use discounts::{Discount, DiscountEnd, DiscountStatus, DiscountWish, discount, discounts, end_discount, grant};
pub use error::Error;
