//! What a subscriber sees and may do: their own, and only what was written to them.

use serde_json::json;
use weir_cloud::http::paging::Page;
use weir_cloud::tickets::portal::{self, Question};
use weir_cloud::tickets::{Error, File, Side};

use super::{Told, id};
use crate::money::harness::story;

const PAGE: Page = Page { after: None, limit: 50 };

#[test]
fn a_subscriber_asks_is_told_at_once_and_reads_no_notes() {
    story(async {
        let mut told = Told::at("portal-ticket", "2026-11-23T09:00:00Z").await;
        let (app, scope) = (told.isp.app.clone(), told.isp.scope());
        let question = Question { title: "Slow".into(), body: "Very slow".into(), subscription_id: None };
        let file = File { name: "note.txt".into(), content: b"12 ms".to_vec() };
        let (ticket, answers) =
            portal::open_as_subscriber(&app, &scope, told.subscriber, question, vec![file]).await.expect("opened");
        assert_eq!(ticket.subscription_id, Some(told.line), "their only line is meant");
        assert_eq!(answers[0].code, "router-never-seen");
        let shown = json!({ "id": ticket.id });
        let note = json!({ "kind": "note", "body": "Complains often." });
        told.isp.post(&format!("/tickets/{}/entries", ticket.id), note).await.expect(201);
        told.reply(&shown, "We look.", Some("waiting")).await;

        let mut tx = app.db.begin(&scope).await.expect("begin");
        let own = portal::own_conversation(&mut tx, told.subscriber, ticket.id).await.expect("own");
        let sides: Vec<_> = own.entries.iter().map(|entry| entry.side).collect();
        assert_eq!(sides, [Side::Subscriber, Side::Staff]);
        let file = own.entries[0].attachments[0].id;
        assert!(portal::own_attachment(&mut tx, told.subscriber, file).await.is_ok());
        let heard = portal::reply_as_subscriber(&mut tx, told.subscriber, ticket.id, "Thanks", Vec::new()).await;
        assert_eq!(heard.expect("heard").ticket.status.name(), "open");
        tx.commit().await.expect("committed");

        told.isp.patch(&format!("/tickets/{}", ticket.id), json!({ "status": "solved" })).await.expect(200);
        told.isp.now_is("2026-12-15T09:00:00Z").await;
        let mut tx = app.db.begin(&scope).await.expect("begin");
        let late = portal::reply_as_subscriber(&mut tx, told.subscriber, ticket.id, "Again", Vec::new()).await;
        assert!(matches!(late, Err(Error::Closed(_))), "{late:?}");
    });
}

#[test]
fn nobody_sees_what_another_subscriber_asked() {
    story(async {
        let told = Told::at("portal-other", "2026-11-23T09:00:00Z").await;
        let ticket = told.ask("Slow").await;
        let account = told.isp.account("Bea").await;
        let bea = told.isp.get(&format!("/accounts/{account}")).await.expect(200);
        let bea = bea["subscriber_id"].as_str().expect("an id").parse().expect("an id");
        let (app, scope) = (told.isp.app.clone(), told.isp.scope());
        let mut tx = app.db.begin(&scope).await.expect("begin");
        let number = id(&ticket).parse().expect("an id");
        assert!(portal::own_tickets(&mut tx, bea, PAGE).await.expect("a page").is_empty());
        assert!(matches!(portal::own_conversation(&mut tx, bea, number).await, Err(Error::NotFound(_))));
        assert!(matches!(
            portal::reply_as_subscriber(&mut tx, bea, number, "x", Vec::new()).await,
            Err(Error::NotFound(_))
        ));
        drop(tx);
        let question = Question { title: "x".into(), body: "y".into(), subscription_id: Some(told.line) };
        assert!(portal::open_as_subscriber(&app, &scope, bea, question, Vec::new()).await.is_err(), "not her line");
    });
}
