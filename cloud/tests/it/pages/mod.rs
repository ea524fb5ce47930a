//! The screens: every page in every language, forms, log-in, and what belongs to somebody else.

use axum::body::Body;
use axum::http::{Method, Request, header};
use axum::response::Response;
use serde_json::{Value, json};
use weir_cloud::http::permission::Role;
use weir_ui::samples::SAMPLES;

use crate::harness::{Cloud, Isp, run};

/// The text of an id in an answer.
fn id(body: &Value) -> String {
    body["id"].as_str().expect("an id").to_owned()
}

/// Pages that need nothing.
const PLACES: &[&str] = &[
    "/",
    "/sites",
    "/sites/new",
    "/routers",
    "/routers/new",
    "/access-points",
    "/access-points/new",
    "/subscribers",
    "/subscribers/new",
    "/plans",
    "/plans/new",
    "/subscriptions",
    "/settings",
    "/portal-settings",
    "/orders",
    "/orders?status=placed",
    "/preferences",
    "/preferences/password",
    "/preferences/sessions",
    "/preferences/second-step",
    "/preferences/second-step/codes",
    "/preferences/second-step/off",
    "/staff",
    "/staff/invite",
    "/imports",
    "/imports/new",
    "/webhooks",
    "/webhooks/new",
    "/api-keys",
    "/api-keys/new",
    "/dunning",
    "/dunning?step=remind",
    "/dunning/policy",
    "/dunning/policy/edit",
    "/dunning/policy/versions/0",
    "/audit",
    "/audit?actor=system&day=2001-01-01",
    "/subscribers?q=nobody",
    "/search",
    "/search?q=e",
    "/search?q=nobody",
    "/gallery",
    "/tickets",
    "/tickets?view=mine",
    "/tickets?view=breaching&q=x",
    "/unmatched-mail",
    "/settings/support",
    "/settings/support/policy",
    "/settings/support/plans",
    "/settings/support/mailbox",
];

/// An ISP with one of everything, and the addresses of its pages.
pub async fn furnished(cloud: &'static Cloud) -> (Isp, Vec<String>) {
    let isp = cloud.isp().await;
    let add = async |path: &str, body: Value| isp.post(&format!("/api/v1{path}"), body).await.expect(201);
    let site = add("/sites", json!({ "name": "North mast", "address": "Hill 1" })).await;
    let router = json!({ "name": "Edge 1", "site_id": site["id"], "lan_interface": "lan0", "wan_interface": "wan0" });
    let router = add("/routers", router).await;
    let mast = json!({ "name": "North mast", "router_id": router["id"], "peak_down_bps": 900_000_000, "peak_up_bps": 90_000_000 });
    let mast = id(&add("/access-points", mast).await);
    let sector = json!({ "name": "Sector 1", "router_id": router["id"], "parent_id": mast, "peak_down_bps": 300_000_000, "peak_up_bps": 90_000_000 });
    let sector = id(&add("/access-points", sector).await);
    let subscriber = add("/subscribers", json!({ "name": "Amara Okafor" })).await;
    let account = add("/accounts", json!({ "subscriber_id": subscriber["id"] })).await;
    let place = json!({ "subscriber_id": subscriber["id"], "line1": "Mill Lane 4", "city": "Leeds", "country": "GB" });
    let place = add("/service-locations", place).await;
    let price = json!({ "amount": "44.90", "currency": "EUR" });
    let plan = json!({ "name": "Fibre 500", "rate_down_bps": 500_000_000, "rate_up_bps": 100_000_000, "price": price });
    let plan = add("/plans", plan).await;
    let wish = json!({
        "account_id": account["id"], "service_location_id": place["id"], "plan_version_id": plan["versions"][0]["id"],
        "router_id": router["id"], "access_point_id": sector, "starts_on": "2026-01-01", "prefixes": ["10.20.0.2/32"],
    });
    let sold = add("/subscriptions", wish).await;
    let (site, router, subscriber, sold) = (id(&site), id(&router), id(&subscriber), id(&sold));
    let mut pages: Vec<_> = PLACES.iter().map(|path| (*path).to_owned()).collect();
    let asked = json!({ "title": "Slow", "body": "Since Monday", "subscription_id": sold, "impact": "one_line" });
    let ticket = id(&add("/tickets", asked).await);
    pages.extend([
        format!("/tickets/{ticket}"),
        format!("/tickets/{ticket}?draft=answer"),
        format!("/tickets/new?subscription_id={sold}"),
        format!("/tickets/new?router_id={router}"),
        format!("/unmatched-mail/{}", crate::tickets::stray_mail(&isp).await),
        format!("/sites/{site}"),
        format!("/sites/{site}/edit"),
        format!("/routers/{router}"),
        format!("/access-points/{mast}"),
        format!("/access-points/new?router_id={router}"),
        format!("/access-points/{sector}/edit"),
        format!("/access-points/{mast}/remove"),
        format!("/subscribers/{subscriber}"),
        format!("/subscribers/{subscriber}/locations/new"),
        format!("/subscriptions/new?subscriber_id={subscriber}"),
        format!("/subscriptions/{sold}/access-point"),
        format!("/subscriptions/{sold}/identities"),
        format!("/subscriptions/{sold}"),
    ]);
    (isp, pages)
}

