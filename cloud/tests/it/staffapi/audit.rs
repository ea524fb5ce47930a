//! The audit log: every change is found again, and nothing in it can be tampered with unseen.

use axum::http::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use weir_cloud::audit::chain::{self, Verdict};
use weir_cloud::audit::jobs::LinkEntries;
use weir_cloud::db::{Scope, embedded};
use weir_cloud::http::permission::Role;
use weir_cloud::jobs::Job;

use crate::harness::{Cloud, Isp, run};

/// An ISP that changed some things, whose log is linked.
async fn changed(cloud: &'static Cloud) -> (Isp, Vec<Value>) {
    let isp = cloud.isp().await;
    for name in ["North", "South", "West", "=2+5"] {
        isp.post("/api/v1/sites", json!({ "name": name })).await.expect(201);
    }
    LinkEntries {}.run(cloud.app.clone(), Scope::system(isp.tenant)).await.expect("link");
    let log = isp.get("/api/v1/audit-entries?action=add%20site").await.expect(200);
    (isp, log["items"].as_array().expect("items").clone())
}

async fn verdict(isp: &Isp, known: Option<&str>) -> Verdict {
    let mut tx = isp.cloud.app.db.read(&Scope::system(isp.tenant)).await.expect("read");
    chain::verify(&mut tx, known).await.expect("verify")
}

/// What somebody does who owns the database, keys and triggers included.
async fn tamper(cloud: &Cloud, statement: String) {
    let options = embedded::options(&cloud.app.config.data_dir);
    let mut superuser = PgConnection::connect_with(&options).await.expect("connect");
    sqlx::query("SET session_replication_role = replica").execute(&mut superuser).await.expect("no triggers");
    let done = sqlx::query(AssertSqlSafe(statement.clone())).execute(&mut superuser).await.expect(&statement);
    assert!(done.rows_affected() > 0, "{statement}");
    superuser.close().await.expect("disconnect");
}

#[test]
fn changes_are_found_by_actor_action_subject_and_day() {
    run(|cloud| async move {
        let (isp, sites) = changed(cloud).await;
        assert_eq!(sites.len(), 4);
        assert_eq!(sites[0]["detail"]["name"], "=2+5", "the newest first");
        assert!(sites.iter().all(|entry| entry["position"].is_i64() && entry["hash"].is_string()), "{sites:?}");
        let count = async |query: String| {
            let found = isp.get(&format!("/api/v1/audit-entries?{query}")).await.expect(200);
            found["items"].as_array().expect("items").len()
        };
        let me = isp.get("/api/v1/me").await.expect(200)["id"].as_str().expect("an id").to_owned();
        assert_eq!(count(format!("actor={me}")).await, 4);
        assert_eq!(count("actor=system".into()).await, 2, "the ISP and its owner");
        assert_eq!(count(format!("subject={}", sites[1]["subject"].as_str().expect("an id"))).await, 1);
        let today = cloud.app.clock.now().with_timezone(&chrono_tz::Europe::Madrid).date_naive();
        assert!(
            count(format!("day={today}&action=add%20site")).await
                + count(format!("day={}&action=add%20site", today.pred_opt().expect("a day"))).await
                == 4
        );
        assert_eq!(count("day=2001-01-01".into()).await, 0);
        isp.get("/api/v1/audit-entries?day=yesterday").await.refused(400, "malformed-query");
        let first = isp.get("/api/v1/audit-entries?limit=2&action=add%20site").await.expect(200);
        let next = first["next"].as_str().expect("a next page");
        let rest = isp.get(&format!("/api/v1/audit-entries?limit=2&action=add%20site&after={next}")).await.expect(200);
        let both: Vec<_> =
            [&first, &rest].iter().flat_map(|page| page["items"].as_array().expect("items").clone()).collect();
        assert_eq!((both, &rest["next"]), (sites, &Value::Null));
        let network = cloud.staff(isp.tenant, Role::Network).await;
        cloud.ask(Some(&network), Method::GET, "/api/v1/audit-entries", None).await.refused(403, "forbidden");
        let unknown = "/api/v1/audit-entries/aud_0193594bd1e27c3f8a6b5d4e3f2a1b0c";
        isp.get(unknown).await.refused(404, "audit-entry-not-found");
    });
}

