//! Taxes that cannot be.

use axum::http::Method;
use serde_json::{Value, json};

use super::{Case, assert_refused, with};
use crate::harness::run;

#[test]
fn a_tax_without_a_place_or_with_an_impossible_rate_is_refused() {
    run(|cloud| async {
        let isp = cloud.isp().await;
        let good =
            json!({ "country": "FR", "tax": "TVA", "category": "S", "rate_percent": "20", "from": "2026-01-01" });
        let laid = isp.post("/api/v1/tax-rules", json!({ "rules": [good] })).await.expect(201);
        let rule = format!("/tax-rules/{}", laid[0]["id"].as_str().expect("an id"));
        let elsewhere = with(&good, json!({ "country": "DE" }));
        let invalid = |what, changes: Value, fields| {
            Case::invalid(what, "/tax-rules", json!({ "rules": [elsewhere, with(&elsewhere, changes)] }), fields)
        };
        let subscriber = isp.post("/api/v1/subscribers", json!({ "name": "Ada" })).await.expect(201)["id"].clone();
        let account = isp.post("/api/v1/accounts", json!({ "subscriber_id": subscriber })).await.expect(201);
        let exemptions = format!("/accounts/{}/tax-exemptions", account["id"].as_str().expect("an id"));
        let exempt = |what, changes: Value, fields| {
            let paper = json!({ "kind": "reverse_charge", "document": "PT501964843", "from": "2026-01-01" });
            Case::invalid(what, exemptions.clone(), with(&paper, changes), fields)
        };
        let cases = [
            invalid("no place", json!({ "country": "" }), &["rules[1].country"]).says("must name a country"),
            Case::invalid(
                "no place at all",
                "/tax-rules",
                json!({ "rules": [{ "tax": "T", "category": "S", "rate_percent": "1" }] }),
                &["rules[0].country"],
            ),
            invalid("a name for a country", json!({ "country": "Germany" }), &["rules[1].country"]),
            invalid("no name", json!({ "tax": " ", "country": "IT" }), &["rules[1].tax"]),
            invalid("a category of buyers", json!({ "category": "AE", "rate_percent": "0" }), &["rules[1].category"]),
            invalid("nothing of a standard rate", json!({ "rate_percent": "0" }), &["rules[1].rate_percent"]),
            invalid("something of an exemption", json!({ "category": "E" }), &["rules[1].rate_percent"]),
            invalid("below nothing", json!({ "rate_percent": "-1" }), &["rules[1].rate_percent"]),
            invalid("more than all", json!({ "rate_percent": "100.5" }), &["rules[1].rate_percent"]),
            invalid("too fine", json!({ "rate_percent": "1.0000001" }), &["rules[1].rate_percent"]),
            invalid("a star in the middle", json!({ "postcode": "1*2" }), &["rules[1].postcode"]),
            invalid("a late turn", json!({ "turn": 100 }), &["rules[1].turn"]),
            invalid("no day", json!({ "to": "2026-01-01" }), &["rules[1].to"]),
            invalid("the same twice", json!({ "tax": "tva", "from": null }), &["rules[1].from"])
                .says("overlaps another"),
            invalid("another in its turn", json!({ "tax": "VAT" }), &["rules[1].turn"]).says("both would be charged"),
            Case::invalid("nothing", "/tax-rules", json!({ "rules": [] }), &["rules"]),
            Case::invalid(
                "an end before its beginning",
                rule.clone(),
                with(&good, json!({ "to": "2025-01-01" })),
                &["to"],
            )
            .by(Method::PUT),
            Case::malformed(
                "a field nobody knows",
                "/tax-rules",
                json!({ "rules": [with(&good, json!({ "vat": 1 }))] }),
                "vat",
            ),
            exempt("no identifier", json!({ "document": "1" }), &["document"]).says("VAT identifier"),
            exempt("no number", json!({ "kind": "certificate", "document": " " }), &["document"]),
            exempt("outside the Union", json!({ "kind": "intra_community", "document": "GB123456789" }), &["document"]),
            exempt("no day", json!({ "to": "2026-01-01" }), &["to"]),
            exempt("a long reason", json!({ "reason": "x".repeat(201) }), &["reason"]),
        ];
        assert_refused(&isp, cases).await;
        let unknown = isp.get("/api/v1/tax-starters/atlantis").await;
        assert_eq!(
            (unknown.status.as_u16(), unknown.body["type"].as_str()),
            (404, Some("/errors/tax-starter-not-found"))
        );
    });
}
