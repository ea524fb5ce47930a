//! Traffic by the gigabyte: what months of it cost, late traffic, a change of plan, refusals, and where it is said.

use serde_json::{Value, json};

use super::harness::{Isp, story};
use super::one_line::{eur, plan, serving, wish};

const GB: i64 = 1_000_000_000;

/// Up to 100 GB at 0.05, then 0.02.
fn tiers(mode: &str) -> Value {
    json!({ "traffic_price": { "mode": mode, "tiers": [
        { "up_to_bytes": 100 * GB, "per_gigabyte": "0.05" }, { "per_gigabyte": "0.02" }] } })
}

/// Every line of all invoices about traffic, oldest first.
async fn of_traffic(isp: &Isp) -> Vec<Value> {
    let mut lines = Vec::new();
    for invoice in isp.get("/invoices").await.expect(200)["items"].as_array().unwrap().iter().rev() {
        let invoice = isp.get(&format!("/invoices/{}", invoice["id"].as_str().unwrap())).await.expect(200);
        lines.extend(invoice["lines"].as_array().unwrap().iter().filter(|line| line["kind"] == "usage").cloned());
    }
    lines
}

fn nets(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["net"]["amount"].as_str().unwrap()).collect()
}

#[test]
fn each_gigabyte_costs_its_tier_and_late_ones_what_they_add() {
    story(async {
        let (mut isp, account, line) = serving("gigabyte-tiers", "2026-10-01", "10.00", &tiers("graduated")).await;
        let router = isp.get("/routers").await.expect(200)["items"][0]["id"].as_str().unwrap().parse().unwrap();
        isp.traffic(router, line, 1, "2026-10-02T00:00:00Z", 200 * GB, 50 * GB).await;
        isp.now_is("2026-11-01T10:00:00Z").await;
        isp.bill("2026-11-01").await;
        isp.traffic(router, line, 2, "2026-10-20T00:00:00Z", 99 * GB + GB / 2, GB / 2).await;
        isp.now_is("2026-12-01T10:00:00Z").await;
        isp.bill("2026-12-01").await;

        let lines = of_traffic(&isp).await;
        // 100 at 0.05 and 150 at 0.02; then 100 more at 0.02. November moved nothing, and nothing is said of it.
        assert_eq!(nets(&lines), ["8.00", "2.00"]);
        let part = |figure: &str, price: &str, amount: &str| json!({ "gigabytes": figure, "per_gigabyte": price, "fee": "0", "amount": amount });
        assert_eq!(
            lines[1]["tiers"],
            json!({ "parts": [part("100", "0.05", "5"), part("250", "0.02", "5")],
                    "sum": eur("10.00"), "total": eur("10.00"), "charged_before": eur("8.00") })
        );
        isp.assert_books_balance().await;
        isp.assert_books_agree().await;

        let newest = isp.get(&format!("/invoices?account_id={account}")).await.expect(200)["items"][0].clone();
        let page = isp.page(&format!("/invoices/{}", newest["id"].as_str().unwrap())).await.text;
        for said in ["How traffic was priced", "250 GB", "€0.02", "Charged before", "−€8.00"] {
            assert!(page.contains(said), "{said} is missing: {page}");
        }
    });
}

#[test]
fn all_gigabytes_may_cost_what_the_last_one_does_and_never_more_than_the_maximum() {
    story(async {
        let mut terms = tiers("volume");
        terms["traffic_price"]["maximum"] = eur("4.00");
        terms["allowance_bytes"] = json!(50 * GB);
        let (mut isp, _, line) = serving("gigabyte-volume", "2026-10-01", "10.00", &terms).await;
        let router = isp.get("/routers").await.expect(200)["items"][0]["id"].as_str().unwrap().parse().unwrap();
        isp.traffic(router, line, 1, "2026-10-02T00:00:00Z", 140 * GB, 0).await;
        isp.now_is("2026-11-01T10:00:00Z").await;
        isp.bill("2026-11-01").await;
        isp.traffic(router, line, 2, "2026-10-20T00:00:00Z", 20 * GB, 0).await;
        isp.now_is("2026-12-01T10:00:00Z").await;
        isp.bill("2026-12-01").await;

        let lines = of_traffic(&isp).await;
        // 90 beyond the allowance at 0.05 are 4.50, at most 4.00; 110 at 0.02 are 2.20: 1.80 less. November: nothing is beyond.
        assert_eq!(nets(&lines), ["4.00", "-1.80", "0.00"]);
        assert_eq!(
            (lines[0]["tiers"]["sum"]["amount"].as_str(), lines[0]["included_bytes"].as_i64()),
            (Some("4.50"), Some(50 * GB))
        );
        assert_eq!(
            (lines[1]["quantity"].as_str(), lines[1]["unit_price"]["amount"].as_str()),
            (Some("-1"), Some("1.80"))
        );
        isp.assert_books_agree().await;
    });
}

