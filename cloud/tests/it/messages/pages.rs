//! The screens of messages.

use serde_json::json;
use weir_cloud::http::permission::Role;

use super::servers::MailServer;
use super::{account_at, work_off, write};
use crate::money::harness::{Isp, story};
use crate::pages::unwritten;

#[test]
fn staff_see_what_was_written_and_what_the_server_said() {
    story(async {
        let server = MailServer::open().await;
        let isp = Isp::new("screens-mail", "2026-11-02T10:00:00Z").await;
        assert!(isp.page("/messages").await.text.contains("No mail server is set up"));
        isp.put("/message-settings/email", server.settings()).await.expect(200);
        let account = account_at(&isp, "Amara Okafor", "nobody@sub.example", "en").await;
        let id = write(&isp.app, &isp.scope(), account).await[0];
        work_off(&isp.app, &isp.scope()).await;
        let list = isp.page("/messages?status=refused&channel=email").await;
        assert!(list.text.contains("nobody@sub.example") && list.text.contains("Line open again"), "{}", list.text);
        assert_eq!(unwritten(&list.text), Vec::<String>::new());
        let page = isp.page(&format!("/messages/{id}")).await;
        for words in ["550 5.1.1 There is no nobody here", "Your line works again", "Amara Okafor", "Send again"] {
            assert!(page.text.contains(words), "{words}: {}", page.text);
        }
        assert_eq!(unwritten(&page.text), Vec::<String>::new());
        let html = isp.page(&format!("/messages/{id}/html")).await;
        assert!(html.status == 200 && html.text.contains("style=\"margin:0"), "{}", html.text);
        let again = isp.form(&format!("/messages/{id}/again"), "").await;
        assert!(again.status == 303 && again.location.starts_with("/messages/msg_"), "{again:?}");
        let subscriber = isp.get(&format!("/accounts/{account}")).await.expect(200)["subscriber_id"].clone();
        let subscriber = isp.page(&format!("/subscribers/{}", subscriber.as_str().unwrap())).await;
        assert!(subscriber.text.contains(&format!("/messages/{id}")), "{}", subscriber.text);
        let network = isp.session_of(Role::Network).await;
        assert_eq!(isp.browse(&network, &format!("/messages/{id}"), None).await.status, 403);
        let reader = isp.session_of(Role::ReadOnly).await;
        assert_eq!(isp.browse(&reader, &format!("/messages/{id}/again"), Some("")).await.status, 403);
        assert!(!isp.browse(&reader, &format!("/messages/{id}"), None).await.text.contains("Send again"));
    });
}

#[test]
fn a_mail_shown_as_html_may_style_itself_and_nothing_else() {
    story(async {
        let isp = Isp::new("policy-mail", "2026-11-02T10:00:00Z").await;
        let policy = |path: &'static str| {
            let request = axum::http::Request::get(path).header("cookie", isp.cookie());
            let request = request.body(axum::body::Body::empty()).unwrap();
            let router = isp.router.clone();
            async move {
                let response = tower::ServiceExt::oneshot(router, request).await.unwrap();
                response.headers()["content-security-policy"].to_str().unwrap().to_owned()
            }
        };
        let mail = policy("/messages/templates/invoice-issued/es/html").await;
        assert!(
            mail.contains("default-src 'none'") && mail.contains("sandbox") && !mail.contains("script-src"),
            "{mail}"
        );
        assert!(!policy("/messages/templates/invoice-issued/es").await.contains("unsafe-inline"));
    });
}

