//! Late fees: once, capped, in the books, given back.

use chrono_tz::Tz;
use serde_json::json;

use super::world::{access, balance, cases, debtor, eur, isp, pass, save, text, whole_policy};
use crate::money::harness::story;

#[test]
fn a_fee_is_an_invoice_charged_once_and_given_back_by_a_credit_note() {
    story(async {
        let (mut isp, router) = isp("late-fee").await;
        let ana = debtor(&isp, router, "Ana", Tz::Europe__Madrid).await;
        isp.bill("2026-11-01").await;
        pass(&mut isp, "2026-11-20T12:00:00Z").await;
        let case = cases(&isp, ana.account).await.remove(0);
        let fee = case["late_fees"][0].clone();
        assert_eq!((case["late_fees"].as_array().unwrap().len(), fee["amount"].clone()), (1, eur("3.50")));
        isp.now_is("2026-11-20T12:00:00Z").await;
        let invoice = isp.get(&format!("/invoices/{}", text(&fee["fee_invoice_id"]))).await.expect(200);
        let line = &invoice["lines"][0];
        assert_eq!((text(&line["kind"]), text(&line["description"])), ("late_fee", "INV-2026-000001"));
        assert_eq!((text(&line["tax_category"]), &invoice["tax"]), ("O", &eur("0.00")));
        let revenue = async |isp: &crate::money::harness::Isp| {
            let balance = isp.get("/ledger/trial-balance").await.expect(200);
            let rows = balance["rows"].as_array().unwrap().clone();
            let row = rows.into_iter().find(|row| row["ledger_account"] == "4010").expect("late-fee revenue");
            text(&row["balance"]["amount"]).to_owned()
        };
        assert_eq!(revenue(&isp).await, "-3.50");

        let waive = format!("/late-fees/{}/waive", text(&fee["id"]));
        let nothing = isp.post(&waive, json!({ "reason": " " })).await;
        assert_eq!((nothing.status.as_u16(), nothing.json()["errors"][0]["field"].as_str()), (422, Some("reason")));
        let waived = isp.post(&waive, json!({ "reason": "The bill went astray" })).await.expect(200);
        let credit = isp.get(&format!("/credit-notes/{}", text(&waived["credit_note_id"]))).await.expect(200);
        assert_eq!((&credit["gross"], text(&credit["invoice_number"])), (&eur("3.50"), "INV-2026-000002"));
        assert_eq!(text(&credit["reason"]), "The bill went astray");
        assert_eq!((balance(&isp, ana.account).await.as_str(), revenue(&isp).await.as_str()), ("30.00", "0.00"));
        let movements = isp.assert_statement_agrees(ana.account, "2026-11-01", "2026-11-20").await;
        let kinds: Vec<_> = movements.iter().map(|one| text(&one["kind"])).collect();
        assert_eq!(kinds, ["invoice", "late_fee", "credit_note"]);
        let again = isp.post(&waive, json!({ "reason": "Twice" })).await;
        assert_eq!((again.status.as_u16(), again.problem().as_str()), (409, "late-fee-waived"));
        isp.assert_books_balance().await;
        pass(&mut isp, "2026-11-24T12:00:00Z").await;
        assert_eq!(balance(&isp, ana.account).await, "30.00", "what was given back is not charged again");
    });
}

#[test]
fn a_fee_paid_and_then_given_back_is_the_subscribers_credit() {
    story(async {
        let (mut isp, router) = isp("fee-credit").await;
        let ana = debtor(&isp, router, "Ana", Tz::Europe__Madrid).await;
        isp.bill("2026-11-01").await;
        pass(&mut isp, "2026-11-20T12:00:00Z").await;
        isp.now_is("2026-11-20T12:00:00Z").await;
        isp.pay(ana.account, "all", "33.50", "2026-11-20").await;
        let fee = cases(&isp, ana.account).await.remove(0)["late_fees"][0]["id"].clone();
        isp.post(&format!("/late-fees/{}/waive", text(&fee)), json!({ "reason": "Goodwill" })).await.expect(200);
        assert_eq!(balance(&isp, ana.account).await, "-3.50");
        isp.now_is("2026-12-01T12:00:00Z").await;
        isp.bill("2026-12-01").await;
        assert_eq!(balance(&isp, ana.account).await, "26.50");
        isp.assert_books_balance().await;
    });
}

