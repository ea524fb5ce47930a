//! An account that cannot be billed: named, with what to do, and no reason to begin a run again and again.

use serde_json::json;
use weir_cloud::billing::jobs::{StartDueRun, WorkOnRun};
use weir_cloud::ids::AccountId;
use weir_cloud::jobs::Job;

use super::harness::{Isp, story};
use super::world::{FIBRE, METERED};

async fn in_currency(isp: &Isp, account: AccountId, code: &str) {
    let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
    let changed = sqlx::query("UPDATE accounts SET currency = $2 WHERE id = $1").bind(account.uuid()).bind(code);
    changed.execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
}

/// The hourly look; works on the run it begins, and says how many there are.
async fn an_hour_passes(isp: &Isp) -> usize {
    StartDueRun {}.run(isp.app.clone(), isp.scope()).await.unwrap();
    let runs = isp.get("/billing-runs").await.expect(200)["items"].as_array().unwrap().clone();
    if runs.first().is_some_and(|run| run["status"] == "running") {
        let job: WorkOnRun = serde_json::from_value(json!({ "run": runs[0]["id"], "after": null })).unwrap();
        job.run(isp.app.clone(), isp.scope()).await.unwrap();
    }
    runs.len()
}

#[test]
fn an_account_that_cannot_be_billed_makes_no_run_every_hour() {
    story(async {
        let mut isp = Isp::new("unbillable", "2026-11-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let (good, bad) = (isp.account("Good").await, isp.account("Bad").await);
        for account in [good, bad] {
            isp.line(account, router, plan, "2026-11-01").await;
        }
        in_currency(&isp, bad, "XTS").await;
        assert_eq!(an_hour_passes(&isp).await, 1);
        assert_eq!((isp.billed(good).await.len(), isp.billed(bad).await.len()), (1, 0));
        for _ in 0..3 {
            assert_eq!(an_hour_passes(&isp).await, 1, "nothing has changed");
        }
        let page = isp.page("/billing-runs").await;
        assert!(page.text.contains("Accounts that cannot be billed") && page.text.contains("XTS"), "{}", page.text);
        assert!(page.text.contains("mend what the reason says"), "{}", page.text);

        // Somebody changes something about it: it is worth another run, which fails again, once.
        isp.now_is("2026-11-01T11:00:00Z").await;
        let found = isp.get(&format!("/accounts/{bad}")).await.expect(200);
        let subscriber = format!("/subscribers/{}", found["subscriber_id"].as_str().unwrap());
        isp.put(&subscriber, json!({ "name": "Bad", "language": "en" })).await.expect(200);
        isp.now_is("2026-11-01T12:00:00Z").await;
        assert_eq!(an_hour_passes(&isp).await, 2);
        assert_eq!(an_hour_passes(&isp).await, 2);

        // It is mended: whoever starts a run bills it, and nothing is said of it any more.
        in_currency(&isp, bad, "EUR").await;
        assert_eq!(an_hour_passes(&isp).await, 2);
        isp.bill("2026-11-01").await;
        assert_eq!(isp.billed(bad).await.len(), 1);
        assert!(!isp.page("/billing-runs").await.text.contains("Accounts that cannot be billed"));
        isp.now_is("2026-12-01T12:00:00Z").await;
        assert_eq!(an_hour_passes(&isp).await, 4);
        assert_eq!((isp.billed(good).await.len(), isp.billed(bad).await.len()), (2, 2));
    });
}

#[test]
fn nobody_gets_an_invoice_that_asks_for_nothing() {
    story(async {
        let mut isp = Isp::new("nothing-due", "2026-10-01T10:00:00Z").await;
        let (router, flat, metered) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.plan(&METERED).await);
        let (leaver, gone) = (isp.account("Leaver").await, isp.account("Gone").await);
        let (on_flat, on_metered) =
            (isp.line(leaver, router, flat, "2026-10-01").await, isp.line(gone, router, metered, "2026-10-01").await);
        assert_eq!(an_hour_passes(&isp).await, 1);
        for (seq, line) in [(1, on_flat), (2, on_metered)] {
            isp.end(line, "2026-11-01").await;
            isp.traffic(router, line, seq, "2026-10-20T10:00:00Z", 400_000, 0).await;
        }

        // The last period is over, its traffic is in the price: one look, no invoice, and no further look.
        isp.now_is("2026-11-01T10:00:00Z").await;
        assert_eq!([an_hour_passes(&isp).await, an_hour_passes(&isp).await], [2, 2]);
        assert_eq!(isp.get("/billing-runs").await.expect(200)["items"][0]["invoices_issued"], 0);

        // More of it arrives late: of the metered line, enough to be charged for all that was counted and not billed.
        isp.now_is("2026-11-03T10:00:00Z").await;
        isp.traffic(router, on_flat, 3, "2026-10-21T10:00:00Z", 5_000_000, 0).await;
        isp.traffic(router, on_metered, 4, "2026-10-21T10:00:00Z", 650_000, 0).await;
        assert_eq!(an_hour_passes(&isp).await, 3);
        isp.now_is("2026-11-03T11:00:00Z").await;
        assert_eq!(an_hour_passes(&isp).await, 4, "once more, for what may have been on its way");
        isp.now_is("2026-11-03T12:00:00Z").await;
        assert_eq!(an_hour_passes(&isp).await, 4);
        let usage = |lines: Vec<String>| lines.into_iter().filter(|line| line.contains("usage")).collect::<Vec<_>>();
        assert_eq!(usage(isp.billed(leaver).await), Vec::<String>::new());
        assert_eq!(usage(isp.billed(gone).await), ["Radio 20 usage 2026-10-01 0.50"]);
        isp.assert_books_balance().await;
    });
}
