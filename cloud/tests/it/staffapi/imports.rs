//! Imports: every row tried, what is wrong named, all or nothing.

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};
use weir_cloud::db::Scope;
use weir_cloud::imports::jobs::WorkOnImport;
use weir_cloud::jobs::Job;

use crate::harness::{Isp, run};
use crate::refusals::{Furnished, difference, furnished, rows};

/// Rows of the long file.
const ROWS: usize = 500;

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Works on an import, as the worker does.
async fn work(isp: &Isp, id: &str) {
    let job: WorkOnImport = serde_json::from_value(json!({ "import": id })).expect("a job");
    job.run(isp.cloud.app.clone(), Scope::system(isp.tenant)).await.expect("work");
}

/// Sends a file and has it checked; gives its path and how it stands.
async fn checked(isp: &Isp, csv: String) -> (String, Value) {
    let sent = isp.post("/api/v1/imports", json!({ "name": "customers.csv", "csv": csv })).await.expect(202);
    assert_eq!(sent["status"], "checking");
    let id = text(&sent["id"]);
    work(isp, &id).await;
    let path = format!("/api/v1/imports/{id}");
    let now = isp.get(&path).await.expect(200);
    (path, now)
}

async fn wrong(isp: &Isp, path: &str) -> Vec<(i64, String)> {
    let rows = isp.get(&format!("{path}/rows?wrong=true&limit=200")).await.expect(200);
    let told = |row: &Value| {
        let fields: Vec<_> =
            row["errors"].as_array().expect("errors").iter().map(|error| text(&error["field"])).collect();
        (row["line"].as_i64().expect("a line"), fields.join(" "))
    };
    rows["items"].as_array().expect("rows").iter().map(told).collect()
}

/// A file of subscribers; those that `bad` says are wrong. The first twenty are sold a line on the ISP's router.
fn file(bad: bool) -> String {
    let mut csv = String::from("Customer name;E-mail;Street;Town;Billing day;Plan;Router;IP;Start\r\n");
    for n in 1..=ROWS {
        let sold = if n <= 20 { format!("fibre 500;EDGE 1;10.30.0.{n}/32;2026-02-01") } else { ";;;".into() };
        let (mut name, mut day, mut sold) = (format!("Person {n}"), "1", sold);
        match (bad, n) {
            (true, 3) => sold = "Fibre 5;Edge 1;10.30.0.3/33;2026-02-30".into(),
            (true, 7) => sold = "Fibre 500;Edge 1;10.20.4.0/25;2026-02-01".into(),
            (true, 400) => (name, day) = (String::new(), "32"),
            _ => {}
        }
        csv.push_str(&format!("{name};p{n}@example.net;Mill Lane {n};Leeds;{day};{sold}\r\n"));
    }
    csv
}

async fn count(made: &Furnished, path: &str) -> usize {
    let mut count = 0;
    let mut after = String::new();
    loop {
        let page = made.isp.get(&format!("/api/v1/{path}?limit=200{after}")).await.expect(200);
        count += page["items"].as_array().expect("items").len();
        let Some(next) = page["next"].as_str() else { return count };
        after = format!("&after={next}");
    }
}

#[test]
fn three_bad_rows_of_five_hundred_are_named_and_nothing_is_written() {
    run(|cloud| async move {
        let made = furnished(cloud).await;
        let before = rows(cloud, made.isp.tenant).await;
        let (path, now) = checked(&made.isp, file(true)).await;
        assert_eq!((&now["status"], &now["row_count"], &now["wrong"]), (&json!("checked"), &json!(ROWS), &json!(3)));
        let found = wrong(&made.isp, &path).await;
        let lines: Vec<_> = found.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [4, 8, 401], "{found:?}");
        assert_eq!(found[0].1, "plan starts_on", "all that can be told before anything is tried");
        assert!(found[1].1.starts_with("prefixes"), "{found:?}");
        assert!(found[2].1.contains("name"), "{found:?}");
        made.isp.post(&format!("{path}/start"), json!({})).await.refused(409, "import-has-wrong-rows");
        let changed = difference(&before, &rows(cloud, made.isp.tenant).await);
        assert_eq!(changed, ["audit_entries", "import_rows", "imports", "jobs"], "more was written than the import");
        let page = made.isp.get(&format!("{}?rows=wrong", path.replace("/api/v1", ""))).await.text;
        assert_eq!(page.matches("To be mended</span>").count(), 3, "{page}");
    });
}

