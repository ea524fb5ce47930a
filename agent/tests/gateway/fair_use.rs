//! Fair use between an agent and its cloud: what is told, and what a change of the state must not lose.

use std::time::Duration;

use prost::Message;
use tokio::task::LocalSet;
use weir_agent::clock::{Clock, System};
use weir_protocol::desired::{Allowance, FairUse, Kind, Line, Router, TopUp};
use weir_protocol::state::{LineFairUse, Object, Rule};

use super::bench::{Bench, Gateway, Running, config};
use super::{change, snapshot};

const HOUR_MS: u64 = 3_600_000;

fn now_ms() -> u64 {
    System::start().now().wall_ms
}

fn metered(revision: u64, start_ms: u64, top_up: u64) -> Object {
    let allowance = Allowance {
        start_ms,
        end_ms: start_ms + 2 * HOUR_MS,
        bytes: 1_000_000,
        elsewhere_bytes: 300_000,
        top_ups: vec![TopUp { bytes: top_up, until_ms: start_ms + 2 * HOUR_MS }],
        carry_max_bytes: 0,
    };
    let fair_use = FairUse {
        time_zone: "Europe/Madrid".into(),
        allowances: vec![allowance],
        exhausted_down_bps: 10,
        exhausted_up_bps: 5,
        ..FairUse::default()
    };
    let line =
        Line { handle: 1, rate_down_bps: 1_000, rate_up_bps: 500, fair_use: Some(fair_use.into()), ..Line::default() };
    Object { kind: Kind::Line as u32, id: vec![1; 16], revision, body: line.encode_to_vec(), ..Object::default() }
}

fn router(revision: u64, lan: &str) -> Object {
    let router = Router { lan_interface: lan.into(), wan_interface: "wan0".into(), ..Router::default() };
    Object { kind: Kind::Router as u32, id: vec![9; 16], revision, body: router.encode_to_vec(), ..Object::default() }
}

fn only(lines: Vec<LineFairUse>) -> LineFairUse {
    assert_eq!(lines.len(), 1);
    lines.into_iter().next().unwrap()
}

#[tokio::test]
async fn an_allowance_used_up_throttles_the_line_and_a_top_up_opens_it_across_restarts() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let (identity, start_ms) = (gateway.identity(), now_ms() - HOUR_MS);
    let story = async {
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, hello) = gateway.session().await;
        assert_eq!(hello.tally.len(), 8);
        cloud.welcome(Vec::new()).await;
        bench.move_bytes(1, 0);
        cloud.change(&snapshot(1, vec![metered(1, start_ms, 0)])).await;
        let told = only(cloud.fair_use().await.lines);
        assert_eq!((told.used_bytes, told.limit_bytes, told.rule()), (300_000, 1_000_000, Rule::Sold));

        bench.move_bytes(1, 699_999);
        let told = only(cloud.fair_use().await.lines);
        assert_eq!((told.used_bytes, told.rule()), (999_999, Rule::Sold));
        assert!(bench.wanted().lines.values().all(|line| line.rate_down_bps == 1_000));
        bench.move_bytes(1, 1);
        bench.until(|wanted| wanted.lines.values().any(|line| line.rate_down_bps == 10)).await;
        let told = only(cloud.fair_use().await.lines);
        assert_eq!((told.used_bytes, told.rule(), told.turns.len()), (1_000_000, Rule::Exhausted, 1));
        assert_eq!((told.next_ms, told.since_ms), (start_ms + 2 * HOUR_MS, told.turns[0].at_ms));
        agent.stop().await;

        // Another process, the same count, by no other means than the disk.
        let restarted = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, again) = gateway.session().await;
        assert_eq!(again.tally, hello.tally);
        assert!(bench.wanted().lines.values().all(|line| (line.rate_down_bps, line.rate_up_bps) == (10, 5)));
        cloud.welcome(Vec::new()).await;
        let held = only(cloud.fair_use().await.lines);
        assert_eq!((held.used_bytes, held.since_ms), (1_000_000, told.since_ms));

        cloud.change(&change(1, 2, vec![metered(2, start_ms, 500_000)], &[])).await;
        bench.until(|wanted| wanted.lines.values().any(|line| line.rate_down_bps == 1_000)).await;
        let open = only(cloud.fair_use().await.lines);
        assert_eq!((open.limit_bytes, open.rule(), open.turns.len()), (1_500_000, Rule::Sold, 1));
        let (record, _) = cloud.record().await;
        assert_eq!(record.tally, hello.tally);
        restarted.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn a_change_of_the_ports_loses_nothing_that_was_counted_before_it() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        bench.move_bytes(1, 0);
        // No sweep comes by itself.
        let patient = weir_agent::config::Config { sweep_interval: Duration::from_secs(600), ..config(folder.path()) };
        let agent = Running::start_as(patient, &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome(Vec::new()).await;
        let line = metered(1, now_ms() - HOUR_MS, 0);
        cloud.change(&snapshot(1, vec![router(1, "lan0"), line])).await;
        cloud.ack().await;
        bench.until(|wanted| wanted.lines.len() == 1).await;
        bench.move_bytes(1, 4_321);
        cloud.change(&change(1, 2, vec![router(2, "lan1")], &[])).await;
        bench.until(|wanted| wanted.router.as_ref().is_some_and(|router| router.lan_interface == "lan1")).await;
        bench.move_bytes(1, 55);
        agent.stop().await;
        let mut counted = 0;
        while counted < 4_376 {
            counted += cloud.record().await.0.lines().unwrap().iter().map(|line| line.down_bytes).sum::<u64>();
        }
        assert_eq!(counted, 4_376);
    };
    LocalSet::new().run_until(story).await;
}
