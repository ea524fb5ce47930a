//! The screens: the queue, a conversation and its forms, files sent by a browser, settings.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;
use weir_cloud::http::permission::Role;

use super::{Told, id};
use crate::money::harness::story;

#[test]
fn a_ticket_is_opened_answered_and_moved_by_forms() {
    story(async {
        let told = Told::at("pages-ticket", "2026-11-23T09:00:00Z").await;
        let page = told.isp.page(&format!("/tickets/new?subscription_id={}", told.line)).await;
        assert!(page.text.contains("Fibre 100") && page.text.contains(&told.subscriber.to_string()), "{}", page.text);
        let form = format!(
            "title=No+internet&body=Since+today&impact=one_line&subscriber_id={}&subscription_id={}",
            told.subscriber, told.line
        );
        let opened = told.isp.form("/tickets", &form).await;
        assert_eq!(opened.status, 303, "{}", opened.text);
        let page = told.isp.page(&opened.location).await;
        for words in
            ["T-2026-000001 · No internet", "Since today", "has not reported to us yet", "Nobody has answered yet"]
        {
            assert!(page.text.contains(words), "{words}: {}", page.text);
        }
        let drafted = told.isp.page(&format!("{}?draft=answer", opened.location)).await;
        assert!(drafted.text.contains("has not reported to us yet. We are on it.</textarea>"), "{}", drafted.text);
        let empty = told.isp.form(&format!("{}/reply", opened.location), "reply=&then=waiting").await;
        assert!(empty.status == 422 && empty.text.contains("id=\"reply-error\""), "{}", empty.text);
        let replied = told.isp.form(&format!("{}/reply", opened.location), "reply=Restart+it&then=waiting").await;
        assert_eq!(replied.status, 303, "{}", replied.text);
        let noted = told.isp.form(&format!("{}/note", opened.location), "note=Old+model").await;
        assert_eq!(noted.status, 303, "{}", noted.text);
        let page = told.isp.page(&opened.location).await;
        for words in ["Restart it", "Old model", "Internal note", "Status: New → Waiting for the subscriber"] {
            assert!(page.text.contains(words), "{words}: {}", page.text);
        }
        let moved = told.isp.form(&opened.location, "status=solved&priority=high&impact=one_line&assignee_id=").await;
        assert_eq!(moved.status, 303, "{}", moved.text);
        let wrong = told.isp.form(&opened.location, "status=new&priority=high&impact=one_line&assignee_id=").await;
        assert!(wrong.status == 422 && wrong.text.contains("somebody moved the ticket"), "{}", wrong.text);
        let solved = told.isp.page("/tickets?view=solved").await;
        assert!(solved.text.contains("T-2026-000001") && solved.text.contains("High"), "{}", solved.text);
        for view in ["", "mine", "unassigned", "breaching", "waiting", "closed"] {
            let page = told.isp.page(&format!("/tickets?view={view}")).await;
            assert!(page.status == 200 && !page.text.contains("T-2026-000001"), "{view}");
        }
        let subscriber = told.isp.page(&format!("/subscribers/{}", told.subscriber)).await;
        assert!(subscriber.text.contains("T-2026-000001"), "{}", subscriber.text);
        let found = told.isp.page("/search?q=T-2026-000001").await;
        assert_eq!(found.location, opened.location, "a number leads to its ticket");
    });
}

#[test]
fn files_come_with_a_browsers_form() {
    story(async {
        let told = Told::at("pages-files", "2026-11-23T09:00:00Z").await;
        let ticket = told.ask("Slow").await;
        let send = async |name: &str, content: &str| {
            let body = format!(
                "--b\r\nContent-Disposition: form-data; name=\"reply\"\r\n\r\nSee\r\n--b\r\nContent-Disposition: form-data; name=\"then\"\r\n\r\nopen\r\n--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\nContent-Type: text/plain\r\n\r\n{content}\r\n--b--\r\n"
            );
            let request = Request::post(format!("/tickets/{}/reply", id(&ticket)))
                .header("cookie", told.isp.cookie())
                .header("content-type", "multipart/form-data; boundary=b")
                .header("sec-fetch-site", "same-origin");
            told.raw(request.body(Body::from(body)).expect("a request")).await
        };
        let (status, text) = send("bill.pdf", "not a PDF").await;
        assert!(status == 422 && text.contains("A file is not what its name says"), "{text}");
        assert!(text.contains(">See</textarea>"), "what was typed stays: {text}");
        assert_eq!(send("", "").await.0, 303, "no file is no mistake");
        let big = "x".repeat(5 * 1024 * 1024);
        let (status, text) = send("log.txt", &big).await;
        assert_eq!(status, 303, "{}", &text[..text.len().min(2_000)]);
        let shown = told.show(&ticket).await;
        assert_eq!(shown["entries"][3]["attachments"][0]["size_bytes"], 5 * 1024 * 1024);
    });
}

#[test]
fn roles_see_and_do_what_is_theirs() {
    story(async {
        let told = Told::at("pages-roles", "2026-11-23T09:00:00Z").await;
        let ticket = told.ask("Slow").await;
        let path = format!("/tickets/{}", id(&ticket));
        for (role, writes) in [(Role::Support, true), (Role::Network, true), (Role::ReadOnly, false)] {
            let session = told.isp.session_of(role).await;
            let page = told.isp.browse(&session, &path, None).await;
            assert_eq!((page.status, page.text.contains("name=\"reply\"")), (200, writes), "{role:?}");
            let reply = told.isp.browse(&session, &format!("{path}/reply"), Some("reply=Hello&then=open")).await;
            assert_eq!(reply.status, if writes { 303 } else { 403 }, "{role:?}");
        }
    });
}

