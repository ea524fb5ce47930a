//! Every page of one ISP's things is not there for the staff of another, whatever the page is called and added for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use weir_cloud::db::embedded;
use weir_cloud::ids::{QuarantinedId, RecognitionId, RouterId};

use super::problems::sources;
use crate::harness::{Isp, run};

/// Every address of a page with an id in it, as the routers of `pages` declare them, with its methods.
fn addresses() -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for file in sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/pages"))) {
        let source = std::fs::read_to_string(&file).expect("read a source");
        for route in source.split(".route(").skip(1) {
            let address = route.split('"').nth(1).expect("an address").to_owned();
            let handlers = route.split_once(',').expect("a handler").1.split(".route(").next().expect("a handler");
            let handlers = handlers.split(['\n', ';']).find(|line| !line.trim().is_empty()).unwrap_or_default();
            if !address.contains("{id}") {
                continue;
            }
            for (method, word) in [("GET", "get("), ("POST", "post(")] {
                if handlers.contains(word) {
                    found.push((method, address.clone()));
                }
            }
        }
    }
    assert!(found.len() > 8, "{found:?}");
    found
}

/// One of everything that has an address, by collection.
async fn things(isp: &Isp) -> BTreeMap<&'static str, String> {
    let mut made = BTreeMap::new();
    let mut add = async |collection: &'static str, path: &str, body: Value| {
        let id = isp.post(&format!("/api/v1{path}"), body).await.expect(201)["id"].as_str().expect("an id").to_owned();
        made.insert(collection, id.clone());
        id
    };
    let invited = json!({ "name": "Noor Haddad", "email": format!("noor@{}.example", isp.tenant), "role": "support" });
    add("staff-invitations", "/staff-invitations", invited).await;
    let site = add("sites", "/sites", json!({ "name": "North mast" })).await;
    let wired = json!({ "name": "Edge 1", "site_id": site, "lan_interface": "lan0", "wan_interface": "wan0" });
    let router = add("routers", "/routers", wired).await;
    let sector = json!({ "name": "North", "router_id": router, "peak_down_bps": 9_000_000, "peak_up_bps": 9_000_000 });
    let sector = add("access-points", "/access-points", sector).await;
    let subscriber = json!({ "name": "Amara Okafor", "email": "amara@example.net" });
    let subscriber = add("subscribers", "/subscribers", subscriber).await;
    let account = add("accounts", "/accounts", json!({ "subscriber_id": subscriber })).await;
    let place = json!({ "subscriber_id": subscriber, "line1": "Mill Lane 4", "city": "Leeds", "country": "GB" });
    let place = add("service-locations", "/service-locations", place).await;
    let price = json!({ "amount": "44.90", "currency": "EUR" });
    let plan = json!({ "name": "Fibre", "rate_down_bps": 1_000_000, "rate_up_bps": 1_000_000, "price": price, "offered_in_portal": true });
    let plan = add("plans", "/plans", plan).await;
    let more = json!({ "name": "10 GB more", "bytes": 10_000_000_000_i64, "price": price });
    add("top-up-products", "/top-up-products", more).await;
    let faster = json!({ "name": "Fast evening", "rate_down_bps": 9_000_000, "minutes": 180, "price": price });
    let faster = add("boost-products", "/boost-products", faster).await;
    let plan = isp.get(&format!("/api/v1/plans/{plan}")).await.expect(200);
    let wish = json!({
        "account_id": account, "service_location_id": place, "plan_version_id": plan["versions"][0]["id"],
        "router_id": router, "access_point_id": sector, "starts_on": "2026-01-01", "prefixes": ["10.20.0.2/32"],
    });
    let sold = add("subscriptions", "/subscriptions", wish).await;
    let boost = json!({ "product_id": faster, "reference": "pages" });
    add("boosts", &format!("/subscriptions/{sold}/boosts"), boost).await;
    let hold = json!({ "kind": "manual", "effect": "closed", "reason": "Test" });
    add("holds", &format!("/subscriptions/{sold}/holds"), hold).await;
    let asked = json!({ "title": "Slow", "body": "Since Monday", "subscription_id": sold, "impact": "one_line" });
    let ticket = add("tickets", "/tickets", asked).await;
    let file = json!({ "name": "note.txt", "content_base64": "bm90ZQ==" });
    let note = json!({ "kind": "note", "body": "Look", "attachments": [file] });
    let told = isp.post(&format!("/api/v1/tickets/{ticket}/entries"), note).await.expect(201);
    let file = &told["entries"][1]["attachments"][0]["id"];
    let probe = isp.post(&format!("/api/v1/subscriptions/{sold}/probes"), json!({})).await.expect(202);
    made.insert("line-probes", probe["id"].as_str().expect("an id").to_owned());
    let asked = isp.post(&format!("/api/v1/routers/{router}/diagnoses"), json!({ "tool": "log" })).await.expect(202);
    made.insert("diagnoses", asked["id"].as_str().expect("an id").to_owned());
    made.insert("ticket-attachments", file.as_str().expect("an attachment").to_owned());
    made.insert("unmatched-mail", crate::tickets::stray_mail(isp).await);
    let cash = json!({ "account_id": account, "method": "cash", "received_on": "2026-01-02", "amount": price });
    let paid = isp.once("/api/v1/payments", "pages", cash).await.expect(201);
    made.insert("payments", paid["id"].as_str().expect("an id").to_owned());
    for more in [agreed(isp, &sold, &account).await, for_programs(isp).await, untaxed(isp, &account).await] {
        made.extend(more);
    }
    made.insert("orders", ordered(isp, &plan["versions"][0]["id"]).await);
    let run = isp.post("/api/v1/billing-runs", json!({ "as_of": "2026-01-01" })).await.expect(202);
    work_on(isp, run["id"].as_str().expect("an id")).await;
    made.insert("billing-runs", run["id"].as_str().expect("an id").to_owned());
    made.insert("dunning-cases", dunned(isp).await);
    made.insert("book-checks", checked(isp).await);
    let invoices = isp.get("/api/v1/invoices").await.expect(200);
    let invoice = invoices["items"][0]["id"].as_str().expect("an invoice");
    made.extend([("credit-notes", credited(isp, invoice).await), ("invoices", invoice.to_owned())]);
    made.insert("proformas", asked_ahead(isp, &account).await);
    made.insert("messages", written(isp, &subscriber, &account).await);
    made.extend(crate::plugins::things(isp).await);
    made.insert("usage-quarantine", quarantined(isp, &router).await);
    pay(isp, &mut made).await;
    made
}

