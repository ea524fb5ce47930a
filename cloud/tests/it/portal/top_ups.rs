//! More volume: offered where the ISP sells it here, at the price that is shown, once, and not without end.

use serde_json::{Value, json};

use super::harness::{Browser, Shop, Sold, add, bill, id, sell, shop};
use crate::harness::{Isp, run};

async fn product(isp: &Isp, name: &str, currency: &str) -> String {
    let price = json!({ "amount": "5.00", "currency": currency });
    id(&add(isp, "/top-up-products", json!({ "name": name, "bytes": 10_000_000_000_i64, "price": price })).await)
}

/// An ISP that sells in its portal, and a subscriber with a metered line, signed in.
pub(super) async fn buyer(isp: &Isp, email: &str) -> (Browser, Shop, Sold) {
    isp.patch("/api/v1/tenant", json!({ "tax_name": "IVA", "tax_rate_percent": "21" })).await.expect(200);
    let shop = shop(isp).await;
    let me = sell(isp, &shop, "Amara Okafor", email, &shop.small, "10.9.0.2/32").await;
    let mut browser = Browser::of(isp).await;
    browser.enter(isp, &me.subscriber).await;
    (browser, shop, me)
}

pub(super) async fn sells(isp: &Isp, top_ups: bool) {
    isp.patch("/api/v1/portal-settings", json!({ "top_ups": top_ups })).await.expect(200);
}

async fn bought(isp: &Isp, line: &str) -> Vec<Value> {
    let standing = isp.get(&format!("/api/v1/subscriptions/{line}/fair-use")).await.expect(200);
    standing["top_ups"].as_array().expect("top-ups").clone()
}

/// The reference in the form of a page that asks.
pub(super) fn reference(page: &str) -> String {
    let at = page.find("name=\"reference\"").expect("a reference");
    let rest = &page[at..];
    let from = rest.find("value=\"").expect("its value") + 7;
    rest[from..].split('"').next().expect("an end").to_owned()
}

#[test]
fn more_volume_costs_what_the_page_says() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let (browser, _, me) = buyer(&isp, "more@volume.example").await;
        let more = product(&isp, "10 GB more", "EUR").await;
        let (usage, offer) = (format!("/lines/{}/usage", me.line), format!("/lines/{}/top-ups/{more}", me.line));
        assert!(!browser.get(&usage).await.text.contains("10 GB more"), "the ISP does not sell here");
        assert_eq!(browser.get(&offer).await.status, 409);
        sells(&isp, true).await;
        let page = browser.get(&usage).await.text;
        assert!(page.contains("10 GB more") && page.contains("6.05"), "{page}");
        let asked = browser.get(&offer).await;
        assert_eq!(asked.status, 200, "{}", asked.text);
        for figure in ["5.00", "1.05", "6.05"] {
            assert!(asked.text.contains(figure), "{figure} is not in {}", asked.text);
        }
        assert_eq!(bought(&isp, &me.line).await.len(), 0, "asking buys nothing");

        let form = format!("reference={}", reference(&asked.text));
        for _ in 0..2 {
            assert_eq!(browser.post(&offer, &form).await.status, 303, "sent twice, bought once");
        }
        let top_ups = bought(&isp, &me.line).await;
        assert_eq!((top_ups.len(), &top_ups[0]["sold_by"]), (1, &json!(me.subscriber)), "{top_ups:?}");
        let until: chrono::NaiveDate = top_ups[0]["until_on"].as_str().expect("a day").parse().expect("a day");
        let invoices = bill(&isp, &until.to_string(), &me.account).await;
        let mut lines = Vec::new();
        for invoice in &invoices {
            let invoice = isp.get(&format!("/api/v1/invoices/{}", id(invoice))).await.expect(200);
            lines.extend(invoice["lines"].as_array().expect("lines").iter().cloned());
        }
        let charged: Vec<_> = lines.iter().filter(|line| line["kind"] == "top_up").collect();
        assert_eq!((charged.len(), &charged[0]["net"]["amount"]), (1, &json!("5.00")), "{lines:?}");
    });
}

#[test]
fn nobody_buys_what_is_not_for_them_nor_without_end() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let (browser, shop, me) = buyer(&isp, "limits@volume.example").await;
        let (more, dollars) = (product(&isp, "More", "EUR").await, product(&isp, "Dollars", "USD").await);
        sells(&isp, true).await;
        let at = |line: &str, product: &str| format!("/lines/{line}/top-ups/{product}");
        assert_eq!(browser.get(&at(&me.line, &dollars)).await.status, 409, "another currency");
        let stranger = Browser::of(&isp).await;
        assert_eq!(stranger.post(&at(&me.line, &more), "reference=a").await.status, 303, "nobody is signed in");
        assert_eq!(bought(&isp, &me.line).await.len(), 0);
        for n in 1..=5 {
            assert_eq!(browser.post(&at(&me.line, &more), &format!("reference=r{n}")).await.status, 303);
        }
        let theirs = sell(&isp, &shop, "Delta", "delta@volume.example", &shop.small, "10.9.0.3/32").await;
        assert_eq!(browser.get(&at(&theirs.line, &more)).await.status, 404, "another's line");
        assert_eq!(browser.post(&at(&theirs.line, &more), "reference=d").await.status, 404);
        assert_eq!(bought(&isp, &theirs.line).await.len(), 0);
        let sixth = browser.post(&at(&me.line, &more), "reference=r6").await;
        assert!(sixth.status == 409 && sixth.text.contains("enough for today"), "{}", sixth.text);
        assert_eq!(bought(&isp, &me.line).await.len(), 5);

        let hold = json!({ "kind": "unpaid", "effect": "throttled", "reason": "owes" });
        isp.post(&format!("/api/v1/subscriptions/{}/holds", me.line), hold).await.expect(201);
        let held = browser.get(&at(&me.line, &more)).await;
        assert!(held.status == 409 && !browser.get(&format!("/lines/{}/usage", me.line)).await.text.contains("More:"));
    });
}
