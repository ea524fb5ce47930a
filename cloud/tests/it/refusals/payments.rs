//! Payments and billing runs that cannot be.

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use super::{Case, Furnished, assert_refused, difference, furnished, rows, text, with};
use crate::harness::run;

fn payment(made: &Furnished) -> Value {
    json!({
        "account_id": made.account, "method": "cash", "amount": { "amount": "30.00", "currency": "EUR" },
        "received_on": "2026-01-15", "reference": "Till 2",
    })
}

fn today(made: &Furnished) -> NaiveDate {
    made.isp.cloud.app.clock.now().with_timezone(&chrono_tz::Europe::Madrid).date_naive()
}

#[test]
fn payments_that_cannot_be_are_refused_and_change_nothing() {
    run(|cloud| async move {
        let (made, other) = (furnished(cloud).await, furnished(cloud).await);
        let paid = |changes| with(&payment(&made), changes);
        let euros = |amount: &str| json!({ "amount": { "amount": amount, "currency": "EUR" } });
        let invalid = |what, changes, fields| Case::invalid(what, "/payments", paid(changes), fields);
        let malformed = |what, changes, says| Case::malformed(what, "/payments", paid(changes), says);
        let dollars = paid(json!({ "amount": { "amount": "30.00", "currency": "USD" } }));
        let foreign = paid(json!({ "account_id": other.account }));
        let tomorrow = today(&made) + Days::new(1);
        let cases = [
            Case::new("in dollars", "/payments", dollars, 422, "payment-currency-differs").says("EUR"),
            Case::new("into another ISP's account", "/payments", foreign, 404, "account-not-found"),
            invalid("nothing", euros("0.00"), &["amount"]).says("above zero"),
            invalid("less than nothing", euros("-30.00"), &["amount"]).says("above zero"),
            malformed("a tenth of a cent", euros("30.005"), "more than the 2 decimals of EUR"),
            malformed("all the money", euros("99999999999999999999"), "too large"),
            malformed("words", euros("thirty"), "amount"),
            malformed("no such money", json!({ "amount": { "amount": "1", "currency": "EU" } }), "EU"),
            invalid("tomorrow", json!({ "received_on": tomorrow }), &["received_on"]).says("after today"),
            invalid("in another age", json!({ "received_on": "0001-01-01" }), &["received_on"]),
            malformed("no such day", json!({ "received_on": "2026-13-01" }), "received_on"),
            malformed("in shells", json!({ "method": "shells" }), "shells"),
            invalid("no end of a reference", json!({ "reference": "x".repeat(201) }), &["reference"]),
            malformed("a field nobody knows", json!({ "note": "thanks" }), "unknown field `note`"),
        ];
        assert_refused(&made.isp, cases).await;
    });
}

#[test]
fn a_reused_key_is_refused_and_its_first_payment_stays_alone() {
    run(|cloud| async move {
        let made = furnished(cloud).await;
        let before = rows(cloud, made.isp.tenant).await;
        made.isp.once("/api/v1/payments", "case 0", payment(&made)).await.expect(201);
        // What is compared tells a payment from none.
        let changed = difference(&before, &rows(cloud, made.isp.tenant).await);
        assert!(
            ["payments", "idempotency_keys", "ledger_postings", "audit_entries"]
                .iter()
                .all(|t| changed.contains(&(*t).to_owned())),
            "{changed:?}"
        );
        let more = with(&payment(&made), json!({ "amount": { "amount": "31.00", "currency": "EUR" } }));
        // The first case of a list is sent under the key that was just used.
        let reused = Case::new("another amount under its key", "/payments", more, 409, "idempotency-key-reused");
        assert_refused(&made.isp, [reused]).await;
        for (key, slug) in [("", "idempotency-key-invalid"), (&"k".repeat(256), "idempotency-key-invalid")] {
            made.isp.once("/api/v1/payments", key, payment(&made)).await.refused(400, slug);
        }
        made.isp.post("/api/v1/payments", payment(&made)).await.refused(400, "idempotency-key-missing");
        let payments = made.isp.get("/api/v1/payments").await.expect(200);
        assert_eq!(payments["items"].as_array().map(Vec::len), Some(1), "{payments}");
    });
}

#[test]
fn billing_runs_that_cannot_be_are_refused_and_change_nothing() {
    run(|cloud| async move {
        let (made, other) = (furnished(cloud).await, furnished(cloud).await);
        let far = today(&made) + Days::new(32);
        let statement = format!("/accounts/{}/standing", text(&other.account));
        let cases = [
            Case::invalid("a season ahead", "/billing-runs", json!({ "as_of": far }), &["as_of"]).says("31 days"),
            Case::invalid("a preview of a season ahead", "/billing-runs/preview", json!({ "as_of": far }), &["as_of"])
                .says("31 days"),
            Case::malformed("no such day", "/billing-runs", json!({ "as_of": "2026-02-30" }), "as_of"),
            Case::malformed("no day", "/billing-runs", json!({}), "as_of"),
            Case::malformed("one account", "/billing-runs", json!({ "as_of": far, "account": 1 }), "account"),
            Case::new("another ISP's account", statement, Value::Null, 404, "account-not-found")
                .by(axum::http::Method::GET),
        ];
        assert_refused(&made.isp, cases).await;
    });
}
