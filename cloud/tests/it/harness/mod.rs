//! One installation for all tests of the process, and ISPs to test with.
//!
//! Tests are plain `#[test]` functions that call [`run`]: the installation lives on one runtime that outlasts them all.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use clap::Parser;
use serde_json::Value;
use tower::ServiceExt;
use weir_cloud::access::{self, NewStaff};
use weir_cloud::app::App;
use weir_cloud::config::Config;
use weir_cloud::db::Scope;
use weir_cloud::http::permission::Role;
use weir_cloud::ids::TenantId;
use weir_cloud::{http, roles, tenants};

/// The installation.
pub struct Cloud {
    pub app: App,
    router: Router,
    pub runtime: tokio::runtime::Handle,
}

/// Runs a test on the installation's runtime.
pub fn run<F: Future<Output = ()>>(test: impl FnOnce(&'static Cloud) -> F) {
    let cloud = cloud();
    cloud.runtime.block_on(test(cloud));
}

/// The installation.
pub fn cloud() -> &'static Cloud {
    static CLOUD: OnceLock<Cloud> = OnceLock::new();
    CLOUD.get_or_init(|| {
        let (app, runtime) = install(config());
        Cloud { router: http::router::router(app.clone()), app, runtime }
    })
}

/// One more installation, with a database of its own: for what concerns all of one.
pub fn apart(name: &str) -> App {
    let mut config = cloud().app.config.as_ref().clone();
    config.data_dir = config.data_dir.join(name);
    std::fs::create_dir_all(&config.data_dir).expect("a data folder");
    install(config).0
}

fn install(config: Config) -> (App, tokio::runtime::Handle) {
    let (send, receive) = std::sync::mpsc::channel();
    // The private database ends with the thread that started it, so this one never ends.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("start a runtime");
        let handle = runtime.handle().clone();
        runtime.block_on(async move {
            let started = roles::start(config).await.expect("start the installation");
            send.send((started.app.clone(), handle)).expect("hand over the installation");
            std::future::pending::<()>().await;
            drop(started);
        });
    });
    receive.recv().expect("the installation started")
}

fn config() -> Config {
    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        config: Config,
    }
    let base = std::env::temp_dir();
    forget_dead_runs(&base);
    let data = base.join(format!("weir-it-{}", std::process::id()));
    let mut config = Arguments::parse_from(["it"]).config;
    config.data_dir = data;
    config.database_url = None;
    config.dev_clock = true;
    config.plugin_program = Some(env!("CARGO_BIN_EXE_weir").into());
    // Nobody answers there: a test that wants a provider brings its own.
    config.stripe_url = "http://127.0.0.1:9".into();
    config.webhooks_private = true;
    config.gateway = ([127, 0, 0, 1], 0).into();
    config
}

/// Removes the folders of test runs whose process is gone.
fn forget_dead_runs(base: &Path) {
    for entry in std::fs::read_dir(base).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.strip_prefix("weir-it-")) else { continue };
        if !Path::new("/proc").join(pid).exists() {
            let _still_used_by_its_server = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
    pub text: String,
}

impl Answer {
    /// The body of an answer that must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.body
    }

    /// Asserts a refusal of this kind.
    #[track_caller]
    pub fn refused(self, status: u16, slug: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(body["type"], format!("/errors/{slug}"), "{body}");
        body
    }
}

impl Cloud {
    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.respond(request).await;
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 8 << 20).await.expect("read the answer");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
    }

    /// Sends a request and gives the answer with its headers, unread.
    pub async fn respond(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.expect("the router answers")
    }

    /// Sends a JSON request, with a bearer token or without.
    pub async fn ask(&self, token: Option<&str>, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).expect("build a request")).await
    }

    /// A new ISP with an owner, in Madrid and euros.
    pub async fn isp(&'static self) -> Isp {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let new = tenants::NewTenant {
            name: format!("ISP {n}"),
            slug: format!("isp-{n}"),
            currency: "EUR".into(),
            time_zone: "Europe/Madrid".into(),
            country: "ES".into(),
        };
        let tx = tenants::create(&self.app, &new).await.expect("create a tenant");
        let tenant = tx.tenant();
        tx.commit().await.expect("commit");
        let owner = self.staff(tenant, Role::Owner).await;
        Isp { cloud: self, tenant, owner }
    }

    /// Adds a person and opens a session; returns its token.
    pub async fn staff(&self, tenant: TenantId, role: Role) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let email = format!("{}-{}@isp.example", role.name(), COUNT.fetch_add(1, Ordering::Relaxed));
        let password = "correct horse battery staple";
        let new = NewStaff { name: role.name().into(), email: email.clone(), password: password.into(), role };
        let mut tx = self.app.db.begin(&Scope::system(tenant)).await.expect("begin");
        access::add_staff(&self.app, &mut tx, &new).await.expect("add staff");
        tx.commit().await.expect("commit");
        access::log_in(&self.app, &email, password.into(), "Tests 1.0").await.expect("log in").token
    }
}

/// An ISP and its owner's session.
pub struct Isp {
    pub cloud: &'static Cloud,
    pub tenant: TenantId,
    pub owner: String,
}

impl Isp {
    /// Asks as the owner.
    pub async fn get(&self, path: &str) -> Answer {
        self.cloud.ask(Some(&self.owner), Method::GET, path, None).await
    }

    /// Posts as the owner.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.cloud.ask(Some(&self.owner), Method::POST, path, Some(body)).await
    }

    /// Posts as the owner, with an `Idempotency-Key`.
    pub async fn once(&self, path: &str, key: &str, body: Value) -> Answer {
        let request = Request::post(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.owner))
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", key);
        self.cloud.send(request.body(Body::from(body.to_string())).expect("build a request")).await
    }

    /// Puts as the owner.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.cloud.ask(Some(&self.owner), Method::PUT, path, Some(body)).await
    }

    /// Changes a part as the owner.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.cloud.ask(Some(&self.owner), Method::PATCH, path, Some(body)).await
    }

    /// Posts bytes as the owner.
    pub async fn upload(&self, path: &str, bytes: Vec<u8>) -> Answer {
        let request = Request::post(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.owner))
            .header(header::CONTENT_TYPE, "application/wasm");
        self.cloud.send(request.body(Body::from(bytes)).expect("build a request")).await
    }

    /// Deletes as the owner.
    pub async fn delete(&self, path: &str) -> Answer {
        self.cloud.ask(Some(&self.owner), Method::DELETE, path, None).await
    }
}
