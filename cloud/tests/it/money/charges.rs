//! One-time charges: taken once, by the account's next invoice or at once, and removable until then.

use serde_json::{Value, json};
use weir_cloud::billing::jobs::StartDueRun;
use weir_cloud::ids::AccountId;
use weir_cloud::jobs::Job;

use super::harness::{Answer, Isp, story};
use super::world::FIBRE;

async fn charge(isp: &Isp, account: AccountId, reference: &str, description: &str, price: &str, more: Value) -> Answer {
    let mut wish = json!({ "description": description, "unit_price": { "amount": price, "currency": "EUR" }, "reference": reference });
    for (name, value) in more.as_object().unwrap() {
        wish[name] = value.clone();
    }
    isp.post(&format!("/accounts/{account}/charges"), wish).await
}

fn path(charge: &Value, verb: &str) -> String {
    format!("/charges/{}{verb}", charge["id"].as_str().unwrap())
}

async fn no_run_starts(isp: &Isp) {
    let before = isp.get("/billing-runs").await.expect(200);
    StartDueRun {}.run(isp.app.clone(), isp.scope()).await.unwrap();
    assert_eq!(isp.get("/billing-runs").await.expect(200), before);
}

#[test]
fn the_next_invoice_takes_charges_whose_day_has_come() {
    story(async {
        let mut isp = Isp::new("charges", "2026-11-01T10:00:00Z").await;
        let (router, plan, account) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.account("Ana").await);
        let line = isp.line(account, router, plan, "2026-11-01").await;
        isp.bill("2026-11-01").await;
        isp.now_is("2026-11-10T10:00:00Z").await;
        let visit =
            charge(&isp, account, "visit 1", "Visit", "49.90", json!({ "subscription_id": line })).await.expect(201);
        assert_eq!((&visit["charged_on"], &visit["status"]), (&json!("2026-11-10"), &json!("waiting")));
        let cable =
            charge(&isp, account, "cable 1", "Cable, m", "1.11", json!({ "quantity": "2.5" })).await.expect(201);
        assert_eq!(cable["net"]["amount"], "2.78");
        let later =
            charge(&isp, account, "later", "Router", "80.00", json!({ "charged_on": "2026-12-15" })).await.expect(201);
        let again =
            charge(&isp, account, "visit 1", "Visit", "49.90", json!({ "subscription_id": line })).await.expect(201);
        assert_eq!(again["id"], visit["id"], "the same charge");
        assert_eq!(
            charge(&isp, account, "visit 1", "Visit", "50.00", json!({})).await.problem(),
            "charge-reference-reused"
        );
        no_run_starts(&isp).await;
        assert_eq!(isp.bill("2026-11-10").await["invoices_issued"], 0, "they wait for December");

        isp.now_is("2026-12-01T10:00:00Z").await;
        isp.bill("2026-12-01").await;
        let expected = [
            "Fibre 100 recurring 2026-11-01 30.00",
            "Fibre 100 recurring 2026-12-01 30.00",
            "Visit one_time 2026-11-10 49.90",
            "Cable, m one_time 2026-11-10 2.78",
        ];
        assert_eq!(isp.billed(account).await, expected);
        assert_eq!(isp.get(&path(&visit, "")).await.expect(200)["status"], "billed");
        assert_eq!(isp.post(&path(&visit, "/remove"), json!({})).await.problem(), "charge-billed");
        assert_eq!(isp.post(&path(&later, "/remove"), json!({})).await.expect(200)["status"], "removed");
        for verb in ["/remove", "/bill"] {
            assert_eq!(isp.post(&path(&later, verb), json!({})).await.problem(), "charge-removed");
        }
        isp.now_is("2027-01-01T10:00:00Z").await;
        isp.bill("2027-01-01").await;
        assert_eq!(isp.billed(account).await.len(), 5, "each once, and nothing of what was removed");
        isp.assert_books_balance().await;
    });
}

#[test]
fn a_charge_is_billed_at_once_or_without_any_line() {
    story(async {
        let isp = Isp::new("charges-now", "2026-11-01T10:00:00Z").await;
        isp.settings(json!({ "tax_rate_percent": "21", "tax_name": "IVA", "tax_id": "ESB12345674" })).await;
        let account = isp.account("Ana").await;
        let ahead =
            charge(&isp, account, "1", "Survey", "100.00", json!({ "charged_on": "2026-12-24" })).await.expect(201);
        no_run_starts(&isp).await;
        let billed = isp.post(&path(&ahead, "/bill"), json!({})).await.expect(200);
        let invoice = isp.get(&format!("/invoices/{}", billed["invoice_id"].as_str().unwrap())).await.expect(200);
        assert_eq!((&invoice["gross"]["amount"], &invoice["run_id"]), (&json!("121.00"), &Value::Null));
        assert_eq!(isp.post(&path(&ahead, "/bill"), json!({})).await.problem(), "charge-billed");
        let note = json!({ "reason": "Done for nothing" });
        let note = isp.credit(invoice["id"].as_str().unwrap(), note).await;
        assert_eq!(note["gross"]["amount"], "121.00");

        charge(&isp, account, "2", "Mast", "10.00", json!({})).await.expect(201);
        StartDueRun {}.run(isp.app.clone(), isp.scope()).await.unwrap();
        assert_eq!(
            isp.get("/billing-runs").await.expect(200)["items"].as_array().unwrap().len(),
            1,
            "nothing else will take it"
        );
        isp.bill("2026-11-01").await;
        assert_eq!(isp.billed(account).await, ["Survey one_time 2026-12-24 100.00", "Mast one_time 2026-11-01 10.00"]);
        isp.assert_books_balance().await;
    });
}

#[test]
fn staff_add_bill_and_remove_charges() {
    story(async {
        let isp = Isp::new("charges-pages", "2026-11-01T10:00:00Z").await;
        let account = isp.account("Ana").await;
        let form = format!("/accounts/{account}/charges");
        assert!(isp.page(&form).await.text.contains("name=\"reference\""));
        let refused = isp.form(&form, "description=&quantity=0&unit_price=1.00&reference=r").await;
        assert!(refused.status == 422 && refused.text.contains("at most 10,000"), "{}", refused.text);
        assert_eq!(isp.form(&form, "description=Visit&quantity=1&unit_price=&reference=r").await.status, 422);
        for (description, verb, status) in [("Visit", "bill", "billed"), ("Cable", "remove", "removed")] {
            let sent = format!(
                "description={description}&quantity=2&unit_price=4.50&charged_on=&subscription_id=&reference={verb}"
            );
            assert_eq!(isp.form(&form, &sent).await.status, 303);
            let shown = isp.page(&format!("/accounts/{account}")).await;
            assert!(shown.text.contains(description) && shown.text.contains("€9.00"), "{}", shown.text);
            let id = isp.get(&form).await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
            assert!(isp.page(&format!("/charges/{id}")).await.text.contains(&format!("/charges/{id}/{verb}")));
            assert!(isp.page(&format!("/charges/{id}/{verb}")).await.text.contains(description));
            assert_eq!(isp.form(&format!("/charges/{id}/{verb}"), "").await.status, 303);
            assert_eq!(isp.get(&format!("/charges/{id}")).await.expect(200)["status"], status);
            assert_eq!(isp.page(&format!("/charges/{id}")).await.status, 200);
        }
    });
}
