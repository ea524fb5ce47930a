//! Every kind of job, run twice, leaves the rows of the first time.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use weir_cloud::app::App;
use weir_cloud::config::Config;
use weir_cloud::db::Scope;
use weir_cloud::events::EventKind;
use weir_cloud::ids::{EventId, MessageId};
use weir_cloud::jobs::{Job, KINDS, TellListener, TellListenerOfMany};
use weir_cloud::notifications::jobs::SendMessage;
use weir_cloud::{
    access, audit, billing, books, deals, diagnostics, dunning, fleet, imports, ledger, payments, plugins, portal,
    quality, subscriptions, tickets, translation, usage, webhooks,
};
use weir_lab::provider::Provider;

use super::problems::sources;
use crate::harness::{Isp, run};
use crate::refusals::{difference, furnished, rows, text};

/// Runs a job of a kind; returns the kind.
async fn work<J: Job + DeserializeOwned>(isp: &Isp, payload: Value) -> &'static str {
    let job: J = serde_json::from_value(payload).expect("a job");
    job.run(isp.cloud.app.clone(), Scope::system(isp.tenant)).await.expect(J::KIND);
    J::KIND
}

/// The latest event of a kind, to be told again.
async fn event(isp: &Isp, kind: EventKind) -> EventId {
    let mut tx = isp.cloud.app.db.read(&Scope::system(isp.tenant)).await.expect("a transaction");
    let id = sqlx::query_scalar("SELECT id FROM events WHERE kind = $1 ORDER BY id DESC LIMIT 1").bind(kind.name());
    let id: uuid::Uuid = id.fetch_one(tx.conn()).await.expect("an event of the kind");
    id.into()
}

/// The same ISP with a payment provider that answers, an attempt that waits and a refund that is done.
struct Paying {
    _provider: Provider,
    app: App,
    attempt: Value,
    page: Value,
    refund: Value,
    account: Value,
}

async fn paying(isp: &Isp, account: &Value) -> Paying {
    let provider = Provider::start(None).await.expect("a provider");
    let config = Config { stripe_url: provider.url(), ..(*isp.cloud.app.config).clone() };
    let app = App { config: Arc::new(config), ..isp.cloud.app.clone() };
    let keys = json!({ "secret_key": "sk_test_1" });
    isp.patch("/api/v1/payment-provider", keys).await.expect(200);
    let amount = json!({ "amount": "1.00", "currency": "EUR" });
    let cash = json!({ "account_id": account, "method": "cash", "amount": amount, "received_on": "2026-01-15" });
    let paid = isp.once("/api/v1/payments", "cash", cash).await.expect(201)["id"].clone();
    let path = format!("/api/v1/payments/{}/refunds", paid.as_str().expect("an id"));
    let refund = isp.once(&path, "back", json!({ "amount": amount, "reason": "Test" })).await.expect(201)["id"].clone();
    let scope = Scope::system(isp.tenant);
    let payer = account.as_str().expect("an id").parse().expect("an account");
    let attempt = payments::request_page(&app, &scope, payer, false).await.expect("a page");
    let (attempt, page) = (json!(attempt.id), json!(attempt.reference));
    Paying { _provider: provider, app, attempt, page, refund, account: account.clone() }
}

async fn payment_kinds(isp: &Isp, paying: &Paying) -> Vec<&'static str> {
    async fn work<J: Job + DeserializeOwned>(isp: &Isp, paying: &Paying, payload: Value) -> &'static str {
        let job: J = serde_json::from_value(payload).expect("a job");
        job.run(paying.app.clone(), Scope::system(isp.tenant)).await.expect(J::KIND);
        J::KIND
    }
    let about = json!({ "about": "payment", "reference": paying.page });
    vec![
        work::<payments::jobs::LookAtAttempt>(isp, paying, json!({ "attempt": paying.attempt })).await,
        work::<payments::jobs::LookAtRefund>(isp, paying, json!({ "refund": paying.refund })).await,
        work::<payments::jobs::LookAtSubject>(isp, paying, about).await,
        work::<payments::jobs::ChargeAccount>(isp, paying, json!({ "account": paying.account })).await,
        work::<payments::jobs::ChargeDue>(isp, paying, json!({})).await,
        work::<payments::jobs::Reconcile>(isp, paying, json!({})).await,
    ]
}

