//! Bad input: whatever cannot be done is refused with its own kind of problem, names the field to blame, and changes
//! no row of the ISP's; every case is sent through the router and compared with the database before and after.

mod catalog;
mod deals;
mod enrollment;
mod network;
mod payments;
mod requests;
mod sales;
mod taxes;

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use weir_cloud::db::embedded;
use weir_cloud::ids::TenantId;

use crate::harness::{Answer, Cloud, Isp};

/// A request that must be refused, and how.
struct Case {
    what: &'static str,
    method: Method,
    path: String,
    body: Value,
    status: u16,
    slug: &'static str,
    /// The fields named, in order.
    fields: &'static [&'static str],
    /// Words of the detail.
    says: &'static str,
}

impl Case {
    /// Refused with a problem of this kind.
    fn new(what: &'static str, path: impl Into<String>, body: Value, status: u16, slug: &'static str) -> Self {
        Self { what, method: Method::POST, path: path.into(), body, status, slug, fields: &[], says: "" }
    }

    /// Refused because of these fields.
    fn invalid(what: &'static str, path: impl Into<String>, body: Value, fields: &'static [&'static str]) -> Self {
        Self { fields, ..Self::new(what, path, body, 422, "invalid") }
    }

    /// Refused because the body cannot be read; the detail has these words.
    fn malformed(what: &'static str, path: impl Into<String>, body: Value, says: &'static str) -> Self {
        Self { says, ..Self::new(what, path, body, 400, "malformed-body") }
    }

    /// The detail has these words.
    fn says(self, says: &'static str) -> Self {
        Self { says, ..self }
    }

    /// With another method than POST.
    fn by(self, method: Method) -> Self {
        Self { method, ..self }
    }

    fn assert_refused(&self, answer: &Answer) {
        let what = self.what;
        assert_eq!(answer.status.as_u16(), self.status, "{what}: {}", answer.text);
        assert_eq!(answer.body["type"], format!("/errors/{}", self.slug), "{what}: {}", answer.text);
        let fields: Vec<_> = answer.body["errors"].as_array().into_iter().flatten().map(|e| &e["field"]).collect();
        assert_eq!(fields, self.fields, "{what}: {}", answer.text);
        let detail = answer.body["detail"].as_str().unwrap_or_default();
        assert!(!detail.is_empty() && detail.contains(self.says), "{what}: {detail:?} does not say {:?}", self.says);
    }
}

/// An object with some of its fields replaced or added.
pub fn with(base: &Value, changes: Value) -> Value {
    let mut changed = base.clone();
    for (name, value) in changes.as_object().expect("changes") {
        changed[name] = value.clone();
    }
    changed
}

/// Sends every case as the owner of `isp` and asserts that each is refused as it says, and that nothing was changed.
async fn assert_refused(isp: &Isp, cases: impl IntoIterator<Item = Case>) {
    let before = rows(isp.cloud, isp.tenant).await;
    for (n, case) in cases.into_iter().enumerate() {
        let answer = isp.cloud.send(request(isp, &case, n)).await;
        case.assert_refused(&answer);
        let changed = difference(&before, &rows(isp.cloud, isp.tenant).await);
        assert_eq!(changed, Vec::<String>::new(), "{} changed rows", case.what);
    }
}

fn request(isp: &Isp, case: &Case, n: usize) -> Request<Body> {
    let request = Request::builder()
        .method(case.method.clone())
        .uri(format!("/api/v1{}", case.path))
        .header(header::AUTHORIZATION, format!("Bearer {}", isp.owner))
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", format!("case {n}"));
    request.body(Body::from(case.body.to_string())).expect("build a request")
}

/// Every table with a tenant's rows, and a digest of them. Sessions are left out: looking is what moves them.
pub async fn rows(cloud: &Cloud, tenant: TenantId) -> Vec<(String, String)> {
    let mut superuser =
        PgConnection::connect_with(&embedded::options(&cloud.app.config.data_dir)).await.expect("connect");
    let digests = sqlx::query_as(
        "SELECT c.table_name::text, md5(query_to_xml(
             format('SELECT * FROM %I.%I t WHERE tenant_id = %L ORDER BY t::text', c.table_schema, c.table_name, $1::uuid), true, false, '')::text)
         FROM information_schema.columns c JOIN information_schema.tables USING (table_schema, table_name)
         WHERE c.column_name = 'tenant_id' AND table_type = 'BASE TABLE' AND c.table_schema IN ('public', 'platform')
           AND c.table_name NOT LIKE '%session%' ORDER BY 1, c.table_schema",
    )
    .bind(tenant.uuid())
    .fetch_all(&mut superuser)
    .await
    .expect("read the rows");
    superuser.close().await.expect("disconnect");
    digests
}

