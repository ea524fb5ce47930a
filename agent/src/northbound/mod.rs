//! Toward the cloud: dialing, enrolling, the four streams, and what to send next.
//!
//! [`trust`] says whom we believe, [`tls`] with which settings, [`reach`] how we connect and `keep` how we stay so, [`link`] owns one connection, [`sender`] and [`backoff`] are pure and decide.
//! Nothing here touches the kernel or the disk; [`crate::run`] feeds it. Start at [`link::dial`].

pub mod backoff;
pub mod enroll;
mod keep;
pub mod link;
pub mod reach;
pub mod sender;
pub mod tls;
pub mod trust;
pub mod unread;