/// One of everything that is agreed beside the price of a plan.
async fn agreed(isp: &Isp, sold: &str, account: &str) -> BTreeMap<&'static str, String> {
    let less = json!({ "name": "Welcome", "percent": "10" });
    let path = format!("/api/v1/subscriptions/{sold}/discounts");
    let discount = isp.post(&path, less).await.expect(201)["id"].as_str().expect("an id").to_owned();
    let price = json!({ "amount": "44.90", "currency": "EUR" });
    let once =
        json!({ "description": "Installation", "unit_price": price, "charged_on": "2099-01-01", "reference": "pages" });
    let path = format!("/api/v1/accounts/{account}/charges");
    let charge = isp.post(&path, once).await.expect(201)["id"].as_str().expect("an id").to_owned();
    let term = json!({ "months": 12, "fee": { "kind": "remaining", "percent": "50" } });
    let path = format!("/api/v1/subscriptions/{sold}/contracts");
    let contract = isp.post(&path, term).await.expect(201)["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/subscriptions/{sold}/pauses");
    let pause = isp.post(&path, json!({ "from_on": "2099-01-01" })).await.expect(201);
    let pause = pause["id"].as_str().expect("an id").to_owned();
    BTreeMap::from([("discounts", discount), ("charges", charge), ("contracts", contract), ("pauses", pause)])
}

/// A check of the books.
async fn earned(isp: &Isp) -> String {
    let scope = weir_cloud::db::Scope::system(isp.tenant);
    let mut tx = isp.cloud.app.db.begin(&scope).await.expect("a transaction");
    let day = "INSERT INTO recognised_days (tenant_id, id, day, recognised_at) VALUES ($1, gen_random_uuid(), '2026-01-02', now()) RETURNING id";
    let id: uuid::Uuid = sqlx::query_scalar(day).bind(isp.tenant.uuid()).fetch_one(tx.conn()).await.expect("a day");
    tx.commit().await.expect("kept");
    RecognitionId::from(id).to_string()
}

