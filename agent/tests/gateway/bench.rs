//! A gateway the test plays itself, over real QUIC, and a kernel made of numbers.

use quinn::Endpoint;
use quinn::crypto::rustls::QuicServerConfig;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use uuid::Uuid;
use weir_agent::clock::{Clock, System};
use weir_agent::config::{Adapter, Config};
use weir_agent::northbound::trust;
use weir_agent::plan::Wanted;
use weir_agent::run::Agent;
use weir_agent::southbound::{
    Applied, Counter, Error, LineSampled, Outcome, Sampled, Southbound, Sweep, Total, WaySampled,
};
use weir_agent::store::identity::{Der, Identity};
use weir_protocol::state::ObservedLine;
use weir_protocol::stream::Kind;
use weir_protocol::token::Token;
use weir_protocol::{ALPN_ENROLL, ALPN_ENROLL_TCP, ALPN_RENEW, ALPN_RENEW_TCP, ALPN_SESSION, ALPN_SESSION_TCP};
use weir_protocol::{ENROLL_EXPORTER_LABEL, GATEWAY_SERVER_NAME, control, enroll, frame, state, usage};
use weir_transport::mux::{self, Pace};
use weir_transport::{Connection, Receive, Send};

/// Longest wait for anything.
const LIMIT: Duration = Duration::from_secs(20);

/// Waits for an event, with a limit.
pub async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, event).await.unwrap_or_else(|_| panic!("no {what} in time"))
}

pub struct Gateway {
    endpoint: Endpoint,
    config: quinn::ServerConfig,
    over_tcp: TlsAcceptor,
    issuer: Arc<Issuer<'static, KeyPair>>,
    pub root: Vec<u8>,
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

/// Makes a certificate hold for 90 days, so many of which are over.
fn hold(certificate: &mut CertificateParams, days: u32) {
    const DAY: Duration = Duration::from_secs(86_400);
    let now = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_millis(System::start().now().wall_ms);
    certificate.not_before = now - DAY * days;
    certificate.not_after = certificate.not_before + DAY * 90;
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

impl Gateway {
    pub fn start() -> Self {
        let root_key = key();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&root_key).unwrap().der().to_vec();
        let issuer = Issuer::new(params, root_key);
        let leaf_key = key();
        let mut leaf = CertificateParams::new(vec![GATEWAY_SERVER_NAME.to_owned()]).unwrap();
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let leaf = leaf.signed_by(&leaf_key, &issuer).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from(root.clone())).unwrap();
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
            .allow_unauthenticated()
            .build()
            .unwrap();
        let mut server = rustls::ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(
                vec![leaf.der().clone(), CertificateDer::from(root.clone())],
                PrivatePkcs8KeyDer::from(leaf_key.serialize_der()).into(),
            )
            .unwrap();
        server.alpn_protocols = [ALPN_SESSION_TCP, ALPN_ENROLL_TCP, ALPN_RENEW_TCP].map(<[u8]>::to_vec).to_vec();
        let over_tcp = TlsAcceptor::from(Arc::new(server.clone()));
        server.alpn_protocols = [ALPN_SESSION, ALPN_ENROLL, ALPN_RENEW].map(<[u8]>::to_vec).to_vec();
        let crypto = QuicServerConfig::try_from(server).unwrap();
        let config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
        let endpoint = Self::open(&config);
        Self { endpoint, config, over_tcp, issuer: Arc::new(issuer), root }
    }

    fn open(config: &quinn::ServerConfig) -> Endpoint {
        Endpoint::server(config.clone(), SocketAddr::from(([127, 0, 0, 1], 0))).unwrap()
    }

    /// Another gateway of the same cloud.
    pub fn beside(&self) -> Self {
        let (config, over_tcp, issuer) = (self.config.clone(), self.over_tcp.clone(), Arc::clone(&self.issuer));
        Self { endpoint: Self::open(&config), config, over_tcp, issuer, root: self.root.clone() }
    }

    pub fn address(&self) -> String {
        self.endpoint.local_addr().unwrap().to_string()
    }

