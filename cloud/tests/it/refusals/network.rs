//! Sites, routers, subscribers, accounts, locations and settings that cannot be.

use axum::http::Method;
use serde_json::{Value, json};

use super::{Case, assert_refused, furnished, text, with};
use crate::harness::run;

const UNKNOWN_SITE: &str = "sit_0193594bd1e27c3f8a6b5d4e3f2a1b0c";

#[test]
fn sites_and_routers_that_cannot_be_are_refused_and_change_nothing() {
    run(|cloud| async move {
        let (made, other) = (furnished(cloud).await, furnished(cloud).await);
        let wish = json!({ "name": "Edge 2", "site_id": made.site, "lan_interface": "lan0", "wan_interface": "wan0" });
        let router = |changes| with(&wish, changes);
        let invalid = |what, changes, fields| Case::invalid(what, "/routers", router(changes), fields);
        let site = |body| Case::invalid("a long text", "/sites", body, &[]);
        let token = format!("/routers/{}/enrollment-tokens", text(&other.router));
        let change = format!("/routers/{}", text(&other.router));
        let used = format!("/sites/{}", text(&made.site));
        let many: Vec<_> = (0..33).map(|n| format!("203.0.113.{n}")).collect();
        let cases = [
            Case { fields: &["name"], ..site(json!({ "name": "x".repeat(101) })) },
            Case { fields: &["address"], ..site(json!({ "name": "Hill", "address": "x".repeat(501) })) },
            Case::new("a name that is taken", "/sites", json!({ "name": "North mast" }), 409, "site-name-taken"),
            Case::new("a site with routers", used, Value::Null, 409, "site-in-use").by(Method::DELETE),
            Case::new(
                "another ISP's site",
                "/routers",
                router(json!({ "site_id": other.site })),
                404,
                "site-not-found",
            ),
            Case::new("no such site", "/routers", router(json!({ "site_id": UNKNOWN_SITE })), 404, "site-not-found"),
            Case::new(
                "a name that is taken",
                "/routers",
                router(json!({ "name": "Edge 1" })),
                409,
                "router-name-taken",
            ),
            invalid("no interface", json!({ "lan_interface": "" }), &["lan_interface"]),
            invalid("no kernel's interface", json!({ "wan_interface": "sixteen-letters-" }), &["wan_interface"]),
            invalid("a way out", json!({ "lan_interface": "../lan0" }), &["lan_interface"]),
            invalid("one for both", json!({ "lan_interface": "wan0" }), &["wan_interface"]).says("differ"),
            invalid("no capacity", json!({ "capacity_down_bps": 0 }), &["capacity_down_bps"]),
            Case::new("no such fate", "/routers", router(json!({ "unknown_hosts": "shot" })), 400, "malformed-body"),
            invalid("no network", json!({ "own_networks": ["10.9.0.0/24", "10.9.0.1/24"] }), &["own_networks.1"]),
            invalid("neither", json!({ "nat": true, "untracked": true }), &["untracked"]),
            invalid("without nat", json!({ "public_networks": ["203.0.113.0/28"] }), &["public_networks"])
                .says("without nat"),
            invalid("no port", json!({ "ports_per_line": 127 }), &["ports_per_line"]).says("between 128 and 16384"),
            invalid("all ports", json!({ "ports_per_line": 16_385 }), &["ports_per_line"]),
            invalid(
                "not public",
                json!({ "nat": true, "public_networks": ["2001:db8::/64", "127.0.0.1"] }),
                &["public_networks.1", "public_networks.0"],
            ),
            invalid(
                "twice",
                json!({ "nat": true, "public_networks": ["203.0.113.0/28", "203.0.113.8"] }),
                &["public_networks"],
            )
            .says("overlap"),
            invalid("too many", json!({ "nat": true, "public_networks": many }), &["public_networks"])
                .says("at most 32"),
            invalid("everything", json!({ "own_networks": ["0.0.0.0/0"] }), &["own_networks.0"]).says("wider"),
            Case::new("another ISP's router", change, wish.clone(), 404, "router-not-found").by(Method::PUT),
            Case::new("another ISP's token", token, json!({}), 404, "router-not-found"),
        ];
        assert_refused(&made.isp, cases).await;
    });
}

