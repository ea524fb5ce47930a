//! Certificates that are renewed, refused and over, and roots that change.

use std::path::Path;

use serde_json::Value;
use tokio::task::LocalSet;
use weir_agent::store::disk::{Disk, Folder};
use weir_agent::store::identity::{self, Identity};
use weir_protocol::control::{down, up};
use weir_protocol::enroll::certificate_renewed::Outcome;
use weir_protocol::enroll::{CertificateRenewed, Refused, RenewCertificate, TrustBundle, bundle_digest};
use weir_protocol::{CLOSE_CERTIFICATE_ENDED, PROTO_REV, frame};

use super::bench::{Bench, Gateway, Running, Served, shown, soon};
use super::{id, line, snapshot};

/// An identity on disk, whose certificate is so many days old.
fn enrolled(gateway: &Gateway, folder: &Path, days: u32) -> Identity {
    let identity = gateway.identity_since(days);
    identity::save(&mut Folder::open(folder).unwrap(), &identity).unwrap();
    identity
}

fn kept(folder: &Path) -> Identity {
    identity::load(&Folder::open(folder).unwrap()).unwrap().unwrap()
}

/// The next request for a further certificate.
async fn asked(cloud: &mut Served) -> RenewCertificate {
    loop {
        match cloud.control().await {
            up::Message::RenewCertificate(request) => return request,
            up::Message::Event(_) | up::Message::Heartbeat(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// What the agent's own page says of its certificate, once that holds.
async fn status(folder: &Path, holds: impl Fn(&Value) -> bool) -> Value {
    soon("status", async {
        loop {
            let told = Folder::open(&folder.join("run")).unwrap().read("status.json").unwrap_or_default();
            let told: Value = serde_json::from_slice(&told).unwrap_or_default();
            if holds(&told["certificate"]) {
                return told["certificate"].clone();
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await
}

fn says(problem: &str) -> impl Fn(&Value) -> bool {
    move |certificate| certificate["problem"].as_str().is_some_and(|said| said.contains(problem))
}

#[tokio::test]
async fn a_certificate_is_renewed_in_its_session_and_the_next_session_shows_the_new_one() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let old = enrolled(&gateway, folder.path(), 80);
    let story = async {
        let agent = Running::start(folder.path(), &old, &bench);
        // A cloud of before cannot be asked.
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome_at(8, Vec::new()).await;
        cloud.change(&snapshot(1, vec![line(1, 1, 100)])).await;
        bench.until(|wanted| wanted.lines.contains_key(&id(1))).await;
        cloud.connection.close(0, b"gone");

        let (mut cloud, _) = gateway.session().await;
        assert_eq!(shown(&cloud.connection), old.chain[0].0);
        cloud.welcome_at(PROTO_REV, Vec::new()).await;
        // The answer is lost: it is asked for again, with the same key.
        let first = asked(&mut cloud).await;
        cloud.connection.close(0, b"gone");
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome_at(PROTO_REV, Vec::new()).await;
        let request = asked(&mut cloud).await;
        let key = |csr: Vec<u8>| {
            let csr = rcgen::CertificateSigningRequestParams::from_der(&csr.into()).unwrap();
            rcgen::PublicKeyData::der_bytes(&csr.public_key).to_vec()
        };
        assert_eq!(key(first.csr), key(request.csr.clone()));
        let renewed = gateway.renew(&request);
        cloud.say(down::Message::CertificateRenewed(renewed.clone())).await;
        soon("close", cloud.connection.closed()).await;
        assert_eq!(kept(folder.path()), old, "until the new one has proven itself");

        let Some(Outcome::Renewed(renewed)) = renewed.outcome else { panic!() };
        let (mut cloud, hello) = gateway.session().await;
        assert_eq!(shown(&cloud.connection), renewed.chain[0]);
        assert_eq!(hello.state_gen, 1, "nothing else has changed");
        cloud.welcome_at(PROTO_REV, Vec::new()).await;
        cloud.report().await;
        agent.stop().await;
        let new = kept(folder.path());
        assert_eq!((new.chain[0].0.clone(), new.agent_id), (renewed.chain[0].clone(), old.agent_id));
        let files = Folder::open(folder.path()).unwrap().list().unwrap();
        assert!(!files.iter().any(|name| name.starts_with("next") || name.starts_with("renewing")), "{files:?}");
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn a_new_certificate_the_gateway_refuses_locks_no_router_out() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let old = enrolled(&gateway, folder.path(), 80);
    let story = async {
        let agent = Running::start(folder.path(), &old, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome_at(PROTO_REV, Vec::new()).await;
        let request = asked(&mut cloud).await;
        cloud.say(down::Message::CertificateRenewed(gateway.renew(&request))).await;
        // It is tried in turns with the one before.
        for _ in 0..2 {
            let connection = gateway.accept().await;
            assert_ne!(shown(&connection), old.chain[0].0);
            connection.close(7, b"not you");
            let connection = gateway.accept().await;
            assert_eq!(shown(&connection), old.chain[0].0);
            connection.close(7, b"not now");
        }
        gateway.accept().await.close(7, b"not you");
        let (mut cloud, _) = gateway.session().await;
        assert_eq!(shown(&cloud.connection), old.chain[0].0);
        cloud.welcome_at(PROTO_REV, Vec::new()).await;
        let event = loop {
            if let up::Message::Event(event) = cloud.control().await {
                break event;
            }
        };
        assert_eq!(event.kind, "certificate-refused");
        agent.stop().await;
        assert_eq!(kept(folder.path()), old);
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn a_certificate_that_has_ended_is_renewed_on_a_connection_of_its_own_or_the_router_says_why_not() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let old = enrolled(&gateway, folder.path(), 50);
    let story = async {
        let agent = Running::start(folder.path(), &old, &bench);
        let connection = gateway.accept().await;
        connection.close(CLOSE_CERTIFICATE_ENDED, b"ended");
        let (connection, mut stream, _) = gateway.renewal().await;
        assert_eq!(shown(&connection), old.chain[0].0);
        let text = "the certificate ended more than 400 days ago: enroll the router anew";
        let refused = Refused { code: "certificate-too-old".to_owned(), text: text.to_owned() };
        let answer = CertificateRenewed { outcome: Some(Outcome::Refused(refused)) };
        frame::write(&mut stream, &answer).await.unwrap();
        soon("close", connection.closed()).await;
        status(folder.path(), says("enroll the router anew")).await;

        // It never gives up.
        let (connection, mut stream, request) = gateway.renewal().await;
        frame::write(&mut stream, &gateway.renew(&request)).await.unwrap();
        soon("close", connection.closed()).await;
        let (mut cloud, _) = gateway.session().await;
        assert_ne!(shown(&cloud.connection), old.chain[0].0);
        cloud.welcome_at(PROTO_REV, Vec::new()).await;
        cloud.addresses().await;
        agent.stop().await;
        assert!(kept(folder.path()).key != old.key, "another key");
        status(folder.path(), |certificate| certificate["problem"].is_null()).await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn roots_change_in_a_session_and_a_gateway_of_none_of_them_is_told_of_and_never_believed() {
    let (gateway, other) = (Gateway::start(), Gateway::start());
    let (folder, bench) = (tempfile::tempdir().unwrap(), Bench::new());
    let old = enrolled(&gateway, folder.path(), 10);
    let story = async {
        let agent = Running::start(folder.path(), &old, &bench);
        let (mut cloud, hello) = gateway.session().await;
        assert_eq!(hello.trust_digest, bundle_digest([gateway.root.as_slice()]));
        cloud.welcome_at(PROTO_REV, Vec::new()).await;
        cloud.change(&snapshot(1, vec![line(1, 1, 100)])).await;
        bench.until(|wanted| wanted.lines.contains_key(&id(1))).await;
        let both = vec![other.root.clone(), gateway.root.clone()];
        let digest = bundle_digest(both.iter().map(Vec::as_slice));
        cloud.say(down::Message::TrustBundle(TrustBundle { roots: both })).await;
        soon("roots", async {
            while kept(folder.path()).trust_bundle.len() < 2 {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        })
        .await;
        cloud.connection.close(0, b"gone");
        let (_, hello) = gateway.session().await;
        assert_eq!(hello.trust_digest, digest);
        agent.stop().await;

        // Another cloud, or this one after all roots were replaced while the router was away.
        let stranger = Gateway::start();
        let away = Identity { gateways: vec![stranger.address()], ..kept(folder.path()) };
        let bench = Bench::new();
        let agent = Running::start(folder.path(), &away, &bench);
        stranger.refused().await;
        status(folder.path(), says("leads to no root this router trusts")).await;
        assert!(bench.wanted().lines.contains_key(&id(1)), "enforcement goes on");
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}
