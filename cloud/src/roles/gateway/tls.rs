//! How the gateway speaks TLS, over QUIC and on TCP: private root, no tickets, no resumption, no early data, small windows.

use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{EndpointConfig, ServerConfig, TransportConfig, VarInt};
use ring::hmac;
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::ClientCertVerifier;

use weir_protocol::{ALPN_ENROLL, ALPN_ENROLL_TCP, ALPN_RENEW, ALPN_RENEW_TCP, ALPN_SESSION, ALPN_SESSION_TCP};
use weir_transport::mux::Pace;

use super::connection_ids::MarkedIds;
use super::credentials::Credentials;
use crate::secrets::Secrets;

/// Streams an agent may have open: one of each kind. Memory is taken for each permitted one.
const STREAMS: u32 = 4;
/// Bytes in flight on one stream.
const STREAM_WINDOW: u32 = 64 * 1024;
/// Bytes in flight on one connection, each way.
const WINDOW: u32 = 256 * 1024;
/// Silence after which a connection is dead here. Over QUIC the shorter time of both sides holds: agents name theirs, of four
/// probes, and those of metered uplinks probe every 100 seconds.
const IDLE: Duration = Duration::from_secs(480);

/// The gateway's configuration of TLS, for what is asked for by these names. A certificate is asked of everybody and required
/// for a session, not for enrollment.
fn tls_config(credentials: &Arc<Credentials>, alpn: [&[u8]; 3]) -> anyhow::Result<rustls::ServerConfig> {
    let verifier: Arc<dyn ClientCertVerifier> = Arc::<Credentials>::clone(credentials);
    let mut tls = rustls::ServerConfig::builder_with_provider(credentials.provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::<Credentials>::clone(credentials));
    tls.alpn_protocols = alpn.map(<[u8]>::to_vec).to_vec();
    // A resumed connection would skip the check of the client's certificate.
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    tls.send_tls13_tickets = 0;
    tls.max_early_data_size = 0;
    Ok(tls)
}

/// The configuration for agents that come over TCP.
pub(super) fn tcp_config(credentials: &Arc<Credentials>) -> anyhow::Result<rustls::ServerConfig> {
    tls_config(credentials, [ALPN_SESSION_TCP, ALPN_ENROLL_TCP, ALPN_RENEW_TCP])
}

/// When a connection over TCP is dead.
pub fn tcp_pace() -> Pace {
    Pace { idle: IDLE, ask_every: None }
}

/// The configuration for agents that come over QUIC.
pub(super) fn server_config(credentials: &Arc<Credentials>) -> anyhow::Result<ServerConfig> {
    let tls = tls_config(credentials, [ALPN_SESSION, ALPN_ENROLL, ALPN_RENEW])?;
    let mut config = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    config.transport_config(Arc::new(transport()?));
    config.max_incoming(4_096).incoming_buffer_size(16 * 1024).incoming_buffer_size_total(8 * 1024 * 1024);
    Ok(config)
}

/// Keys that outlive a restart: what still comes for connections of a gateway before this one is answered so that agents
/// know at once that those are over. They are those of the address agents know it by: another gateway that is sent a packet of
/// one of its connections does not answer it, and so cannot be made to say what would end that connection.
pub fn endpoint_config(secrets: &Secrets, known_by: &str) -> EndpointConfig {
    let key = |of: &str| secrets.derived(&format!("gateway {known_by} connection {of}"));
    let (reset_key, id_key) = (hmac::Key::new(hmac::HMAC_SHA256, &key("resets")), key("ids"));
    let mut config = EndpointConfig::new(Arc::new(reset_key));
    // Thousands of agents ask at once when a gateway comes back. Each that is not answered asks again after twice the time, and
    // packets that are read together would all be too near to each other for any pause. An answer is smaller than what it
    // answers, and only ids of ours are answered.
    config.min_reset_interval(Duration::ZERO);
    config.cid_generator(move || Box::new(MarkedIds::new(&id_key)));
    config
}

fn transport() -> anyhow::Result<TransportConfig> {
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(WINDOW))
        .send_window(WINDOW.into())
        .datagram_receive_buffer_size(None)
        .mtu_discovery_config(None)
        .max_idle_timeout(Some(IDLE.try_into()?));
    Ok(transport)
}
