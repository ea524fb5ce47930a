//! A subscriber sees what is theirs; what is another's is not there, even of the same ISP.

use super::harness::{Browser, bill, sell, shop, today};
use crate::harness::run;

#[test]
fn nothing_of_anybody_else_is_there() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let shop = shop(&isp).await;
        let mine = sell(&isp, &shop, "Amara Okafor", "amara@own.example", &shop.middle, "10.20.0.2/32").await;
        let theirs = sell(&isp, &shop, "Delta Bakery", "delta@own.example", &shop.middle, "10.20.0.3/32").await;
        let day = today(&isp).to_string();
        let invoices = bill(&isp, &day, &theirs.account).await;
        let their_invoice = invoices[0]["id"].as_str().expect("an invoice").to_owned();
        let my_invoices = bill(&isp, &day, &mine.account).await;
        let my_invoice = my_invoices[0]["id"].as_str().expect("an invoice").to_owned();
        let wish = serde_json::json!({ "reason": "Out of order" });
        let mut notes = Vec::new();
        for invoice in [&their_invoice, &my_invoice] {
            let note =
                isp.once(&format!("/api/v1/invoices/{invoice}/credit-notes"), invoice, wish.clone()).await.expect(201);
            notes.push(note["id"].as_str().expect("an id").to_owned());
        }

        let mut delta = Browser::of(&isp).await;
        delta.enter(&isp, &theirs.subscriber).await;
        let asked = delta.post("/help", "title=Delta+is+slow&body=Since+noon").await;
        assert!(asked.status == 200 && asked.text.contains("We have your question"), "{}", asked.text);
        let their_ticket = asked.text.split("/help/tkt_").nth(1).and_then(|rest| rest.split('"').next());
        let their_ticket = format!("tkt_{}", their_ticket.expect("a ticket"));
        let more = delta.post(&format!("/help/{their_ticket}"), "body=Better+now").await;
        assert_eq!(more.status, 303, "{}", more.text);
        assert!(delta.get(&format!("/help/{their_ticket}")).await.text.contains("Better now"));

        let mut browser = Browser::of(&isp).await;
        browser.enter(&isp, &mine.subscriber).await;
        let before = crate::refusals::rows(cloud, isp.tenant).await;
        let version = &shop.large;
        for (method, path) in [
            ("GET", format!("/bills/{their_invoice}/pdf")),
            ("GET", format!("/credit-notes/{}/pdf", notes[0])),
            ("GET", format!("/accounts/{}/statement", theirs.account)),
            ("GET", format!("/accounts/{}/statement/pdf", theirs.account)),
            ("GET", format!("/help/{their_ticket}")),
            ("POST", format!("/help/{their_ticket}")),
            ("GET", format!("/lines/{}/usage", theirs.line)),
            ("GET", format!("/lines/{}/plan", theirs.line)),
            ("GET", format!("/lines/{}/plan/{version}", theirs.line)),
            ("POST", format!("/lines/{}/plan/{version}", theirs.line)),
        ] {
            let page = browser.send(method, &format!("/portal/{}{path}", browser.slug), Some("body=Mine"), &[]).await;
            assert_eq!(page.status, 404, "{method} {path}: {}", page.text);
            assert!(!page.text.contains("Delta"), "{method} {path}: {}", page.text);
        }
        let changed = crate::refusals::difference(&before, &crate::refusals::rows(cloud, isp.tenant).await);
        assert_eq!(changed, Vec::<String>::new(), "another's line was changed");

        for path in ["", "/bills", "/account", "/help"] {
            let page = browser.get(path).await;
            assert_eq!(page.status, 200, "{path}: {}", page.text);
            assert!(!page.text.contains("Delta") && !page.text.contains(&theirs.line), "{path}: {}", page.text);
            assert!(!page.text.contains(&their_invoice), "{path}: {}", page.text);
        }
        let bills = browser.get("/bills").await.text;
        assert!(bills.contains(&my_invoice) && bills.contains(&notes[1]) && !bills.contains(&notes[0]), "{bills}");
        let note = browser.get(&format!("/credit-notes/{}/pdf", notes[1])).await;
        assert_eq!((note.status, note.kind.as_str()), (200, "application/pdf"));
        let document = browser.get(&format!("/bills/{my_invoice}/pdf")).await;
        assert_eq!((document.status, document.kind.as_str()), (200, "application/pdf"));
        assert_eq!(browser.get(&format!("/lines/{}/usage", mine.line)).await.status, 200);
        assert!(!bills.contains(&theirs.account), "{bills}");
        has_a_statement(&browser, &bills, &mine.account, &my_invoice).await;
    });
}

/// The bills lead to a statement of the account, which names its invoice, as a page and as a document.
async fn has_a_statement(browser: &Browser, bills: &str, account: &str, invoice: &str) {
    let path = format!("/accounts/{account}/statement");
    assert!(bills.contains(&path), "{bills}");
    let statement = browser.get(&path).await;
    assert!(statement.status == 200 && statement.text.contains(invoice), "{}", statement.text);
    assert!(statement.text.contains("Opening balance") && statement.text.contains("Last quarter"));
    let days = statement.text.split(&format!("{path}/pdf?")).nth(1).and_then(|rest| rest.split('"').next());
    let document = browser.get(&format!("{path}/pdf?{}", days.expect("a document").replace("&#38;", "&"))).await;
    assert_eq!((document.status, document.kind.as_str()), (200, "application/pdf"));
}

#[test]
fn nobody_sees_anything_without_signing_in() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let browser = Browser::of(&isp).await;
        let sign_in = format!("/portal/{}/sign-in", browser.slug);
        let line = "sub_0193594bd1e27c3f8a6b5d4e3f2a1b0c";
        let plan = "plv_0193594bd1e27c3f8a6b5d4e3f2a1b0c";
        for path in ["", "/live", "/bills", "/account", "/bills/inv_0193594bd1e27c3f8a6b5d4e3f2a1b0c/pdf"] {
            assert_eq!(browser.get(path).await.location, sign_in, "{path}");
        }
        for path in
            [format!("/lines/{line}/usage"), format!("/lines/{line}/plan"), format!("/lines/{line}/plan/{plan}")]
        {
            assert_eq!(browser.get(&path).await.location, sign_in, "{path}");
        }
        let page = browser.get("/nothing/here").await;
        assert!(page.status == 404 && page.text.contains("There is nothing here"), "{}", page.text);
        let nobody = browser.send("GET", "/portal/no-such-isp/sign-in", None, &[]).await;
        assert_eq!(nobody.status, 404);
    });
}
