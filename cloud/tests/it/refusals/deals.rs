//! Agreements that cannot be.

use serde_json::{Value, json};

use super::{Case, assert_refused, furnished, text, with};
use crate::harness::run;

fn euros(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

#[test]
fn discounts_that_cannot_be_are_refused_and_change_nothing() {
    run(|cloud| async move {
        let (made, other) = (furnished(cloud).await, furnished(cloud).await);
        let path = format!("/subscriptions/{}/discounts", text(&made.sold));
        let tenth = json!({ "name": "Welcome", "percent": "10", "from_on": "2026-03-01", "until_on": "2026-06-01" });
        let granted = made.isp.post(&format!("/api/v1{path}"), tenth.clone()).await.expect(201)["id"].clone();
        let wish = json!({ "name": "Loyal", "percent": "10" });
        let invalid = |what, changes, fields| Case::invalid(what, path.clone(), with(&wish, changes), fields);
        let end = format!("/discounts/{}/end", text(&granted));
        let foreign = format!("/subscriptions/{}/discounts", text(&other.sold));
        let cases = [
            invalid("no name", json!({ "name": " " }), &["name"]),
            invalid("a long name", json!({ "name": "x".repeat(101) }), &["name"]).says("at most 100"),
            invalid("nothing off", json!({ "percent": "0" }), &["percent"]).says("above 0"),
            invalid("more than all", json!({ "percent": "100.1" }), &["percent"]).says("at most 100"),
            invalid("a fine percent", json!({ "percent": "1.00001" }), &["percent"]).says("4 decimals"),
            invalid("neither", json!({ "percent": null }), &["percent"]).says("or an amount"),
            invalid("both", json!({ "amount": euros("1.00") }), &["amount"]).says("beside a percent"),
            invalid("an amount below zero", json!({ "percent": null, "amount": euros("-1.00") }), &["amount"]),
            invalid("yen", json!({ "percent": null, "amount": { "amount": "100", "currency": "JPY" } }), &["amount"])
                .says("EUR"),
            invalid(
                "an amount with a limit",
                json!({ "percent": null, "amount": euros("1"), "most": euros("1") }),
                &["most"],
            ),
            invalid("a limit of nothing", json!({ "most": euros("0.00") }), &["most"]).says("above zero"),
            invalid("two ends", json!({ "periods": 2, "until_on": "2027-01-01" }), &["periods"]),
            invalid("no period", json!({ "periods": 0 }), &["periods"]).says("1 to 120"),
            invalid("before the line", json!({ "from_on": "2025-12-01" }), &["from_on"]).says("2026-01-01"),
            invalid("another age", json!({ "from_on": "9999-01-01" }), &["from_on"]).says("2099"),
            invalid("no day", json!({ "from_on": "2026-03-01", "until_on": "2026-03-01" }), &["until_on"]),
            Case::new(
                "one of the name",
                path.clone(),
                with(&tenth, json!({ "from_on": "2026-05-31" })),
                409,
                "discount-granted-already",
            ),
            Case::new("another ISP's", foreign, wish.clone(), 404, "subscription-not-found"),
            Case::malformed("cents of a cent", path.clone(), with(&wish, json!({ "most": euros("0.001") })), "most"),
            Case::new("what is over", end.clone(), json!({}), 409, "discount-over"),
            Case::malformed("an end with a reason", end, json!({ "why": 1 }), "why"),
        ];
        assert_refused(&made.isp, cases).await;
        let later = made.isp.post(&format!("/api/v1{path}"), with(&wish, json!({ "until_on": "2099-01-01" }))).await;
        let later = later.expect(201)["id"].clone();
        let end_later = |what, on: &str| {
            Case::invalid(what, format!("/discounts/{}/end", text(&later)), json!({ "ended_on": on }), &["ended_on"])
        };
        assert_refused(&made.isp, [end_later("in the past", "2026-01-02"), end_later("at its end", "2099-01-01")])
            .await;
    });
}

#[test]
fn charges_that_cannot_be_are_refused_and_change_nothing() {
    run(|cloud| async move {
        let (made, other) = (furnished(cloud).await, furnished(cloud).await);
        let path = format!("/accounts/{}/charges", text(&made.account));
        let wish = json!({ "description": "Visit", "unit_price": euros("49.90"), "reference": "1" });
        let charge = made.isp.post(&format!("/api/v1{path}"), wish.clone()).await.expect(201)["id"].clone();
        made.isp.post(&format!("/api/v1/charges/{}/remove", text(&charge)), json!({})).await.expect(200);
        let wish = with(&wish, json!({ "reference": "2" }));
        let invalid = |what, changes, fields| Case::invalid(what, path.clone(), with(&wish, changes), fields);
        let foreign = format!("/accounts/{}/charges", text(&other.account));
        let yen = json!({ "amount": "100", "currency": "JPY" });
        let cases = [
            invalid("for nothing", json!({ "description": "  " }), &["description"]),
            invalid("a long story", json!({ "description": "x".repeat(201) }), &["description"]).says("at most 200"),
            invalid("none", json!({ "quantity": "0" }), &["quantity"]).says("above 0"),
            invalid("too many", json!({ "quantity": "10000.001" }), &["quantity"]).says("at most 10000"),
            invalid("a crumb", json!({ "quantity": "0.0001" }), &["quantity"]).says("3 decimals"),
            invalid("less than a cent", json!({ "quantity": "0.001", "unit_price": euros("1.00") }), &["quantity"]),
            invalid("free", json!({ "unit_price": euros("0.00") }), &["unit_price"]).says("above zero"),
            invalid("yen", json!({ "unit_price": yen }), &["unit_price"]).says("EUR"),
            invalid("another age", json!({ "charged_on": "9999-01-01" }), &["charged_on"]).says("2099"),
            invalid("no reference", json!({ "reference": " " }), &["reference"]).says("1 to 100"),
            invalid("of two fields", json!({ "description": "", "quantity": "-1" }), &["description", "quantity"]),
            Case::new("another ISP's", foreign, wish.clone(), 404, "account-not-found"),
            Case::new(
                "about another ISP's line",
                path.clone(),
                with(&wish, json!({ "subscription_id": other.sold })),
                404,
                "subscription-not-found",
            ),
            Case::new("what was removed", format!("/charges/{}/bill", text(&charge)), json!({}), 409, "charge-removed"),
            Case::malformed(
                "no price",
                path.clone(),
                json!({ "description": "Visit", "reference": "3" }),
                "unit_price",
            ),
        ];
        assert_refused(&made.isp, cases).await;
    });
}

#[test]
fn contracts_that_cannot_be_are_refused_and_change_nothing() {
    run(|cloud| async move {
        let (made, other) = (furnished(cloud).await, furnished(cloud).await);
        let path = format!("/subscriptions/{}/contracts", text(&made.sold));
        let wish =
            json!({ "from_on": "2027-01-01", "months": 12, "fee": { "kind": "fixed", "amount": euros("100.00") } });
        let contract = made.isp.post(&format!("/api/v1{path}"), wish.clone()).await.expect(201)["id"].clone();
        let wish = with(&wish, json!({ "from_on": "2029-01-01" }));
        let invalid = |what, changes, fields| Case::invalid(what, path.clone(), with(&wish, changes), fields);
        let waive = format!("/contracts/{}/waive", text(&contract));
        let foreign = format!("/subscriptions/{}/contracts", text(&other.sold));
        let fee = |fee: Value| json!({ "fee": fee });
        let yen = json!({ "amount": "100", "currency": "JPY" });
        let cases = [
            invalid("no month", json!({ "months": 0 }), &["months"]).says("1 to 120"),
            invalid("a life", json!({ "months": 121 }), &["months"]),
            invalid("before the line", json!({ "from_on": "2025-12-31" }), &["from_on"]).says("2026-01-01"),
            invalid("another age", json!({ "from_on": "9999-01-01" }), &["from_on"]).says("2099"),
            invalid("a fee of nothing", fee(json!({ "kind": "fixed", "amount": euros("0.00") })), &["fee.amount"]),
            invalid("yen", fee(json!({ "kind": "declining", "amount": yen })), &["fee.amount"]).says("EUR"),
            invalid("more than all", fee(json!({ "kind": "remaining", "percent": "101" })), &["fee.percent"]),
            invalid("a limit below zero", json!({ "most": euros("-1.00") }), &["most"]).says("above zero"),
            invalid("a limit of no fee", json!({ "fee": { "kind": "none" }, "most": euros("1.00") }), &["most"]),
            invalid("a long withdrawal", json!({ "cooling_off_days": 367 }), &["cooling_off_days"]).says("0 to 366"),
            Case::new(
                "beside another",
                path.clone(),
                with(&wish, json!({ "from_on": "2027-12-31" })),
                409,
                "contract-beside",
            ),
            Case::new("another ISP's", foreign, wish.clone(), 404, "subscription-not-found"),
            Case::malformed("no such fee", path.clone(), with(&wish, fee(json!({ "kind": "all" }))), "all"),
            Case::invalid("for no reason", waive.clone(), json!({ "reason": " " }), &["reason"]),
            Case::invalid("for a long one", waive, json!({ "reason": "x".repeat(501) }), &["reason"])
                .says("at most 500"),
        ];
        assert_refused(&made.isp, cases).await;
    });
}
