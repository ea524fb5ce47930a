//! Webhooks: signed, retried, logged, replayed; and one in trouble keeps no other waiting.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use weir_cloud::config::Config;
use weir_cloud::db::{Scope, embedded};
use weir_cloud::jobs::{Job, TellListener};
use weir_cloud::webhooks::sender;

use crate::harness::{Cloud, Isp, run};
use crate::plugins::component;

const LIMIT: Duration = Duration::from_secs(20);

/// A program elsewhere: what it was sent, and what it answers next; 204 when nothing was told.
#[derive(Clone, Default)]
struct Receiver {
    got: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    answers: Arc<Mutex<VecDeque<(u16, &'static str)>>>,
    wait: Duration,
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    tokio::time::sleep(receiver.wait).await;
    receiver.got.lock().expect("lock").push((headers, body));
    let answer = receiver.answers.lock().expect("lock").pop_front();
    match answer {
        Some((302, to)) => (StatusCode::FOUND, [("location", to)]).into_response(),
        Some((status, body)) => (StatusCode::from_u16(status).expect("a status"), body).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

impl Receiver {
    /// Opens its door and gives its address.
    async fn open(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let router = Router::new().route("/hook", post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn answer(&self, status: u16, body: &'static str) {
        self.answers.lock().expect("lock").push_back((status, body));
    }

    fn count(&self) -> usize {
        self.got.lock().expect("lock").len()
    }

    fn message(&self, n: usize) -> (HeaderMap, Bytes) {
        self.got.lock().expect("lock")[n].clone()
    }
}

/// One sender for all tests of the process, as the worker has it.
fn sender(cloud: &'static Cloud) {
    static SENDER: OnceLock<tokio::sync::watch::Sender<bool>> = OnceLock::new();
    SENDER.get_or_init(|| {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        cloud.runtime.spawn(sender::work(cloud.app.clone(), stopped));
        stop
    });
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !done().await {
        assert!(begun.elapsed() < LIMIT, "{what}: not within {LIMIT:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Adds a webhook for a receiver; gives its path and its secret.
async fn hooked(isp: &Isp, url: &str, kinds: Value) -> (String, String) {
    let made = isp.post("/api/v1/webhooks", json!({ "url": url, "kinds": kinds })).await.expect(201);
    (format!("/api/v1/webhooks/{}", text(&made["id"])), text(&made["secret"]))
}

/// Something happens, and the listeners are told, as the worker does.
pub async fn happens(isp: &Isp) -> Value {
    let subscriber = isp.post("/api/v1/subscribers", json!({ "name": "Amara Okafor" })).await.expect(201);
    for event in events(isp).await {
        let job: TellListener =
            serde_json::from_value(json!({ "listener": "webhooks", "event": event })).expect("a job");
        job.run(isp.cloud.app.clone(), Scope::system(isp.tenant)).await.expect("tell");
    }
    subscriber
}

/// How many times a listener is waiting to be told.
async fn queued(isp: &Isp, listener: &str) -> i64 {
    let count = "SELECT count(*) FROM platform.jobs WHERE tenant_id = $1 AND kind = 'events.tell' AND payload->>'listener' = $2";
    let count = sqlx::query_scalar(count).bind(isp.tenant.uuid()).bind(listener);
    count.fetch_one(&mut superuser(isp.cloud).await).await.expect("jobs")
}

#[test]
fn only_who_listens_is_told() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let add = || async { isp.post("/api/v1/subscribers", json!({ "name": "Amara Okafor" })).await.expect(201) };
        add().await;
        assert_eq!((queued(&isp, "webhooks").await, queued(&isp, "plugins").await), (0, 0), "nobody listens");
        hooked(&isp, "https://93.184.216.34/a", json!(["invoice.issued"])).await;
        add().await;
        assert_eq!(queued(&isp, "webhooks").await, 0, "not to this");
        hooked(&isp, "https://93.184.216.34/b", json!(["subscriber.added"])).await;
        add().await;
        assert_eq!(queued(&isp, "webhooks").await, 1);
        hooked(&isp, "https://93.184.216.34/c", json!([])).await;
        add().await;
        assert_eq!((queued(&isp, "webhooks").await, queued(&isp, "plugins").await), (2, 0));
        let rule = json!({ "name": "listens", "hook": "handle-event" });
        let plugin = isp.post("/api/v1/plugins", rule).await.expect(201);
        let path = format!("/api/v1/plugins/{}", text(&plugin["id"]));
        let version = isp.upload(&format!("{path}/versions"), component("vip-overdue")).await.expect(201);
        isp.post(&format!("/api/v1/plugin-versions/{}/dry-run", text(&version["id"])), json!({})).await.expect(200);
        add().await;
        assert_eq!(queued(&isp, "plugins").await, 0, "it is not asked yet");
        isp.post(&format!("{path}/activate"), json!({ "digest": version["digest"] })).await.expect(200);
        add().await;
        assert_eq!(queued(&isp, "plugins").await, 1);
        let wish = json!({ "limit_percent": 0, "events": ["hold.placed"] });
        isp.put(&format!("{path}/settings"), wish).await.expect(200);
        add().await;
        assert_eq!(queued(&isp, "plugins").await, 1, "not to this");
    });
}

async fn superuser(cloud: &Cloud) -> PgConnection {
    PgConnection::connect_with(&embedded::options(&cloud.app.config.data_dir)).await.expect("connect")
}

async fn events(isp: &Isp) -> Vec<String> {
    let ids: Vec<sqlx::types::Uuid> = sqlx::query_scalar("SELECT id FROM events WHERE tenant_id = $1 ORDER BY id")
        .bind(isp.tenant.uuid())
        .fetch_all(&mut superuser(isp.cloud).await)
        .await
        .expect("events");
    ids.into_iter().map(|id| weir_cloud::ids::EventId::from(id).to_string()).collect()
}

/// Changes what is waiting to be sent, as time would.
async fn sql(isp: &Isp, change: &str) {
    let change = format!("UPDATE platform.webhook_deliveries SET {change} WHERE tenant_id = '{}'", isp.tenant.uuid());
    sqlx::query(AssertSqlSafe(change)).execute(&mut superuser(isp.cloud).await).await.expect("change");
}

async fn log(isp: &Isp, path: &str) -> Vec<Value> {
    isp.get(&format!("{path}/deliveries")).await.expect(200)["items"].as_array().expect("items").clone()
}

fn signatures(secret: &str, headers: &HeaderMap, body: &[u8]) -> bool {
    let header = |name: &str| headers[name].to_str().expect("a header").to_owned();
    let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret")).expect("base64");
    let signed = [header("webhook-id").as_bytes(), b".", header("webhook-timestamp").as_bytes(), b".", body].concat();
    let tag = STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &signed));
    header("webhook-signature").split(' ').any(|signature| signature == format!("v1,{tag}"))
}

#[test]
fn an_event_arrives_signed_and_once() {
    run(|cloud| async move {
        sender(cloud);
        let isp = cloud.isp().await;
        let (wants, other) = (Receiver::default(), Receiver::default());
        let (path, secret) = hooked(&isp, &wants.open().await, json!(["subscriber.added"])).await;
        hooked(&isp, &other.open().await, json!(["invoice.issued"])).await;
        let subscriber = happens(&isp).await;
        until("delivery", async || wants.count() == 1).await;
        let (headers, body) = wants.message(0);
        assert!(signatures(&secret, &headers, &body), "{headers:?}");
        let told: Value = serde_json::from_slice(&body).expect("json");
        assert_eq!((&told["type"], &told["subject"]), (&json!("subscriber.added"), &subscriber["id"]));
        assert_eq!(headers["webhook-id"].to_str().ok(), told["id"].as_str());
        // Told again: nothing is sent twice.
        happens(&isp).await;
        until("the second event", async || wants.count() == 2).await;
        until("the log", async || log(&isp, &path).await.iter().all(|one| one["status"] == "delivered")).await;
        let log = log(&isp, &path).await;
        assert_eq!((log.len(), &log[0]["last_status"], &log[0]["attempts"]), (2, &json!(204), &json!(1)));
        assert_eq!(other.count(), 0);
        let page = isp.get(&path.replace("/api/v1", "")).await.text;
        assert!(page.contains("subscriber.added") && page.contains("Taken") && !page.contains("whsec_"), "{page}");
    });
}

#[test]
fn both_secrets_sign_for_a_day() {
    run(|cloud| async move {
        sender(cloud);
        let isp = cloud.isp().await;
        let receiver = Receiver::default();
        let (path, old) = hooked(&isp, &receiver.open().await, json!([])).await;
        let new = text(&isp.post(&format!("{path}/rotate-secret"), json!({})).await.expect(200)["secret"]);
        isp.post(&format!("{path}/test"), json!({})).await.expect(202);
        until("a test", async || receiver.count() == 1).await;
        let (headers, body) = receiver.message(0);
        assert!(old != new && signatures(&old, &headers, &body) && signatures(&new, &headers, &body));
        let day = format!("UPDATE webhooks SET old_until = '2020-01-01' WHERE tenant_id = '{}'", isp.tenant.uuid());
        sqlx::query(AssertSqlSafe(day)).execute(&mut superuser(cloud).await).await.expect("a day later");
        isp.post(&format!("{path}/test"), json!({})).await.expect(202);
        until("a test", async || receiver.count() == 2).await;
        let (headers, body) = receiver.message(1);
        assert!(!signatures(&old, &headers, &body) && signatures(&new, &headers, &body));
    });
}

#[test]
fn what_is_not_taken_is_tried_again_and_what_came_back_is_kept() {
    run(|cloud| async move {
        sender(cloud);
        let isp = cloud.isp().await;
        let receiver = Receiver::default();
        receiver.answer(500, "the disk is full");
        receiver.answer(302, "http://127.0.0.1:1/elsewhere");
        let (path, _) = hooked(&isp, &receiver.open().await, json!([])).await;
        let sent = isp.post(&format!("{path}/test"), json!({})).await.expect(202);
        let of_it = format!("/api/v1/webhook-deliveries/{}", text(&sent["id"]));
        for attempts in 1..=3 {
            until("an attempt", async || isp.get(&of_it).await.expect(200)["attempts"] == attempts).await;
            sql(&isp, "next_attempt_at = CASE WHEN status = 'pending' THEN '2020-01-01'::timestamptz END").await;
        }
        let detail = isp.get(&of_it).await.expect(200);
        assert_eq!((&detail["status"], receiver.count()), (&json!("delivered"), 3));
        let tried = &detail["tried"];
        assert_eq!((&tried[0]["status"], &tried[0]["body"]), (&json!(500), &json!("the disk is full")));
        assert_eq!((&tried[1]["status"], &tried[1]["error"]), (&json!(302), &json!("the endpoint answered 302")));
        let (first, last) = (receiver.message(0), receiver.message(2));
        assert_eq!((&first.0["webhook-id"], first.1), (&last.0["webhook-id"], last.1), "the same message each time");
    });
}

#[test]
fn an_endpoint_that_takes_nothing_for_three_days_is_paused_and_replayed_when_mended() {
    run(|cloud| async move {
        sender(cloud);
        let isp = cloud.isp().await;
        let receiver = Receiver::default();
        receiver.answer(503, "");
        receiver.answer(503, "");
        let (path, _) = hooked(&isp, &receiver.open().await, json!([])).await;
        happens(&isp).await;
        until("the first attempt", async || log(&isp, &path).await[0]["attempts"] == 1).await;
        sql(&isp, "next_attempt_at = CASE WHEN status = 'pending' THEN '2020-01-01'::timestamptz END, begun_at = begun_at - interval '3 days'").await;
        until("the pause", async || isp.get(&path).await.expect(200)["paused_because"] == "failing").await;
        assert!(isp.get(&path.replace("/api/v1", "")).await.text.contains("three days"));
        isp.post(&format!("{path}/test"), json!({})).await.refused(409, "webhook-paused");
        happens(&isp).await;
        let waiting = log(&isp, &path).await;
        assert_eq!(waiting.iter().filter(|one| one["status"] == "failed").count(), 2, "{waiting:?}");
        let since = json!({ "since": "2020-01-01T00:00:00Z" });
        isp.post(&format!("{path}/replay"), since.clone()).await.refused(409, "webhook-paused");
        let resumed = cloud.ask(Some(&isp.owner), axum::http::Method::PATCH, &path, Some(json!({ "paused": false })));
        assert_eq!(resumed.await.expect(200)["paused_at"], Value::Null);
        assert_eq!(isp.post(&format!("{path}/replay"), since).await.expect(202)["replayed"], 2);
        until("the replay", async || log(&isp, &path).await.iter().all(|one| one["status"] == "delivered")).await;
        assert_eq!(receiver.count(), 4);
        let one = text(&log(&isp, &path).await[0]["id"]);
        isp.post(&format!("/api/v1/webhook-deliveries/{one}/replay"), json!({})).await.expect(202);
        until("one more", async || receiver.count() == 5).await;
    });
}

#[test]
fn a_slow_endpoint_keeps_no_other_waiting_and_one_that_is_gone_is_paused() {
    run(|cloud| async move {
        sender(cloud);
        let isp = cloud.isp().await;
        let slow = Receiver { wait: Duration::from_secs(8), ..Receiver::default() };
        let (quick, gone) = (Receiver::default(), Receiver::default());
        gone.answer(410, "");
        let (slow_path, _) = hooked(&isp, &slow.open().await, json!([])).await;
        let (quick_path, _) = hooked(&isp, &quick.open().await, json!([])).await;
        let (gone_path, _) = hooked(&isp, &gone.open().await, json!([])).await;
        let begun = Instant::now();
        for path in [&slow_path, &slow_path, &gone_path, &quick_path, &quick_path, &quick_path] {
            isp.post(&format!("{path}/test"), json!({})).await.expect(202);
        }
        until("the quick one", async || quick.count() == 3).await;
        assert!(begun.elapsed() < Duration::from_secs(7) && slow.count() == 0, "{:?}", begun.elapsed());
        until("the end", async || isp.get(&gone_path).await.expect(200)["paused_because"] == "gone").await;
    });
}

#[test]
fn addresses_at_home_are_refused() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let (path, _) = hooked(&isp, "http://127.0.0.1:1/", json!([])).await;
        // The same installation, but not a demonstration.
        let config = Config { webhooks_private: false, ..(*cloud.app.config).clone() };
        let app = weir_cloud::app::App { config: Arc::new(config), ..cloud.app.clone() };
        let router = weir_cloud::http::router::router(app);
        for url in
            ["http://example.net/", "https://127.0.0.1/", "https://169.254.169.254/", "https://[::1]/", "ftp://a"]
        {
            let request = axum::http::Request::post("/api/v1/webhooks")
                .header("authorization", format!("Bearer {}", isp.owner))
                .header("content-type", "application/json")
                .body(axum::body::Body::from(json!({ "url": url }).to_string()))
                .expect("a request");
            let answer = tower::ServiceExt::oneshot(router.clone(), request).await.expect("an answer");
            assert_eq!(answer.status(), 422, "{url}");
        }
        isp.post("/api/v1/webhooks", json!({ "url": "https://a", "kinds": ["sun.rises"] }))
            .await
            .refused(400, "malformed-body");
        let other = cloud.isp().await;
        other.get(&path).await.refused(404, "webhook-not-found");
        other.post(&format!("{path}/rotate-secret"), json!({})).await.refused(404, "webhook-not-found");
        isp.delete(&path).await.expect(204);
        isp.get(&path).await.refused(404, "webhook-not-found");
    });
}