#[test]
fn the_queue_leaves_as_csv_without_formulas() {
    story(async {
        let told = Told::at("pages-csv", "2026-11-23T09:00:00Z").await;
        told.ask("=HYPERLINK(\"x\"), slow").await;
        let csv = told.isp.page("/tickets.csv").await;
        assert_eq!((csv.status, csv.kind.as_str()), (200, "text/csv; charset=utf-8"));
        let lines: Vec<_> = csv.text.lines().collect();
        assert!(lines[0].starts_with("number,title,subscriber,status"), "{}", csv.text);
        assert!(lines[1].starts_with("T-2026-000001,\"'=HYPERLINK(\"\"x\"\"), slow\",Ana,new,normal"), "{}", csv.text);
        assert_eq!(lines.len(), 2);
    });
}

#[test]
fn settings_are_changed_by_forms() {
    story(async {
        let told = Told::at("pages-support", "2026-11-23T09:00:00Z").await;
        let form = "urgent_first=0.5&urgent_solve=4&high_first=2&high_solve=8&normal_first=4&normal_solve=24&low_first=8&low_solve=40\
            &monday_opens=08%3A00&monday_closes=00%3A00&saturday_opens=&saturday_closes=&reopen_days=10&holidays=2026-12-25+Christmas%0A2027-01-01";
        let saved = told.isp.form("/settings/support/policy", form).await;
        assert_eq!(saved.status, 303, "{}", saved.text);
        let policy = told.isp.get("/support-policy").await.expect(200);
        assert_eq!(policy["week"][0], json!({ "opens_minute": 480, "closes_minute": 1440 }));
        assert_eq!((&policy["week"][1], &policy["reopen_days"]), (&json!(null), &json!(10)));
        assert_eq!(
            policy["holidays"],
            json!([{ "on": "2026-12-25", "name": "Christmas" }, { "on": "2027-01-01", "name": "" }])
        );
        assert_eq!(policy["targets"][3]["first_response_minutes"], 30);
        let page = told.isp.page("/settings/support").await;
        assert!(
            page.text.contains("08:00 – 00:00") && page.text.contains("Christmas") && page.text.contains("0.5 h"),
            "{}",
            page.text
        );
        let wrong =
            form.replace("monday_closes=00%3A00", "monday_closes=07%3A00").replace("urgent_solve=4", "urgent_solve=x");
        let wrong = told.isp.form("/settings/support/policy", &wrong).await;
        assert!(wrong.status == 422 && wrong.text.contains("id=\"urgent_solve-error\""), "{}", wrong.text);
        let backwards =
            told.isp.form("/settings/support/policy", &form.replace("closes=00%3A00", "closes=07%3A00")).await;
        assert!(backwards.status == 422 && backwards.text.contains("id=\"monday_closes-error\""), "{}", backwards.text);

        let plan = told.isp.get("/plans").await.expect(200)["items"][0]["id"].as_str().expect("a plan").to_owned();
        let weighed = told.isp.form("/settings/support/plans", &format!("plan_id={plan}&weight=critical")).await;
        assert_eq!(weighed.status, 303, "{}", weighed.text);
        assert_eq!(told.ask("Slow").await["priority"], "urgent");
        let made = told.isp.form("/settings/support/mailbox", "address=help%40pages-support.example").await;
        assert!(
            made.status == 200 && made.text.contains("weir mail-in --to http://localhost:8080/inbound/email/"),
            "{}",
            made.text
        );
        let odd = told.isp.form("/settings/support/mailbox", "address=help%2Bx%40isp.example").await;
        assert!(odd.status == 422 && odd.text.contains("without a plus sign"), "{}", odd.text);
        assert_eq!(told.isp.form("/settings/support/mailbox/close", "").await.status, 303);
        let none = told.isp.page("/settings/support").await;
        assert!(none.text.contains("No mailbox yet"), "{}", none.text);
    });
}

#[test]
fn an_unmatched_e_mail_is_connected_by_form() {
    story(async {
        let told = Told::at("pages-mail", "2026-11-23T09:00:00Z").await;
        let made = told.put("/support-mailbox", json!({ "address": "help@pages-mail.example" })).await;
        let way_in = made["url"].as_str().expect("an address").replace("http://localhost:8080", "");
        let raw = "From: eve@example.net\r\nTo: help@pages-mail.example\r\nSubject: Hello\r\n\r\nI am new here\r\n";
        assert_eq!(told.raw(Request::post(way_in).body(Body::from(raw)).expect("a request")).await.0, 200);
        let list = told.isp.page("/unmatched-mail").await;
        assert!(list.text.contains("No subscriber has this address"), "{}", list.text);
        let waiting = told.isp.get("/unmatched-mail").await.expect(200);
        let path = format!("/unmatched-mail/{}", id(&waiting["items"][0]));
        assert!(told.isp.page(&path).await.text.contains("I am new here"));
        let nobody = told.isp.form(&format!("{path}/connect"), "to=Zoe").await;
        assert!(nobody.status == 422 && nobody.text.contains("Nothing or more than one"), "{}", nobody.text);
        let connected = told.isp.form(&format!("{path}/connect"), "to=ana").await;
        assert_eq!(connected.status, 303, "{}", connected.text);
        assert!(told.isp.page(&connected.location).await.text.contains("I am new here"));
    });
}
