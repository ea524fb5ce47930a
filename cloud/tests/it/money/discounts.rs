//! Discounts: what is charged is less by them, what is given back too, and what is billed never changes.

use serde_json::{Value, json};
use weir_cloud::billing::jobs::StartDueRun;
use weir_cloud::ids::{AccountId, SubscriptionId};
use weir_cloud::jobs::Job;

use super::harness::{Isp, story};
use super::world::{FIBRE, Plan};

const FASTER: Plan = Plan { name: "Fibre 500", price: "45.00", ..FIBRE };

/// An ISP with one line of 30.00 since the first of November, which is not billed yet.
async fn one_line(slug: &str) -> (Isp, AccountId, SubscriptionId) {
    let isp = Isp::new(slug, "2026-11-01T10:00:00Z").await;
    let (router, plan, account) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.account("Ana").await);
    let line = isp.line(account, router, plan, "2026-11-01").await;
    (isp, account, line)
}

async fn grant(isp: &Isp, line: SubscriptionId, wish: Value) -> Value {
    isp.post(&format!("/subscriptions/{line}/discounts"), wish).await.expect(201)
}

async fn balance(isp: &Isp, account: AccountId) -> String {
    let standing = isp.get(&format!("/accounts/{account}/standing")).await.expect(200);
    standing["balance"]["amount"].as_str().unwrap().to_owned()
}

