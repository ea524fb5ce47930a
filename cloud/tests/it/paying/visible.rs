//! What staff and payers see: every page of paying, in every language, and what a link may not do.

use serde_json::{Value, json};
use weir_cloud::http::permission::Role;
use weir_lab::provider::{Card, Fault};

use super::shop::Shop;
use crate::money::harness::story;
use crate::pages::unwritten;

#[test]
fn every_page_of_paying_is_written_in_every_language() {
    story(async {
        let shop = Shop::new("pay-pages").await;
        shop.isp.settings(json!({ "bank_iban": "ES9121000418450200051332", "contact": "+34 600 000 000" })).await;
        let [ana, ben] = shop.debtors(["Ana", "Ben"]).await;
        let (_, page) = shop.opens_page(ana, true).await;
        shop.provider.pay(&page, Card::Good);
        shop.provider.unsolicited("cus_x", 700, "eur");
        shop.reconciles().await;
        let attempt = shop.attempt(ana).await;
        let payment = attempt["payment_id"].as_str().unwrap();
        let path = format!("/payments/{payment}/refunds");
        let wish = json!({ "amount": { "amount": "1.00", "currency": "EUR" }, "reason": "Test" });
        shop.isp.post_once(&path, "r", wish).await.expect(201);
        let csv = json!({ "name": "x.csv", "content": "d,a,p,r\n2026-11-01,5.00,Ana,Hello there\n",
            "columns": { "booked_on": "d", "amount": "a", "payer": "p", "remittance": "r", "date_format": "%Y-%m-%d", "decimal_mark": ".", "separator": "," } });
        let file = shop.isp.post("/bank-files", csv).await.expect(201)["id"].as_str().unwrap().to_owned();
        shop.isp.post(&format!("/bank-files/{file}/import"), json!({})).await.expect(200);
        let broken = shop.isp.post("/bank-files", json!({ "name": "x", "content": "x" })).await.expect(201);
        let statement = shop.items("/bank-statements").await[0]["id"].as_str().unwrap().to_owned();
        let suspense = shop.items("/suspense-items").await[0]["id"].as_str().unwrap().to_owned();
        let (paid_link, open_link) = (shop.token(ana).await, shop.token(ben).await);
        let staff = [
            "/payments".to_owned(),
            format!("/payments/{payment}"),
            format!("/payments/{payment}/refund"),
            "/payment-attempts".into(),
            format!("/payment-attempts/{}", attempt["id"].as_str().unwrap()),
            format!("/accounts/{ana}"),
            "/settings".into(),
            "/settings/payments".into(),
            "/bank-statements".into(),
            format!("/bank-statements/{statement}"),
            "/bank-files/new".into(),
            format!("/bank-files/{file}"),
            format!("/bank-files/{}", broken["id"].as_str().unwrap()),
            "/suspense-items".into(),
            format!("/suspense-items/{suspense}"),
            "/ledger".into(),
        ];
        for lang in ["en", "es", "pt-BR", "fr", "ar"] {
            shop.isp.form("/preferences", &format!("language={lang}&theme=light")).await;
            let mut tx = shop.isp.app.db.begin(&shop.isp.scope()).await.unwrap();
            sqlx::query("UPDATE subscribers SET language = $1").bind(lang).execute(tx.conn()).await.unwrap();
            tx.commit().await.unwrap();
            let mut pages = Vec::new();
            for path in &staff {
                pages.push((path.clone(), shop.isp.page(path).await));
            }
            for path in
                [format!("/pay/{paid_link}"), format!("/pay/{open_link}"), format!("/pay/{paid_link}?back=paid")]
            {
                pages.push((path.clone(), shop.isp.browse_with("", &path, None).await));
            }
            for (path, page) in pages {
                assert_eq!(page.status, 200, "{lang} {path}: {}", page.text);
                assert_eq!(page.text.matches("<h1>").count(), 1, "{lang} {path}");
                assert!(unwritten(&page.text).is_empty(), "{lang} {path}: {:?}", unwritten(&page.text));
            }
        }
        let receipt = shop.isp.page(&format!("/payments/{payment}/receipt")).await;
        assert_eq!((receipt.status, receipt.kind.as_str()), (200, "application/pdf"));
    });
}

