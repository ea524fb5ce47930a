//! Money that goes back by somebody else's decision, and comes back: the books follow it once, both ways.

use serde_json::{Value, json};
use weir_cloud::ids::AccountId;
use weir_lab::provider::{Card, Fault};

use super::shop::Shop;
use crate::money::harness::story;

/// Somebody who paid 30.00 by card; the payment and what the provider calls it.
async fn paid(slug: &str) -> (Shop, AccountId, String, String) {
    let shop = Shop::new(slug).await;
    let [ana] = shop.debtors(["Ana"]).await;
    let (_, page) = shop.opens_page(ana, true).await;
    assert!(shop.provider.pay(&page, Card::Good));
    shop.reconciles().await;
    shop.works().await;
    let payment = shop.items("/payments").await[0].clone();
    let (id, intent) = (payment["id"].as_str().expect("an id"), payment["reference"].as_str().expect("a name"));
    assert_eq!((shop.owes(ana).await, shop.books("1020").await), ("0.00".into(), "30.00".into()));
    let (id, intent) = (id.to_owned(), intent.to_owned());
    (shop, ana, id, intent)
}

async fn hears_all(shop: &Shop) {
    for message in shop.provider.messages() {
        assert_eq!(shop.hears(&message).await, 204);
    }
    assert_eq!(shop.works().await, 0);
}

/// What was given back of a payment: kind, status, amount.
async fn given(shop: &Shop, payment: &str) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let rows = shop.items(&format!("/payments/{payment}/refunds")).await;
    rows.iter().map(|row| (text(&row["kind"]), text(&row["status"]), text(&row["amount"]["amount"]))).collect()
}

#[test]
fn a_disputed_payment_is_taken_back_once_and_comes_back_when_it_is_won() {
    story(async {
        let (shop, ana, payment, intent) = paid("disputed").await;
        let methods = shop.items(&format!("/accounts/{ana}/payment-methods")).await;
        assert_eq!(methods[0]["autopay"], true);
        // A bank that only asks has moved nothing.
        let asked = shop.provider.dispute(&intent, 3000, "warning_needs_response");
        hears_all(&shop).await;
        assert_eq!((shop.owes(ana).await, given(&shop, &payment).await.len()), ("0.00".into(), 0));
        shop.provider.stands(&asked, "warning_closed");

        let dispute = shop.provider.dispute(&intent, 3000, "needs_response");
        hears_all(&shop).await;
        shop.reconciles().await;
        hears_all(&shop).await;
        let taken = ("dispute".to_owned(), "succeeded".to_owned(), "30.00".to_owned());
        assert_eq!(given(&shop, &payment).await, [taken]);
        assert_eq!((shop.owes(ana).await, shop.books("1020").await), ("30.00".into(), "0.00".into()));
        let today = shop.isp.get(&format!("/accounts/{ana}/statement")).await.expect(200)["to"].clone();
        let today = today.as_str().expect("a day");
        let moved = shop.isp.assert_statement_agrees(ana, "2026-11-01", today).await;
        let moved: Vec<_> = moved.iter().map(|one| one["kind"].as_str().unwrap_or_default()).collect();
        assert_eq!(moved, ["invoice", "payment", "dispute"]);
        assert_eq!(shop.events("payment.disputed").await, 1);
        let methods = shop.items(&format!("/accounts/{ana}/payment-methods")).await;
        assert_eq!(methods[0]["autopay"], false, "a card whose holder says it was not them pays nothing by itself");
        let log = shop.items("/audit-entries?action=dispute%20payment").await;
        assert_eq!((log.len(), &log[0]["detail"]["account"]), (1, &json!(ana)));
        let wish = json!({ "amount": { "amount": "1.00", "currency": "EUR" }, "reason": "Test" });
        let again = shop.isp.post_once(&format!("/payments/{payment}/refunds"), "r", wish).await;
        assert_eq!((again.status.as_u16(), again.problem().as_str()), (422, "refund-too-large"));
        let page = shop.isp.page(&format!("/payments/{payment}")).await;
        assert!(
            page.text.contains("Taken back by the payer’s bank") && page.text.contains("fraudulent"),
            "{}",
            page.text
        );

        // The message is lost; the hourly comparison finds out.
        shop.provider.stands(&dispute, "won");
        shop.reconciles().await;
        shop.reconciles().await;
        hears_all(&shop).await;
        assert_eq!((shop.owes(ana).await, shop.books("1020").await), ("0.00".into(), "30.00".into()));
        assert_eq!((shop.books("2130").await, shop.items("/payments").await.len()), ("0.00".into(), 2));
        // What came back can be given back, at the provider, too.
        shop.provider.dashboard_refund(&intent, 1000);
        hears_all(&shop).await;
        assert_eq!((shop.owes(ana).await, shop.books("1020").await), ("10.00".into(), "20.00".into()));
    });
}