/// Sends a form as the owner's browser would.
async fn send_form(isp: &Isp, path: &str, form: &str) -> Response {
    let cookie = format!("weir_session={}", isp.owner);
    let request = Request::post(path)
        .header(header::COOKIE, cookie)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin");
    isp.cloud.respond(request.body(Body::from(form.to_owned())).expect("a request")).await
}

fn location(response: &Response) -> &str {
    response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Texts of a page that are the key of a message nobody wrote.
pub fn unwritten(html: &str) -> Vec<&str> {
    let is_key = |text: &&str| {
        text.split(['-', '_']).all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase()))
            && text.len() > 1
            && !SAMPLES.iter().any(|(name, _)| name == text)
            && !["owner", "support"].contains(text)
    };
    let texts = html.split('>').filter_map(|rest| Some(rest.split_once('<')?.0.trim()));
    texts.filter(|text| !text.is_empty()).filter(is_key).collect()
}

#[test]
fn every_page_renders_in_every_language_with_one_h1() {
    run(|cloud| async move {
        let (isp, pages) = furnished(cloud).await;
        for lang in ["en", "es", "pt-BR", "fr", "ar"] {
            let changed = send_form(&isp, "/preferences", &format!("language={lang}&theme=dark")).await;
            assert_eq!(changed.status(), 303);
            for path in &pages {
                let page = isp.get(path).await;
                assert_eq!(page.status, 200, "{lang} {path}: {}", page.text);
                assert_eq!(page.text.matches("<h1>").count(), 1, "{lang} {path}");
                assert!(page.text.contains(&format!("<html lang=\"{lang}\"")), "{lang} {path}");
                assert!(unwritten(&page.text).is_empty(), "{lang} {path}: {:?}", unwritten(&page.text));
            }
        }
    });
}

#[test]
fn whoever_is_not_logged_in_is_sent_to_the_log_in() {
    run(|cloud| async move {
        let request = |path: &str| Request::get(path).body(Body::empty()).expect("a request");
        let answer = cloud.respond(request("/subscribers?q=a")).await;
        assert_eq!((answer.status().as_u16(), location(&answer)), (303, "/log-in?next=/subscribers%3Fq%3Da"));
        let form = cloud.ask(None, Method::GET, "/log-in?next=//elsewhere.example/", None).await;
        assert_eq!(form.status, 200);
        assert!(!form.text.contains("elsewhere"), "{}", form.text);
    });
}

