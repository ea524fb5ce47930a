//! How a browser's request becomes a page: who is looking ([`Screen`]), what a form sent ([`Fields`]),
//! and problems as pages ([`explain_to_people`]). The pages themselves are in [`crate::pages`].

use std::collections::BTreeMap;
use std::marker::PhantomData;

use axum::extract::{FromRequest, FromRequestParts, Multipart, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use chrono_tz::Tz;
use weir_ui::frame::NAV;
use weir_ui::i18n::LANGUAGES;
use weir_ui::{Frame, Template, pages};

use super::permission::{LoggedIn, Needs, Permission, Role, TraceAddresses, ViewAudit, ViewNetwork};
use super::{Staff, staff, toast};
use crate::access::{self, Person};
use crate::app::App;
use crate::db::{Scope, TenantTx};
use crate::error::{self, FieldError, Kind, Problem};
use crate::ids::SessionId;
use crate::tenants;

/// Somebody with permission `P` in front of a page.
pub struct Screen<P> {
    /// Handles shared by everything.
    pub app: App,
    /// Who.
    pub person: Person,
    /// The session they look with.
    pub session: Option<SessionId>,
    /// What surrounds the page.
    pub frame: Frame,
    /// The ISP's own zone; instants are shown in it.
    pub zone: Tz,
    /// The ISP's own currency.
    pub currency: String,
    scope: Scope,
    permission: PhantomData<P>,
}

impl<P: Needs> Screen<P> {
    /// A transaction that only reads.
    pub async fn read(&self) -> Result<TenantTx, Problem> {
        Ok(self.app.db.read(&self.scope).await?)
    }

    /// A transaction that may change things.
    pub async fn begin(&self) -> Result<TenantTx, Problem> {
        Ok(self.app.db.begin(&self.scope).await?)
    }

    /// Their data, on their behalf.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Whether this person may do something else, too.
    pub fn may<Q: Needs>(&self) -> bool {
        self.person.role.may(Q::PERMISSION)
    }

    /// The message `key`.
    pub fn t(&self, key: &str) -> String {
        self.frame.t(key)
    }
}

impl<P: Needs> FromRequestParts<App> for Screen<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let staff = Staff::<P>::from_request_parts(parts, app).await?;
        if staff.session.is_none() {
            return Err(Problem::new(&error::FORBIDDEN, "pages are for people: ask the API with a key"));
        }
        let mut tx = app.db.read(&staff.scope()).await?;
        let tenant = tenants::tenant(&mut tx).await?;
        let mut frame = frame(&staff.person, &tenant, parts.uri.path());
        frame.toast = toast::told(&parts.headers, frame.lang);
        let zone = tenant.time_zone.parse().unwrap_or(Tz::UTC);
        let scope = staff.scope();
        Ok(Self {
            app: app.clone(),
            person: staff.person,
            session: staff.session,
            frame,
            zone,
            currency: tenant.currency,
            scope,
            permission: PhantomData,
        })
    }
}

fn frame(person: &Person, tenant: &tenants::Tenant, path: &str) -> Frame {
    let area = path.split('/').nth(1).unwrap_or_default();
    let area = match area {
        "accounts" => "subscribers",
        "ticket-attachments" | "unmatched-mail" => "tickets",
        "payment-attempts" => "payments",
        "bank-files" | "suspense-items" => "bank-statements",
        "overdue-checks" => "billing-runs",
        "dunning-cases" => "dunning",
        "tax-starters" => "tax-rules",
        "tax-exemptions" => "subscribers",
        "diagnoses" => "routers",
        "plugin-versions" | "plugin-invocations" => "plugins",
        "webhook-deliveries" => "webhooks",
        area => area,
    };
    let current = NAV.iter().map(|item| item.href).find(|href| href[1..] == *area).unwrap_or_default();
    Frame {
        tenant: tenant.name.clone(),
        hue: tenant.hue.unsigned_abs(),
        staff: person.name.clone(),
        lang: LANGUAGES.into_iter().find(|tag| *tag == person.language).unwrap_or("en"),
        theme: theme(&person.theme),
        current,
        nav: NAV.iter().filter(|item| may_open(person.role, item.href)).cloned().collect(),
        toast: None,
        keys: person.single_keys,
        history: history(person.role, path),
        restored: tenant.restored_at.is_some() && person.role.may(ViewNetwork::PERMISSION),
    }
}

/// Where stands what was done to the thing a page is about: the page's address ends with its id.
fn history(role: Role, path: &str) -> Option<String> {
    let id = path.trim_matches('/').split_once('/').map(|(_, id)| id)?;
    let is_id = id.len() == 36
        && id.as_bytes()[3] == b'_'
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_id && !id.starts_with("aud_") && role.may(ViewAudit::PERMISSION)).then(|| format!("/audit?subject={id}"))
}

fn theme(name: &str) -> &'static str {
    ["light", "dark"].into_iter().find(|theme| *theme == name).unwrap_or("system")
}

