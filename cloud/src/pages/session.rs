//! Logging in and out.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use weir_ui::blocks::Input;
use weir_ui::pages::{Join, LogIn as LogInPage};

use super::{Asking, form_status};
use crate::access::{self, Device, LogIn};
use crate::app::App;
use crate::error::Problem;
use crate::http::page::{Fields, anonymous_frame, html, see};
use crate::http::staff::{cookie, cookie_name, session_token};

/// Names the cookie of a log-in whose second step is still to come.
const CHALLENGE: &str = "weir_second_step";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/log-in", get(form).post(log_in))
        .route("/log-in/code", post(second_step))
        .route("/log-out", post(log_out))
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    next: String,
}

async fn form(headers: HeaderMap, Query(wanted): Query<Wanted>) -> Result<Response, Problem> {
    shown(&headers, StatusCode::OK, String::new(), own_address(&wanted.next), String::new())
}

async fn log_in(
    State(app): State<App>,
    headers: HeaderMap,
    device: Device,
    fields: Fields,
) -> Result<Response, Problem> {
    let next = own_address(fields.get("next"));
    let begun = access::begin_log_in(&app, fields.get("email"), fields.text("password"), &device).await;
    match begun {
        Ok(LogIn::Through(session)) => {
            let mut response = see(&next);
            set_cookie(&app, &mut response, &session.token, "");
            Ok(response)
        }
        Ok(LogIn::SecondStep(token)) => {
            let mut response = code_form(&headers, &next, None)?;
            set_challenge(&app, &mut response, &token, "; Max-Age=300");
            Ok(response)
        }
        Err(access::Error::WrongLogin) => refused(&headers, &fields, next, "log-in-wrong"),
        Err(access::Error::Waits(..)) => refused(&headers, &fields, next, "log-in-waits"),
        Err(error) => Err(error.into()),
    }
}

/// The second step: the code of whoever's password was right.
async fn second_step(
    State(app): State<App>,
    headers: HeaderMap,
    device: Device,
    fields: Fields,
) -> Result<Response, Problem> {
    let next = own_address(fields.get("next"));
    let token = cookie(&headers, CHALLENGE).unwrap_or_default();
    let session = match access::finish_log_in(&app, &token, fields.get("code"), &device).await {
        Ok(session) => session,
        Err(access::Error::WrongCode) => return code_form(&headers, &next, Some("second-step-wrong")),
        Err(access::Error::Waits(..)) => return code_form(&headers, &next, Some("log-in-waits")),
        // The challenge is too old: from the beginning.
        Err(error) => return Err(error.into()),
    };
    let mut response = see(&next);
    set_cookie(&app, &mut response, &session.token, "");
    set_challenge(&app, &mut response, "", "; Max-Age=0");
    Ok(response)
}

fn code_form(headers: &HeaderMap, next: &str, wrong: Option<&str>) -> Result<Response, Problem> {
    let frame = anonymous_frame(headers);
    let fields = Fields::of([("next", next.to_owned())]);
    let problem = wrong.map(|key| Problem::field("code", key));
    let told = wrong.map(|key| frame.t(key)).unwrap_or_default();
    let mut form = Asking::new(&frame, &fields, None)
        .ask("code", "second-step-code", Input::Code)
        .ask("next", "id", Input::Hidden)
        .inset(String::new(), "/log-in/code", "log-in");
    form.problem = told;
    let (title, lede) = (frame.t("second-step"), frame.t("second-step-asked"));
    html(form_status(problem.as_ref()), &Join { frame: &frame, title, lede, form })
}

async fn log_out(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(token) = session_token(&headers, app.config.is_https()) {
        access::log_out(&app, &token).await?;
    }
    let mut response = see("/log-in");
    set_cookie(&app, &mut response, "", "; Max-Age=0");
    Ok(response)
}

fn refused(headers: &HeaderMap, fields: &Fields, next: String, key: &str) -> Result<Response, Problem> {
    let problem = anonymous_frame(headers).t(key);
    shown(headers, StatusCode::UNPROCESSABLE_ENTITY, fields.text("email"), next, problem)
}

fn shown(
    headers: &HeaderMap,
    status: StatusCode,
    email: String,
    next: String,
    problem: String,
) -> Result<Response, Problem> {
    html(status, &LogInPage { frame: &anonymous_frame(headers), email, next, problem })
}

/// Only addresses of this installation: nobody is sent elsewhere after logging in.
fn own_address(next: &str) -> String {
    let own = next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n', '\t']);
    if own { next.to_owned() } else { "/".to_owned() }
}

fn set_cookie(app: &App, response: &mut Response, token: &str, life: &str) {
    let https = app.config.is_https();
    let secure = if https { "; Secure" } else { "" };
    let cookie = format!("{}={token}; Path=/; HttpOnly; SameSite=Lax{secure}{life}", cookie_name(https));
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

fn set_challenge(app: &App, response: &mut Response, token: &str, life: &str) {
    let secure = if app.config.is_https() { "; Secure" } else { "" };
    let cookie = format!("{CHALLENGE}={token}; Path=/log-in; HttpOnly; SameSite=Lax{secure}{life}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}
