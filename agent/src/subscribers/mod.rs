//! Who has which address: what the router's own DHCP and PPPoE servers lease, and which line it belongs to.
//!
//! Start at [`book::Book`]. News comes from the servers' lease files ([`dnsmasq`], [`kea`]), which are read at the start
//! and whenever they change, and, sooner, from their scripts ([`hook`]). Nothing depends on a script alone but PPPoE
//! ([`pppd`]), whose sessions end with their interface. [`sources`] brings all of it together; [`kept`] survives restarts.

pub mod book;
#[cfg(test)]
mod book_tests;
pub mod dnsmasq;
pub mod hook;
pub mod kea;
pub mod kept;
pub mod lease;
pub mod pppd;
pub mod sources;
pub mod who;
