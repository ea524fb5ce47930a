//! "Is it me or the network": a line is probed over its router's session, and what that comes to is said plainly.

use serde_json::{Value, json};
use weir_cloud::http::permission::Role as StaffRole;
use weir_cloud::ids::SubscriptionId;
use weir_protocol::PROTO_REV;
use weir_protocol::control::command_result::Outcome;
use weir_protocol::control::{Command, CommandResult, Refused, command, down, up};
use weir_protocol::desired::Access;
use weir_protocol::quality::{Echoes, Probed, Role, Way};

use crate::money::harness::{Isp, story};
use crate::money::world::FIBRE;
use crate::played::{Played, router, until};
use crate::played_line::Reach;

/// A line that is open and busier than it can be.
fn full() -> Probed {
    let host = |role: Role, address: [u8; 4]| Echoes {
        role: role.into(),
        address: address.to_vec(),
        asked: 8,
        answered: 8,
        rtt_p50_us: 2_000,
        rtt_p95_us: 3_000,
    };
    Probed {
        span_ms: 3_000,
        down: Some(Way {
            delay_us: 60_000,
            delay_max_us: 90_000,
            full_permille: 950,
            used_permille: 990,
            dropped_packets: 3,
            marked_packets: 2,
        }),
        up: Some(Way::default()),
        access: Access::Open.into(),
        rate_down_bps: 1_000_000_000_000,
        rate_up_bps: 1_000_000_000_000,
        echoes: vec![host(Role::Gateway, [192, 0, 2, 1]), host(Role::Subscriber, [10, 20, 0, 2])],
    }
}

impl Reach {
    async fn ask(&self) -> Value {
        self.isp.post(&format!("/subscriptions/{}/probes", self.line), json!({})).await.expect(202)
    }

    async fn probe(&self, asked: &Value) -> Value {
        let id = asked["id"].as_str().expect("an id");
        self.isp.get(&format!("/line-probes/{id}")).await.expect(200)
    }

    /// The probe, once the router is no longer asked.
    async fn over(&self, asked: &Value) -> Value {
        until("outcome", || self.probe(asked), |probe: &Value| probe["state"] != "asked").await
    }
}

/// The command a router is sent, which is to probe this line.
async fn told(agent: &mut Played, line: SubscriptionId) -> Command {
    match agent.hear().await {
        down::Message::Command(command) => {
            let Some(command::What::Probe(probe)) = &command.what else { panic!("{command:?}") };
            assert_eq!(probe.line, line.uuid().as_bytes());
            command
        }
        other => panic!("no command: {other:?}"),
    }
}

async fn answer(agent: &mut Played, id: &[u8], outcome: Outcome) {
    agent.say(up::Message::CommandResult(CommandResult { id: id.to_vec(), outcome: Some(outcome) })).await;
}

#[test]
fn a_line_is_measured_on_its_router_and_the_answer_is_plain() {
    story(async {
        let world = Reach::new("probe").await;
        let (isp, line) = (&world.isp, world.line);
        let mut agent = world.connected(PROTO_REV).await;
        let asked = world.ask().await;
        assert_eq!((&asked["state"], &asked["verdict"]), (&json!("asked"), &Value::Null));
        let id = asked["id"].as_str().unwrap();
        let page = isp.page(&format!("/line-probes/{id}")).await.text;
        assert!(page.contains("Being measured"), "{page}");
        let again = isp.post(&format!("/subscriptions/{line}/probes"), json!({})).await;
        assert_eq!((again.status.as_u16(), again.problem()), (429, "line-probe-too-soon".into()));

        let command = told(&mut agent, line).await;
        answer(&mut agent, &command.id, Outcome::Probed(full())).await;
        let probe = world.over(&asked).await;
        assert_eq!((&probe["state"], &probe["verdict"]), (&json!("answered"), &json!("line_full")));
        assert_eq!(probe["measured"]["down"]["used_permille"], 990);
        assert_eq!(probe["measured"]["echoes"][1]["address"], "10.20.0.2");

        // Said twice, or of nothing, it changes nothing.
        answer(&mut agent, &command.id, Outcome::Refused(Refused::default())).await;
        answer(&mut agent, &[7; 16], Outcome::Probed(full())).await;
        answer(&mut agent, b"short", Outcome::Probed(full())).await;
        world.later(11).await;
        let second = world.ask().await;
        let command = told(&mut agent, line).await;
        let text = "this router has no such line".to_owned();
        answer(&mut agent, &command.id, Outcome::Refused(Refused { code: "line-unknown".into(), text })).await;
        let refused = world.over(&second).await;
        assert_eq!(
            (&refused["state"], &refused["detail"]),
            (&json!("refused"), &json!("this router has no such line"))
        );
        assert_eq!(world.probe(&asked).await, probe);

        let listed = isp.get(&format!("/subscriptions/{line}/probes")).await.expect(200);
        let ids: Vec<_> = listed["items"].as_array().unwrap().iter().map(|probe| &probe["id"]).collect();
        assert_eq!(ids, [&second["id"], &asked["id"]]);
        let page = isp.page(&format!("/line-probes/{id}")).await.text;
        for text in ["The line is full", "99 %", "60 ms", "10.20.0.2", "8 / 8"] {
            assert!(page.contains(text), "{text} is not in {page}");
        }
        let log = isp.get("/audit-entries").await.expect(200);
        assert!(log["items"].as_array().unwrap().iter().any(|entry| entry["action"] == "probe line"), "{log}");

        let page = isp.page(&format!("/subscriptions/{line}")).await.text;
        let button = format!("/subscriptions/{line}/probes");
        assert!(page.contains(&button) && page.contains("The line is full"), "{page}");
        let reader = isp.session_of(StaffRole::ReadOnly).await;
        let page = isp.browse(&reader, &format!("/subscriptions/{line}"), None).await;
        assert!(page.status == 200 && !page.text.contains(&button), "{}", page.text);
        world.later(11).await;
        let sent = isp.form(&button, "").await;
        assert!(sent.status == 303 && sent.location.starts_with("/line-probes/prb_"), "{sent:?}");
        told(&mut agent, line).await;
    });
}

