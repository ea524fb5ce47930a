//! The second step: enrolled, asked for, used once, demanded, reset.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use futures_util::future::join_all;
use ring::hmac;
use serde_json::{Value, json};
use weir_cloud::http::permission::Role;

use crate::harness::{Answer, Cloud, Isp, run};

const PASSWORD: &str = "correct horse battery staple";

/// An authenticator: what it was enrolled with, and in which half minute. Its clock stands, so that a test may take longer.
struct Authenticator(Vec<u8>, i64);

impl Authenticator {
    /// Reads the secret's letters.
    fn of(cloud: &Cloud, secret: &str) -> Self {
        let bits = secret.bytes().flat_map(|letter| {
            let value = if letter.is_ascii_digit() { letter - b'2' + 26 } else { letter - b'A' };
            (0..5).rev().map(move |bit| value >> bit & 1)
        });
        let bits: Vec<_> = bits.collect();
        let secret = bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | bit)).collect();
        Self(secret, cloud.app.clock.system_now().timestamp() / 30)
    }

    /// The code so many half minutes later; the cloud takes those of one earlier or later than its own.
    fn code(&self, later: i64) -> String {
        let step = self.1 + later;
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0), &step.to_be_bytes());
        let (bytes, at) = (tag.as_ref(), usize::from(tag.as_ref()[19] & 15));
        let number = u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes")) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

async fn email(isp: &Isp) -> String {
    text(&isp.get("/api/v1/me").await.expect(200)["email"])
}

/// Turns the owner's second step on; gives the authenticator and the recovery codes. Its first code is used.
async fn enrolled(isp: &Isp) -> (Authenticator, Vec<String>) {
    let begun = isp.post("/api/v1/me/second-step", json!({})).await.expect(201);
    let authenticator = Authenticator::of(isp.cloud, &text(&begun["secret"]));
    let wrong = isp.post("/api/v1/me/second-step/confirm", json!({ "code": "abcdef" })).await;
    assert_eq!(wrong.refused(422, "invalid")["errors"][0]["field"], "code");
    let code = authenticator.code(0);
    let codes = isp.post("/api/v1/me/second-step/confirm", json!({ "code": code })).await.expect(200);
    let codes = codes["recovery_codes"].as_array().expect("codes").iter().map(text).collect();
    (authenticator, codes)
}

async fn log_in(cloud: &Cloud, email: &str, code: Option<&str>) -> Answer {
    let mut wish = json!({ "email": email, "password": PASSWORD });
    if let Some(code) = code {
        wish["code"] = json!(code);
    }
    cloud.ask(None, Method::POST, "/api/v1/sessions", Some(wish)).await
}

#[test]
fn a_code_is_asked_for_and_works_once() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let email = email(&isp).await;
        let elsewhere = text(&log_in(cloud, &email, None).await.expect(201)["token"]);
        let (authenticator, recovery) = enrolled(&isp).await;
        cloud.ask(Some(&elsewhere), Method::GET, "/api/v1/me", None).await.refused(401, "unauthenticated");
        isp.post("/api/v1/me/second-step", json!({})).await.refused(409, "second-step-on");

        log_in(cloud, &email, None).await.refused(401, "second-step-needed");
        log_in(cloud, &email, Some("000000x")).await.refused(401, "wrong-code");
        let used = authenticator.code(0);
        log_in(cloud, &email, Some(&used)).await.refused(401, "wrong-code");
        // The next one, sent by several at once: one gets in.
        let code = authenticator.code(1);
        let answers = join_all((0..2).map(|_| log_in(cloud, &email, Some(&code)))).await;
        let through = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(through, 1, "{answers:?}");

        assert_eq!(recovery.len(), 10);
        log_in(cloud, &email, Some(&recovery[3].to_uppercase())).await.expect(201);
        log_in(cloud, &email, Some(&recovery[3])).await.refused(401, "wrong-code");
        let left = isp.get("/api/v1/me/second-step").await.expect(200);
        assert_eq!((&left["on"], &left["recovery_codes_left"]), (&json!(true), &json!(9)));
        let other = cloud.isp().await;
        let (_, others) = enrolled(&other).await;
        log_in(cloud, &email, Some(&others[0])).await.refused(401, "wrong-code");
        log_in(cloud, &email, Some(&recovery[4])).await.expect(201);
    });
}

#[test]
fn codes_cannot_be_guessed_with_a_known_password() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let email = email(&isp).await;
        let (_, recovery) = enrolled(&isp).await;
        let guesses = (0..20).map(|n| {
            let (email, code) = (email.clone(), format!("{n:05}x"));
            async move { log_in(cloud, &email, Some(&code)).await }
        });
        let answers = join_all(guesses).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 429).count(), 14, "{answers:?}");
        log_in(cloud, &email, Some(&recovery[0])).await.refused(429, "login-waits");
    });
}

