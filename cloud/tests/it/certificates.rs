//! Agents' certificates: renewed in a session, after their end, and while one root takes the place of another.

use chrono::{DateTime, TimeDelta, Utc};
use rcgen::{CertificateParams, KeyPair};
use serde_json::json;
use uuid::Uuid;
use weir_cloud::fleet;
use weir_cloud::fleet::authority::Authority;
use weir_cloud::fleet::jobs::WatchCertificates;
use weir_cloud::fleet::roots::{self, State};
use weir_cloud::jobs::Job;
use weir_protocol::control::{Heartbeat, Hello, down, up};
use weir_protocol::enroll::certificate_renewed::Outcome;
use weir_protocol::enroll::{RenewCertificate, Renewed, bundle_digest};
use weir_protocol::{CLOSE_CERTIFICATE_ENDED, PROTO_REV};

use crate::harness::apart;
use crate::money::harness::{Isp, story};
use crate::played::{Gateway, Identity, Played, router};

const NOW: &str = "2026-10-10T10:00:00Z";

fn key() -> (KeyPair, Vec<u8>) {
    let key = KeyPair::generate().expect("a key");
    let csr = CertificateParams::default().serialize_request(&key).expect("a request").der().to_vec();
    (key, csr)
}

/// What becomes of a request in a session.
async fn asked(played: &mut Played, csr: Vec<u8>) -> Outcome {
    played.say(up::Message::RenewCertificate(RenewCertificate { csr })).await;
    loop {
        if let down::Message::CertificateRenewed(answer) = played.hear().await {
            return answer.outcome.expect("yes or no");
        }
    }
}

#[track_caller]
fn renewed(outcome: Outcome) -> Renewed {
    match outcome {
        Outcome::Renewed(renewed) => renewed,
        Outcome::Refused(refused) => panic!("refused: {refused:?}"),
    }
}

#[track_caller]
fn assert_refused(outcome: Outcome, code: &str) {
    match outcome {
        Outcome::Refused(refused) => assert_eq!(refused.code, code, "{}", refused.text),
        Outcome::Renewed(_) => panic!("renewed in spite of {code}"),
    }
}

/// The same agent, whose newest certificate is as old as this.
async fn issued(isp: &Isp, identity: &Identity, age: TimeDelta) -> Identity {
    let (key, csr) = key();
    let id = |bytes: &[u8]| Uuid::from_slice(bytes).expect("an id");
    let (tenant, agent) = (id(&identity.enrolled.tenant_id), id(&identity.enrolled.agent_id));
    let authority = Authority::open(&isp.app).await.expect("the authority");
    let then = isp.app.clock.system_now() - age;
    let made = authority.agent(&csr, tenant.into(), agent.into(), then).expect("a certificate");
    let mut tx = isp.app.db.begin(&isp.scope()).await.expect("begin");
    let query =
        "UPDATE agents SET key_sha256 = $2, certificate = $3, certificate_until = $4, certificate_renewed_at = NULL
                 WHERE id = $1";
    let query = sqlx::query(query).bind(agent).bind(&made.key_sha256).bind(&made.der[..]).bind(made.until);
    query.execute(tx.conn()).await.expect("it is held");
    tx.commit().await.expect("committed");
    identity.with(key, &made.der)
}

/// The texts of a router's events of this kind.
async fn told(isp: &Isp, router: impl std::fmt::Display, kind: &str) -> Vec<String> {
    let events = isp.get(&format!("/routers/{router}/events")).await.expect(200);
    let events = events["items"].as_array().expect("a list").iter().filter(|event| event["kind"] == kind);
    events.map(|event| event["text"].as_str().expect("a text").to_owned()).collect()
}

#[test]
fn a_session_renews_its_own_agents_certificate_and_the_one_before_stays_good() {
    story(async {
        let isp = Isp::new("renews", NOW).await;
        let gateway = Gateway::start(&isp).await;
        let router = router(&isp, "r").await;
        let first = gateway.enroll(&isp, router).await;
        let page = isp.page(&format!("/routers/{router}")).await.text;
        assert!(page.contains("Certificate until") && !page.contains("Certificate renewed"), "{page}");
        let mut session = gateway.session(&first, PROTO_REV).await;
        assert_refused(asked(&mut session, b"none".to_vec()).await, "csr-invalid");
        let (key, csr) = key();
        let second = renewed(asked(&mut session, csr.clone()).await);
        assert_eq!(renewed(asked(&mut session, csr).await).chain, second.chain, "the answer may be lost");
        assert_refused(asked(&mut session, self::key().1).await, "renewed-lately");
        // Nobody is locked out by what breaks between the answer and the next session.
        let second = first.with(key, &second.chain[0]);
        gateway.session(&first, PROTO_REV).await;
        gateway.session(&second, PROTO_REV).await;

        let agents = isp.get("/agents").await.expect(200);
        let at = agents["items"][0]["certificate_renewed_at"].as_str();
        assert!(at.is_some_and(|at| at.starts_with("2026-10-10T10:0")), "{agents}");
        let until: DateTime<Utc> = agents["items"][0]["certificate_until"].as_str().unwrap().parse().unwrap();
        let days = (until - isp.app.clock.system_now()).num_hours();
        assert!((89 * 24..=90 * 24).contains(&days), "{until}");
        let page = isp.page(&format!("/routers/{router}")).await.text;
        assert!(page.contains("Certificate renewed"), "{page}");
        let entries = isp.get("/audit-entries").await.expect(200);
        let entry =
            entries["items"].as_array().expect("a list").iter().find(|one| one["action"] == "renew certificate");
        assert!(entry.is_some_and(|entry| entry.to_string().contains("serial")), "{entries}");
    });
}

