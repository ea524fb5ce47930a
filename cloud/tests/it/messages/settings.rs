//! How messages are sent: log-in, encryption, what settings are refused, and trying them out.

use std::sync::Arc;

use serde_json::{Value, json};
use weir_cloud::app::App;
use weir_cloud::config::Config;
use weir_cloud::notifications::{self, Channel};

use super::servers::{MailServer, header};
use super::{account_at, message, work_off, write};
use crate::money::harness::{Isp, story};
use crate::refusals::with;

async fn tried(isp: &Isp) -> Value {
    isp.post("/message-settings/test", json!({ "channel": "email", "to": "staff@rio.example" })).await.expect(200)
}

#[test]
fn a_server_with_starttls_takes_mail_from_whoever_knows_the_password() {
    story(async {
        let mut server = MailServer::start("starttls", Some(("rio", "right horse"))).await;
        let isp = Isp::new("starttls", "2026-11-02T10:00:00Z").await;
        let right = with(
            &server.settings(),
            json!({ "host": "localhost", "security": "starttls", "user": "rio", "password": "right horse", "authority": server.authority }),
        );
        let kept = isp.put("/message-settings/email", right.clone()).await.expect(200);
        assert!(kept["email"]["has_password"] == true && !kept.to_string().contains("right horse"), "{kept}");
        let answer = tried(&isp).await;
        assert_eq!(answer["accepted"], true, "{answer}");
        let taken = server.next().await;
        assert_eq!(
            (&taken["tls"], header(&taken, "subject")),
            (&json!(true), vec!["A test message from starttls net".into()])
        );

        // A wrong password is the settings' fault: the server's answer is told, and messages wait.
        isp.put("/message-settings/email", with(&right, json!({ "password": "wrong" }))).await.expect(200);
        let answer = tried(&isp).await;
        assert_eq!(answer["accepted"], false);
        assert!(answer["answer"].as_str().unwrap().starts_with("535 5.7.8"), "{answer}");
        let account = account_at(&isp, "Amara Okafor", "amara@sub.example", "en").await;
        let id = write(&isp.app, &isp.scope(), account).await[0];
        work_off(&isp.app, &isp.scope()).await;
        let waits = message(&isp, id).await;
        assert_eq!(waits["status"], "queued", "{waits}");
        assert!(waits["answer"].as_str().unwrap().starts_with("535"), "{waits}");

        // A certificate nobody vouches for ends the conversation before the password is said.
        isp.put("/message-settings/email", with(&right, json!({ "authority": "" }))).await.expect(200);
        let answer = tried(&isp).await;
        assert_eq!(answer["accepted"], false);
        assert!(answer["answer"].as_str().unwrap().to_lowercase().contains("certificate"), "{answer}");
    });
}

#[test]
fn a_server_may_speak_tls_from_the_first_byte() {
    story(async {
        let mut server = MailServer::start("tls", None).await;
        let isp = Isp::new("tls-mail", "2026-11-02T10:00:00Z").await;
        let wish = json!({ "host": "localhost", "security": "tls", "authority": server.authority });
        isp.put("/message-settings/email", with(&server.settings(), wish)).await.expect(200);
        let answer = tried(&isp).await;
        assert_eq!(answer["accepted"], true, "{answer}");
        assert_eq!(server.next().await["tls"], true);
        // A server that does not offer STARTTLS is told nothing in the clear.
        let plain = MailServer::open().await;
        isp.put("/message-settings/email", with(&plain.settings(), json!({ "security": "starttls" })))
            .await
            .expect(200);
        let answer = tried(&isp).await;
        assert_eq!(answer["accepted"], false, "{answer}");
        assert!(answer["answer"].as_str().unwrap().to_uppercase().contains("STARTTLS"), "{answer}");
    });
}

