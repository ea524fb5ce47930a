//! Orders: placed by anybody, decided by staff, once.

use serde_json::{Value, json};
use weir_cloud::http::permission::Role;

use super::harness::{Browser, Shop, shop};
use crate::harness::{Isp, run};

fn form(shop: &Shop, email: &str, street: &str) -> String {
    format!(
        "plan_version_id={}&name=Noor+Haddad&email={}&phone=%2B34+600&line1={}&line2=&postcode=36201&city=Vigo&note=",
        shop.middle,
        email.replace('@', "%40"),
        street.replace(' ', "+")
    )
}

async fn orders(isp: &Isp) -> Vec<Value> {
    isp.get("/api/v1/orders").await.expect(200)["items"].as_array().expect("orders").clone()
}

#[test]
fn an_order_becomes_a_subscriber_when_staff_approve() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let shop = shop(&isp).await;
        let browser = Browser::of(&isp).await;
        let page = browser.get("/sign-up").await;
        assert!(
            page.text.contains("Radio 20") && page.text.contains("autocomplete=\"address-line1\""),
            "{}",
            page.text
        );
        let wrong = browser.post("/sign-up", &form(&shop, "not an address", "")).await;
        assert!(wrong.status == 422 && wrong.text.contains("aria-invalid=\"true\""), "{}", wrong.text);
        assert!(wrong.text.contains("Enter an e-mail address") && orders(&isp).await.is_empty(), "{}", wrong.text);
        for _ in 0..2 {
            let placed = browser.post("/sign-up", &form(&shop, "noor@orders.example", "Quay 31")).await;
            assert!(placed.status == 303 && placed.location.ends_with("/sign-up/thanks"), "{}", placed.text);
        }
        let found = orders(&isp).await;
        assert_eq!(found.len(), 1, "the same order twice is one: {found:?}");
        let path = format!("/api/v1/orders/{}", found[0]["id"].as_str().expect("an id"));
        let seller = cloud.staff(isp.tenant, Role::ReadOnly).await;
        let approve = format!("{path}/approve");
        let refused = cloud.ask(Some(&seller), axum::http::Method::POST, &approve, Some(json!({})));
        refused.await.refused(403, "forbidden");
        let approved = isp.post(&format!("{path}/approve"), json!({})).await.expect(200);
        assert_eq!(approved["status"], "approved");
        let subscriber = approved["subscriber_id"].as_str().expect("a subscriber");
        let made = isp.get(&format!("/api/v1/subscribers/{subscriber}")).await.expect(200);
        assert_eq!((&made["name"], &made["email"]), (&json!("Noor Haddad"), &json!("noor@orders.example")));
        let accounts = isp.get(&format!("/api/v1/accounts?subscriber_id={subscriber}")).await.expect(200);
        assert_eq!(accounts["items"].as_array().expect("accounts").len(), 1);
        let page = isp.get(&format!("/subscriptions/new?subscriber_id={subscriber}")).await;
        assert!(page.status == 200 && page.text.contains("Quay 31"), "{}", page.text);
        isp.post(&format!("{path}/approve"), json!({})).await.refused(409, "order-decided");
        isp.post(&format!("{path}/decline"), json!({ "reason": "No" })).await.refused(409, "order-decided");
    });
}

#[test]
fn an_order_is_declined_with_a_reason() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let shop = shop(&isp).await;
        Browser::of(&isp).await.post("/sign-up", &form(&shop, "far@orders.example", "Far Hill 1")).await;
        let order = orders(&isp).await.remove(0);
        let path = format!("/api/v1/orders/{}", order["id"].as_str().expect("an id"));
        let refused = isp.post(&format!("{path}/decline"), json!({ "reason": " " })).await.refused(422, "invalid");
        assert_eq!(refused["errors"][0]["field"], "reason");
        let declined = isp.post(&format!("{path}/decline"), json!({ "reason": "Out of sight" })).await.expect(200);
        assert_eq!((&declined["status"], &declined["reason"]), (&json!("declined"), &json!("Out of sight")));
        assert_eq!(declined["subscriber_id"], Value::Null);
        let waiting = isp.get("/api/v1/orders?status=placed").await.expect(200);
        assert_eq!(waiting["items"], json!([]));
        for path in ["/orders", "/orders?status=declined", &path.replace("/api/v1", "")] {
            let page = isp.get(path).await;
            assert!(page.status == 200 && page.text.contains("Noor Haddad"), "{path}: {}", page.text);
        }
    });
}

#[test]
fn programs_and_repetition_get_nowhere() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let shop = shop(&isp).await;
        let browser = Browser::of(&isp).await;
        let trapped =
            browser.post("/sign-up", &format!("{}&website=spam", form(&shop, "bot@orders.example", "A 1"))).await;
        assert!(trapped.status == 303 && orders(&isp).await.is_empty(), "a program learns nothing: {}", trapped.text);
        for street in ["A 1", "A 2", "A 3"] {
            let placed = browser.post("/sign-up", &form(&shop, "again@orders.example", street)).await;
            assert_eq!(placed.status, 303, "{}", placed.text);
        }
        let fourth = browser.post("/sign-up", &form(&shop, "again@orders.example", "A 4")).await;
        assert!(fourth.status == 429 && fourth.text.contains("That was too often"), "{}", fourth.text);
        assert_eq!(orders(&isp).await.len(), 3);
        let closed = Some(json!({ "sign_up": false }));
        cloud.ask(Some(&isp.owner), axum::http::Method::PATCH, "/api/v1/portal-settings", closed).await.expect(200);
        assert_eq!(browser.get("/sign-up").await.status, 404);
        assert_eq!(browser.post("/sign-up", &form(&shop, "late@orders.example", "B 1")).await.status, 404);
    });
}
