//! Links, passwords, sessions: what opens what, how often, and for whom.

use axum::http::Method;
use serde_json::json;

use super::harness::{Browser, PASSWORD, add, id, link};
use crate::harness::{Isp, run};

async fn subscriber(isp: &Isp, email: &str) -> String {
    id(&add(isp, "/subscribers", json!({ "name": "Amara Okafor", "email": email })).await)
}

fn form(email: &str, password: &str) -> String {
    format!("email={}&password={}", email.replace('@', "%40"), password.replace(' ', "+"))
}

#[test]
fn a_link_sets_a_password_once() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let me = subscriber(&isp, "Amara@Once.example").await;
        let mut browser = Browser::of(&isp).await;
        let (old, token) = (link(&isp, &me).await, link(&isp, &me).await);
        assert_eq!(browser.get(&format!("/set-password/{old}")).await.status, 410, "a newer link replaces it");
        let page = browser.get(&format!("/set-password/{token}")).await;
        assert!(page.status == 200 && page.text.contains("Amara@Once.example"), "{}", page.text);
        let short = browser.post(&format!("/set-password/{token}"), "password=short").await;
        assert_eq!(short.status, 422, "{}", short.text);
        assert!(short.text.contains("at least 12 characters"), "{}", short.text);
        browser.enter_with(&token).await;
        assert_eq!(browser.get("").await.status, 200);
        for again in [browser.get(&format!("/set-password/{token}")).await, browser.set(&token).await] {
            assert_eq!(again.status, 410, "{}", again.text);
            assert!(again.text.contains("This link has been used") && again.cookies.is_empty(), "{}", again.text);
        }
        assert_eq!(browser.get("/set-password/no-link-at-all").await.status, 410);
        let signed_in = browser.post("/sign-in", &form("amara@once.example", PASSWORD)).await;
        assert_eq!(signed_in.status, 303, "{}", signed_in.text);
    });
}

#[test]
fn only_hashes_are_kept() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let me = subscriber(&isp, "hash@once.example").await;
        let mut browser = Browser::of(&isp).await;
        let token = link(&isp, &me).await;
        browser.enter_with(&token).await;
        let session = browser.session.clone().expect("a session");
        let mut tx = cloud.app.db.read(&weir_cloud::db::Scope::system(isp.tenant)).await.expect("read");
        for table in ["portal_links", "portal_sessions", "portal_logins", "audit_entries", "events"] {
            let query = format!("SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t");
            let rows: String =
                sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(tx.conn()).await.expect("the rows");
            for secret in [&token, &session, &PASSWORD.to_owned()] {
                assert!(!rows.contains(secret.as_str()), "{table} holds a secret");
            }
        }
    });
}

#[test]
fn guessing_waits_and_says_nothing() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let me = subscriber(&isp, "guess@once.example").await;
        let mut browser = Browser::of(&isp).await;
        browser.enter(&isp, &me).await;
        browser.session = None;
        let known = browser.post("/sign-in", &form("guess@once.example", "not the password")).await;
        let unknown = browser.post("/sign-in", &form("nobody@once.example", "not the password")).await;
        assert_eq!((known.status, unknown.status), (422, 422));
        let without = |text: &str, email: &str| text.replace(email, "");
        assert_eq!(without(&known.text, "guess@once.example"), without(&unknown.text, "nobody@once.example"));
        for _ in 0..6 {
            browser.post("/sign-in", &form("guess@once.example", "not the password")).await;
        }
        let right = browser.post("/sign-in", &form("guess@once.example", PASSWORD)).await;
        assert!(right.status == 422 && right.text.contains("Too many wrong attempts"), "{}", right.text);
        let asked =
            ["guess@once.example", "nobody@once.example"].map(|email| format!("email={}", email.replace('@', "%40")));
        let (one, other) = (browser.post("/link", &asked[0]).await, browser.post("/link", &asked[1]).await);
        assert_eq!((one.status, other.status, one.text), (200, 200, other.text));
        let page = cloud.ask(Some(&isp.owner), Method::GET, &format!("/subscribers/{me}"), None).await;
        assert!(page.text.contains("Asked for a sign-in link"), "{}", page.text);
    });
}

#[test]
fn asking_for_a_link_is_told_once_and_without_a_secret() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let me = subscriber(&isp, "asks@once.example").await;
        let browser = Browser::of(&isp).await;
        for _ in 0..3 {
            browser.post("/link", "email=ASKS%40once.example").await;
        }
        let mut tx = cloud.app.db.read(&weir_cloud::db::Scope::system(isp.tenant)).await.expect("read");
        let told: Vec<(String, String, serde_json::Value)> =
            sqlx::query_as("SELECT subject, actor, data FROM events WHERE kind = 'portal.link_requested'")
                .fetch_all(tx.conn())
                .await
                .expect("events");
        assert_eq!(told, [(me.clone(), me, json!({}))]);
    });
}