#[test]
fn a_shared_installation_asks_nobody_inside() {
    story(async {
        let server = MailServer::open().await;
        let isp = Isp::new("inside", "2026-11-02T10:00:00Z").await;
        isp.put("/message-settings/email", server.settings()).await.expect(200);
        let url = format!("http://127.0.0.1:{}/", server.port);
        let sms = json!({ "url": url, "method": "POST", "type": "plain", "body": "{to} {text}" });
        isp.put("/message-settings/sms", sms).await.expect(200);
        let shared = Config { public_servers_only: true, ..(*isp.app.config).clone() };
        let app = App { config: Arc::new(shared), ..isp.app.clone() };
        for (channel, to) in [(Channel::Email, "staff@rio.example"), (Channel::Sms, "+34600000001")] {
            let tried = notifications::test(&app, &isp.scope(), channel, to, "en").await.expect("tried");
            assert!(!tried.accepted && tried.answer == "127.0.0.1 is not on the public internet", "{tried:?}");
        }
        assert_eq!(tried(&isp).await["accepted"], true);
    });
}

#[test]
fn a_password_stays_only_with_its_server() {
    story(async {
        let isp = Isp::new("passwords", "2026-11-02T10:00:00Z").await;
        let first = json!({
            "host": "mail.rio.example", "port": 587, "security": "starttls", "user": "rio", "password": "right horse",
            "from_name": "Río Net", "from_address": "billing@rio.example",
        });
        isp.put("/message-settings/email", first.clone()).await.expect(200);
        let mut silent = first.clone();
        silent.as_object_mut().unwrap().remove("password");
        let kept = isp.put("/message-settings/email", silent.clone()).await.expect(200);
        assert_eq!(kept["email"]["has_password"], true, "it stays");
        for elsewhere in [json!({ "host": "mail.eve.example" }), json!({ "port": 2525 }), json!({ "security": "none" })]
        {
            let answer = isp.put("/message-settings/email", with(&silent, elsewhere)).await;
            assert_eq!(answer.problem(), "invalid");
            assert_eq!(answer.json()["errors"][0]["field"], "password");
        }
        let kept = isp.put("/message-settings/email", with(&silent, json!({ "user": "" }))).await.expect(200);
        assert_eq!(kept["email"]["has_password"], false, "it goes with its user");
        let audited = {
            let mut tx = isp.app.db.read(&isp.scope()).await.unwrap();
            let entries: Vec<String> =
                sqlx::query_scalar("SELECT detail::text FROM audit_entries WHERE action = 'change mail server'")
                    .fetch_all(tx.conn())
                    .await
                    .unwrap();
            entries
        };
        assert_eq!(audited.len(), 3);
        assert!(audited.iter().all(|entry| entry.contains("mail.rio.example") && !entry.contains("right horse")));
    });
}

#[test]
fn settings_that_cannot_be_are_refused_by_field() {
    story(async {
        let isp = Isp::new("bad-settings", "2026-11-02T10:00:00Z").await;
        let email = json!({ "host": "mail.rio.example", "port": 25, "security": "none", "from_name": "Río", "from_address": "a@rio.example" });
        let sms = json!({ "url": "https://sms.example.net/", "method": "POST", "type": "json", "body": "{\"to\":\"{to}\",\"text\":\"{text}\"}" });
        let cases = [
            ("email", &email, json!({ "from_name": "Río\r\nBcc: all@sub.example" }), "from_name", "must be one line"),
            ("email", &email, json!({ "from_address": "nobody" }), "from_address", "is not an e-mail address"),
            (
                "email",
                &email,
                json!({ "reply_to": "a@rio.example\nb@rio.example" }),
                "reply_to",
                "is not an e-mail address",
            ),
            ("email", &email, json!({ "host": "mail rio" }), "host", "must be a host name or an IP address"),
            ("email", &email, json!({ "port": 0 }), "port", "must be between 1 and 65535"),
            ("email", &email, json!({ "authority": "not a certificate" }), "authority", "must be a certificate in PEM"),
            ("sms", &sms, json!({ "url": "ftp://sms.example.net" }), "url", "must begin with http:// or https://"),
            ("sms", &sms, json!({ "body": "{\"to\":\"{to}\"}" }), "body", "must contain {text}"),
            ("sms", &sms, json!({ "body": "{\"to\":{to},\"text\":{text}}" }), "body", "must be JSON"),
            ("sms", &sms, json!({ "method": "GET" }), "url", "must contain {to} and {text}"),
            ("sms", &sms, json!({ "header": "X Key", "credential": "a" }), "header", "must be the name of a header"),
            ("sms", &sms, json!({ "header": "X-Key", "credential": "a\nb: c" }), "credential", "must be one line"),
        ];
        for (part, base, change, field, says) in cases {
            let answer = isp.put(&format!("/message-settings/{part}"), with(base, change.clone())).await;
            assert_eq!((answer.status.as_u16(), answer.problem()), (422, "invalid".into()), "{change}");
            let error = answer.json()["errors"][0].clone();
            assert_eq!(error["field"], field, "{change}: {error}");
            assert!(error["message"].as_str().unwrap().contains(says), "{change}: {error}");
        }
        let settings = isp.get("/message-settings").await.expect(200);
        assert_eq!(
            (&settings["email"]["host"], &settings["sms"]["url"]),
            (&json!(""), &json!("")),
            "nothing was changed"
        );
        let trial = json!({ "channel": "email", "to": "staff@rio.example" });
        assert_eq!(isp.post("/message-settings/test", trial).await.problem(), "messages-not-set-up");
        let trial = json!({ "channel": "sms", "to": "call me" });
        assert_eq!(isp.post("/message-settings/test", trial).await.problem(), "invalid");
    });
}