/// The tables whose rows differ.
pub fn difference(before: &[(String, String)], after: &[(String, String)]) -> Vec<String> {
    assert!(before.len() > 20 && before.len() == after.len(), "{} tables have a tenant", before.len());
    before.iter().zip(after).filter(|(one, other)| one != other).map(|((table, _), _)| table.clone()).collect()
}

/// An ISP with one of everything, by id, and the wishes that would make another.
pub struct Furnished {
    pub isp: Isp,
    pub staff: Value,
    pub site: Value,
    pub router: Value,
    pub access_point: Value,
    pub subscriber: Value,
    pub account: Value,
    pub location: Value,
    pub plan: Value,
    pub version: Value,
    pub top_up: Value,
    pub boost_product: Value,
    pub boost: Value,
    pub sold: Value,
    pub plugin: Value,
    pub ticket: Value,
    pub mail: Value,
    pub plan_wish: Value,
    pub sale_wish: Value,
}

impl Furnished {
    /// The id of the thing of a collection.
    fn id_in(&self, collection: &str) -> String {
        let id = match collection {
            "staff" => &self.staff,
            "sites" => &self.site,
            "routers" => &self.router,
            "access-points" => &self.access_point,
            "subscribers" => &self.subscriber,
            "accounts" => &self.account,
            "plans" => &self.plan,
            "subscriptions" => &self.sold,
            // Nobody owes here: an id that could be one.
            "dunning-cases" => return "dcs_0193594bd1e27c3f8a6b5d4e3f2a1b0c".into(),
            "late-fees" => return "fee_0193594bd1e27c3f8a6b5d4e3f2a1b0c".into(),
            "top-up-products" => &self.top_up,
            "boost-products" => &self.boost_product,
            "boosts" => &self.boost,
            "charges" => return format!("chg_{}", uuid::Uuid::nil().simple()),
            "contracts" => return format!("ctr_{}", uuid::Uuid::nil().simple()),
            "pauses" => return format!("lps_{}", uuid::Uuid::nil().simple()),
            "discounts" => return format!("dsc_{}", uuid::Uuid::nil().simple()),
            "plugins" => &self.plugin,
            "tickets" => &self.ticket,
            "support-plan-weights" => &self.plan,
            "unmatched-mail" => &self.mail,
            // Names nothing, but is an id.
            "webhooks" => return format!("whk_{}", uuid::Uuid::nil().simple()),
            "imports" => return format!("imp_{}", uuid::Uuid::nil().simple()),
            "orders" => return format!("ord_{}", uuid::Uuid::nil().simple()),
            "invoices" => return format!("inv_{}", uuid::Uuid::nil().simple()),
            "payments" => return format!("pay_{}", uuid::Uuid::nil().simple()),
            "payment-methods" => return format!("pmt_{}", uuid::Uuid::nil().simple()),
            "suspense-items" => return format!("ssp_{}", uuid::Uuid::nil().simple()),
            "tax-rules" => return format!("txr_{}", uuid::Uuid::nil().simple()),
            _ => &Value::Null,
        };
        id.as_str().unwrap_or_default().to_owned()
    }
}

