//! SQL of billing: runs, what an account is billed for, documents.

pub mod batches;
pub mod charges;
pub mod contracts;
pub mod discounts;
pub mod due;
pub mod facts;
pub mod faults;
pub mod invoices;
pub mod pauses;
pub mod payers;
pub mod runs;
pub mod settled;
pub mod taxing;
