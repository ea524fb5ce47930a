//! Searching everything: what is exactly asked for is gone to, what is only similar is listed, by kind and permission.

use axum::body::Body;
use axum::http::{Method, Request, header};
use weir_cloud::http::permission::Role;

use crate::harness::{Cloud, Isp, run};
use crate::pages::furnished;

/// Where a search leads; empty when it lists.
async fn way(isp: &Isp, query: &str) -> String {
    let request =
        Request::get(format!("/search?q={query}")).header(header::COOKIE, format!("weir_session={}", isp.owner));
    let answer = isp.cloud.respond(request.body(Body::empty()).expect("a request")).await;
    answer.headers().get(header::LOCATION).map(|to| to.to_str().expect("an address").to_owned()).unwrap_or_default()
}

fn page_of<'a>(pages: &'a [String], beginning: &str) -> &'a str {
    let own = |page: &&String| {
        page.starts_with(beginning)
            && !page.ends_with("/edit")
            && !page.ends_with("/access-point")
            && !page.ends_with("/identities")
    };
    pages.iter().find(own).expect("a page")
}

#[test]
fn an_exact_hit_is_gone_to() {
    run(|cloud| async move {
        let (isp, pages) = furnished(cloud).await;
        let subscriber = page_of(&pages, "/subscribers/sbr_").to_owned();
        let line = page_of(&pages, "/subscriptions/sub_").to_owned();
        let account = isp.get("/api/v1/accounts").await.expect(200)["items"][0].clone();
        assert_eq!(way(&isp, "amara%20%20OKAFOR").await, subscriber);
        let number = account["number"].as_str().expect("a number");
        assert_eq!(way(&isp, number).await, format!("/accounts/{}", account["id"].as_str().expect("an id")));
        assert_eq!(way(&isp, "10.20.0.2").await, line);
        assert_eq!(way(&isp, "10.20.0.2%2F32").await, line);
        assert_eq!(way(&isp, line.rsplit('/').next().expect("an id")).await, line);
        assert_eq!(way(&isp, "edge%201").await, page_of(&pages, "/routers/rtr_"));
        let router = page_of(&pages, "/routers/rtr_").trim_start_matches("/routers/").to_owned();
        let sector = serde_json::json!({ "name": "Nave 7", "router_id": router, "peak_down_bps": 9_000_000, "peak_up_bps": 9_000_000 });
        let sector = isp.post("/api/v1/access-points", sector).await.expect(201)["id"].clone();
        assert_eq!(way(&isp, "nave%207").await, format!("/access-points/{}", sector.as_str().expect("an id")));
        assert_eq!(way(&isp, "North%20mast").await, "", "a site and an access point have this name");
        let site = page_of(&pages, "/sites/sit_");
        assert_eq!(way(&isp, site.rsplit('/').next().expect("an id")).await, site);
        assert_eq!(way(&isp, "routers").await, "/routers");
    });
}

#[test]
fn an_address_is_found_in_the_prefix_that_holds_it() {
    run(|cloud| async move {
        let (isp, _) = furnished(cloud).await;
        let sold = isp.get("/api/v1/subscriptions").await.expect(200)["items"][0].clone();
        let mut wish = serde_json::json!({ "starts_on": "2026-01-01", "prefixes": ["2001:db8:7::/56"] });
        for same in ["account_id", "service_location_id", "plan_version_id", "router_id"] {
            wish[same] = sold[same].clone();
        }
        let second = isp.post("/api/v1/subscriptions", wish).await.expect(201)["id"].clone();
        let line = format!("/subscriptions/{}", second.as_str().expect("an id"));
        assert_eq!(way(&isp, "2001:db8:7:5::1").await, line);
        assert_eq!(way(&isp, "2001:DB8:7::%2F56").await, line);
        assert_eq!(way(&isp, "2001:db8:8::1").await, "");
        // A wider prefix holds the line but is not it: the line is listed.
        assert_eq!(way(&isp, "2001:db8::%2F32").await, "");
        assert!(isp.get("/search?q=2001:db8::%2F32").await.text.contains(&line));
    });
}

#[test]
fn what_is_only_similar_is_listed() {
    run(|cloud| async move {
        let (isp, pages) = furnished(cloud).await;
        let page = isp.get("/search?q=okaf").await.text;
        assert!(page.contains(page_of(&pages, "/subscribers/sbr_")), "{page}");
        assert!(page.contains(page_of(&pages, "/subscriptions/sub_")), "{page}");
        assert!(isp.get("/search?q=mill%20lane").await.text.contains("Mill Lane 4"));
        let hostile = isp.get("/search?q=%25%27%3Cscript%3E_").await;
        assert_eq!(hostile.status, 200);
        assert!(!hostile.text.contains("<script>"), "{}", hostile.text);
    });
}

#[test]
fn nobody_finds_what_they_may_not_see() {
    run(|cloud: &'static Cloud| async move {
        let (isp, _pages) = furnished(cloud).await;
        let other = cloud.isp().await;
        for query in ["okafor", "10.20.0.2", "edge", "mast", "acc_"] {
            let page = other.get(&format!("/search?q={query}")).await;
            assert!(page.status == 200 && !page.text.contains("<td"), "{query}: {}", page.text);
        }
        // The network's people see no money.
        let network = cloud.staff(isp.tenant, Role::Network).await;
        let page = cloud.ask(Some(&network), Method::GET, "/search?q=okafor", None).await;
        assert!(page.text.contains("Amara") && !page.text.contains("/invoices/"), "{}", page.text);
    });
}
