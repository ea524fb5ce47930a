//! An agent the test plays itself: enrolled over real QUIC, with a session of its own at a real gateway.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Connection, ConnectionError, RecvStream, SendStream};
use rcgen::{CertificateParams, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::sync::watch;
use weir_cloud::fleet::authority::Authority;
use weir_cloud::ids::RouterId;
use weir_cloud::roles::gateway;
use weir_protocol::control::{Down, Hello, Up, Welcome, down, up};
use weir_protocol::enroll::reply::Outcome;
use weir_protocol::enroll::{
    self, CertificateRenewed, Enrolled, RenewCertificate, Reply, Request, certificate_renewed,
};
use weir_protocol::stream::Kind;
use weir_protocol::token::Token;
use weir_protocol::{
    ALPN_ENROLL, ALPN_RENEW, ALPN_SESSION, ENROLL_EXPORTER_LABEL, GATEWAY_SERVER_NAME, PROTO_REV, frame, usage,
};

use crate::money::harness::Isp;

/// Longest wait for anything.
const LIMIT: Duration = Duration::from_secs(20);

/// A gateway that listens, and how to reach it.
pub struct Gateway {
    address: SocketAddr,
    roots: Arc<RootCertStore>,
    endpoint: quinn::Endpoint,
    _stop: watch::Sender<bool>,
}

/// A router's identity.
pub struct Identity {
    pub key: KeyPair,
    pub enrolled: Enrolled,
}

impl Identity {
    /// The same agent with another key and certificate.
    pub fn with(&self, key: KeyPair, leaf: &[u8]) -> Self {
        Self { key, enrolled: Enrolled { chain: vec![leaf.to_vec()], ..self.enrolled.clone() } }
    }
}

/// An open session. It says and does what the test wants on each of its streams.
pub struct Played {
    connection: Connection,
    /// Control, state, usage and live.
    streams: Vec<(SendStream, RecvStream)>,
}

async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, event).await.unwrap_or_else(|_| panic!("no {what} in time"))
}

/// A router nobody is on yet.
pub async fn router(isp: &Isp, name: &str) -> RouterId {
    let site = isp.post("/sites", json!({ "name": format!("Site of {name}") })).await.expect(201);
    let wish = json!({ "name": name, "site_id": site["id"], "lan_interface": "lan0", "wan_interface": "wan0" });
    let made = isp.post("/routers", wish).await.expect(201);
    made["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
}

impl Gateway {
    pub async fn start(isp: &Isp) -> Self {
        let bound = gateway::bind(isp.app.clone()).await.expect("bind the gateway");
        let address = bound.address().expect("an address");
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(bound.serve(stopped));
        let authority = Authority::open(&isp.app).await.expect("the authority");
        let mut roots = RootCertStore::empty();
        for root in authority.trusted() {
            roots.add(root.clone()).expect("a root");
        }
        let endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into()).expect("an endpoint");
        Self { address, roots: Arc::new(roots), endpoint, _stop: stop }
    }

    /// Believes the gateway's certificate only if it leads to these roots.
    pub fn trusting(&self, bundle: &[Vec<u8>]) -> Self {
        let mut roots = RootCertStore::empty();
        for root in bundle {
            roots.add(root.clone().into()).expect("a root");
        }
        Self {
            roots: Arc::new(roots),
            endpoint: self.endpoint.clone(),
            _stop: self._stop.clone(),
            address: self.address,
        }
    }

    /// Asks for a further certificate on a connection of its own.
    pub async fn renew_alone(&self, identity: &Identity, csr: Vec<u8>) -> certificate_renewed::Outcome {
        let connection = self.dial(ALPN_RENEW, Some(identity)).await;
        let (mut send, mut receive) = connection.open_bi().await.expect("a stream");
        frame::write(&mut send, &RenewCertificate { csr }).await.expect("ask");
        let answer: CertificateRenewed = soon("answer", frame::read(&mut receive)).await.expect("an answer");
        answer.outcome.expect("yes or no")
    }

    async fn dial(&self, alpn: &[u8], identity: Option<&Identity>) -> Connection {
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("TLS 1.3")
            .with_root_certificates(Arc::clone(&self.roots));
        let mut tls = match identity {
            None => tls.with_no_client_auth(),
            Some(Identity { key, enrolled }) => {
                let chain = enrolled.chain.iter().cloned().map(CertificateDer::from).collect();
                let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
                tls.with_client_auth_cert(chain, key).expect("an identity")
            }
        };
        tls.alpn_protocols = vec![alpn.to_vec()];
        let config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).expect("QUIC's cipher")));
        let connecting = self.endpoint.connect_with(config, self.address, GATEWAY_SERVER_NAME).expect("dial");
        soon("connection", connecting).await.expect("connect")
    }

    /// Enrolls an agent on a router.
    pub async fn enroll(&self, isp: &Isp, router: RouterId) -> Identity {
        let made = isp.post(&format!("/routers/{router}/enrollment-tokens"), json!({})).await.expect(201);
        self.enroll_with(&made).await
    }

    /// Enrolls an agent with what the API answered to the wish for a token.
    pub async fn enroll_with(&self, made: &Value) -> Identity {
        let token = Token::from_text(made["token"].as_str().expect("a token")).expect("a token");
        let connection = self.dial(ALPN_ENROLL, None).await;
        let mut exporter = [0; 32];
        connection.export_keying_material(&mut exporter, ENROLL_EXPORTER_LABEL, b"").expect("an exporter");
        let key = KeyPair::generate().expect("a key");
        let csr = CertificateParams::default().serialize_request(&key).expect("a request").der().to_vec();
        let secret: [u8; 16] = token.secret.as_slice().try_into().expect("16 bytes");
        let proof = enroll::proof(&enroll::secret_digest(&secret), &exporter, &csr).to_vec();
        let (agent_version, hostname) = ("1.0.0".into(), "edge-1".into());
        let request = Request { token_id: token.id, proof, csr, proto_rev: PROTO_REV, agent_version, hostname };
        let (mut send, mut receive) = connection.open_bi().await.expect("a stream");
        frame::write(&mut send, &request).await.expect("ask");
        let reply: Reply = soon("reply", frame::read(&mut receive)).await.expect("an answer");
        match reply.outcome {
            Some(Outcome::Enrolled(enrolled)) => Identity { key, enrolled },
            other => panic!("not enrolled: {other:?}"),
        }
    }

    /// Opens a session, as an agent of this revision.
    pub async fn session(&self, identity: &Identity, proto_rev: u32) -> Played {
        let (played, welcome) = self.greeted(identity, Hello { proto_rev, ..Hello::default() }).await;
        assert_eq!(welcome.proto_rev, proto_rev);
        played
    }

    /// Opens a session with this hello.
    pub async fn greeted(&self, identity: &Identity, hello: Hello) -> (Played, Welcome) {
        let mut played = self.connected(identity).await;
        played.say(up::Message::Hello(hello)).await;
        match played.hear().await {
            down::Message::Welcome(welcome) => (played, welcome),
            other => panic!("no welcome: {other:?}"),
        }
    }

    /// Wants a session and gets none: with which code the connection is closed, and why.
    pub async fn turned_away(&self, identity: &Identity) -> (u64, String) {
        closed(&self.dial(ALPN_SESSION, Some(identity)).await).await
    }

    /// Opens the streams of a session and says nothing yet.
    pub async fn connected(&self, identity: &Identity) -> Played {
        let connection = self.dial(ALPN_SESSION, Some(identity)).await;
        let mut played = Played { connection, streams: Vec::new() };
        for kind in [Kind::Control, Kind::State, Kind::Usage, Kind::Live] {
            played.open(kind as u8).await;
        }
        played
    }
}

