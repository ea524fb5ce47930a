//! Usage that the cloud has and no backup of it yet.

use std::time::Duration;

use tokio::task::LocalSet;
use weir_agent::config::Config;
use weir_protocol::usage::Outcome;

use super::bench::{Bench, Gateway, Running, config};

#[tokio::test]
async fn what_only_a_backup_lacks_is_kept_while_there_is_room() {
    const QUOTA: u64 = 16 * 1024;
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let config = Config {
        spool_bytes: QUOTA,
        checkpoint_interval: Duration::from_millis(20),
        usage_interval: Some(Duration::from_millis(5)),
        sweep_interval: Duration::from_millis(2),
        ..config(folder.path())
    };
    let story = async {
        bench.move_bytes(1, 0);
        let agent = Running::start_as(config.clone(), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome(Vec::new()).await;
        let (mut bytes, mut moved, mut billed, mut last) = (0, 0, 0, 0);
        // The cloud has everything and says that no backup has anything.
        while bytes < 3 * QUOTA {
            bench.move_bytes(1, 100);
            moved += 100;
            let (record, raw) = cloud.record().await;
            assert_eq!(record.seq, last + 1, "none is left out");
            (last, bytes) = (record.seq, bytes + raw.len() as u64);
            billed += record.lines().unwrap().iter().map(|line| line.down_bytes).sum::<u64>();
            cloud.answer(&record.epoch, last, 0, Outcome::Applied).await;
        }
        while billed < moved {
            let (record, _) = cloud.record().await;
            billed += record.lines().unwrap().iter().map(|line| line.down_bytes).sum::<u64>();
            last = record.seq;
            cloud.answer(&record.epoch, last, 0, Outcome::Applied).await;
        }
        assert_eq!(billed, moved);
        agent.stop().await;

        let agent = Running::start_as(config, &identity, &bench);
        let (_, hello) = gateway.session().await;
        let [held] = &hello.epochs[..] else { panic!("{:?}", hello.epochs) };
        assert!(held.first_seq > 1 && held.first_seq <= last, "some are kept, of {last}: from {}", held.first_seq);
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}
