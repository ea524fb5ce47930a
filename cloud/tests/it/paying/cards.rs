//! Cards: the page, the kept card, declines, refunds.

use serde_json::json;
use weir_lab::provider::Card;

use super::shop::Shop;
use crate::money::harness::story;

#[test]
fn a_page_is_paid_posted_and_keeps_the_card() {
    story(async {
        let shop = Shop::new("card-page").await;
        let [ana] = shop.debtors(["Ana"]).await;
        let (attempt, page) = shop.opens_page(ana, true).await;
        assert_eq!((attempt["status"].as_str(), attempt["waits_for"].as_str()), (Some("pending"), Some("customer")));
        // Asked again it is the same page.
        assert_eq!(shop.opens_page(ana, true).await.1, page);
        // A card that is declined there ends nothing.
        assert!(!shop.provider.pay(&page, Card::Declined("insufficient_funds")));
        for message in shop.provider.messages() {
            assert_eq!(shop.hears(&message).await, 204);
        }
        shop.works().await;
        assert_eq!(shop.attempt(ana).await["status"], "pending");
        assert!(shop.provider.pay(&page, Card::Good));
        let token = shop.token(ana).await;
        let back = shop.isp.browse_with("", &format!("/pay/{token}?back=paid"), None).await;
        assert!(back.text.contains("€30.00 received"), "{}", back.text);
        let attempt = shop.attempt(ana).await;
        assert_eq!(attempt["status"], "succeeded");
        let payment = shop.isp.get(&format!("/payments/{}", attempt["payment_id"].as_str().unwrap())).await.expect(200);
        assert_eq!((payment["method"].as_str(), payment["number"].as_str()), (Some("card"), Some("RCP-2026-000001")));
        assert_eq!((shop.owes(ana).await, shop.books("1020").await), ("0.00".into(), "30.00".into()));
        let methods = shop.items(&format!("/accounts/{ana}/payment-methods")).await;
        assert_eq!((methods.len(), methods[0]["autopay"].as_bool()), (1, Some(true)));
        assert_eq!((shop.events("payment.received").await, shop.events("payment.failed").await), (1, 0));
        let nothing = shop.isp.post("/payment-pages", json!({ "account_id": ana })).await;
        assert_eq!((nothing.status.as_u16(), nothing.problem().as_str()), (409, "nothing-to-pay"));
    });
}

#[test]
fn a_kept_card_pays_on_the_due_day_once() {
    story(async {
        let mut shop = Shop::new("card-auto").await;
        let [ana] = shop.debtors(["Ana"]).await;
        shop.leaves_card(ana, Card::Good).await;
        assert_eq!(shop.charges_due().await, 0);
        assert_eq!((shop.owes(ana).await.as_str(), shop.provider.taken().len()), ("30.00", 0), "it is not due yet");
        shop.isp.now_is("2026-11-15T09:00:00Z").await;
        for _ in 0..3 {
            shop.charges_due().await;
        }
        assert_eq!((shop.owes(ana).await.as_str(), shop.provider.taken().len()), ("0.00", 1));
        assert_eq!((shop.events("payment.received").await, shop.books("1020").await), (1, "30.00".into()));
        shop.isp.now_is("2026-12-01T10:00:00Z").await;
        shop.isp.bill("2026-12-01").await;
        shop.isp.now_is("2026-12-15T10:00:00Z").await;
        shop.charges_due().await;
        assert_eq!((shop.owes(ana).await.as_str(), shop.provider.taken().len()), ("0.00", 2));
    });
}

#[test]
fn declines_are_tried_again_by_their_kind() {
    story(async {
        let mut shop = Shop::new("card-declines").await;
        let [soft, hard, holder] = shop.debtors(["Soft", "Hard", "Holder"]).await;
        for (account, card) in [
            (soft, Card::Declined("insufficient_funds")),
            (hard, Card::Declined("stolen_card")),
            (holder, Card::NeedsHolder),
        ] {
            let kept = shop.leaves_card(account, Card::Good).await;
            shop.provider.becomes(&kept, card);
        }
        let mut charged = Vec::new();
        for day in 15..=25 {
            shop.isp.now_is(&format!("2026-11-{day}T09:00:00Z")).await;
            shop.charges_due().await;
            charged.push(shop.provider.asked("POST /v1/payment_intents"));
        }
        // All three on the 15th; the soft one again on the 16th, 18th and 20th.
        assert_eq!(charged, [3, 4, 4, 5, 5, 6, 6, 6, 6, 6, 6]);
        let told = async |account| {
            let attempt = shop.attempt(account).await;
            (attempt["status"].clone(), attempt["decline"].clone(), attempt["retry_on"].clone())
        };
        assert_eq!(told(soft).await, (json!("failed"), json!("soft"), json!(null)));
        assert_eq!(told(hard).await, (json!("failed"), json!("hard"), json!(null)));
        assert_eq!(told(holder).await, (json!("failed"), json!("needs_customer"), json!(null)));
        assert_eq!((shop.events("payment.failed").await, shop.provider.taken().len()), (6, 0));
        // A new card is tried at once, whatever the old one said.
        shop.leaves_card(hard, Card::Good).await;
        shop.works().await;
        assert_eq!(shop.owes(hard).await, "0.00");
        // And whoever's bank wants them there pays on the page.
        let (_, page) = shop.opens_page(holder, false).await;
        assert!(shop.provider.pay(&page, Card::NeedsHolder));
        shop.reconciles().await;
        assert_eq!((shop.owes(holder).await, shop.books("1020").await), ("0.00".into(), "60.00".into()));
    });
}