#[test]
fn a_router_that_is_away_too_old_or_silent_is_named() {
    story(async {
        let world = Reach::new("probeaway").await;
        let nobody = world.ask().await;
        assert_eq!((&nobody["state"], &nobody["verdict"]), (&json!("away"), &json!("router_away")));

        world.later(11).await;
        let identity = world.gateway.enroll(&world.isp, world.at).await;
        assert_eq!(world.ask().await["verdict"], "router_away", "enrolled and not connected");

        world.later(11).await;
        let old = world.gateway.session(&identity, 4).await;
        let asked = world.ask().await;
        let probe = world.over(&asked).await;
        assert_eq!((&probe["state"], &probe["verdict"]), (&json!("too_old"), &Value::Null));
        let page = world.isp.page(&format!("/line-probes/{}", asked["id"].as_str().unwrap())).await.text;
        assert!(page.contains("Agent too old"), "{page}");
        drop(old);

        world.later(11).await;
        let mut agent = world.gateway.session(&identity, PROTO_REV).await;
        let asked = world.ask().await;
        let command = told(&mut agent, world.line).await;
        world.later(16).await;
        let probe = world.probe(&asked).await;
        assert_eq!((&probe["state"], &probe["measured"]), (&json!("no_answer"), &Value::Null));
        answer(&mut agent, &command.id, Outcome::Probed(full())).await;
        let late = until("answer", || world.probe(&asked), |probe: &Value| probe["state"] == "answered").await;
        assert_eq!(late["verdict"], "line_full", "late is better than never");
    });
}

#[test]
fn nobody_answers_for_another_router_and_no_other_isp_sees_it() {
    story(async {
        let (world, other) = (Reach::new("probeone").await, Reach::new("probetwo").await);
        let mut agent = world.connected(PROTO_REV).await;
        let mut stranger = other.connected(PROTO_REV).await;
        let asked = world.ask().await;
        let command = told(&mut agent, world.line).await;
        answer(&mut stranger, &command.id, Outcome::Probed(full())).await;
        // The stranger's own comes after it on the same stream.
        let theirs = other.ask().await;
        let own = told(&mut stranger, other.line).await;
        answer(&mut stranger, &own.id, Outcome::Probed(full())).await;
        assert_eq!(other.over(&theirs).await["state"], "answered");
        assert_eq!(world.probe(&asked).await["state"], "asked");
        let id = asked["id"].as_str().unwrap();
        assert_eq!(other.isp.get(&format!("/line-probes/{id}")).await.status, 404);
        let path = format!("/subscriptions/{}/probes", world.line);
        assert_eq!(other.isp.post(&path, json!({})).await.status, 404);
        assert_eq!(other.isp.get(&path).await.status, 404);
    });
}

#[test]
fn a_line_that_is_over_is_not_probed() {
    story(async {
        let mut isp = Isp::new("probeover", "2026-10-10T10:05:00Z").await;
        let (at, plan) = (router(&isp, "Edge").await, isp.plan(&FIBRE).await);
        let line = isp.line(isp.account("Ana").await, at, plan, "2026-10-01").await;
        isp.end(line, "2026-10-15").await;
        isp.now_is("2026-10-20T10:00:00Z").await;
        let refused = isp.post(&format!("/subscriptions/{line}/probes"), json!({})).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (409, "line-probe-line-closed".into()));
    });
}
