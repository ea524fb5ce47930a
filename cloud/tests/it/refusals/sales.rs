//! Subscriptions and holds that cannot be.

use serde_json::{Value, json};

use super::{Case, Furnished, assert_refused, furnished, text, with};
use crate::harness::run;

async fn add(made: &Furnished, path: &str, body: Value) -> Value {
    made.isp.post(&format!("/api/v1{path}"), body).await.expect(201)
}

fn of(subscription: &Value, what: &str) -> String {
    format!("/subscriptions/{}/{what}", text(subscription))
}

#[test]
fn prefixes_that_cannot_be_are_refused_and_change_nothing() {
    run(|cloud| async move {
        let made = furnished(cloud).await;
        let sale = |prefixes: Value| with(&made.sale_wish, json!({ "prefixes": prefixes }));
        let invalid = |what, prefixes, fields| Case::invalid(what, "/subscriptions", sale(prefixes), fields);
        let first: &[&str] = &["prefixes.0"];
        let taken = |what, prefix: &str| {
            let case = Case::new(what, "/subscriptions", sale(json!(["10.99.9.9/32", prefix])), 409, "prefix-overlaps");
            case.says("overlaps")
        };
        let many: Vec<_> = (0..17).map(|n| format!("10.30.0.{n}/32")).collect();
        let cases = [
            invalid("none", json!([]), &["prefixes"]),
            invalid("more than a line may have", json!(many), &["prefixes"]).says("1 to 16"),
            invalid("bits of a host", json!(["10.20.9.9/24"]), first).says("did you mean 10.20.9.0/24"),
            invalid("bits of a v6 host", json!(["2001:db8:9::1/56"]), first).says("did you mean 2001:db8:9::/56"),
            invalid("a v6 length on v4", json!(["10.20.9.9/56"]), first).says("not an ip address with a length"),
            invalid("too long for v6", json!(["2001:db8:9::/129"]), first).says("not an ip address with a length"),
            invalid("v4 written in v6", json!(["::ffff:10.20.9.9/128"]), first).says("reserved"),
            invalid("no address", json!(["Mill Lane 4"]), first).says("not an ip address"),
            invalid("nothing", json!([""]), first),
            invalid("a whole v4 network", json!(["10.0.0.0/8"]), first).says("wider than /16"),
            invalid("all of v6", json!(["::/0"]), first).says("wider than /32"),
            invalid("loopback", json!(["127.0.0.1"]), first).says("loopback"),
            invalid("multicast", json!(["ff02::/64"]), first).says("multicast"),
            invalid("the second", json!(["10.20.9.9/32", "10.20.9.300/32"]), &["prefixes.1"]),
            invalid("twice", json!(["10.20.9.9/32", "10.20.9.9"]), &["prefixes"]).says("overlap"),
            invalid("one in the other", json!(["10.20.9.9/32", "10.20.9.0/24"]), &["prefixes"]).says("overlap"),
            taken("another line's", "10.20.4.0/24"),
            taken("a part of another line's", "10.20.4.7/32"),
            taken("around another line's", "10.20.0.0/16"),
            taken("a part of another line's v6", "2001:db8:4:12::/64"),
            taken("around another line's v6", "2001:db8:4::/48"),
        ];
        assert_refused(&made.isp, cases).await;
    });
}