#[test]
fn a_link_is_one_accounts_and_cannot_be_made_up() {
    story(async {
        let shop = Shop::new("pay-link").await;
        let [ana, ben] = shop.debtors(["Ana", "Ben"]).await;
        let (one, other) = (shop.token(ana).await, shop.token(ben).await);
        assert_ne!(one, other);
        assert_eq!(shop.token(ana).await, one, "the same account has the same link");
        // The account of one with the proof of the other, letters changed, nothing at all.
        let spliced = format!("{}{}", &one[..43], &other[43..]);
        let changed = format!("{}{}", &one[..one.len() - 1], if one.ends_with('A') { "B" } else { "A" });
        let settings = shop.isp.get("/payment-provider").await.expect(200);
        let messages = settings["webhook_address"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        for wrong in [spliced.as_str(), &changed, "x", &one[..20], &messages] {
            let page = shop.isp.browse_with("", &format!("/pay/{wrong}"), None).await;
            assert_eq!(page.status, 404, "{wrong}: {}", page.text);
        }
        let page = shop.isp.browse_with("", &format!("/pay/{one}"), None).await;
        assert!(page.text.contains("€30.00 to pay") && !page.text.contains("<script"), "{}", page.text);
        assert!(!page.text.contains("Ana"), "a link says what is owed, not by whom");
        let pays = shop.isp.browse_with("", &format!("/pay/{one}"), Some("")).await;
        assert!(pays.status == 303 && pays.location.starts_with(&shop.provider.url()), "{}", pays.location);
    });
}

#[test]
fn a_payer_is_told_the_truth_about_what_is_not_known() {
    story(async {
        let shop = Shop::new("pay-truth").await;
        let [ana] = shop.debtors(["Ana"]).await;
        let token = shop.token(ana).await;
        shop.provider.fault("/checkout/sessions", Fault::Refuses(500));
        let refused = shop.isp.browse_with("", &format!("/pay/{token}"), Some("")).await;
        assert_eq!(refused.status, 502, "{}", refused.text);
        assert!(refused.text.contains("The payment provider does not answer"), "{}", refused.text);
        let pays = shop.isp.browse_with("", &format!("/pay/{token}"), Some("")).await;
        assert_eq!(pays.status, 303, "{}", pays.text);
        let page = pays.location.rsplit('/').next().unwrap().to_owned();
        // Back from the page, but the money is a bank's and takes days.
        shop.provider.pay(&page, Card::Slow);
        let back = shop.isp.browse_with("", &format!("/pay/{token}?back=paid"), None).await;
        assert!(
            back.text.contains("We have no confirmation yet") && !back.text.contains("received. Thank"),
            "{}",
            back.text
        );
        assert!(!back.text.contains("<form"), "nobody is asked to pay twice: {}", back.text);
        assert_eq!(shop.owes(ana).await, "30.00");
    });
}

#[test]
fn keys_are_never_shown_and_only_owners_change_them() {
    story(async {
        let shop = Shop::new("pay-keys").await;
        let saved = shop.isp.form("/settings/payments", "secret_key=sk_live_VerySecret99&enabled=yes").await;
        assert_eq!(saved.status, 303, "{}", saved.text);
        let page = shop.isp.page("/settings/payments").await;
        assert!(page.text.contains("et99") && !page.text.contains("VerySecret"), "{}", page.text);
        let told = shop.isp.get("/payment-provider").await.expect(200);
        assert!(!told.to_string().contains("VerySecret"));
        let wrong = shop.isp.form("/settings/payments", "secret_key=pk_live_1&webhook_secret=x&enabled=yes").await;
        assert_eq!(wrong.status, 422);
        assert!(!wrong.text.contains("pk_live_1"), "a secret's field is not filled in again");
        let billing = shop.isp.session_of(Role::Billing).await;
        assert_eq!(shop.isp.browse(&billing, "/settings/payments", Some("enabled=")).await.status, 403);
        let mut tx = shop.isp.app.db.read(&shop.isp.scope()).await.unwrap();
        let rows: Vec<Value> =
            sqlx::query_scalar("SELECT to_jsonb(p) FROM payment_providers p").fetch_all(tx.conn()).await.unwrap();
        assert!(!rows[0].to_string().contains(&hex::encode("VerySecret")), "{rows:?}");
    });
}
