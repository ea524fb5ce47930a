//! An ISP with a payment provider of its own, and subscribers who owe it something.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tower::ServiceExt;
use weir_cloud::config::Config;
use weir_cloud::db::embedded;
use weir_cloud::http;
use weir_cloud::ids::{AccountId, JobId};
use weir_cloud::jobs::Job;
use weir_cloud::payments::jobs::{ChargeAccount, ChargeDue, LookAtAttempt, LookAtRefund, LookAtSubject, Reconcile};
use weir_lab::provider::{Card, Message, Provider, signature};

use crate::money::harness::Isp;
use crate::money::world::FIBRE;

pub const WEBHOOK_SECRET: &str = "whsec_test";

/// An ISP whose provider is a scripted one.
pub struct Shop {
    pub isp: Isp,
    pub provider: Provider,
}

impl Shop {
    pub async fn new(slug: &str) -> Self {
        let provider = Provider::start(None).await.expect("a provider");
        let mut isp = Isp::new(slug, "2026-11-01T10:00:00Z").await;
        let config = Config { stripe_url: provider.url(), ..(*isp.app.config).clone() };
        isp.app.config = Arc::new(config);
        isp.router = http::router::router(isp.app.clone());
        isp.settings(json!({ "payment_terms_days": 14, "grace_days": 7 })).await;
        let keys =
            json!({ "secret_key": "sk_test_1234", "webhook_secret": WEBHOOK_SECRET, "publishable_key": "pk_test_1" });
        isp.patch("/payment-provider", keys).await.expect(200);
        Self { isp, provider }
    }

    /// Subscribers who owe 30.00 each since 1 November, due on the 15th.
    pub async fn debtors<const N: usize>(&self, names: [&str; N]) -> [AccountId; N] {
        let (router, plan) = (self.isp.router_named("r").await, self.isp.plan(&FIBRE).await);
        let mut accounts = Vec::new();
        for name in names {
            let account = self.isp.account(name).await;
            self.isp.line(account, router, plan, "2026-11-01").await;
            accounts.push(account);
        }
        self.isp.bill("2026-11-01").await;
        accounts.try_into().expect("as many accounts as names")
    }

    /// Leaves a card on a page, as an account's holder would; returns what the provider calls it.
    pub async fn leaves_card(&self, account: AccountId, card: Card) -> String {
        let token = self.token(account).await;
        let page = self.isp.browse_with("", &format!("/pay/{token}/card"), Some("")).await;
        assert_eq!(page.status, 303, "{}", page.text);
        let id = page.location.rsplit('/').next().expect("a page").to_owned();
        assert!(self.provider.pay(&id, card));
        let back = self.isp.browse_with("", &format!("/pay/{token}?saved={id}"), None).await;
        assert_eq!(back.status, 200, "{}", back.text);
        self.kept(account).await
    }

    /// What the provider calls the method that pays by itself.
    pub async fn kept(&self, account: AccountId) -> String {
        let mut tx = self.isp.app.db.read(&self.isp.scope()).await.expect("a transaction");
        sqlx::query_scalar("SELECT reference FROM payment_methods WHERE account_id = $1 AND autopay")
            .bind(account.uuid())
            .fetch_one(tx.conn())
            .await
            .expect("a kept method")
    }

    pub async fn token(&self, account: AccountId) -> String {
        let link = self.isp.get(&format!("/accounts/{account}/pay-link")).await.expect(200);
        let link = link["url"].as_str().expect("a link").to_owned();
        link.rsplit('/').next().expect("a token").to_owned()
    }

    /// Opens the page to pay on; returns the attempt and what the provider calls the page.
    pub async fn opens_page(&self, account: AccountId, keep: bool) -> (Value, String) {
        let wish = json!({ "account_id": account, "keep_method": keep });
        let attempt = self.isp.post("/payment-pages", wish).await.expect(201);
        let page = attempt["page_url"].as_str().expect("a page").rsplit('/').next().expect("a page").to_owned();
        (attempt, page)
    }

    /// Delivers a message as the provider would.
    pub async fn hears(&self, message: &Message) -> u16 {
        let now = self.isp.app.clock.system_now().timestamp();
        self.hears_signed(&message.raw, Some(&signature(WEBHOOK_SECRET, &message.raw, now))).await
    }

