//! Sessions: who is logged in from where, and that an end is an end, for open streams too. And guessing passwords.

use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use futures_util::future::join_all;
use serde_json::{Value, json};
use weir_cloud::access;
use weir_cloud::http::peer::Peer;
use weir_cloud::http::permission::Role;

use crate::harness::{Answer, Cloud, Isp, run};

const PASSWORD: &str = "correct horse battery staple";
/// How soon an open stream must end.
const SOON: Duration = Duration::from_secs(5);

/// Logs in from a browser at an address, through a proxy on this machine.
async fn log_in(cloud: &Cloud, email: &str, password: &str, from: &str) -> Answer {
    let mut request = Request::post("/api/v1/sessions")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
        .header("x-forwarded-for", format!("198.51.100.1, {from}"))
        .body(Body::from(json!({ "email": email, "password": password }).to_string()))
        .expect("a request");
    request.extensions_mut().insert(Peer(IpAddr::from([127, 0, 0, 1])));
    cloud.send(request).await
}

async fn me(cloud: &Cloud, token: &str) -> Value {
    cloud.ask(Some(token), Method::GET, "/api/v1/me", None).await.expect(200)
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// Opens the live stream; what it gives tells whether it ended in time.
async fn stream(cloud: &Cloud, token: &str) -> impl Future<Output = bool> + use<> {
    let request = Request::get("/live?topics=overview").header(header::AUTHORIZATION, format!("Bearer {token}"));
    let answer = cloud.respond(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    async { tokio::time::timeout(SOON, axum::body::to_bytes(answer.into_body(), 1 << 20)).await.is_ok() }
}

#[test]
fn people_see_their_sessions_and_end_them() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let own = me(cloud, &isp.owner).await;
        let opened = log_in(cloud, text(&own["email"]), PASSWORD, "203.0.113.7").await.expect(201);
        let elsewhere = text(&opened["token"]).to_owned();
        let listed = isp.get("/api/v1/me/sessions").await.expect(200);
        let other = listed.as_array().expect("sessions").iter().find(|session| session["current"] == false);
        let other = other.expect("the other session");
        assert_eq!((&other["device"], &other["address"]), (&json!("Firefox · Linux"), &json!("203.0.113.7")));
        assert!(!listed.to_string().contains(&elsewhere), "a list shows no token");
        let page = isp.get("/preferences/sessions").await.text;
        assert!(page.contains("Firefox · Linux") && page.contains("203.0.113.7"), "{page}");

        let live = stream(cloud, &elsewhere).await;
        let stays = stream(cloud, &isp.owner).await;
        isp.delete(&format!("/api/v1/sessions/{}", text(&other["id"]))).await.expect(204);
        cloud.ask(Some(&elsewhere), Method::GET, "/api/v1/me", None).await.refused(401, "unauthenticated");
        let (ended, stayed_open) = tokio::join!(live, async { !stays.await });
        assert!(ended && stayed_open, "the ended session's stream ended: {ended}, the other's stayed: {stayed_open}");
        isp.delete(&format!("/api/v1/sessions/{}", text(&other["id"]))).await.refused(404, "session-not-found");

        for _ in 0..2 {
            log_in(cloud, text(&own["email"]), PASSWORD, "203.0.113.7").await.expect(201);
        }
        assert_eq!(isp.delete("/api/v1/me/sessions").await.expect(200)["ended"], 2);
        assert_eq!(isp.get("/api/v1/me/sessions").await.expect(200).as_array().map(Vec::len), Some(1));
    });
}

