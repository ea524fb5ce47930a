//! What a conversation between agent and gateway goes over: QUIC, or TLS on TCP where no UDP gets through.
//!
//! [`Connection`] is either, and the rest of both programs need not know which: streams are read and written, a close
//! has a code and a reason. [`mux`] makes the four streams of one TCP connection. Who connects, to whom and with which
//! certificates is not known here.

pub mod connection;
pub mod mux;

pub use connection::{Closed, Connection, Receive, Send};