#[test]
fn access_points_that_cannot_be_are_refused_and_change_nothing() {
    run(|cloud| async move {
        let (made, other) = (furnished(cloud).await, furnished(cloud).await);
        let wish = json!({ "name": "Sector 2", "router_id": made.router, "peak_down_bps": 9_000_000, "peak_up_bps": 9_000_000 });
        let invalid = |what, changes, fields| Case::invalid(what, "/access-points", with(&wish, changes), fields);
        let below = json!({ "parent_id": made.access_point, "committed_down_bps": 5_000_001 });
        let own = format!("/access-points/{}", text(&made.access_point));
        let change = |changes| {
            let mut body = with(&wish, changes);
            body.as_object_mut().expect("an object").remove("router_id");
            body
        };
        let itself = change(json!({ "parent_id": made.access_point }));
        let behind = format!("/subscriptions/{}/access-point", text(&made.sold));
        let theirs = json!({ "access_point_id": other.access_point });
        let capacity = json!({ "name": "Edge 1", "site_id": made.site, "lan_interface": "lan0", "wan_interface": "wan0",
            "capacity_down_bps": 4_000_000 });
        let router = format!("/routers/{}", text(&made.router));
        let burst = with(&made.plan_wish, json!({ "burst_down_bytes": 4_000_000_000_i64, "burst_up_bytes": -1 }));
        let cases = [
            invalid("no name", json!({ "name": " " }), &["name"]),
            invalid("no peak", json!({ "peak_up_bps": 0 }), &["peak_up_bps"]),
            invalid("more than any port", json!({ "peak_down_bps": 2_000_000_000_000_i64 }), &["peak_down_bps"]),
            invalid("above its peak", json!({ "committed_up_bps": 9_000_001 }), &["committed_up_bps"]).says("peak"),
            invalid("below nothing", json!({ "committed_up_bps": -1 }), &["committed_up_bps"]),
            invalid("more than its parent's", below, &["committed_down_bps"]).says("has left: 5000000"),
            invalid("another ISP's", json!({ "parent_id": other.access_point }), &["parent_id"]),
            Case::invalid("on itself", own, itself, &["parent_id"]).says("hangs on this one").by(Method::PUT),
            Case::new(
                "a name that is taken",
                "/access-points",
                with(&wish, json!({ "name": "Sector 1" })),
                409,
                "access-point-name-taken",
            ),
            Case::new(
                "another ISP's router",
                "/access-points",
                with(&wish, json!({ "router_id": other.router })),
                404,
                "router-not-found",
            ),
            Case::new("behind another ISP's", behind, theirs, 404, "access-point-not-found").by(Method::PUT),
            Case::invalid("less than committed", router, capacity, &["capacity_down_bps"])
                .says("5000000")
                .by(Method::PUT),
            Case::invalid("bursts", "/plans", burst, &["burst_down_bytes", "burst_up_bytes"]),
        ];
        assert_refused(&made.isp, cases).await;
    });
}

#[test]
fn subscribers_and_their_things_that_cannot_be_are_refused_and_change_nothing() {
    run(|cloud| async move {
        let (made, other) = (furnished(cloud).await, furnished(cloud).await);
        let person = |what, body, fields| Case::invalid(what, "/subscribers", body, fields);
        let account = |what, changes, fields| {
            Case::invalid(what, "/accounts", with(&json!({ "subscriber_id": made.subscriber }), changes), fields)
        };
        let wish = json!({ "subscriber_id": made.subscriber, "line1": "Hill 1", "city": "Leeds", "country": "GB" });
        let place = |what, changes, fields| Case::invalid(what, "/service-locations", with(&wish, changes), fields);
        let foreign = |path: &str, body, slug| Case::new("another ISP's", path, body, 404, slug);
        let cases = [
            person("nobody", json!({ "name": " " }), &["name"]),
            person("no end of a name", json!({ "name": "x".repeat(201) }), &["name"]),
            person("no address", json!({ "name": "Ana", "email": "ana" }), &["email"]),
            person("no end of a number", json!({ "name": "Ana", "phone": "1".repeat(201) }), &["phone"]),
            person("a language we lack", json!({ "name": "Ana", "language": "tlh" }), &["language"]),
            account("no such money", json!({ "currency": "EUX" }), &["currency"]),
            account("no such place", json!({ "time_zone": "Europe/Atlantis" }), &["time_zone"]),
            account("no such day", json!({ "billing_day": 32 }), &["billing_day"]),
            Case::malformed("beyond days", "/accounts", json!({ "billing_day": 1e9 }), "billing_day"),
            place("nowhere", json!({ "line1": "", "city": "" }), &["line1", "city"]),
            place("no end of a street", json!({ "line1": "x".repeat(201) }), &["line1"]),
            place("no such country", json!({ "country": "Spain" }), &["country"]),
            foreign("/accounts", json!({ "subscriber_id": other.subscriber }), "subscriber-not-found"),
            place("another ISP's site", json!({ "site_id": other.site }), &["site_id"]).says("no such site"),
            foreign(
                "/service-locations",
                with(&wish, json!({ "subscriber_id": other.subscriber })),
                "subscriber-not-found",
            ),
        ];
        assert_refused(&made.isp, cases).await;
        assert!(text(&made.location).starts_with("loc_"));
    });
}