#[test]
fn a_certificate_that_ended_while_the_router_was_away_opens_no_session_and_is_renewed_for_400_days() {
    story(async {
        let isp = Isp::new("away", NOW).await;
        let gateway = Gateway::start(&isp).await;
        let router = router(&isp, "r").await;
        let enrolled = gateway.enroll(&isp, router).await;
        let days = TimeDelta::days;
        let ended = issued(&isp, &enrolled, days(91)).await;
        assert_eq!(gateway.turned_away(&ended).await.0, u64::from(CLOSE_CERTIFICATE_ENDED));
        let (new, csr) = key();
        let answer = renewed(gateway.renew_alone(&ended, csr.clone()).await);
        assert_eq!(answer.trust_bundle, enrolled.enrolled.trust_bundle);
        gateway.session(&ended.with(new, &answer.chain[0]), PROTO_REV).await;
        assert_eq!(renewed(gateway.renew_alone(&ended, csr).await).chain, answer.chain, "the answer may be lost");
        // Whoever copied the disk before that does not have the router's key of today.
        for _ in 0..2 {
            assert_refused(gateway.renew_alone(&ended, key().1).await, "certificate-replaced");
        }
        let events = told(&isp, router, "certificate-replaced").await;
        assert!(events.len() == 1 && events[0].contains("copied"), "{events:?}");

        // 90 days it held, 400 it waited.
        let nearly = issued(&isp, &enrolled, days(489)).await;
        renewed(gateway.renew_alone(&nearly, key().1).await);
        let too_old = issued(&isp, &enrolled, days(491)).await;
        for _ in 0..2 {
            assert_refused(gateway.renew_alone(&too_old, key().1).await, "certificate-too-old");
        }
        let events = told(&isp, router, "certificate-ended").await;
        assert!(events.len() == 1 && events[0].contains("enrolled anew"), "{events:?}");
        assert_eq!(isp.post(&format!("/routers/{router}/agent/revoke"), json!({})).await.status, 204);
        for revoked in [&ended, &too_old] {
            assert_refused(gateway.renew_alone(revoked, key().1).await, "agent-revoked");
        }
    });
}

#[test]
fn a_session_ends_soon_after_its_certificate() {
    story(async {
        let isp = Isp::new("ends-in-session", NOW).await;
        let gateway = Gateway::start(&isp).await;
        let router = router(&isp, "r").await;
        let enrolled = gateway.enroll(&isp, router).await;
        let ending = issued(&isp, &enrolled, TimeDelta::days(90) - TimeDelta::seconds(2)).await;
        let session = gateway.session(&ending, PROTO_REV).await;
        let began = std::time::Instant::now();
        assert_eq!(session.closed().await.0, u64::from(CLOSE_CERTIFICATE_ENDED));
        assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
        renewed(gateway.renew_alone(&ending, key().1).await);
    });
}

#[test]
fn a_certificate_that_ends_soon_is_told_of_once() {
    story(async {
        let isp = Isp::new("certificate-ending", NOW).await;
        let gateway = Gateway::start(&isp).await;
        let router = router(&isp, "r").await;
        gateway.enroll(&isp, router).await;
        let watch = async |days: i32| {
            let mut tx = isp.app.db.begin(&isp.scope()).await.expect("begin");
            let query = "UPDATE agents SET certificate_until = now() + $1 * interval '1 day' WHERE router_id = $2";
            let query = sqlx::query(query).bind(days).bind(router.uuid());
            query.execute(tx.conn()).await.expect("the certificate ends");
            tx.commit().await.expect("committed");
            for _ in 0..2 {
                WatchCertificates {}.run(isp.app.clone(), isp.scope()).await.expect("watched");
            }
            told(&isp, router, "certificate-ending").await.len()
        };
        assert_eq!([watch(6).await, watch(4).await, watch(-3).await], [0, 1, 1]);
    });
}

/// Whom the agent of a session is told to trust.
async fn told_roots(played: &mut Played) -> Vec<Vec<u8>> {
    loop {
        if let down::Message::TrustBundle(bundle) = played.hear().await {
            return bundle.roots;
        }
    }
}

