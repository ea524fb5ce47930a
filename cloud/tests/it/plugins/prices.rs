//! A rule that sets prices: tried on what was billed, then asked by billing, its digest on the line.

use serde_json::json;

use super::text;
use crate::money::harness::{Isp, story};
use crate::money::world::METERED;

#[test]
fn a_rule_changes_a_price_and_its_digest_stands_on_the_line() {
    story(async {
        let mut isp = Isp::new("owl", "2026-10-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&METERED).await);
        let account = isp.account("Ana").await;
        let line = isp.line(account, router, plan, "2026-10-01").await;
        // Madrid is two hours east: half of it was counted at 3 in the morning, and 06:00 ends the sixth hour.
        isp.traffic(router, line, 1, "2026-10-10T01:30:00Z", 900_000, 0).await;
        isp.traffic(router, line, 2, "2026-10-10T04:00:00Z", 100_000, 0).await;
        isp.traffic(router, line, 3, "2026-10-10T18:00:00Z", 1_000_000, 0).await;
        isp.now_is("2026-11-01T10:00:00Z").await;
        isp.bill("2026-11-01").await;
        let before = isp.usage_lines(account).await;
        assert_eq!(before[0]["net"]["amount"], "5.00", "ten blocks at the plan's price");
        assert!(before[0]["priced_by"].is_null());

        let owl = isp.uploaded("night-owl", "rate-usage", "night-owl").await;
        let tried = isp.post(&format!("/plugin-versions/{}/dry-run", owl.version), json!({})).await.expect(200);
        let found = &tried["dry_run"];
        assert_eq!(
            (&found["inputs"], &found["changed"], &found["failed"]),
            (&json!(1), &json!(1), &json!(0)),
            "{found}"
        );
        assert_eq!((&found["charged"], &found["would_charge"]), (&json!("5.00"), &json!("3.80")), "{found}");
        assert_eq!(found["differences"][0]["after"], "10 × 0.38", "{found}");
        assert_eq!(found["differences"][0]["reason"], "50 % at night, 25 % off", "{found}");
        assert_eq!(isp.usage_lines(account).await, before, "a dry run bills nothing");
        assert_eq!(isp.calls(&owl, "").await.len(), 0, "a dry run is no call");

        isp.post(&format!("/plugins/{}/activate", owl.id), json!({ "digest": owl.digest })).await.expect(200);
        isp.traffic(router, line, 4, "2026-11-10T02:00:00Z", 1_500_000, 0).await;
        isp.now_is("2026-12-01T10:00:00Z").await;
        let run = isp.bill("2026-12-01").await;
        assert_eq!(run["status"], "done", "{run}");
        let line = &isp.usage_lines(account).await[0];
        assert_eq!((&line["quantity"], &line["net"]["amount"]), (&json!("5"), &json!("1.25")), "{line}");
        let by = &line["priced_by"];
        assert_eq!((text(by, "digest"), text(by, "plugin")), (owl.digest.clone(), "night-owl".into()));
        assert_eq!(
            (&by["version"], &by["settings_revision"], &by["outcome"]),
            (&json!(1), &json!(1), &json!("priced"))
        );
        assert_eq!((&by["reason"], &by["list_price"]), (&json!("100 % at night, 50 % off"), &json!("0.50")), "{by}");
        isp.assert_books_balance().await;

        let invoices = isp.get("/invoices").await.expect(200);
        let page = isp.page(&format!("/invoices/{}", text(&invoices["items"][0], "id"))).await;
        assert!(page.text.contains(&owl.digest) && page.text.contains("100 % at night, 50 % off"), "{}", page.text);

        let calls = isp.calls(&owl, "").await;
        assert_eq!((calls.len(), &calls[0]["outcome"]), (1, &json!("ok")), "{calls:?}");
        assert_eq!(calls[0]["id"], by["invocation_id"]);
        let replayed =
            isp.post(&format!("/plugin-invocations/{}/replay", text(&calls[0], "id")), json!({})).await.expect(200);
        assert_eq!(replayed["same"], true, "{replayed}");
    });
}

#[test]
fn late_traffic_is_priced_without_touching_what_was_billed() {
    story(async {
        let mut isp = Isp::new("owl-late", "2026-10-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&METERED).await);
        let account = isp.account("Ana").await;
        let line = isp.line(account, router, plan, "2026-10-01").await;
        let owl = isp.activated("night-owl", "rate-usage", "night-owl").await;
        isp.traffic(router, line, 1, "2026-10-10T01:30:00Z", 1_200_000, 0).await;
        isp.now_is("2026-11-01T10:00:00Z").await;
        isp.bill("2026-11-01").await;
        assert_eq!(isp.usage_lines(account).await[0]["net"]["amount"], "0.50", "two blocks at half the price");
        isp.post(&format!("/plugins/{}/disable", owl.id), json!({})).await.expect(200);
        isp.traffic(router, line, 2, "2026-10-11T12:00:00Z", 100_000, 0).await;
        isp.now_is("2026-12-01T10:00:00Z").await;
        isp.bill("2026-12-01").await;
        let lines = isp.usage_lines(account).await;
        let late = lines.iter().find(|line| line["late"] == true).expect("a late line");
        assert_eq!((&late["quantity"], &late["net"]["amount"]), (&json!("1"), &json!("0.50")), "{late}");
        assert!(late["priced_by"].is_null(), "{late}");
        isp.assert_books_balance().await;
    });
}

#[test]
fn a_price_beyond_the_limit_is_not_taken_and_the_line_says_so() {
    story(async {
        let mut isp = Isp::new("owl-limit", "2026-10-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&METERED).await);
        let account = isp.account("Ana").await;
        let line = isp.line(account, router, plan, "2026-10-01").await;
        let owl = isp.activated("night-owl", "rate-usage", "night-owl").await;
        isp.tell(&owl, json!({ "percent": "80" }), json!([])).await;
        isp.traffic(router, line, 1, "2026-10-10T01:30:00Z", 1_200_000, 0).await;
        isp.now_is("2026-11-01T10:00:00Z").await;
        assert_eq!(isp.bill("2026-11-01").await["status"], "done");
        let line = &isp.usage_lines(account).await[0];
        assert_eq!(
            (&line["net"]["amount"], &line["priced_by"]["outcome"]),
            (&json!("1.00"), &json!("fell_back")),
            "{line}"
        );
        assert!(text(&line["priced_by"], "reason").contains("more than 50 %"), "{line}");
        assert_eq!(isp.calls(&owl, "").await[0]["outcome"], "guard");
    });
}
