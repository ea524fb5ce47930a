//! Routers whose clocks do not run without power.

use tokio::task::LocalSet;
use uuid::Uuid;
use weir_agent::clock::{Clock, Now, System};
use weir_protocol::control::up;
use weir_protocol::usage::Record;

use super::addresses::{host, named, tell_at};
use super::bench::{Bench, Gateway, Running, Served, config};
use super::{change, id, snapshot};

/// The time in the cloud, Unix milliseconds: a day of 2026.
const CLOUD_MS: u64 = 1_790_000_000_000;
/// Longer than the story takes.
const WHILE_MS: u64 = 600_000;

/// Shows 1970 after each boot.
struct WithoutBattery {
    system: System,
    began_ms: u64,
    boot: Uuid,
}

impl WithoutBattery {
    fn boot(n: u128) -> Self {
        let system = System::start();
        Self { began_ms: system.now().mono_ms, system, boot: Uuid::from_u128(n) }
    }
}

impl Clock for WithoutBattery {
    fn now(&self) -> Now {
        let mono_ms = self.system.now().mono_ms - self.began_ms;
        Now { wall_ms: mono_ms, mono_ms }
    }

    fn boot(&self) -> Uuid {
        self.boot
    }
}

/// The next record that holds traffic.
async fn moved(cloud: &mut Served, bench: &Bench) -> Record {
    bench.move_bytes(1, 100);
    cloud.record().await.0
}

#[tokio::test]
async fn usage_of_a_router_that_boots_in_1970_is_dated_by_the_cloud() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        bench.move_bytes(1, 0);
        let agent = Running::start_by(WithoutBattery::boot(1), config(folder.path()), &identity, &bench);
        let (mut cloud, hello) = gateway.session().await;
        assert!(hello.wall_ms < WHILE_MS, "the cloud is told what the router shows");
        cloud.welcome_when(CLOUD_MS, 1, Vec::new()).await;
        let record = moved(&mut cloud, &bench).await;
        assert!((CLOUD_MS - WHILE_MS..CLOUD_MS + WHILE_MS).contains(&record.start_ms), "{record:?}");
        assert!((CLOUD_MS - WHILE_MS..CLOUD_MS + WHILE_MS).contains(&record.end_ms), "{record:?}");
        let told = loop {
            match cloud.control().await {
                up::Message::Event(event) => break event,
                other => assert!(matches!(other, up::Message::Heartbeat(_)), "{other:?}"),
            }
        };
        assert_eq!(told.kind, "clock-wrong");
        assert!(told.text.contains("20717 d") && told.text.contains("behind"), "{}", told.text);
        agent.stop().await;

        // After a power cut nobody says what time it is, and it is not earlier than it was.
        let agent = Running::start_by(WithoutBattery::boot(2), config(folder.path()), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome(Vec::new()).await;
        let record = moved(&mut cloud, &bench).await;
        assert!((CLOUD_MS - WHILE_MS..CLOUD_MS + WHILE_MS).contains(&record.end_ms), "{record:?}");
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn leases_end_by_the_clock_of_whoever_gave_them() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        let agent = Running::start_by(WithoutBattery::boot(1), config(folder.path()), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome_when(CLOUD_MS, 4, Vec::new()).await;
        cloud.change(&snapshot(1, vec![named(1, 1, "ann")])).await;
        tell_at(folder.path(), "add 10.0.0.7 pppoe-user:ann seconds:3600", 1_000);
        bench.until(|wanted| wanted.lines.get(&id(1)).is_some_and(|line| line.prefixes == [host(7)])).await;
        // Whatever changes has leases looked at anew: by the cloud's clock this one ended in 1970.
        cloud.change(&change(1, 2, vec![named(2, 1, "ben")], &[])).await;
        bench.until(|wanted| wanted.lines.contains_key(&id(2))).await;
        assert_eq!(bench.wanted().lines[&id(1)].prefixes, [host(7)]);
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}
