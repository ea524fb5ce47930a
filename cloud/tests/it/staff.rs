//! Staff: invitations, what a change of access does, passwords.

use axum::http::Method;
use serde_json::{Value, json};
use weir_cloud::http::permission::Role;

use crate::harness::{Answer, Cloud, Isp, run};

const PASSWORD: &str = "four words are enough";

/// Invites somebody and gives the token of the link.
async fn invited(isp: &Isp, email: &str, role: &str) -> (Value, String) {
    let wish = json!({ "name": "Noor Haddad", "email": email, "role": role });
    let sent = isp.post("/api/v1/staff-invitations", wish).await.expect(201);
    let token = sent["link"].as_str().and_then(|link| link.rsplit_once("/join/")).expect("a link").1.to_owned();
    (sent, token)
}

async fn accept(cloud: &Cloud, token: &str) -> Answer {
    let wish = json!({ "token": token, "password": PASSWORD });
    cloud.ask(None, Method::POST, "/api/v1/staff-invitations/accept", Some(wish)).await
}

async fn log_in(cloud: &Cloud, email: &str, password: &str) -> Answer {
    let wish = json!({ "email": email, "password": password });
    cloud.ask(None, Method::POST, "/api/v1/sessions", Some(wish)).await
}

async fn change(isp: &Isp, id: &Value, wish: Value) -> Answer {
    let path = format!("/api/v1/staff/{}", id.as_str().expect("an id"));
    isp.patch(&path, wish).await
}

#[test]
fn an_invitation_works_once_and_only_the_newest_to_an_address() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let (_, old) = invited(&isp, "Noor@Once.example", "support").await;
        let (_, token) = invited(&isp, "noor@once.example", "billing").await;
        accept(cloud, &old).await.refused(410, "invitation-over");
        let page = cloud.ask(None, Method::GET, &format!("/join/{token}"), None).await;
        assert!(page.status == 200 && page.text.contains("noor@once.example"), "{}", page.text);
        let member = accept(cloud, &token).await.expect(201);
        assert_eq!((&member["role"], &member["email"]), (&json!("billing"), &json!("noor@once.example")));
        accept(cloud, &token).await.refused(410, "invitation-over");
        log_in(cloud, "NOOR@once.example", PASSWORD).await.expect(201);
        let again = json!({ "name": "Noor", "email": "noor@once.example", "role": "support" });
        isp.post("/api/v1/staff-invitations", again).await.refused(409, "email-taken");
        assert_eq!(isp.get("/api/v1/staff-invitations").await.expect(200), json!([]));
    });
}

#[test]
fn a_withdrawn_old_or_foreign_invitation_opens_nothing() {
    run(|cloud| async move {
        let (isp, other) = (cloud.isp().await, cloud.isp().await);
        let (sent, token) = invited(&isp, "gone@once.example", "support").await;
        let path = format!("/api/v1/staff-invitations/{}", sent["id"].as_str().expect("an id"));
        other.delete(&path).await.refused(404, "invitation-not-found");
        isp.delete(&path).await.expect(204);
        accept(cloud, &token).await.refused(410, "invitation-over");
        accept(cloud, "no token at all").await.refused(410, "invitation-over");
        let short = json!({ "token": token, "password": "short" });
        let refused = cloud.ask(None, Method::POST, "/api/v1/staff-invitations/accept", Some(short)).await;
        assert_eq!(refused.refused(422, "invalid")["errors"][0]["field"], "password");
    });
}