#[test]
fn a_right_log_in_opens_a_session_and_a_wrong_one_says_so() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let me = isp.get("/api/v1/me").await.expect(200);
        let email = me["email"].as_str().expect("an address").replace('@', "%40");
        let wrong = send_form(&isp, "/log-in", &format!("email={email}&password=wrong&next=%2Fsites")).await;
        assert_eq!(wrong.status(), 422);
        assert!(wrong.headers().get(header::SET_COOKIE).is_none());
        let form = format!("email={email}&password=correct+horse+battery+staple&next=%2Fsites");
        let right = send_form(&isp, "/log-in", &form).await;
        assert_eq!((right.status().as_u16(), location(&right)), (303, "/sites"));
        let cookie = right.headers()[header::SET_COOKIE].to_str().expect("a cookie");
        assert!(cookie.starts_with("weir_session=") && cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");
        let out = send_form(&isp, "/log-out", "").await;
        assert_eq!((out.status().as_u16(), location(&out)), (303, "/log-in"));
        isp.get("/api/v1/me").await.refused(401, "unauthenticated");
    });
}

#[test]
fn forms_change_things_or_say_what_is_wrong() {
    run(|cloud| async move {
        let (isp, pages) = furnished(cloud).await;
        let added = send_form(&isp, "/sites", "name=South&address=").await;
        assert_eq!(added.status(), 303);
        assert!(isp.get(location(&added)).await.text.contains("South"));
        let empty = send_form(&isp, "/sites", "name=&address=Hill+2").await;
        assert_eq!(empty.status(), 422);
        assert!(text_of(empty).await.contains("Hill 2"));
        assert_eq!(send_form(&isp, "/sites", "name=South&address=").await.status(), 422);
        let plan = "name=Fibre+1000&rate_down=1000&rate_up=ten&price=60&currency=EUR&allowance=";
        assert_eq!(send_form(&isp, "/plans", plan).await.status(), 422);
        assert_eq!(send_form(&isp, "/plans", &plan.replace("ten", "200")).await.status(), 303);
        assert_eq!(send_form(&isp, "/subscribers", "name=Noor+Haddad").await.status(), 303);
        let sold = pages.last().expect("the subscription");
        let hold = send_form(&isp, &format!("{sold}/holds"), "kind=manual&effect=walled_garden&reason=Test").await;
        assert_eq!((hold.status().as_u16(), location(&hold)), (303, sold.as_str()));
        let page = isp.get(sold).await.text;
        let release = page.split("action=\"").find(|rest| rest.starts_with("/holds/")).expect("a release button");
        let release = release.split('"').next().expect("an address");
        assert_eq!(send_form(&isp, release, "").await.status(), 303);
        assert_eq!(isp.get(&format!("/api/v1{sold}")).await.expect(200)["access"], "open");
    });
}

#[test]
fn what_was_done_is_said_once() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let saved = send_form(&isp, "/preferences", "language=en&theme=dark").await;
        let brought =
            saved.headers()[header::SET_COOKIE].to_str().expect("a cookie").split(';').next().expect("a pair");
        assert_eq!(brought, "weir_toast=done-saved");
        let page = |cookie: &str| {
            let cookie = format!("weir_session={}; {cookie}", isp.owner);
            Request::get("/preferences").header(header::COOKIE, cookie).body(Body::empty()).expect("a request")
        };
        let shown = isp.cloud.respond(page(brought)).await;
        let forgets = shown.headers()[header::SET_COOKIE].to_str().expect("a cookie").to_owned();
        assert!(forgets.starts_with("weir_toast=;") && forgets.contains("Max-Age=0"), "{forgets}");
        assert!(text_of(shown).await.contains("role=\"status\">Saved."));
        for other in ["weir_other=1", "weir_toast=password", "weir_toast=done-<b>"] {
            assert!(!text_of(isp.cloud.respond(page(other)).await).await.contains("class=\"toast\""), "{other}");
        }
    });
}