    pub fn token(&self) -> Token {
        Token {
            gateway: self.address(),
            id: vec![1; 16],
            secret: vec![2; 16],
            root_fingerprint: trust::fingerprint(&self.root).to_vec(),
        }
    }

    /// An identity as enrollment would give it.
    pub fn identity(&self) -> Identity {
        self.identity_since(1)
    }

    /// An identity whose certificate holds for 90 days, so many of which are over.
    pub fn identity_since(&self, days: u32) -> Identity {
        let key = key();
        let mut leaf = CertificateParams::new(Vec::new()).unwrap();
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        hold(&mut leaf, days);
        let leaf = leaf.signed_by(&key, &*self.issuer).unwrap();
        Identity {
            tenant_id: Uuid::from_u128(1),
            agent_id: Uuid::from_u128(2),
            key: Der(key.serialize_der()),
            chain: vec![Der(leaf.der().to_vec())],
            trust_bundle: vec![Der(self.root.clone())],
            gateways: vec![self.address()],
        }
    }

    /// The next connection that comes to be; before it others may end in their handshakes.
    async fn arrive(&self) -> quinn::Connection {
        let arriving = async {
            loop {
                if let Ok(connection) = self.endpoint.accept().await.unwrap().await {
                    return connection;
                }
            }
        };
        soon("connection", arriving).await
    }

    pub async fn accept(&self) -> Connection {
        Connection::Quic(self.arrive().await)
    }

    /// The next connection over TCP, and what both its ends alone know.
    pub async fn accept_tcp(&self, listener: &TcpListener) -> (Connection, [u8; 32]) {
        let (stream, _) = soon("connection over TCP", listener.accept()).await.unwrap();
        let stream = self.shake_hands(stream).await.unwrap();
        let exporter = stream.get_ref().1.export_keying_material([0; 32], ENROLL_EXPORTER_LABEL, Some(b"")).unwrap();
        let pace = Pace { idle: LIMIT, ask_every: None };
        (Connection::Tcp(mux::Connection::over(stream, pace)), exporter)
    }

    /// Waits for a connection that ends in its handshake.
    pub async fn refused(&self) {
        let outcome = soon("attempt", async { self.endpoint.accept().await.unwrap().await }).await;
        assert!(outcome.is_err());
    }

    /// Begins TLS on a connection over TCP.
    pub async fn shake_hands(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        soon("handshake", self.over_tcp.accept(stream)).await
    }

    /// Reads an enrollment request and checks its proof.
    pub async fn enrollment(&self) -> (Connection, Send, enroll::Request) {
        let connection = self.arrive().await;
        let mut exporter = [0; 32];
        connection.export_keying_material(&mut exporter, ENROLL_EXPORTER_LABEL, b"").unwrap();
        Self::asked(Connection::Quic(connection), exporter).await
    }

    /// The same on a connection that is there.
    pub async fn asked(connection: Connection, exporter: [u8; 32]) -> (Connection, Send, enroll::Request) {
        let (outgoing, mut incoming) = soon("stream", connection.accept_only()).await.unwrap();
        let request: enroll::Request = soon("request", frame::read(&mut incoming)).await.unwrap();
        let proof = enroll::proof(&enroll::secret_digest(&[2; 16]), &exporter, &request.csr);
        assert_eq!(request.proof, proof);
        (connection, outgoing, request)
    }

    /// Signs a request.
    pub fn enroll(&self, request: &enroll::Request) -> enroll::Enrolled {
        let mut csr = CertificateSigningRequestParams::from_der(&request.csr.clone().into()).unwrap();
        hold(&mut csr.params, 1);
        let leaf = csr.signed_by(&*self.issuer).unwrap();
        enroll::Enrolled {
            tenant_id: vec![3; 16],
            agent_id: vec![4; 16],
            chain: vec![leaf.der().to_vec()],
            trust_bundle: vec![self.root.clone()],
            gateways: vec![self.address()],
            cloud_time_ms: 0,
        }
    }