async fn checked(isp: &Isp) -> String {
    let check = isp.post("/api/v1/book-checks", json!({})).await.expect(201);
    check["id"].as_str().expect("an id").to_owned()
}

/// A credit note about an invoice.
async fn credited(isp: &Isp, invoice: &str) -> String {
    let wish = json!({ "reason": "Test" });
    let note = isp.once(&format!("/api/v1/invoices/{invoice}/credit-notes"), "note", wish).await.expect(201);
    note["id"].as_str().expect("an id").to_owned()
}

/// A proforma about what an account will be billed in the next months.
async fn asked_ahead(isp: &Isp, account: &str) -> String {
    let wish = json!({ "as_of": (isp.cloud.app.clock.now() + chrono::Days::new(60)).date_naive() });
    let asked = isp.once(&format!("/api/v1/accounts/{account}/proformas"), "proforma", wish).await.expect(201);
    asked["id"].as_str().expect("an id").to_owned()
}

/// A usage record that waits for a decision, of an agent that is gone.
async fn quarantined(isp: &Isp, router: &str) -> String {
    let mut superuser =
        PgConnection::connect_with(&embedded::options(&isp.cloud.app.config.data_dir)).await.expect("connect");
    sqlx::query("SET session_replication_role = replica").execute(&mut superuser).await.expect("as a restore");
    let router: RouterId = router.parse().expect("an id");
    let id: uuid::Uuid = sqlx::query_scalar(
        "INSERT INTO usage_quarantine (tenant_id, id, router_id, agent_id, epoch, seq, hash, start_at, end_at, lines, down_bytes,
                                       up_bytes, body, received_at)
         VALUES ($1, gen_random_uuid(), $2, gen_random_uuid(), '', 1, decode(repeat('00', 16), 'hex'), now(), now(), 1, 1, 1, '', now())
         RETURNING id",
    )
    .bind(isp.tenant.uuid())
    .bind(router.uuid())
    .fetch_one(&mut superuser)
    .await
    .expect("keep it");
    QuarantinedId::from(id).to_string()
}

/// A tax, and an account that is exempt from it.
async fn untaxed(isp: &Isp, account: &str) -> BTreeMap<&'static str, String> {
    let rule = json!({ "country": "FR", "tax": "TVA", "category": "S", "rate_percent": "20" });
    let rules = isp.post("/api/v1/tax-rules", json!({ "rules": [rule] })).await.expect(201);
    let paper = json!({ "kind": "certificate", "document": "X-1", "from": "2026-01-01" });
    let paper = isp.post(&format!("/api/v1/accounts/{account}/tax-exemptions"), paper).await.expect(201);
    let id = |made: &Value| made["id"].as_str().expect("an id").to_owned();
    BTreeMap::from([("tax-rules", id(&rules[0])), ("tax-exemptions", id(&paper))])
}

/// One of everything about staff and programs.
async fn for_programs(isp: &Isp) -> BTreeMap<&'static str, String> {
    let mut made = BTreeMap::new();
    let me = isp.get("/api/v1/me").await.expect(200)["id"].as_str().expect("an id").to_owned();
    made.insert("staff", me);
    let sessions = isp.get("/api/v1/me/sessions").await.expect(200);
    let key = json!({ "name": "Bookkeeping", "scopes": ["view-billing"] });
    let key = isp.post("/api/v1/api-keys", key).await.expect(201)["id"].as_str().expect("an id").to_owned();
    made.insert("api-keys", key);
    let hook = json!({ "url": "http://127.0.0.1:1/" });
    let hook = isp.post("/api/v1/webhooks", hook).await.expect(201)["id"].as_str().expect("an id").to_owned();
    // Paused: what happens is noted and not sent, so that nothing changes by itself.
    let path = format!("/api/v1/webhooks/{hook}");
    isp.cloud.ask(Some(&isp.owner), Method::PATCH, &path, Some(json!({ "paused": true }))).await.expect(200);
    crate::staffapi::webhooks::happens(isp).await;
    let sent = isp.get(&format!("{path}/deliveries")).await.expect(200);
    made.insert("webhooks", hook);
    made.insert("webhook-deliveries", sent["items"][0]["id"].as_str().expect("an id").to_owned());
    let list = json!({ "name": "customers.csv", "csv": "name,street,town\nAda,Hill 1,Leeds\n" });
    let list = isp.post("/api/v1/imports", list).await.expect(202)["id"].as_str().expect("an id").to_owned();
    made.insert("imports", list);
    made.insert("sessions", sessions[0]["id"].as_str().expect("a session").to_owned());
    let log = isp.get("/api/v1/audit-entries").await.expect(200);
    made.insert("audit", log["items"][0]["id"].as_str().expect("an entry").to_owned());
    made
}

