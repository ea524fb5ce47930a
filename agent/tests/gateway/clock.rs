//! Routers whose clocks do not run without power.

use tokio::task::LocalSet;
use uuid::Uuid;
use weir_agent::clock::{Clock, Now, System};
use weir_protocol::control::up;
use weir_protocol::usage::Record;

use super::bench::{Bench, Gateway, Running, Served, config};

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
