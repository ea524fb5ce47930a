//! Changes of what was billed already, by the API: the next run gives back and charges the difference, nothing is edited.

use serde_json::json;
use weir_cloud::ids::{PlanVersionId, SubscriptionId};

use super::harness::{Isp, story};
use super::world::{FIBRE, METERED, Plan};

const FASTER: Plan = Plan { name: "Fibre 500", price: "45.00", ..FIBRE };

async fn change_plan(isp: &Isp, line: SubscriptionId, plan: PlanVersionId, on: &str) {
    let wish = json!({ "plan_version_id": plan, "effective_on": on });
    isp.post(&format!("/subscriptions/{line}/change-plan"), wish).await.expect(200);
}

async fn end(isp: &Isp, line: SubscriptionId, on: &str) {
    isp.post(&format!("/subscriptions/{line}/end"), json!({ "ends_on": on })).await.expect(200);
}

#[test]
fn a_change_within_a_billed_month_is_credited_and_charged_by_day() {
    story(async {
        let mut isp = Isp::new("changed-plan", "2026-11-01T10:00:00Z").await;
        let (router, old, new) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.plan(&FASTER).await);
        let account = isp.account("Ana").await;
        let line = isp.line(account, router, old, "2026-11-01").await;
        isp.bill("2026-11-01").await;
        let first = isp.get(&format!("/invoices?account_id={account}")).await.expect(200)["items"][0].clone();

        isp.now_is("2026-11-16T10:00:00Z").await;
        change_plan(&isp, line, new, "2026-11-16").await;
        isp.bill("2026-11-16").await;
        isp.now_is("2026-11-20T10:00:00Z").await;
        end(&isp, line, "2026-11-26").await;
        isp.bill("2026-11-20").await;
        let expected = [
            "Fibre 100 recurring 2026-11-01 30.00",
            "Fibre 100 credit 2026-11-16 -15.00",
            "Fibre 500 recurring 2026-11-16 22.50",
            "Fibre 500 credit 2026-11-26 -7.50",
        ];
        assert_eq!(isp.billed(account).await, expected);
        let id = first["id"].as_str().unwrap();
        assert_eq!(isp.get(&format!("/invoices/{id}")).await.expect(200)["net"], first["net"]);
        assert_eq!(isp.get(&format!("/accounts/{account}/standing")).await.expect(200)["balance"]["amount"], "30.00");
        isp.now_is("2026-12-01T10:00:00Z").await;
        assert_eq!(isp.bill("2026-12-01").await["invoices_issued"], 0, "what is over is billed no more");
        isp.assert_books_balance().await;
    });
}

