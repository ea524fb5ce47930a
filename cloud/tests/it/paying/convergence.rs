//! Messages in any order, twice, late or never: after a comparison with the provider the rows and the books are the same.

use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;
use serde_json::{Value, json};
use weir_cloud::jobs::Job;
use weir_cloud::payments::jobs::ChargeDue;
use weir_lab::provider::{Card, Message};

use super::shop::Shop;
use crate::money::harness::story;

/// What happens to the messages: for each delivery, which message, and whether jobs are worked on after it.
type Deliveries = Vec<(prop::sample::Index, bool)>;

/// Payments, attempts, refunds, sums in suspense and books, without names and instants.
async fn state(shop: &Shop) -> Value {
    let told = |items: Vec<Value>, fields: &[&str]| {
        let mut told: Vec<_> = items
            .iter()
            .map(|item| fields.iter().map(|field| item[*field].to_string()).collect::<Vec<_>>().join(" "))
            .collect();
        told.sort();
        told
    };
    let payments = shop.items("/payments").await;
    let mut refunds = Vec::new();
    for payment in &payments {
        refunds.extend(shop.items(&format!("/payments/{}/refunds", payment["id"].as_str().unwrap())).await);
    }
    let mut books = Vec::new();
    for code in ["1020", "1100", "2100", "2130", "4000"] {
        books.push(format!("{code} {}", shop.books(code).await));
    }
    json!({
        "payments": told(payments, &["account_id", "amount", "method", "surplus", "refunded"]).len(),
        "attempts": told(shop.items("/payment-attempts").await, &["status", "amount", "decline", "code", "retry_on"]),
        "refunds": told(refunds, &["status", "amount"]),
        "suspense": told(shop.items("/suspense-items").await, &["amount", "why"]),
        "invoices": told(shop.items("/invoices").await, &["open", "collection_status"]),
        "books": books,
    })
}

/// A page that is paid and partly given back, a bank debit, a decline, and money nobody asked for.
async fn world(slug: &str) -> (Shop, Vec<Message>) {
    let mut shop = Shop::new(slug).await;
    let [page, slow, poor] = shop.debtors(["Page", "Slow", "Poor"]).await;
    shop.leaves_card(slow, Card::Slow).await;
    let card = shop.leaves_card(poor, Card::Good).await;
    shop.provider.becomes(&card, Card::Declined("insufficient_funds"));
    shop.works().await;
    let heard = shop.provider.messages().len();
    let (_, session) = shop.opens_page(page, false).await;
    shop.provider.pay(&session, Card::Good);
    let paid = shop.provider.taken()[0].0.clone();
    shop.provider.dashboard_refund(&paid, 1000);
    shop.isp.now_is("2026-11-15T09:00:00Z").await;
    shop.does(ChargeDue::KIND, json!({})).await.expect("charges are written down");
    for account in [slow, poor] {
        // The charges are asked for, and their answers lost: all we have is messages.
        let attempt = shop.attempt(account).await["id"].clone();
        shop.provider.fault("/payment_intents", weir_lab::provider::Fault::DoesAndIsSilent);
        let looked = shop.does("payments.look_at_attempt", json!({ "attempt": attempt })).await;
        assert!(looked.is_err());
    }
    shop.provider.unsolicited("cus_of_nobody", 500, "eur");
    let slow_intent = intent_that_is(&shop, "processing");
    shop.provider.bank_says(&slow_intent, true);
    let messages = shop.provider.messages().split_off(heard);
    (shop, messages)
}

/// The name of a payment somebody was told to be in this state.
fn intent_that_is(shop: &Shop, status: &str) -> String {
    let told =
        shop.provider.messages().into_iter().filter_map(|message| serde_json::from_slice::<Value>(&message.raw).ok());
    let mut found = told.filter(|told| told["data"]["object"]["status"] == status);
    found.next().expect("a payment")["data"]["object"]["id"].as_str().expect("a name").to_owned()
}

async fn converged(deliveries: &Deliveries) -> Value {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let (shop, messages) = world(&format!("converge-{}", COUNT.fetch_add(1, Ordering::Relaxed))).await;
    for (which, work) in deliveries {
        let message = which.get(&messages);
        assert_eq!(shop.hears(message).await, 204, "{}", message.kind);
        if *work {
            assert_eq!(shop.works().await, 0, "{}", message.kind);
        }
    }
    shop.works().await;
    shop.reconciles().await;
    let once = state(&shop).await;
    // What arrives after the comparison, all of it, changes nothing.
    for message in messages.iter().rev() {
        assert_eq!(shop.hears(message).await, 204);
    }
    shop.works().await;
    shop.reconciles().await;
    assert_eq!(state(&shop).await, once, "late messages changed something");
    once
}

#[test]
fn without_a_single_message_everything_is_found() {
    story(async {
        let found = converged(&Vec::new()).await;
        let amount = |text: &str| format!("{{\"amount\":\"{text}\",\"currency\":\"EUR\"}}");
        assert_eq!(found["payments"], 2);
        assert_eq!(
            found["attempts"],
            json!([
                format!("\"failed\" {} \"soft\" \"insufficient_funds\" \"2026-11-16\"", amount("30.00")),
                format!("\"succeeded\" {} null null null", amount("30.00")),
                format!("\"succeeded\" {} null null null", amount("30.00")),
            ])
        );
        assert_eq!(found["refunds"], json!([format!("\"succeeded\" {}", amount("10.00"))]));
        assert_eq!(found["suspense"], json!([format!("{} \"unsolicited\"", amount("5.00"))]));
        assert_eq!(found["books"], json!(["1020 55.00", "1100 40.00", "2100 0.00", "2130 -5.00", "4000 -90.00"]));
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_order_of_messages_comes_to_the_same(deliveries in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..16)) {
        let (some, none) = story(async { (converged(&deliveries).await, converged(&Vec::new()).await) });
        prop_assert_eq!(some, none);
    }
}
