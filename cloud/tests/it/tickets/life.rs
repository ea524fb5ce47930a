//! From the first word to the end, and what is refused on the way.

use serde_json::json;

use super::{Told, id};
use crate::money::harness::story;

#[test]
fn a_ticket_is_opened_answered_solved_opened_again_and_closed() {
    story(async {
        let mut told = Told::at("life", "2026-11-23T09:00:00Z").await;
        let opened = told.ask("No internet").await;
        assert_eq!(opened["number"], "T-2026-000001");
        assert_eq!((&opened["status"], &opened["priority"]), (&json!("new"), &json!("normal")));
        assert_eq!(opened["subscriber_id"], json!(told.subscriber), "the line says whose it is");
        assert_eq!((&opened["account_id"], &opened["router_id"]), (&json!(told.account), &json!(told.router)));

        let answered = told.reply(&opened, "Please restart your router.", Some("waiting")).await;
        assert_eq!((&answered["status"], &answered["entries"][1]["kind"]), (&json!("waiting"), &json!("reply")));
        assert_eq!(answered["entries"][2]["change"], json!({ "status": ["new", "waiting"] }));
        let note = json!({ "kind": "note", "body": "Old model." });
        let noted = told.isp.post(&format!("/tickets/{}/entries", id(&opened)), note).await.expect(201);
        assert_eq!(noted["status"], "waiting", "a note moves nothing");

        let solved =
            told.isp.patch(&format!("/tickets/{}", id(&opened)), json!({ "status": "solved" })).await.expect(200);
        assert_eq!((&solved["status"], &solved["resolution"]["missed_at"]), (&json!("solved"), &json!(null)));
        told.isp.now_is("2026-11-25T09:00:00Z").await;
        let again = told.isp.patch(&format!("/tickets/{}", id(&opened)), json!({ "status": "open" })).await.expect(200);
        assert_eq!((&again["status"], &again["resolution"]["kept_at"]), (&json!("open"), &json!(null)));
        told.isp.patch(&format!("/tickets/{}", id(&opened)), json!({ "status": "solved" })).await.expect(200);

        told.isp.now_is("2026-12-01T09:00:00Z").await;
        told.minute().await;
        assert_eq!(told.show(&opened).await["status"], "solved", "seven days are not over");
        told.isp.now_is("2026-12-02T10:00:00Z").await;
        told.minute().await;
        let closed = told.show(&opened).await;
        assert_eq!(closed["status"], "closed");
        assert_eq!(closed["entries"].as_array().and_then(|all| all.last()).expect("an entry")["side"], "system");
        let kinds = ["ticket.opened", "ticket.replied", "ticket.solved", "ticket.solved"];
        assert_eq!(told.kinds_of_news().await, kinds);
        let news = told.news().await;
        assert_eq!(
            (&news[1].1["ticket_number"], &news[1].1["excerpt"]),
            (&json!("T-2026-000001"), &json!("Please restart your router."))
        );
        assert_eq!((&news[1].1["public"], &news[1].1["by_staff"]), (&json!(true), &json!(true)));
    });
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    story(async {
        let told = Told::at("refused", "2026-11-23T09:00:00Z").await;
        let other = told.isp.account("Bea").await;
        let ticket = told.ask("No internet").await;
        let path = format!("/tickets/{}", id(&ticket));
        let wish = json!({ "title": "x", "body": "y", "impact": "question" });
        let nobody = told.isp.post("/tickets", wish.clone()).await;
        assert_eq!(nobody.json()["errors"][0]["field"], "subscriber_id");
        let mixed = crate::refusals::with(&wish, json!({ "account_id": other, "subscription_id": told.line }));
        let mixed = told.isp.post("/tickets", mixed).await;
        assert_eq!(mixed.json()["errors"][0]["field"], "subscription_id", "{:?}", mixed.json());
        let empty = crate::refusals::with(&wish, json!({ "title": " ", "body": "", "account_id": other }));
        let empty = told.isp.post("/tickets", empty).await;
        assert_eq!(
            (empty.json()["errors"][0]["field"].clone(), empty.json()["errors"][1]["field"].clone()),
            (json!("title"), json!("body"))
        );
        let unknown = "stf_0193594bd1e27c3f8a6b5d4e3f2a1b0c";
        let nobody = told.isp.patch(&path, json!({ "assignee_id": unknown })).await;
        assert_eq!(nobody.json()["errors"][0]["field"], "assignee_id");

        told.isp.patch(&path, json!({ "status": "closed" })).await.expect(200);
        for body in [json!({ "status": "open" }), json!({ "status": "solved" })] {
            assert_eq!(told.isp.patch(&path, body).await.problem(), "ticket-status-blocked");
        }
        let late = told.isp.post(&format!("{path}/entries"), json!({ "kind": "reply", "body": "Hello?" })).await;
        assert_eq!(late.problem(), "ticket-closed");
        told.isp
            .post(&format!("{path}/entries"), json!({ "kind": "note", "body": "For the record." }))
            .await
            .expect(201);
        assert_eq!(told.show(&ticket).await["entries"].as_array().map(Vec::len), Some(3));
    });
}