fn may_open(role: Role, href: &str) -> bool {
    let needed = match href {
        "/subscribers" | "/subscriptions" | "/orders" => "view-subscribers",
        "/tickets" => "view-tickets",
        "/plans" | "/top-up-products" => "view-catalog",
        "/invoices" | "/payments" | "/bank-statements" | "/billing-runs" | "/ledger" | "/tax-rules" => "view-billing",
        "/analytics" => "view-analytics",
        "/sites" | "/routers" | "/access-points" | "/" => "view-network",
        "/port-blocks" => TraceAddresses::PERMISSION.0,
        "/messages" => "view-messages",
        "/dunning" => "view-dunning",
        "/plugins" => "view-plugins",
        "/staff" => "view-staff",
        "/api-keys" => "manage-api-keys",
        "/webhooks" => "manage-webhooks",
        "/imports" => "manage-imports",
        "/audit" => ViewAudit::PERMISSION.0,
        "/settings" | "/portal-settings" => "view-settings",
        _ => LoggedIn::PERMISSION.0,
    };
    role.may(Permission(needed))
}

/// The language a browser asks for, if it is one of ours.
pub(crate) fn spoken_in(headers: &HeaderMap) -> Option<&'static str> {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let spoken = |tag: &str| {
        let tag = tag.split(';').next().unwrap_or_default().trim();
        let same = |known: &&str| known.eq_ignore_ascii_case(tag);
        LANGUAGES.into_iter().find(same).or_else(|| LANGUAGES.into_iter().find(|known| known.get(..2) == tag.get(..2)))
    };
    wanted.split(',').find_map(spoken)
}

/// Surroundings for somebody we do not know: the language their browser asks for.
pub fn anonymous_frame(headers: &HeaderMap) -> Frame {
    let lang = spoken_in(headers).unwrap_or("en");
    let (tenant, staff) = ("Weir".to_owned(), String::new());
    Frame {
        tenant,
        hue: 255,
        staff,
        lang,
        theme: "system",
        current: "",
        nav: Vec::new(),
        toast: None,
        keys: false,
        history: None,
        restored: false,
    }
}

/// A page with this status.
pub fn html(status: StatusCode, page: &impl Template) -> Result<Response, Problem> {
    let text = page.render().map_err(|error| Problem::internal(&error))?;
    Ok((status, Html(text)).into_response())
}

/// Sends the browser on after a change.
pub fn see(address: &str) -> Response {
    let location = HeaderValue::from_str(address).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// What a form sent: a value per name, trimmed.
#[derive(Debug, Default)]
pub struct Fields {
    values: BTreeMap<String, String>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// A form filled in by us.
    pub fn of<const N: usize>(values: [(&str, String); N]) -> Self {
        Self { values: values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(), errors: Vec::new() }
    }

    /// Puts another value under `name`.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.values.insert(name.to_owned(), value.into());
    }

    /// The value of `name`, empty if not sent.
    pub fn get(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// What `name` lists: one a line, or apart by commas or spaces.
    pub fn list(&self, name: &str) -> Vec<String> {
        self.get(name).split([',', ' ', '\n', '\r']).filter(|text| !text.is_empty()).map(str::to_owned).collect()
    }

    /// The value of `name` as an owned text.
    pub fn text(&self, name: &str) -> String {
        self.get(name).to_owned()
    }

    /// The value of `name` unless it is empty.
    pub fn option(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|value| !value.is_empty())
    }

    /// Reads `name`; what cannot be read is noted under that field with `message`.
    pub fn read<T: std::str::FromStr>(&mut self, name: &str, message: &str) -> Option<T> {
        let read = self.get(name).parse().ok();
        if read.is_none() {
            self.errors.push(FieldError::new(name, message));
        }
        read
    }

    /// As [`Fields::read`], where an empty field means nothing.
    pub fn read_option<T: std::str::FromStr>(&mut self, name: &str, message: &str) -> Option<T> {
        if self.get(name).is_empty() { None } else { self.read(name, message) }
    }

    /// Notes that what `name` holds cannot be, with `message`.
    pub fn refuse(&mut self, name: &str, message: &str) {
        self.errors.push(FieldError::new(name, message));
    }

    /// What could not be read, as a problem.
    pub fn problem(&mut self) -> Problem {
        Problem::invalid(std::mem::take(&mut self.errors))
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let form: Result<axum::Form<Vec<(String, String)>>, _> = axum::Form::from_request(request, state).await;
        let axum::Form(pairs) = form.map_err(|error| match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new(&error::BODY_TOO_LARGE, error.body_text()),
            _ => Problem::new(&error::MALFORMED_BODY, error.body_text()),
        })?;
        if pairs.iter().any(|(_, value)| value.contains('\0')) {
            return Err(Problem::new(&error::MALFORMED_BODY, "texts must not contain the character U+0000"));
        }
        let values = pairs.into_iter().map(|(name, value)| (name, value.trim().to_owned())).collect();
        Ok(Self { values, errors: Vec::new() })
    }
}

