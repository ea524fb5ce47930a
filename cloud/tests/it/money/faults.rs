//! An account that cannot be billed: named, with what to do, and no reason to begin a run again and again.

use serde_json::json;
use weir_cloud::billing::jobs::{StartDueRun, WorkOnRun};
use weir_cloud::ids::AccountId;
use weir_cloud::jobs::Job;

use super::harness::{Isp, story};
use super::world::FIBRE;

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
