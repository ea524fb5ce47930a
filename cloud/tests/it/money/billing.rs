//! Runs and invoices.

use serde_json::json;
use weir_cloud::billing::jobs::WorkOnRun;
use weir_cloud::jobs::Job;

use super::harness::{Isp, story};
use super::world::{FIBRE, METERED, Plan};

#[test]
fn a_month_is_billed_with_its_traffic_and_tax_once() {
    story(async {
        let mut isp = Isp::new("month", "2026-10-01T10:00:00Z").await;
        isp.settings(json!({ "tax_rate_percent": "21", "tax_name": "IVA", "payment_terms_days": 14 })).await;
        let router = isp.router_named("r").await;
        let plan = isp.plan(&METERED).await;
        let account = isp.account("Ana").await;
        let line = isp.line(account, router, plan, "2026-10-01").await;
        let run = isp.bill("2026-10-01").await;
        assert_eq!((run["status"].as_str(), run["invoices_issued"].as_i64()), (Some("done"), Some(1)));
        assert_eq!(run["total"], json!({ "amount": "24.20", "currency": "EUR" }));

        isp.traffic(router, line, 1, "2026-10-10T12:00:00Z", 1_000_000, 150_001).await;
        // Ends at midnight in Madrid: still October.
        isp.traffic(router, line, 2, "2026-10-31T23:00:00Z", 10, 0).await;
        isp.traffic(router, line, 3, "2026-10-31T23:05:00Z", 7_000_000, 0).await;
        isp.now_is("2026-11-01T09:00:00Z").await;
        isp.bill("2026-11-01").await;
        let expected = [
            "Radio 20 recurring 2026-10-01 20.00",
            "Radio 20 usage 2026-10-01 1.00",
            "Radio 20 recurring 2026-11-01 20.00",
        ];
        assert_eq!(isp.billed(account).await, expected);
        let invoices = isp.get("/invoices").await.expect(200);
        assert_eq!(invoices["items"][0]["number"], "INV-2026-000002");
        assert_eq!(invoices["items"][0]["gross"]["amount"], "25.41");
        assert_eq!(invoices["items"][0]["due_on"], "2026-11-15");

        let again = isp.bill("2026-11-01").await;
        assert_eq!(again["invoices_issued"], 0);
        assert_eq!(isp.billed(account).await.len(), 3);
        isp.assert_books_balance().await;
    });
}

#[test]
fn daily_runs_and_one_late_run_bill_the_same_lines() {
    story(async {
        let mut totals = Vec::new();
        for (slug, days) in [("daily", (1..=30).collect::<Vec<u32>>()), ("late", vec![30])] {
            let mut isp = Isp::new(slug, "2026-11-01T10:00:00Z").await;
            let router = isp.router_named("r").await;
            let (old, new) =
                (isp.plan(&FIBRE).await, isp.plan(&Plan { name: "Fibre 500", price: "45.00", ..FIBRE }).await);
            let account = isp.account("Ana").await;
            let line = isp.line(account, router, old, "2026-11-05").await;
            for day in days {
                isp.now_is(&format!("2026-11-{day:02}T10:00:00Z")).await;
                if day == 16 || slug == "late" {
                    isp.change_plan(line, new, "2026-11-16").await;
                }
                isp.bill(&format!("2026-11-{day:02}")).await;
            }
            isp.assert_books_balance().await;
            totals.push(isp.get(&format!("/accounts/{account}/standing")).await.expect(200)["balance"].clone());
        }
        assert_eq!(totals[0], totals[1]);
        // 11 of 30 days at 30.00 and 15 of 30 at 45.00.
        assert_eq!(totals[0]["amount"], "33.50");
    });
}

