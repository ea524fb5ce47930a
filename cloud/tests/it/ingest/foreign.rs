//! An agent that names lines of somebody else's routers: nothing of it is kept, on any stream.

use weir_cloud::fleet::{sessions, unknown_hosts};
use weir_cloud::ids::SubscriptionId;
use weir_cloud::subscriptions::learned;
use weir_cloud::{fair_use, quality};
use weir_protocol::control::command_result;
use weir_protocol::control::{CommandResult, Refused};
use weir_protocol::desired::{Kind, Prefix};
use weir_protocol::quality::{LineQuality, Report};
use weir_protocol::state::{
    AddressReport, ApplyReport, FairUseReport, LearnedPrefix, LineAddresses, LineFairUse, ObjectResult, Rule, Status,
    Turn, UnknownHost, UnknownReport,
};
use weir_protocol::usage::Outcome;

use super::{Edge, Log, TENTH_MS};
use crate::harness::cloud;
use crate::money::harness::story;
use crate::money::world::METERED;
use crate::refusals::{difference, rows};

/// Tells of a line on every stream that names lines.
async fn tell_of(edge: &Edge, (line, handle): (SubscriptionId, u32), probe: &[u8]) {
    let mut log = Log::new(b"epoch A.");
    let session = edge.opens(vec![log.offered(1)]).await.session;
    let (app, id) = (&edge.isp.app, line.uuid().as_bytes().to_vec());
    let turn = Turn { rule: Rule::Exhausted.into(), at_ms: TENTH_MS, used_bytes: 9, step: 0 };
    let standing = LineFairUse {
        id: id.clone(),
        start_ms: TENTH_MS - 1_000,
        end_ms: TENTH_MS,
        used_bytes: 9,
        limit_bytes: 9,
        turns: vec![turn],
        ..LineFairUse::default()
    };
    fair_use::report(app, session, &FairUseReport { lines: vec![standing] }).await.expect("taken");
    let prefix = LearnedPrefix {
        prefix: Some(Prefix { address: vec![10, 0, 0, 9], length: 32 }),
        since_ms: TENTH_MS,
        ..LearnedPrefix::default()
    };
    let addresses = LineAddresses { id: id.clone(), prefixes: vec![prefix] };
    let report = AddressReport { lines: vec![addresses], complete: true, ..AddressReport::default() };
    learned::report(app, session, &report).await.expect("taken");
    let mut report = Report { start_ms: TENTH_MS - 300_000, end_ms: TENTH_MS, ..Report::default() };
    report.set_lines(&[LineQuality { handle, asked: 9, answered: 9, ..LineQuality::default() }]);
    quality::report(app, session, &report).await.expect("taken");
    let answer = Some(command_result::Outcome::Refused(Refused { code: "no".into(), text: "no".into() }));
    quality::answered(app, session, &CommandResult { id: probe.to_vec(), outcome: answer }).await.expect("taken");
    let (kind, status) = (Kind::Line as u32, Status::Failed.into());
    let results = vec![ObjectResult { kind, id, revision: 1, status, ..ObjectResult::default() }];
    sessions::report(app, session, &ApplyReport { generation: 1, complete: true, results, persisted: None })
        .await
        .expect("taken");
    let host = UnknownHost { address: vec![10, 0, 0, 9], mac: vec![], seen_ms: TENTH_MS };
    let hosts = UnknownReport { hosts: vec![host], ..UnknownReport::default() };
    unknown_hosts::report(app, session, &unknown_hosts::Before::default(), &hosts).await.expect("taken");
    let record = log.of_lines(&[], &[(handle, 900)], TENTH_MS);
    assert_eq!(edge.tells(session, &record).await, (Outcome::Malformed, 0));
}

#[test]
fn what_an_agent_tells_of_others_lines_is_kept_nowhere() {
    story(async {
        let (own, theirs) = (Edge::new("foreign-own").await, Edge::new("foreign-theirs").await);
        let plan = theirs.isp.plan(&METERED).await;
        let line = theirs.isp.line(theirs.isp.account("Bea").await, theirs.router, plan, "2026-10-01").await;
        theirs.opens(vec![Log::new(b"epoch B.").offered(1)]).await;
        let asked = theirs.isp.post(&format!("/subscriptions/{line}/probes"), serde_json::json!({})).await.expect(202);
        let probe = asked["id"].as_str().expect("an id").to_owned();
        let tenants = [own.isp.tenant, theirs.isp.tenant];
        let before = [rows(cloud(), tenants[0]).await, rows(cloud(), tenants[1]).await];
        tell_of(&own, (line, 2), probe.parse::<weir_cloud::ids::LineProbeId>().expect("an id").uuid().as_bytes()).await;
        assert_eq!(difference(&before[1], &rows(cloud(), tenants[1]).await), Vec::<String>::new());
        // That the agent was there, what people are told, and what is of its own side.
        let mut changed = difference(&before[0], &rows(cloud(), tenants[0]).await);
        let of_its_own =
            ["agents", "agent_events", "usage_epochs", "unknown_hosts", "unknown_traffic", "quality_hours"];
        changed.retain(|table| !of_its_own.contains(&table.as_str()));
        assert_eq!(changed, Vec::<String>::new());
    });
}