#[test]
fn a_dispute_takes_no_more_than_is_left_whatever_its_amount_and_currency() {
    story(async {
        let (shop, ana, payment, intent) = paid("disputed-more").await;
        let wish = json!({ "amount": { "amount": "10.00", "currency": "EUR" }, "reason": "Test" });
        shop.isp.post_once(&format!("/payments/{payment}/refunds"), "r", wish).await.expect(201);
        shop.works().await;
        let dispute = shop.provider.dispute(&intent, 3300, "lost");
        shop.provider.tamper(&dispute, "currency", json!("usd"));
        hears_all(&shop).await;
        shop.reconciles().await;
        assert_eq!((shop.owes(ana).await, shop.books("1020").await), ("30.00".into(), "0.00".into()));
        // One that is not of ours moves nothing, and keeps nothing from being compared.
        shop.provider.dispute("pi_nobody_knows", 500, "needs_response");
        shop.provider.tamper(&dispute, "payment_intent", json!(intent));
        shop.reconciles().await;
        assert_eq!(shop.books("1020").await, "0.00");
    });
}

#[test]
fn a_refund_the_bank_sends_back_is_the_accounts_again() {
    story(async {
        let (shop, ana, payment, intent) = paid("refund-failed").await;
        let refund = shop.provider.dashboard_refund(&intent, 1000);
        hears_all(&shop).await;
        assert_eq!((shop.owes(ana).await, shop.books("1020").await), ("10.00".into(), "20.00".into()));
        shop.provider.stands(&refund, "failed");
        hears_all(&shop).await;
        shop.reconciles().await;
        assert_eq!((shop.owes(ana).await, shop.books("1020").await), ("0.00".into(), "30.00".into()));
        assert_eq!((shop.books("2130").await, given(&shop, &payment).await.len()), ("0.00".into(), 1));
    });
}

#[test]
fn a_refund_whose_key_may_be_forgotten_is_looked_for_and_not_made_again() {
    story(async {
        for (n, (fault, made)) in [(Fault::DoesAndIsSilent, true), (Fault::Refuses(500), false)].into_iter().enumerate()
        {
            let (mut shop, ana, payment, intent) = paid(&format!("refund-old-{n}")).await;
            shop.provider.fault("/refunds", fault);
            let wish = json!({ "amount": { "amount": "10.00", "currency": "EUR" }, "reason": "Test" });
            let path = format!("/payments/{payment}/refunds");
            let told = shop.isp.post_once(&path, "r", wish).await.expect(201);
            assert_eq!(told["status"], "unknown");
            // Nobody answers for a day, and keys are forgotten.
            shop.isp.now_is("2026-11-03T10:00:00Z").await;
            shop.provider.forgets_keys();
            shop.reconciles().await;
            shop.works().await;
            assert_eq!(shop.provider.given_back(&intent), if made { 1000 } else { 0 }, "{fault:?}");
            let status = if made { "succeeded" } else { "failed" };
            assert_eq!(given(&shop, &payment).await[0].1, status, "{fault:?}");
            assert_eq!(shop.owes(ana).await, if made { "10.00" } else { "0.00" }, "{fault:?}");
        }
    });
}

#[test]
fn a_sum_in_suspense_that_is_given_back_waits_for_nobody_and_a_matched_one_can_be_given_back() {
    story(async {
        let shop = Shop::new("suspense-back").await;
        let [ana] = shop.debtors(["Ana"]).await;
        let (one, other) =
            (shop.provider.unsolicited("cus_x", 700, "eur"), shop.provider.unsolicited("cus_x", 3000, "eur"));
        shop.reconciles().await;
        assert_eq!((shop.items("/suspense-items").await.len(), shop.books("2130").await), (2, "-37.00".into()));
        shop.provider.dashboard_refund(&one, 200);
        hears_all(&shop).await;
        let waits = shop.items("/suspense-items").await;
        let left = waits.iter().find(|item| item["about"] == json!(one)).expect("what is left of it");
        assert_eq!((&left["amount"]["amount"], shop.books("2130").await), (&json!("5.00"), "-35.00".into()));
        shop.provider.dashboard_refund(&one, 500);
        hears_all(&shop).await;
        shop.reconciles().await;
        let waits = shop.items("/suspense-items").await;
        assert_eq!((waits.len(), shop.books("2130").await), (1, "-30.00".into()));
        assert_eq!(shop.books("1020").await, "30.00");
        let path = format!("/suspense-items/{}/match", left["id"].as_str().expect("an id"));
        let gone = shop.isp.post(&path, json!({ "account_id": ana })).await;
        assert_eq!(gone.problem(), "suspense-item-settled");
        let path = format!("/suspense-items/{}/match", waits[0]["id"].as_str().expect("an id"));
        let payment = shop.isp.post(&path, json!({ "account_id": ana })).await.expect(200);
        assert_eq!(payment["reference"], json!(other));
        let path = format!("/payments/{}/refunds", payment["id"].as_str().expect("an id"));
        let wish = json!({ "amount": { "amount": "10.00", "currency": "EUR" }, "reason": "Test" });
        shop.isp.post_once(&path, "r", wish).await.expect(201);
        shop.works().await;
        assert_eq!((shop.owes(ana).await, shop.provider.given_back(&other)), ("10.00".into(), 1000));
    });
}
