//! Proformas: what is asked for ahead, that nothing is owed by it, and what becomes of the money.

use serde_json::json;

use super::harness::story;
use super::one_line::{day, eur, serving};
use super::world::payment;

#[test]
fn what_is_paid_ahead_pays_the_invoices_when_they_come() {
    story(async {
        let (mut isp, account, _) = serving("proforma", "2027-03-01", "29.90", &json!({})).await;
        isp.settings(json!({ "tax_rate_percent": "21", "tax_name": "IVA" })).await;
        isp.bill("2027-03-01").await;
        let paid = payment(account, "36.18", "EUR", "2027-03-01");
        isp.post_once("/payments", "march", paid).await.expect(201);
        let books = isp.get("/ledger/trial-balance").await.expect(200)["rows"].clone();

        let path = format!("/accounts/{account}/proformas");
        let wish = json!({ "as_of": "2027-05-01" });
        let asked = isp.post_once(&path, "spring", wish.clone()).await.expect(201);
        // April and May at 29.90, and 21 % of both.
        assert_eq!((&asked["net"], &asked["tax"], &asked["gross"]), (&eur("59.80"), &eur("12.56"), &eur("72.36")));
        assert_eq!((asked["number"].as_str(), asked["status"].as_str()), (Some("PRO-2027-000001"), Some("open")));
        let days: Vec<_> = asked["lines"].as_array().unwrap().iter().map(|line| line["from"].clone()).collect();
        assert_eq!(days, ["2027-04-01", "2027-05-01"]);
        assert_eq!(
            isp.post_once(&path, "spring", wish.clone()).await.expect(201),
            asked,
            "asked again for the same key"
        );
        assert_eq!(isp.post_once(&path, "more", wish.clone()).await.problem(), "proforma-open");

        // Nothing is owed by it and nothing is in the books, and the payment page asks for it.
        assert_eq!(isp.get("/ledger/trial-balance").await.expect(200)["rows"], books);
        let standing = isp.get(&format!("/accounts/{account}/standing")).await.expect(200);
        assert_eq!((&standing["open"], &standing["balance"]), (&eur("0.00"), &eur("0.00")));
        let link = isp.page(&format!("/accounts/{account}")).await.text;
        let link =
            link.split("/pay/").nth(1).and_then(|rest| rest.split(['"', '<', '&']).next()).expect("a payment link");
        let page = isp.page(&format!("/pay/{link}")).await.text;
        for said in ["€72.36", "PRO-2027-000001", "asked for ahead"] {
            assert!(page.contains(said), "{said} is missing: {page}");
        }
        let id = asked["id"].as_str().unwrap().to_owned();
        let drawn = isp.page(&format!("/proformas/{id}/pdf")).await;
        assert!(drawn.status == 200 && drawn.text.starts_with("%PDF-"));

        isp.now_is("2027-03-20T10:00:00Z").await;
        isp.post_once("/payments", "ahead", payment(account, "40.00", "EUR", "2027-03-10")).await.expect(201);
        let seen = isp.get(&format!("/proformas/{id}")).await.expect(200);
        assert_eq!((&seen["left"], seen["status"].as_str()), (&eur("32.36"), Some("open")));
        isp.post_once("/payments", "rest", payment(account, "32.36", "EUR", "2027-03-20")).await.expect(201);
        assert_eq!(isp.get(&format!("/proformas/{id}")).await.expect(200)["status"], "covered");

        for first in ["2027-04-01", "2027-05-01"] {
            assert!(day(&mut isp, first).await, "{first}");
            let newest = isp.get("/invoices").await.expect(200)["items"][0].clone();
            assert_eq!((&newest["gross"], newest["collection_status"].as_str()), (&eur("36.18"), Some("paid")));
            isp.assert_books_agree().await;
        }
        day(&mut isp, "2027-05-02").await;
        assert_eq!(isp.get(&format!("/proformas/{id}")).await.expect(200)["status"], "past");
        assert_eq!(isp.post(&format!("/proformas/{id}/withdraw"), json!({})).await.problem(), "proforma-past");
    });
}

#[test]
fn what_cannot_be_asked_is_refused_and_a_withdrawn_one_asks_no_more() {
    story(async {
        let (isp, account, _) = serving("proforma-refused", "2027-03-01", "29.90", &json!({})).await;
        isp.bill("2027-03-01").await;
        let path = format!("/accounts/{account}/proformas");
        let ask = |as_of: &str| json!({ "as_of": as_of });
        for (as_of, kind) in [
            ("2027-02-28", "invalid"),
            ("2028-04-05", "invalid"),
            ("2027-03-01", "nothing-to-ask-for"),
            ("2027-03-31", "nothing-to-ask-for"),
        ] {
            let refused = isp.post_once(&path, as_of, ask(as_of)).await;
            assert_eq!((refused.status.as_u16(), refused.problem().as_str()), (422, kind), "{as_of}");
        }
        assert!(isp.get("/proformas").await.expect(200)["items"].as_array().unwrap().is_empty());
        let page = isp.form(&path, "as_of=2027-03-15").await;
        assert!(page.status == 422 && page.text.contains("Nothing will be due by that day"), "{}", page.text);
        let page = isp.form(&path, "as_of=2027-02-01").await;
        assert!(page.status == 422 && page.text.contains("from today to 400 days ahead"), "{}", page.text);

        let form = isp.page(&format!("{path}/new")).await.text;
        assert!(form.contains("value=\"2027-04-01\""), "the next billing day is offered: {form}");
        assert_eq!(isp.form(&path, "as_of=2027-04-01").await.status, 303);
        let known = isp.get(&format!("/proformas?account_id={account}")).await.expect(200)["items"][0].clone();
        let here = format!("/proformas/{}", known["id"].as_str().unwrap());
        for (page, said) in
            [(here.clone(), "Waiting for the money"), (format!("{here}/withdraw"), "Withdraw PRO-2027-000001?")]
        {
            let page = isp.page(&page).await.text;
            assert!(page.contains(said), "{page}");
        }
        assert_eq!(isp.form(&format!("{here}/withdraw"), "").await.status, 303);
        for _ in 0..2 {
            let withdrawn = isp.post(&format!("{here}/withdraw"), json!({})).await.expect(200);
            assert_eq!((withdrawn["status"].as_str(), &withdrawn["left"]), (Some("withdrawn"), &eur("0.00")));
        }
        // Another may be asked for then.
        isp.post_once(&path, "again", ask("2027-04-01")).await.expect(201);
    });
}