#[test]
fn an_owner_ends_anybodys_sessions_and_others_only_their_own() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let (one, two) = (cloud.staff(isp.tenant, Role::Support).await, cloud.staff(isp.tenant, Role::Billing).await);
        let id = text(&me(cloud, &one).await["id"]).to_owned();
        let path = format!("/api/v1/staff/{id}/sessions");
        let session = isp.get(&path).await.expect(200)[0]["id"].clone();
        let end = format!("/api/v1/sessions/{}", text(&session));
        cloud.ask(Some(&two), Method::DELETE, &end, None).await.refused(404, "session-not-found");
        let other = cloud.isp().await;
        other.delete(&end).await.refused(404, "session-not-found");
        other.get(&path).await.refused(404, "staff-not-found");
        assert_eq!(isp.delete(&path).await.expect(200)["ended"], 1);
        cloud.ask(Some(&one), Method::GET, "/api/v1/me", None).await.refused(401, "unauthenticated");
        let log = isp.get(&format!("/api/v1/audit-entries?subject={id}&action=end%20sessions")).await.expect(200);
        assert_eq!(log["items"].as_array().map(Vec::len), Some(1), "{log}");
    });
}

#[test]
fn streams_die_with_the_session_that_opened_them() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let change = async |isp: &Isp, token: &str, wish: Value| {
            let path = format!("/api/v1/staff/{}", text(&me(cloud, token).await["id"]));
            isp.patch(&path, wish).await.expect(200);
        };
        let disabled = cloud.staff(isp.tenant, Role::Support).await;
        let live = stream(cloud, &disabled).await;
        change(&isp, &disabled, json!({ "disabled": true })).await;
        assert!(live.await, "a disabled person still watches");

        let logged_out = cloud.staff(isp.tenant, Role::Support).await;
        let live = stream(cloud, &logged_out).await;
        cloud.ask(Some(&logged_out), Method::DELETE, "/api/v1/sessions/current", None).await.expect(204);
        assert!(live.await, "somebody who logged out still watches");

        let own = me(cloud, &isp.owner).await;
        let elsewhere = log_in(cloud, text(&own["email"]), PASSWORD, "203.0.113.7").await.expect(201);
        let live = stream(cloud, text(&elsewhere["token"])).await;
        let change = json!({ "current_password": PASSWORD, "password": "four words are enough" });
        isp.put("/api/v1/me/password", change).await.expect(204);
        assert!(live.await, "a session from before the new password still watches");
    });
}

#[test]
fn guesses_sent_at_once_wait_like_others_and_unknown_addresses_wait_too() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let known = text(&me(cloud, &isp.owner).await["email"]).to_owned();
        let unknown = format!("nobody@{}.example", isp.tenant);
        for email in [known.to_uppercase(), unknown] {
            let guesses = (0..24).map(|_| log_in(cloud, &email, "not the password", "203.0.113.9"));
            let answers = join_all(guesses).await;
            let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
            // Five cost nothing, the sixth makes the next wait.
            assert_eq!((count(401), count(429)), (6, 18), "{email}");
            let right = log_in(cloud, &email, PASSWORD, "203.0.113.9").await;
            right.refused(429, "login-waits");
        }
    });
}

#[test]
fn a_right_password_forgets_the_wrong_ones_before() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let email = text(&me(cloud, &isp.owner).await["email"]).to_owned();
        for _ in 0..3 {
            for _ in 0..4 {
                log_in(cloud, &email, "not the password", "203.0.113.9").await.refused(401, "wrong-login");
            }
            log_in(cloud, &email, PASSWORD, "203.0.113.9").await.expect(201);
        }
        access::forget_old_attempts(&cloud.app).await.expect("forget");
    });
}

#[test]
fn only_what_replaces_the_cookie_spares_the_look_at_where_a_change_comes_from() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let change = async |proof: Option<&str>| {
            let mut request = Request::post("/preferences")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::COOKIE, format!("weir_session={}", isp.owner))
                .header("sec-fetch-site", "cross-site");
            if let Some(proof) = proof {
                request = request.header(header::AUTHORIZATION, proof);
            }
            let form = Body::from("language=en&theme=light");
            cloud.respond(request.body(form).expect("a request")).await.status()
        };
        assert_eq!(change(None).await, StatusCode::FORBIDDEN);
        // A browser sends these by itself, for a form that leads to https://a:b@isp.example/.
        assert_eq!(change(Some("Basic YTpi")).await, StatusCode::FORBIDDEN);
        let bearer = format!("Bearer {}", isp.owner);
        assert_eq!(change(Some(&bearer)).await, StatusCode::SEE_OTHER);
    });
}