/// A message that waits for a server.
async fn written(isp: &Isp, subscriber: &str, account: &str) -> String {
    let server =
        json!({ "host": "127.0.0.1", "port": 1, "security": "none", "from_name": "", "from_address": "a@isp.example" });
    isp.put("/api/v1/message-settings/email", server).await.expect(200);
    let addressed = json!({ "name": "Amara Okafor", "email": "amara@sub.example" });
    isp.put(&format!("/api/v1/subscribers/{subscriber}"), addressed).await.expect(200);
    let scope = weir_cloud::db::Scope::system(isp.tenant);
    crate::messages::write(&isp.cloud.app, &scope, account.parse().expect("an id")).await[0].to_string()
}

/// An order, as somebody places it who is nobody's subscriber yet.
async fn ordered(isp: &Isp, version: &Value) -> String {
    let address = isp.get("/api/v1/portal-settings").await.expect(200)["address"].as_str().expect("it").to_owned();
    let path = address.find("/portal/").map(|at| format!("{}/sign-up", &address[at..])).expect("a path");
    let version = version.as_str().expect("a version");
    let form = format!("plan_version_id={version}&name=Amara&email=a%40orders.example&line1=Mill+Lane+4&city=Leeds");
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let placed = isp.cloud.send(request.body(Body::from(form)).expect("a request")).await;
    assert_eq!(placed.status, 303, "{}", placed.text);
    let orders = isp.get("/api/v1/orders").await.expect(200);
    orders["items"][0]["id"].as_str().expect("an order").to_owned()
}

/// One of everything about paying. No provider answers here: the attempt stays one nobody knows of.
async fn pay(isp: &Isp, made: &mut BTreeMap<&'static str, String>) {
    made.insert("recognitions", earned(isp).await);
    let ask = async |method, path: &str, body| isp.cloud.ask(Some(&isp.owner), method, path, Some(body)).await;
    let keys = json!({ "secret_key": "sk_test_1" });
    ask(Method::PATCH, "/api/v1/payment-provider", keys).await.expect(200);
    ask(Method::PATCH, "/api/v1/tenant", json!({ "bank_iban": "ES9121000418450200051332" })).await.expect(200);
    // Given back, it is owed again, and can be asked for.
    let back = json!({ "amount": { "amount": "10.00", "currency": "EUR" }, "reason": "Test" });
    isp.once(&format!("/api/v1/payments/{}/refunds", made["payments"]), "back", back).await.expect(201);
    let account = made["accounts"].clone();
    isp.post("/api/v1/payment-pages", json!({ "account_id": account })).await.expect(502);
    let columns = json!({ "booked_on": "d", "amount": "a", "payer": "p", "remittance": "r", "date_format": "%Y-%m-%d", "decimal_mark": ".", "separator": "," });
    let file = json!({ "name": "a.csv", "content": "d,a,p,r\n2026-01-02,5.00,x,y\n", "columns": columns });
    let file = isp.post("/api/v1/bank-files", file).await.expect(201)["id"].as_str().expect("an id").to_owned();
    isp.post(&format!("/api/v1/bank-files/{file}/import"), json!({})).await.expect(200);
    made.insert("bank-files", file);
    for (collection, path) in [
        ("payment-attempts", "/api/v1/payment-attempts"),
        ("bank-statements", "/api/v1/bank-statements"),
        ("suspense-items", "/api/v1/suspense-items"),
    ] {
        let listed = isp.get(path).await.expect(200);
        made.insert(collection, listed["items"][0]["id"].as_str().expect(path).to_owned());
    }
    let id = uuid::Uuid::from_u128(7);
    let account: weir_cloud::ids::AccountId = account.parse().expect("an id");
    let mut tx = isp.cloud.app.db.begin(&weir_cloud::db::Scope::system(isp.tenant)).await.expect("begin");
    let kept = "INSERT INTO payment_methods (tenant_id, id, account_id, provider, reference, brand, last4, autopay, saved_at) \
                VALUES ($1, $2, $3, 'stripe', 'pm_1', 'visa', '4242', false, now())";
    let kept = sqlx::query(kept).bind(isp.tenant.uuid()).bind(id).bind(account.uuid());
    kept.execute(tx.conn()).await.expect("keep a method");
    tx.commit().await.expect("commit");
    made.insert("payment-methods", weir_cloud::ids::PaymentMethodId::from(id).to_string());
}

