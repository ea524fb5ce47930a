//! E-mail in: every message of the corpus becomes what it should, once.

use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Told, id};
use crate::money::harness::story;

/// An ISP with a mailbox.
struct Post {
    told: Told,
    way_in: String,
    address: String,
}

impl Post {
    async fn at(slug: &str, at: &str) -> Self {
        let told = Told::at(slug, at).await;
        let address = format!("support@{slug}.example");
        let made = told.put("/support-mailbox", json!({ "address": address })).await;
        let url = made["url"].as_str().expect("an address");
        let way_in = format!("/inbound/email{}", url.split_once("/inbound/email").expect("the way in").1);
        Self { told, way_in, address }
    }

    async fn bring(&self, raw: impl Into<Vec<u8>>) -> Value {
        let (status, text) = self.bring_to(&self.way_in, raw).await;
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).expect("JSON")
    }

    async fn bring_to(&self, way_in: &str, raw: impl Into<Vec<u8>>) -> (u16, String) {
        let request = Request::post(way_in).header("content-type", "message/rfc822");
        self.told.raw(request.body(Body::from(raw.into())).expect("a request")).await
    }

    /// A message from Ana to the mailbox.
    fn ana(&self, head: &str, body: &str) -> String {
        let domain = self.address.split('@').nth(1).expect("a domain");
        format!("From: Ana <ANA@{domain}>\r\nTo: {}\r\n{head}\r\n\r\n{body}", self.address)
    }

    async fn ticket(&self, outcome: &Value) -> Value {
        assert_eq!(outcome["outcome"], "taken", "{outcome}");
        self.told.isp.get(&format!("/tickets/{}", outcome["ticket_id"].as_str().expect("an id"))).await.expect(200)
    }

    /// Where replies to a ticket go, as the news of our reply says.
    async fn reply_address(&self) -> String {
        let news = self.told.news().await;
        let (_, facts) = news.iter().rfind(|(kind, _)| kind == "ticket.replied").expect("a reply");
        facts["reply_to"].as_str().expect("an address").to_owned()
    }
}

#[test]
fn a_known_sender_opens_a_ticket_once() {
    story(async {
        let post = Post::at("mail-new", "2026-11-23T09:00:00Z").await;
        let mail = post.ana("Subject: Re: AW: No internet\r\nMessage-ID: <1@ana.example>", "Since today.\r\n");
        let ticket = post.ticket(&post.bring(mail.clone()).await).await;
        assert_eq!((&ticket["title"], &ticket["channel"]), (&json!("No internet"), &json!("email")));
        assert_eq!((&ticket["subscription_id"], &ticket["impact"]), (&json!(post.told.line), &json!("one_line")));
        assert_eq!(
            (&ticket["entries"][0]["body"], &ticket["entries"][0]["side"]),
            (&json!("Since today."), &json!("subscriber"))
        );
        assert_eq!(post.bring(mail.clone()).await, json!({ "outcome": "duplicate" }));
        let (one, other) = tokio::join!(post.bring(mail.replace("<1@", "<2@")), post.bring(mail.replace("<1@", "<2@")));
        let outcomes = [&one["outcome"], &other["outcome"]];
        assert!(outcomes.contains(&&json!("duplicate")) && outcomes.contains(&&json!("taken")), "{outcomes:?}");
        let all = post.told.isp.get("/tickets").await.expect(200);
        assert_eq!(all["items"].as_array().map(Vec::len), Some(2));
    });
}

#[test]
fn words_are_read_whatever_they_are_wrapped_in() {
    story(async {
        let post = Post::at("mail-forms", "2026-11-23T09:00:00Z").await;
        let latin1 = {
            let mut raw = post.ana("Subject: =?ISO-8859-1?Q?Conexi=F3n?=\r\nMessage-ID: <l@x>\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit", "").into_bytes();
            raw.extend_from_slice(b"La conexi\xf3n va lenta");
            raw
        };
        let ticket = post.ticket(&post.bring(latin1).await).await;
        assert_eq!(
            (&ticket["title"], &ticket["entries"][0]["body"]),
            (&json!("Conexión"), &json!("La conexión va lenta"))
        );

        let coded = STANDARD.encode("Ça ne marche pas\r\n");
        let base64 = post.ana(
            "Subject: x\r\nMessage-ID: <b@x>\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64",
            &coded,
        );
        assert_eq!(post.ticket(&post.bring(base64).await).await["entries"][0]["body"], "Ça ne marche pas");

        let html = post.ana(
            "Subject: html\r\nMessage-ID: <h@x>\r\nContent-Type: text/html; charset=utf-8",
            "<html><head><style>p{color:red}</style></head><body><p>It is <b>slow</b></p><script>alert(1)</script><p>Ana</p></body></html>",
        );
        let body = post.ticket(&post.bring(html).await).await["entries"][0]["body"].as_str().expect("words").to_owned();
        assert!(body.contains("It is slow") && body.contains("Ana"), "{body}");
        assert!(!body.contains('<') && !body.contains("color:red") && !body.contains("alert"), "{body}");

        let silent = post.ana("Subject: Only a subject\r\nMessage-ID: <s@x>", "");
        assert_eq!(post.ticket(&post.bring(silent).await).await["entries"][0]["body"], "Only a subject");
        let no_id = post.ana("Subject: no id", "words");
        post.ticket(&post.bring(no_id.clone()).await).await;
        assert_eq!(post.bring(no_id).await["outcome"], "duplicate", "named by all it says");
    });
}