#[test]
fn every_message_has_a_preview_in_every_language() {
    story(async {
        let isp = Isp::new("previews", "2026-11-02T10:00:00Z").await;
        let list = isp.page("/messages/templates").await;
        assert_eq!(unwritten(&list.text), Vec::<String>::new());
        for template in weir_cloud::notifications::Template::ALL {
            let own = format!("/messages/templates/{}", template.name());
            assert!(list.text.contains(&own), "{own}");
            let page = isp.page(&own).await;
            assert_eq!((page.status, unwritten(&page.text)), (200, Vec::new()), "{own}");
            for language in ["en", "es", "pt-BR", "fr", "ar"] {
                let page = isp.page(&format!("{own}/{language}")).await;
                assert_eq!((page.status, unwritten(&page.text)), (200, Vec::new()), "{own}/{language}");
                let html = isp.page(&format!("{own}/{language}/html")).await;
                assert!(html.status == 200 && html.text.contains("Amara Okafor"), "{own}/{language}: {}", html.text);
                for wrong in ["{$", "{ $", "messages-", "<script"] {
                    assert!(!html.text.contains(wrong), "{own}/{language} has {wrong}: {}", html.text);
                }
            }
        }
        assert_eq!(isp.page("/messages/templates/invoice-issued/de").await.status, 404);
        assert_eq!(isp.page("/messages/templates/nothing").await.status, 404);
    });
}

#[test]
fn settings_and_words_are_changed_by_forms() {
    story(async {
        let server = MailServer::start("none", Some(("Rio", "right horse"))).await;
        let isp = Isp::new("forms-mail", "2026-11-02T10:00:00Z").await;
        let form = format!(
            "host=127.0.0.1&port={}&security=none&user=Rio&password=wrong&from_name=R%C3%ADo&from_address=billing%40rio.example&reply_to=&authority=",
            server.port
        );
        let saved = isp.form("/messages/settings/email", &form).await;
        assert_eq!((saved.status, saved.location.as_str()), (303, "/messages/settings"), "{}", saved.text);
        let page = isp.page("/messages/settings").await;
        assert!(page.text.contains("Kept sealed") && !page.text.contains("wrong"), "{}", page.text);
        assert_eq!(unwritten(&page.text), Vec::<String>::new());
        let tried = isp.form("/messages/settings/test", "channel=email&to=staff%40rio.example").await;
        assert!(tried.status == 200 && tried.text.contains("535 5.7.8"), "{}", tried.text);
        let kept =
            isp.form("/messages/settings/email", &form.replace("&password=wrong", "&password=right+horse")).await;
        assert_eq!(kept.status, 303);
        let tried = isp.form("/messages/settings/test", "channel=email&to=staff%40rio.example").await;
        assert!(tried.text.contains("250 2.0.0 Taken as 42"), "{}", tried.text);
        let elsewhere = form.replace("password=wrong", "password=").replace("127.0.0.1", "mail.eve.example");
        let refused = isp.form("/messages/settings/email", &elsewhere).await;
        assert!(refused.status == 422 && refused.text.contains("Enter it again"), "{}", refused.text);
        let sms = "url=https%3A%2F%2Fsms.example.net%2F&method=POST&type=json&body=%7B%7D&header=&credential=";
        let refused = isp.form("/messages/settings/sms", sms).await;
        assert!(refused.status == 422 && refused.text.contains("must contain {to} and {text}"), "{}", refused.text);

        let words = "email=yes&subject_es=Aqu%C3%AD+est%C3%A1+{number}&intro_es=Hola+{nobody}";
        let refused = isp.form("/messages/templates/invoice-issued", words).await;
        assert!(refused.status == 422 && refused.text.contains("must not name {nobody}"), "{}", refused.text);
        let saved = isp.form("/messages/templates/invoice-issued", &words.replace("{nobody}", "{name}")).await;
        assert_eq!(saved.status, 303, "{}", saved.text);
        let preview = isp.page("/messages/templates/invoice-issued/es").await;
        assert!(preview.text.contains("Aquí está INV-2026-000042") && preview.text.contains("Hola Amara Okafor"));
        let shown = isp.get("/message-templates").await.expect(200);
        assert_eq!(shown[0]["wordings"].as_array().map(Vec::len), Some(1), "{}", json!(shown));
        let off = isp.form("/messages/templates/invoice-issued", "subject_es=&intro_es=").await;
        assert_eq!(off.status, 303);
        let shown = isp.get("/message-templates").await.expect(200);
        assert_eq!((&shown[0]["email"], &shown[0]["wordings"]), (&json!(false), &json!([])));
    });
}
