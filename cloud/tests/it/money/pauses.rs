//! Pauses: the line is closed, its days cost nothing or less, and what was billed for them is given back.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use weir_cloud::billing::jobs::{StartDueRun, WorkOnRun};
use weir_cloud::deals::pauses::jobs::KeepPauses;
use weir_cloud::ids::{AccountId, SubscriptionId};
use weir_cloud::jobs::Job;

use super::harness::{Isp, story};
use super::world::FIBRE;

/// An ISP with one line of 30.00 since the first of November, which is not billed yet.
async fn one_line(slug: &str) -> (Isp, AccountId, SubscriptionId) {
    let isp = Isp::new(slug, "2026-11-01T10:00:00Z").await;
    let (router, plan, account) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.account("Ana").await);
    let line = isp.line(account, router, plan, "2026-11-01").await;
    (isp, account, line)
}

/// What a day brings, an hour after its other changes: pauses turn, and what is due is billed. Says whether anything was.
async fn day(isp: &mut Isp, on: &str) -> bool {
    isp.now_is(&format!("{on}T11:00:00Z")).await;
    let mut runs = 0;
    for _ in 0..2 {
        KeepPauses {}.run(isp.app.clone(), isp.scope()).await.unwrap();
        StartDueRun {}.run(isp.app.clone(), isp.scope()).await.unwrap();
        let newest = isp.get("/billing-runs").await.expect(200)["items"][0].clone();
        if newest["status"] == "running" {
            let work: WorkOnRun = serde_json::from_value(json!({ "run": newest["id"], "after": null })).unwrap();
            work.run(isp.app.clone(), isp.scope()).await.unwrap();
            runs += 1;
        }
    }
    assert!(runs < 2, "the second look found something on {on}");
    runs > 0
}

async fn plan(isp: &Isp, line: SubscriptionId, wish: Value) -> String {
    let planned = isp.post(&format!("/subscriptions/{line}/pauses"), wish).await.expect(201);
    planned["id"].as_str().unwrap().to_owned()
}

async fn resume(isp: &Isp, pause: &str) -> Value {
    isp.post(&format!("/pauses/{pause}/resume"), json!({})).await.expect(200)
}

async fn access(isp: &Isp, line: SubscriptionId) -> Value {
    isp.get(&format!("/subscriptions/{line}")).await.expect(200)["access"].clone()
}

