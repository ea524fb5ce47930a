//! The model of how bytes become records and records become money: the agent's own usage log on a simulated disk, a network
//! that reorders, repeats and drops, and a cloud that is put back in time, in runs that chance makes up from a seed.
//!
//! Every byte has a name. After each step none is billed twice; at the end each is billed, or a fault explains why it is not.
//! Start at [`scenario`], which says what can happen, and [`world`], where it does.

pub mod account;
pub mod cloud;
pub mod dice;
pub mod ledger;
pub mod rules;
pub mod run;
pub mod scenario;
pub mod world;
