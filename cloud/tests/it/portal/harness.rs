//! A subscriber in front of the portal, with the cookies of their browser.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use crate::harness::{Cloud, Isp};

pub const PASSWORD: &str = "four words are enough";

/// What a browser gets.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub location: String,
    pub cookies: Vec<String>,
    pub kind: String,
    pub text: String,
}

/// An ISP's portal, in a browser.
pub struct Browser {
    pub cloud: &'static Cloud,
    pub slug: String,
    /// The session, if there is one.
    pub session: Option<String>,
}

impl Browser {
    pub async fn of(isp: &Isp) -> Self {
        let settings = isp.get("/api/v1/portal-settings").await.expect(200);
        let address = settings["address"].as_str().expect("an address");
        let slug = address.rsplit('/').next().expect("a short name").to_owned();
        Self { cloud: isp.cloud, slug, session: None }
    }

    pub async fn get(&self, path: &str) -> Page {
        self.send("GET", &format!("/portal/{}{path}", self.slug), None, &[]).await
    }

    pub async fn post(&self, path: &str, form: &str) -> Page {
        self.send("POST", &format!("/portal/{}{path}", self.slug), Some(form), &[]).await
    }

    pub async fn send(&self, method: &str, path: &str, form: Option<&str>, headers: &[(&str, &str)]) -> Page {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin");
        if let Some(session) = &self.session {
            request = request.header(header::COOKIE, format!("weir_portal={session}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Body::from(form.unwrap_or_default().to_owned());
        let response = self.cloud.respond(request.body(body).expect("a request")).await;
        let text_of = |name: header::HeaderName| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let (status, location, kind) =
            (response.status().as_u16(), text_of(header::LOCATION), text_of(header::CONTENT_TYPE));
        let cookies = response.headers().get_all(header::SET_COOKIE).iter();
        let cookies = cookies.filter_map(|cookie| cookie.to_str().ok().map(str::to_owned)).collect();
        let body = axum::body::to_bytes(response.into_body(), 8 << 20).await.expect("a body");
        // Messages isolate what is put into them; a reader sees nothing of that.
        let text = String::from_utf8_lossy(&body).replace(['\u{2068}', '\u{2069}'], "");
        Page { status, location, cookies, kind, text }
    }

    /// Signs in with what an answer has set.
    pub fn entered(&mut self, page: &Page) {
        let cookie = page.cookies.iter().find_map(|cookie| cookie.strip_prefix("weir_portal="));
        let token = cookie.and_then(|rest| rest.split(';').next()).unwrap_or_else(|| panic!("no session: {page:?}"));
        self.session = Some(token.to_owned());
    }

    /// Sets a password through a fresh link and is signed in.
    pub async fn enter(&mut self, isp: &Isp, subscriber: &str) {
        let token = link(isp, subscriber).await;
        let page =
            self.post(&format!("/set-password/{token}"), &format!("password={}", PASSWORD.replace(' ', "+"))).await;
        assert_eq!(page.status, 303, "{}", page.text);
        self.entered(&page);
    }
}

/// A fresh link's secret, as staff make it.
pub async fn link(isp: &Isp, subscriber: &str) -> String {
    let link = isp.post(&format!("/api/v1/subscribers/{subscriber}/portal-link"), json!({})).await.expect(201);
    link["link"].as_str().and_then(|link| link.rsplit_once("/set-password/")).expect("a link").1.to_owned()
}

/// A subscriber with a line, of an ISP that has a router and two plans offered in the portal.
pub struct Sold {
    pub subscriber: String,
    pub account: String,
    pub line: String,
}

/// What an ISP sells.
pub struct Shop {
    pub router: Value,
    /// Versions of a metered plan for 20.00, and of plans for 30.00 and 45.00.
    pub small: String,
    pub middle: String,
    pub large: String,
}

pub fn id(body: &Value) -> String {
    body["id"].as_str().expect("an id").to_owned()
}

pub async fn add(isp: &Isp, path: &str, body: Value) -> Value {
    isp.post(&format!("/api/v1{path}"), body).await.expect(201)
}

pub async fn shop(isp: &Isp) -> Shop {
    let site = add(isp, "/sites", json!({ "name": "North mast" })).await;
    let router = json!({ "name": "Edge 1", "site_id": site["id"], "lan_interface": "lan0", "wan_interface": "wan0" });
    let router = add(isp, "/routers", router).await["id"].clone();
    let mut versions = Vec::new();
    for (name, price, allowance) in
        [("Radio 20", "20.00", Some(1_000_000_000_i64)), ("Fibre 100", "30.00", None), ("Fibre 500", "45.00", None)]
    {
        let overage = allowance
            .map(|_| json!({ "block_bytes": 1_000_000_000, "price": { "amount": "0.50", "currency": "EUR" } }));
        let wish = json!({
            "name": name, "rate_down_bps": 100_000_000, "rate_up_bps": 20_000_000, "allowance_bytes": allowance,
            "overage": overage, "price": { "amount": price, "currency": "EUR" }, "offered_in_portal": true,
        });
        versions.push(id(&add(isp, "/plans", wish).await["versions"][0]));
    }
    let [small, middle, large] = <[String; 3]>::try_from(versions).expect("three plans");
    Shop { router, small, middle, large }
}

/// Sells a line from the first of this month on to somebody with this address.
pub async fn sell(isp: &Isp, shop: &Shop, name: &str, email: &str, version: &str, prefix: &str) -> Sold {
    let subscriber = id(&add(isp, "/subscribers", json!({ "name": name, "email": email })).await);
    let account = id(&add(isp, "/accounts", json!({ "subscriber_id": subscriber })).await);
    let place = json!({ "subscriber_id": subscriber, "line1": "Mill Lane 4", "city": "Leeds", "country": "GB" });
    let place = add(isp, "/service-locations", place).await;
    let wish = json!({
        "account_id": account, "service_location_id": place["id"], "plan_version_id": version,
        "router_id": shop.router, "starts_on": "2026-01-01", "prefixes": [prefix],
    });
    let line = id(&add(isp, "/subscriptions", wish).await);
    Sold { subscriber, account, line }
}

/// Bills everything up to a day, as the worker does; returns the invoices of an account, newest first.
pub async fn bill(isp: &Isp, as_of: &str, account: &str) -> Vec<Value> {
    use weir_cloud::billing::jobs::WorkOnRun;
    use weir_cloud::db::Scope;
    use weir_cloud::jobs::Job;
    let run = isp.post("/api/v1/billing-runs", json!({ "as_of": as_of })).await.expect(202);
    let job: WorkOnRun = serde_json::from_value(json!({ "run": run["id"], "after": null })).expect("a job");
    job.run(isp.cloud.app.clone(), Scope::system(isp.tenant)).await.expect("bill");
    let invoices = isp.get(&format!("/api/v1/invoices?account_id={account}")).await.expect(200);
    invoices["items"].as_array().expect("invoices").clone()
}

/// Today where these ISPs are.
pub fn today(isp: &Isp) -> chrono::NaiveDate {
    isp.cloud.app.clock.now().with_timezone(&chrono_tz::Europe::Madrid).date_naive()
}