fn euros(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

#[test]
fn discounts_stack_and_changes_give_back_what_was_billed() {
    story(async {
        let (mut isp, account, line) = one_line("discounts").await;
        let faster = isp.plan(&FASTER).await;
        let welcome = grant(&isp, line, json!({ "name": "Welcome", "percent": "10" })).await;
        assert_eq!((&welcome["from_on"], &welcome["status"]), (&json!("2026-11-01"), &json!("in_force")));
        grant(&isp, line, json!({ "name": "Loyal", "amount": euros("3.00") })).await;
        let preview = isp.post("/billing-runs/preview", json!({ "as_of": "2026-11-01" })).await.expect(200);
        assert_eq!(preview["totals"], json!([euros("24.00")]));
        isp.bill("2026-11-01").await;
        let invoice = isp.get(&format!("/invoices?account_id={account}")).await.expect(200)["items"][0].clone();
        let invoice = isp.get(&format!("/invoices/{}", invoice["id"].as_str().unwrap())).await.expect(200);
        let billed = &invoice["lines"][0];
        let parts: Vec<_> =
            billed["discounts"].as_array().unwrap().iter().map(|part| (&part["name"], &part["amount"])).collect();
        assert_eq!(parts, [(&json!("Welcome"), &euros("3.00")), (&json!("Loyal"), &euros("3.00"))]);
        assert_eq!(
            [&billed["unit_price"], &billed["discount"], &billed["net"]],
            [&euros("30.00"), &euros("6.00"), &euros("24.00")]
        );

        isp.now_is("2026-11-16T10:00:00Z").await;
        let ask = format!("/subscriptions/{line}/change-plan/confirm?plan_version_id={faster}&effective_on=2026-11-16");
        let asked = isp.page(&ask).await;
        assert!(
            ["−€12.00", "−€3.75", "€18.75", "€6.75"].iter().all(|figure| asked.text.contains(figure)),
            "{}",
            asked.text
        );
        let wish = json!({ "plan_version_id": faster, "effective_on": "2026-11-16" });
        isp.post(&format!("/subscriptions/{line}/change-plan"), wish).await.expect(200);
        isp.bill("2026-11-16").await;
        isp.now_is("2026-11-20T10:00:00Z").await;
        isp.post(&format!("/subscriptions/{line}/end"), json!({ "ends_on": "2026-11-26" })).await.expect(200);
        isp.bill("2026-11-20").await;
        let expected = [
            "Fibre 100 recurring 2026-11-01 24.00",
            "Fibre 100 credit 2026-11-16 -12.00",
            "Fibre 500 recurring 2026-11-16 18.75",
            "Fibre 500 credit 2026-11-26 -6.25",
        ];
        assert_eq!(isp.billed(account).await, expected);
        assert_eq!(balance(&isp, account).await, "24.50");
        assert_eq!(isp.bill("2026-11-20").await["invoices_issued"], 0);
        isp.assert_books_balance().await;
    });
}

#[test]
fn what_begins_or_ends_later_never_touches_what_is_billed() {
    story(async {
        let (mut isp, account, line) = one_line("discount-later").await;
        isp.bill("2026-11-01").await;
        isp.now_is("2026-11-10T10:00:00Z").await;
        let discounts = format!("/subscriptions/{line}/discounts");
        let half = json!({ "name": "Half", "percent": "50", "most": euros("12.00"), "periods": 6 });
        let back_dated = json!({ "name": "Early", "percent": "5", "from_on": "2026-11-05" });
        let refused = isp.post(&discounts, back_dated).await;
        assert!(refused.expect(422)["errors"][0]["message"].as_str().unwrap().contains("2026-12-01"));
        let granted = grant(&isp, line, half.clone()).await;
        assert_eq!((&granted["from_on"], &granted["until_on"]), (&json!("2026-12-01"), &json!("2027-06-01")));
        assert_eq!(isp.post(&discounts, half).await.problem(), "discount-granted-already");
        assert_eq!(isp.bill("2026-11-10").await["invoices_issued"], 0);
        isp.now_is("2026-12-01T10:00:00Z").await;
        isp.bill("2026-12-01").await;
        isp.now_is("2026-12-10T10:00:00Z").await;
        let end = format!("/discounts/{}/end", granted["id"].as_str().unwrap());
        assert_eq!(isp.post(&end, json!({})).await.expect(200)["status"], "over");
        assert_eq!(isp.post(&end, json!({})).await.problem(), "discount-over");
        assert_eq!(isp.bill("2026-12-10").await["invoices_issued"], 0, "December keeps it");
        isp.now_is("2027-01-01T10:00:00Z").await;
        isp.bill("2027-01-01").await;
        let expected = [
            "Fibre 100 recurring 2026-11-01 30.00",
            "Fibre 100 recurring 2026-12-01 18.00",
            "Fibre 100 recurring 2027-01-01 30.00",
        ];
        assert_eq!(isp.billed(account).await, expected);
        // A note gave December back; its end gives back no more, and of January what is not used.
        let invoices = isp.get(&format!("/invoices?account_id={account}")).await.expect(200);
        let december = invoices["items"][1]["id"].as_str().unwrap();
        assert_eq!(isp.credit(december, json!({ "reason": "Outage" })).await["gross"], euros("18.00"));
        isp.post(&format!("/subscriptions/{line}/end"), json!({ "ends_on": "2026-12-16" })).await.expect(200);
        isp.bill("2027-01-01").await;
        let mut billed = isp.billed(account).await.split_off(3);
        billed.sort();
        let expected = [
            "Fibre 100 correction 2026-12-16 9.29",
            "Fibre 100 credit 2026-12-16 -9.29",
            "Fibre 100 credit 2027-01-01 -30.00",
        ];
        assert_eq!(billed, expected);
        isp.assert_books_balance().await;
    });
}

#[test]
fn what_a_line_is_less_is_its_own() {
    story(async {
        let (mut isp, account, line) = one_line("discount-own").await;
        grant(&isp, line, json!({ "name": "Welcome", "percent": "10" })).await;
        isp.bill("2026-11-01").await;
        isp.now_is("2026-11-16T10:00:00Z").await;
        isp.post(&format!("/subscriptions/{line}/end"), json!({ "ends_on": "2026-11-16" })).await.expect(200);
        let (router, plan) =
            (isp.router_named("s").await, isp.get(&format!("/subscriptions/{line}")).await.expect(200));
        let plan = plan["plan_version_id"].as_str().unwrap().parse().unwrap();
        isp.line(account, router, plan, "2026-11-16").await;
        isp.bill("2026-11-16").await;
        let mut billed = isp.billed(account).await.split_off(1);
        billed.sort();
        assert_eq!(billed, ["Fibre 100 credit 2026-11-16 -13.50", "Fibre 100 recurring 2026-11-16 15.00"]);
        isp.assert_books_balance().await;
    });
}

#[test]
fn free_days_are_given_back_for_nothing() {
    story(async {
        let (mut isp, account, line) = one_line("discount-days").await;
        grant(&isp, line, json!({ "name": "Two weeks free", "percent": "100", "until_on": "2026-11-16" })).await;
        isp.bill("2026-11-01").await;
        let charged = ["Fibre 100 recurring 2026-11-01 0.00", "Fibre 100 recurring 2026-11-16 15.00"];
        assert_eq!(isp.billed(account).await, charged, "its days do not cost alike");
        isp.now_is("2026-11-16T10:00:00Z").await;
        isp.post(&format!("/subscriptions/{line}/end"), json!({ "ends_on": "2026-11-16" })).await.expect(200);
        isp.bill("2026-11-16").await;
        assert_eq!(isp.billed(account).await.split_off(2), ["Fibre 100 credit 2026-11-16 -15.00"]);
        assert_eq!(balance(&isp, account).await, "0.00", "nothing was used but what was free");
        isp.assert_books_balance().await;
    });
}

#[test]
fn a_free_month_waits_for_one_that_asks_for_something() {
    story(async {
        let (mut isp, account, line) = one_line("discount-all").await;
        grant(&isp, line, json!({ "name": "First month free", "percent": "100", "periods": 1 })).await;
        StartDueRun {}.run(isp.app.clone(), isp.scope()).await.unwrap();
        assert_eq!(isp.get("/billing-runs").await.expect(200)["items"], json!([]), "there is nothing to ask for");
        assert_eq!(isp.bill("2026-11-01").await["invoices_issued"], 0);
        isp.now_is("2026-12-01T10:00:00Z").await;
        isp.bill("2026-12-01").await;
        assert_eq!(
            isp.billed(account).await,
            ["Fibre 100 recurring 2026-11-01 0.00", "Fibre 100 recurring 2026-12-01 30.00"]
        );
        isp.assert_books_balance().await;
    });
}

#[test]
fn staff_grant_and_end_discounts_and_subscribers_see_them() {
    story(async {
        let (isp, _, line) = one_line("discount-pages").await;
        let path = format!("/subscriptions/{line}/discounts");
        assert_eq!(isp.page(&path).await.status, 200);
        let refused = isp.form(&path, "name=&percent=120&periods=900").await;
        assert!(refused.status == 422 && refused.text.contains("Above 0 and at most 100"), "{}", refused.text);
        let unread = isp.form(&path, "name=Loyal&amount=3.001").await;
        assert!(unread.status == 422 && unread.text.contains("Enter a number."), "{}", unread.text);
        let granted = isp.form(&path, "name=Loyal&amount=3.00&from_on=&until_on=2027-03-01").await;
        assert_eq!(granted.status, 303, "{}", granted.text);
        let shown = isp.page(&format!("/subscriptions/{line}")).await;
        assert!(shown.text.contains("Loyal") && shown.text.contains("€3.00"), "{}", shown.text);
        let id = isp.get(&path).await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
        let end = format!("/discounts/{id}/end");
        assert!(isp.page(&end).await.text.contains("End “Loyal”?"));
        assert_eq!(isp.form(&end, "ended_on=2026-10-01").await.status, 422);
        assert_eq!(isp.form(&end, "ended_on=2026-12-01").await.status, 303);
        assert_eq!(isp.get(&format!("/discounts/{id}")).await.expect(200)["ended_on"], "2026-12-01");
    });
}