impl Played {
    /// Opens one more stream.
    pub async fn open(&mut self, kind: u8) {
        let (mut send, receive) = self.connection.open_bi().await.expect("a stream");
        send.write_all(&[kind]).await.expect("its kind");
        self.streams.push((send, receive));
    }

    pub async fn say(&mut self, message: up::Message) {
        frame::write(&mut self.streams[0].0, &Up { message: Some(message) }).await.expect("say it");
    }

    /// The next message of the control stream.
    pub async fn hear(&mut self) -> down::Message {
        let heard: Down = soon("message", frame::read(&mut self.streams[0].1)).await.expect("a message");
        heard.message.expect("a message of this revision")
    }

    /// Sends a usage record.
    pub async fn tell(&mut self, record: &[u8]) {
        frame::write(&mut self.streams[2].0, &usage::Up { record: record.to_vec(), ..usage::Up::default() })
            .await
            .expect("tell it");
    }

    /// What became of a usage record.
    pub async fn answered(&mut self) -> usage::Down {
        soon("answer", frame::read(&mut self.streams[2].1)).await.expect("an answer")
    }

    /// Sends bytes on one of the four streams, as far as they are taken.
    pub async fn send(&mut self, stream: usize, bytes: &[u8]) {
        let _refused_meanwhile = self.streams[stream].0.write_all(bytes).await;
    }

    /// With which code the connection is closed, and why.
    pub async fn closed(&self) -> (u64, String) {
        closed(&self.connection).await
    }
}

async fn closed(connection: &Connection) -> (u64, String) {
    match soon("close", connection.closed()).await {
        ConnectionError::ApplicationClosed(closed) => {
            (closed.error_code.into_inner(), String::from_utf8_lossy(&closed.reason).into_owned())
        }
        other => panic!("not closed: {other}"),
    }
}

/// Asks again and again until the answer is what was hoped for.
pub async fn until<T, F: Future<Output = T>>(what: &str, mut ask: impl FnMut() -> F, hoped: impl Fn(&T) -> bool) -> T {
    soon(what, async {
        loop {
            let answer = ask().await;
            if hoped(&answer) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}
