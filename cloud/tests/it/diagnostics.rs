//! What is wrong on that router: asked from the dashboard, answered bit by bit, limited, stopped, forgotten.

use serde_json::{Value, json};
use weir_cloud::diagnostics::jobs::ForgetOldDiagnoses;
use weir_cloud::http::permission::Role;
use weir_cloud::jobs::Job;
use weir_protocol::PROTO_REV;
use weir_protocol::control::command_result::Outcome;
use weir_protocol::control::{Command, CommandResult, Refused, command, down, up};
use weir_protocol::diagnosis::{Diagnose, Diagnosed, Part, UnknownOutcome, diagnose};

use crate::money::harness::story;
use crate::played::{Played, until};
use crate::played_line::Reach;

impl Reach {
    async fn diagnose(&self, wish: Value) -> String {
        let asked = self.isp.post(&format!("/routers/{}/diagnoses", self.at), wish).await.expect(202);
        asked["id"].as_str().expect("an id").to_owned()
    }

    async fn capture(&self) -> String {
        let wish = json!({ "subscription_id": self.line, "reason": "Ticket 7, agreed", "packets": 5 });
        let asked = self.isp.post(&format!("/routers/{}/captures", self.at), wish).await.expect(202);
        asked["id"].as_str().expect("an id").to_owned()
    }

    async fn shown(&self, id: &str) -> Value {
        self.isp.get(&format!("/diagnoses/{id}")).await.expect(200)
    }

    /// The diagnosis, once it is in this state.
    async fn at_last(&self, id: &str, state: &str) -> Value {
        until(state, || self.shown(id), |one: &Value| one["state"] == state).await
    }
}

async fn told(agent: &mut Played) -> (Vec<u8>, Diagnose) {
    match agent.hear().await {
        down::Message::Command(Command { id, what: Some(command::What::Diagnose(diagnose)) }) => (id, diagnose),
        other => panic!("no question: {other:?}"),
    }
}

async fn tell(agent: &mut Played, id: &[u8], number: u32, data: &[u8]) {
    agent.say(up::Message::DiagnosisPart(Part { id: id.to_vec(), number, data: data.to_vec() })).await;
}

async fn end(agent: &mut Played, id: &[u8], outcome: Outcome) {
    agent.say(up::Message::CommandResult(CommandResult { id: id.to_vec(), outcome: Some(outcome) })).await;
}

fn done(parts: u32) -> Outcome {
    Outcome::Diagnosed(Diagnosed { parts, cut_short: false })
}

