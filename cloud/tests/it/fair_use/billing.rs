//! Top-ups and free windows on invoices.

use serde_json::json;
use weir_protocol::desired::TopUp;

use super::{product, sell, standing, throttling, told, version};
use crate::money::harness::{Isp, story};

#[test]
fn a_top_up_counts_at_once_and_is_charged_once() {
    story(async {
        let mut isp = Isp::new("topup", "2026-10-10T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, version(&isp, throttling()).await);
        let account = isp.account("Ana").await;
        let line = isp.line(account, router, plan, "2026-10-01").await;
        isp.traffic(router, line, 1, "2026-10-10T09:00:00Z", 900_000, 200_000).await;
        let before = standing(&isp, line).await;
        assert_eq!((before["used_bytes"].as_i64(), before["remaining_bytes"].as_i64()), (Some(1_100_000), Some(0)));
        assert_eq!((before["from"].as_str(), before["to"].as_str()), (Some("2026-10-01"), Some("2026-11-01")));

        let more = product(&isp, "Half a megabyte", 500_000, "2.00").await;
        let sold = sell(&isp, line, &more, "call 1").await.expect(201);
        let again = sell(&isp, line, &more, "call 1").await.expect(201);
        assert_eq!(sold["id"], again["id"], "the same sale");
        assert_eq!(standing(&isp, line).await["remaining_bytes"], 400_000);
        let fair_use = told(&isp, router, line).await;
        let first = &fair_use.allowances[0];
        assert_eq!(first.top_ups, [TopUp { bytes: 500_000, until_ms: first.end_ms }]);
        assert_eq!((fair_use.allowances.len(), first.bytes, first.elsewhere_bytes), (4, 1_000_000, 1_100_000));
        assert_eq!((fair_use.exhausted_down_bps, fair_use.exhausted_up_bps), (2_000_000, 500_000));

        isp.bill("2026-10-10").await;
        let expected = ["Fair 20 recurring 2026-10-01 20.00", "Half a megabyte top_up 2026-10-10 2.00"];
        assert_eq!(isp.billed(account).await, expected);
        assert_eq!(isp.bill("2026-10-11").await["invoices_issued"], 0);
        isp.now_is("2026-11-02T10:00:00Z").await;
        isp.bill("2026-11-02").await;
        let later = isp.billed(account).await;
        assert_eq!(later[2..], ["Fair 20 usage 2026-10-01 0.00", "Fair 20 recurring 2026-11-01 20.00"]);
        let now = standing(&isp, line).await;
        assert_eq!((now["top_up_bytes"].as_i64(), now["remaining_bytes"].as_i64()), (Some(0), Some(1_000_000)));
        assert!(now["top_ups"][0]["invoice_line_id"].is_string(), "{now}");
        isp.assert_books_balance().await;
    });
}

#[test]
fn a_top_up_of_a_line_that_ended_is_still_charged() {
    story(async {
        let mut isp = Isp::new("ended", "2026-10-10T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, version(&isp, throttling()).await);
        let account = isp.account("Ana").await;
        let line = isp.line(account, router, plan, "2026-10-01").await;
        isp.bill("2026-10-10").await;
        let more = product(&isp, "More", 500_000, "2.00").await;
        sell(&isp, line, &more, "1").await.expect(201);
        isp.end(line, "2026-10-15").await;
        isp.now_is("2026-11-02T10:00:00Z").await;
        isp.bill("2026-11-02").await;
        let charged = isp.billed(account).await;
        assert!(charged.contains(&"More top_up 2026-10-10 2.00".to_owned()), "{charged:?}");
        sell(&isp, line, &more, "2").await.expect(409);
    });
}

#[test]
fn what_was_moved_in_free_windows_is_not_rated_and_more_is_included_when_it_was_bought() {
    story(async {
        let mut isp = Isp::new("free", "2026-10-10T10:00:00Z").await;
        let mut plan = throttling();
        plan["throttle"] = json!(null);
        plan["overage"] = json!({ "block_bytes": 100_000, "price": { "amount": "0.50", "currency": "EUR" } });
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        plan["windows"] = json!([{ "days": days, "from": "23:00", "to": "06:00", "free": true }]);
        let (router, plan) = (isp.router_named("r").await, version(&isp, plan).await);
        let account = isp.account("Ana").await;
        let line = isp.line(account, router, plan, "2026-10-01").await;
        // 23:05 in Madrid, 06:00 sharp, and 06:05.
        isp.traffic(router, line, 1, "2026-10-05T21:05:00Z", 5_000_000, 0).await;
        isp.traffic(router, line, 2, "2026-10-06T04:00:00Z", 3_000_000, 0).await;
        isp.traffic(router, line, 3, "2026-10-06T04:05:00Z", 1_300_000, 0).await;
        assert_eq!(standing(&isp, line).await["used_bytes"], 1_300_000);
        let more = product(&isp, "A bit", 150_000, "1.00").await;
        sell(&isp, line, &more, "1").await.expect(201);
        isp.now_is("2026-11-01T10:00:00Z").await;
        isp.bill("2026-11-01").await;
        // 150,000 bytes over make two begun blocks.
        let billed = isp.billed(account).await;
        assert!(billed.contains(&"Fair 20 usage 2026-10-01 1.00".to_owned()), "{billed:?}");
        let invoices = isp.get("/invoices").await.expect(200);
        let invoice = isp.get(&format!("/invoices/{}", invoices["items"][0]["id"].as_str().unwrap())).await.expect(200);
        let usage = invoice["lines"].as_array().unwrap().iter().find(|line| line["kind"] == "usage").unwrap();
        assert_eq!((usage["down_bytes"].as_i64(), usage["free_bytes"].as_i64()), (Some(9_300_000), Some(8_000_000)));
        assert_eq!(usage["included_bytes"], 1_150_000);
        isp.assert_books_balance().await;
    });
}

#[test]
fn a_top_up_that_cannot_be_is_refused() {
    story(async {
        let isp = Isp::new("topupno", "2026-10-10T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, version(&isp, throttling()).await);
        let (account, other) = (isp.account("Ana").await, isp.account("Bea").await);
        let line = isp.line(account, router, plan, "2026-10-01").await;
        let unmetered = isp.plan(&crate::money::world::FIBRE).await;
        let unmetered = isp.line(other, router, unmetered, "2026-10-01").await;
        let (more, most) = (product(&isp, "More", 1, "0").await, product(&isp, "Most", 2, "0").await);
        let kind = |answer: crate::money::harness::Answer| (answer.status.as_u16(), answer.problem());
        assert_eq!(kind(sell(&isp, unmetered, &more, "1").await), (409, "top-up-needs-allowance".into()));
        sell(&isp, line, &more, "1").await.expect(201);
        assert_eq!(kind(sell(&isp, line, &most, "1").await), (409, "top-up-reference-reused".into()));
        assert_eq!(kind(sell(&isp, line, &more, " ").await), (422, "invalid".into()));
        let dollars = json!({ "name": "Dollars", "bytes": 1, "price": { "amount": "1", "currency": "USD" } });
        let dollars = isp.post("/top-up-products", dollars).await.expect(201)["id"].clone();
        assert_eq!(kind(sell(&isp, line, &dollars, "2").await), (409, "top-up-currency-differs".into()));
        isp.post(&format!("/top-up-products/{}/retire", most.as_str().unwrap()), json!({})).await.expect(200);
        assert_eq!(kind(sell(&isp, line, &most, "3").await), (409, "top-up-retired".into()));
        let same = json!({ "name": "More", "bytes": 1, "price": { "amount": "1", "currency": "EUR" } });
        assert_eq!(kind(isp.post("/top-up-products", same).await), (409, "top-up-name-taken".into()));
        let empty = json!({ "name": "", "bytes": 0, "price": { "amount": "-1", "currency": "EUR" } });
        let empty = isp.post("/top-up-products", empty).await.expect(422);
        let fields: Vec<_> = empty["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
        assert_eq!(fields, ["name", "bytes", "price"]);
    });
}
