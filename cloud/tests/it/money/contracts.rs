//! Contracts: leaving early is shown before and charged once after, unless it is free or somebody waived it.

use serde_json::{Value, json};
use weir_cloud::billing::jobs::StartDueRun;
use weir_cloud::ids::SubscriptionId;
use weir_cloud::jobs::Job;

use super::harness::{Isp, story};
use super::world::FIBRE;

fn euros(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

async fn agree(isp: &Isp, line: SubscriptionId, months: u16, fee: Value) -> Value {
    let wish = json!({ "months": months, "fee": fee, "cooling_off_days": 14 });
    isp.post(&format!("/subscriptions/{line}/contracts"), wish).await.expect(201)
}

async fn fee(isp: &Isp, contract: &Value, on: &str) -> Value {
    let path = format!("/contracts/{}/fee?on={on}", contract["id"].as_str().unwrap());
    isp.get(&path).await.expect(200)["fee"].clone()
}

#[test]
fn leaving_early_is_shown_before_and_charged_once_after() {
    story(async {
        let mut isp = Isp::new("contracts", "2026-11-01T10:00:00Z").await;
        let (router, plan, account) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.account("Ana").await);
        let line = isp.line(account, router, plan, "2026-11-01").await;
        let half = agree(&isp, line, 12, json!({ "kind": "remaining", "percent": "50" })).await;
        assert_eq!((&half["until_on"], &half["status"]), (&json!("2027-11-01"), &json!("binding")));
        assert_eq!(fee(&isp, &half, "2026-11-14").await, Value::Null, "within the days of withdrawal");
        assert_eq!(fee(&isp, &half, "2027-09-16").await, euros("22.50"));
        assert_eq!(fee(&isp, &half, "2027-11-01").await, Value::Null);
        isp.bill("2026-11-01").await;

        isp.now_is("2026-11-20T10:00:00Z").await;
        let asked = isp.page(&format!("/subscriptions/{line}/end/confirm?ends_on=2026-12-01")).await;
        assert!(asked.text.contains("Leaving early") && asked.text.contains("€165.00"), "{}", asked.text);
        isp.post(&format!("/subscriptions/{line}/end"), json!({ "ends_on": "2026-12-01" })).await.expect(200);
        assert_eq!(isp.bill("2026-12-01").await["invoices_issued"], 0, "not before it is left");
        isp.now_is("2026-12-01T10:00:00Z").await;
        StartDueRun {}.run(isp.app.clone(), isp.scope()).await.unwrap();
        assert_eq!(isp.bill("2026-12-01").await["invoices_issued"], 1);
        assert_eq!(isp.bill("2026-12-01").await["invoices_issued"], 0);
        let expected = ["Fibre 100 recurring 2026-11-01 30.00", "Fibre 100 early_termination 2026-12-01 165.00"];
        assert_eq!(isp.billed(account).await, expected);
        let path = format!("/contracts/{}", half["id"].as_str().unwrap());
        let charged = isp.get(&path).await.expect(200);
        assert_eq!(charged["status"], "charged");
        let waived = isp.post(&format!("{path}/waive"), json!({ "reason": "Too late" })).await;
        assert_eq!(waived.problem(), "contract-charged");
        let pdf = isp.get(&format!("/invoices/{}/pdf", charged["invoice_id"].as_str().unwrap())).await;
        assert!(pdf.body.starts_with(b"%PDF-"));
        isp.assert_books_balance().await;
    });
}

#[test]
fn who_is_let_off_leaves_for_nothing() {
    story(async {
        let mut isp = Isp::new("contracts-off", "2026-11-01T10:00:00Z").await;
        let (router, plan, account) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.account("Ana").await);
        let line = isp.line(account, router, plan, "2026-11-01").await;
        let form = format!("/subscriptions/{line}/contracts");
        assert_eq!(isp.page(&form).await.status, 200);
        let refused = isp.form(&form, "months=0&fee.kind=fixed&fee.amount=&cooling_off_days=999").await;
        assert!(refused.status == 422 && refused.text.contains("Enter a number."), "{}", refused.text);
        let sent = "from_on=&months=12&fee.kind=declining&fee.amount=365.00&fee.percent=&most=300.00&cooling_off_days=";
        let agreed = isp.form(&form, sent).await;
        assert_eq!(agreed.status, 303, "{}", agreed.text);
        let beside = isp.form(&form, sent).await;
        assert!(beside.status == 422 && beside.text.contains("binds on some of these days already"), "{}", beside.text);
        let id = isp.get(&form).await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
        let shown = isp.page(&format!("/contracts/{id}")).await;
        assert!(["Leaving today costs", "€300.00"].iter().all(|words| shown.text.contains(words)), "{}", shown.text);
        let line_page = isp.page(&format!("/subscriptions/{line}")).await;
        assert!(line_page.text.contains("Minimum term until") && line_page.text.contains("less with every day"));
        isp.bill("2026-11-01").await;
        isp.now_is("2026-11-20T10:00:00Z").await;
        isp.post(&format!("/subscriptions/{line}/end"), json!({ "ends_on": "2026-12-01" })).await.expect(200);
        let waive = format!("/contracts/{id}/waive");
        assert_eq!(isp.page(&waive).await.status, 200);
        assert_eq!(isp.form(&waive, "reason=").await.status, 422);
        assert_eq!(isp.form(&waive, "reason=Moves+away").await.status, 303);
        isp.now_is("2026-12-02T10:00:00Z").await;
        assert_eq!(isp.bill("2026-12-02").await["invoices_issued"], 0);
        let waived = isp.get(&format!("/contracts/{id}")).await.expect(200);
        assert_eq!((&waived["status"], &waived["waive_reason"]), (&json!("waived"), &json!("Moves away")));
        let log = isp.get("/audit-entries?action=waive%20contract").await.expect(200);
        assert_eq!(log["items"].as_array().unwrap().len(), 1, "{log}");
        isp.assert_books_balance().await;
    });
}
