//! Plugins that loop, grow, break off, answer nonsense: each is stopped, shown, and harms nothing.

use serde_json::{Value, json};

use super::text;
use crate::money::harness::{Isp, story};
use crate::money::world::METERED;

/// An ISP with one account that was billed ten blocks.
async fn billed_once(slug: &str, accounts: usize) -> (Isp, Vec<String>) {
    let mut isp = Isp::new(slug, "2026-10-01T10:00:00Z").await;
    let (router, plan) = (isp.router_named("r").await, isp.plan(&METERED).await);
    let mut made = Vec::new();
    for n in 0..accounts {
        let account = isp.account(&format!("Subscriber {n}")).await;
        let router = if n == 0 { router } else { isp.router_named(&format!("r{n}")).await };
        let line = isp.line(account, router, plan, "2026-10-01").await;
        isp.traffic(router, line, 1, "2026-10-10T01:30:00Z", 2_000_000, 0).await;
        made.push(account.to_string());
    }
    isp.now_is("2026-11-01T10:00:00Z").await;
    (isp, made)
}

#[test]
fn whatever_a_plugin_does_wrong_is_stopped_and_named() {
    story(async {
        let (isp, accounts) = billed_once("hostile", 1).await;
        isp.bill("2026-11-01").await;
        let before = isp.usage_lines(&accounts[0]).await;
        let hostile = isp.uploaded("hostile", "rate-usage", "hostile").await;
        let faults = [
            ("loop", "used up its instructions"),
            ("grow", "more than 64 MiB of memory"),
            ("panic", "no rule for 10 blocks"),
            ("trap", "unreachable"),
            ("recurse", ""),
            ("huge", "more than 1048576 bytes"),
            ("negative", "below zero"),
            ("dear", "more than 50 % away"),
            ("wide", "53 bits"),
            ("nul", "cannot be kept"),
            ("refuse", "I do not want to"),
        ];
        for (what, says) in faults {
            isp.tell(&hostile, json!({ "do": what }), json!([])).await;
            let tried = isp.post(&format!("/plugin-versions/{}/dry-run", hostile.version), json!({})).await.expect(200);
            let found = &tried["dry_run"];
            assert_eq!((&found["failed"], &found["changed"]), (&json!(1), &json!(0)), "{what}: {found}");
            let told = text(&found["differences"][0], "reason");
            assert!(told.contains(says) && !told.is_empty(), "{what}: {told:?} does not say {says:?}");
            assert_eq!(found["would_charge"], "5.00", "{what}: {found}");
        }
        // What it logs is cut, not what it decides.
        isp.tell(&hostile, json!({ "do": "chatter" }), json!([])).await;
        let tried = isp.post(&format!("/plugin-versions/{}/dry-run", hostile.version), json!({})).await.expect(200);
        assert_eq!(tried["dry_run"]["failed"], 0, "{tried}");
        assert_eq!(isp.usage_lines(&accounts[0]).await, before, "what was billed stays as it is");
        let page = isp.page(&format!("/plugin-versions/{}", hostile.version)).await;
        assert_eq!(page.status, 200);
        // The same processes go on to serve a good one.
        let owl = isp.uploaded("night-owl", "rate-usage", "night-owl").await;
        let tried = isp.post(&format!("/plugin-versions/{}/dry-run", owl.version), json!({})).await.expect(200);
        assert_eq!((&tried["dry_run"]["changed"], &tried["dry_run"]["failed"]), (&json!(1), &json!(0)), "{tried}");
    });
}

#[test]
fn billing_goes_on_at_the_plans_price_and_the_plugin_is_paused() {
    story(async {
        let (isp, accounts) = billed_once("breaker", 6).await;
        let hostile = isp.activated("hostile", "rate-usage", "hostile").await;
        isp.tell(&hostile, json!({ "do": "loop" }), json!([])).await;
        let run = isp.bill("2026-11-01").await;
        assert_eq!((&run["status"], &run["invoices_issued"]), (&json!("done"), &json!(6)), "{run}");
        let mut outcomes = Vec::new();
        for account in &accounts {
            let line = &isp.usage_lines(account).await[0];
            assert_eq!(line["net"]["amount"], "5.00", "{line}");
            assert_eq!(text(&line["priced_by"], "digest"), hostile.digest);
            outcomes.push(text(&line["priced_by"], "outcome"));
        }
        assert_eq!(outcomes, ["fell_back", "fell_back", "fell_back", "fell_back", "paused", "paused"]);
        isp.assert_books_balance().await;

        let plugin = isp.get(&format!("/plugins/{}", hostile.id)).await.expect(200);
        assert_eq!((&plugin["status"], &plugin["stats"]["faults"]), (&json!("paused"), &json!(5)), "{plugin}");
        let page = isp.page(&format!("/plugins/{}", hostile.id)).await;
        assert!(page.text.contains("5 calls failed in a row") && page.text.contains("Endless"), "{}", page.text);
        let invoice = isp.get(&format!("/invoices?account_id={}", accounts[0])).await.expect(200);
        let page = isp.page(&format!("/invoices/{}", text(&invoice["items"][0], "id"))).await;
        assert!(page.text.contains("the plan’s price holds"), "{}", page.text);

        let resumed = isp.form(&format!("/plugins/{}/resume", hostile.id), "").await;
        assert_eq!(resumed.status, 303, "{}", resumed.text);
        let plugin = isp.get(&format!("/plugins/{}", hostile.id)).await.expect(200);
        assert_eq!(plugin["status"], "active", "{plugin}");
    });
}

#[test]
fn an_answer_that_cannot_be_kept_is_none() {
    story(async {
        let (isp, accounts) = billed_once("nul", 1).await;
        let hostile = isp.activated("hostile", "rate-usage", "hostile").await;
        isp.tell(&hostile, json!({ "do": "nul" }), json!([])).await;
        let run = isp.bill("2026-11-01").await;
        assert_eq!((&run["status"], &run["invoices_issued"]), (&json!("done"), &json!(1)), "{run}");
        let line = &isp.usage_lines(&accounts[0]).await[0];
        assert_eq!((&line["net"]["amount"], text(&line["priced_by"], "outcome")), (&json!("5.00"), "fell_back".into()));
        assert_eq!(isp.calls(&hostile, "").await[0]["outcome"], "answer");
    });
}

#[test]
fn an_answer_that_was_recorded_is_the_same_every_time() {
    story(async {
        let (isp, _) = billed_once("again", 1).await;
        let hostile = isp.activated("hostile", "rate-usage", "hostile").await;
        isp.tell(&hostile, json!({ "do": "panic" }), json!([])).await;
        isp.bill("2026-11-01").await;
        let call = text(&isp.calls(&hostile, "").await[0], "id");
        let mut fuel = Vec::new();
        for _ in 0..3 {
            let replayed = isp.post(&format!("/plugin-invocations/{call}/replay"), json!({})).await.expect(200);
            assert_eq!(replayed["same"], true, "{replayed}");
            fuel.push(replayed["invocation"]["fuel"].as_i64().expect("fuel"));
        }
        assert!(fuel[0] > 0 && fuel.iter().all(|one| *one == fuel[0]), "{fuel:?}");
        let shown: Value = isp.get(&format!("/plugin-invocations/{call}")).await.expect(200);
        assert_eq!((&shown["outcome"], text(&shown, "digest")), (&json!("trap"), hostile.digest), "{shown}");
        assert_eq!(isp.page(&format!("/plugin-invocations/{call}")).await.status, 200);
    });
}
