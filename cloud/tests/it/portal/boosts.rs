//! A faster time: offered where the ISP sells in its portal and where it does something, at the price that is shown, once.

use serde_json::{Value, json};

use super::harness::{Browser, add, bill, id};
use super::top_ups::{buyer, reference, sells};
use crate::harness::{Isp, run};

async fn product(isp: &Isp, name: &str, rate_down_bps: i64) -> String {
    let price = json!({ "amount": "5.00", "currency": "EUR" });
    let wish = json!({ "name": name, "rate_down_bps": rate_down_bps, "minutes": 120, "price": price });
    id(&add(isp, "/boost-products", wish).await)
}

async fn bought(isp: &Isp, line: &str) -> Vec<Value> {
    let boosts = isp.get(&format!("/api/v1/subscriptions/{line}/boosts")).await.expect(200);
    boosts["items"].as_array().expect("boosts").clone()
}

#[test]
fn a_faster_time_costs_what_the_page_says_and_is_shown() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let (browser, _, me) = buyer(&isp, "fast@boost.example").await;
        let fast = product(&isp, "Fast evening", 900_000_000_000).await;
        product(&isp, "Slow evening", 1).await;
        let (usage, offer) = (format!("/lines/{}/usage", me.line), format!("/lines/{}/boosts/{fast}", me.line));
        assert!(!browser.get(&usage).await.text.contains("Fast evening"), "the ISP does not sell here");
        assert_eq!(browser.get(&offer).await.status, 409);
        sells(&isp, true).await;
        let page = browser.get(&usage).await.text;
        assert!(page.contains("Fast evening, 2 h") && page.contains("6.05"), "{page}");
        assert!(!page.contains("Slow evening"), "it would do nothing");
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
        let boosts = bought(&isp, &me.line).await;
        assert_eq!((boosts.len(), &boosts[0]["sold_by"]), (1, &json!(me.subscriber)), "{boosts:?}");
        for path in ["", &usage] {
            let text = browser.get(path).await.text;
            assert!(text.contains("Fast evening makes your line faster"), "{path}: {text}");
        }
        let mut charged = Vec::new();
        let today = boosts[0]["sold_at"].as_str().expect("an instant")[..10].to_owned();
        for invoice in bill(&isp, &today, &me.account).await {
            let invoice = isp.get(&format!("/api/v1/invoices/{}", id(&invoice))).await.expect(200);
            let lines = invoice["lines"].as_array().expect("lines");
            charged.extend(lines.iter().filter(|line| line["kind"] == "boost").cloned());
        }
        assert_eq!((charged.len(), &charged[0]["net"]["amount"]), (1, &json!("5.00")), "{charged:?}");
    });
}

#[test]
fn nobody_boosts_another_line_nor_without_end() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let (browser, shop, me) = buyer(&isp, "limits@boost.example").await;
        let fast = product(&isp, "Fast evening", 900_000_000_000).await;
        sells(&isp, true).await;
        let at = |line: &str| format!("/lines/{line}/boosts/{fast}");
        let stranger = Browser::of(&isp).await;
        assert_eq!(stranger.post(&at(&me.line), "reference=a").await.status, 303, "nobody is signed in");
        let theirs =
            super::harness::sell(&isp, &shop, "Delta", "delta@boost.example", &shop.small, "10.9.0.3/32").await;
        assert_eq!(browser.post(&at(&theirs.line), "reference=d").await.status, 404, "another's line");
        assert_eq!((bought(&isp, &me.line).await.len(), bought(&isp, &theirs.line).await.len()), (0, 0));
        for n in 1..=5 {
            assert_eq!(browser.post(&at(&me.line), &format!("reference=r{n}")).await.status, 303);
            let beside = browser.post(&at(&me.line), &format!("reference=beside{n}")).await;
            assert!(beside.status == 409 && beside.text.contains("no faster than one"), "{}", beside.text);
            let running = bought(&isp, &me.line).await;
            isp.post(&format!("/api/v1/boosts/{}/cancel", id(&running[0])), json!({})).await.expect(200);
        }
        let sixth = browser.post(&at(&me.line), "reference=r6").await;
        assert!(sixth.status == 409 && sixth.text.contains("enough for today"), "{}", sixth.text);
        assert_eq!(bought(&isp, &me.line).await.len(), 5, "what was cancelled stays bought");
        let hold = json!({ "kind": "unpaid", "effect": "throttled", "reason": "owes" });
        isp.post(&format!("/api/v1/subscriptions/{}/holds", me.line), hold).await.expect(201);
        assert_eq!(browser.get(&at(&me.line)).await.status, 409, "a held line would not be faster");
    });
}
