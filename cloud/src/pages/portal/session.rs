//! Signing in and out, the link that sets a password, the language.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use weir_ui::blocks::{Action, Input};
use weir_ui::portal::{Page, SignIn};

use super::door::{LANGUAGE_COOKIE, cookie_name};
use super::{Own, Visit};
use crate::access;
use crate::error::Problem;
use crate::http::page::{Fields, html, is_about_the_form, see};
use crate::http::toast::see_saying;
use crate::pages::{Asking, form_status};
use crate::portal::{self, LinkState};
use crate::subscribers::{self, SubscriberWish};
use crate::tenants::LANGUAGES;

pub(super) async fn form(visit: Visit) -> Result<Response, Problem> {
    if visit.subscriber.is_some() {
        return Ok(see(visit.portal.home()));
    }
    sign_in_form(&visit, StatusCode::OK, String::new(), "")
}

fn sign_in_form(visit: &Visit, status: StatusCode, email: String, key: &str) -> Result<Response, Problem> {
    let problem = if key.is_empty() { String::new() } else { visit.portal.t(key) };
    html(status, &SignIn { portal: &visit.portal, email, problem })
}

pub(super) async fn sign_in(visit: Visit, headers: HeaderMap, fields: Fields) -> Result<Response, Problem> {
    let (email, password) = (fields.get("email"), fields.text("password"));
    let session = portal::sign_in(&visit.app, visit.door.tenant, email, password, agent(&headers)).await;
    let refused = |key| sign_in_form(&visit, StatusCode::UNPROCESSABLE_ENTITY, fields.text("email"), key);
    match session {
        Ok(session) => Ok(entering(&visit, &session.token)),
        Err(portal::Error::Access(access::Error::WrongLogin)) => refused("portal-sign-in-wrong"),
        Err(portal::Error::Access(access::Error::Waits(..))) => refused("portal-sign-in-waits"),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn sign_out(visit: Visit) -> Result<Response, Problem> {
    if let Some(token) = &visit.token {
        portal::sign_out(&visit.app, visit.door.tenant, token).await?;
    }
    Ok(leaving(&visit))
}

pub(super) async fn sign_out_everywhere(own: Own) -> Result<Response, Problem> {
    let mut tx = own.begin().await?;
    portal::sign_out_everywhere(&mut tx, own.me.id).await?;
    tx.commit().await?;
    Ok(leaving(&own.visit))
}

fn agent(headers: &HeaderMap) -> &str {
    headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn entering(visit: &Visit, token: &str) -> Response {
    let mut response = see(visit.portal.home());
    set_cookie(visit, &mut response, token, "; Max-Age=5184000");
    response
}

fn leaving(visit: &Visit) -> Response {
    let mut response = see(&visit.portal.at("/sign-in"));
    set_cookie(visit, &mut response, "", "; Max-Age=0");
    response
}

fn set_cookie(visit: &Visit, response: &mut Response, token: &str, life: &str) {
    let https = visit.app.config.is_https();
    let secure = if https { "; Secure" } else { "" };
    let cookie = format!("{}={token}; Path=/; HttpOnly; SameSite=Lax{secure}{life}", cookie_name(https));
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

pub(super) async fn link_form(visit: Visit) -> Result<Response, Problem> {
    let fields = Fields::default();
    let asked = Asking::new(&visit.portal.frame, &fields, None).ask("email", "email", Input::Line("email"));
    let portal = &visit.portal;
    let mut page = Page::saying(portal, portal.t("portal-link-ask"), portal.t("portal-link-ask-lede"));
    page.up = Some((portal.at("/sign-in"), portal.t("portal-sign-in")));
    page.form = Some(asked.inset(String::new(), portal.at("/link"), "portal-link-send"));
    html(StatusCode::OK, &page)
}

/// Says the same whether there is such a subscriber or not.
pub(super) async fn ask_link(visit: Visit, fields: Fields) -> Result<Response, Problem> {
    portal::request_link(&visit.app, visit.door.tenant, fields.get("email")).await?;
    let portal = &visit.portal;
    let mut page = Page::saying(portal, portal.t("portal-link-asked"), portal.t("portal-link-asked-lede"));
    page.actions.push(Action::go(portal.at("/sign-in"), portal.t("portal-sign-in")));
    html(StatusCode::OK, &page)
}

/// The path of a link's page: whose portal, and the secret.
type LinkPath = Path<(String, String)>;

pub(super) async fn password_form(visit: Visit, Path((_, token)): LinkPath) -> Result<Response, Problem> {
    password_page(&visit, &token, None).await
}

async fn password_page(visit: &Visit, token: &str, problem: Option<&Problem>) -> Result<Response, Problem> {
    let portal = &visit.portal;
    let subscriber = match portal::link(&visit.app, visit.door.tenant, token).await? {
        LinkState::Open(subscriber) => subscriber,
        LinkState::Used => {
            let mut page = Page::saying(portal, portal.t("portal-link-used"), portal.t("portal-link-used-lede"));
            page.actions.push(Action::go(portal.at("/sign-in"), portal.t("portal-sign-in")));
            page.actions.push(Action::go(portal.at("/link"), portal.t("portal-link-ask")));
            return html(StatusCode::GONE, &page);
        }
    };
    let fields = Fields::default();
    let asked = Asking::new(&portal.frame, &fields, problem).ask("password", "password-new", Input::Line("password"));
    let email = subscriber.email.unwrap_or_default();
    let lede = portal.frame.t1("portal-password-lede", "email", &email);
    let mut page = Page::saying(portal, portal.t("portal-password"), lede);
    page.form = Some(asked.inset(String::new(), portal.at(&format!("/set-password/{token}")), "portal-password-set"));
    html(form_status(problem), &page)
}

pub(super) async fn set_password(
    visit: Visit,
    Path((_, token)): LinkPath,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Problem> {
    let new = fields.text("password");
    match portal::set_password(&visit.app, visit.door.tenant, &token, new, agent(&headers)).await {
        Ok(session) => Ok(entering(&visit, &session.token)),
        // The page itself says what became of the link.
        Err(portal::Error::LinkOver) => password_page(&visit, &token, None).await,
        Err(error) => match Problem::from(error) {
            problem if is_about_the_form(&problem) => password_page(&visit, &token, Some(&problem)).await,
            problem => Err(problem),
        },
    }
}

/// Speaks another language from now on: to the subscriber wherever they are, to anybody else in this browser.
pub(super) async fn language(visit: Visit, fields: Fields) -> Result<Response, Problem> {
    let tag = LANGUAGES.into_iter().find(|tag| *tag == fields.get("language")).unwrap_or("en");
    let back = fields.get("back");
    let own = back == visit.portal.home() || back.starts_with(&visit.portal.at("/"));
    let own = own && !back.starts_with("//") && !back.contains(['\\', '\r', '\n', '\t']);
    let mut response = see(if own { back } else { visit.portal.home() });
    if let Some(me) = visit.subscriber.clone() {
        let own = Own { visit: visit.clone(), me };
        let mut tx = own.begin().await?;
        let me = own.me.clone();
        let wish = SubscriberWish { name: me.name, email: me.email, phone: me.phone, language: Some(tag.to_owned()) };
        subscribers::change_subscriber(&mut tx, me.id, wish).await?;
        tx.commit().await?;
    }
    let cookie = format!("{LANGUAGE_COOKIE}={tag}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Sends a subscriber on after a change, with a sentence about it.
pub(super) fn done(visit: &Visit, key: &str) -> Response {
    see_saying(visit.portal.home(), key)
}
