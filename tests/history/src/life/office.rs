//! The ISP's office: its staff and its programs ask the REST API, in this process.

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Body;
use axum::http::request::Builder;
use axum::http::{Method, Request, StatusCode, header};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use tower::ServiceExt;
use weir_cloud::app::App;
use weir_cloud::db::{Actor, Scope};
use weir_cloud::ids::{SubscriberId, TenantId};
use weir_cloud::{access, http, jobs, tenants};

/// Where the ISP is.
pub const ZONE: Tz = chrono_tz::Europe::Madrid;
/// Who owns it.
pub const OWNER: (&str, &str) = ("Nora Winther", "nora@northwind.example");
/// Who looks after money.
pub const BILLING: (&str, &str) = ("Bilal Haddad", "bilal@northwind.example");
/// Who answers subscribers.
pub const SUPPORT: (&str, &str) = ("Sofia Marin", "sofia@northwind.example");
/// Who looks after routers.
pub const NETWORK: (&str, &str) = ("Tomas Vela", "tomas@northwind.example");

/// How long a session is used before its holder signs in again.
const SESSION: TimeDelta = TimeDelta::hours(7);

/// A refusal of the API.
#[derive(Debug)]
pub struct Refused {
    /// The status.
    pub status: StatusCode,
    /// The problem.
    pub problem: Value,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.status, self.problem)
    }
}

impl std::error::Error for Refused {}

/// The office.
pub struct Office {
    /// The installation.
    pub app: App,
    /// The ISP.
    pub tenant: TenantId,
    router: Router,
    password: String,
    /// The key of the program at the counter.
    counter: String,
    sessions: HashMap<&'static str, (String, DateTime<Utc>)>,
    asked: u64,
    /// With which people's browsers speak to the payment provider.
    pub provider: reqwest::Client,
}

impl Office {
    /// Makes the ISP with its staff, and the key its counter works with.
    pub async fn open(app: &App, isp: &super::Isp<'_>) -> Result<Self> {
        let new = tenants::NewTenant {
            name: isp.name.into(),
            slug: isp.slug.into(),
            currency: "EUR".into(),
            time_zone: ZONE.name().into(),
            country: "ES".into(),
        };
        let mut tx = tenants::create(app, &new).await?;
        let owner = access::NewStaff {
            name: OWNER.0.into(),
            email: OWNER.1.into(),
            password: isp.password.into(),
            role: http::permission::Role::Owner,
        };
        access::add_staff(app, &mut tx, &owner).await?;
        let tenant = tx.tenant();
        tx.commit().await?;
        let mut office = Self {
            app: app.clone(),
            tenant,
            router: http::router::router(app.clone()),
            password: isp.password.into(),
            counter: String::new(),
            sessions: HashMap::new(),
            asked: 0,
            provider: reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?,
        };
        for ((name, email), role) in [(BILLING, "billing"), (SUPPORT, "support"), (NETWORK, "network")] {
            office.employ(name, email, role).await?;
        }
        let scopes = [
            "view-subscribers",
            "manage-subscribers",
            "manage-subscriptions",
            "view-catalog",
            "view-billing",
            "record-payments",
            "view-network",
            "view-dunning",
            "view-analytics",
        ];
        let key = office.staff(OWNER, "/api-keys", json!({"name": "Counter and web shop", "scopes": scopes})).await?;
        office.counter = text(&key["key"])?;
        Ok(office)
    }

    async fn employ(&mut self, name: &str, email: &str, role: &str) -> Result<()> {
        let wish = json!({"name": name, "email": email, "role": role});
        let sent = self.staff(OWNER, "/staff-invitations", wish).await?;
        let link = text(&sent["link"])?;
        let token = link.rsplit('/').next().context("an invitation without a token")?;
        let acceptance = json!({"token": token, "password": self.password});
        self.send(Method::POST, "/staff-invitations/accept", None, Some(acceptance)).await.map(drop)
    }

    /// Names the mail server: from now on people are written to.
    pub async fn write_by(&mut self, server: SocketAddr) -> Result<()> {
        let wish = json!({"host": server.ip().to_string(), "port": server.port(), "security": "none",
            "from_name": "Northwind Fibre", "from_address": "billing@northwind.example"});
        self.staff_by(Method::PUT, OWNER, "/message-settings/email", Some(wish)).await.map(drop)
    }

    /// What the API answers the counter.
    pub async fn get(&mut self, path: &str) -> Result<Value> {
        let counter = self.counter.clone();
        self.send(Method::GET, path, Some(&counter), None).await
    }

    /// What the counter does.
    pub async fn post(&mut self, path: &str, body: Value) -> Result<Value> {
        let counter = self.counter.clone();
        self.send(Method::POST, path, Some(&counter), Some(body)).await
    }