#[test]
fn the_page_and_the_file_say_the_same_and_no_cell_is_a_formula() {
    run(|cloud| async move {
        let (isp, sites) = changed(cloud).await;
        let page = isp.get("/audit?action=add+site").await.text;
        assert!(page.contains("Added a site") && page.contains("audit.csv?action=add%20site"), "{page}");
        let site = sites[2]["subject"].as_str().expect("an id");
        let of_it = isp.get(&format!("/sites/{site}")).await.text;
        assert!(of_it.contains(&format!("/audit?subject={site}")), "a thing leads to its history: {of_it}");
        let file = isp.get("/audit.csv?action=add+site").await;
        assert_eq!(file.text.lines().count(), 5, "{}", file.text);
        assert!(file.text.starts_with("at,actor,action,subject,detail,position,hash\r\n"));
        isp.get("/audit?day=nonsense").await.status.is_success().then_some(()).expect("a page all the same");
    });
}

#[test]
fn whatever_is_done_to_the_log_is_found() {
    run(|cloud| async move {
        let id = |entry: &Value| {
            let id: weir_cloud::ids::AuditEntryId = entry["id"].as_str().expect("an id").parse().expect("an id");
            id.uuid()
        };
        let (isp, sites) = changed(cloud).await;
        let whole = verdict(&isp, None).await;
        assert_eq!((whole.links, whole.pending, &whole.fault), (6, 0, &None));
        assert_eq!(verdict(&isp, Some(&whole.head)).await.fault, None);
        isp.post("/api/v1/sites", json!({ "name": "East" })).await.expect(201);
        assert_eq!((verdict(&isp, None).await.pending, verdict(&isp, None).await.fault), (1, None));
        LinkEntries {}.run(cloud.app.clone(), Scope::system(isp.tenant)).await.expect("link");
        assert_eq!(verdict(&isp, Some(&whole.head)).await.fault, None, "what was the head stays in the chain");

        tamper(cloud, format!("UPDATE audit_entries SET actor = 'system' WHERE id = '{}'", id(&sites[1]))).await;
        let fault = verdict(&isp, None).await.fault.expect("a fault");
        assert_eq!((fault.position, fault.entry), (Some(5), sites[1]["id"].as_str().expect("an id").to_owned()));

        let (isp, sites) = changed(cloud).await;
        tamper(cloud, format!("DELETE FROM audit_entries WHERE id = '{}'", id(&sites[2]))).await;
        assert_eq!(verdict(&isp, None).await.fault.expect("a fault").what, "the entry was removed");
        tamper(cloud, format!("DELETE FROM audit_links WHERE entry_id = '{}'", id(&sites[2]))).await;
        assert_eq!(verdict(&isp, None).await.fault.expect("a fault").what, "links before this one are missing");

        let (isp, sites) = changed(cloud).await;
        let head = verdict(&isp, None).await.head;
        tamper(cloud, format!("DELETE FROM audit_links WHERE entry_id = '{}'", id(&sites[0]))).await;
        tamper(cloud, format!("DELETE FROM audit_entries WHERE id = '{}'", id(&sites[0]))).await;
        assert!(verdict(&isp, None).await.fault.is_none(), "a cut end shows only beside a head kept elsewhere");
        assert!(verdict(&isp, Some(&head)).await.fault.is_some());

        let (isp, _) = changed(cloud).await;
        let planted = format!(
            "INSERT INTO audit_entries (tenant_id, id, at, actor, action, subject)
             VALUES ('{}', gen_random_uuid(), now() - interval '2 hours', 'system', 'add site', 'sit_1')",
            isp.tenant.uuid()
        );
        tamper(cloud, planted).await;
        let fault = verdict(&isp, None).await.fault.expect("a fault");
        assert!(fault.what.contains("never linked"), "{fault:?}");
    });
}