    /// A further certificate.
    pub fn renew(&self, request: &enroll::RenewCertificate) -> enroll::CertificateRenewed {
        let request = enroll::Request { csr: request.csr.clone(), ..enroll::Request::default() };
        let enroll::Enrolled { chain, trust_bundle, gateways, .. } = self.enroll(&request);
        let renewed = enroll::Renewed { chain, trust_bundle, gateways };
        enroll::CertificateRenewed { outcome: Some(enroll::certificate_renewed::Outcome::Renewed(renewed)) }
    }

    /// Reads a request for a further certificate on a connection of its own.
    pub async fn renewal(&self) -> (Connection, Send, enroll::RenewCertificate) {
        let connection = self.accept().await;
        assert_eq!(protocol(&connection), ALPN_RENEW);
        let (outgoing, mut incoming) = soon("stream", connection.accept_only()).await.unwrap();
        let request = soon("request", frame::read(&mut incoming)).await.unwrap();
        (connection, outgoing, request)
    }

    /// Accepts a session and reads its Hello.
    pub async fn session(&self) -> (Served, control::Hello) {
        Self::session_on(self.accept().await).await
    }

    /// Takes the session on a connection and reads its Hello.
    pub async fn session_on(connection: Connection) -> (Served, control::Hello) {
        let mut streams = BTreeMap::new();
        for _ in 0..4 {
            let (kind, outgoing, incoming) = soon("stream", connection.accept()).await.unwrap();
            streams.insert(kind, (outgoing, incoming));
        }
        let mut take = |kind: Kind| streams.remove(&(kind as u8)).unwrap();
        let (control, state) = (take(Kind::Control), take(Kind::State));
        let (usage, live) = (take(Kind::Usage), take(Kind::Live));
        let mut served = Served { connection, control, state, usage, live };
        let hello = match served.control().await {
            control::up::Message::Hello(hello) => hello,
            other => panic!("{other:?} before hello"),
        };
        (served, hello)
    }
}

fn protocol(connection: &Connection) -> Vec<u8> {
    let Connection::Quic(connection) = connection else { panic!("not over QUIC") };
    let data = connection.handshake_data().unwrap().downcast::<quinn::crypto::rustls::HandshakeData>().unwrap();
    data.protocol.unwrap()
}

/// The certificate an agent shows.
pub fn shown(connection: &Connection) -> Vec<u8> {
    let Connection::Quic(connection) = connection else { panic!("not over QUIC") };
    let chain = connection.peer_identity().unwrap().downcast::<Vec<CertificateDer<'static>>>().unwrap();
    chain[0].to_vec()
}

pub type Stream = (Send, Receive);

/// An accepted session; the test is the cloud.
pub struct Served {
    pub connection: Connection,
    pub control: Stream,
    pub state: Stream,
    pub usage: Stream,
    pub live: Stream,
}

impl Served {
    pub async fn control(&mut self) -> control::up::Message {
        let up: control::Up = soon("control message", frame::read(&mut self.control.1)).await.unwrap();
        up.message.unwrap()
    }

    /// The next thing people should know; other messages are passed over.
    pub async fn event(&mut self) -> control::Event {
        loop {
            if let control::up::Message::Event(event) = self.control().await {
                return event;
            }
        }
    }

    pub async fn welcome(&mut self, streams: Vec<control::StreamPosition>) {
        self.welcome_at(1, streams).await;
    }

    pub async fn welcome_at(&mut self, proto_rev: u32, streams: Vec<control::StreamPosition>) {
        self.welcome_when(1, proto_rev, streams).await;
    }

    /// Says also what time it is in the cloud, Unix milliseconds.
    pub async fn welcome_when(&mut self, cloud_time_ms: u64, proto_rev: u32, streams: Vec<control::StreamPosition>) {
        let welcome = control::Welcome {
            session_id: 1,
            proto_rev,
            cloud_time_ms,
            state_lineage: vec![5; 16],
            streams,
            usage_interval_ms: 0,
            heartbeat_interval_ms: 60_000,
            reconnect_spread_ms: 10,
            gateways: Vec::new(),
            restored: false,
        };
        self.say(control::down::Message::Welcome(welcome)).await;
    }