#[test]
fn a_change_of_plan_leaves_each_its_part_of_the_tiers() {
    story(async {
        let (mut isp, _, line) = serving("gigabyte-change", "2026-11-01", "10.00", &tiers("graduated")).await;
        let router = isp.get("/routers").await.expect(200)["items"][0]["id"].as_str().unwrap().parse().unwrap();
        let flat = json!({ "traffic_price": { "tiers": [{ "per_gigabyte": "0.1234", "fee": "3" }] } });
        let other = plan(&isp, "Other", "20.00", &flat).await;
        isp.traffic(router, line, 1, "2026-11-10T00:00:00Z", 60 * GB, 0).await;
        isp.traffic(router, line, 2, "2026-11-20T00:00:00Z", 10 * GB, 0).await;
        isp.now_is("2026-11-16T10:00:00Z").await;
        isp.change_plan(line, other, "2026-11-16").await;
        isp.now_is("2026-12-01T10:00:00Z").await;
        isp.bill("2026-12-01").await;
        // Half of November each: 50 at 0.05 and 10 at 0.02; half of the fee, and 10 at 0.1234.
        assert_eq!(nets(&of_traffic(&isp).await), ["2.70", "2.73"]);
        isp.assert_books_agree().await;
    });
}

#[test]
fn prices_that_cannot_be_are_refused_and_forms_ask_for_them() {
    story(async {
        let isp = Isp::new("gigabyte-refusals", "2026-11-01T10:00:00Z").await;
        let price = |tiers: Value| json!({ "traffic_price": { "tiers": tiers } });
        let open = json!({ "per_gigabyte": "0.02" });
        let bound = |gigabytes: i64| json!({ "up_to_bytes": gigabytes * GB, "per_gigabyte": "0.05" });
        let beside = |name: &str, value: Value| {
            let mut wish = price(json!([open]));
            (wish[name], wish["allowance_bytes"]) = (value, json!(GB));
            wish
        };
        for (more, field) in [
            (price(json!([])), "traffic_price.tiers"),
            (price(json!([bound(1), bound(2)])), "traffic_price.tiers.1.up_to_bytes"),
            (price(json!([open, open])), "traffic_price.tiers.0.up_to_bytes"),
            (price(json!([bound(2), bound(2), open])), "traffic_price.tiers.1.up_to_bytes"),
            (price(json!([bound(0), open])), "traffic_price.tiers.0.up_to_bytes"),
            (price(json!([{ "per_gigabyte": "-0.01" }])), "traffic_price.tiers.0.per_gigabyte"),
            (price(json!([{ "per_gigabyte": "0.0000001" }])), "traffic_price.tiers.0.per_gigabyte"),
            (price(json!([{ "per_gigabyte": "1001" }])), "traffic_price.tiers.0.per_gigabyte"),
            (price(json!([{ "per_gigabyte": "1", "fee": "0.001" }])), "traffic_price.tiers.0.fee"),
            (
                json!({ "traffic_price": { "tiers": [open], "maximum": { "amount": "5", "currency": "USD" } } }),
                "traffic_price.maximum",
            ),
            (json!({ "period": { "days": 7 }, "traffic_price": { "tiers": [open] } }), "period"),
            (beside("overage", json!({ "block_bytes": GB, "price": eur("1") })), "traffic_price"),
            (beside("throttle", json!({ "rate_down_bps": 1_000, "rate_up_bps": 1_000 })), "traffic_price"),
            (beside("allowance_shared", json!(true)), "allowance_shared"),
        ] {
            let refused = isp.post("/plans", wish("Odd", "10.00", &more)).await.expect(422);
            assert_eq!(refused["errors"][0]["field"], field, "{more}: {refused}");
        }

        let form =
            "name=Metered&rate_down=100&rate_up=20&price=10&currency=EUR&traffic_price.maximum=20&traffic_price.tiers=";
        for (lines, said) in [
            ("100+0.05%0Arest", "Each line must be a volume in GB and a price"),
            ("", "Each line must be a volume in GB and a price"),
            ("100+0.05", "has no bound"),
            ("rest+0.0000001", "at most six decimals"),
        ] {
            let refused = isp.form("/plans", &format!("{form}{lines}")).await;
            assert!(refused.status == 422 && refused.text.contains(said), "{lines}: {}", refused.text);
        }
        let made = isp.form("/plans", &format!("{form}100+0.05%0Arest+0.02+1.50")).await;
        assert_eq!(made.status, 303, "{}", made.text);
        let plan = isp.get("/plans").await.expect(200)["items"][0].clone();
        assert_eq!(plan["versions"][0]["traffic_price"]["tiers"][1]["fee"], "1.50");
        let path = format!("/plans/{}", plan["id"].as_str().unwrap());
        let page = isp.page(&path).await.text;
        let said = "up to 100\u{a0}GB €0.05 a GB, beyond it €0.02 a GB and €1.50 once; at most €20.00";
        assert!(page.contains(said), "{page}");
        let again = isp.page(&format!("{path}/versions/new")).await.text;
        assert!(again.contains("100 0.05\nrest 0.02 1.50"), "{again}");
    });
}