/// How many agents may show a certificate of a root.
async fn counted(isp: &Isp, root: Uuid) -> i64 {
    let all = roots::all(&isp.app).await.expect("the roots");
    all.iter().find(|(own, _)| own.id == root).expect("a root").0.agents
}

/// How often the audit log says that something was done with a root.
async fn changes_of_roots(isp: &Isp) -> usize {
    let entries = isp.get("/audit-entries").await.expect(200);
    let entries = entries["items"].as_array().expect("a list").iter();
    entries.filter(|entry| entry["action"].as_str().is_some_and(|action| action.ends_with(" root"))).count()
}

#[test]
fn one_root_takes_the_place_of_another_and_no_agent_is_lost_but_those_somebody_loses() {
    story(async {
        let isp = Isp::of(&apart("roots"), "roots", NOW).await;
        let gateway = Gateway::start(&isp).await;
        let (old, away) = (router(&isp, "old").await, router(&isp, "away").await);
        let (first, away) = (gateway.enroll(&isp, old).await, gateway.enroll(&isp, away).await);
        let before = first.enrolled.trust_bundle.clone();
        let own = gateway.trusting(&before);
        let hello = |roots: &[Vec<u8>]| Hello {
            proto_rev: PROTO_REV,
            trust_digest: bundle_digest(roots.iter().map(Vec::as_slice)).to_vec(),
            ..Hello::default()
        };
        let (mut connected, _) = own.greeted(&first, hello(&before)).await;
        let tokens = format!("/routers/{old}/enrollment-tokens");
        let token_of_before = isp.post(&tokens, json!({})).await.expect(201);

        // Whoever is connected is told of a new root at once, and of none that does not know what it holds.
        let new = roots::make(&isp.app).await.expect("a root");
        let both = told_roots(&mut connected).await;
        assert_eq!((both.len(), before.iter().all(|root| both.contains(root))), (2, true));
        let all = roots::all(&isp.app).await.expect("the roots");
        let (of_before, _) = all.iter().find(|(_, state)| *state == State::Issuing).expect("one issues").clone();
        assert!(all.iter().any(|(root, state)| root.id == new && *state == State::Trusted && root.agents == 0));
        assert!(matches!(roots::retire(&isp.app, of_before.id, true).await, Err(fleet::Error::RootIssues(_))));

        roots::issue(&isp.app, new, true).await.expect("it issues");
        let refused = roots::retire(&isp.app, of_before.id, false).await;
        assert!(matches!(refused, Err(fleet::Error::RootInUse(2))), "{refused:?}");
        // A gateway of the new root alone: who trusts only the old one believes it, and is told of both.
        let gateway = Gateway::start(&isp).await;
        let own = gateway.trusting(&before);
        let (mut session, _) = own.greeted(&away, hello(&before)).await;
        assert_eq!(told_roots(&mut session).await, both);
        let (key, csr) = key();
        let renewed = renewed(asked(&mut session, csr).await);
        assert_eq!(renewed.trust_bundle, both);
        assert_eq!(counted(&isp, of_before.id).await, 2, "it has not shown the new one yet");
        let of_new = away.with(key, &renewed.chain[0]);
        own.session(&of_new, 8).await;
        gateway.trusting(&both[1..]).session(&of_new, PROTO_REV).await;
        assert_eq!(counted(&isp, of_before.id).await, 1);
        // A token of before still leads to an agent.
        let enrolled = own.enroll_with(&token_of_before).await;
        assert_eq!(counted(&isp, of_before.id).await, 0);

        // A root nobody needs goes, once, and is trusted no more.
        let spare = roots::make(&isp.app).await.expect("a root");
        roots::retire(&isp.app, spare, false).await.expect("it goes");
        assert!(matches!(roots::retire(&isp.app, spare, false).await, Err(fleet::Error::RootNotTrusted(_))));
        assert!(matches!(roots::issue(&isp.app, spare, true).await, Err(fleet::Error::RootNotTrusted(_))));
        assert_eq!(Authority::open(&isp.app).await.expect("the authority").bundle(), both);

        // Who comes back with the certificate of before is seen to; without regard to it, its session ends, and no other.
        let lost = own.session(&away, PROTO_REV).await;
        let refused = roots::retire(&isp.app, of_before.id, false).await;
        assert!(matches!(refused, Err(fleet::Error::RootInUse(1))), "{refused:?}");
        let (mut stays, _) = own.greeted(&enrolled, hello(&both)).await;
        let began = std::time::Instant::now();
        roots::retire(&isp.app, of_before.id, true).await.expect("it goes");
        assert_eq!(told_roots(&mut stays).await, both[1..]);
        assert_eq!(lost.closed().await.0, u64::from(CLOSE_CERTIFICATE_ENDED));
        assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
        stays.say(up::Message::Heartbeat(Heartbeat::default())).await;
        assert!(matches!(asked(&mut stays, self::key().1).await, Outcome::Renewed(_)), "it goes on");

        assert_eq!(changes_of_roots(&isp).await, 5, "two made, one issues, two retired");
    });
}
