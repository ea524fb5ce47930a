//! ISPs whose clocks are their own: billing needs months to pass for one test alone.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::{DateTime, Utc};
use serde_json::Value;
use tower::ServiceExt;
use weir_cloud::app::App;
use weir_cloud::clock::Clock;
use weir_cloud::db::{Db, Scope, embedded};
use weir_cloud::http::permission::Role;
use weir_cloud::ids::TenantId;
use weir_cloud::{access, http, tenants};

use crate::harness::cloud;

/// Runs a test's story.
pub fn story<F: Future>(story: F) -> F::Output {
    cloud().runtime.block_on(story)
}

/// An ISP with an owner who is logged in, in a world whose clock is its own.
pub struct Isp {
    pub app: App,
    pub router: Router,
    pub tenant: TenantId,
    pub token: String,
}

/// An answer of the API.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("not JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The JSON, if it is what was hoped for.
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// The slug of the problem.
    pub fn problem(&self) -> String {
        self.json()["type"].as_str().unwrap_or_default().trim_start_matches("/errors/").to_owned()
    }
}

impl Isp {
    pub async fn new(slug: &str, at: &str) -> Self {
        Self::of(&cloud().app, slug, at).await
    }

    /// An ISP of this installation.
    pub async fn of(installation: &App, slug: &str, at: &str) -> Self {
        let folder = &installation.config.data_dir;
        let clock = Clock::movable(folder.join(format!("clock-{slug}")));
        move_to(&clock, at);
        let db = Db::connect(&embedded::options(folder), clock.clone(), installation.links.clone())
            .await
            .expect("the database answers");
        let app = App { db, clock, schedule: Arc::default(), ..installation.clone() };
        let new = tenants::NewTenant {
            name: format!("{slug} net"),
            slug: slug.to_owned(),
            currency: "EUR".into(),
            time_zone: "Europe/Madrid".into(),
            country: "ES".into(),
        };
        let mut tx = tenants::create(&app, &new).await.expect("a tenant");
        let (email, password) = (format!("owner@{slug}.example"), "correct horse battery".to_owned());
        let owner = access::NewStaff {
            name: "Olga".into(),
            email: email.clone(),
            password: password.clone(),
            role: Role::Owner,
        };
        access::add_staff(&app, &mut tx, &owner).await.expect("an owner");
        let tenant = tx.tenant();
        tx.commit().await.expect("committed");
        let session = access::log_in(&app, &email, password, "tests").await.expect("logged in");
        Self { router: http::router::router(app.clone()), app, tenant, token: session.token }
    }

    pub fn scope(&self) -> Scope {
        Scope::system(self.tenant)
    }

    /// Moves this world's clock. Sessions do not outlive a season, so the owner logs in again.
    pub async fn now_is(&mut self, at: &str) {
        move_to(&self.app.clock, at);
        let email = {
            let slug = self.tenant_slug().await;
            format!("owner@{slug}.example")
        };
        let session =
            access::log_in(&self.app, &email, "correct horse battery".into(), "tests").await.expect("logged in");
        self.token = session.token;
    }

    async fn tenant_slug(&self) -> String {
        let mut tx = self.app.db.read(&self.scope()).await.expect("a transaction");
        let name = tenants::tenant(&mut tx).await.expect("the tenant").name;
        name.trim_end_matches(" net").to_owned()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, Some(body), None).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send("PATCH", path, Some(body), None).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send("PUT", path, Some(body), None).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None, None).await
    }

    pub async fn post_once(&self, path: &str, key: &str, body: Value) -> Answer {
        self.send("POST", path, Some(body), Some(key)).await
    }

    /// Posts bytes.
    pub async fn upload(&self, path: &str, bytes: Vec<u8>) -> Answer {
        let request = Request::post(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/wasm");
        self.answer(request.body(Body::from(bytes)).expect("a request")).await
    }

    async fn send(&self, method: &str, path: &str, body: Option<Value>, key: Option<&str>) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.answer(request.body(body).expect("a request")).await
    }

    async fn answer(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 64 << 20).await.expect("a body").to_vec();
        Answer { status, body }
    }
}

/// What a browser gets.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub location: String,
    pub kind: String,
    pub cookies: String,
    pub text: String,
}

impl Isp {
    /// A session of somebody else of the staff.
    pub async fn session_of(&self, role: Role) -> String {
        let email = format!("{}@{}.example", role.name().replace('_', "-"), self.tenant_slug().await);
        let password = "correct horse battery".to_owned();
        let new = access::NewStaff { name: "Sam".into(), email: email.clone(), password: password.clone(), role };
        let mut tx = self.app.db.begin(&self.scope()).await.expect("a transaction");
        access::add_staff(&self.app, &mut tx, &new).await.expect("staff");
        tx.commit().await.expect("committed");
        access::log_in(&self.app, &email, password, "tests").await.expect("logged in").token
    }

    /// A page, as the owner's browser asks for it.
    pub async fn page(&self, path: &str) -> Page {
        self.browse(&self.token, path, None).await
    }

    /// Sends a form as the owner's browser would.
    pub async fn form(&self, path: &str, form: &str) -> Page {
        self.browse(&self.token, path, Some(form)).await
    }

    pub async fn browse(&self, session: &str, path: &str, form: Option<&str>) -> Page {
        self.browse_with(&format!("weir_session={session}"), path, form).await
    }

    /// As the browser that has these cookies.
    pub async fn browse_with(&self, cookies: &str, path: &str, form: Option<&str>) -> Page {
        let request = Request::builder()
            .method(if form.is_some() { "POST" } else { "GET" })
            .uri(path)
            .header("cookie", cookies)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        let body = Body::from(form.unwrap_or_default().to_owned());
        let response = self.router.clone().oneshot(request.body(body).expect("a request")).await.expect("an answer");
        let header = |name: &str| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let (location, kind, cookies) = (header("location"), header("content-type"), header("set-cookie"));
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 64 << 20).await.expect("a body");
        // Messages isolate what is put into them, for it may be in another script; a reader sees nothing of that.
        let text = String::from_utf8_lossy(&body).replace(['\u{2068}', '\u{2069}'], "");
        Page { status, location, kind, cookies, text }
    }

    /// The owner's own session, as the cookie of their browser.
    pub fn cookie(&self) -> String {
        format!("weir_session={}", self.token)
    }
}

pub fn move_to(clock: &Clock, at: &str) {
    let at: DateTime<Utc> = at.parse().expect("an instant");
    clock.shift(at - clock.now()).expect("the clock moves");
}
