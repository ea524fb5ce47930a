//! What goes wrong between two machines: lost answers, crashes, forged and repeated messages, money of another size.

use serde_json::json;
use weir_cloud::jobs::Job;
use weir_cloud::payments::jobs::{ChargeAccount, LookAtAttempt};
use weir_lab::provider::{Card, Fault, Message, signature};

use super::shop::{Shop, WEBHOOK_SECRET};
use crate::money::harness::story;
use weir_cloud::ids::AccountId;

/// A charge that was written down and not asked for: its process ended in between.
pub(super) async fn charge_cut_short(slug: &str) -> (Shop, AccountId, String) {
    let mut shop = Shop::new(slug).await;
    let [ana] = shop.debtors(["Ana"]).await;
    shop.leaves_card(ana, Card::Good).await;
    shop.works().await;
    shop.isp.now_is("2026-11-15T09:00:00Z").await;
    shop.does(ChargeAccount::KIND, json!({ "account": ana })).await.expect("written down");
    let attempt = shop.attempt(ana).await;
    assert_eq!((attempt["status"].as_str(), shop.provider.taken().len()), (Some("created"), 0));
    let id = attempt["id"].as_str().unwrap().to_owned();
    (shop, ana, id)
}

async fn looks(shop: &Shop, attempt: &str) -> bool {
    shop.does(LookAtAttempt::KIND, json!({ "attempt": attempt })).await.is_ok()
}

#[test]
fn a_crash_before_the_call_loses_nothing_and_two_workers_charge_once() {
    story(async {
        let (shop, ana, attempt) = charge_cut_short("crash-before").await;
        let (one, other) = tokio::join!(looks(&shop, &attempt), looks(&shop, &attempt));
        assert!(one && other);
        assert_eq!((shop.owes(ana).await.as_str(), shop.provider.taken().len()), ("0.00", 1));
        assert_eq!(shop.items("/payments").await.len(), 1);
    });
}

#[test]
fn an_answer_lost_on_its_way_is_unknown_until_it_is_asked_again() {
    story(async {
        for (n, fault) in [Fault::DoesAndIsSilent, Fault::DoesAndAnswers(500), Fault::Refuses(500), Fault::Refuses(429)]
            .into_iter()
            .enumerate()
        {
            let (shop, ana, attempt) = charge_cut_short(&format!("lost-{n}")).await;
            shop.provider.fault("/payment_intents", fault);
            assert!(!looks(&shop, &attempt).await, "{fault:?}: an answer nobody has is not a success");
            let told = shop.attempt(ana).await;
            assert_eq!((told["status"].as_str(), told["decline"].as_str()), (Some("unknown"), None), "{fault:?}");
            // Nothing else may be tried meanwhile.
            assert_eq!(shop.charges_due().await, 0);
            assert!(looks(&shop, &attempt).await);
            assert_eq!((shop.owes(ana).await.as_str(), shop.provider.taken().len()), ("0.00", 1), "{fault:?}");
            let steps = shop.isp.get(&format!("/payment-attempts/{attempt}")).await.expect(200)["steps"].clone();
            let whys: Vec<_> = steps.as_array().unwrap().iter().map(|step| step["why"].as_str().unwrap()).collect();
            assert_eq!(whys, ["asked", "no_answer", "answered"], "{fault:?}");
        }
    });
}

#[test]
fn after_a_day_an_unknown_charge_is_looked_for_and_not_repeated() {
    story(async {
        let (mut shop, ana, attempt) = charge_cut_short("old-unknown").await;
        shop.provider.fault("/payment_intents", Fault::DoesAndIsSilent);
        looks(&shop, &attempt).await;
        shop.isp.now_is("2026-11-17T09:00:00Z").await;
        let before = shop.provider.asked("POST /v1/payment_intents");
        assert!(looks(&shop, &attempt).await);
        assert_eq!(shop.provider.asked("POST /v1/payment_intents"), before, "the key may be forgotten by now");
        assert_eq!((shop.owes(ana).await.as_str(), shop.provider.taken().len()), ("0.00", 1));

        let (mut shop, ana, attempt) = charge_cut_short("old-never").await;
        shop.provider.fault("/payment_intents", Fault::Refuses(500));
        looks(&shop, &attempt).await;
        shop.isp.now_is("2026-11-17T09:00:00Z").await;
        assert!(looks(&shop, &attempt).await);
        let told = shop.attempt(ana).await;
        assert_eq!((told["status"].as_str(), told["code"].as_str()), (Some("failed"), Some("never_arrived")));
        assert_eq!(shop.provider.taken().len(), 0);
    });
}

