//! Usage that the cloud has and no backup of it yet.

use std::path::Path;
use std::time::Duration;

use prost::Message;
use tokio::task::LocalSet;
use weir_agent::config::Config;
use weir_protocol::control::{EpochPosition, StreamPosition, Verdict};
use weir_protocol::usage::{Outcome, Record, Up};
use weir_protocol::{PROTO_REV, frame};

use super::bench::{Bench, Gateway, Running, Served, config, soon};

/// Seals records all the time.
fn quick(folder: &Path) -> Config {
    let (usage_interval, sweep_interval) = (Some(Duration::from_millis(5)), Duration::from_millis(2));
    Config { usage_interval, sweep_interval, ..config(folder) }
}

#[tokio::test]
async fn what_only_a_backup_lacks_is_kept_while_there_is_room() {
    const QUOTA: u64 = 16 * 1024;
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let config = Config { spool_bytes: QUOTA, checkpoint_interval: Duration::from_millis(20), ..quick(folder.path()) };
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

/// The next session, welcomed by a cloud that does not go on with an epoch; and how the agent still has that.
async fn forked_session(gateway: &Gateway, epoch: &[u8]) -> (Served, Option<EpochPosition>) {
    loop {
        let (mut cloud, hello) = gateway.session().await;
        let verdict = Verdict::Fork.into();
        let fork = StreamPosition { epoch: epoch.to_vec(), verdict, ..StreamPosition::default() };
        cloud.welcome_at(PROTO_REV, vec![fork]).await;
        // Without another one to add to, it opens that first, and comes back.
        if hello.epochs.last().is_some_and(|current| current.epoch != epoch) {
            return (cloud, hello.epochs.into_iter().find(|held| held.epoch == epoch));
        }
    }
}

/// The next record for quarantine.
async fn quarantined(cloud: &mut Served) -> Record {
    loop {
        let up: Up = soon("usage record", frame::read(&mut cloud.usage.1)).await.unwrap();
        if up.quarantine {
            return Record::decode(up.record.as_slice()).unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_in_quarantine_is_kept_until_a_backup_has_it() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        bench.move_bytes(1, 0);
        let config = Config { spool_bytes: 16 * 1024, ..quick(folder.path()) };
        let agent = Running::start_as(config, &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome_at(PROTO_REV, Vec::new()).await;
        let mut epoch = Vec::new();
        for seq in 1..=2 {
            bench.move_bytes(1, 100);
            let (record, _) = cloud.record().await;
            assert_eq!(record.seq, seq);
            epoch = record.epoch;
        }
        cloud.answer(&epoch, 0, 0, Outcome::Fork).await;
        // It waits there, and no backup has it: session after session all of it is told, and kept.
        for _ in 0..2 {
            let (mut cloud, held) = forked_session(&gateway, &epoch).await;
            let held = held.expect("it is kept");
            assert_eq!((held.first_seq, held.last_seq), (1, 2));
            for seq in 1..=2 {
                assert_eq!(quarantined(&mut cloud).await.seq, seq);
                cloud.answer(&epoch, seq, 0, Outcome::Quarantined).await;
            }
            cloud.connection.close(0, b"gone");
        }
        let (mut cloud, _) = forked_session(&gateway, &epoch).await;
        for seq in 1..=2 {
            assert_eq!(quarantined(&mut cloud).await.seq, seq);
            cloud.answer(&epoch, seq, seq, Outcome::Quarantined).await;
        }
        // The file it is in goes once it is full and nobody needs the rest of it.
        for _ in 0..60 {
            bench.move_bytes(1, 100);
            let (record, _) = cloud.record().await;
            cloud.answer(&record.epoch, record.seq, record.seq, Outcome::Applied).await;
        }
        cloud.connection.close(0, b"gone");
        assert!(forked_session(&gateway, &epoch).await.1.is_none());
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}
