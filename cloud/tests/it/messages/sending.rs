//! Giving a message to its server: taken, put off, refused, and what must not get through.

use serde_json::json;
use weir_cloud::jobs::Job;
use weir_cloud::notifications::jobs::SendMessage;
use weir_cloud::notifications::{self, Facts, Notice, Recipient, Template};

use super::servers::{Gateway, MailServer, header};
use super::{account_at, listed, message, work_off, write};
use crate::money::harness::{Isp, story};

#[test]
fn what_is_put_off_goes_out_later_under_the_same_message_id() {
    story(async {
        let mut server = MailServer::open().await;
        let mut isp = Isp::new("later", "2026-11-02T10:00:00Z").await;
        isp.put("/message-settings/email", server.settings()).await.expect(200);
        let account = account_at(&isp, "Amara Okafor", "later@sub.example", "es").await;
        let id = write(&isp.app, &isp.scope(), account).await[0];
        work_off(&isp.app, &isp.scope()).await;

        let put_off = message(&isp, id).await;
        assert_eq!(put_off["status"], "queued", "{put_off}");
        assert_eq!(put_off["answer"], "451 4.3.0 Come again later");
        let next: chrono::DateTime<chrono::Utc> = put_off["next_at"].as_str().unwrap().parse().unwrap();
        let asked: chrono::DateTime<chrono::Utc> = put_off["log"][0]["at"].as_str().unwrap().parse().unwrap();
        assert_eq!((next - asked).num_seconds(), 60, "{put_off}");
        work_off(&isp.app, &isp.scope()).await;
        assert_eq!(message(&isp, id).await["attempts"], 1, "not before its time");

        isp.now_is(&(next + chrono::TimeDelta::seconds(1)).to_rfc3339()).await;
        work_off(&isp.app, &isp.scope()).await;
        let taken = server.next().await;
        assert_eq!(header(&taken, "message-id"), [format!("<{id}@rio.example>")]);
        let sent = message(&isp, id).await;
        assert_eq!((&sent["status"], &sent["attempts"]), (&json!("sent"), &json!(2)), "{sent}");
        let outcomes: Vec<_> =
            sent["log"].as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, ["deferred", "sent"]);
        assert!(sent["answer"].as_str().unwrap().starts_with("250 2.0.0 Taken as 42"), "{sent}");

        // A worker that ended before it noted the end does the job again: what is settled stays.
        for attempts in [0, 1] {
            SendMessage { message: id, attempts }.run(isp.app.clone(), isp.scope()).await.expect("nothing to do");
        }
        assert_eq!(message(&isp, id).await, sent);
    });
}

#[test]
fn what_is_refused_for_good_is_not_tried_again() {
    story(async {
        let server = MailServer::open().await;
        let mut isp = Isp::new("refused-mail", "2026-11-02T10:00:00Z").await;
        isp.put("/message-settings/email", server.settings()).await.expect(200);
        let account = account_at(&isp, "Amara Okafor", "nobody@sub.example", "en").await;
        let id = write(&isp.app, &isp.scope(), account).await[0];
        work_off(&isp.app, &isp.scope()).await;
        let refused = message(&isp, id).await;
        assert_eq!(refused["status"], "refused", "{refused}");
        assert_eq!(refused["answer"], "550 5.1.1 There is no nobody here");
        isp.now_is("2026-11-04T10:00:00Z").await;
        work_off(&isp.app, &isp.scope()).await;
        assert_eq!(message(&isp, id).await["attempts"], 1);

        // The subscriber gives another address; staff send it again.
        let subscriber = refused["subscriber_id"].as_str().unwrap();
        let moved = json!({ "name": "Amara Okafor", "email": "amara@sub.example" });
        isp.put(&format!("/subscribers/{subscriber}"), moved).await.expect(200);
        let again = isp.post(&format!("/messages/{id}/send-again"), json!({})).await.expect(202);
        assert_eq!(again["recipient"], "amara@sub.example");
        work_off(&isp.app, &isp.scope()).await;
        let again = message(&isp, again["id"].as_str().unwrap()).await;
        assert_eq!((&again["status"], &again["again_of"]), (&json!("sent"), &json!(id)), "{again}");
        assert_eq!(again["text"], refused["text"]);
        assert_eq!(listed(&isp, "?status=refused").await.len(), 1);
        assert_eq!(listed(&isp, "?status=sent&channel=email").await.len(), 1);
        assert_eq!(listed(&isp, "?channel=sms").await.len(), 0);
    });
}