#[test]
fn a_refund_without_an_answer_is_made_once() {
    story(async {
        for (n, fault) in [Fault::DoesAndIsSilent, Fault::Refuses(500)].into_iter().enumerate() {
            let (shop, ana, attempt) = charge_cut_short(&format!("refund-lost-{n}")).await;
            looks(&shop, &attempt).await;
            let payment = shop.attempt(ana).await["payment_id"].as_str().unwrap().to_owned();
            shop.provider.fault("/refunds", fault);
            let wish = json!({ "amount": { "amount": "10.00", "currency": "EUR" }, "reason": "Test" });
            let path = format!("/payments/{payment}/refunds");
            let told = shop.isp.post_once(&path, "r", wish).await.expect(201);
            assert_eq!((told["status"].as_str(), shop.owes(ana).await), (Some("unknown"), "0.00".into()));
            shop.reconciles().await;
            shop.works().await;
            let refunds = shop.items(&path).await;
            assert_eq!((refunds.len(), refunds[0]["status"].as_str()), (1, Some("succeeded")), "{fault:?}");
            assert_eq!((shop.owes(ana).await, shop.books("1020").await), ("10.00".into(), "20.00".into()));
        }
    });
}

#[test]
fn a_message_that_is_forged_stale_or_garbage_moves_nothing() {
    story(async {
        let shop = Shop::new("forged").await;
        let [ana] = shop.debtors(["Ana"]).await;
        let (_, page) = shop.opens_page(ana, false).await;
        let now = shop.isp.app.clock.system_now().timestamp();
        let claim = json!({
            "id": "evt_forged", "type": "checkout.session.completed",
            "data": { "object": { "id": page, "object": "checkout.session", "mode": "payment", "payment_status": "paid" } },
        });
        let raw = claim.to_string().into_bytes();
        for sign in [
            None,
            Some("nonsense".to_owned()),
            Some(signature("whsec_guessed", &raw, now)),
            Some(signature(WEBHOOK_SECRET, &raw, now - 301)),
            Some(signature(WEBHOOK_SECRET, b"another message", now)),
        ] {
            assert_eq!(shop.hears_signed(&raw, sign.as_deref()).await, 400, "{sign:?}");
        }
        assert_eq!(shop.hears_signed(b"{}", Some(&signature(WEBHOOK_SECRET, b"{}", now))).await, 400);
        // Even a message that is really signed only makes us look: nobody has paid.
        assert_eq!(shop.hears(&Message { kind: String::new(), raw }).await, 204);
        assert_eq!(shop.works().await, 0);
        assert_eq!((shop.owes(ana).await, shop.books("1020").await), ("30.00".into(), "0.00".into()));
    });
}

#[test]
fn what_was_paid_is_what_is_posted() {
    story(async {
        let shop = Shop::new("differs").await;
        let [ana] = shop.debtors(["Ana"]).await;
        let (_, page) = shop.opens_page(ana, false).await;
        shop.provider.pay(&page, Card::Good);
        let intent = shop.provider.taken()[0].0.clone();
        shop.provider.tamper(&intent, "amount_received", json!(2900));
        shop.reconciles().await;
        shop.reconciles().await;
        assert_eq!(shop.attempt(ana).await["status"], "succeeded");
        assert_eq!((shop.owes(ana).await, shop.items("/payments").await.len()), ("30.00".into(), 0));
        assert_eq!((shop.books("1020").await, shop.books("2130").await), ("29.00".into(), "-29.00".into()));
        let waiting = shop.items("/suspense-items").await;
        assert_eq!((waiting.len(), waiting[0]["why"].as_str()), (1, Some("amount_differs")));
        assert_eq!(waiting[0]["suggestions"][0]["account_id"], json!(ana));
        let path = format!("/suspense-items/{}/match", waiting[0]["id"].as_str().unwrap());
        shop.isp.post(&path, json!({ "account_id": ana })).await.expect(200);
        assert_eq!((shop.owes(ana).await, shop.books("2130").await), ("1.00".into(), "0.00".into()));
        let twice = shop.isp.post(&path, json!({ "account_id": ana })).await;
        assert_eq!((twice.status.as_u16(), twice.problem().as_str()), (409, "suspense-item-settled"));
    });
}

#[test]
fn a_wrong_key_charges_nobody_and_the_right_one_goes_on() {
    story(async {
        let (shop, ana, attempt) = charge_cut_short("wrong-key").await;
        shop.isp.patch("/payment-provider", json!({ "secret_key": "sk_wrong_1" })).await.expect(200);
        assert!(!looks(&shop, &attempt).await);
        shop.isp.patch("/payment-provider", json!({ "secret_key": "sk_test_right" })).await.expect(200);
        assert!(looks(&shop, &attempt).await);
        assert_eq!((shop.owes(ana).await.as_str(), shop.provider.taken().len()), ("0.00", 1));
    });
}