#[test]
fn sessions_of_staff_and_subscribers_are_nothing_to_each_other() {
    run(|cloud| async move {
        let (isp, other) = (cloud.isp().await, cloud.isp().await);
        let me = subscriber(&isp, "both@once.example").await;
        let mut browser = Browser::of(&isp).await;
        browser.enter(&isp, &me).await;
        let session = browser.session.clone().expect("a session");
        cloud.ask(Some(&session), Method::GET, "/api/v1/me", None).await.refused(401, "unauthenticated");
        let as_staff =
            browser.send("GET", "/subscribers", None, &[("cookie", &format!("weir_session={session}"))]).await;
        assert!(as_staff.location.starts_with("/log-in"), "{as_staff:?}");
        let mut staff = Browser::of(&isp).await;
        staff.session = Some(isp.owner.clone());
        assert!(staff.get("").await.location.ends_with("/sign-in"));
        let bearer = staff
            .send("GET", &format!("/portal/{}", staff.slug), None, &[("authorization", &format!("Bearer {session}"))])
            .await;
        assert_eq!(bearer.status, 303, "a bearer token opens no portal");
        let mut elsewhere = Browser::of(&other).await;
        elsewhere.session = Some(session);
        assert!(elsewhere.get("").await.location.ends_with("/sign-in"), "another ISP's portal");
        let foreign = [("sec-fetch-site", "cross-site")];
        let path = format!("/portal/{}/sign-out", browser.slug);
        let mut request = axum::http::Request::post(&path).header(foreign[0].0, foreign[0].1);
        request = request.header("cookie", format!("weir_portal={}", browser.session.clone().expect("a session")));
        let refused = cloud.send(request.body(axum::body::Body::empty()).expect("a request")).await;
        assert_eq!(refused.status, 403, "{}", refused.text);
        assert_eq!(browser.get("").await.status, 200, "still signed in");
    });
}

#[test]
fn signing_out_ends_one_session_or_all() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let me = subscriber(&isp, "out@gone.example").await;
        let mut first = Browser::of(&isp).await;
        first.enter(&isp, &me).await;
        let mut second = Browser::of(&isp).await;
        let mut third = Browser::of(&isp).await;
        for browser in [&mut second, &mut third] {
            let page = browser.post("/sign-in", &form("out@gone.example", PASSWORD)).await;
            browser.entered(&page);
        }
        assert_eq!(second.post("/sign-out", "").await.status, 303);
        assert_eq!((second.get("").await.status, first.get("").await.status), (303, 200));
        assert_eq!(third.post("/sign-out-everywhere", "").await.status, 303);
        assert_eq!((third.get("").await.status, first.get("").await.status), (303, 303));
        first.enter(&isp, &me).await;
        isp.delete(&format!("/api/v1/subscribers/{me}/portal-sessions")).await.expect(204);
        assert_eq!(first.get("").await.status, 303, "staff end them, too");
    });
}

#[test]
fn an_address_is_one_log_in() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let first = subscriber(&isp, "shared@once.example").await;
        let second = subscriber(&isp, "Shared@once.example").await;
        Browser::of(&isp).await.enter(&isp, &first).await;
        let path = format!("/api/v1/subscribers/{second}/portal-link");
        isp.post(&path, json!({})).await.refused(409, "portal-email-shared");
        let without = id(&add(&isp, "/subscribers", json!({ "name": "No Address" })).await);
        let path = format!("/api/v1/subscribers/{without}/portal-link");
        isp.post(&path, json!({})).await.refused(409, "subscriber-without-email");
    });
}

#[test]
fn another_address_ends_what_the_old_one_opened() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let (me, other) = (subscriber(&isp, "old@moved.example").await, subscriber(&isp, "stays@moved.example").await);
        let (mut mine, mut theirs) = (Browser::of(&isp).await, Browser::of(&isp).await);
        mine.enter(&isp, &me).await;
        theirs.enter(&isp, &other).await;
        let path = format!("/api/v1/subscribers/{me}");
        let now = |email: &str| json!({ "name": "Amara Okafor", "email": email });
        isp.put(&path, now("Old@Moved.example")).await.expect(200);
        assert_eq!(mine.get("").await.status, 200, "the same address, written otherwise");
        let unused = link(&isp, &me).await;
        isp.put(&path, now("new@moved.example")).await.expect(200);
        assert_eq!(mine.get("").await.status, 303, "the session is over");
        assert_eq!(mine.get(&format!("/set-password/{unused}")).await.status, 410, "so is the link");
        for email in ["old@moved.example", "new@moved.example"] {
            assert_eq!(mine.post("/sign-in", &form(email, PASSWORD)).await.status, 422, "so is the password");
        }
        assert_eq!(theirs.get("").await.status, 200, "nobody else is signed out");
        mine.enter(&isp, &me).await;
        assert_eq!(mine.post("/sign-in", &form("new@moved.example", PASSWORD)).await.status, 303);
    });
}

impl Browser {
    async fn set(&self, token: &str) -> super::harness::Page {
        self.post(&format!("/set-password/{token}"), &format!("password={}", PASSWORD.replace(' ', "+"))).await
    }

    async fn enter_with(&mut self, token: &str) {
        let page = self.set(token).await;
        assert_eq!(page.status, 303, "{}", page.text);
        self.entered(&page);
    }
}
