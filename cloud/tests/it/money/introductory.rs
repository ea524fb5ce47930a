//! Introductory prices: what lines pay in their first months, and what ends that.

use serde_json::{Value, json};
use weir_cloud::ids::PlanVersionId;

use super::harness::{Isp, story};
use super::one_line::{day, eur, plan, serving, wish};

/// A free month, then three at 19.90, then 29.90.
pub(super) fn offer() -> Value {
    json!({ "phases": [{ "months": 1, "price": eur("0") }, { "months": 3, "price": eur("19.90") }] })
}

#[test]
fn a_free_month_then_three_cheaper_ones_then_the_plans_own_price() {
    story(async {
        let (mut isp, account, _) = serving("intro-phases", "2027-03-17", "29.90", &offer()).await;
        // The first whole month is April; the days of March before it are its.
        for free in ["2027-03-17", "2027-04-01", "2027-04-30"] {
            assert!(!day(&mut isp, free).await, "nothing is asked for on {free}");
        }
        for paid in ["2027-05-01", "2027-06-01", "2027-07-01", "2027-08-01"] {
            assert!(day(&mut isp, paid).await, "{paid}");
        }
        let expected = [
            "First · Introductory price, 1 of 3 months recurring 2027-05-01 19.90",
            "First · Introductory price, 2 of 3 months recurring 2027-06-01 19.90",
            "First · Introductory price, 3 of 3 months recurring 2027-07-01 19.90",
            "First recurring 2027-08-01 29.90",
        ];
        assert_eq!(isp.billed(account).await, expected);
        // Who pays for the first time in May is new then, and what grew in August is that.
        let months = isp.get("/analytics/recurring?currency=EUR&from=2027-03&to=2027-08").await.expect(200);
        let months = months["months"].as_array().or(months["items"].as_array()).unwrap_or_else(|| panic!("{months}"));
        let of = |month: &str, what: &str| {
            let month = months.iter().find(|one| one["month"] == month).unwrap_or_else(|| panic!("{months:?}"));
            month[what]["amount"].as_str().unwrap().to_owned()
        };
        assert_eq!(
            [of("2027-04", "closing"), of("2027-05", "new"), of("2027-08", "expansion")],
            ["0.00", "19.90", "10.00"]
        );
    });
}

#[test]
fn the_days_before_the_first_billing_day_cost_their_share_of_the_first_price() {
    story(async {
        let half = json!({ "phases": [{ "months": 2, "percent_off": "50" }] });
        let (mut isp, account, line) = serving("intro-part", "2027-04-21", "30.00", &half).await;
        assert!(day(&mut isp, "2027-04-21").await);
        assert!(day(&mut isp, "2027-05-01").await);
        // Left on 16 May: sixteen of thirty-one days of 15.00 are given back.
        isp.now_is("2027-05-10T10:00:00Z").await;
        isp.post(&format!("/subscriptions/{line}/end"), json!({ "ends_on": "2027-05-16" })).await.expect(200);
        assert!(day(&mut isp, "2027-05-16").await);
        let expected = [
            "First · Introductory price, 1 of 2 months recurring 2027-04-21 5.00",
            "First · Introductory price, 1 of 2 months recurring 2027-05-01 15.00",
            "First · Introductory price, 1 of 2 months credit 2027-05-16 -7.74",
        ];
        assert_eq!(isp.billed(account).await, expected);
    });
}

#[test]
fn a_change_of_plan_ends_them_and_the_new_plan_has_none_for_the_line() {
    story(async {
        let (mut isp, account, line) = serving("intro-change", "2027-04-01", "29.90", &offer()).await;
        let other = plan(&isp, "Second", "45.00", &offer()).await;
        let back: PlanVersionId =
            isp.get("/plans").await.expect(200)["items"][1]["versions"][0]["id"].as_str().unwrap().parse().unwrap();
        assert!(!day(&mut isp, "2027-04-01").await);
        assert!(day(&mut isp, "2027-05-01").await);
        for (on, plan) in [("2027-05-11", other), ("2027-05-21", back)] {
            isp.now_is(&format!("{on}T10:00:00Z")).await;
            let wish = json!({ "plan_version_id": plan, "effective_on": on });
            isp.post(&format!("/subscriptions/{line}/change-plan"), wish).await.expect(200);
        }
        assert!(day(&mut isp, "2027-06-01").await);
        let expected = [
            "First · Introductory price, 1 of 3 months recurring 2027-05-01 19.90",
            "First · Introductory price, 1 of 3 months credit 2027-05-11 -13.48",
            "Second recurring 2027-05-11 14.52",
            "First recurring 2027-05-21 10.61",
            "First recurring 2027-06-01 29.90",
        ];
        let mut billed = isp.billed(account).await;
        billed.sort_by_key(|line| line.split("2027").nth(1).map(str::to_owned));
        let mut expected = expected.map(str::to_owned).to_vec();
        expected.sort_by_key(|line| line.split("2027").nth(1).map(str::to_owned));
        assert_eq!(billed, expected);
    });
}