fn euros(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

#[test]
fn a_pause_closes_the_line_and_gives_its_days_back_to_the_cent() {
    story(async {
        let (mut isp, account, line) = one_line("pause").await;
        assert!(day(&mut isp, "2026-11-01").await);
        isp.now_is("2026-11-05T10:00:00Z").await;
        let pause = plan(&isp, line, json!({ "from_on": "2026-11-11", "reason": "Away" })).await;
        assert!(day(&mut isp, "2026-11-05").await, "it is given back as soon as it is known");
        assert!(!day(&mut isp, "2026-11-06").await);
        assert_eq!(access(&isp, line).await, "open");
        assert!(!day(&mut isp, "2026-11-11").await);
        assert_eq!(access(&isp, line).await, "closed");
        let holds = isp.get(&format!("/subscriptions/{line}/holds")).await.expect(200)["items"].clone();
        assert_eq!(holds.as_array().unwrap().len(), 1, "a job that runs twice holds once");
        let hold = holds[0]["id"].as_str().unwrap();
        assert_eq!((&holds[0]["kind"], &holds[0]["pause_id"]), (&json!("seasonal"), &json!(pause)));
        assert_eq!(isp.post(&format!("/holds/{hold}/release"), json!({})).await.problem(), "hold-of-pause");
        isp.now_is("2026-11-21T10:00:00Z").await;
        assert_eq!(resume(&isp, &pause).await["status"], "over");
        assert_eq!(access(&isp, line).await, "open");
        assert!(day(&mut isp, "2026-11-21").await);
        assert!(day(&mut isp, "2026-12-01").await);
        let expected = [
            "Fibre 100 recurring 2026-11-01 30.00",
            "Fibre 100 credit 2026-11-11 -20.00",
            "Fibre 100 recurring 2026-11-21 10.00",
            "Fibre 100 recurring 2026-12-01 30.00",
        ];
        assert_eq!(isp.billed(account).await, expected);
        isp.assert_books_balance().await;
    });
}

#[test]
fn a_line_that_is_kept_for_less_pays_that_for_each_period() {
    story(async {
        let (mut isp, account, line) = one_line("pause-price").await;
        assert!(day(&mut isp, "2026-11-01").await);
        isp.now_is("2026-11-16T10:00:00Z").await;
        let pause = plan(&isp, line, json!({ "from_on": "2026-11-16", "price": euros("5.00") })).await;
        assert_eq!(access(&isp, line).await, "closed");
        assert!(day(&mut isp, "2026-11-16").await);
        assert!(!day(&mut isp, "2026-11-17").await);
        assert!(day(&mut isp, "2026-12-01").await);
        isp.now_is("2026-12-16T10:00:00Z").await;
        resume(&isp, &pause).await;
        assert!(day(&mut isp, "2026-12-16").await);
        assert!(!day(&mut isp, "2026-12-17").await);
        let mut billed = isp.billed(account).await;
        billed.sort();
        let expected = [
            "Fibre 100 credit 2026-11-16 -15.00",
            "Fibre 100 credit 2026-12-16 -2.58",
            "Fibre 100 recurring 2026-11-01 30.00",
            "Fibre 100 recurring 2026-11-16 2.50",
            "Fibre 100 recurring 2026-12-01 5.00",
            "Fibre 100 recurring 2026-12-16 15.48",
        ];
        assert_eq!(billed, expected);
        isp.assert_books_balance().await;
    });
}

#[test]
fn a_year_without_service_is_never_billed() {
    story(async {
        let (mut isp, account, line) = one_line("pause-year").await;
        let pause = plan(&isp, line, json!({ "from_on": "2026-11-01" })).await;
        for on in ["2026-11-01", "2026-11-02", "2026-12-01", "2027-01-01", "2027-06-01", "2027-11-01"] {
            assert!(!day(&mut isp, on).await, "nothing is due on {on}");
        }
        isp.now_is("2027-12-01T10:00:00Z").await;
        resume(&isp, &pause).await;
        assert!(day(&mut isp, "2027-12-01").await);
        assert_eq!(isp.billed(account).await, ["Fibre 100 recurring 2027-12-01 30.00"]);
    });
}

#[test]
fn any_order_of_commands_gives_the_same_bill() {
    story(async {
        let isp = &mut Isp::new("pause-order", "2026-11-01T10:00:00Z").await;
        let (router, sold) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let mut lines = Vec::new();
        for name in ["Ana", "Ben", "Cy"] {
            let account = isp.account(name).await;
            lines.push((account, isp.line(account, router, sold, "2026-11-01").await));
        }
        let free = json!({ "from_on": "2026-11-11", "until_on": "2026-11-16" });
        let cheap = json!({ "from_on": "2026-11-21", "until_on": "2026-12-06", "price": euros("5.00") });
        // One says all of it before anything is billed, one the later first and in two steps, one takes things back.
        plan(isp, lines[0].1, free.clone()).await;
        plan(isp, lines[0].1, cheap.clone()).await;
        day(isp, "2026-11-01").await;
        isp.now_is("2026-11-05T10:00:00Z").await;
        let open = plan(isp, lines[1].1, json!({ "from_on": "2026-11-21", "price": euros("5.00") })).await;
        let wrong = plan(isp, lines[2].1, json!({ "from_on": "2026-11-09", "price": euros("7.00") })).await;
        day(isp, "2026-11-05").await;
        isp.now_is("2026-11-07T10:00:00Z").await;
        isp.post(&format!("/pauses/{wrong}/cancel"), json!({})).await.expect(200);
        plan(isp, lines[2].1, cheap).await;
        let first = plan(isp, lines[2].1, json!({ "from_on": "2026-11-11", "until_on": "2026-11-20" })).await;
        plan(isp, lines[1].1, free).await;
        day(isp, "2026-11-07").await;
        isp.now_is("2026-11-16T10:00:00Z").await;
        resume(isp, &first).await;
        day(isp, "2026-11-16").await;
        day(isp, "2026-12-01").await;
        isp.now_is("2026-12-04T10:00:00Z").await;
        let change = json!({ "until_on": "2026-12-06" });
        isp.post(&format!("/pauses/{open}/change"), change).await.expect(200);
        for on in ["2026-12-04", "2026-12-06", "2027-01-01"] {
            day(isp, on).await;
        }
        for (account, _) in lines {
            let lines = isp.billed(account).await;
            let sum: Decimal =
                lines.iter().map(|line| line.rsplit(' ').next().unwrap().parse::<Decimal>().unwrap()).sum();
            // November: 15 days of 30 at 30.00 and 10 at 5.00; December: 26 of 31 and 5; January whole.
            assert_eq!(sum.to_string(), "72.64", "{lines:?}");
        }
        isp.assert_books_balance().await;
    });
}

#[test]
fn pauses_that_cannot_be_are_refused_and_change_nothing() {
    story(async {
        let (mut isp, _, line) = one_line("pause-refused").await;
        isp.now_is("2026-12-20T10:00:00Z").await;
        let path = format!("/subscriptions/{line}/pauses");
        for (wish, field) in [
            (json!({ "from_on": "2026-10-31" }), "from_on"),
            (json!({ "from_on": "2026-11-18" }), "from_on"),
            (json!({ "from_on": "2100-01-01" }), "from_on"),
            (json!({ "from_on": "2027-01-01", "until_on": "2027-01-01" }), "until_on"),
            (json!({ "from_on": "2027-01-01", "price": euros("30.00") }), "price"),
            (json!({ "from_on": "2027-01-01", "price": euros("0.00") }), "price"),
            (json!({ "from_on": "2027-01-01", "price": { "amount": "5.00", "currency": "USD" } }), "price"),
            (json!({ "from_on": "2027-01-01", "reason": "x".repeat(501) }), "reason"),
        ] {
            let refused = isp.post(&path, wish.clone()).await;
            assert_eq!(refused.expect(422)["errors"][0]["field"], field, "{wish}");
        }
        let running = plan(&isp, line, json!({ "from_on": "2026-12-10", "until_on": "2027-01-10" })).await;
        let coming = plan(&isp, line, json!({ "from_on": "2027-02-01" })).await;
        assert_eq!(isp.post(&path, json!({ "from_on": "2026-12-01" })).await.problem(), "pause-beside");
        let open = isp.post(&format!("/pauses/{running}/change"), json!({ "until_on": null })).await;
        assert_eq!(open.problem(), "pause-beside");
        let past = isp.post(&format!("/pauses/{running}/change"), json!({ "until_on": "2026-12-19" })).await;
        assert_eq!(past.expect(422)["errors"][0]["field"], "until_on");
        assert_eq!(isp.post(&format!("/pauses/{running}/cancel"), json!({})).await.problem(), "pause-begun");
        assert_eq!(isp.post(&format!("/pauses/{coming}/resume"), json!({})).await.problem(), "pause-not-begun");
        isp.post(&format!("/pauses/{coming}/cancel"), json!({})).await.expect(200);
        assert_eq!(isp.post(&format!("/pauses/{coming}/cancel"), json!({})).await.problem(), "pause-over");
        let kept = isp.get(&path).await.expect(200)["items"].clone();
        let statuses: Vec<_> = kept.as_array().unwrap().iter().map(|pause| &pause["status"]).collect();
        assert_eq!(statuses, ["cancelled", "running"]);
    });
}

#[test]
fn staff_pause_change_and_resume_a_line() {
    story(async {
        let (mut isp, _, line) = one_line("pause-pages").await;
        let path = format!("/subscriptions/{line}/pauses");
        assert_eq!(isp.page(&path).await.status, 200);
        let refused = isp.form(&path, "from_on=2026-10-01&price=90.00").await;
        assert!(
            refused.status == 422 && refused.text.contains("The subscription starts after that day."),
            "{}",
            refused.text
        );
        assert_eq!(isp.form(&path, "from_on=2026-11-01&until_on=&price=5.00&reason=Away").await.status, 303);
        let shown = isp.page(&format!("/subscriptions/{line}")).await;
        assert!(
            shown.text.contains("€5.00 for each full period") && shown.text.contains("Resume now"),
            "{}",
            shown.text
        );
        let id = isp.get(&path).await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
        assert!(isp.page(&format!("/pauses/{id}/change")).await.text.contains("When does service go on?"));
        assert_eq!(isp.form(&format!("/pauses/{id}/change"), "until_on=2026-11-01").await.status, 422);
        assert_eq!(isp.form(&format!("/pauses/{id}/change"), "until_on=2026-12-01").await.status, 303);
        isp.now_is("2026-11-10T10:00:00Z").await;
        assert_eq!(isp.form(&format!("/pauses/{id}/resume"), "").await.status, 303);
        assert_eq!(isp.get(&format!("/pauses/{id}")).await.expect(200)["until_on"], "2026-11-10");
        assert_eq!(access(&isp, line).await, "open");
    });
}