#[test]
fn the_pages_ask_for_the_code_after_the_password() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let email = email(&isp).await;
        let (authenticator, _) = enrolled(&isp).await;
        let send = async |path: &str, form: String, cookie: &str| {
            let request = Request::post(path)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(header::COOKIE, cookie)
                .header("sec-fetch-site", "same-origin");
            cloud.respond(request.body(Body::from(form)).expect("a request")).await
        };
        let set = |answer: &axum::response::Response| {
            let cookies = answer.headers().get_all(header::SET_COOKIE).iter();
            let pairs = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next().map(str::to_owned));
            pairs.collect::<Vec<_>>().join("; ")
        };
        let form = format!("email={}&password={}&next=/sites", email.replace('@', "%40"), PASSWORD.replace(' ', "+"));
        let asked = send("/log-in", form, "").await;
        assert_eq!(asked.status(), StatusCode::OK);
        let challenge = set(&asked);
        assert!(challenge.starts_with("weir_second_step=") && !challenge.contains("weir_session"), "{challenge}");
        let wrong = send("/log-in/code", "code=nothing&next=/sites".into(), &challenge).await;
        assert_eq!((wrong.status(), set(&wrong)), (StatusCode::UNPROCESSABLE_ENTITY, String::new()));
        let code = format!("code={}&next=/sites", authenticator.code(1));
        let through = send("/log-in/code", code, &challenge).await;
        assert_eq!(through.status(), StatusCode::SEE_OTHER);
        assert_eq!(through.headers()[header::LOCATION], "/sites");
        assert!(set(&through).contains("weir_session="));
        let again = format!("code={}", authenticator.code(2));
        let again = send("/log-in/code", again, &challenge).await;
        assert_eq!(again.headers()[header::LOCATION], "/log-in", "a challenge is answered once");
    });
}

#[test]
fn what_is_demanded_of_everybody_opens_nothing_without() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let demand = json!({ "second_step_required": true });
        isp.put("/api/v1/staff-policy", demand.clone()).await.refused(409, "second-step-off");
        let (authenticator, _) = enrolled(&isp).await;
        let support = Isp { cloud, tenant: isp.tenant, owner: cloud.staff(isp.tenant, Role::Support).await };
        support.get("/api/v1/sites").await.expect(200);
        isp.put("/api/v1/staff-policy", demand).await.expect(200);
        support.get("/api/v1/sites").await.refused(403, "second-step-missing");
        let sent = Request::get("/sites").header(header::COOKIE, format!("weir_session={}", support.owner));
        let sent = cloud.respond(sent.body(Body::empty()).expect("a request")).await;
        assert_eq!(sent.headers()[header::LOCATION], "/preferences/second-step");
        support.get("/preferences/second-step").await.status.is_success().then_some(()).expect("a page");
        isp.get("/api/v1/sites").await.expect(200);
        isp.post("/api/v1/me/second-step/off", json!({ "code": authenticator.code(1) }))
            .await
            .refused(409, "second-step-required");
        enrolled(&support).await;
        support.get("/api/v1/sites").await.expect(200);
    });
}

#[test]
fn an_owner_resets_anothers_and_nobody_their_own() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let support = Isp { cloud, tenant: isp.tenant, owner: cloud.staff(isp.tenant, Role::Support).await };
        let me = support.get("/api/v1/me").await.expect(200);
        let path = format!("/api/v1/staff/{}/second-step", text(&me["id"]));
        isp.delete(&path).await.refused(409, "second-step-off");
        enrolled(&support).await;
        assert_eq!(isp.get(&format!("/api/v1/staff/{}", text(&me["id"]))).await.expect(200)["second_step"], true);
        support.delete(&path).await.refused(403, "forbidden");
        cloud.isp().await.delete(&path).await.refused(404, "staff-not-found");
        isp.delete(&path).await.expect(204);
        support.get("/api/v1/me").await.refused(401, "unauthenticated");
        log_in(cloud, &text(&me["email"]), None).await.expect(201);
        let own = text(&isp.get("/api/v1/me").await.expect(200)["id"]);
        isp.delete(&format!("/api/v1/staff/{own}/second-step")).await.refused(409, "own-access");
    });
}

#[test]
fn recovery_codes_are_renewed_and_the_step_turned_off_by_a_code() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let email = email(&isp).await;
        let (authenticator, old) = enrolled(&isp).await;
        let code = json!({ "code": authenticator.code(1) });
        let renewed = isp.post("/api/v1/me/second-step/recovery-codes", code).await.expect(200);
        log_in(cloud, &email, Some(&old[0])).await.refused(401, "wrong-code");
        let fresh = text(&renewed["recovery_codes"][0]);
        isp.post("/api/v1/me/second-step/off", json!({ "code": fresh })).await.expect(204);
        log_in(cloud, &email, None).await.expect(201);
        let page = isp.get("/preferences/second-step").await.text;
        assert!(page.contains("Set up an authenticator"), "{page}");
    });
}
