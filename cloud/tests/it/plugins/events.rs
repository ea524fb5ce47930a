//! Rules that are told of events: what they ask for is checked, done once, or the event is set aside.

use serde_json::{Value, json};
use weir_cloud::events::EventKind;
use weir_cloud::jobs::{Job, TellListener};

use super::{Active, text};
use crate::money::harness::{Isp, story};
use crate::money::world::FIBRE;

/// Places a hold and tells the plugins of it, as the worker does, this many times.
async fn held(isp: &Isp, line: impl std::fmt::Display, kind: &str, times: u32) {
    let hold = json!({ "kind": kind, "effect": "walled_garden", "reason": "Test" });
    isp.post(&format!("/subscriptions/{line}/holds"), hold).await.expect(201);
    let id = last(isp, EventKind::HoldPlaced).await.expect("an event")["id"].clone();
    for _ in 0..times {
        let job: TellListener = serde_json::from_value(json!({ "listener": "plugins", "event": id })).expect("a job");
        job.run(isp.app.clone(), isp.scope()).await.expect("told");
    }
}

/// The latest event of a kind.
async fn last(isp: &Isp, kind: EventKind) -> Option<Value> {
    let mut tx = isp.app.db.read(&isp.scope()).await.expect("a transaction");
    let id: Option<uuid::Uuid> = sqlx::query_scalar("SELECT id FROM events WHERE kind = $1 ORDER BY id DESC LIMIT 1")
        .bind(kind.name())
        .fetch_optional(tx.conn())
        .await
        .expect("asked");
    let event = weir_cloud::events::event(&mut tx, id?.into()).await.expect("read").expect("the event");
    Some(serde_json::to_value(event).expect("JSON"))
}

async fn holds(isp: &Isp, line: impl std::fmt::Display) -> usize {
    isp.get(&format!("/subscriptions/{line}/holds")).await.expect(200)["items"].as_array().expect("holds").len()
}

#[test]
fn a_note_is_left_once_for_whom_it_is_meant() {
    story(async {
        let isp = Isp::new("vip", "2026-11-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let account = isp.account("Ana").await;
        let line = isp.line(account, router, plan, "2026-11-01").await;
        let vip = isp.activated("vip-overdue", "handle-event", "vip-overdue").await;
        isp.tell(&vip, json!({ "accounts": account.to_string(), "text": "Call Ana." }), json!(["note"])).await;
        held(&isp, line, "unpaid", 2).await;
        let note = last(&isp, EventKind::PluginNoted).await.expect("a note");
        assert_eq!((&note["data"]["text"], &note["account_id"]), (&json!("Call Ana."), &json!(account.to_string())));
        assert_eq!(text(&note["data"], "digest"), vip.digest);
        assert_eq!(isp.calls(&vip, "").await.len(), 1, "told once, however often the job runs");
        let tried = isp.post(&format!("/plugin-versions/{}/dry-run", vip.version), json!({})).await.expect(200);
        assert_eq!((&tried["dry_run"]["changed"], &tried["dry_run"]["failed"]), (&json!(0), &json!(0)), "{tried}");
    });
}

#[test]
fn what_a_plugin_must_not_have_is_refused_and_the_event_set_aside() {
    story(async {
        let isp = Isp::new("plugin-forged", "2026-11-01T10:00:00Z").await;
        let other = Isp::new("robbed", "2026-11-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let line = isp.line(isp.account("Ana").await, router, plan, "2026-11-01").await;
        let mine = isp.line(isp.account("Bea").await, router, plan, "2026-11-01").await;
        let (router, plan) = (other.router_named("r").await, other.plan(&FIBRE).await);
        let theirs = other.line(other.account("Eve").await, router, plan, "2026-11-01").await;
        let forger = isp.activated("forger", "handle-event", "forger").await;
        let cases = [
            (json!({ "do": "hold", "subscription": theirs.to_string() }), "no subscription"),
            (json!({ "do": "tenant", "subscription": theirs.to_string() }), "no subscription"),
            (json!({ "do": "hold", "subscription": mine.to_string() }), "not of the account"),
            (json!({ "do": "hold", "subscription": "everybody" }), "expected an id"),
            (json!({ "do": "unknown" }), "no effect \"transfer\""),
            (json!({ "do": "many" }), "21 effects"),
            (json!({ "do": "mumble" }), "the text text is missing"),
            (json!({ "do": "twice" }), "given twice"),
        ];
        for (n, (entries, says)) in cases.iter().enumerate() {
            isp.tell(&forger, entries.clone(), json!(["note", "hold"])).await;
            isp.post(&format!("/plugins/{}/resume", forger.id), json!({})).await;
            held(&isp, line, "manual", 1).await;
            let call = &isp.calls(&forger, "?set_aside=true").await[0];
            assert!(text(call, "message").contains(says), "{entries}: {call}");
            assert_eq!(holds(&isp, line).await, n + 1, "only the one placed by hand");
        }
        assert_eq!((holds(&isp, mine).await, holds(&other, theirs).await), (0, 0));
        assert_eq!(last(&isp, EventKind::PluginNoted).await, None, "all effects of an answer, or none");
        set_right(&isp, &forger, cases.len()).await;
    });
}

/// Events set aside are told again once the plugin is mended.
async fn set_right(isp: &Isp, forger: &Active, aside: usize) {
    let waiting = isp.calls(forger, "?set_aside=true").await;
    assert_eq!(waiting.len(), aside);
    isp.tell(forger, json!({ "do": "note" }), json!([])).await;
    let call = text(&waiting[0], "id");
    let again = isp.post(&format!("/plugin-invocations/{call}/retry"), json!({})).await.expect(200);
    assert!(text(&again, "message").contains("not allowed"), "{again}");
    isp.tell(forger, json!({ "do": "note" }), json!(["note"])).await;
    isp.post(&format!("/plugins/{}/resume", forger.id), json!({})).await;
    let again = isp.post(&format!("/plugin-invocations/{}/retry", text(&again, "id")), json!({})).await.expect(200);
    assert_eq!(again["outcome"], "ok", "{again}");
    let note = last(isp, EventKind::PluginNoted).await.expect("a note");
    assert_eq!(note["data"]["text"], "hold.placed happened");
    assert_eq!(isp.calls(forger, "?set_aside=true").await.len(), aside - 1);
    let twice = isp.post(&format!("/plugin-invocations/{call}/retry"), json!({})).await;
    assert_eq!((twice.status.as_u16(), twice.problem().as_str()), (409, "plugin-not-set-aside"));
}

#[test]
fn a_paused_plugin_is_not_told_and_its_events_wait() {
    story(async {
        let isp = Isp::new("plugin-waiting", "2026-11-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let line = isp.line(isp.account("Ana").await, router, plan, "2026-11-01").await;
        let forger = isp.activated("forger", "handle-event", "forger").await;
        isp.tell(&forger, json!({ "do": "fail" }), json!(["note"])).await;
        for _ in 0..6 {
            held(&isp, line, "manual", 1).await;
        }
        let outcomes: Vec<_> = isp.calls(&forger, "").await.iter().map(|call| text(call, "outcome")).collect();
        assert_eq!(outcomes, ["paused", "failed", "failed", "failed", "failed", "failed"]);
        let paused = last(&isp, EventKind::PluginPaused).await.expect("news of it");
        assert_eq!(paused["data"]["plugin"], "forger");
        let page = isp.page(&format!("/plugins/{}", forger.id)).await;
        assert!(page.text.contains("not today") && page.text.contains("Events set aside"), "{}", page.text);
    });
}