#[test]
fn an_isps_own_words_replace_the_built_in_ones() {
    story(async {
        let mut server = MailServer::open().await;
        let isp = Isp::new("own-words", "2026-11-02T10:00:00Z").await;
        isp.put("/message-settings/email", server.settings()).await.expect(200);
        let own = json!({ "wordings": [{ "language": "en", "subject": "{isp}: you are back", "intro": "Dear {name},\n\nwelcome {back}" }] });
        let refused = isp.patch("/message-templates/line-restored", own).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (422, "invalid".into()));
        assert_eq!(refused.json()["errors"][0]["field"], "wordings.0.intro");
        let split = json!({ "wordings": [{ "language": "en", "subject": "Back\nBcc: all@sub.example" }] });
        assert_eq!(isp.patch("/message-templates/line-restored", split).await.problem(), "invalid");
        let own = json!({ "wordings": [{ "language": "en", "subject": "{isp}: you are back", "intro": "Dear {name},\n\nwelcome {account}." }] });
        isp.patch("/message-templates/line-restored", own).await.expect(200);
        let account = account_at(&isp, "Amara <b>", "amara@sub.example", "en").await;
        write(&isp.app, &isp.scope(), account).await;
        work_off(&isp.app, &isp.scope()).await;
        let taken = server.next().await;
        assert_eq!(header(&taken, "subject"), ["own-words net: you are back"]);
        let (text, html) = (taken["parts"][0]["text"].as_str().unwrap(), taken["parts"][1]["text"].as_str().unwrap());
        assert!(text.contains("Dear Amara <b>,") && text.contains("welcome ."), "{text}");
        assert!(html.contains("Dear Amara &#60;b&#62;,"), "{html}");
        let back = json!({ "wordings": [{ "language": "en" }] });
        let back = isp.patch("/message-templates/line-restored", back).await.expect(200);
        assert_eq!(back["wordings"], json!([]));
        let off = isp.patch("/message-templates/password-link", json!({ "email": false })).await;
        assert_eq!((off.status.as_u16(), off.problem()), (409, "template-not-optional".into()));
        assert_eq!(isp.patch("/message-templates/nothing", json!({})).await.problem(), "template-not-found");
    });
}

#[test]
fn a_mail_server_that_is_not_used_is_checked_all_the_same() {
    story(async {
        let isp = Isp::new("unused", "2026-11-02T10:00:00Z").await;
        let off = json!({ "host": "", "port": 587, "security": "tls", "from_name": "", "from_address": "" });
        isp.put("/message-settings/email", off.clone()).await.expect(200);
        for (field, value) in [("port", json!(0)), ("from_address", json!("nobody")), ("reply_to", json!("nobody"))] {
            let refused = isp.put("/message-settings/email", with(&off, json!({ field: value }))).await.expect(422);
            assert_eq!(refused["errors"][0]["field"], field, "{refused}");
        }
    });
}