#[test]
fn parts_are_kept_apart_and_bad_files_are_named() {
    story(async {
        let post = Post::at("mail-parts", "2026-11-23T09:00:00Z").await;
        let png = STANDARD.encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
        let exe = STANDARD.encode(b"MZ\x90\0\x03\0\0\0");
        let part = |kind: &str, name: &str, content: &str| {
            format!(
                "--b\r\nContent-Type: {kind}; name=\"{name}\"\r\nContent-Disposition: attachment; filename=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{content}\r\n"
            )
        };
        let body = format!(
            "--b\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain\r\n\r\nSee the picture\r\n--a\r\nContent-Type: text/html\r\n\r\n<p>See the picture</p>\r\n--a--\r\n{}{}--b--\r\n",
            part("image/png", "test.png", &png),
            part("image/png", "virus.png", &exe),
        );
        let mail = post.ana(
            "Subject: parts\r\nMessage-ID: <p@x>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b",
            &body,
        );
        let ticket = post.ticket(&post.bring(mail).await).await;
        assert_eq!(ticket["entries"][0]["body"], "See the picture");
        let files = ticket["entries"][0]["attachments"].as_array().expect("files");
        assert_eq!(files.iter().map(|file| file["name"].clone()).collect::<Vec<_>>(), ["test.png"]);
        assert_eq!(ticket["entries"][1]["change"], json!({ "left_out": [null, "virus.png"] }));
    });
}

#[test]
fn answers_find_their_ticket_by_address_and_by_thread() {
    story(async {
        let mut post = Post::at("mail-reply", "2026-11-23T09:00:00Z").await;
        let ticket = post.ticket(&post.bring(post.ana("Subject: Slow\r\nMessage-ID: <1@x>", "Slow")).await).await;
        let replied = post.told.reply(&ticket, "Which device?", Some("waiting")).await;
        let to = post.reply_address().await;
        let quoted = "The phone.\r\n\r\nOn Mon, 23 Nov 2026 at 10:00, Support <support@isp.example> wrote:\r\n> Which device?\r\n";
        let by_address = format!(
            "From: ana@mail-reply.example\r\nTo: \"ISP\" <{to}>\r\nSubject: Re: Slow\r\nMessage-ID: <2@x>\r\n\r\n{quoted}"
        );
        let ticket = post.ticket(&post.bring(by_address.clone()).await).await;
        let last = &ticket["entries"][3];
        assert_eq!((&last["body"], &ticket["status"]), (&json!("The phone."), &json!("open")));
        assert!(last["quoted"].as_str().is_some_and(|quoted| quoted.ends_with("> Which device?")), "{last}");
        let entry = replied["entries"][1]["id"].as_str().expect("an id");
        let by_thread = post.ana(
            &format!("Subject: Re: Slow\r\nMessage-ID: <3@x>\r\nIn-Reply-To: <{entry}@isp.example>"),
            "And the tablet",
        );
        assert_eq!(post.ticket(&post.bring(by_thread).await).await["id"], ticket["id"]);
        let by_own_thread = post.ana("Subject: other\r\nMessage-ID: <4@x>\r\nReferences: <0@x> <1@x>", "And the TV");
        assert_eq!(post.ticket(&post.bring(by_own_thread).await).await["id"], ticket["id"]);

        // Solved long ago: the same address begins another ticket.
        post.told.isp.patch(&format!("/tickets/{}", id(&ticket)), json!({ "status": "solved" })).await.expect(200);
        post.told.isp.now_is("2026-12-20T09:00:00Z").await;
        let late = post.ticket(&post.bring(by_address.replace("<2@", "<5@")).await).await;
        assert_ne!(late["id"], ticket["id"]);
    });
}

#[test]
fn what_programs_send_is_ignored() {
    story(async {
        let post = Post::at("mail-robots", "2026-11-23T09:00:00Z").await;
        let robots = [
            ("Auto-Submitted: auto-replied", "auto_submitted"),
            ("Precedence: bulk", "auto_submitted"),
            ("X-Autoreply: yes", "auto_submitted"),
            ("List-Id: <news.example.net>", "list"),
            ("Return-Path: <>", "bounce"),
            ("Content-Type: multipart/report; report-type=delivery-status; boundary=r", "bounce"),
        ];
        for (n, (head, reason)) in robots.into_iter().enumerate() {
            let mail = post.ana(&format!("Subject: x\r\nMessage-ID: <r{n}@x>\r\n{head}"), "I am away");
            assert_eq!(post.bring(mail).await, json!({ "outcome": "ignored", "reason": reason }), "{head}");
        }
        let daemon =
            format!("From: MAILER-DAEMON@example.net\r\nTo: {}\r\nSubject: Failed\r\n\r\nNo such user", post.address);
        assert_eq!(post.bring(daemon).await["reason"], "bounce");
        let own = format!("From: {}\r\nTo: {}\r\nSubject: Echo\r\n\r\nEcho", post.address, post.address);
        assert_eq!(post.bring(own).await["reason"], "loop");
        let human = post.ana("Subject: x\r\nMessage-ID: <human@x>\r\nAuto-Submitted: no", "I am here");
        assert_eq!(post.bring(human).await["outcome"], "taken");
        assert_eq!(post.told.isp.get("/unmatched-mail").await.expect(200)["items"], json!([]));
    });
}

