//! What the cloud is told of quality, and asks for: done, or it hears why not.

use std::time::Duration;

use tokio::task::LocalSet;
use weir_protocol::control::command_result::Outcome;
use weir_protocol::control::{self, Command, GoAway, GoAwayReason, command, down, up};
use weir_protocol::quality::Probe;
use weir_protocol::usage::Outcome as Taken;
use weir_protocol::{PROTO_REV, frame, state};

use crate::bench::{Bench, Gateway, Running, Served, config};
use crate::{line, snapshot};

async fn ask(cloud: &mut Served, id: u8, line: &[u8]) {
    let what = Some(command::What::Probe(Probe { line: line.to_vec() }));
    cloud.say(down::Message::Command(Command { id: vec![id; 16], what })).await;
}

/// The next answer, by the command's number.
async fn answer(cloud: &mut Served) -> (u8, Outcome) {
    loop {
        if let up::Message::CommandResult(result) = cloud.control().await {
            return (result.id[0], result.outcome.unwrap());
        }
    }
}

#[tokio::test]
async fn a_probe_is_answered_once_its_time_is_over_and_what_cannot_be_done_at_once() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome_at(PROTO_REV, Vec::new()).await;
        let (one, two) = (line(1, 1, 100), line(2, 1, 200));
        cloud.change(&snapshot(1, vec![one.clone(), two.clone()])).await;
        // Nothing is known of a line before it is applied.
        while !matches!(cloud.state_message().await, state::up::Message::Applied(report) if report.results.len() == 2) {
        }

        ask(&mut cloud, 1, &one.id).await;
        ask(&mut cloud, 2, &one.id).await;
        ask(&mut cloud, 3, &[9; 16]).await;
        cloud.say(down::Message::Command(Command { id: vec![4; 16], what: None })).await;
        for (id, code) in [(2, "busy"), (3, "line-unknown"), (4, "command-unknown")] {
            match answer(&mut cloud).await {
                (named, Outcome::Refused(refused)) => assert_eq!((named, refused.code.as_str()), (id, code)),
                other => panic!("{other:?}"),
            }
        }
        ask(&mut cloud, 5, &two.id).await;
        for (id, rate) in [(1, 100), (5, 200)] {
            match answer(&mut cloud).await {
                // Numbers have no queue, and nobody to ask.
                (named, Outcome::Probed(probed)) => {
                    assert_eq!((named, probed.rate_down_bps, probed.span_ms), (id, rate, 0));
                    assert!(probed.down.is_none() && probed.echoes.is_empty(), "{probed:?}");
                }
                other => panic!("{other:?}"),
            }
        }
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn a_cloud_of_before_hears_nothing_of_quality_and_one_of_now_does() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        let often = weir_agent::config::Config { quality_interval: Duration::from_millis(10), ..config(folder.path()) };
        let agent = Running::start_as(often, &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome_at(4, Vec::new()).await;
        bench.move_bytes(1, 1_000);
        // Each record takes longer than it is between two reports.
        for _ in 0..5 {
            let (record, _) = cloud.record().await;
            cloud.answer(&record.epoch, record.seq, 0, Taken::Applied).await;
            bench.move_bytes(1, 1_000);
        }
        let reason = GoAwayReason::Drain.into();
        let away = GoAway { reason, reconnect_after_max_ms: 1, ..GoAway::default() };
        cloud.say(down::Message::GoAway(away)).await;
        while let Ok(heard) = frame::read::<control::Up>(&mut cloud.control.1).await {
            assert!(!matches!(heard.message, Some(up::Message::Quality(_))), "{heard:?}");
        }
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome_at(PROTO_REV, Vec::new()).await;
        let report = loop {
            if let up::Message::Quality(report) = cloud.control().await {
                break report;
            }
        };
        let told = report.lines().unwrap();
        assert_eq!((told.len(), told[0].handle, told[0].down.used_permille), (1, 1, 500));
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}
