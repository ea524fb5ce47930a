//! Whose portal a request is for, who looks at it, and what they are told when something cannot be done.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono_tz::Tz;
use weir_ui::Frame;
use weir_ui::blocks::Action;
use weir_ui::i18n::LANGUAGES;
use weir_ui::portal::{Page, Portal};

use crate::app::App;
use crate::db::{Actor, Scope, TenantTx};
use crate::error::{self, Problem};
use crate::http::page::{Told, html, see, spoken_in};
use crate::http::{staff, toast};
use crate::portal::{self, Door, PortalSettings};
use crate::subscribers::Subscriber;
use crate::tenants::{self, Tenant};

/// Remembers the language of whoever is not signed in.
pub(super) const LANGUAGE_COOKIE: &str = "weir_portal_language";

/// A request that came to the portal's own host name.
#[derive(Clone)]
struct OwnHost;

/// Somebody at an ISP's portal, signed in or not.
#[derive(Clone)]
pub(super) struct Visit {
    pub app: App,
    pub door: Door,
    pub tenant: Tenant,
    pub settings: PortalSettings,
    pub zone: Tz,
    pub portal: Portal,
    pub subscriber: Option<Subscriber>,
    /// The session's secret, if there is a session.
    pub token: Option<String>,
}

/// A subscriber at their ISP's portal: whatever is done here is done on their behalf.
pub(super) struct Own {
    pub visit: Visit,
    pub me: Subscriber,
}

impl Own {
    pub(super) fn scope(&self) -> Scope {
        Scope { tenant: self.visit.door.tenant, actor: Actor::Subscriber(self.me.id) }
    }

    pub(super) async fn read(&self) -> Result<TenantTx, Problem> {
        Ok(self.visit.app.db.read(&self.scope()).await?)
    }

    pub(super) async fn begin(&self) -> Result<TenantTx, Problem> {
        Ok(self.visit.app.db.begin(&self.scope()).await?)
    }

    pub(super) fn portal(&self) -> &Portal {
        &self.visit.portal
    }

    pub(super) fn lang(&self) -> &'static str {
        self.visit.portal.frame.lang
    }
}

impl FromRequestParts<App> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Problem> {
        let nothing = || Problem::new(&error::NOT_FOUND, "there is no portal at this address");
        parts.extensions.get::<Self>().cloned().ok_or_else(nothing)
    }
}

impl FromRequestParts<App> for Own {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let visit = Visit::from_request_parts(parts, app).await?;
        match visit.subscriber.clone() {
            Some(me) => Ok(Self { visit, me }),
            None => Err(portal::Error::NoSession.into()),
        }
    }
}

/// Name of the portal's session cookie; the browser itself guards the `__Host-` one.
pub(super) fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-weir_portal" } else { "weir_portal" }
}

/// Leads what comes to a portal's own host name to its pages: nothing else is there.
pub(crate) async fn at_own_host(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let shared = ["/assets/", "/pay/"].iter().any(|path| request.uri().path().starts_with(path));
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(host) = host.filter(|_| !shared) else { return next.run(request).await };
    match portal::door_of_host(&app, host).await {
        Ok(None) => {}
        Ok(Some(door)) => {
            *request.uri_mut() = below(&door, request.uri());
            request.extensions_mut().insert(OwnHost);
        }
        Err(error) => return Problem::from(error).into_response(),
    }
    next.run(request).await
}

fn below(door: &Door, uri: &Uri) -> Uri {
    let asked = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let asked = asked.strip_prefix("/?").map_or_else(|| asked.to_owned(), |query| format!("?{query}"));
    let asked = if asked == "/" { "" } else { asked.as_str() };
    format!("/portal/{}{asked}", door.slug).parse().unwrap_or_default()
}

/// Finds out whose portal it is and who looks; what goes wrong below is told in the portal's own words.
pub(super) async fn enter(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let own_host = request.extensions().get::<OwnHost>().is_some();
    let visit = match visit(&app, request.uri(), request.headers(), own_host).await {
        Ok(visit) => visit,
        Err(problem) => return problem.into_response(),
    };
    request.extensions_mut().insert(visit.clone());
    let response = next.run(request).await;
    match response.extensions().get::<Told>().cloned() {
        None => response,
        Some(told) if told.kind.status == 401 => see(&visit.portal.at("/sign-in")),
        Some(told) => explained(&visit, &told, response),
    }
}

