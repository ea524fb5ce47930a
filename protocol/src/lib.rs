//! The conversation between a router's agent and the cloud.
//!
//! An agent dials the gateway over QUIC (ALPN [`ALPN_SESSION`], mutual TLS) and opens four long-lived
//! streams, each announced by one [`stream::Kind`] byte: *control*, *state*, *usage* and *live*. Every stream
//! carries frames ([`frame`]) of one message type per direction. A new router first speaks
//! [`ALPN_ENROLL`] once ([`enroll`]), one that was away for long [`ALPN_RENEW`]. Where no UDP gets through the same is said over TLS on TCP. Identity always comes from the certificate, never from a message.
//!
//! This crate says what is spoken, never who speaks or when: no IO beyond framing, no clock, no state.
//! Start at [`control::Hello`], then [`state`], then [`usage`].

pub mod brief;
pub mod control;
pub mod desired;
pub mod diagnosis;
pub mod enroll;
pub mod frame;
pub mod hash;
pub mod live;
pub mod quality;
pub mod state;
pub mod stream;
pub mod token;
pub mod usage;

/// The revision of the messages this build speaks; the session runs at the smaller of both sides' revisions.
pub const PROTO_REV: u32 = 10;
/// The oldest revision that is still understood: what it does not say is what it never could.
pub const OLDEST_REV: u32 = 1;
/// ALPN of an enrolled agent's session.
pub const ALPN_SESSION: &[u8] = b"weir/1";
/// ALPN of the one-time enrollment exchange.
pub const ALPN_ENROLL: &[u8] = b"weir-enroll/1";
/// ALPN of the exchange in which an agent whose certificate has ended gets a further one.
pub const ALPN_RENEW: &[u8] = b"weir-renew/1";
/// The same three over TLS on TCP, for routers no UDP reaches; ALPN is what tells them apart, as over QUIC.
pub const ALPN_SESSION_TCP: &[u8] = b"weir-tcp/1";
/// ALPN of the enrollment exchange over TCP.
pub const ALPN_ENROLL_TCP: &[u8] = b"weir-enroll-tcp/1";
/// ALPN of the exchange for a further certificate over TCP.
pub const ALPN_RENEW_TCP: &[u8] = b"weir-renew-tcp/1";
/// Closes a session's connection because the agent's certificate has ended: it may be renewed ([`ALPN_RENEW`]).
pub const CLOSE_CERTIFICATE_ENDED: u32 = 5;
/// Closes a connection over a usage record that cannot be read: no answer could name it.
pub const CLOSE_RECORD_UNREADABLE: u32 = 4;
/// Label of the TLS exporter that binds an enrollment proof to its connection.
pub const ENROLL_EXPORTER_LABEL: &[u8] = b"EXPORTER-weir-enroll-1";
/// Name every gateway certificate carries; agents verify it against the trust bundle they were enrolled with.
pub const GATEWAY_SERVER_NAME: &str = "gateway.weir.internal";