#[test]
fn a_good_file_is_brought_in_whole_and_once() {
    run(|cloud| async move {
        let made = furnished(cloud).await;
        let (path, now) = checked(&made.isp, file(false)).await;
        assert_eq!((&now["status"], &now["wrong"]), (&json!("checked"), &json!(0)));
        assert_eq!(count(&made, "subscribers").await, 1);
        made.isp.post(&format!("{path}/start"), json!({})).await.expect(202);
        made.isp.post(&format!("{path}/start"), json!({})).await.refused(409, "import-at-work");
        let id = path.rsplit('/').next().expect("an id");
        work(&made.isp, id).await;
        work(&made.isp, id).await;
        assert_eq!(made.isp.get(&path).await.expect(200)["status"], "done");
        let counts =
            (count(&made, "subscribers").await, count(&made, "accounts").await, count(&made, "subscriptions").await);
        assert_eq!(counts, (ROWS + 1, ROWS + 1, 21));
        let rows = made.isp.get(&format!("{path}/rows?limit=1")).await.expect(200);
        let first = made.isp.get(&format!("/api/v1/subscribers/{}", text(&rows["items"][0]["subscriber_id"]))).await;
        assert_eq!(first.expect(200)["email"], "p1@example.net");
        let log = made.isp.get(&format!("/api/v1/audit-entries?subject={id}")).await.expect(200);
        let me = made.isp.get("/api/v1/me").await.expect(200);
        let actions: Vec<_> = log["items"].as_array().expect("items").iter().map(|one| text(&one["action"])).collect();
        assert_eq!(actions, ["finish import", "start import", "upload import"]);
        assert_eq!((&log["items"][0]["actor"], &log["items"][0]["detail"]["subscribers"]), (&me["id"], &json!(ROWS)));
        made.isp.post(&format!("{path}/start"), json!({})).await.refused(409, "import-done");
    });
}

#[test]
fn lines_are_brought_in_by_who_their_subscriber_is() {
    run(|cloud| async move {
        let made = furnished(cloud).await;
        let csv = |mac: &str| {
            format!(
                "name,street,city,plan,router,MAC address,PPPoE user\nAda,Hill 1,Leeds,Fibre 500,Edge 1,02-00-00-00-00-07,\nBea,Hill 2,Leeds,Fibre 500,Edge 1,{mac},bea@isp\n"
            )
        };
        for (mac, field) in [("eth0", "mac"), ("0200.0000.0007", "mac")] {
            let (path, now) = checked(&made.isp, csv(mac)).await;
            assert_eq!((&now["wrong"], wrong(&made.isp, &path).await), (&json!(1), vec![(3, field.to_owned())]));
        }
        let (path, now) = checked(&made.isp, csv("")).await;
        assert_eq!(now["wrong"], 0);
        made.isp.post(&format!("{path}/start"), json!({})).await.expect(202);
        work(&made.isp, path.rsplit('/').next().expect("an id")).await;
        let sold = made.isp.get("/api/v1/subscriptions").await.expect(200);
        let known: Vec<_> = sold["items"].as_array().expect("items").iter().map(|one| &one["identities"]).collect();
        assert_eq!(known, [&json!(["pppoe-user:bea@isp"]), &json!(["mac:02:00:00:00:00:07"]), &json!([])]);
        // Whoever names nothing is told what is missing.
        let csv = "name,street,city,plan,router,MAC address\nCyd,Hill 3,Leeds,Fibre 500,Edge 1,\n";
        let (path, _) = checked(&made.isp, csv.into()).await;
        assert_eq!(wrong(&made.isp, &path).await, [(2, "prefixes".to_owned())]);
    });
}

