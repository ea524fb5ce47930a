//! A fleet: thousands of routers' agents in one process, played over real QUIC with certificates of their own, against the
//! control plane's real programs on a private PostgreSQL.
//!
//! A player keeps to the agent's own transport settings and backoff and says what an agent says; what it has not is a
//! kernel and a disk. Start at [`installation::Installation`]; [`network`] has the routers, [`crowd`] their agents.

pub mod crowd;
pub mod installation;
pub mod log;
pub mod network;
pub mod player;
pub mod relay;
