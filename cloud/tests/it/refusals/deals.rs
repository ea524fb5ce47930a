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