#[test]
fn identities_that_cannot_be_are_refused_and_change_nothing() {
    run(|cloud| async move {
        let (made, other) = (furnished(cloud).await, furnished(cloud).await);
        let path = of(&made.sold, "identities");
        add(&made, "/subscriptions", with(&made.sale_wish, json!({ "identities": ["mac:02:00:00:00:00:07"] }))).await;
        let body = |identities: Value| json!({ "identities": identities });
        let put = |case: Case| case.by(axum::http::Method::PUT);
        let invalid = |what, identities, fields| put(Case::invalid(what, path.clone(), body(identities), fields));
        let first: &[&str] = &["identities.0"];
        let many: Vec<_> = (0..17).map(|n| format!("remote-id:{n:02x}")).collect();
        let sale = |changes| with(&made.sale_wish, changes);
        let nameless = json!({ "prefixes": ["10.20.9.10/32"], "identities": ["imei:1"] });
        let cases = [
            invalid("no kind", json!(["02:00:00:00:00:08"]), first).says("must begin with mac:"),
            invalid("a group", json!(["mac:01:00:5e:00:00:01"]), first).says("of one port"),
            invalid("half an address", json!(["mac:02:00:00"]), first).says("such as 02:00:00:00:00:07"),
            invalid("text without quotes", json!(["circuit-id:eth0/1"]), first).says("as text in quotes"),
            invalid("too long", json!([format!("remote-id:{}", "00".repeat(256))]), first).says("1 to 255 bytes"),
            invalid("nobody", json!(["pppoe-user:"]), first).says("1 to 253 bytes"),
            invalid("two lines", json!(["pppoe-user:a\nb"]), first).says("control characters"),
            invalid("a short one", json!(["duid:0102"]), first).says("3 to 130 bytes"),
            invalid("twice", json!(["mac:020000000008", "mac:02-00-00-00-00-08"]), &["identities.1"]).says("twice"),
            invalid("more than a line may have", json!(many), &["identities"]).says("at most 16"),
            put(Case::new("a neighbour's", path.clone(), body(json!(["mac:020000000007"])), 409, "identity-taken")),
            put(Case::malformed("no list", path.clone(), body(json!("mac:020000000008")), "identities")),
            put(Case::malformed("nothing", path.clone(), json!({}), "identities")),
            put(Case::new(
                "another ISP's",
                of(&other.sold, "identities"),
                body(json!([])),
                404,
                "subscription-not-found",
            )),
            Case::invalid("sold with one", "/subscriptions", sale(nameless), first).says("must begin with mac:"),
            Case::new(
                "sold as a neighbour",
                "/subscriptions",
                sale(json!({ "prefixes": [], "identities": ["mac:020000000007"] })),
                409,
                "identity-taken",
            ),
        ];
        assert_refused(&made.isp, cases).await;
        let end = json!({ "ends_on": "2026-02-01" });
        made.isp.post(&format!("/api/v1{}", of(&made.sold, "end")), end).await.expect(200);
        let over = Case::new("what is over", path, body(json!(["mac:020000000008"])), 409, "subscription-closed");
        assert_refused(&made.isp, [put(over)]).await;
    });
}

#[test]
fn sales_that_cannot_be_are_refused_and_change_nothing() {
    run(|cloud| async move {
        let (made, other) = (furnished(cloud).await, furnished(cloud).await);
        let neighbour = add(&made, "/subscribers", json!({ "name": "Noor Haddad" })).await["id"].clone();
        let there = json!({ "subscriber_id": neighbour, "line1": "Mill Lane 5", "city": "Leeds", "country": "GB" });
        let there = add(&made, "/service-locations", there).await["id"].clone();
        let dollars = json!({ "name": "Dollar", "price": { "amount": "1", "currency": "USD" }, "overage": null });
        let dollars = add(&made, "/plans", with(&made.plan_wish, dollars)).await["versions"][0]["id"].clone();
        let old = add(&made, "/plans", with(&made.plan_wish, json!({ "name": "Old" }))).await;
        made.isp.post(&format!("/api/v1/plans/{}/retire", text(&old["id"])), json!({})).await.expect(200);

        let sale = |changes| with(&made.sale_wish, changes);
        let case = |what, changes, status, slug| Case::new(what, "/subscriptions", sale(changes), status, slug);
        let cases = [
            case("another ISP's account", json!({ "account_id": other.account }), 404, "account-not-found"),
            case("another ISP's router", json!({ "router_id": other.router }), 404, "router-not-found"),
            case("another ISP's plan", json!({ "plan_version_id": other.version }), 404, "plan-version-not-found"),
            case(
                "another ISP's location",
                json!({ "service_location_id": other.location }),
                404,
                "service-location-not-found",
            ),
            case(
                "a neighbour's location",
                json!({ "service_location_id": there }),
                409,
                "location-of-another-subscriber",
            ),
            case("a plan in dollars", json!({ "plan_version_id": dollars }), 409, "plan-currency-differs"),
            case("a retired plan", json!({ "plan_version_id": old["versions"][0]["id"] }), 409, "plan-retired"),
            Case::invalid("long ago", "/subscriptions", sale(json!({ "starts_on": "1999-12-31" })), &["starts_on"]),
            Case::malformed("no such day", "/subscriptions", sale(json!({ "starts_on": "2026-02-30" })), "starts_on"),
            Case::malformed(
                "a router for an account",
                "/subscriptions",
                sale(json!({ "account_id": made.router })),
                "acc_",
            ),
            Case::malformed(
                "a price of its own",
                "/subscriptions",
                sale(json!({ "price": "1" })),
                "unknown field `price`",
            ),
        ];
        assert_refused(&made.isp, cases).await;
    });
}