/// A case: of a bill that is not due yet, for the ISP reminds long before.
async fn dunned(isp: &Isp) -> String {
    let run = isp.post("/api/v1/billing-runs", json!({ "as_of": "2026-02-01" })).await.expect(202);
    work_on(isp, run["id"].as_str().expect("an id")).await;
    let policy = json!({ "steps": [{ "kind": "remind", "offset_days": -60 }], "from_hour": 0, "to_hour": 24 });
    isp.put("/api/v1/dunning-policy", json!({ "policy": policy, "based_on": 0 })).await.expect(200);
    isp.post("/api/v1/overdue-checks", json!({})).await.expect(200);
    let cases = isp.get("/api/v1/dunning-cases").await.expect(200);
    cases["items"][0]["id"].as_str().expect("a case").to_owned()
}

/// Does the run's work, as the worker does.
async fn work_on(isp: &Isp, run: &str) {
    use weir_cloud::billing::jobs::WorkOnRun;
    use weir_cloud::jobs::Job;
    let job: WorkOnRun = serde_json::from_value(json!({ "run": run, "after": null })).expect("a job");
    job.run(isp.cloud.app.clone(), weir_cloud::db::Scope::system(isp.tenant)).await.expect("bill");
}

/// Asks as a browser with the session of `isp`'s owner; returns the status and the text.
async fn ask(isp: &Isp, method: &str, path: &str) -> (u16, String) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::COOKIE, format!("weir_session={}", isp.owner))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin");
    let form = if method == "POST" { VALID_FORM } else { "" };
    let answer = isp.cloud.send(request.body(Body::from(form)).expect("a request")).await;
    (answer.status.as_u16(), answer.text)
}

/// Has every field a form about one thing asks for, so that nothing but the thing itself can be missing.
const VALID_FORM: &str = "name=Planted&address=Hill+2&kind=manual&effect=closed&reason=Planted&billing_day=1&line1=Hill+2\
    &city=Leeds&postcode=LS1&country=GB&currency=EUR&amount=1.00&received_on=2026-01-02&method=cash&email=a%40example.net&role=support\
    &status=open&priority=high&impact=one_line&reply=Planted&note=Planted&then=open&to=Amara&into=T-2026-000001\
    &promised_on=2026-12-01&until_on=2026-12-01";

#[test]
fn no_page_shows_or_changes_another_isps_things() {
    run(|cloud| async move {
        let (isp, other) = (cloud.isp().await, cloud.isp().await);
        let things = things(&isp).await;
        let before = crate::refusals::rows(cloud, isp.tenant).await;
        let mut asked = BTreeSet::new();
        for (method, address) in addresses() {
            let collection = address.split('/').nth(1).expect("a collection");
            let id = things.get(collection).unwrap_or_else(|| panic!("make one of {collection} for {address} here"));
            let path = address.replace("{id}", id);
            let (status, text) = ask(&other, method, &path).await;
            assert_eq!(status, 404, "{method} {path} of another ISP: {text}");
            assert!(!text.contains("Amara") && !text.contains("Mill Lane"), "{method} {path}: {text}");
            if method == "GET" {
                assert_eq!(ask(&isp, method, &path).await.0, 200, "its own ISP sees {path}");
            }
            asked.insert(path);
        }
        assert!(asked.len() > 6, "{asked:?}");
        let changed = crate::refusals::difference(&before, &crate::refusals::rows(cloud, isp.tenant).await);
        assert_eq!(changed, Vec::<String>::new(), "another ISP's forms changed rows");
    });
}