#[test]
fn a_payment_on_its_way_is_pending_and_an_open_page_is_not() {
    story(async {
        let mut shop = Shop::new("card-pending").await;
        let [page, slow] = shop.debtors(["Page", "Slow"]).await;
        let pending = async |shop: &Shop, account| {
            let mut tx = shop.isp.app.db.read(&shop.isp.scope()).await.unwrap();
            weir_cloud::payments::pending(&mut tx, account).await.unwrap().map(|amount| amount.to_string())
        };
        shop.opens_page(page, false).await;
        assert_eq!(pending(&shop, page).await, None);
        shop.leaves_card(slow, Card::Slow).await;
        shop.isp.now_is("2026-11-15T09:00:00Z").await;
        shop.charges_due().await;
        assert_eq!(pending(&shop, slow).await.as_deref(), Some("30.00 EUR"));
        let again = shop.isp.post("/payment-pages", json!({ "account_id": slow })).await;
        assert_eq!((again.status.as_u16(), again.problem().as_str()), (409, "payment-under-way"));
        let intent = shop.attempt(slow).await["reference"].as_str().unwrap().to_owned();
        shop.provider.bank_says(&intent, true);
        shop.reconciles().await;
        assert_eq!((pending(&shop, slow).await, shop.owes(slow).await), (None, "0.00".into()));
    });
}

#[test]
fn money_given_back_is_owed_again() {
    story(async {
        let shop = Shop::new("card-refund").await;
        let [ana] = shop.debtors(["Ana"]).await;
        let (_, page) = shop.opens_page(ana, false).await;
        shop.provider.pay(&page, Card::Good);
        shop.reconciles().await;
        let payment = shop.attempt(ana).await["payment_id"].as_str().unwrap().to_owned();
        let path = format!("/payments/{payment}/refunds");
        let wish = |amount: &str| json!({ "amount": { "amount": amount, "currency": "EUR" }, "reason": "Outage" });
        let done = shop.isp.post_once(&path, "back", wish("12.50")).await.expect(201);
        assert_eq!((done["status"].as_str(), done["number"].as_str()), (Some("succeeded"), Some("RFD-2026-000001")));
        let again = shop.isp.post_once(&path, "back", wish("12.50")).await.expect(201);
        assert_eq!(again["id"], done["id"]);
        let more = shop.isp.post_once(&path, "more", wish("17.51")).await;
        assert_eq!((more.status.as_u16(), more.problem().as_str()), (422, "refund-too-large"));
        assert_eq!((shop.owes(ana).await, shop.books("1020").await), ("12.50".into(), "17.50".into()));
        assert_eq!((shop.books("1100").await, shop.events("payment.refunded").await), ("12.50".into(), 1));
        // What is owed again is asked for again; the rest of the payment still counts.
        let (attempt, page) = shop.opens_page(ana, false).await;
        assert_eq!(attempt["amount"]["amount"], "12.50");
        shop.provider.pay(&page, Card::Good);
        shop.reconciles().await;
        assert_eq!((shop.owes(ana).await, shop.books("1100").await), ("0.00".into(), "0.00".into()));
    });
}

#[test]
fn cash_given_back_takes_credit_first() {
    story(async {
        let shop = Shop::new("cash-refund").await;
        let [ana] = shop.debtors(["Ana"]).await;
        let paid = shop.isp.pay(ana, "cash", "50.00", "2026-11-01").await;
        let path = format!("/payments/{}/refunds", paid["id"].as_str().unwrap());
        let wish = json!({ "amount": { "amount": "25.00", "currency": "EUR" }, "reason": "Too much" });
        shop.isp.post_once(&path, "back", wish).await.expect(201);
        assert_eq!((shop.owes(ana).await, shop.books("1000").await), ("5.00".into(), "25.00".into()));
        assert_eq!((shop.books("2100").await, shop.books("1100").await), ("0.00".into(), "5.00".into()));
    });
}
