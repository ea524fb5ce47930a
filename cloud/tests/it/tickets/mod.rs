//! Tickets: their life, their promises, the first answer, what comes with them and by e-mail, and whose they are.

mod answers;
mod attachments;
mod life;
mod mail;
mod pages;
mod portal;
mod promises;

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use crate::harness;
use crate::money::harness::Isp;
use crate::money::world::FIBRE;
use weir_cloud::ids::{AccountId, RouterId, SubscriberId, SubscriptionId};

/// An ISP with a subscriber who has a line.
pub struct Told {
    pub isp: Isp,
    pub router: RouterId,
    pub account: AccountId,
    pub subscriber: SubscriberId,
    pub line: SubscriptionId,
}

impl Told {
    /// Ana, who reads English, on Fibre 100 since the first of November.
    pub async fn at(slug: &str, at: &str) -> Self {
        let isp = Isp::new(&format!("ticket-{slug}"), at).await;
        let (router, plan) = (isp.router_named("edge-1").await, isp.plan(&FIBRE).await);
        let account = isp.account("Ana").await;
        let line = isp.line(account, router, plan, "2026-11-01").await;
        let shown = isp.get(&format!("/accounts/{account}")).await.expect(200);
        let subscriber: SubscriberId = shown["subscriber_id"].as_str().expect("an id").parse().expect("an id");
        let told = Self { isp, router, account, subscriber, line };
        let person = json!({ "name": "Ana", "email": format!("ana@{slug}.example"), "language": "en" });
        told.put(&format!("/subscribers/{subscriber}"), person).await;
        told
    }

    pub async fn put(&self, path: &str, body: Value) -> Value {
        let request = Request::put(format!("/api/v1{path}"))
            .header("cookie", self.isp.cookie())
            .header("content-type", "application/json")
            .header("sec-fetch-site", "same-origin");
        let answer = self.raw(request.body(Body::from(body.to_string())).expect("a request")).await;
        assert!(answer.0 < 300, "PUT {path}: {answer:?}");
        serde_json::from_str(&answer.1).unwrap_or(Value::Null)
    }

    /// Sends a request as it is.
    pub async fn raw(&self, request: Request<Body>) -> (u16, String) {
        use tower::ServiceExt;
        let response = self.isp.router.clone().oneshot(request).await.expect("an answer");
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 64 << 20).await.expect("a body");
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    /// Opens a ticket about Ana's line.
    pub async fn ask(&self, title: &str) -> Value {
        let wish = json!({ "title": title, "body": "Since this morning.", "subscription_id": self.line, "impact": "one_line" });
        self.isp.post("/tickets", wish).await.expect(201)
    }

    pub async fn reply(&self, ticket: &Value, body: &str, status: Option<&str>) -> Value {
        let wish = json!({ "kind": "reply", "body": body, "status": status });
        self.isp.post(&format!("/tickets/{}/entries", id(ticket)), wish).await.expect(201)
    }

    pub async fn show(&self, ticket: &Value) -> Value {
        self.isp.get(&format!("/tickets/{}", id(ticket))).await.expect(200)
    }

    /// Does what is done every minute.
    pub async fn minute(&self) {
        use weir_cloud::jobs::Job;
        use weir_cloud::tickets::jobs::WatchPromises;
        WatchPromises {}.run(self.isp.app.clone(), self.isp.scope()).await.expect("the promises are watched");
    }

    /// What was told of tickets, kind and facts, in order.
    pub async fn news(&self) -> Vec<(String, Value)> {
        let mut tx = self.isp.app.db.read(&self.isp.scope()).await.expect("a transaction");
        sqlx::query_as("SELECT kind, data FROM events WHERE kind LIKE 'ticket.%' ORDER BY at, id")
            .fetch_all(tx.conn())
            .await
            .expect("the events")
    }

    pub async fn kinds_of_news(&self) -> Vec<String> {
        self.news().await.into_iter().map(|(kind, _)| kind).collect()
    }
}

/// The id of a thing.
pub fn id(thing: &Value) -> &str {
    thing["id"].as_str().expect("an id")
}

/// Brings an e-mail from somebody nobody knows; returns the id it waits under.
pub async fn stray_mail(isp: &harness::Isp) -> String {
    let address = format!("help@{}.example", isp.tenant.uuid().simple());
    let made = isp.put("/api/v1/support-mailbox", json!({ "address": address })).await.expect(200);
    let path = made["url"].as_str().expect("an address").split_once("/inbound").expect("the way in").1;
    let raw =
        format!("From: Stranger <stranger@example.net>\r\nTo: {address}\r\nSubject: Hello\r\n\r\nWho are you?\r\n");
    let request = Request::post(format!("/inbound{path}")).header(header::CONTENT_TYPE, "message/rfc822");
    let answer = isp.cloud.send(request.body(Body::from(raw)).expect("a request")).await.expect(200);
    assert_eq!(answer, json!({ "outcome": "unmatched", "reason": "unknown_sender" }));
    let waiting = isp.get("/api/v1/unmatched-mail").await.expect(200);
    waiting["items"][0]["id"].as_str().expect("an e-mail").to_owned()
}
