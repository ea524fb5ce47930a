//! Plans whose price is for other periods than a month, or is paid afterwards.

use serde_json::{Value, json};
use weir_cloud::ids::{PlanVersionId, SubscriptionId};

use super::harness::{Isp, story};
use super::one_line::{day, plan, serving};

async fn change(isp: &Isp, line: SubscriptionId, plan: PlanVersionId, on: &str) {
    let wish = json!({ "plan_version_id": plan, "effective_on": on });
    isp.post(&format!("/subscriptions/{line}/change-plan"), wish).await.expect(200);
}

#[test]
fn a_year_is_asked_for_once_a_year() {
    story(async {
        let (mut isp, account, _) =
            serving("periods-year", "2027-03-31", "365.00", &json!({ "period": { "months": 12 } })).await;
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
            serving("periods-quarter", "2027-01-01", "90.00", &json!({ "period": { "months": 3 } })).await;
        let monthly = plan(&isp, "Second", "31.00", &json!({})).await;
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
            serving("periods-arrears", "2027-01-11", "31.00", &json!({ "timing": "in_arrears" })).await;
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
            serving("periods-days", "2027-01-30", "10.00", &json!({ "period": { "days": 10 } })).await;
        let yearly = plan(&isp, "Second", "365.00", &json!({ "period": { "months": 12 } })).await;
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
