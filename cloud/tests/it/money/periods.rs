//! Plans whose price is for other periods than a month, or is paid afterwards.

use serde_json::{Value, json};
use weir_cloud::billing::jobs::{StartDueRun, WorkOnRun};
use weir_cloud::ids::{AccountId, PlanVersionId, SubscriptionId};
use weir_cloud::jobs::Job;

use super::harness::{Isp, story};

/// A plan of an ISP, made by whoever manages what is sold.
async fn plan(isp: &Isp, name: &str, price: &str, more: Value) -> PlanVersionId {
    let mut wish = json!({ "name": name, "rate_down_bps": 100_000_000, "rate_up_bps": 20_000_000,
        "price": { "amount": price, "currency": "EUR" } });
    wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = isp.post("/plans", wish).await.expect(201);
    made["versions"][0]["id"].as_str().unwrap().parse().unwrap()
}

/// An ISP that serves one line from a day on.
async fn serving(slug: &str, on: &str, price: &str, more: Value) -> (Isp, AccountId, SubscriptionId) {
    let isp = Isp::new(slug, &format!("{on}T10:00:00Z")).await;
    let plan = plan(&isp, "First", price, more).await;
    let (router, account) = (isp.router_named("r").await, isp.account("Ana").await);
    let line = isp.line(account, router, plan, on).await;
    (isp, account, line)
}

/// A day passes, an hour after its other changes: what is due is billed as it is every day, and looked for once more. Says
/// whether there was anything.
async fn day(isp: &mut Isp, on: &str) -> bool {
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

async fn change(isp: &Isp, line: SubscriptionId, plan: PlanVersionId, on: &str) {
    let wish = json!({ "plan_version_id": plan, "effective_on": on });
    isp.post(&format!("/subscriptions/{line}/change-plan"), wish).await.expect(200);
}

#[test]
fn a_year_is_asked_for_once_a_year() {
    story(async {
        let (mut isp, account, _) =
            serving("periods-year", "2027-03-31", "365.00", json!({ "period": { "months": 12 } })).await;
        assert!(day(&mut isp, "2027-03-31").await);
        // Accounts here have the first as their billing day: a day of March, then a year from there.
        let stub = isp.billed(account).await;
        for quiet in ["2027-04-01", "2027-05-01", "2028-02-29"] {
            assert!(!day(&mut isp, quiet).await, "nothing is due on {quiet}");
        }
        assert_eq!(isp.billed(account).await, stub);
        assert_eq!(stub, ["First recurring 2027-03-31 335.08"], "336 of the 366 days since the first of March");
        assert!(day(&mut isp, "2028-03-01").await);
        assert_eq!(isp.billed(account).await[1..], ["First recurring 2028-03-01 365.00".to_owned()]);
    });
}

#[test]
fn a_quarter_left_midway_is_given_back_and_months_follow() {
    story(async {
        let (mut isp, account, line) =
            serving("periods-quarter", "2027-01-01", "90.00", json!({ "period": { "months": 3 } })).await;
        let monthly = plan(&isp, "Second", "31.00", json!({})).await;
        assert!(day(&mut isp, "2027-01-01").await);
        isp.now_is("2027-02-15T10:00:00Z").await;
        change(&isp, line, monthly, "2027-02-15").await;
        assert!(day(&mut isp, "2027-02-15").await);
        assert!(!day(&mut isp, "2027-02-28").await);
        assert!(day(&mut isp, "2027-03-01").await);
        let expected = [
            "First recurring 2027-01-01 90.00",
            "First credit 2027-02-15 -45.00",
            "Second recurring 2027-02-15 15.50",
            "Second recurring 2027-03-01 31.00",
        ];
        assert_eq!(isp.billed(account).await, expected);
    });
}

#[test]
fn what_is_paid_afterwards_is_asked_for_when_its_month_or_its_service_is_over() {
    story(async {
        let (mut isp, account, line) =
            serving("periods-arrears", "2027-01-11", "31.00", json!({ "timing": "in_arrears" })).await;
        assert!(!day(&mut isp, "2027-01-11").await, "nothing is over yet");
        assert!(!day(&mut isp, "2027-01-31").await);
        assert!(day(&mut isp, "2027-02-01").await);
        assert_eq!(isp.billed(account).await, ["First recurring 2027-01-11 21.00"]);
        assert!(!day(&mut isp, "2027-02-10").await);
        isp.post(&format!("/subscriptions/{line}/end"), json!({ "ends_on": "2027-02-15" })).await.expect(200);
        assert!(!day(&mut isp, "2027-02-14").await);
        assert!(day(&mut isp, "2027-02-15").await);
        assert_eq!(isp.billed(account).await[1..], ["First recurring 2027-02-01 15.50".to_owned()]);
        assert!(!day(&mut isp, "2027-03-01").await);
    });
}

#[test]
fn days_are_counted_from_the_first_day_of_the_plan() {
    story(async {
        let (mut isp, account, line) =
            serving("periods-days", "2027-01-30", "10.00", json!({ "period": { "days": 10 } })).await;
        let yearly = plan(&isp, "Second", "365.00", json!({ "period": { "months": 12 } })).await;
        assert!(day(&mut isp, "2027-01-30").await);
        assert!(!day(&mut isp, "2027-02-08").await);
        assert!(day(&mut isp, "2027-02-09").await);
        let recurring = isp.get("/analytics/recurring?currency=EUR").await.expect(200);
        let months = recurring["months"].as_array().or(recurring.as_array()).or(recurring["items"].as_array()).unwrap();
        let newest = months.iter().find(|month| month["month"] == "2027-02").unwrap();
        assert_eq!(newest["closing"]["amount"], "30.42", "365 twelfths of a tenth");
        change(&isp, line, yearly, "2027-02-14").await;
        assert!(day(&mut isp, "2027-02-14").await);
        let expected = [
            "First recurring 2027-01-30 10.00",
            "First recurring 2027-02-09 10.00",
            "First credit 2027-02-14 -5.00",
            "Second recurring 2027-02-14 352.00",
        ];
        assert_eq!(isp.billed(account).await, expected);
    });
}

#[test]
fn periods_that_there_are_not_are_refused_and_versions_say_theirs() {
    story(async {
        let isp = Isp::new("periods-refused", "2027-01-01T10:00:00Z").await;
        let made = |more: Value| {
            let mut wish = json!({ "name": "Odd", "rate_down_bps": 1_000_000, "rate_up_bps": 1_000_000,
                "price": { "amount": "1.00", "currency": "EUR" } });
            wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            wish
        };
        for (wish, field) in [
            (json!({ "period": { "months": 2 } }), "period.months"),
            (json!({ "period": { "days": 0 } }), "period.days"),
            (json!({ "period": { "days": 366 } }), "period.days"),
            (json!({ "period": { "days": 7 }, "allowance_bytes": 1_000 }), "period"),
            (json!({ "period": { "months": 3 }, "timing": "in_arrears" }), "timing"),
        ] {
            let refused = isp.post("/plans", made(wish.clone())).await.expect(422);
            assert_eq!(refused["errors"][0]["field"], field, "{wish}: {refused}");
        }
        let usual = isp.post("/plans", made(json!({}))).await.expect(201);
        let usual = &usual["versions"][0];
        assert_eq!([&usual["period"], &usual["timing"]], [&json!({ "months": 1 }), &json!("in_advance")]);
    });
}