#[test]
fn an_end_in_a_month_that_is_over_gives_back_all_that_was_billed_after_it() {
    story(async {
        let mut isp = Isp::new("ended-late", "2026-11-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let account = isp.account("Ana").await;
        let line = isp.line(account, router, plan, "2026-11-01").await;
        isp.bill("2026-11-01").await;
        isp.now_is("2026-12-01T10:00:00Z").await;
        isp.bill("2026-12-01").await;

        isp.now_is("2026-12-02T10:00:00Z").await;
        end(&isp, line, "2026-11-21").await;
        isp.bill("2026-12-02").await;
        let mut billed = isp.billed(account).await;
        billed[2..].sort();
        let expected = [
            "Fibre 100 recurring 2026-11-01 30.00",
            "Fibre 100 recurring 2026-12-01 30.00",
            "Fibre 100 credit 2026-11-21 -10.00",
            "Fibre 100 credit 2026-12-01 -30.00",
        ];
        assert_eq!(billed, expected);
        assert_eq!(isp.get(&format!("/accounts/{account}/standing")).await.expect(200)["balance"]["amount"], "20.00");
        assert_eq!(isp.bill("2026-12-02").await["invoices_issued"], 0);
        isp.assert_books_balance().await;
    });
}

#[test]
fn a_hold_with_a_time_is_over_at_that_time() {
    use weir_cloud::jobs::Job;
    use weir_cloud::subscriptions::jobs::ReleaseOverHolds;
    story(async {
        let mut isp = Isp::new("hold-until", "2026-11-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let account = isp.account("Ana").await;
        let line = isp.line(account, router, plan, "2026-11-01").await;
        let holds = format!("/subscriptions/{line}/holds");
        let until = "2026-11-02T12:00:00Z";
        let wish = json!({ "kind": "seasonal", "effect": "closed", "reason": "Away", "until": until });
        let placed = isp.post(&holds, wish).await.expect(201)["id"].clone();
        let access = async |isp: &Isp| isp.get(&format!("/subscriptions/{line}")).await.expect(200)["access"].clone();
        ReleaseOverHolds {}.run(isp.app.clone(), isp.scope()).await.unwrap();
        assert_eq!(access(&isp).await, "closed");

        // Days later, as when nothing ran for a while: the line was open from that time on, and the hold says so.
        isp.now_is("2026-11-09T10:00:00Z").await;
        assert_eq!(access(&isp).await, "open");
        let release = isp.post(&format!("/holds/{}/release", placed.as_str().unwrap()), json!({})).await;
        assert_eq!((release.status.as_u16(), release.problem().as_str()), (409, "hold-released"));
        for _ in 0..2 {
            ReleaseOverHolds {}.run(isp.app.clone(), isp.scope()).await.unwrap();
            let hold = isp.get(&holds).await.expect(200)["items"][0].clone();
            assert_eq!((hold["released_at"].as_str(), hold["released_by"].as_str()), (Some(until), Some("system")));
        }
    });
}

#[test]
fn a_line_that_ended_while_no_worker_ran_is_taken_off_its_router() {
    story(async {
        let mut isp = Isp::new("nobody-worked", "2026-11-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let account = isp.account("Ana").await;
        let line = isp.line(account, router, plan, "2026-11-01").await;
        end(&isp, line, "2026-11-05").await;
        refresh(&isp).await;
        let desired = async |isp: &Isp| {
            let held = isp.get(&format!("/routers/{router}/enforcement")).await.expect(200);
            let lines = held["lines"].as_array().expect("lines").clone();
            lines.iter().filter(|line| !line["desired"].is_null()).count()
        };
        assert_eq!(desired(&isp).await, 1);
        isp.now_is("2026-11-25T10:00:00Z").await;
        assert_eq!(desired(&isp).await, 1, "nobody looked yet");
        refresh(&isp).await;
        assert_eq!(desired(&isp).await, 0);
    });
}

/// Does the minutely refresh and notes that it was done, as the worker does.
async fn refresh(isp: &Isp) {
    use weir_cloud::fleet::jobs::RefreshDesired;
    use weir_cloud::jobs::Job;
    RefreshDesired {}.run(isp.app.clone(), isp.scope()).await.expect("refreshed");
    let mut tx = isp.app.db.begin(&isp.scope()).await.expect("a transaction");
    let (tenant, now) = (isp.tenant.uuid(), tx.at());
    let done = "INSERT INTO platform.jobs (id, tenant_id, kind, payload, run_at, done_at)
                VALUES (gen_random_uuid(), $1, $2, '{}', $3, $3)";
    let done = sqlx::query(done).bind(tenant).bind(RefreshDesired::KIND).bind(now);
    done.execute(tx.conn()).await.expect("noted");
    tx.commit().await.expect("committed");
}

#[test]
fn what_is_given_back_is_taxed_as_it_was_charged() {
    story(async {
        let mut isp = Isp::new("tax-changed", "2026-11-01T10:00:00Z").await;
        isp.settings(json!({ "tax_rate_percent": "21", "tax_name": "IVA" })).await;
        let (router, old, new) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.plan(&FASTER).await);
        let account = isp.account("Ana").await;
        let line = isp.line(account, router, old, "2026-11-01").await;
        isp.bill("2026-11-01").await;
        isp.settings(json!({ "tax_rate_percent": "10" })).await;
        isp.now_is("2026-11-16T10:00:00Z").await;
        change_plan(&isp, line, new, "2026-11-01").await;
        isp.bill("2026-11-16").await;
        let invoices = isp.get(&format!("/invoices?account_id={account}")).await.expect(200);
        let second =
            invoices["items"].as_array().unwrap().iter().find(|invoice| invoice["number"] == "INV-2026-000002");
        let invoice = isp.get(&format!("/invoices/{}", second.unwrap()["id"].as_str().unwrap())).await.expect(200);
        let taxes: Vec<_> =
            invoice["taxes"].as_array().unwrap().iter().map(|tax| tax["tax"]["amount"].clone()).collect();
        assert!(taxes.len() == 2 && taxes.contains(&json!("-6.30")) && taxes.contains(&json!("4.50")), "{invoice}");
        let descriptions: Vec<_> =
            invoice["lines"].as_array().unwrap().iter().map(|line| line["description"].clone()).collect();
        assert!(
            descriptions.contains(&json!("Fibre 100")),
            "a plan taken back altogether keeps its name: {descriptions:?}"
        );
        isp.assert_books_balance().await;
    });
}

#[test]
fn late_traffic_of_a_billed_month_is_rated_by_the_plan_it_was_billed_with() {
    story(async {
        let mut isp = Isp::new("late-replanned", "2026-10-01T10:00:00Z").await;
        let (router, metered, flat) = (isp.router_named("r").await, isp.plan(&METERED).await, isp.plan(&FIBRE).await);
        let account = isp.account("Ana").await;
        let line = isp.line(account, router, metered, "2026-10-01").await;
        isp.traffic(router, line, 1, "2026-10-02T00:00:00Z", 1_000_000, 0).await;
        isp.now_is("2026-11-01T10:00:00Z").await;
        isp.bill("2026-11-01").await;
        change_plan(&isp, line, flat, "2026-10-01").await;
        isp.traffic(router, line, 2, "2026-10-03T00:00:00Z", 100_000, 0).await;
        isp.now_is("2026-12-01T10:00:00Z").await;
        isp.bill("2026-12-01").await;
        let lines = isp.billed(account).await;
        assert!(lines.contains(&"Radio 20 usage 2026-10-01 0.50".to_owned()), "{lines:?}");
    });
}