    /// What a member of staff does.
    pub async fn staff(&mut self, who: (&str, &'static str), path: &str, body: Value) -> Result<Value> {
        self.staff_by(Method::POST, who, path, Some(body)).await
    }

    /// The same, by another method.
    pub async fn staff_by(
        &mut self,
        method: Method,
        (_, email): (&str, &'static str),
        path: &str,
        body: Option<Value>,
    ) -> Result<Value> {
        let token = self.session(email).await?;
        self.send(method, path, Some(&token), body).await
    }

    /// A member of staff hands in a file's bytes.
    pub async fn hand_in(&mut self, (_, email): (&str, &'static str), path: &str, bytes: Vec<u8>) -> Result<Value> {
        let token = self.session(email).await?;
        let request = self.request(Method::POST, path, Some(&token)).body(Body::from(bytes))?;
        self.answer(path, request).await
    }

    /// The session a member of staff works in.
    async fn session(&mut self, email: &'static str) -> Result<String> {
        let now = self.app.clock.now();
        if let Some((token, _)) = self.sessions.get(email).filter(|(_, since)| now - *since < SESSION) {
            return Ok(token.clone());
        }
        let session = access::log_in(&self.app, email, self.password.clone(), "Firefox 140 on Linux").await?;
        self.sessions.insert(email, (session.token.clone(), now));
        Ok(session.token)
    }

    /// All items of a list.
    pub async fn list(&mut self, path: &str) -> Result<Vec<Value>> {
        let (mut items, mut after) = (Vec::new(), None::<String>);
        let joint = if path.contains('?') { '&' } else { '?' };
        loop {
            let cursor = after.as_ref().map(|after| format!("&after={after}")).unwrap_or_default();
            let page = self.get(&format!("{path}{joint}limit=200{cursor}")).await?;
            items.extend(page["items"].as_array().with_context(|| format!("{path} is no list"))?.iter().cloned());
            after = page["next"].as_str().map(str::to_owned);
            if after.is_none() {
                return Ok(items);
            }
        }
    }

    /// Opens a page as somebody's browser does; returns where it leads on to, if it does.
    pub async fn browse(&self, method: Method, path: &str) -> Result<Option<String>> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        let response = self.router.clone().oneshot(request.body(Body::empty())?).await?;
        let (status, headers) = (response.status(), response.headers());
        ensure!(status.is_success() || status.is_redirection(), "{path}: {status}");
        Ok(headers.get(header::LOCATION).and_then(|to| to.to_str().ok()).map(str::to_owned))
    }

    async fn send(&mut self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> Result<Value> {
        let request = self.request(method, path, token);
        let request = match body {
            Some(body) => {
                request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string()))?
            }
            None => request.body(Body::empty())?,
        };
        self.answer(path, request).await
    }

    fn request(&mut self, method: Method, path: &str, token: Option<&str>) -> Builder {
        self.asked += 1;
        // Every request is made once, so every one that wants a key may have its own.
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("idempotency-key", format!("request-{}", self.asked));
        match token {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    async fn answer(&self, path: &str, request: Request<Body>) -> Result<Value> {
        let response = self.router.clone().oneshot(request).await?;
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 64 << 20).await?;
        let answer = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(answer);
        }
        Err(anyhow::Error::new(Refused { status, problem: answer }).context(format!("{path} refused")))
    }

    /// Moves the clock to a local time; back it does not go.
    pub fn move_to(&self, on: NaiveDate, (hour, minute): (u32, u32)) -> Result<()> {
        let time = NaiveTime::from_hms_opt(hour, minute, 0).context("no time of the day")?;
        self.move_to_instant(instant(on, time)?)
    }

    /// Moves the clock to an instant, if it has not come yet.
    pub fn move_to_instant(&self, at: DateTime<Utc>) -> Result<()> {
        let by = at - self.app.clock.now();
        if by > TimeDelta::zero() {
            self.app.clock.shift(by)?;
        }
        Ok(())
    }

    /// Does the jobs that are due.
    pub async fn work(&self) -> Result<()> {
        Ok(jobs::work_off(&self.app).await?)
    }

    /// On behalf of a subscriber.
    pub fn as_subscriber(&self, subscriber: SubscriberId) -> Scope {
        Scope { tenant: self.tenant, actor: Actor::Subscriber(subscriber) }
    }
}

/// An instant of the ISP's local time.
pub fn instant(on: NaiveDate, time: NaiveTime) -> Result<DateTime<Utc>> {
    let local = on.and_time(time).and_local_timezone(ZONE);
    Ok(local.latest().with_context(|| format!("{on} has no {time}"))?.to_utc())
}

/// The midnight a day begins with.
pub fn midnight(on: NaiveDate) -> Result<DateTime<Utc>> {
    instant(on, NaiveTime::MIN)
}

/// A text of an answer.
pub fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().with_context(|| format!("no text: {value}"))?.to_owned())
}
