//! Enrollment tokens that are wrong, used or too old, over real QUIC; a refusal names itself and changes nothing.

use std::net::SocketAddr;
use std::sync::Arc;

use quinn::crypto::rustls::QuicClientConfig;
use rcgen::{CertificateParams, KeyPair};
use rustls::RootCertStore;
use serde_json::{Value, json};
use tokio::sync::watch;
use weir_cloud::fleet::authority::Authority;
use weir_cloud::roles::gateway;
use weir_protocol::enroll::reply::Outcome;
use weir_protocol::enroll::{self, Enrolled, Reply, Request};
use weir_protocol::token::Token;
use weir_protocol::{ALPN_ENROLL, ENROLL_EXPORTER_LABEL, GATEWAY_SERVER_NAME, PROTO_REV, frame};

use super::{difference, rows};
use crate::harness::cloud;
use crate::money::harness::{Isp, story};

/// A gateway that listens, and how to reach it.
struct Gateway {
    address: SocketAddr,
    endpoint: quinn::Endpoint,
    config: quinn::ClientConfig,
    _stop: watch::Sender<bool>,
}

impl Gateway {
    async fn start(isp: &Isp) -> Self {
        let bound = gateway::bind(isp.app.clone()).await.expect("bind the gateway");
        let address = bound.address().expect("an address");
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(bound.serve(stopped));
        let authority = Authority::open(&isp.app).await.expect("the authority");
        let mut roots = RootCertStore::empty();
        for root in authority.trusted() {
            roots.add(root.clone()).expect("a root");
        }
        let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("TLS 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![ALPN_ENROLL.to_vec()];
        let config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).expect("QUIC's cipher")));
        let endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into()).expect("an endpoint");
        Self { address, endpoint, config, _stop: stop }
    }

    /// Asks with a token and a key, on a connection of its own; `spoil` may change the request.
    async fn ask(&self, token: &Token, key: &KeyPair, spoil: impl FnOnce(&mut Request)) -> Outcome {
        let connecting = self.endpoint.connect_with(self.config.clone(), self.address, GATEWAY_SERVER_NAME);
        let connection = connecting.expect("dial").await.expect("connect");
        let mut exporter = [0; 32];
        connection.export_keying_material(&mut exporter, ENROLL_EXPORTER_LABEL, b"").expect("an exporter");
        let csr = CertificateParams::default().serialize_request(key).expect("a request").der().to_vec();
        let mut request = Request {
            token_id: token.id.clone(),
            csr,
            proto_rev: PROTO_REV,
            agent_version: "1.0.0".into(),
            hostname: "edge-1".into(),
            ..Request::default()
        };
        spoil(&mut request);
        if request.proof.is_empty() {
            let secret: [u8; 16] = token.secret.as_slice().try_into().expect("16 bytes");
            request.proof = enroll::proof(&enroll::secret_digest(&secret), &exporter, &request.csr).to_vec();
        }
        let (mut send, mut receive) = connection.open_bi().await.expect("a stream");
        frame::write(&mut send, &request).await.expect("ask");
        send.finish().expect("finish");
        let reply: Reply = frame::read(&mut receive).await.expect("an answer");
        reply.outcome.expect("yes or no")
    }
}

async fn token_of(isp: &Isp, router: &Value) -> Token {
    let path = format!("/routers/{}/enrollment-tokens", router.as_str().expect("an id"));
    let made = isp.post(&path, json!({})).await.expect(201);
    Token::from_text(made["token"].as_str().expect("a token")).expect("a token")
}

async fn router_of(isp: &Isp) -> Value {
    let site = isp.post("/sites", json!({ "name": "North mast" })).await.expect(201);
    let wish = json!({ "name": "Edge 1", "site_id": site["id"], "lan_interface": "lan0", "wan_interface": "wan0" });
    isp.post("/routers", wish).await.expect(201)["id"].clone()
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

#[track_caller]
fn enrolled(outcome: Outcome) -> Enrolled {
    match outcome {
        Outcome::Enrolled(enrolled) => enrolled,
        Outcome::Refused(refused) => panic!("refused: {refused:?}"),
    }
}

#[track_caller]
fn assert_refused(outcome: Outcome, code: &str) {
    match outcome {
        Outcome::Refused(refused) => {
            assert_eq!(refused.code, code);
            assert!(refused.text.len() > 10, "{code} says only {:?}", refused.text);
        }
        Outcome::Enrolled(_) => panic!("enrolled in spite of {code}"),
    }
}

/// Runs what must change no row of the ISP's.
async fn unchanged(isp: &Isp, refused: impl Future<Output = ()>) {
    let before = rows(cloud(), isp.tenant).await;
    refused.await;
    assert_eq!(difference(&before, &rows(cloud(), isp.tenant).await), Vec::<String>::new());
}

#[test]
fn a_wrong_token_is_refused_and_changes_nothing() {
    story(async {
        let isp = Isp::new("wrong-token", "2026-11-01T10:00:00Z").await;
        let gateway = Gateway::start(&isp).await;
        let router = router_of(&isp).await;
        let token = token_of(&isp, &router).await;
        let key = key();
        unchanged(&isp, async {
            let unknown = Token { id: vec![7; 16], ..token.clone() };
            assert_refused(gateway.ask(&unknown, &key, |_| {}).await, "token-unknown");
            let no_id = Token { id: vec![7; 3], ..token.clone() };
            assert_refused(gateway.ask(&no_id, &key, |_| {}).await, "token-unknown");
            let guessed = Token { secret: vec![7; 16], ..token.clone() };
            assert_refused(gateway.ask(&guessed, &key, |_| {}).await, "proof-wrong");
            let recorded = enroll::proof(&[0; 32], &[0; 32], b"another connection's").to_vec();
            assert_refused(gateway.ask(&token, &key, |request| request.proof = recorded).await, "proof-wrong");
            assert_refused(
                gateway.ask(&token, &key, |request| request.csr = b"no request".to_vec()).await,
                "csr-invalid",
            );
            assert_refused(gateway.ask(&token, &key, |request| request.proto_rev = 0).await, "revision-too-old");
        })
        .await;
        enrolled(gateway.ask(&token, &key, |_| {}).await);
    });
}

#[test]
fn a_used_or_old_token_is_refused_and_changes_nothing() {
    story(async {
        let mut isp = Isp::new("used-token", "2026-11-01T10:00:00Z").await;
        let gateway = Gateway::start(&isp).await;
        let router = router_of(&isp).await;
        let token = token_of(&isp, &router).await;
        let (own, others) = (key(), key());
        let first = enrolled(gateway.ask(&token, &own, |_| {}).await);
        unchanged(&isp, async {
            assert_refused(gateway.ask(&token, &others, |_| {}).await, "token-used");
            // The answer may have been lost: the key that used the token is told again who it is.
            let again = enrolled(gateway.ask(&token, &own, |_| {}).await);
            assert_eq!(again.agent_id, first.agent_id);
        })
        .await;

        let token = token_of(&isp, &router).await;
        isp.now_is("2026-11-01T10:45:00Z").await;
        unchanged(&isp, async {
            assert_refused(gateway.ask(&token, &others, |_| {}).await, "token-expired");
        })
        .await;
        let agents = isp.get("/agents").await.expect(200);
        assert_eq!(agents["items"].as_array().map(Vec::len), Some(1), "{agents}");
        assert_eq!(agents["items"][0]["revoked_at"], Value::Null);
    });
}