/// Furnishes an ISP; its line has 10.20.4.0/24 and 2001:db8:4::/56 since 2026-01-01.
pub async fn furnished(cloud: &'static Cloud) -> Furnished {
    let isp = cloud.isp().await;
    let add = async |path: &str, body: &Value| isp.post(&format!("/api/v1{path}"), body.clone()).await.expect(201);
    let staff = isp.get("/api/v1/me").await.expect(200)["id"].clone();
    let site = add("/sites", &json!({ "name": "North mast" })).await["id"].clone();
    let router = json!({ "name": "Edge 1", "site_id": site, "lan_interface": "lan0", "wan_interface": "wan0" });
    let router = add("/routers", &router).await["id"].clone();
    let sector = json!({ "name": "Sector 1", "router_id": router, "committed_down_bps": 5_000_000, "peak_down_bps": 9_000_000, "peak_up_bps": 9_000_000 });
    let access_point = add("/access-points", &sector).await["id"].clone();
    let subscriber = add("/subscribers", &json!({ "name": "Amara Okafor" })).await["id"].clone();
    let account = add("/accounts", &json!({ "subscriber_id": subscriber })).await["id"].clone();
    let location = json!({ "subscriber_id": subscriber, "line1": "Mill Lane 4", "city": "Leeds", "country": "GB" });
    let location = add("/service-locations", &location).await["id"].clone();
    let plan_wish = json!({
        "name": "Fibre 500", "rate_down_bps": 500_000_000, "rate_up_bps": 100_000_000,
        "price": { "amount": "44.90", "currency": "EUR" }, "allowance_bytes": 1_000_000_000,
        "overage": { "block_bytes": 1_000_000, "price": { "amount": "0.10", "currency": "EUR" } },
    });
    let made = add("/plans", &plan_wish).await;
    let version = made["versions"][0]["id"].clone();
    let top_up =
        json!({ "name": "1 GB more", "bytes": 1_000_000_000, "price": { "amount": "2.00", "currency": "EUR" } });
    let top_up = add("/top-up-products", &top_up).await["id"].clone();
    let boost = json!({ "name": "Fast evening", "rate_down_bps": 900_000_000, "minutes": 180, "price": { "amount": "3.00", "currency": "EUR" } });
    let boost_product = add("/boost-products", &boost).await["id"].clone();
    let sale_wish = json!({
        "account_id": account, "service_location_id": location, "plan_version_id": version, "router_id": router,
        "starts_on": "2026-01-01", "prefixes": ["10.20.4.0/24", "2001:db8:4::/56"],
    });
    let sold = add("/subscriptions", &sale_wish).await["id"].clone();
    let boost = json!({ "product_id": boost_product, "reference": "one of everything" });
    let boost = add(&format!("/subscriptions/{}/boosts", text(&sold)), &boost).await["id"].clone();
    let plugin = json!({ "name": "night-owl", "hook": "rate-usage" });
    let plugin = add("/plugins", &plugin).await["id"].clone();
    let asked = json!({ "title": "Slow", "body": "Since Monday", "subscription_id": sold, "impact": "one_line" });
    let ticket = add("/tickets", &asked).await["id"].clone();
    let mail = Value::from(crate::tickets::stray_mail(&isp).await);
    let (plan, sale_wish) = (made["id"].clone(), with(&sale_wish, json!({ "prefixes": ["10.20.9.9/32"] })));
    let plan_wish = with(&plan_wish, json!({ "name": "Fibre 1000" }));
    Furnished {
        isp,
        staff,
        site,
        router,
        access_point,
        subscriber,
        account,
        location,
        plan,
        version,
        top_up,
        boost_product,
        boost,
        sold,
        plugin,
        ticket,
        mail,
        plan_wish,
        sale_wish,
    }
}

/// An id as text.
pub fn text(id: &Value) -> &str {
    id.as_str().expect("an id")
}