    pub async fn say(&mut self, message: control::down::Message) {
        frame::write(&mut self.control.0, &control::Down { message: Some(message) }).await.unwrap();
    }

    pub async fn change(&mut self, change: &state::Down) {
        frame::write(&mut self.state.0, change).await.unwrap();
    }

    pub async fn ack(&mut self) -> state::Ack {
        match self.state_message().await {
            state::up::Message::Ack(ack) => ack,
            other => panic!("{other:?} is not an ack"),
        }
    }

    pub async fn report(&mut self) -> state::ApplyReport {
        match self.state_message().await {
            state::up::Message::Applied(report) => report,
            other => panic!("{other:?} is not a report"),
        }
    }

    /// The next report of fair use; others are passed over.
    pub async fn fair_use(&mut self) -> state::FairUseReport {
        loop {
            if let state::up::Message::FairUse(report) = self.state_message().await {
                return report;
            }
        }
    }

    /// The next report of learned addresses; others are passed over.
    pub async fn addresses(&mut self) -> state::AddressReport {
        loop {
            if let state::up::Message::Addresses(report) = self.state_message().await {
                return report;
            }
        }
    }

    pub async fn state_message(&mut self) -> state::up::Message {
        let up: state::Up = soon("state message", frame::read(&mut self.state.1)).await.unwrap();
        up.message.unwrap()
    }

    pub async fn record(&mut self) -> (usage::Record, Vec<u8>) {
        let up: usage::Up = soon("usage record", frame::read(&mut self.usage.1)).await.unwrap();
        (prost::Message::decode(up.record.as_slice()).unwrap(), up.record)
    }

    pub async fn answer(&mut self, epoch: &[u8], applied_seq: u64, trim_seq: u64, outcome: usage::Outcome) {
        let down = usage::Down { epoch: epoch.to_vec(), applied_seq, trim_seq, outcome: outcome as i32 };
        frame::write(&mut self.usage.0, &down).await.unwrap();
    }
}

/// A kernel made of numbers.
#[derive(Clone)]
pub struct Bench(Arc<Inner>);

struct Inner {
    counters: Mutex<BTreeMap<u32, u64>>,
    /// Grows when other ports are counted.
    generation: AtomicU64,
    drift: Mutex<Vec<String>>,
    /// A port that settings may not name.
    refused: Mutex<Option<String>>,
    wanted: watch::Sender<Wanted>,
    forgotten: watch::Sender<Vec<u32>>,
}

impl Bench {
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            counters: Mutex::default(),
            generation: AtomicU64::new(77),
            drift: Mutex::default(),
            refused: Mutex::default(),
            wanted: watch::Sender::new(Wanted::default()),
            forgotten: watch::Sender::new(Vec::new()),
        }))
    }

    pub fn move_bytes(&self, handle: u32, bytes: u64) {
        *self.0.counters.lock().unwrap().entry(handle).or_default() += bytes;
    }

    /// Changes something behind the agent's back.
    pub fn meddle(&self, what: &str) {
        self.0.drift.lock().unwrap().push(what.to_owned());
    }

    /// Refuses settings that name this port.
    pub fn refuse(&self, wan: &str) {
        *self.0.refused.lock().unwrap() = Some(wan.to_owned());
    }

    pub fn wanted(&self) -> Wanted {
        self.0.wanted.borrow().clone()
    }

    /// Waits until lines are forgotten.
    pub async fn forgotten(&self) -> Vec<u32> {
        soon("forgetting", self.0.forgotten.subscribe().wait_for(|handles| !handles.is_empty())).await.unwrap().clone()
    }

    /// Waits until what is wanted satisfies `condition`.
    pub async fn until(&self, condition: impl FnMut(&Wanted) -> bool) {
        soon("change", self.0.wanted.subscribe().wait_for(condition)).await.unwrap();
    }
}

impl Southbound for Bench {
    async fn probe(&mut self) -> Result<Vec<String>, Error> {
        Ok(vec!["htb".to_owned()])
    }