#[test]
fn a_run_is_worked_on_by_many_and_bills_everybody_once() {
    story(async {
        let isp = Isp::new("resume", "2026-11-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let mut accounts = Vec::new();
        for name in ["Ana", "Bea", "Carla", "Dora"] {
            let account = isp.account(name).await;
            isp.line(account, router, plan, "2026-11-01").await;
            accounts.push(account);
        }
        let run = isp.post("/billing-runs", json!({ "as_of": "2026-11-01" })).await.expect(202);
        assert_eq!((run["status"].as_str(), run["accounts_total"].as_i64()), (Some("running"), Some(4)));
        let other = isp.post("/billing-runs", json!({ "as_of": "2026-11-02" })).await;
        assert_eq!((other.status.as_u16(), other.problem().as_str()), (409, "billing-run-in-progress"));
        assert_eq!(isp.post("/billing-runs", json!({ "as_of": "2026-11-01" })).await.expect(202)["id"], run["id"]);
        // Small batches, so that there is something for everybody.
        let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
        let split = "WITH one AS (DELETE FROM billing_batches RETURNING *)
                     INSERT INTO billing_batches SELECT tenant_id, run_id, place, ARRAY[account], NULL
                     FROM one, unnest(accounts) WITH ORDINALITY AS listed (account, place)";
        sqlx::query(split).execute(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();

        // Somebody holds a batch and does nothing about it.
        let mut slow = isp.app.db.begin(&isp.scope()).await.unwrap();
        let held = sqlx::query("SELECT FROM billing_batches WHERE number = 2 FOR UPDATE");
        held.execute(slow.conn()).await.unwrap();
        let job = |hand| serde_json::from_value::<WorkOnRun>(json!({ "run": run["id"], "hand": hand })).unwrap();
        let (a, b) = tokio::join!(job(0).run(isp.app.clone(), isp.scope()), job(1).run(isp.app.clone(), isp.scope()));
        a.unwrap();
        b.unwrap();
        let path = format!("/billing-runs/{}", run["id"].as_str().unwrap());
        let progress = async || {
            let run = isp.get(&path).await.expect(200);
            (run["status"].as_str().unwrap().to_owned(), run["accounts_done"].as_i64(), run["invoices_issued"].as_i64())
        };
        assert_eq!(progress().await, ("running".into(), Some(3), Some(3)));
        slow.commit().await.unwrap();
        // One goes on, and one more comes after the end.
        for _ in 0..2 {
            job(0).run(isp.app.clone(), isp.scope()).await.unwrap();
            assert_eq!(progress().await, ("done".into(), Some(4), Some(4)));
        }
        assert_eq!(isp.bill("2026-11-01").await["invoices_issued"], 0);
        isp.assert_books_balance().await;
    });
}

#[test]
fn a_preview_says_what_a_run_will_bill_and_what_of_it_is_unusual() {
    story(async {
        let mut isp = Isp::new("preview", "2026-10-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&METERED).await);
        let (calm, busy) = (isp.account("Calm").await, isp.account("Busy").await);
        isp.line(calm, router, plan, "2026-10-01").await;
        let line = isp.line(busy, router, plan, "2026-10-01").await;
        let preview =
            async |isp: &Isp, as_of| isp.post("/billing-runs/preview", json!({ "as_of": as_of })).await.expect(200);
        let first = preview(&isp, "2026-10-01").await;
        assert_eq!((&first["first_invoices"], &first["outliers"]), (&json!(2), &json!([])));
        isp.bill("2026-10-01").await;
        isp.traffic(router, line, 1, "2026-10-10T12:00:00Z", 9_000_000, 0).await;

        isp.now_is("2026-11-01T09:00:00Z").await;
        let seen = preview(&isp, "2026-11-01").await;
        assert_eq!(
            (&seen["accounts_due"], &seen["invoices"], &seen["first_invoices"]),
            (&json!(2), &json!(2), &json!(0))
        );
        let [outlier] = seen["outliers"].as_array().unwrap().as_slice() else { panic!("{seen}") };
        assert_eq!((&outlier["account_id"], &outlier["reasons"]), (&json!(busy), &json!(["usage"])));
        let page = isp.page("/billing-runs/preview?as_of=2026-11-01").await;
        assert!(page.text.contains("Busy") && page.text.contains("Traffic beyond"), "{}", page.text);
        assert!(!page.text.contains("Calm"), "{}", page.text);
        // Nothing is kept of it, and a run bills exactly that.
        assert_eq!(isp.get("/invoices").await.expect(200)["items"].as_array().unwrap().len(), 2);
        let run = isp.bill("2026-11-01").await;
        assert_eq!((&run["totals"], &run["invoices_issued"]), (&seen["totals"], &seen["invoices"]));

        // One at a time: whoever asks meanwhile is told so, and the next one has its turn.
        let asked = (0..6).map(|_| isp.post("/billing-runs/preview", json!({ "as_of": "2026-11-01" })));
        let answers = futures_util::future::join_all(asked).await;
        let (seen, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
        assert!(!seen.is_empty() && !refused.is_empty(), "{} were answered", seen.len());
        assert!(refused.iter().all(|answer| answer.problem() == "billing-preview-running"));
        preview(&isp, "2026-11-01").await;
    });
}

#[test]
fn traffic_is_billed_once_even_when_it_arrives_late() {
    story(async {
        let mut isp = Isp::new("traffic", "2026-10-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&METERED).await);
        let account = isp.account("Ana").await;
        let line = isp.line(account, router, plan, "2026-10-01").await;
        isp.traffic(router, line, 1, "2026-10-02T00:00:00Z", 900_000, 50_000).await;
        isp.now_is("2026-11-01T10:00:00Z").await;
        isp.bill("2026-11-01").await;
        isp.traffic(router, line, 2, "2026-10-03T00:00:00Z", 100_000, 20_000).await;
        isp.traffic(router, line, 3, "2026-11-03T00:00:00Z", 5, 5).await;
        isp.now_is("2026-12-01T10:00:00Z").await;
        isp.bill("2026-12-01").await;
        let lines = isp.billed(account).await;
        // Late October: 1,070,000 used in all, one block over; November has a line even though nothing is charged.
        let usage: Vec<_> = lines.iter().filter(|line| line.contains("usage")).collect();
        assert_eq!(
            usage,
            ["Radio 20 usage 2026-10-01 0.00", "Radio 20 usage 2026-10-01 0.50", "Radio 20 usage 2026-11-01 0.00"]
        );
        let mut billed = 0;
        for invoice in isp.get("/invoices").await.expect(200)["items"].as_array().unwrap() {
            let invoice = isp.get(&format!("/invoices/{}", invoice["id"].as_str().unwrap())).await.expect(200);
            let bytes = |line: &serde_json::Value| {
                line["down_bytes"].as_i64().unwrap_or(0) + line["up_bytes"].as_i64().unwrap_or(0)
            };
            billed += invoice["lines"].as_array().unwrap().iter().map(bytes).sum::<i64>();
        }
        assert_eq!(billed, 1_070_010);
    });
}

#[test]
fn numbers_have_no_gaps_and_tenants_have_their_own() {
    story(async {
        let (one, two) =
            (Isp::new("gapless", "2026-11-01T10:00:00Z").await, Isp::new("gapless-two", "2026-11-01T10:00:00Z").await);
        for isp in [&one, &two] {
            let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
            for index in 0..10 {
                let account = isp.account(&format!("Subscriber {index}")).await;
                isp.line(account, router, plan, "2026-11-01").await;
            }
        }
        tokio::join!(one.bill("2026-11-01"), two.bill("2026-11-01"));
        for isp in [&one, &two] {
            let invoices = isp.get("/invoices").await.expect(200);
            let mut numbers: Vec<_> = invoices["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|i| i["number"].as_str().unwrap().to_owned())
                .collect();
            numbers.sort();
            assert_eq!(numbers, (1..=10).map(|n| format!("INV-2026-{n:06}")).collect::<Vec<_>>());
        }
        let id = one.get("/invoices").await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
        let foreign = two.get(&format!("/invoices/{id}")).await;
        assert_eq!((foreign.status.as_u16(), foreign.problem().as_str()), (404, "invoice-not-found"));
    });
}

#[test]
fn what_an_ended_line_paid_too_much_settles_the_next_invoice() {
    story(async {
        let mut isp = Isp::new("credit", "2026-11-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let account = isp.account("Ana").await;
        let line = isp.line(account, router, plan, "2026-11-01").await;
        isp.bill("2026-11-01").await;
        isp.pay(account, "k", "30.00", "2026-11-01").await;
        isp.end(line, "2026-11-11").await;
        isp.bill("2026-11-02").await;
        let standing = isp.get(&format!("/accounts/{account}/standing")).await.expect(200);
        assert_eq!(
            (standing["balance"]["amount"].as_str(), standing["credit"]["amount"].as_str()),
            (Some("-20.00"), Some("20.00"))
        );
        isp.now_is("2026-12-01T10:00:00Z").await;
        isp.line(account, router, plan, "2026-12-01").await;
        isp.bill("2026-12-01").await;
        let standing = isp.get(&format!("/accounts/{account}/standing")).await.expect(200);
        assert_eq!(
            (standing["open"]["amount"].as_str(), standing["credit"]["amount"].as_str()),
            (Some("10.00"), Some("0.00"))
        );
        isp.assert_books_balance().await;
    });
}