async fn visit(app: &App, uri: &Uri, headers: &HeaderMap, own_host: bool) -> Result<Visit, Problem> {
    let slug = uri.path().split('/').nth(2).unwrap_or_default();
    let door = portal::door(app, slug).await?;
    let mut tx = app.db.read(&Scope::system(door.tenant)).await?;
    let tenant = tenants::tenant(&mut tx).await?;
    let settings = portal::settings(app, &mut tx).await?;
    drop(tx);
    let token = staff::cookie(headers, cookie_name(app.config.is_https()));
    let subscriber = match &token {
        None => None,
        Some(token) => match portal::who_is(app, door.tenant, token).await {
            Ok(subscriber) => Some(subscriber),
            Err(portal::Error::NoSession) => None,
            Err(error) => return Err(error.into()),
        },
    };
    let base = if own_host { String::new() } else { format!("/portal/{slug}") };
    let path = uri.path().strip_prefix(&format!("/portal/{slug}")).unwrap_or_default();
    let here = if own_host && path.is_empty() { "/".to_owned() } else { format!("{base}{path}") };
    let lang = language(&tenant, subscriber.as_ref(), headers);
    let frame = Frame {
        tenant: tenant.name.clone(),
        hue: tenant.hue.unsigned_abs(),
        staff: subscriber.as_ref().map(|subscriber| subscriber.name.clone()).unwrap_or_default(),
        lang,
        theme: "system",
        current: "",
        nav: Vec::new(),
        toast: toast::told(headers, lang),
        keys: false,
        history: None,
        restored: false,
    };
    let (contact, sign_up) = (tenant.contact.clone(), settings.sign_up);
    let portal = Portal { frame, base, here, contact, sign_up };
    let zone = tenant.time_zone.parse().unwrap_or(Tz::UTC);
    Ok(Visit { app: app.clone(), door, tenant, settings, zone, portal, subscriber, token })
}

/// A subscriber's own, else the one chosen here, else the browser's, else the ISP's.
fn language(tenant: &Tenant, subscriber: Option<&Subscriber>, headers: &HeaderMap) -> &'static str {
    let known = |tag: &str| LANGUAGES.into_iter().find(|known| *known == tag);
    let own = subscriber.and_then(|subscriber| known(&subscriber.language));
    let chosen = || staff::cookie(headers, LANGUAGE_COOKIE).and_then(|tag| known(&tag));
    own.or_else(chosen).or_else(|| spoken_in(headers)).or_else(|| known(&tenant.language)).unwrap_or("en")
}

/// A problem in a subscriber's words: what it means for them, and whom to ask.
fn explained(visit: &Visit, told: &Told, response: Response) -> Response {
    let portal = &visit.portal;
    let key = match told.kind.slug {
        "portal-link-over" => "link-over",
        "plan-not-offered" => "not-offered",
        "plan-changed-today" => "changed-today",
        "top-up-not-offered" => "top-up-not-offered",
        "top-ups-today" => "top-ups-today",
        "boost-not-offered" => "boost-not-offered",
        "boosts-today" => "boosts-today",
        "boost-beside" => "boost-beside",
        "line-held" => "held",
        "plan-change-conflicts" => "conflicts",
        _ => match told.kind.status {
            404 | 405 => "missing",
            429 => "busy",
            500.. => "failed",
            _ => "refused",
        },
    };
    let say = |part: &str| portal.t(&format!("portal-problem-{key}{part}"));
    let mut page = Page::saying(portal, say(""), say("-lede"));
    page.actions.push(match key {
        "link-over" => Action::go(portal.at("/link"), portal.t("portal-link-ask")),
        _ => Action::go(portal.home(), portal.t("portal-nav-home")),
    });
    shown(response.status(), &page, response.headers().get(header::RETRY_AFTER)).unwrap_or(response)
}

fn shown(status: StatusCode, page: &Page<'_>, wait: Option<&HeaderValue>) -> Option<Response> {
    let mut response = html(status, page).ok()?;
    if let Some(wait) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, wait.clone());
    }
    Some(response)
}