#[test]
fn a_fee_given_back_by_an_ordinary_note_is_waived() {
    story(async {
        let (mut isp, router) = isp("fee-note").await;
        let ana = debtor(&isp, router, "Ana", Tz::Europe__Madrid).await;
        isp.bill("2026-11-01").await;
        pass(&mut isp, "2026-11-20T12:00:00Z").await;
        isp.now_is("2026-11-20T12:00:00Z").await;
        let fee = cases(&isp, ana.account).await.remove(0)["late_fees"][0].clone();
        let charged = text(&fee["fee_invoice_id"]);
        let line = isp.get(&format!("/invoices/{charged}")).await.expect(200)["lines"][0]["id"].clone();
        let part = json!([{ "line_id": line, "amount": eur("1.00") }]);
        isp.credit(charged, json!({ "reason": "Half", "lines": part, "left": eur("3.50") })).await;
        let half = cases(&isp, ana.account).await.remove(0)["late_fees"][0].clone();
        assert!(half["credit_note_id"].is_null(), "a part is still charged: {half}");
        let note = isp.credit(charged, json!({ "reason": "All of it" })).await;
        let waived = cases(&isp, ana.account).await.remove(0)["late_fees"][0].clone();
        assert_eq!(waived["credit_note_id"], note["id"]);
        let again = isp.post(&format!("/late-fees/{}/waive", text(&fee["id"])), json!({ "reason": "Twice" })).await;
        assert_eq!((again.status.as_u16(), again.problem().as_str()), (409, "late-fee-waived"));
        pass(&mut isp, "2026-11-24T12:00:00Z").await;
        assert_eq!(balance(&isp, ana.account).await, "30.00", "it is not charged again");
    });
}

#[test]
fn caps_leave_what_they_leave_and_a_fee_alone_is_dunned_without_a_fee() {
    story(async {
        let (mut isp, router) = isp("fee-caps").await;
        let mut policy = whole_policy();
        policy["fee_cap_invoice"] = eur("4.00");
        policy["steps"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "kind": "late_fee", "offset_days": 5, "fee": { "flat": eur("9.00") } }));
        policy["steps"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "kind": "late_fee", "offset_days": 7, "fee": { "flat": eur("9.00") } }));
        save(&isp, policy, 1).await;
        let ana = debtor(&isp, router, "Ana", Tz::Europe__Madrid).await;
        isp.bill("2026-11-01").await;
        pass(&mut isp, "2026-11-24T12:00:00Z").await;
        let fees = cases(&isp, ana.account).await.remove(0)["late_fees"].as_array().unwrap().clone();
        let amounts: Vec<_> = fees.iter().map(|fee| text(&fee["amount"]["amount"])).collect();
        assert_eq!(amounts, ["3.50", "0.50", "0.00"]);
        assert!(fees[2]["fee_invoice_id"].is_null());

        // Only the bill is paid: the fees are due later, and then a case of their own.
        isp.now_is("2026-11-24T12:00:00Z").await;
        isp.pay(ana.account, "bill", "30.00", "2026-11-24").await;
        assert_eq!(access(&isp, &ana).await, "open");
        pass(&mut isp, "2026-12-31T12:00:00Z").await;
        let cases = cases(&isp, ana.account).await;
        let dues: Vec<_> =
            cases.iter().map(|case| (text(&case["due_on"]), case["late_fees"].as_array().unwrap().len())).collect();
        assert_eq!(dues, [("2026-11-15", 3), ("2026-12-03", 0)]);
        assert_eq!(
            (balance(&isp, ana.account).await.as_str(), access(&isp, &ana).await.as_str()),
            ("4.00", "walled_garden")
        );
    });
}