#[test]
fn changes_that_cannot_be_are_refused_and_change_nothing() {
    run(|cloud| async move {
        let (made, other) = (furnished(cloud).await, furnished(cloud).await);
        let change = |what, on: &str, status, slug| {
            let body = json!({ "plan_version_id": made.version, "effective_on": on });
            Case::new(what, of(&made.sold, "change-plan"), body, status, slug)
        };
        let end = |what, on: &str, status, slug| {
            Case::new(what, of(&made.sold, "end"), json!({ "ends_on": on }), status, slug)
        };
        let later = json!({ "plan_version_id": made.version, "effective_on": "2027-05-01" });
        made.isp.post(&format!("/api/v1{}", of(&made.sold, "change-plan")), later).await.expect(200);
        let end_field =
            |what, on: &str| Case::invalid(what, of(&made.sold, "end"), json!({ "ends_on": on }), &["ends_on"]);
        let foreign = of(&other.sold, "end");
        let cases = [
            change("before it began", "2025-12-31", 422, "outside-subscription"),
            change("before a change that is planned", "2027-04-01", 409, "plan-change-conflicts"),
            end("on the day it began", "2026-01-01", 422, "outside-subscription"),
            end("before it began", "2025-06-01", 422, "outside-subscription"),
            end_field("in another age", "9999-01-01"),
            Case::new("another ISP's", foreign, json!({ "ends_on": "2027-01-01" }), 404, "subscription-not-found"),
            Case::malformed("a reason", of(&made.sold, "end"), json!({ "ends_on": "2027-01-01", "why": 1 }), "why"),
        ];
        assert_refused(&made.isp, cases).await;

        made.isp
            .post(&format!("/api/v1{}", of(&made.sold, "end")), json!({ "ends_on": "2026-02-01" }))
            .await
            .expect(200);
        let hold = json!({ "kind": "manual", "effect": "closed", "reason": "Late" });
        let cases = [
            change("after it was over", "2026-03-01", 409, "subscription-closed"),
            change("while it lasted, now that it is over", "2026-01-10", 409, "subscription-closed"),
            end("once more", "2026-03-01", 409, "subscription-closed"),
            Case::new("a hold on what is over", of(&made.sold, "holds"), hold, 409, "subscription-closed"),
        ];
        assert_refused(&made.isp, cases).await;
    });
}

#[test]
fn holds_that_cannot_be_are_refused_and_change_nothing() {
    run(|cloud| async move {
        let (made, other) = (furnished(cloud).await, furnished(cloud).await);
        let wish = json!({ "kind": "manual", "effect": "walled_garden", "reason": "Test" });
        let holds = of(&made.sold, "holds");
        let unpaid = with(&wish, json!({ "kind": "unpaid" }));
        add(&made, &holds, unpaid.clone()).await;
        let released = add(&made, &holds, wish.clone()).await["id"].clone();
        let release = |hold: &Value| format!("/holds/{}/release", text(hold));
        made.isp.post(&format!("/api/v1{}", release(&released)), json!({})).await.expect(200);
        let foreign = add(&other, &of(&other.sold, "holds"), wish.clone()).await["id"].clone();
        let invalid = |what, changes, fields| Case::invalid(what, holds.clone(), with(&wish, changes), fields);
        let cases = [
            invalid("a kind nobody knows", json!({ "kind": "bored" }), &["kind"]).says("bored"),
            invalid("an effect nobody knows", json!({ "effect": "slow" }), &["effect"]),
            invalid("no reason", json!({ "reason": " " }), &["reason"]),
            invalid("no end of a reason", json!({ "reason": "x".repeat(501) }), &["reason"]),
            invalid("over already", json!({ "until": "2020-01-01T00:00:00Z" }), &["until"]),
            invalid("unpaid until a time", json!({ "kind": "unpaid", "until": "2099-01-01T00:00:00Z" }), &["until"]),
            Case::malformed("no such time", holds.clone(), with(&wish, json!({ "until": "tomorrow" })), "until"),
            Case::new("unpaid twice", holds.clone(), unpaid, 409, "hold-exists"),
            Case::new("another ISP's line", of(&other.sold, "holds"), wish.clone(), 404, "subscription-not-found"),
            Case::new("released twice", release(&released), json!({}), 409, "hold-released"),
            Case::new("another ISP's hold", release(&foreign), json!({}), 404, "hold-not-found"),
        ];
        assert_refused(&made.isp, cases).await;
    });
}