#[test]
fn a_pause_does_not_stretch_them() {
    story(async {
        let (mut isp, account, line) = serving("intro-pause", "2027-04-01", "29.90", &offer()).await;
        let wish = json!({ "from_on": "2027-05-01", "until_on": "2027-07-01" });
        isp.post(&format!("/subscriptions/{line}/pauses"), wish).await.expect(201);
        for quiet in ["2027-04-01", "2027-05-01", "2027-06-01"] {
            assert!(!day(&mut isp, quiet).await, "{quiet}");
        }
        assert!(day(&mut isp, "2027-07-01").await);
        assert!(day(&mut isp, "2027-08-01").await);
        let expected = [
            "First · Introductory price, 3 of 3 months recurring 2027-07-01 19.90",
            "First recurring 2027-08-01 29.90",
        ];
        assert_eq!(isp.billed(account).await, expected);
    });
}

#[test]
fn leaving_a_contract_costs_what_its_months_would_have() {
    story(async {
        let (isp, _, line) = serving("intro-contract", "2027-04-01", "29.90", &offer()).await;
        let wish = json!({ "months": 12, "fee": { "kind": "remaining", "percent": "50" }, "cooling_off_days": 0 });
        let made = isp.post(&format!("/subscriptions/{line}/contracts"), wish).await.expect(201);
        let fee = async |on: &str| {
            let path = format!("/contracts/{}/fee?on={on}", made["id"].as_str().unwrap());
            isp.get(&path).await.expect(200)["fee"]["amount"].as_str().unwrap().to_owned()
        };
        // Half of a free month, of three at 19.90 and of eight at 29.90.
        assert_eq!(fee("2027-04-01").await, "149.45");
        assert_eq!(fee("2027-06-16").await, "134.53", "14.925 for a month and a half, and 119.60");
        assert_eq!(fee("2027-09-01").await, "104.65");
    });
}

#[test]
fn a_quarter_is_cut_where_a_phase_ends_in_it() {
    story(async {
        let offer = json!({ "period": { "months": 3 }, "phases": [{ "months": 1, "price": eur("0") }, { "months": 3, "price": eur("45.00") }] });
        let (mut isp, account, _) = serving("intro-quarter", "2027-01-01", "90.00", &offer).await;
        assert!(!day(&mut isp, "2027-01-01").await, "what the quarter costs is asked for when it begins to cost");
        assert!(day(&mut isp, "2027-02-01").await);
        assert!(!day(&mut isp, "2027-03-01").await);
        assert!(day(&mut isp, "2027-04-01").await);
        // 59 of 90 days at half; then 30 of 91 days at half and 61 at all.
        let expected = [
            "First · Introductory price, 1–2 of 3 months recurring 2027-02-01 29.50",
            "First · Introductory price, 3 of 3 months recurring 2027-04-01 14.84",
            "First recurring 2027-05-01 60.33",
        ];
        assert_eq!(isp.billed(account).await, expected);
    });
}

#[test]
fn phases_that_cannot_be_are_refused_and_versions_say_theirs() {
    story(async {
        let isp = Isp::new("intro-refused", "2027-01-01T10:00:00Z").await;
        let phase = |months: i64, price: &str| json!({ "months": months, "price": eur(price) });
        for (phases, field) in [
            (json!([phase(0, "1")]), "phases.0.months"),
            (json!([phase(37, "1")]), "phases.0.months"),
            (json!([phase(1, "29.90")]), "phases.0.price"),
            (json!([phase(1, "-1")]), "phases.0.price"),
            (json!([{ "months": 1, "price": { "amount": "1", "currency": "USD" } }]), "phases.0.price"),
            (json!([phase(1, "5"), phase(2, "5.00")]), "phases.1"),
            (json!([{ "months": 1 }]), "phases.0"),
            (json!([{ "months": 1, "price": eur("1"), "percent_off": "5" }]), "phases.0"),
            (json!([{ "months": 1, "percent_off": "101" }]), "phases.0.percent_off"),
            (
                json!([
                    phase(1, "1"),
                    phase(1, "2"),
                    phase(1, "3"),
                    phase(1, "4"),
                    phase(1, "5"),
                    phase(1, "6"),
                    phase(1, "7")
                ]),
                "phases",
            ),
        ] {
            let refused = isp.post("/plans", wish("Odd", "29.90", &json!({ "phases": phases }))).await.expect(422);
            assert_eq!(refused["errors"][0]["field"], field, "{phases}: {refused}");
        }
        assert!(isp.get("/plans").await.expect(200)["items"].as_array().unwrap().is_empty());
        let phases = json!({ "phases": [phase(1, "0"), { "months": 6, "percent_off": "33.3" }] });
        let made = isp.post("/plans", wish("Odd", "29.90", &phases)).await.expect(201);
        let kept = &made["versions"][0]["phases"];
        assert_eq!([&kept[1]["price"]["amount"], &kept[1]["percent_off"]], ["19.94", "33.3"]);
        let page = isp.page(&format!("/plans/{}", made["id"].as_str().unwrap())).await;
        assert!(page.text.contains("free for one month, €19.94 for 6 months, then €29.90 a month"), "{}", page.text);
    });
}
