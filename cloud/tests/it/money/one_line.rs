//! An ISP that serves one line, and its days.

use serde_json::{Value, json};
use weir_cloud::billing::jobs::{StartDueRun, WorkOnRun};
use weir_cloud::ids::{AccountId, PlanVersionId, SubscriptionId};
use weir_cloud::jobs::Job;

use super::harness::Isp;

pub fn eur(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

/// What is asked for a plan of a price, with what else is told of it.
pub(super) fn wish(name: &str, price: &str, more: &Value) -> Value {
    let mut wish =
        json!({ "name": name, "rate_down_bps": 100_000_000, "rate_up_bps": 20_000_000, "price": eur(price) });
    wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    wish
}

/// The first version of a plan, made by whoever manages what is sold.
pub async fn plan(isp: &Isp, name: &str, price: &str, more: &Value) -> PlanVersionId {
    let made = isp.post("/plans", wish(name, price, more)).await.expect(201);
    made["versions"][0]["id"].as_str().unwrap().parse().unwrap()
}

/// An ISP with one line that begins with a plan on a day; accounts have the first as their billing day.
pub(super) async fn serving(slug: &str, on: &str, price: &str, more: &Value) -> (Isp, AccountId, SubscriptionId) {
    let isp = Isp::new(slug, &format!("{on}T10:00:00Z")).await;
    let plan = plan(&isp, "First", price, more).await;
    let (router, account) = (isp.router_named("r").await, isp.account("Ana").await);
    let line = isp.line(account, router, plan, on).await;
    (isp, account, line)
}

/// A day passes: what is due is billed, and looked for once more. Says whether there was anything.
pub(super) async fn day(isp: &mut Isp, on: &str) -> bool {
    isp.now_is(&format!("{on}T11:00:00Z")).await;
    let mut runs = Vec::new();
    for _ in 0..2 {
        StartDueRun {}.run(isp.app.clone(), isp.scope()).await.unwrap();
        let newest = isp.get("/billing-runs").await.expect(200)["items"][0].clone();
        if newest["status"] == "running" {
            let work: WorkOnRun = serde_json::from_value(json!({ "run": newest["id"], "after": null })).unwrap();
            work.run(isp.app.clone(), isp.scope()).await.unwrap();
            runs.push(newest["id"].clone());
        }
    }
    assert!(runs.len() < 2, "the second look found something on {on}");
    !runs.is_empty()
}