#[test]
fn what_is_put_off_every_time_is_given_up() {
    story(async {
        let server = MailServer::open().await;
        let mut isp = Isp::new("never", "2026-11-02T00:00:00Z").await;
        isp.put("/message-settings/email", server.settings()).await.expect(200);
        let account = account_at(&isp, "Amara Okafor", "never@sub.example", "en").await;
        let id = write(&isp.app, &isp.scope(), account).await[0];
        work_off(&isp.app, &isp.scope()).await;
        let mut end = message(&isp, id).await;
        while end["status"] == "queued" {
            let next: chrono::DateTime<chrono::Utc> = end["next_at"].as_str().unwrap().parse().unwrap();
            isp.now_is(&(next + chrono::TimeDelta::seconds(1)).to_rfc3339()).await;
            work_off(&isp.app, &isp.scope()).await;
            let after = message(&isp, id).await;
            assert!(after["attempts"].as_i64() > end["attempts"].as_i64(), "{after}");
            end = after;
        }
        assert_eq!((&end["status"], &end["next_at"]), (&json!("failed"), &json!(null)), "{end}");
        assert_eq!(end["attempts"], end["log"].as_array().unwrap().len());
        isp.post(&format!("/messages/{id}/send-again"), json!({})).await.expect(202);
    });
}

#[test]
fn a_name_with_a_new_line_begins_no_header() {
    story(async {
        let mut server = MailServer::open().await;
        let isp = Isp::new("injected", "2026-11-02T10:00:00Z").await;
        isp.put("/message-settings/email", server.settings()).await.expect(200);
        let account = account_at(&isp, "Eve\r\nBcc: all@sub.example", "eve@sub.example", "en").await;
        let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
        let title = notifications::Fact::Text("Help\r\nBcc: all@sub.example\r\n\r\nBuy now".into());
        let ticket = notifications::Fact::Text("T-1".into());
        let notice = Notice {
            template: Template::TicketReplied,
            cause: tx.new_id::<weir_cloud::ids::MessageId>().uuid(),
            to: Recipient::Account(account),
            facts: Facts::of([("ticket", ticket), ("title", title)]).quoting("We look.\r\nBcc: none"),
            reply_to: Some("t-1@rio.example\r\nBcc: all@sub.example".into()),
            invoice: None,
            link: None,
        };
        let id = notifications::send(&isp.app, &mut tx, &notice).await.unwrap()[0];
        tx.commit().await.unwrap();
        work_off(&isp.app, &isp.scope()).await;
        // The address for answers is none, so the message is not sent at all.
        let unsent = message(&isp, id).await;
        assert_eq!(unsent["status"], "failed", "{unsent}");
        assert!(unsent["answer"].as_str().unwrap().contains("is not an e-mail address"), "{unsent}");

        let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
        let cause = tx.new_id::<weir_cloud::ids::MessageId>().uuid();
        let notice = Notice { reply_to: Some("t-1@rio.example".into()), cause, ..notice };
        notifications::send(&isp.app, &mut tx, &notice).await.unwrap();
        tx.commit().await.unwrap();
        work_off(&isp.app, &isp.scope()).await;
        let taken = server.next().await;
        assert_eq!(taken["to"], json!(["eve@sub.example"]));
        assert_eq!(header(&taken, "bcc"), Vec::<String>::new());
        assert_eq!(header(&taken, "reply-to"), ["t-1@rio.example"]);
        assert_eq!(header(&taken, "subject"), ["[T-1] Help Bcc: all@sub.example Buy now"]);
    });
}

