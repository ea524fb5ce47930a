//! Payments, idempotency, holds.

use serde_json::json;
use weir_cloud::ids::AccountId;

use super::harness::{Isp, story};
use super::world::{FIBRE, payment};

async fn billed_isp(slug: &str) -> (Isp, AccountId) {
    let isp = Isp::new(slug, "2026-11-01T10:00:00Z").await;
    isp.settings(json!({ "payment_terms_days": 14, "grace_days": 7 })).await;
    let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
    let account = isp.account("Ana").await;
    isp.line(account, router, plan, "2026-11-01").await;
    isp.bill("2026-11-01").await;
    (isp, account)
}

#[test]
fn an_unpaid_line_is_walled_off_after_grace_and_restored_by_the_payment() {
    story(async {
        let (mut isp, account) = billed_isp("unpaid").await;
        isp.now_is("2026-11-22T10:00:00Z").await;
        assert_eq!(isp.post("/overdue-checks", json!({})).await.expect(200), json!({ "placed": 0, "released": 0 }));
        isp.now_is("2026-11-23T10:00:00Z").await;
        assert_eq!(isp.post("/overdue-checks", json!({})).await.expect(200), json!({ "placed": 1, "released": 0 }));
        assert_eq!(isp.post("/overdue-checks", json!({})).await.expect(200), json!({ "placed": 0, "released": 0 }));
        assert_eq!(isp.get("/invoices?status=overdue").await.expect(200)["items"].as_array().unwrap().len(), 1);
        let part = isp.pay(account, "part", "10.00", "2026-11-23").await;
        assert_eq!((part["lines_restored"].as_i64(), part["surplus"]["amount"].as_str()), (Some(0), Some("0.00")));
        let rest = isp.pay(account, "rest", "25.00", "2026-11-23").await;
        assert_eq!((rest["lines_restored"].as_i64(), rest["surplus"]["amount"].as_str()), (Some(1), Some("5.00")));
        assert_eq!(rest["number"], "RCP-2026-000002");
        assert_eq!(isp.get("/invoices?status=paid").await.expect(200)["items"].as_array().unwrap().len(), 1);
        isp.assert_books_balance().await;

        // The surplus settles the next invoice.
        isp.now_is("2026-12-01T10:00:00Z").await;
        isp.bill("2026-12-01").await;
        assert_eq!(isp.get(&format!("/accounts/{account}/standing")).await.expect(200)["open"]["amount"], "25.00");
        isp.assert_books_balance().await;
    });
}

#[test]
fn a_payment_repeated_is_one_payment() {
    story(async {
        let (isp, account) = billed_isp("repeat").await;
        let body = payment(account, "30.00", "EUR", "2026-11-01");
        let (a, b) = tokio::join!(
            isp.post_once("/payments", "k1", body.clone()),
            isp.post_once("/payments", "k1", body.clone())
        );
        assert_eq!(a.expect(201), b.expect(201));
        assert_eq!(isp.get("/payments").await.expect(200)["items"].as_array().unwrap().len(), 1);
        let other = isp.post_once("/payments", "k1", payment(account, "31.00", "EUR", "2026-11-01")).await;
        assert_eq!((other.status.as_u16(), other.problem().as_str()), (409, "idempotency-key-reused"));
        let none = isp.post("/payments", body).await;
        assert_eq!((none.status.as_u16(), none.problem().as_str()), (400, "idempotency-key-missing"));
    });
}

#[test]
fn a_payment_that_cannot_be_is_refused_and_changes_nothing() {
    story(async {
        let (isp, account) = billed_isp("refused").await;
        let currency = isp.post_once("/payments", "usd", payment(account, "30.00", "USD", "2026-11-01")).await;
        assert_eq!((currency.status.as_u16(), currency.problem().as_str()), (422, "payment-currency-differs"));
        let zero = isp.post_once("/payments", "zero", payment(account, "0.00", "EUR", "2026-11-02")).await;
        let fields: Vec<_> = zero.json()["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["field"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(fields, ["amount", "received_on"]);
        assert_eq!(isp.get("/payments").await.expect(200)["items"], json!([]));
        // A refused key is free for the corrected payment.
        assert_eq!(isp.pay(account, "usd", "30.00", "2026-11-01").await["surplus"]["amount"], "0.00");
    });
}
