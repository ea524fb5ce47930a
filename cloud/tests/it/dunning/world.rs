//! An ISP whose subscriber does not pay, and whose hours pass.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use weir_cloud::dunning::jobs::CheckOverdue;
use weir_cloud::ids::{AccountId, RouterId, SubscriptionId};
use weir_cloud::jobs::Job;

use crate::money::harness::Isp;
use crate::money::world::FIBRE;

/// Bills are issued on the first of November, a Sunday, and due on the 15th, a Sunday too.
pub const ISSUED: &str = "2026-11-01T10:00:00Z";

/// A debtor and their line.
pub struct Debtor {
    pub account: AccountId,
    pub line: SubscriptionId,
    pub zone: Tz,
}

pub fn eur(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

/// Remind before and after, charge, throttle, wall off, give notice; from eight to eight, not on Sundays nor on a holiday.
pub fn whole_policy() -> Value {
    json!({
        "steps": [
            { "kind": "remind", "offset_days": -3 },
            { "kind": "remind", "offset_days": 1 },
            { "kind": "late_fee", "offset_days": 4, "fee": { "flat": eur("2.00"), "percent": "5", "max": eur("5.00") } },
            { "kind": "throttle", "offset_days": 6, "minimum_balance": eur("10.00") },
            { "kind": "walled_garden", "offset_days": 10 },
            { "kind": "final_notice", "offset_days": 20 },
        ],
        "from_hour": 8, "to_hour": 20, "rest_days": "sunday", "holidays": ["2026-11-25"],
        "retries": { "soft": [1, 3, 5], "hard": [], "needs_customer": [2] },
    })
}

/// An ISP with days of grace that follows the whole policy, and a router.
pub async fn isp(slug: &str) -> (Isp, RouterId) {
    let isp = Isp::new(slug, ISSUED).await;
    isp.settings(json!({ "payment_terms_days": 14, "grace_days": 3 })).await;
    save(&isp, whole_policy(), 0).await;
    let router = isp.router_named("r").await;
    (isp, router)
}

pub async fn save(isp: &Isp, policy: Value, based_on: i32) -> Value {
    isp.put("/dunning-policy", json!({ "policy": policy, "based_on": based_on })).await.expect(200)
}

/// Sells a line to somebody who lives in a zone.
pub async fn debtor(isp: &Isp, router: RouterId, name: &str, zone: Tz) -> Debtor {
    let account = isp.account(name).await;
    let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
    let moved = sqlx::query("UPDATE accounts SET time_zone = $2 WHERE id = $1").bind(account.uuid()).bind(zone.name());
    moved.execute(tx.conn()).await.unwrap();
    tx.commit().await.unwrap();
    let plan = match isp.get("/plans").await.expect(200)["items"][0]["versions"][0]["id"].as_str() {
        Some(plan) => plan.parse().unwrap(),
        None => isp.plan(&FIBRE).await,
    };
    let line = isp.line(account, router, plan, "2026-11-01").await;
    Debtor { account, line, zone }
}

pub fn instant(at: &str) -> DateTime<Utc> {
    at.parse().expect("an instant")
}

/// Lets the hours pass up to an instant: the check runs every two hours, at the hour, as a slow worker would.
pub async fn pass(isp: &mut Isp, end: &str) {
    let until = instant(end);
    let mut at = isp.app.clock.now();
    let next = |at: DateTime<Utc>| at - TimeDelta::seconds(at.timestamp().rem_euclid(7200)) + TimeDelta::hours(2);
    while next(at) <= until {
        at = next(at);
        isp.app.clock.shift(at - isp.app.clock.now()).expect("the clock moves");
        CheckOverdue {}.run(isp.app.clone(), isp.scope()).await.expect("a check");
    }
    isp.now_is(end).await;
}

/// The cases of an account, oldest first.
pub async fn cases(isp: &Isp, account: AccountId) -> Vec<Value> {
    let listed = isp.get(&format!("/dunning-cases?account_id={account}")).await.expect(200);
    let mut cases = Vec::new();
    for case in listed["items"].as_array().unwrap().iter().rev() {
        cases.push(isp.get(&format!("/dunning-cases/{}", case["id"].as_str().unwrap())).await.expect(200));
    }
    cases
}

/// Everything done to an account, as `day kind balance` or `day late_fee amount`, by day.
pub async fn done(isp: &Isp, debtor: &Debtor) -> Vec<String> {
    let mut done = Vec::new();
    for case in cases(isp, debtor.account).await {
        for step in case["steps"].as_array().unwrap().iter().filter(|step| step["overtaken"] == false) {
            let on = local_day(debtor, step["done_at"].as_str().unwrap());
            done.push(format!("{on} {} {}", text(&step["kind"]), text(&step["balance"]["amount"])));
        }
        for fee in case["late_fees"].as_array().unwrap() {
            done.push(format!("{} late_fee {}", text(&fee["charged_on"]), text(&fee["amount"]["amount"])));
        }
    }
    done.sort();
    done
}

pub fn local_day(debtor: &Debtor, at: &str) -> NaiveDate {
    instant(at).with_timezone(&debtor.zone).date_naive()
}

pub fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// What the line may do.
pub async fn access(isp: &Isp, debtor: &Debtor) -> String {
    text(&isp.get(&format!("/subscriptions/{}", debtor.line)).await.expect(200)["access"]).to_owned()
}

pub async fn balance(isp: &Isp, account: AccountId) -> String {
    text(&isp.get(&format!("/accounts/{account}/standing")).await.expect(200)["balance"]["amount"]).to_owned()
}
