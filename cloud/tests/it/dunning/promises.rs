//! Promises to pay, and pauses.

use chrono_tz::Tz;
use serde_json::json;

use super::world::{access, cases, debtor, done, eur, isp, pass, text};
use crate::money::harness::story;

#[test]
fn a_promise_opens_the_line_and_a_broken_one_closes_it() {
    story(async {
        let (mut isp, router) = isp("promised").await;
        let ana = debtor(&isp, router, "Ana", Tz::Europe__Madrid).await;
        isp.bill("2026-11-01").await;
        pass(&mut isp, "2026-11-26T12:00:00Z").await;
        assert_eq!(access(&isp, &ana).await, "walled_garden");
        isp.now_is("2026-11-26T12:00:00Z").await;
        let case = text(&cases(&isp, ana.account).await[0]["id"]).to_owned();
        let promises = format!("/dunning-cases/{case}/promises");
        for (wish, field) in [
            (json!({ "amount": eur("0.00"), "promised_on": "2026-11-27" }), "amount"),
            (json!({ "amount": eur("33.51"), "promised_on": "2026-11-27" }), "amount"),
            (json!({ "amount": { "amount": "5.00", "currency": "USD" }, "promised_on": "2026-11-27" }), "amount"),
            (json!({ "amount": eur("30.00"), "promised_on": "2026-11-25" }), "promised_on"),
            (json!({ "amount": eur("30.00"), "promised_on": "2026-12-28" }), "promised_on"),
            (json!({ "amount": eur("30.00"), "promised_on": "2026-11-28", "note": "x".repeat(501) }), "note"),
        ] {
            let refused = isp.post(&promises, wish).await;
            assert_eq!((refused.status.as_u16(), refused.json()["errors"][0]["field"].as_str()), (422, Some(field)));
        }
        let wish = json!({ "amount": eur("30.00"), "promised_on": "2026-12-01", "note": "After payday" });
        let promised = isp.post(&promises, wish).await.expect(201);
        assert_eq!((text(&promised["promises"][0]["status"]), access(&isp, &ana).await.as_str()), ("running", "open"));
        assert_eq!(text(&promised["next"]["on"]), "2026-12-02", "{}", promised["next"]);
        pass(&mut isp, "2026-12-01T22:00:00Z").await;
        assert_eq!(access(&isp, &ana).await, "open", "the day itself is still free");
        pass(&mut isp, "2026-12-02T10:00:00Z").await;
        isp.now_is("2026-12-02T10:00:00Z").await;
        let broken = cases(&isp, ana.account).await.remove(0);
        assert_eq!(
            (text(&broken["promises"][0]["status"]), access(&isp, &ana).await.as_str()),
            ("broken", "walled_garden")
        );
        assert_eq!(done(&isp, &ana).await.iter().filter(|line| line.contains("walled")).count(), 1);

        let wish = json!({ "amount": eur("33.50"), "promised_on": "2026-12-03" });
        isp.post(&promises, wish.clone()).await.expect(201);
        isp.pay(ana.account, "kept", "33.50", "2026-12-02").await;
        let kept = cases(&isp, ana.account).await.remove(0);
        let statuses: Vec<_> = kept["promises"].as_array().unwrap().iter().map(|one| text(&one["status"])).collect();
        assert_eq!(statuses, ["kept", "replaced"]);
        let closed = isp.post(&promises, wish).await;
        assert_eq!((closed.status.as_u16(), closed.problem().as_str()), (409, "dunning-case-closed"));
    });
}

#[test]
fn what_a_credit_note_settles_keeps_no_promise() {
    story(async {
        let (mut isp, router) = isp("promised-note").await;
        let ana = debtor(&isp, router, "Ana", Tz::Europe__Madrid).await;
        isp.bill("2026-11-01").await;
        pass(&mut isp, "2026-11-26T12:00:00Z").await;
        isp.now_is("2026-11-26T12:00:00Z").await;
        let case = cases(&isp, ana.account).await.remove(0);
        let promises = format!("/dunning-cases/{}/promises", text(&case["id"]));
        isp.post(&promises, json!({ "amount": eur("10.00"), "promised_on": "2026-12-01" })).await.expect(201);
        let bill = text(&case["late_fees"][0]["invoice_id"]);
        let line = isp.get(&format!("/invoices/{bill}")).await.expect(200)["lines"][0]["id"].clone();
        let lines = json!([{ "line_id": line, "amount": eur("20.00") }]);
        isp.credit(bill, json!({ "reason": "Goodwill", "lines": lines, "left": eur("30.00") })).await;
        pass(&mut isp, "2026-12-02T10:00:00Z").await;
        isp.now_is("2026-12-02T10:00:00Z").await;
        let status = cases(&isp, ana.account).await.remove(0)["promises"][0]["status"].clone();
        assert_eq!(status, "broken", "nobody paid anything");
    });
}

#[test]
fn a_pause_keeps_what_is_until_it_ends_or_is_ended() {
    story(async {
        let (mut isp, router) = isp("paused").await;
        let ana = debtor(&isp, router, "Ana", Tz::Europe__Madrid).await;
        isp.bill("2026-11-01").await;
        pass(&mut isp, "2026-11-21T12:00:00Z").await;
        isp.now_is("2026-11-21T12:00:00Z").await;
        let case = format!("/dunning-cases/{}", text(&cases(&isp, ana.account).await[0]["id"]));
        let resume = isp.post(&format!("{case}/resume"), json!({})).await;
        assert_eq!((resume.status.as_u16(), resume.problem().as_str()), (409, "dunning-case-not-paused"));
        let wrong = isp.post(&format!("{case}/pause"), json!({ "until_on": "2027-03-01", "reason": "" })).await;
        let fields: Vec<_> =
            wrong.json()["errors"].as_array().unwrap().iter().map(|error| error["field"].clone()).collect();
        assert_eq!(fields, ["until_on", "reason"]);
        let wish = json!({ "until_on": "2026-12-10", "reason": "The line was broken in October" });
        let paused = isp.post(&format!("{case}/pause"), wish).await.expect(200);
        assert_eq!(text(&paused["next"]["on"]), "2026-12-11");
        pass(&mut isp, "2026-11-30T12:00:00Z").await;
        assert_eq!(access(&isp, &ana).await, "throttled");
        isp.now_is("2026-11-30T12:00:00Z").await;
        isp.post(&format!("{case}/resume"), json!({})).await.expect(200);
        assert_eq!(access(&isp, &ana).await, "walled_garden", "it goes on at once");
    });
}