#[test]
fn the_gallery_is_for_staff_and_may_frame_itself() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        for (name, _) in SAMPLES {
            let page = isp.get(&format!("/gallery/{name}?lang=ar&theme=dark")).await;
            assert!(page.status == 200 && page.text.contains("dir=\"rtl\" data-theme=\"dark\""), "{name}");
        }
        isp.get("/gallery/nothing").await.expect(404);
        isp.get("/gallery/list?lang=xx").await.expect(404);
        let policy = async |path: &str| {
            let cookie = format!("weir_session={}", isp.owner);
            let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).expect("a request");
            let answer = cloud.respond(request).await;
            answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().expect("a policy").to_owned()
        };
        assert!(policy("/gallery/list").await.contains("frame-ancestors 'self'"));
        assert!(policy("/gallery").await.contains("frame-ancestors 'none'"));
        let stranger = cloud.respond(Request::get("/gallery").body(Body::empty()).expect("a request")).await;
        assert_eq!((stranger.status().as_u16(), location(&stranger)), (303, "/log-in?next=/gallery"));
    });
}

#[test]
fn a_problem_names_the_request_to_quote() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let request = Request::get("/sites/none")
            .header(header::COOKIE, format!("weir_session={}", isp.owner))
            .header("x-request-id", "<chosen by a stranger>");
        let answer = cloud.respond(request.body(Body::empty()).expect("a request")).await;
        let id = answer.headers()["x-request-id"].to_str().expect("an id").to_owned();
        assert!(id.starts_with("req_"), "{id}");
        assert!(text_of(answer).await.contains(&id));
    });
}

#[test]
fn an_enrollment_shows_its_command_once() {
    run(|cloud| async move {
        let (isp, pages) = furnished(cloud).await;
        let router = pages.iter().find(|page| page.starts_with("/routers/rtr_")).expect("the router");
        let page = send_form(&isp, &format!("{router}/enroll"), "").await;
        assert_eq!(page.status(), 200);
        let page = text_of(page).await;
        let line =
            page.split_once("id=\"command\">").and_then(|(_, rest)| rest.split_once("</pre>")).expect("a line").0;
        let line = line.replace("&#38;", "&");
        let token = line.strip_prefix("sudo weir-agent enroll --token weir1_").expect("the package's command");
        let (token, rest) = token.split_once(' ').expect("a token");
        assert!(token.len() > 40 && rest == "&& sudo systemctl restart weir-agent", "{line}");
        assert!(page.contains("copy-button for=\"command\""));
        assert!(!isp.get(router).await.text.contains("weir-agent enroll"));
    });
}

#[test]
fn forms_of_other_sites_are_refused_with_a_page() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let request = Request::post("/sites")
            .header(header::COOKIE, format!("weir_session={}", isp.owner))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "cross-site")
            .body(Body::from("name=Planted"));
        let answer = cloud.respond(request.expect("a request")).await;
        assert_eq!(answer.status(), 403);
        assert!(text_of(answer).await.contains("cross-site"));
        assert!(isp.get("/api/v1/sites").await.expect(200)["items"].as_array().expect("items").is_empty());
    });
}

#[test]
fn another_isps_things_are_not_there() {
    run(|cloud| async move {
        let (_one, pages) = furnished(cloud).await;
        let other = cloud.isp().await;
        for path in pages.iter().filter(|path| path.contains("_")) {
            let page = other.get(path).await;
            assert_eq!(page.status, 404, "{path}");
            assert!(page.text.contains("<h1>") && !page.text.contains("Amara"), "{path}: {}", page.text);
        }
        assert_eq!(other.get("/nowhere").await.status, 404);
    });
}

#[test]
fn who_may_not_change_things_sees_no_buttons_and_is_refused() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let reader = cloud.staff(isp.tenant, Role::ReadOnly).await;
        let list = cloud.ask(Some(&reader), Method::GET, "/sites", None).await;
        assert!(list.status == 200 && !list.text.contains("/sites/new"), "{}", list.text);
        assert_eq!(cloud.ask(Some(&reader), Method::GET, "/sites/new", None).await.status, 403);
    });
}

#[test]
fn assets_may_be_kept_for_ever() {
    run(|cloud| async move {
        let request = Request::get(weir_ui::assets::url("app.css")).body(Body::empty()).expect("a request");
        let answer = cloud.respond(request).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        assert_eq!(cloud.ask(None, Method::GET, "/assets/no.css", None).await.status, 404);
    });
}

async fn text_of(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("read the page");
    String::from_utf8(bytes.to_vec()).expect("a page in UTF-8")
}