#[test]
fn priority_follows_from_plan_and_impact() {
    story(async {
        let told = Told::at("priority", "2026-11-23T09:00:00Z").await;
        let sold = told.isp.get(&format!("/subscriptions/{}", told.line)).await.expect(200);
        let plans = told.isp.get("/plans").await.expect(200);
        assert_eq!(plans["items"][0]["versions"][0]["id"], sold["plan_version_id"]);
        let plan = plans["items"][0]["id"].as_str().expect("a plan").to_owned();
        told.put(&format!("/support-plan-weights/{plan}"), json!({ "weight": "business" })).await;
        let ticket = told.ask("No internet").await;
        assert_eq!(ticket["priority"], "high");
        let path = format!("/tickets/{}", id(&ticket));
        let wider = told.isp.patch(&path, json!({ "impact": "site" })).await.expect(200);
        assert_eq!((&wider["priority"], &wider["response"]["target_minutes"]), (&json!("urgent"), &json!(60)));
        let chosen = told.isp.patch(&path, json!({ "priority": "low" })).await.expect(200);
        assert_eq!(chosen["priority"], "low");
        let whole = told.isp.get(&format!("/tickets?subscription_id={}", told.line)).await.expect(200);
        assert_eq!(whole["items"].as_array().map(Vec::len), Some(1));
    });
}

#[test]
fn duplicates_are_merged_and_what_comes_later_goes_to_the_one_that_stays() {
    story(async {
        let told = Told::at("merge", "2026-11-23T09:00:00Z").await;
        let (kept, duplicate) = (told.ask("No internet").await, told.ask("Still nothing").await);
        let path = format!("/tickets/{}/merge", id(&duplicate));
        assert_eq!(told.isp.post(&path, json!({ "into": duplicate["id"] })).await.problem(), "ticket-merge-blocked");
        told.isp.post(&path, json!({ "into": kept["id"] })).await.expect(200);
        let merged = told.show(&duplicate).await;
        assert_eq!((&merged["status"], &merged["merged_into"]), (&json!("closed"), &kept["id"]));
        let mut tx = told.isp.app.db.begin(&told.isp.scope()).await.expect("begin");
        let heard = weir_cloud::tickets::portal::reply_as_subscriber(
            &mut tx,
            told.subscriber,
            id(&duplicate).parse().expect("an id"),
            "Anybody?",
            Vec::new(),
        );
        let heard = heard.await.expect("heard");
        tx.commit().await.expect("committed");
        assert_eq!(heard.ticket.id.to_string(), id(&kept));
        assert_eq!(told.isp.post(&path, json!({ "into": kept["id"] })).await.problem(), "ticket-merge-blocked");
    });
}