/// What a form with files sent: a value per name, and every file with its name.
#[derive(Debug, Default)]
pub struct Upload {
    /// The values.
    pub fields: Fields,
    /// Files as they came, not looked at yet.
    pub files: Vec<(String, Vec<u8>)>,
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with("multipart/form-data")) {
            return Ok(Self { fields: Fields::from_request(request, state).await?, files: Vec::new() });
        }
        let unreadable = |status: StatusCode, text: String| match status {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new(&error::BODY_TOO_LARGE, text),
            _ => Problem::new(&error::MALFORMED_BODY, text),
        };
        let parts = Multipart::from_request(request, state).await;
        let mut parts = parts.map_err(|error| unreadable(error.status(), error.body_text()))?;
        let mut upload = Self::default();
        while let Some(part) =
            parts.next_field().await.map_err(|error| unreadable(error.status(), error.body_text()))?
        {
            let (name, file) = (part.name().unwrap_or_default().to_owned(), part.file_name().map(str::to_owned));
            let bytes = part.bytes().await.map_err(|error| unreadable(error.status(), error.body_text()))?;
            match file {
                // A question for files that was left empty sends one without name and content.
                Some(file) if file.is_empty() && bytes.is_empty() => {}
                Some(file) => upload.files.push((file, bytes.to_vec())),
                None => {
                    let text = String::from_utf8_lossy(&bytes);
                    if text.contains('\0') {
                        return Err(Problem::new(
                            &error::MALFORMED_BODY,
                            "texts must not contain the character U+0000",
                        ));
                    }
                    upload.fields.set(&name, text.trim());
                }
            }
        }
        Ok(upload)
    }
}

/// Whether a form can be sent again with other values, so that the problem belongs beside its fields.
pub fn is_about_the_form(problem: &Problem) -> bool {
    matches!(problem.kind.status, 409 | 422)
}

/// Turns problems into pages for browsers: a log-in for whoever is not logged in, an explanation for the rest.
pub async fn explain_to_people(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    const PROGRAMS: [&str; 6] = ["/api/", "/dev/", "/inbound/", "/live", "/metrics", "/webhooks/stripe/"];
    if PROGRAMS.iter().any(|programs| path.starts_with(programs)) {
        return next.run(request).await;
    }
    let id = request_id(request.headers());
    let (uri, headers, method) = (request.uri().clone(), request.headers().clone(), request.method().clone());
    let response = next.run(request).await;
    let Some(told) = response.extensions().get::<Told>().cloned() else { return response };
    if told.kind == &access::error::SECOND_STEP_MISSING {
        return see("/preferences/second-step");
    }
    if told.kind.status == 401 {
        return see(&log_in_address(&method, &uri));
    }
    let frame = match staff::session_token(&headers, app.config.is_https()) {
        Some(token) => known_frame(&app, &token, uri.path()).await.unwrap_or_else(|| anonymous_frame(&headers)),
        None => anonymous_frame(&headers),
    };
    let page = pages::Problem {
        frame: &frame,
        title: told.kind.title.to_owned(),
        detail: sentence(told.kind.title, &told.detail),
        help: told.kind.help.to_owned(),
        slug: told.kind.slug.to_owned(),
        request: id,
    };
    match html(response.status(), &page) {
        Ok(mut page) => {
            if let Some(wait) = response.headers().get(header::RETRY_AFTER) {
                page.headers_mut().insert(header::RETRY_AFTER, wait.clone());
            }
            page
        }
        Err(_) => response,
    }
}

/// What the request is called in our log.
fn request_id(headers: &HeaderMap) -> String {
    headers.get("x-request-id").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// The detail as a sentence of its own; nothing when it only repeats the title.
fn sentence(title: &str, detail: &str) -> String {
    let mut letters = detail.chars();
    match letters.next() {
        Some(first) if !detail.eq_ignore_ascii_case(title) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        _ => String::new(),
    }
}

/// What a problem's answer carries beside its body, for [`explain_to_people`].
#[derive(Clone, Debug)]
pub struct Told {
    /// What kind.
    pub kind: &'static Kind,
    /// What exactly.
    pub detail: String,
}

fn log_in_address(method: &Method, uri: &Uri) -> String {
    let wanted = uri.path_and_query().map_or("/", |wanted| wanted.as_str());
    if *method != Method::GET || wanted == "/" {
        return "/log-in".to_owned();
    }
    let mut address = String::from("/log-in?next=");
    for byte in wanted.bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => address.push(char::from(byte)),
            other => address.push_str(&format!("%{other:02X}")),
        }
    }
    address
}

async fn known_frame(app: &App, token: &str, path: &str) -> Option<Frame> {
    let person = access::who_is(app, token, None).await.ok()?.person;
    let mut tx = app.db.read(&Scope::system(person.tenant)).await.ok()?;
    let tenant = tenants::tenant(&mut tx).await.ok()?;
    Some(frame(&person, &tenant, path))
}
