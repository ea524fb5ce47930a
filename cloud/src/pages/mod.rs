//! The screens: above every slice, so any slice may be called from here. Each file is an area of the navigation.
//!
//! A page reads through the slices' own verbs and hands plain texts to `weir_ui`; it holds no SQL and no HTML.

mod catalog;
mod gallery;
mod overview;
mod reference;
mod routers;
mod search;
mod session;
mod settings;
mod sites;
mod staff;
mod subscribers;
mod subscriptions;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use weir_ui::blocks::{Chart, Field, Input, Table, Tone};
use weir_ui::pages::{Inset, Section};
use weir_ui::{Frame, assets, pages};

use crate::app::App;
use crate::error::{self, Problem};
use crate::http::page::{Fields, anonymous_frame, html};
use crate::http::paging::Page;

/// Rows a page of a list shows.
const ROWS: u32 = 50;
/// Rows a choice of a form, or a part of a page, shows.
const MANY: Page = Page { after: None, limit: 200 };

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/assets/{*path}", get(asset))
        .route("/errors/{slug}", get(kind))
        .merge(session::routes())
        .merge(overview::routes())
        .merge(search::routes())
        .merge(sites::routes())
        .merge(routers::routes())
        .merge(subscribers::routes())
        .merge(catalog::routes())
        .merge(subscriptions::routes())
        .merge(settings::routes())
        .merge(gallery::routes())
        .merge(reference::routes())
        .merge(staff::routes())
}

async fn asset(Path(path): Path<String>) -> Result<Response, Problem> {
    let asset = assets::get(&path).ok_or_else(|| Problem::new(&error::NOT_FOUND, "there is no such file"))?;
    let mut response = asset.body.into_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    Ok(response)
}

async fn kind(headers: HeaderMap, Path(slug): Path<String>) -> Result<Response, Problem> {
    let kind = error::all_kinds().find(|kind| kind.slug == slug);
    let kind = kind.ok_or_else(|| Problem::new(&error::NOT_FOUND, "there is no such kind of problem"))?;
    let frame = anonymous_frame(&headers);
    let (title, help, slug) = (kind.title.to_owned(), kind.help.to_owned(), kind.slug.to_owned());
    html(
        StatusCode::OK,
        &pages::Problem { frame: &frame, title, detail: String::new(), help, slug, request: String::new() },
    )
}

/// The address of the next page, when there are more rows than are shown; drops the one too many.
fn next_page<R>(rows: &mut Vec<R>, page: Page, here: &str, id: impl Fn(&R) -> uuid::Uuid) -> Option<String> {
    let more = rows.len() > page.limit as usize;
    rows.truncate(page.limit as usize);
    let last = rows.last().filter(|_| more)?;
    let joint = if here.contains('?') { '&' } else { '?' };
    Some(format!("{here}{joint}after={}", id(last).simple()))
}

/// A page of a list, from the address.
fn page_of(after: Option<String>) -> Result<Page, Problem> {
    crate::http::paging::PageQuery { after, limit: Some(ROWS) }.page()
}

/// Builds the fields of a form from what it holds and what was wrong with it.
struct Asking<'a> {
    frame: &'a Frame,
    fields: &'a Fields,
    problem: Option<&'a Problem>,
    asked: Vec<Field>,
}

impl<'a> Asking<'a> {
    fn new(frame: &'a Frame, fields: &'a Fields, problem: Option<&'a Problem>) -> Self {
        Self { frame, fields, problem, asked: Vec::new() }
    }

    /// Asks for `name` under the message `key`; `<key>-hint` explains it, if there is such a message.
    fn ask(mut self, name: &'static str, key: &str, input: Input) -> Self {
        let hint_key = format!("{key}-hint");
        let hint = Some(self.frame.t(&hint_key)).filter(|hint| *hint != hint_key).unwrap_or_default();
        let errors = self.problem.map_or(&[][..], |problem| &problem.errors);
        let wrong: Vec<_> =
            errors.iter().filter(|error| is_about(&error.field, name)).map(|error| self.told(&error.message)).collect();
        let (label, value, error) = (self.frame.t(key), self.fields.text(name), wrong.join("; "));
        self.asked.push(Field { name, label, hint, input, value, error });
        self
    }

    fn told(&self, message: &str) -> String {
        match message {
            "must not be empty" => self.frame.t("error-required"),
            key if key.starts_with("error-") => self.frame.t(key),
            other => other.to_owned(),
        }
    }

    fn inset(self, title: String, action: impl Into<String>, submit: &str) -> Inset {
        let own = |field: &str| self.asked.iter().any(|asked| is_about(field, asked.name));
        let problem = match self.problem {
            Some(problem) if problem.errors.is_empty() => format!("{}: {}", problem.kind.title, problem.detail),
            Some(problem) if problem.errors.iter().all(|error| own(&error.field)) => self.frame.t("error-form"),
            Some(problem) => problem.detail.clone(),
            None => String::new(),
        };
        Inset { title, action: action.into(), submit: self.frame.t(submit), problem, fields: self.asked }
    }
}

/// Whether a problem's field is this one of the form: a part of it, or the same in another unit.
fn is_about(field: &str, name: &str) -> bool {
    field.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '_']))
}

/// The status of a form's page.
fn form_status(problem: Option<&Problem>) -> StatusCode {
    if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }
}

/// A part of a page that shows what a topic of the live stream moves right now.
fn traffic(frame: &Frame, topic: String) -> Section {
    let table = Table::live(Chart::of(topic, frame));
    Section { title: frame.t("traffic"), action: None, table, empty: String::new() }
}

/// How good it is when a line may do this.
fn access_tone(access: &str) -> Tone {
    match access {
        "open" => Tone::Ok,
        "throttled" | "walled_garden" => Tone::Warn,
        _ => Tone::Bad,
    }
}
