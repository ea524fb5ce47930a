//! Promises by the clock: working hours of Madrid, holidays, pauses, misses.

use serde_json::{Value, json};

use super::{Told, id};
use crate::money::harness::story;

/// Asserts that an answer names this instant, give or take: the world's clock goes on while it is asked.
#[track_caller]
fn assert_near(found: &Value, expected: &str) {
    let at = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().expect("an instant");
    let found = at(found.as_str().unwrap_or_else(|| panic!("never, not {expected}")));
    assert!((found - at(expected)).num_seconds().abs() < 60, "{found}, not {expected}");
}

fn policy(first: i32, solved: i32, holidays: Value) -> Value {
    let office = json!({ "opens_minute": 540, "closes_minute": 1080 });
    let targets: Vec<_> = ["low", "normal", "high", "urgent"]
        .map(|priority| json!({ "priority": priority, "first_response_minutes": first, "resolution_minutes": solved }))
        .into();
    json!({ "reopen_days": 7, "week": [office, office, office, office, office, null, null], "holidays": holidays, "targets": targets })
}

#[test]
fn a_promise_given_on_friday_evening_skips_weekend_and_holiday() {
    story(async {
        // 17:00 on Friday in Madrid; Monday is a holiday.
        let told = Told::at("weekend", "2026-11-27T16:00:00Z").await;
        told.put("/support-policy", policy(120, 240, json!([{ "on": "2026-11-30", "name": "Feast" }]))).await;
        let ticket = told.ask("Slow").await;
        assert_near(&ticket["response"]["due_at"], "2026-12-01T09:00:00Z");
        assert_near(&ticket["resolution"]["due_at"], "2026-12-01T11:00:00Z");
    });
}

#[test]
fn clocks_stand_still_while_the_subscriber_is_asked() {
    story(async {
        let mut told = Told::at("waiting", "2026-11-23T09:00:00Z").await;
        told.put("/support-policy", policy(120, 240, json!([]))).await;
        let ticket = told.ask("Slow").await;
        told.isp.now_is("2026-11-23T10:00:00Z").await;
        let waiting = told.reply(&ticket, "Which device?", Some("waiting")).await;
        assert_eq!(waiting["resolution"]["due_at"], json!(null));
        let left = waiting["resolution"]["left_seconds"].as_i64().expect("seconds");
        assert!((left - 10_800).abs() < 60, "{left}");
        assert_near(&waiting["response"]["kept_at"], "2026-11-23T10:00:00Z");
        assert_eq!(waiting["response"]["missed_at"], json!(null));
        told.isp.now_is("2026-11-25T09:00:00Z").await;
        told.minute().await;
        assert_eq!(told.show(&ticket).await["resolution"]["missed_at"], json!(null));
        let goes_on =
            told.isp.patch(&format!("/tickets/{}", id(&ticket)), json!({ "status": "open" })).await.expect(200);
        assert_near(&goes_on["resolution"]["due_at"], "2026-11-25T12:00:00Z");
    });
}

#[test]
fn a_missed_promise_is_noted_once_at_the_instant_it_ended() {
    story(async {
        let mut told = Told::at("missed", "2026-11-23T09:00:00Z").await;
        told.put("/support-policy", policy(60, 240, json!([]))).await;
        let ticket = told.ask("Slow").await;
        told.isp.now_is("2026-11-23T09:59:00Z").await;
        told.minute().await;
        assert_eq!(told.kinds_of_news().await, ["ticket.opened"]);
        told.isp.now_is("2026-11-23T10:05:00Z").await;
        told.minute().await;
        told.minute().await;
        let late = told.show(&ticket).await;
        assert_eq!(late["response"]["missed_at"], late["response"]["due_at"]);
        assert_near(&late["response"]["missed_at"], "2026-11-23T10:00:00Z");
        assert_eq!(late["resolution"]["missed_at"], json!(null));
        assert_eq!(told.kinds_of_news().await, ["ticket.opened", "ticket.sla_missed"]);
        let news = told.news().await;
        assert_eq!(news[1].1["promise"], "first_response");
        assert_near(&news[1].1["due_at"], "2026-11-23T10:00:00Z");
        let answered = told.reply(&ticket, "Sorry.", None).await;
        assert_near(&answered["response"]["kept_at"], "2026-11-23T10:05:00Z");
        assert_eq!(answered["status"], "open");

        // Nobody looked in time: whoever solves it late notes the miss first.
        told.isp.now_is("2026-11-24T15:00:00Z").await;
        let solved =
            told.isp.patch(&format!("/tickets/{}", id(&ticket)), json!({ "status": "solved" })).await.expect(200);
        assert_near(&solved["resolution"]["missed_at"], "2026-11-23T13:00:00Z");
        let kinds = ["ticket.opened", "ticket.sla_missed", "ticket.replied", "ticket.sla_missed", "ticket.solved"];
        assert_eq!(told.kinds_of_news().await, kinds);
    });
}

