//! API keys: what they may do, from where, until when, and what the log says of them.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::{Method, Request, header};
use chrono::TimeDelta;
use serde_json::{Value, json};
use weir_cloud::http::peer::Peer;
use weir_cloud::http::permission::Role;

use crate::harness::{Answer, Cloud, Isp, run};

/// Makes a key as somebody; gives its id and the key itself.
async fn made(isp: &Isp, wish: Value) -> (String, String) {
    let made = isp.post("/api/v1/api-keys", wish).await.expect(201);
    (made["id"].as_str().expect("an id").to_owned(), made["key"].as_str().expect("a key").to_owned())
}

async fn get(cloud: &Cloud, key: &str, path: &str) -> Answer {
    cloud.ask(Some(key), Method::GET, path, None).await
}

#[test]
fn a_key_does_what_its_scopes_say_and_the_log_names_it() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let (id, key) = made(&isp, json!({ "name": "Sites", "scopes": ["view-network", "manage-network"] })).await;
        let site = json!({ "name": "North mast" });
        let site = cloud.ask(Some(&key), Method::POST, "/api/v1/sites", Some(site)).await.expect(201);
        get(cloud, &key, "/api/v1/sites").await.expect(200);
        let refused = get(cloud, &key, "/api/v1/subscribers").await.refused(403, "forbidden");
        assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("view-subscribers")), "{refused}");
        for personal in ["/api/v1/me", "/api/v1/me/sessions", "/api/v1/api-keys"] {
            get(cloud, &key, personal).await.refused(403, "forbidden");
        }
        assert_eq!(get(cloud, &key, "/sites").await.status, 403, "pages are for people");
        let log = isp.get(&format!("/api/v1/audit-entries?actor={id}")).await.expect(200);
        assert_eq!((&log["items"][0]["action"], &log["items"][0]["subject"]), (&json!("add site"), &site["id"]));
        assert!(isp.get("/audit?action=add+site").await.text.contains("<bdi>Sites</bdi>"), "the page names the key");
        let shown = isp.get(&format!("/api/v1/api-keys/{id}")).await.expect(200);
        assert!(shown["last_used_at"].is_string() && !shown.to_string().contains(&key), "{shown}");
    });
}

#[test]
fn a_key_is_over_when_it_says_or_is_revoked() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let (id, key) = made(&isp, json!({ "name": "Short", "scopes": ["view-network"] })).await;
        get(cloud, &key, "/api/v1/sites").await.expect(200);
        let other = cloud.isp().await;
        other.delete(&format!("/api/v1/api-keys/{id}")).await.refused(404, "api-key-not-found");
        assert!(isp.delete(&format!("/api/v1/api-keys/{id}")).await.expect(200)["revoked_at"].is_string());
        get(cloud, &key, "/api/v1/sites").await.refused(401, "unauthenticated");
        get(cloud, &format!("{}a", &key[..key.len() - 1]), "/api/v1/sites").await.refused(401, "unauthenticated");

        let soon = cloud.app.clock.now() + TimeDelta::milliseconds(400);
        let (_, key) = made(&isp, json!({ "name": "Over", "scopes": ["view-network"], "expires_at": soon })).await;
        get(cloud, &key, "/api/v1/sites").await.expect(200);
        while cloud.app.clock.now() <= soon {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        get(cloud, &key, "/api/v1/sites").await.refused(401, "unauthenticated");
    });
}

#[test]
fn a_key_is_taken_from_its_networks_only() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let wish =
            json!({ "name": "Office", "scopes": ["view-network"], "networks": ["203.0.113.7", "2001:db8::/32"] });
        let (id, key) = made(&isp, wish).await;
        let from = async |address: &str| {
            let mut request = Request::get("/api/v1/sites")
                .header(header::AUTHORIZATION, format!("Bearer {key}"))
                .body(Body::empty())
                .expect("a request");
            request.extensions_mut().insert(Peer(address.parse::<IpAddr>().expect("an address")));
            cloud.send(request).await
        };
        from("203.0.113.7").await.expect(200);
        from("::ffff:203.0.113.7").await.expect(200);
        from("2001:db8:1::1").await.expect(200);
        from("203.0.113.8").await.refused(403, "api-key-elsewhere");
        get(cloud, &key, "/api/v1/sites").await.refused(403, "api-key-elsewhere");
        let shown = isp.get(&format!("/api/v1/api-keys/{id}")).await.expect(200);
        assert_eq!(shown["networks"], json!(["203.0.113.7/32", "2001:db8::/32"]));
        assert_eq!(shown["last_used_from"], "203.0.113.7");
    });
}

#[test]
fn a_key_has_never_more_than_its_maker() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        for (wrong, field) in [
            (json!({ "name": " ", "scopes": ["view-network"] }), "name"),
            (json!({ "name": "None", "scopes": [] }), "scopes"),
            (json!({ "name": "Unknown", "scopes": ["fly"] }), "scopes"),
            (json!({ "name": "Person", "scopes": ["logged-in"] }), "scopes"),
            (json!({ "name": "Keys", "scopes": ["manage-api-keys"] }), "scopes"),
            (json!({ "name": "Past", "scopes": ["view-network"], "expires_at": "2001-01-01T00:00:00Z" }), "expires_at"),
            (json!({ "name": "Net", "scopes": ["view-network"], "networks": ["10.0.0.0/33"] }), "networks"),
        ] {
            let refused = isp.post("/api/v1/api-keys", wrong).await.refused(422, "invalid");
            assert_eq!(refused["errors"][0]["field"], field, "{refused}");
        }
        assert_eq!(isp.get("/api/v1/api-keys").await.expect(200)["items"], json!([]));
        let second = Isp { cloud, tenant: isp.tenant, owner: cloud.staff(isp.tenant, Role::Owner).await };
        let maker = second.get("/api/v1/me").await.expect(200)["id"].as_str().expect("an id").to_owned();
        let (_, key) = made(&second, json!({ "name": "Both", "scopes": ["view-network", "view-billing"] })).await;
        let change = async |wish: Value| {
            let path = format!("/api/v1/staff/{maker}");
            isp.patch(&path, wish).await.expect(200);
        };
        get(cloud, &key, "/api/v1/invoices").await.expect(200);
        change(json!({ "role": "network" })).await;
        get(cloud, &key, "/api/v1/invoices").await.refused(403, "forbidden");
        get(cloud, &key, "/api/v1/sites").await.expect(200);
        change(json!({ "disabled": true })).await;
        get(cloud, &key, "/api/v1/sites").await.refused(401, "unauthenticated");
    });
}

#[test]
fn the_page_shows_a_key_once() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let request = Request::post("/api-keys")
            .header(header::COOKIE, format!("weir_session={}", isp.owner))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        let form = "name=Bookkeeping&view-billing=yes&expires_at=2099-01-31&networks=203.0.113.0%2F24";
        let page = cloud.send(request.body(Body::from(form)).expect("a request")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let key = page.text.split("weir_key_").nth(1).map(|rest| &rest[..58]).expect("the key");
        let listed = isp.get("/api/v1/api-keys").await.expect(200);
        let listed = &listed["items"][0];
        assert_eq!(
            (&listed["scopes"], &listed["expires_at"]),
            (&json!(["view-billing"]), &json!("2099-01-31T23:00:00Z"))
        );
        let again = isp.get(&format!("/api-keys/{}", listed["id"].as_str().expect("an id"))).await;
        assert!(again.status == 200 && !again.text.contains(key));
        cloud
            .ask(Some(&isp.owner), Method::GET, "/api-keys/new", None)
            .await
            .status
            .is_success()
            .then_some(())
            .expect("a form");
    });
}