#[test]
fn lines_are_brought_in_behind_their_access_points() {
    run(|cloud| async move {
        let made = furnished(cloud).await;
        let other = json!({ "name": "Edge 2", "site_id": made.site, "lan_interface": "lan0", "wan_interface": "wan0" });
        let other = made.isp.post("/api/v1/routers", other).await.expect(201)["id"].clone();
        let far =
            json!({ "name": "Far sector", "router_id": other, "peak_down_bps": 9_000_000, "peak_up_bps": 9_000_000 });
        made.isp.post("/api/v1/access-points", far).await.expect(201);
        let csv = |sector: &str| {
            format!(
                "name,street,city,plan,router,Access point,ip\nAda,Hill 1,Leeds,Fibre 500,Edge 1,{sector},10.40.0.1/32\nBea,Hill 2,Leeds,Fibre 500,Edge 1,,10.40.0.2/32\n"
            )
        };
        for unknown in ["Sector 9", "Far sector"] {
            let (path, now) = checked(&made.isp, csv(unknown)).await;
            let found = (&now["wrong"], wrong(&made.isp, &path).await);
            assert_eq!(found, (&json!(1), vec![(2, "access_point".to_owned())]));
            let rows = made.isp.get(&format!("{path}/rows?wrong=true")).await.expect(200);
            let said = format!("no access point of this router is called {unknown:?}");
            assert_eq!(rows["items"][0]["errors"][0]["message"], said);
        }
        let without = "name,street,city,plan,router,Access point\nAda,Hill 1,Leeds,,,Sector 1\n";
        assert_eq!(wrong(&made.isp, &checked(&made.isp, without.into()).await.0).await, [(2, "plan".to_owned())]);
        let (path, now) = checked(&made.isp, csv("sector 1")).await;
        assert_eq!((&now["wrong"], &now["columns"]["access_point"]), (&json!(0), &json!("Access point")));
        made.isp.post(&format!("{path}/start"), json!({})).await.expect(202);
        work(&made.isp, path.rsplit('/').next().expect("an id")).await;
        let sold = made.isp.get("/api/v1/subscriptions").await.expect(200);
        let behind: Vec<_> =
            sold["items"].as_array().expect("items").iter().take(2).map(|one| &one["access_point_id"]).collect();
        assert_eq!(behind, [&Value::Null, &made.access_point]);
    });
}

#[test]
fn what_turns_out_wrong_after_the_check_leaves_nothing_half_done() {
    run(|cloud| async move {
        let made = furnished(cloud).await;
        let csv = "name,street,city,plan,router,ip\nAda,Hill 1,Leeds,Fibre 500,Edge 1,10.40.0.1/32\nBea,Hill 2,Leeds,Fibre 500,Edge 1,10.20.9.9/32\n";
        let (path, now) = checked(&made.isp, csv.into()).await;
        assert_eq!(now["wrong"], 0);
        made.isp.post("/api/v1/subscriptions", made.sale_wish.clone()).await.expect(201);
        made.isp.post(&format!("{path}/start"), json!({})).await.expect(202);
        work(&made.isp, path.rsplit('/').next().expect("an id")).await;
        let now = made.isp.get(&path).await.expect(200);
        assert_eq!((&now["status"], &now["wrong"]), (&json!("checked"), &json!(1)));
        assert_eq!(wrong(&made.isp, &path).await, [(3, "prefixes".to_owned())]);
        assert_eq!((count(&made, "subscribers").await, count(&made, "subscriptions").await), (1, 2));
    });
}

