//! Logging in and out.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use weir_ui::pages::LogIn;

use crate::access::{self, Device};
use crate::app::App;
use crate::error::Problem;
use crate::http::page::{Fields, anonymous_frame, html, see};
use crate::http::staff::{cookie_name, session_token};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/log-in", get(form).post(log_in)).route("/log-out", post(log_out))
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
    let session = match access::log_in(&app, fields.get("email"), fields.text("password"), device).await {
        Ok(session) => session,
        Err(access::Error::WrongLogin) => return refused(&headers, &fields, next, "log-in-wrong"),
        Err(access::Error::Waits(..)) => return refused(&headers, &fields, next, "log-in-waits"),
        Err(error) => return Err(error.into()),
    };
    let mut response = see(&next);
    set_cookie(&app, &mut response, &session.token, "");
    Ok(response)
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
    html(status, &LogIn { frame: &anonymous_frame(headers), email, next, problem })
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
