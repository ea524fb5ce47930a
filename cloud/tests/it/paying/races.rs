//! Two ways to pay at once: whoever pays at the counter while a charge waits for a provider does not pay twice.

use serde_json::{Value, json};
use weir_cloud::ids::AccountId;
use weir_cloud::jobs::Job;
use weir_cloud::payments::jobs::LookAtAttempt;
use weir_lab::provider::Fault;

use super::shop::Shop;
use super::trouble::charge_cut_short;
use crate::money::harness::story;

async fn pays_cash(shop: &Shop, account: AccountId, amount: &str) {
    let amount = json!({ "amount": amount, "currency": "EUR" });
    let wish = json!({ "account_id": account, "method": "cash", "amount": amount, "received_on": "2026-11-15" });
    shop.isp.post_once("/payments", "cash", wish).await.expect(201);
}

async fn looks(shop: &Shop, attempt: &str) -> bool {
    shop.does(LookAtAttempt::KIND, json!({ "attempt": attempt })).await.is_ok()
}

fn why(attempt: &Value) -> &str {
    attempt["steps"].as_array().and_then(|steps| steps.last()).and_then(|step| step["why"].as_str()).unwrap_or_default()
}

#[test]
fn a_charge_nobody_was_asked_for_ends_when_it_is_paid_otherwise() {
    story(async {
        let (shop, ana, attempt) = charge_cut_short("race-before").await;
        pays_cash(&shop, ana, "30.00").await;
        assert!(looks(&shop, &attempt).await);
        let told = shop.isp.get(&format!("/payment-attempts/{attempt}")).await.expect(200);
        assert_eq!((told["status"].as_str(), why(&told)), (Some("cancelled"), "no_longer_owed"));
        assert_eq!((shop.provider.taken().len(), shop.items("/payments").await.len()), (0, 1));

        // Of a part that was paid the rest is charged, and no more.
        let (shop, ana, attempt) = charge_cut_short("race-part").await;
        pays_cash(&shop, ana, "10.00").await;
        assert!(looks(&shop, &attempt).await);
        assert_eq!(shop.charges_due().await, 0);
        let taken: i64 = shop.provider.taken().iter().map(|(_, units)| units).sum();
        assert_eq!((taken, shop.owes(ana).await), (2000, "0.00".into()));
    });
}

#[test]
fn a_charge_without_an_answer_is_only_looked_for_once_it_is_paid_otherwise() {
    story(async {
        // It never arrived: nothing is taken, whatever is asked for how often, and after a day it is over.
        let (mut shop, ana, attempt) = charge_cut_short("race-lost").await;
        shop.provider.fault("/payment_intents", Fault::Refuses(500));
        assert!(!looks(&shop, &attempt).await);
        pays_cash(&shop, ana, "30.00").await;
        assert!(looks(&shop, &attempt).await);
        assert_eq!((shop.provider.taken().len(), shop.attempt(ana).await["status"].clone()), (0, json!("unknown")));
        shop.isp.now_is("2026-11-16T10:00:00Z").await;
        shop.reconciles().await;
        let told = shop.attempt(ana).await;
        assert_eq!((told["status"].as_str(), told["code"].as_str()), (Some("failed"), Some("never_arrived")));
        assert_eq!(shop.provider.taken().len(), 0);

        // It arrived: it is found, and what was paid twice is the account's credit.
        let (shop, ana, attempt) = charge_cut_short("race-arrived").await;
        shop.provider.fault("/payment_intents", Fault::DoesAndIsSilent);
        assert!(!looks(&shop, &attempt).await);
        pays_cash(&shop, ana, "30.00").await;
        assert!(looks(&shop, &attempt).await);
        assert_eq!(shop.attempt(ana).await["status"], "succeeded");
        let standing = shop.isp.get(&format!("/accounts/{ana}/standing")).await.expect(200);
        assert_eq!((shop.provider.taken().len(), &standing["credit"]["amount"]), (1, &json!("30.00")));
    });
}

#[test]
fn a_page_the_provider_does_not_know_keeps_nobody_from_paying() {
    story(async {
        let mut shop = Shop::new("page-of-another").await;
        let [ana] = shop.debtors(["Ana"]).await;
        let (_, page) = shop.opens_page(ana, false).await;
        // Other keys are entered: the page is another account's.
        shop.provider.forgets(&page);
        shop.isp.now_is("2026-11-02T12:00:00Z").await;
        let (attempt, other) = shop.opens_page(ana, false).await;
        assert!(attempt["status"] == "pending" && other != page);
    });
}

#[test]
fn what_comes_with_a_link_is_a_name_and_never_a_path() {
    story(async {
        let shop = Shop::new("saved-path").await;
        let [ana] = shop.debtors(["Ana"]).await;
        let token = shop.token(ana).await;
        for saved in ["..%2F..%2Fcustomers", "x%3Flimit%3D1", "cs_1%2F..%2F..%2Frefunds"] {
            let page = shop.isp.browse_with("", &format!("/pay/{token}?saved={saved}"), None).await;
            assert_eq!(page.status, 200, "{}", page.text);
        }
        assert_eq!((shop.provider.asked("customers"), shop.provider.asked("refunds")), (0, 0));
    });
}