#[test]
fn columns_are_read_as_people_say() {
    run(|cloud| async move {
        let made = furnished(cloud).await;
        let csv = "Who,Where,Place\n=Ada,Hill 1,Leeds\n";
        let (path, now) = checked(&made.isp, csv.into()).await;
        assert_eq!((&now["columns"], &now["wrong"]), (&json!({}), &json!(1)));
        let patch = async |columns: Value| {
            cloud.ask(Some(&made.isp.owner), Method::PATCH, &path, Some(json!({ "columns": columns }))).await
        };
        let refused = patch(json!({ "name": "Nobody" })).await.refused(422, "invalid");
        assert_eq!(refused["errors"][0]["field"], "columns.name");
        patch(json!({ "name": "Who", "line1": "Where", "city": "Place" })).await.expect(202);
        work(&made.isp, path.rsplit('/').next().expect("an id")).await;
        assert_eq!(made.isp.get(&path).await.expect(200)["wrong"], 0);
        let file = made.isp.get(&format!("{}/rows.csv", path.replace("/api/v1", ""))).await.text;
        assert!(file.contains("2,'=Ada,,"), "{file}");
        for csv in ["", "name\n", "name,name\na,b\n"] {
            let refused = made.isp.post("/api/v1/imports", json!({ "name": "a.csv", "csv": csv })).await;
            assert_eq!(refused.refused(422, "invalid")["errors"][0]["field"], "csv");
        }
        made.isp.delete(&path).await.expect(204);
        made.isp.get(&path).await.refused(404, "import-not-found");
    });
}

#[test]
fn what_is_wrong_is_said_in_the_readers_language() {
    run(|cloud| async move {
        let made = furnished(cloud).await;
        let csv = "Name;E-mail;Street;Town;Billing day;Plan;Router;IP;Start;Language;Country;Sector\r\n\
                   Ana;x;Calle 1;Cuenca;40;Fibre 5;Edge 9;10.30.0.3/33;2026-02-30;xx;Spain;\r\n\
                   Ben;b@x.example;Calle 1;Cuenca;x;;Edge 1;;;;;\r\n\
                   Bea;b@x.example;;;1;Fibre 500;Edge 1;10.20.4.0/25;2026-02-01;;;Sector 9\r\n";
        let (path, now) = checked(&made.isp, csv.to_owned()).await;
        assert_eq!(now["wrong"], 3);
        let page = path.replace("/api/v1", "");
        for lang in ["en", "es", "pt-BR", "fr", "ar"] {
            let mut tx = cloud.app.db.begin(&Scope::system(made.isp.tenant)).await.expect("a transaction");
            sqlx::query("UPDATE staff SET language = $1").bind(lang).execute(tx.conn()).await.expect("a language");
            tx.commit().await.expect("committed");
            for address in [format!("{page}?rows=wrong"), format!("{page}/rows.csv")] {
                let told = made.isp.get(&address).await.text;
                assert!(!told.contains("imports-error") && told.contains("Fibre 5"), "{lang}: {told}");
                if lang != "en" {
                    for english in ["is not", "must be", "no plan", "no router", "no access", "stands in"] {
                        assert!(!told.contains(english), "{lang} {english}: {told}");
                    }
                }
            }
        }
    });
}

#[test]
fn a_file_is_sent_from_the_page() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let send = async |name: &str, content: &[u8]| {
            let head = format!("--x\r\ncontent-disposition: form-data; name=\"csv\"; filename=\"{name}\"\r\n\r\n");
            let ticked = b"\r\n--x\r\ncontent-disposition: form-data; name=\"welcome\"\r\n\r\nyes\r\n--x--\r\n";
            let body = [head.as_bytes(), content, ticked].concat();
            let request = Request::post("/imports")
                .header(header::COOKIE, format!("weir_session={}", isp.owner))
                .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
                .header("sec-fetch-site", "same-origin");
            cloud.respond(request.body(Body::from(body)).expect("a request")).await
        };
        assert_eq!(send("", b"").await.status(), 422);
        assert_eq!(send("latin.csv", b"name\nJos\xe9\n").await.status(), 422);
        let taken = send("people.csv", b"name,street,town\nAda,Hill 1,Leeds\n").await;
        let path = taken.headers()[header::LOCATION].to_str().expect("an address").to_owned();
        work(&isp, path.rsplit('/').next().expect("an id")).await;
        let page = isp.get(&path).await.text;
        assert!(page.contains("people.csv") && page.contains("Can be brought in"), "{page}");
        let made = isp.get(&format!("/api/v1{path}")).await.expect(200);
        assert_eq!(made["welcome"], true);
        isp.get(&format!("{path}/columns")).await.status.is_success().then_some(()).expect("a form");
    });
}