async fn every_kind(isp: &Isp, billing_run: &Value, message: MessageId, list: &Value) -> BTreeSet<&'static str> {
    let sold = event(isp, EventKind::SubscriptionSold).await;
    let nobody = "agt_0193594bd1e27c3f8a6b5d4e3f2a1b0c";
    let on_run = json!({ "run": billing_run, "after": null });
    BTreeSet::from([
        work::<access::jobs::ForgetOldSessions>(isp, json!({})).await,
        work::<fleet::jobs::RefreshDesired>(isp, json!({})).await,
        work::<fleet::jobs::RefreshMetered>(isp, json!({ "agent": nobody, "reason": "test" })).await,
        work::<fleet::jobs::RefreshLines>(
            isp,
            json!({ "router": "rtr_0193594bd1e27c3f8a6b5d4e3f2a1b0c", "reason": "test" }),
        )
        .await,
        work::<fleet::jobs::RefreshPool>(
            isp,
            json!({ "account": "acc_0193594bd1e27c3f8a6b5d4e3f2a1b0c", "reason": "test" }),
        )
        .await,
        work::<fleet::jobs::AssignPortBlocks>(isp, json!({})).await,
        work::<fleet::jobs::ForgetOldEvents>(isp, json!({})).await,
        work::<fleet::jobs::WatchCertificates>(isp, json!({})).await,
        work::<translation::jobs::ForgetOldPortBlocks>(isp, json!({})).await,
        work::<subscriptions::jobs::ReleaseOverHolds>(isp, json!({})).await,
        work::<billing::jobs::StartDueRun>(isp, json!({})).await,
        work::<billing::jobs::WorkOnRun>(isp, on_run).await,
        work::<deals::pauses::jobs::KeepPauses>(isp, json!({})).await,
        work::<dunning::jobs::CheckOverdue>(isp, json!({})).await,
        work::<ledger::recognition::jobs::RecogniseRevenue>(isp, json!({})).await,
        work::<books::jobs::CheckBooks>(isp, json!({})).await,
        work::<portal::jobs::ForgetOldPortalSessions>(isp, json!({})).await,
        work::<plugins::jobs::ForgetOldCalls>(isp, json!({})).await,
        work::<quality::jobs::ForgetOldQuality>(isp, json!({})).await,
        work::<diagnostics::jobs::ForgetOldDiagnoses>(isp, json!({})).await,
        work::<tickets::jobs::WatchPromises>(isp, json!({})).await,
        work::<TellListener>(isp, json!({ "listener": "dunning", "event": sold })).await,
        work::<TellListener>(isp, json!({ "listener": "notifications", "event": sold })).await,
        work::<SendMessage>(isp, json!({ "message": message, "attempts": 0 })).await,
        work::<TellListener>(isp, json!({ "listener": "plugins", "event": sold })).await,
        work::<TellListener>(isp, json!({ "listener": "webhooks", "event": sold })).await,
        work::<TellListenerOfMany>(isp, json!({ "listener": "dunning", "events": [sold, sold] })).await,
        work::<imports::jobs::WorkOnImport>(isp, json!({ "import": list })).await,
        work::<webhooks::jobs::ForgetOldDeliveries>(isp, json!({})).await,
        work::<audit::jobs::LinkEntries>(isp, json!({})).await,
        // None is in quarantine.
        work::<usage::jobs::CountQuarantined>(isp, json!({ "with": "uqr_00000000000000000000000000000000" })).await,
    ])
}

/// The kinds the source declares.
fn declared() -> BTreeSet<String> {
    let files = sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
    let texts = files.iter().map(|file| std::fs::read_to_string(file).expect("read a source"));
    let of = |text: String| -> Vec<String> {
        let kinds = text.split("const KIND: &'static str = \"").skip(1);
        kinds.filter_map(|rest| rest.split('"').next().map(str::to_owned)).collect()
    };
    texts.flat_map(of).collect()
}

#[test]
fn a_job_run_twice_leaves_the_same_rows() {
    run(|cloud| async move {
        let made = furnished(cloud).await;
        let today = cloud.app.clock.now().with_timezone(&chrono_tz::Europe::Madrid).date_naive();
        let started = made.isp.post("/api/v1/billing-runs", json!({ "as_of": today })).await.expect(202);
        let hold = json!({ "kind": "manual", "effect": "closed", "reason": "Test" });
        let line = made.sold.as_str().expect("an id");
        made.isp.post(&format!("/api/v1/subscriptions/{line}/holds"), hold).await.expect(201);
        // Nobody listens there, so the message is put off.
        let server = json!({ "host": "127.0.0.1", "port": 1, "security": "none", "from_name": "", "from_address": "a@isp.example" });
        made.isp.put("/api/v1/message-settings/email", server).await.expect(200);
        let addressed = json!({ "name": "Amara Okafor", "email": "amara@sub.example" });
        made.isp.put(&format!("/api/v1/subscribers/{}", text(&made.subscriber)), addressed).await.expect(200);
        let account = text(&made.account).parse().expect("an id");
        let message = crate::messages::write(&cloud.app, &Scope::system(made.isp.tenant), account).await[0];

        let list = json!({ "name": "customers.csv", "csv": "name,street,town\nAda,Hill 1,Leeds\n" });
        let list = made.isp.post("/api/v1/imports", list).await.expect(202)["id"].clone();

        let mut ran = every_kind(&made.isp, &started["id"], message, &list).await;
        let paying = paying(&made.isp, &made.account).await;
        ran.extend(payment_kinds(&made.isp, &paying).await);
        assert_eq!(ran.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), declared(), "run every kind here");
        work::<audit::jobs::LinkEntries>(&made.isp, json!({})).await;
        let once = rows(cloud, made.isp.tenant).await;
        every_kind(&made.isp, &started["id"], message, &list).await;
        payment_kinds(&made.isp, &paying).await;
        let changed = difference(&once, &rows(cloud, made.isp.tenant).await);
        assert_eq!(changed, Vec::<String>::new(), "the second time changed rows");
        let invoices = made.isp.get("/api/v1/invoices").await.expect(200);
        assert_eq!(invoices["items"].as_array().map(Vec::len), Some(1), "{invoices}");
    });
}

#[test]
fn the_worker_knows_every_kind_that_is_queued() {
    let known: BTreeSet<_> = KINDS.iter().map(|kind| (*kind).to_owned()).collect();
    assert_eq!(known, declared());
}
