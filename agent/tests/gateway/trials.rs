//! Settings that must prove themselves: those that cut the router off, those its kernel refuses, and those whose proof is late.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prost::Message;
use tokio::task::LocalSet;
use uuid::Uuid;
use weir_agent::clock::{Clock, Now, System};
use weir_agent::config::Config;
use weir_protocol::CLOSE_CERTIFICATE_ENDED;
use weir_protocol::control::Severity;
use weir_protocol::desired::{Kind, Router};
use weir_protocol::enroll::certificate_renewed::Outcome;
use weir_protocol::enroll::{CertificateRenewed, Refused};
use weir_protocol::frame;
use weir_protocol::state::{Object, Status};

use crate::bench::{Bench, Gateway, Running, config, soon};
use crate::{change, line, snapshot};

/// The system's clocks, and how far the test put the monotonic one ahead.
struct Ahead(System, Arc<AtomicU64>);

impl Clock for Ahead {
    fn now(&self) -> Now {
        let now = self.0.now();
        Now { mono_ms: now.mono_ms + self.1.load(Ordering::Relaxed), ..now }
    }

    fn boot(&self) -> Uuid {
        self.0.boot()
    }
}

fn wired(revision: u64, wan: &str) -> Object {
    let body = Router { wan_interface: wan.into(), lan_interface: "lan0".into(), ..Router::default() }.encode_to_vec();
    Object { kind: Kind::Router as u32, id: vec![9; 16], revision, body, ..Object::default() }
}

/// Waits until a port is in force.
async fn wan(bench: &Bench, wan: &str) {
    bench.until(|wanted| wanted.router.as_ref().is_some_and(|router| router.wan_interface == wan)).await;
}

#[tokio::test]
async fn settings_that_cut_the_router_off_are_taken_back_and_tried_three_times() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let (identity, ahead) = (gateway.identity(), Arc::new(AtomicU64::new(0)));
    let clock = || Ahead(System::start(), Arc::clone(&ahead));
    let two_minutes = || ahead.fetch_add(120_000, Ordering::Relaxed);
    let story = async {
        let mut agent = Running::start_by(clock(), config(folder.path()), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome(Vec::new()).await;
        cloud.change(&snapshot(1, vec![wired(1, "wan0"), line(1, 1, 9)])).await;
        assert_eq!(cloud.ack().await.gen_held, 1);
        wan(&bench, "wan0").await;
        cloud.change(&change(1, 2, vec![wired(2, "wan1")], &[])).await;
        for tries in 1..=3 {
            wan(&bench, "wan1").await;
            soon("close", cloud.connection.closed()).await;
            // Nobody answers: nothing gets through this port.
            if tries == 2 {
                let _not_welcome = gateway.session().await;
                agent.stop().await;
                agent = Running::start_by(clock(), config(folder.path()), &identity, &bench);
            } else {
                two_minutes();
            }
            wan(&bench, "wan0").await;
            let hello;
            (cloud, hello) = gateway.session().await;
            assert_eq!(hello.state_gen, 2);
            cloud.welcome(Vec::new()).await;
        }
        let mut told = cloud.event().await;
        while told.severity() != Severity::Critical {
            told = cloud.event().await;
        }
        assert_eq!(told.kind, "settings-reverted");
        let report = cloud.report().await;
        let own = report.results.iter().find(|result| result.kind == Kind::Router as u32).unwrap();
        assert_eq!((own.revision, own.status(), own.code.as_str()), (2, Status::Rejected, "reverted"));

        // Others are tried anew, and stay where a gateway is reached under them.
        cloud.change(&change(2, 3, vec![wired(3, "wan2")], &[])).await;
        wan(&bench, "wan2").await;
        soon("close", cloud.connection.closed()).await;
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome(Vec::new()).await;
        assert!(cloud.report().await.results.iter().all(|result| result.code.is_empty()));
        two_minutes();
        agent.stop().await;
        let bench = Bench::new();
        let agent = Running::start_by(clock(), config(folder.path()), &identity, &bench);
        wan(&bench, "wan2").await;
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn settings_the_kernel_refuses_are_taken_back_and_the_session_stays() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let (identity, ahead) = (gateway.identity(), Arc::new(AtomicU64::new(0)));
    let clock = Ahead(System::start(), Arc::clone(&ahead));
    let story = async {
        bench.refuse("none");
        let agent = Running::start_by(clock, config(folder.path()), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome(Vec::new()).await;
        cloud.change(&snapshot(1, vec![wired(1, "wan0"), line(1, 1, 9)])).await;
        wan(&bench, "wan0").await;
        cloud.change(&change(1, 2, vec![wired(2, "none")], &[])).await;
        wan(&bench, "none").await;
        ahead.fetch_add(119_000, Ordering::Relaxed);
        assert!(bench.wanted().router.is_some_and(|router| router.wan_interface == "none"), "it has its time");
        ahead.fetch_add(1_000, Ordering::Relaxed);
        wan(&bench, "wan0").await;
        let told = cloud.event().await;
        assert_eq!((told.kind.as_str(), told.severity()), ("settings-reverted", Severity::Warning));
        assert_eq!(bench.wanted().lines.len(), 1);
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn a_refused_renewal_does_not_keep_settings_from_their_proof() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity_since(50);
    let config = Config { retry_cap: Duration::from_secs(300), ..config(folder.path()) };
    let story = async {
        let agent = Running::start_as(config, &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome(Vec::new()).await;
        cloud.change(&snapshot(1, vec![wired(1, "wan0"), line(1, 1, 9)])).await;
        wan(&bench, "wan0").await;
        cloud.change(&change(1, 2, vec![wired(2, "wan1")], &[])).await;
        wan(&bench, "wan1").await;
        soon("close", cloud.connection.closed()).await;
        gateway.accept().await.close(CLOSE_CERTIFICATE_ENDED, b"ended");
        let (connection, mut stream, _) = gateway.renewal().await;
        let refused = Refused { code: "cloud-failed".to_owned(), text: "not now".to_owned() };
        let answer = CertificateRenewed { outcome: Some(Outcome::Refused(refused)) };
        frame::write(&mut stream, &answer).await.unwrap();
        soon("close", connection.closed()).await;
        // Without a trial it would ask again in five minutes.
        let (_connection, mut stream, request) = gateway.renewal().await;
        frame::write(&mut stream, &gateway.renew(&request)).await.unwrap();
        let (mut cloud, hello) = gateway.session().await;
        assert_eq!(hello.state_gen, 2);
        cloud.welcome(Vec::new()).await;
        assert!(cloud.report().await.results.iter().all(|result| result.code.is_empty()), "they stay");
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}