#[test]
fn a_link_that_opens_something_is_sent_and_then_forgotten() {
    story(async {
        let mut server = MailServer::open().await;
        let isp = Isp::new("linked", "2026-11-02T10:00:00Z").await;
        isp.put("/message-settings/email", server.settings()).await.expect(200);
        let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
        let notice = Notice {
            template: Template::PasswordLink,
            cause: tx.new_id::<weir_cloud::ids::MessageId>().uuid(),
            to: Recipient::Person { name: "Noor".into(), email: "noor@sub.example".into(), language: "fr".into() },
            facts: Facts::default(),
            reply_to: None,
            invoice: None,
            link: Some("https://portal.example.net/reset/c0ffee?a=1&b=2".into()),
        };
        let id = notifications::send(&isp.app, &mut tx, &notice).await.unwrap()[0];
        let kept: Vec<u8> = sqlx::query_scalar("SELECT link FROM messages").fetch_one(tx.conn()).await.unwrap();
        assert!(!String::from_utf8_lossy(&kept).contains("c0ffee"), "it is sealed");
        tx.commit().await.unwrap();
        assert!(!message(&isp, id).await.to_string().contains("c0ffee"), "staff do not see it");
        work_off(&isp.app, &isp.scope()).await;
        let taken = server.next().await;
        let parts = taken["parts"].as_array().unwrap();
        assert!(
            parts[0]["text"].as_str().unwrap().contains("https://portal.example.net/reset/c0ffee?a=1&b=2"),
            "{taken}"
        );
        assert!(
            parts[1]["text"].as_str().unwrap().contains("href=\"https://portal.example.net/reset/c0ffee?a=1&#38;b=2\"")
        );
        let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
        let kept: Option<Vec<u8>> = sqlx::query_scalar("SELECT link FROM messages").fetch_one(tx.conn()).await.unwrap();
        assert_eq!(kept, None);
        drop(tx);
        let again = isp.post(&format!("/messages/{id}/send-again"), json!({})).await;
        assert_eq!((again.status.as_u16(), again.problem()), (409, "message-link-gone".into()));
    });
}

#[test]
fn a_short_message_goes_through_a_gateway() {
    story(async {
        let mut gateway = Gateway::answering(&[(503, "busy"), (200, "{\"id\":\"77\"}"), (422, "no such number")]).await;
        let mut isp = Isp::new("texting", "2026-11-02T10:00:00Z").await;
        let wish = json!({
            "url": format!("{}/send", gateway.url), "method": "POST", "type": "json",
            "body": "{\"to\":\"{to}\",\"text\":\"{text}\"}", "header": "Authorization", "credential": "Bearer s3cret",
        });
        let settings = isp.put("/message-settings/sms", wish).await.expect(200);
        assert!(settings["sms"]["has_credential"] == true && !settings.to_string().contains("s3cret"), "{settings}");
        let on = json!({ "sms": true });
        isp.patch("/message-templates/line-restored", on).await.expect(200);
        let account = account_at(&isp, "Amara Okafor", "amara@sub.example", "es").await;
        let written = write(&isp.app, &isp.scope(), account).await;
        assert_eq!(written.len(), 1, "no mail server is set up, so there is no e-mail");
        work_off(&isp.app, &isp.scope()).await;
        gateway.next().await;
        assert_eq!(message(&isp, written[0]).await["answer"], "503 Service Unavailable busy");

        isp.now_is("2026-11-02T10:02:00Z").await;
        work_off(&isp.app, &isp.scope()).await;
        let asked = gateway.next().await;
        assert_eq!((asked.method.as_str(), asked.address.as_str()), ("POST", "/send"));
        assert_eq!((asked.proof.as_str(), asked.kind.as_str()), ("Bearer s3cret", "application/json"));
        let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
        assert_eq!(body["to"], "+34600000001");
        assert_eq!(body["text"], "texting net: gracias, su línea vuelve a estar abierta.");
        let sent = message(&isp, written[0]).await;
        assert_eq!((&sent["status"], &sent["answer"]), (&json!("sent"), &json!("200 OK {\"id\":\"77\"}")));

        let refused = write(&isp.app, &isp.scope(), account).await;
        work_off(&isp.app, &isp.scope()).await;
        let refused = message(&isp, refused[0]).await;
        assert_eq!((&refused["status"], &refused["channel"]), (&json!("refused"), &json!("sms")), "{refused}");
    });
}
