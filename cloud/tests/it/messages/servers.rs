//! Servers of others, real ones, for messages to go to: a mail server, and a gateway for short messages.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc;

const LIMIT: Duration = Duration::from_secs(30);

/// A mail server; it ends with its owner.
pub struct MailServer {
    pub port: u16,
    /// The certificate it shows, as PEM.
    pub authority: String,
    told: Lines<BufReader<ChildStdout>>,
    _child: Child,
    _folder: tempfile::TempDir,
}

impl MailServer {
    /// Without log-in and TLS.
    pub async fn open() -> Self {
        Self::start("none", None).await
    }

    /// With TLS as `security` says, and a log-in.
    pub async fn start(security: &str, login: Option<(&str, &str)>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut wanted = json!({ "security": security });
        let mut authority = String::new();
        if security != "none" {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
            authority = made.cert.pem();
            wanted["certificate"] = json!(written(&folder, "certificate.pem", &authority));
            wanted["key"] = json!(written(&folder, "key.pem", &made.signing_key.serialize_pem()));
        }
        if let Some((user, password)) = login {
            wanted["user"] = json!(user);
            wanted["password"] = json!(password);
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/messages/smtp_server.py");
        let mut child = Command::new("/usr/bin/python3")
            .args([script, &wanted.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("python3 starts");
        let told = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut server = Self { port: 0, authority, told, _child: child, _folder: folder };
        let port = server.next().await["port"].as_u64().expect("a port: is python3-aiosmtpd installed?");
        server.port = port.try_into().expect("a port");
        server
    }

    /// The next message it took.
    pub async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(LIMIT, self.told.next_line()).await.expect("the mail server tells in time");
        let line = line.expect("its output can be read").expect("the mail server runs");
        serde_json::from_str(&line).expect("JSON")
    }

    /// What its messages are sent with.
    pub fn settings(&self) -> Value {
        json!({ "host": "127.0.0.1", "port": self.port, "security": "none", "from_name": "Río Net", "from_address": "billing@rio.example" })
    }
}

fn written(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("write a file");
    path
}

/// A header of a message the server took.
pub fn header(taken: &Value, name: &str) -> Vec<String> {
    let headers = taken["headers"].as_array().expect("headers");
    let named =
        headers.iter().filter(|header| header[0].as_str().is_some_and(|found| found.eq_ignore_ascii_case(name)));
    named.map(|header| header[1].as_str().expect("a value").to_owned()).collect()
}

/// A gateway for short messages; it ends with its owner.
pub struct Gateway {
    pub url: String,
    asked: mpsc::UnboundedReceiver<Asked>,
    task: tokio::task::JoinHandle<()>,
}

/// A request it got.
#[derive(Debug)]
pub struct Asked {
    pub method: Method,
    pub address: String,
    pub proof: String,
    pub kind: String,
    pub body: String,
}

impl Gateway {
    /// Answers each request with the next of these, then with the last.
    pub async fn answering(answers: &'static [(u16, &'static str)]) -> Self {
        let (tell, asked) = mpsc::unbounded_channel();
        let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let router = Router::new().fallback(move |method: Method, uri: Uri, headers: HeaderMap, body: String| {
            let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let text =
                |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
            let (proof, kind) = (text("authorization"), text("content-type"));
            tell.send(Asked { method, address: uri.to_string(), proof, kind, body }).expect("the test listens");
            let (status, words) = answers[number.min(answers.len() - 1)];
            std::future::ready((StatusCode::from_u16(status).expect("a status"), words))
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { url, asked, task }
    }

    pub async fn next(&mut self) -> Asked {
        tokio::time::timeout(LIMIT, self.asked.recv()).await.expect("the gateway is asked in time").expect("it runs")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}