#[test]
fn other_hours_move_what_runs_and_keep_what_is_left() {
    story(async {
        let mut told = Told::at("hours", "2026-11-23T09:00:00Z").await;
        told.put("/support-policy", policy(120, 240, json!([]))).await;
        let ticket = told.ask("Slow").await;
        told.isp.now_is("2026-11-23T10:00:00Z").await;
        told.put("/support-policy", policy(60, 60, json!([{ "on": "2026-11-23" }]))).await;
        let moved = told.show(&ticket).await;
        // An hour of two, and of four, was worked.
        assert_near(&moved["response"]["due_at"], "2026-11-24T09:00:00Z");
        assert_near(&moved["resolution"]["due_at"], "2026-11-24T11:00:00Z");
        // New targets hold for new tickets.
        assert_near(&told.ask("Slower").await["resolution"]["due_at"], "2026-11-24T09:00:00Z");
    });
}

#[test]
fn the_queue_shows_first_what_ends_first_page_by_page() {
    story(async {
        let told = Told::at("queue", "2026-11-23T09:00:00Z").await;
        let mut expected = Vec::new();
        for (title, priority) in [("c", "normal"), ("a", "urgent"), ("d", "low"), ("b", "high")] {
            let wish = json!({ "title": title, "body": "x", "subscription_id": told.line, "impact": "one_line", "priority": priority });
            told.isp.post("/tickets", wish).await.expect(201);
            expected.push(title);
        }
        expected.sort_unstable();
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let page = told.isp.get(&format!("/tickets?limit=1&after={after}")).await.expect(200);
            seen.extend(page["items"].as_array().expect("items").iter().map(|ticket| ticket["title"].clone()));
            let Some(next) = page["next"].as_str() else { break };
            after = next.to_owned();
        }
        assert_eq!(seen, expected);
        let nobodys = told.isp.get("/tickets?unassigned=true&q=T-2026-000002").await.expect(200);
        assert_eq!(nobodys["items"][0]["title"], "a");
    });
}

#[test]
fn a_policy_that_cannot_be_is_refused_by_its_fields() {
    story(async {
        let told = Told::at("policy", "2026-11-23T09:00:00Z").await;
        let send = async |body: Value| {
            let request = axum::http::Request::put("/api/v1/support-policy")
                .header("cookie", told.isp.cookie())
                .header("content-type", "application/json")
                .header("sec-fetch-site", "same-origin");
            told.raw(request.body(axum::body::Body::from(body.to_string())).expect("a request")).await
        };
        let mut free = policy(60, 60, json!([]));
        free["week"] = json!([null, null, null, null, null, null, null]);
        let mut backwards = policy(60, 60, json!([]));
        backwards["week"][0] = json!({ "opens_minute": 600, "closes_minute": 600 });
        let mut short = policy(60, 60, json!([]));
        short["targets"].as_array_mut().expect("targets").pop();
        for (body, field) in [
            (free, "week"),
            (backwards, "week.0"),
            (short, "targets"),
            (policy(60, 30, json!([])), "targets.low.resolution_minutes"),
            (policy(0, 30, json!([])), "targets.low.first_response_minutes"),
        ] {
            let (status, text) = send(body).await;
            let answer: Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!((status, &answer["errors"][0]["field"]), (422, &json!(field)), "{text}");
        }
    });
}