    pub async fn hears_signed(&self, raw: &[u8], signature: Option<&str>) -> u16 {
        let settings = self.isp.get("/payment-provider").await.expect(200);
        let address = settings["webhook_address"].as_str().expect("an address");
        let path = address.split_once("/webhooks/").expect("a path").1;
        let mut request = Request::post(format!("/webhooks/{path}"));
        if let Some(signature) = signature {
            request = request.header("stripe-signature", signature);
        }
        let request = request.body(Body::from(raw.to_vec())).expect("a request");
        self.isp.router.clone().oneshot(request).await.expect("an answer").status().as_u16()
    }

    /// Does the jobs of payments that are due, as the worker does, until none is left; says how many failed.
    pub async fn works(&self) -> u32 {
        let mut failed = 0;
        loop {
            let jobs = self.due().await;
            if jobs.is_empty() {
                return failed;
            }
            for (id, kind, payload) in jobs {
                failed += u32::from(self.does(&kind, payload).await.is_err());
                self.settle(id).await;
            }
        }
    }

    async fn superuser(&self) -> PgConnection {
        PgConnection::connect_with(&embedded::options(&self.isp.app.config.data_dir)).await.expect("connect")
    }

    async fn due(&self) -> Vec<(JobId, String, Value)> {
        let mut connection = self.superuser().await;
        let jobs = sqlx::query_as(
            "SELECT id, kind, payload FROM platform.jobs
             WHERE tenant_id = $1 AND kind LIKE 'payments.%' AND done_at IS NULL AND run_at <= $2 ORDER BY run_at, id",
        );
        let (tenant, now) = (self.isp.tenant.uuid(), self.isp.app.clock.now());
        jobs.bind(tenant).bind(now).fetch_all(&mut connection).await.expect("read jobs")
    }

    async fn settle(&self, id: JobId) {
        let mut connection = self.superuser().await;
        let done = sqlx::query("UPDATE platform.jobs SET done_at = now() WHERE id = $1").bind(id.uuid());
        done.execute(&mut connection).await.expect("settle a job");
    }

    pub async fn does(&self, kind: &str, payload: Value) -> anyhow::Result<()> {
        async fn run<J: Job>(shop: &Shop, payload: Value) -> anyhow::Result<()> {
            serde_json::from_value::<J>(payload)?.run(shop.isp.app.clone(), shop.isp.scope()).await
        }
        match kind {
            LookAtAttempt::KIND => run::<LookAtAttempt>(self, payload).await,
            LookAtRefund::KIND => run::<LookAtRefund>(self, payload).await,
            LookAtSubject::KIND => run::<LookAtSubject>(self, payload).await,
            ChargeAccount::KIND => run::<ChargeAccount>(self, payload).await,
            ChargeDue::KIND => run::<ChargeDue>(self, payload).await,
            Reconcile::KIND => run::<Reconcile>(self, payload).await,
            other => panic!("no such job: {other}"),
        }
    }

    /// The hourly look for what is due.
    pub async fn charges_due(&self) -> u32 {
        self.does(ChargeDue::KIND, json!({})).await.expect("look for what is due");
        self.works().await
    }

    pub async fn reconciles(&self) {
        self.isp.post("/payment-provider/reconcile", json!({})).await.expect(200);
    }

    pub async fn owes(&self, account: AccountId) -> String {
        let standing = self.isp.get(&format!("/accounts/{account}/standing")).await.expect(200);
        standing["open"]["amount"].as_str().expect("an amount").to_owned()
    }

    pub async fn items(&self, path: &str) -> Vec<Value> {
        self.isp.get(path).await.expect(200)["items"].as_array().expect("items").clone()
    }

    /// The newest attempt of an account.
    pub async fn attempt(&self, account: AccountId) -> Value {
        let newest = self.items(&format!("/payment-attempts?account_id={account}&limit=1")).await;
        newest.first().cloned().unwrap_or_default()
    }

    /// The balance of a ledger account.
    pub async fn books(&self, code: &str) -> String {
        let trial = self.isp.get("/ledger/trial-balance").await.expect(200);
        assert_eq!(trial["balanced"], true, "{trial}");
        let rows = trial["rows"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["ledger_account"] == code);
        row.and_then(|row| row["balance"]["amount"].as_str()).unwrap_or("0.00").to_owned()
    }

    /// How often an event of a kind happened.
    pub async fn events(&self, kind: &str) -> usize {
        let mut tx = self.isp.app.db.read(&self.isp.scope()).await.expect("a transaction");
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM events WHERE kind = $1")
            .bind(kind)
            .fetch_one(tx.conn())
            .await
            .expect("count events");
        usize::try_from(count).expect("a count")
    }
}