    async fn apply(&mut self, wanted: &Wanted) -> Result<Applied, Error> {
        let before = self.0.wanted.send_replace(wanted.clone());
        if before.router.is_some() && before.router != wanted.router {
            // Other ports have other classes, and what the old ones counted is gone with them.
            self.0.counters.lock().unwrap().clear();
            self.0.generation.fetch_add(1, Ordering::Relaxed);
        }
        let observed = |line: &weir_protocol::desired::Line| ObservedLine {
            rate_down_bps: line.rate_down_bps,
            rate_up_bps: line.rate_up_bps,
            access: line.access,
            public_ports: line.public_ports.clone(),
        };
        let lines = wanted.lines.iter().map(|(id, line)| (*id, Outcome::Applied(observed(line)))).collect();
        let drift = std::mem::take(&mut *self.0.drift.lock().unwrap());
        let refused = self.0.refused.lock().unwrap();
        let is_refused = wanted.router.as_ref().is_some_and(|router| refused.as_ref() == Some(&router.wan_interface));
        let router = is_refused.then(|| Outcome::Failed { code: "no-port", detail: "there is no such port".into() });
        Ok(Applied { router, nodes: Vec::new(), lines, drift, whole: true })
    }

    async fn change(&mut self, wanted: &Wanted, changed: &BTreeSet<Uuid>) -> Result<Applied, Error> {
        let mut applied = self.apply(wanted).await?;
        applied.lines.retain(|(id, _)| changed.contains(id));
        Ok(Applied { whole: false, ..applied })
    }

    async fn sweep(&mut self) -> Result<Sweep, Error> {
        let total = |bytes| Total { bytes, packets: bytes / 100 };
        let counter = |(handle, bytes): (&u32, &u64)| Counter {
            handle: *handle,
            generation: Uuid::from_u128(self.0.generation.load(Ordering::Relaxed).into()),
            base_down: Total::default(),
            base_up: Total::default(),
            down: total(*bytes),
            up: total(0),
        };
        let counters = self.0.counters.lock().unwrap().iter().map(counter).collect();
        Ok(Sweep { counters, ..Sweep::default() })
    }

    /// Whoever moved anything was busy half of the time.
    fn sampled(&mut self) -> Sampled {
        let busy = WaySampled { used_ms: 5, ..WaySampled::default() };
        let lines = self
            .0
            .counters
            .lock()
            .unwrap()
            .keys()
            .map(|handle| (*handle, LineSampled { down: busy, up: busy }))
            .collect();
        Sampled { sweeps: 1, span_ms: 10, lines }
    }

    async fn forget(&mut self, handles: &[u32]) -> Result<(), Error> {
        self.0.counters.lock().unwrap().retain(|handle, _| !handles.contains(handle));
        self.0.forgotten.send_replace(handles.to_vec());
        Ok(())
    }

    async fn uninstall(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

pub fn config(folder: &Path) -> Config {
    Config {
        run_dir: folder.join("run"),
        southbound: Adapter::Null,
        sweep_interval: Duration::from_millis(10),
        usage_interval: Some(Duration::from_millis(20)),
        keepalive: Duration::from_millis(500),
        retry_cap: Duration::from_millis(200),
        ..Config::new(folder.to_path_buf())
    }
}

/// An agent running on this thread.
pub struct Running {
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    pub fn start(folder: &Path, identity: &Identity, bench: &Bench) -> Self {
        Self::start_as(config(folder), identity, bench)
    }

    pub fn start_as(config: Config, identity: &Identity, bench: &Bench) -> Self {
        Self::start_by(System::start(), config, identity, bench)
    }

    /// Starts one that goes by these clocks.
    pub fn start_by(clock: impl Clock + 'static, config: Config, identity: &Identity, bench: &Bench) -> Self {
        let agent = Agent::open(config, identity.clone(), bench.clone(), clock).unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::task::spawn_local(async move {
            let stop = async {
                let _ = stopped.await;
            };
            agent.run(stop).await.unwrap();
        });
        Self { stop, task }
    }

    pub async fn stop(self) {
        let _ = self.stop.send(());
        soon("end", self.task).await.unwrap();
    }
}