#[test]
fn what_cannot_be_matched_waits_for_staff() {
    story(async {
        let post = Post::at("mail-stray", "2026-11-23T09:00:00Z").await;
        let ticket = post.ticket(&post.bring(post.ana("Subject: Slow\r\nMessage-ID: <1@x>", "Slow")).await).await;
        post.told.reply(&ticket, "Which device?", None).await;
        let to = post.reply_address().await;
        let forged = to.replace("T-2026-000001", "T-2026-000002");
        let from = |who: &str, to: &str, n: u8| {
            format!("From: {who}\r\nTo: {to}\r\nSubject: Hello\r\nMessage-ID: <s{n}@x>\r\n\r\nHello\r\n")
        };
        let stranger = from("eve@example.net", &post.address, 1);
        assert_eq!(post.bring(stranger).await["reason"], "unknown_sender");
        assert_eq!(post.bring(from("ana@mail-stray.example", &forged, 2)).await["reason"], "forged_tag");
        assert_eq!(post.bring(from("eve@example.net", &to, 3)).await["reason"], "other_sender");
        assert_eq!(post.told.show(&ticket).await["entries"].as_array().map(Vec::len), Some(3), "nothing was added");

        let waiting = post.told.isp.get("/unmatched-mail").await.expect(200);
        assert_eq!(waiting["items"].as_array().map(Vec::len), Some(3));
        let path = |n: usize| format!("/unmatched-mail/{}", id(&waiting["items"][n]));
        let connected =
            post.told.isp.post(&format!("{}/connect", path(0)), json!({ "ticket_id": ticket["id"] })).await.expect(200);
        assert_eq!(connected["id"], ticket["id"]);
        assert_eq!(
            post.told.isp.post(&format!("{}/connect", path(0)), json!({ "ticket_id": ticket["id"] })).await.problem(),
            "mail-not-found"
        );
        let opened = post
            .told
            .isp
            .post(&format!("{}/connect", path(1)), json!({ "subscriber_id": post.told.subscriber }))
            .await
            .expect(200);
        assert_eq!((&opened["subscriber_id"], &opened["channel"]), (&json!(post.told.subscriber), &json!("email")));
        let neither = post.told.isp.post(&format!("{}/connect", path(2)), json!({})).await;
        assert_eq!(neither.json()["errors"][0]["field"], "ticket_id");
        let request = Request::delete(format!("/api/v1{}", path(2)))
            .header("cookie", post.told.isp.cookie())
            .header("sec-fetch-site", "same-origin");
        assert_eq!(post.told.raw(request.body(Body::empty()).expect("a request")).await.0, 204);
        assert_eq!(post.told.isp.get("/unmatched-mail").await.expect(200)["items"], json!([]));

        let bea = post.told.isp.account("Bea").await;
        let bea = post.told.isp.get(&format!("/accounts/{bea}")).await.expect(200)["subscriber_id"]
            .as_str()
            .expect("an id")
            .to_owned();
        post.told
            .put(&format!("/subscribers/{bea}"), json!({ "name": "Bea", "email": "ana@mail-stray.example" }))
            .await;
        let twice = from("ana@mail-stray.example", &post.address, 4);
        assert_eq!(post.bring(twice).await["reason"], "several_subscribers");
    });
}

#[test]
fn the_way_in_is_closed_to_whoever_does_not_know_it() {
    story(async {
        let post = Post::at("mail-token", "2026-11-23T09:00:00Z").await;
        let mail = post.ana("Subject: x", "y");
        let (status, text) = post.bring_to("/inbound/email/guessed", mail.clone()).await;
        assert_eq!(status, 404, "{text}");
        assert!(text.contains("/errors/mailbox-unknown"), "{text}");
        let (status, text) = post.bring_to(&post.way_in, "no message at all").await;
        assert!(status == 422 && text.contains("/errors/mail-unreadable"), "{text}");
        let (status, _) = post.bring_to(&post.way_in, vec![b'a'; 25 * 1024 * 1024 + 1]).await;
        assert_eq!(status, 413);
        post.told.put("/support-mailbox", json!({ "address": post.address })).await;
        assert_eq!(post.bring_to(&post.way_in, mail).await.0, 404, "a new token ends the old one");
    });
}
