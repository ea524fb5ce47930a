//! Every kind of job, run twice, leaves the rows of the first time.

use std::collections::BTreeSet;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use weir_cloud::db::Scope;
use weir_cloud::events::EventKind;
use weir_cloud::ids::EventId;
use weir_cloud::jobs::{Job, TellListener};
use weir_cloud::{access, audit, billing, dunning, fleet, plugins, portal, subscriptions};

use super::problems::sources;
use crate::harness::{Isp, run};
use crate::refusals::{difference, furnished, rows};

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

async fn every_kind(isp: &Isp, billing_run: &Value) -> BTreeSet<&'static str> {
    let sold = event(isp, EventKind::SubscriptionSold).await;
    let nobody = "agt_0193594bd1e27c3f8a6b5d4e3f2a1b0c";
    let on_run = json!({ "run": billing_run, "after": null });
    BTreeSet::from([
        work::<access::jobs::ForgetOldSessions>(isp, json!({})).await,
        work::<fleet::jobs::RefreshDesired>(isp, json!({})).await,
        work::<fleet::jobs::RefreshMetered>(isp, json!({ "agent": nobody, "reason": "test" })).await,
        work::<subscriptions::jobs::ReleaseOverHolds>(isp, json!({})).await,
        work::<billing::jobs::StartDueRun>(isp, json!({})).await,
        work::<billing::jobs::WorkOnRun>(isp, on_run).await,
        work::<dunning::jobs::CheckOverdue>(isp, json!({})).await,
        work::<portal::jobs::ForgetOldPortalSessions>(isp, json!({})).await,
        work::<plugins::jobs::ForgetOldCalls>(isp, json!({})).await,
        work::<TellListener>(isp, json!({ "listener": "dunning", "event": sold })).await,
        work::<TellListener>(isp, json!({ "listener": "plugins", "event": sold })).await,
        work::<audit::jobs::LinkEntries>(isp, json!({})).await,
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

        let ran = every_kind(&made.isp, &started["id"]).await;
        assert_eq!(ran.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), declared(), "run every kind here");
        let once = rows(cloud, made.isp.tenant).await;
        every_kind(&made.isp, &started["id"]).await;
        let changed = difference(&once, &rows(cloud, made.isp.tenant).await);
        assert_eq!(changed, Vec::<String>::new(), "the second time changed rows");
        let invoices = made.isp.get("/api/v1/invoices").await.expect(200);
        assert_eq!(invoices["items"].as_array().map(Vec::len), Some(1), "{invoices}");
    });
}