#[test]
fn whoever_is_disabled_is_out_at_once() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let (_, token) = invited(&isp, "out@once.example", "support").await;
        let member = accept(cloud, &token).await.expect(201);
        let session = log_in(cloud, "out@once.example", PASSWORD).await.expect(201);
        let session = session["token"].as_str().expect("a token");
        let me = || cloud.ask(Some(session), Method::GET, "/api/v1/me", None);
        assert_eq!(change(&isp, &member["id"], json!({ "role": "network" })).await.expect(200)["role"], "network");
        assert_eq!(me().await.expect(200)["role"], "network");
        change(&isp, &member["id"], json!({ "disabled": true })).await.expect(200);
        me().await.refused(401, "unauthenticated");
        log_in(cloud, "out@once.example", PASSWORD).await.refused(401, "wrong-login");
        change(&isp, &member["id"], json!({ "disabled": false })).await.expect(200);
        me().await.refused(401, "unauthenticated");
        log_in(cloud, "out@once.example", PASSWORD).await.expect(201);
    });
}

#[test]
fn an_owner_stays_and_nobody_changes_their_own_access() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let me = isp.get("/api/v1/me").await.expect(200);
        change(&isp, &me["id"], json!({ "role": "support" })).await.refused(409, "own-access");
        change(&isp, &me["id"], json!({ "disabled": true })).await.refused(409, "own-access");
        let second = cloud.staff(isp.tenant, Role::Owner).await;
        let path = format!("/api/v1/staff/{}", me["id"].as_str().expect("an id"));
        let demoted =
            cloud.ask(Some(&second), Method::PATCH, &path, Some(json!({ "role": "read_only" }))).await.expect(200);
        assert_eq!(demoted["role"], "read_only");
        let staff = isp.get("/api/v1/staff").await.expect(200);
        assert_eq!(staff["items"].as_array().expect("items").len(), 2);
        let unknown = json!({ "role": "owner", "salary": 1 });
        cloud.ask(Some(&second), Method::PATCH, &path, Some(unknown)).await.refused(400, "malformed-body");
    });
}

#[test]
fn a_disabled_owner_cannot_come_back_by_an_invitation_of_their_own() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let second = Isp { cloud, tenant: isp.tenant, owner: cloud.staff(isp.tenant, Role::Owner).await };
        let (_, token) = invited(&second, "me.again@once.example", "owner").await;
        let me = second.get("/api/v1/me").await.expect(200);
        change(&isp, &me["id"], json!({ "disabled": true })).await.expect(200);
        accept(cloud, &token).await.refused(410, "invitation-over");
    });
}

#[test]
fn a_new_password_ends_all_other_sessions() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let email = isp.get("/api/v1/me").await.expect(200)["email"].as_str().expect("an address").to_owned();
        let old = "correct horse battery staple";
        let elsewhere = log_in(cloud, &email, old).await.expect(201)["token"].as_str().expect("a token").to_owned();
        let wrong = json!({ "current_password": "not the password", "password": PASSWORD });
        let refused = isp.put("/api/v1/me/password", wrong).await.refused(422, "invalid");
        assert_eq!(refused["errors"][0]["field"], "current_password");
        isp.put("/api/v1/me/password", json!({ "current_password": old, "password": PASSWORD })).await.expect(204);
        cloud.ask(Some(&elsewhere), Method::GET, "/api/v1/me", None).await.refused(401, "unauthenticated");
        isp.get("/api/v1/me").await.expect(200);
        log_in(cloud, &email, old).await.refused(401, "wrong-login");
        log_in(cloud, &email, PASSWORD).await.expect(201);
    });
}

#[test]
fn the_reference_shows_every_operation() {
    run(|cloud| async move {
        let document = cloud.ask(None, Method::GET, "/api/v1/openapi.json", None).await.expect(200);
        let page = cloud.ask(None, Method::GET, "/api", None).await;
        assert_eq!((page.status.as_u16(), page.text.matches("<h1>").count()), (200, 1));
        for (path, methods) in document["paths"].as_object().expect("paths") {
            assert!(page.text.contains(&format!("<code>{path}</code>")), "{path}");
            for operation in methods.as_object().expect("methods").values() {
                let id = operation["operationId"].as_str().expect("an id");
                assert_eq!(page.text.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
            }
        }
        for target in page.text.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(page.text.contains(&format!("id=\"{target}\"")), "#{target} leads nowhere");
        }
    });
}
