//! Toward the cloud: dialing, enrolling, the four streams, and what to send next.
//!
//! [`trust`] says whom we believe, [`tls`] with which settings, [`reach`] how we connect and `keep` how we stay so, [`link`] owns one connection, [`sender`] and [`backoff`] are pure and decide;
//! [`enroll`] and [`renew`] keep what this router can show. Nothing else here touches the disk, and nothing the kernel; [`crate::run`] feeds it. Start at [`link::dial`].

pub mod backoff;
pub mod enroll;
mod keep;
pub mod link;
pub mod reach;
pub mod renew;
pub mod sender;
pub mod tls;
pub mod trust;
pub mod unread;