#[test]
fn settings_that_cannot_be_are_refused_and_change_nothing() {
    run(|cloud| async move {
        let made = furnished(cloud).await;
        let invalid = |what, body, fields| Case::invalid(what, "/tenant", body, fields).by(Method::PATCH);
        let long = || "x".repeat(501);
        let cases = [
            invalid("no name", json!({ "name": "" }), &["name"]),
            invalid("no memory", json!({ "port_block_months": 0 }), &["port_block_months"]),
            invalid("a long memory", json!({ "port_block_months": 85 }), &["port_block_months"]),
            invalid("less than no tax", json!({ "tax_rate_percent": "-1" }), &["tax_rate_percent"]),
            invalid("more than all", json!({ "tax_rate_percent": "100.01" }), &["tax_rate_percent"]),
            invalid("a fine rate", json!({ "tax_rate_percent": "21.00001" }), &["tax_rate_percent"]),
            invalid("terms in the past", json!({ "payment_terms_days": -1 }), &["payment_terms_days"]),
            invalid("a season's grace", json!({ "grace_days": 366 }), &["grace_days"]),
            invalid("no series", json!({ "invoice_prefix": "" }), &["invoice_prefix"]),
            invalid("no such place", json!({ "time_zone": "Madrid" }), &["time_zone"]),
            invalid("no such money", json!({ "currency": "euro" }), &["currency"]),
            invalid("a colour beyond the wheel", json!({ "hue": 360 }), &["hue"]),
            invalid("a page that runs", json!({ "pay_url": "javascript:alert(1)" }), &["pay_url"]),
            invalid("long texts", json!({ "address": long(), "tax_id": long() }), &["address", "tax_id"]),
            invalid("more", json!({ "tax_name": long(), "contact": long() }), &["tax_name", "contact"]),
            invalid("a long address", json!({ "pay_url": format!("https://{}", long()) }), &["pay_url"]),
        ];
        assert_refused(&made.isp, cases).await;
    });
}

#[test]
fn questions_for_an_address_that_cannot_be_are_refused_and_write_nothing() {
    run(|cloud| async move {
        let made = furnished(cloud).await;
        let question =
            json!({ "address": "203.0.113.7", "port": 2100, "at": "2026-01-01T10:00:00Z", "reason": "Court order" });
        let path = "/port-blocks/lookups";
        let invalid = |what, changes, fields| Case::invalid(what, path, with(&question, changes), fields);
        let cases = [
            invalid("no address", json!({ "address": "example.net" }), &["address"]),
            invalid("IPv6", json!({ "address": "2001:db8::1" }), &["address"]).says("IPv4"),
            invalid("no port", json!({ "port": 0 }), &["port"]),
            invalid("beyond ports", json!({ "port": 65_536 }), &["port"]),
            invalid("what will be", json!({ "at": "2999-01-01T10:00:00Z" }), &["at"]).says("past"),
            invalid("before the internet", json!({ "at": "1066-10-14T10:00:00Z" }), &["at"]),
            invalid("no reason", json!({ "reason": " no " }), &["reason"]).says("3 to 500"),
            invalid("no end of reasons", json!({ "reason": "x".repeat(501) }), &["reason"]),
            Case::malformed("no time", path, with(&question, json!({ "at": "yesterday" })), "at"),
        ];
        assert_refused(&made.isp, cases).await;
    });
}

#[test]
fn questions_to_a_router_that_cannot_be_are_refused_and_ask_nothing() {
    run(|cloud| async move {
        let (made, other) = (furnished(cloud).await, furnished(cloud).await);
        let [asked, captured] = ["diagnoses", "captures"].map(|what| format!("/routers/{}/{what}", text(&made.router)));
        let ask = |what, body, fields| Case::invalid(what, &asked, body, fields);
        let wish = json!({ "subscription_id": made.sold, "reason": "Ticket 7, agreed" });
        let capture = |what, changes, fields| Case::invalid(what, &captured, with(&wish, changes), fields);
        let theirs = format!("/routers/{}/diagnoses", text(&other.router));
        let cases = [
            ask("no host", json!({ "tool": "ping" }), &["target"]),
            ask("an option", json!({ "tool": "ping", "target": "-f" }), &["target"]),
            ask("no name", json!({ "tool": "dns", "target": "a b", "server": "ns.example" }), &["target", "server"]),
            ask("a host for nothing", json!({ "tool": "log", "target": "example.net" }), &["target"]),
            ask("packets without a reason", json!({ "tool": "capture" }), &["tool"]),
            ask("another ISP's line", json!({ "tool": "shaper", "subscription_id": other.sold }), &["subscription_id"]),
            capture("no reason", json!({ "reason": "  " }), &["reason"]).says("must say why"),
            capture("too long", json!({ "seconds": 61, "packets": 0 }), &["seconds", "packets"]),
            capture("everything said", json!({ "snap_bytes": 65_535 }), &["snap_bytes"]).says("64 to 2048"),
            capture("another ISP's packets", json!({ "subscription_id": other.sold }), &["subscription_id"]),
            Case::new("no such tool", &asked, json!({ "tool": "shell" }), 400, "malformed-body"),
            Case::new("another ISP's router", theirs, json!({ "tool": "log" }), 404, "router-not-found"),
        ];
        assert_refused(&made.isp, cases).await;
    });
}