#[test]
fn a_router_is_asked_and_what_it_tells_is_shown_while_it_tells() {
    story(async {
        let world = Reach::new("diag").await;
        let mut agent = world.connected(PROTO_REV).await;
        let sent = world.isp.form(&format!("/routers/{}/diagnoses", world.at), "tool=ping&target=Example.net").await;
        let id = sent.location.strip_prefix("/diagnoses/").unwrap_or_else(|| panic!("{sent:?}")).to_owned();
        let (command, question) = told(&mut agent).await;
        let Some(diagnose::Tool::Ping(ping)) = &question.tool else { panic!("{question:?}") };
        assert_eq!((ping.host.as_str(), question.seconds, question.packets), ("example.net", 15, 10));
        assert!(question.not_after_ms > 0);
        world.at_last(&id, "running").await;

        tell(&mut agent, &command, 1, b"2: 3.0 ms \x1b[31m<b>\n").await;
        tell(&mut agent, &command, 0, b"1: 2.0 ms\n").await;
        tell(&mut agent, &command, 0, b"again\n").await;
        let shown = until("output", || world.shown(&id), |one: &Value| one["bytes"] == 29).await;
        assert_eq!(shown["output"], "1: 2.0 ms\n2: 3.0 ms [31m<b>\n", "in order, each once, and plain");
        let page = world.isp.page(&format!("/diagnoses/{id}")).await.text;
        assert!(page.contains("2: 3.0 ms [31m&#60;b&#62;") && page.contains("Running"), "{page}");
        end(&mut agent, &command, done(2)).await;
        let over = world.at_last(&id, "done").await;
        assert_eq!((&over["parts"], &over["cut_short"]), (&json!(2), &json!(false)));
        // What comes after the end is nobody's.
        tell(&mut agent, &command, 2, b"late\n").await;
        end(&mut agent, &command, Outcome::Refused(Refused::default())).await;
        let other = world.diagnose(json!({ "tool": "shaper", "subscription_id": world.line })).await;
        let (command, question) = told(&mut agent).await;
        let Some(diagnose::Tool::Shaper(shaper)) = &question.tool else { panic!("{question:?}") };
        assert_eq!(shaper.line, world.line.uuid().as_bytes());
        let text = "this router has no such line".to_owned();
        end(&mut agent, &command, Outcome::Refused(Refused { code: "line-unknown".into(), text })).await;
        assert_eq!(world.at_last(&other, "refused").await["detail"], "this router has no such line");
        assert_eq!(world.shown(&id).await, over);

        let list = world.isp.get(&format!("/routers/{}/diagnoses", world.at)).await.expect(200);
        let ids: Vec<_> = list["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!(ids, [&other, &id]);
        let page = world.isp.page(&format!("/routers/{}/diagnoses", world.at)).await.text;
        assert!(page.contains("Ping example.net") && page.contains("Not done") && page.contains("tool=dns"), "{page}");
        let log = world.isp.get("/audit-entries?action=diagnose%20router").await.expect(200);
        assert_eq!(log["items"].as_array().map(Vec::len), Some(2), "{log}");
        let bad = world.isp.form(&format!("/routers/{}/diagnoses", world.at), "tool=traceroute&target=a+b").await;
        assert!(bad.status == 422 && bad.text.contains("Give a host’s name or address."), "{bad:?}");
    });
}

#[test]
fn a_router_that_is_away_too_old_silent_or_restarted_is_named() {
    story(async {
        let world = Reach::new("diagaway").await;
        let away = world.diagnose(json!({ "tool": "log" })).await;
        assert_eq!(world.shown(&away).await["state"], "away");
        let identity = world.gateway.enroll(&world.isp, world.at).await;
        let old = world.gateway.session(&identity, 8).await;
        let asked = world.diagnose(json!({ "tool": "log" })).await;
        world.at_last(&asked, "too_old").await;
        drop(old);
        let mut agent = world.gateway.session(&identity, PROTO_REV).await;
        let asked = world.diagnose(json!({ "tool": "talkers" })).await;
        let (command, _) = told(&mut agent).await;
        world.later(61).await;
        assert_eq!(world.shown(&asked).await["state"], "no_answer");
        end(&mut agent, &command, done(0)).await;
        world.at_last(&asked, "done").await;

        let packets = world.capture().await;
        let (command, _) = told(&mut agent).await;
        drop(agent);
        let mut agent = world.gateway.session(&identity, PROTO_REV).await;
        end(&mut agent, &command, Outcome::Unknown(UnknownOutcome { began_ms: 1 })).await;
        let unknown = world.at_last(&packets, "unknown").await;
        assert_eq!(unknown["bytes"], 0);
        let page = world.isp.page(&format!("/diagnoses/{packets}")).await.text;
        assert!(page.contains("Unknown outcome"), "{page}");
    });
}

#[test]
fn packets_need_a_permission_and_a_reason_and_are_forgotten_after_a_day() {
    story(async {
        let mut world = Reach::new("diagpackets").await;
        let mut agent = world.connected(PROTO_REV).await;
        let path = format!("/routers/{}/captures", world.at);
        let network = world.isp.session_of(Role::Network).await;
        let form = format!("subscription_id={}&reason=Curious", world.line);
        assert_eq!(world.isp.browse(&network, &path, Some(&form)).await.status, 403);
        let line = world.isp.browse(&network, &format!("/subscriptions/{}", world.line), None).await.text;
        assert!(line.contains("tool=shaper") && !line.contains("captures/new"), "{line}");
        let unreasoned = world.isp.post(&path, json!({ "subscription_id": world.line, "reason": " " })).await;
        assert_eq!(unreasoned.status, 422);

        let id = world.capture().await;
        let (command, question) = told(&mut agent).await;
        let Some(diagnose::Tool::Capture(capture)) = &question.tool else { panic!("{question:?}") };
        assert_eq!((capture.snap_bytes, question.seconds, question.packets), (96, 10, 5));
        tell(&mut agent, &command, 0, b"\xd4\xc3\xb2\xa1head").await;
        tell(&mut agent, &command, 1, b"packet").await;
        let file = format!("/diagnoses/{id}/capture");
        end(&mut agent, &command, done(2)).await;
        let over = world.at_last(&id, "done").await;
        assert_eq!((&over["output"], &over["bytes"]), (&json!(""), &json!(14)));
        let button = world.isp.page(&format!("/diagnoses/{id}")).await.text;
        assert!(button.contains(&format!("/api/v1{file}")), "{button}");
        let seen = world.isp.browse(&network, &format!("/diagnoses/{id}"), None).await;
        assert!(seen.status == 200 && !seen.text.contains("/capture\""), "{}", seen.text);
        assert_eq!(world.isp.browse(&network, &format!("/api/v1{file}"), None).await.status, 403);
        assert_eq!(world.isp.get(&file).await.status, 200);
        for action in ["capture%20packets", "fetch%20packets"] {
            let log = world.isp.get(&format!("/audit-entries?action={action}")).await.expect(200);
            assert_eq!(log["items"][0]["subject"], world.line.to_string(), "{log}");
        }
        world.isp.now_is("2026-10-11T10:06:00Z").await;
        ForgetOldDiagnoses {}.run(world.isp.app.clone(), world.isp.scope()).await.unwrap();
        assert_eq!(world.isp.get(&file).await.problem(), "capture-not-found");
        assert_eq!(world.shown(&id).await["reason"], "Ticket 7, agreed", "that they were looked at is known on");
        world.isp.now_is("2026-10-24T10:06:00Z").await;
        ForgetOldDiagnoses {}.run(world.isp.app.clone(), world.isp.scope()).await.unwrap();
        assert_eq!(world.isp.get(&format!("/diagnoses/{id}")).await.problem(), "diagnosis-not-found");
    });
}

#[test]
fn a_diagnosis_is_stopped_and_no_router_is_asked_too_much_or_by_strangers() {
    story(async {
        let (world, other) = (Reach::new("diagone").await, Reach::new("diagtwo").await);
        let (mut agent, mut stranger) = (world.connected(PROTO_REV).await, other.connected(PROTO_REV).await);
        let id = world.diagnose(json!({ "tool": "traceroute", "target": "192.0.2.1" })).await;
        let (command, _) = told(&mut agent).await;
        tell(&mut stranger, &command, 0, b"lies").await;
        end(&mut stranger, &command, done(1)).await;
        let theirs = other.diagnose(json!({ "tool": "log" })).await;
        let (own, _) = told(&mut stranger).await;
        end(&mut stranger, &own, done(0)).await;
        other.at_last(&theirs, "done").await;
        assert_eq!(
            (&world.shown(&id).await["state"], &world.shown(&id).await["bytes"]),
            (&json!("running"), &json!(0))
        );
        for path in [format!("/diagnoses/{id}"), format!("/routers/{}/diagnoses", world.at)] {
            assert_eq!(other.isp.get(&path).await.status, 404);
        }
        let foreign = json!({ "tool": "shaper", "subscription_id": world.line });
        let refused = other.isp.post(&format!("/routers/{}/diagnoses", other.at), foreign).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (422, "invalid".into()));

        tell(&mut agent, &command, 0, b" 1  10.0.0.1\n").await;
        until("output", || world.shown(&id), |one: &Value| one["bytes"] != 0).await;
        let second = world.diagnose(json!({ "tool": "log" })).await;
        told(&mut agent).await;
        let third = world.isp.post(&format!("/routers/{}/diagnoses", world.at), json!({ "tool": "log" })).await;
        assert_eq!((third.status.as_u16(), third.problem()), (429, "diagnoses-too-many".into()));
        let stopped = world.isp.form(&format!("/diagnoses/{id}/cancel"), "").await;
        assert_eq!(stopped.location, format!("/diagnoses/{id}"));
        match agent.hear().await {
            down::Message::Cancel(cancel) => assert_eq!(cancel.id, command),
            other => panic!("{other:?}"),
        }
        end(&mut agent, &command, done(1)).await;
        let over = world.shown(&id).await;
        assert_eq!((&over["state"], &over["output"]), (&json!("cancelled"), &json!(" 1  10.0.0.1\n")));
        let again = world.isp.post(&format!("/diagnoses/{id}/cancel"), json!({})).await;
        assert_eq!((again.status.as_u16(), again.problem()), (409, "diagnosis-over".into()));
        world.isp.post(&format!("/diagnoses/{second}/cancel"), json!({})).await.expect(200);
        for _ in 0..10 {
            let next = world.diagnose(json!({ "tool": "log" })).await;
            world.isp.post(&format!("/diagnoses/{next}/cancel"), json!({})).await.expect(200);
        }
        let much = world.isp.post(&format!("/routers/{}/diagnoses", world.at), json!({ "tool": "log" })).await;
        assert_eq!((much.status.as_u16(), much.problem()), (429, "diagnoses-too-many".into()));
    });
}
