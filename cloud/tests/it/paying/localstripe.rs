//! The same contract against `localstripe`, somebody else's idea of Stripe: whatever we got wrong in both the adapter and
//! our own provider shows here. It has no pages, ignores keys, and does not limit refunds; the suite is told so.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::HeaderMap;
use serde_json::{Value, json};
use weir_cloud::payments::provider::stripe::{Stripe, http};
use weir_cloud::payments::provider::{Doubt, Provider, Trust};
use weir_lab::provider::Card;

use super::contract::{self, Lacks, Peer, now};
use super::shop::WEBHOOK_SECRET;
use crate::money::harness::story;

const LIMIT: Duration = Duration::from_secs(30);

struct Localstripe {
    url: String,
    http: reqwest::Client,
    process: Child,
    _folder: tempfile::TempDir,
}

impl Drop for Localstripe {
    fn drop(&mut self) {
        let _already_gone = self.process.kill();
        let _already_gone = self.process.wait();
    }
}

impl Localstripe {
    async fn start() -> Self {
        let program = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/peers/venv/bin/localstripe"));
        assert!(program.exists(), "{} is not there: run `cargo xtask setup`", program.display());
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("a port").port();
        // It keeps a file of its own there.
        let folder = tempfile::tempdir().expect("a folder");
        let process = Command::new(program)
            .args(["--from-scratch", "--port", &port.to_string()])
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start localstripe");
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let peer = Self { url: format!("http://127.0.0.1:{port}"), http, process, _folder: folder };
        let began = Instant::now();
        while peer.http.get(format!("{}/v1/customers", peer.url)).send().await.is_err() {
            assert!(began.elapsed() < LIMIT, "localstripe does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        peer
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth("sk_test_12345").form(form);
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        assert!(status.is_success(), "{path}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }
}

impl Peer for Localstripe {
    async fn keep(&self, payer: &str, card: Card) -> String {
        let number = match card {
            Card::Declined(_) => "4000000000000341",
            Card::NeedsHolder => "4000000000003220",
            Card::Good | Card::Slow => "4242424242424242",
            Card::Empty => "4000000000000341",
        };
        let card = [
            ("type", "card"),
            ("card[number]", number),
            ("card[exp_month]", "12"),
            ("card[exp_year]", "2031"),
            ("card[cvc]", "123"),
        ];
        let made = self.post("/v1/payment_methods", &card).await;
        let id = made["id"].as_str().expect("a name").to_owned();
        self.post(&format!("/v1/payment_methods/{id}/attach"), &[("customer", payer)]).await;
        id
    }
}

type Heard = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// Listens for messages on a port of its own; returns its address and what it hears.
async fn listener() -> (String, Heard) {
    let heard = Heard::default();
    let keeps = heard.clone();
    let hear = move |headers: HeaderMap, raw: Bytes| {
        let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
        keeps.lock().expect("no panic").push((signature.to_owned(), raw.to_vec()));
        std::future::ready(())
    };
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", socket.local_addr().expect("an address"));
    let router = axum::Router::new().fallback(hear);
    tokio::spawn(async move { axum::serve(socket, router).await });
    (address, heard)
}

#[test]
fn localstripe_agrees_with_the_adapter() {
    story(async {
        let peer = Localstripe::start().await;
        let (address, heard) = listener().await;
        let webhook = json!({ "url": address, "secret": WEBHOOK_SECRET });
        let hook = peer.http.post(format!("{}/_config/webhooks/test", peer.url)).json(&webhook);
        assert!(hook.send().await.expect("an answer").status().is_success());
        let stripe = Stripe::new(http().unwrap(), &peer.url, "sk_test_12345", Some(WEBHOOK_SECRET.into()));
        let lacks = Lacks { keys: true, pages: true, refund_limits: true, refused_payments: true };
        contract::run(&stripe, &peer, lacks).await;
        // Its messages are signed by code that is not ours.
        let began = Instant::now();
        while heard.lock().expect("no panic").is_empty() {
            assert!(began.elapsed() < LIMIT, "localstripe sent no message");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let (signature, raw) = heard.lock().expect("no panic")[0].clone();
        assert_eq!(stripe.verify(Some(&signature), &raw, now()), Ok(Trust::Signed));
        assert!(stripe.event(&raw).is_ok());
        let other = Stripe::new(http().unwrap(), &peer.url, "sk_test_12345", Some("whsec_other".into()));
        assert_eq!(other.verify(Some(&signature), &raw, now()), Err(Doubt::Forged));
    });
}
