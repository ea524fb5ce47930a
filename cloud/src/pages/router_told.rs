//! What a router refuses and what it wanted people to know: on its page, and in full on `/routers/{id}/refusals` and
//! `/routers/{id}/events`.

use std::collections::HashMap;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use weir_ui::blocks::{Action, Cell, Field, Input, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Browse, Register, Section};

use super::subscriptions::named;
use super::{address, next_page, page_of};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::fleet::events::{self, Event, Severity};
use crate::fleet::refusals::{self, Refusal};
use crate::fleet::{self, Enforcement};
use crate::http::page::{Screen, html};
use crate::http::paging::{Page, PageQuery};
use crate::http::permission::{Needs, ViewNetwork};
use crate::http::{ApiPath, ApiQuery};
use crate::ids::RouterId;
use crate::{network, subscriptions};

/// Rows of each that the router's own page shows.
const LAST: Page = Page { after: None, limit: 10 };
const REFUSED: [&str; 4] = ["refusals-what", "status", "refusals-why", "refusals-told"];
const EVENTS: [&str; 3] = ["when", "severity", "events-text"];

pub(super) fn routes() -> Router<App> {
    Router::new().route("/routers/{id}/refusals", get(refused)).route("/routers/{id}/events", get(told))
}

/// What a router refuses and what it told last, as parts of its page.
pub(super) async fn of_router<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    id: RouterId,
    held: &Enforcement,
) -> Result<[Section; 2], Problem> {
    let mut refused = refusals::of_router(tx, id, LAST).await?;
    let mut events = events::of_router(tx, id, None, LAST).await?;
    let all = |path: &str, count: usize| {
        let more = count > LAST.limit as usize;
        more.then(|| Action::go(format!("/routers/{id}/{path}"), screen.t("show-all")))
    };
    let (more_refused, more_events) = (all("refusals", refused.len()), all("events", events.len()));
    refused.truncate(LAST.limit as usize);
    events.truncate(LAST.limit as usize);
    Ok([
        Section {
            title: screen.t("refusals"),
            action: more_refused,
            table: refusals_table(screen, tx, id, &refused).await?,
            empty: screen.t(none_refused(held)),
        },
        Section {
            title: screen.t("router-events"),
            action: more_events,
            table: events_table(screen, &events),
            empty: screen.t("events-none"),
        },
    ])
}

/// How many objects a router refuses, as a way to them; empty where it refuses none.
pub(super) fn count<P: Needs>(screen: &Screen<P>, counts: &HashMap<RouterId, i64>, id: RouterId) -> Cell {
    match counts.get(&id) {
        Some(count) => Cell::Sum {
            href: format!("/routers/{id}/refusals"),
            text: format::number(screen.frame.lang, (*count).into()),
        },
        None => Cell::Number(String::new()),
    }
}

/// Where nothing is refused all is in force only if the router has told of all of it.
fn none_refused(held: &Enforcement) -> &'static str {
    let settled = held.applied_gen == held.desired_gen && held.lines.iter().all(|line| !line.drift);
    if settled { "refusals-none" } else { "refusals-none-yet" }
}

async fn none_refused_by(tx: &mut TenantTx, id: RouterId) -> Result<&'static str, Problem> {
    match fleet::enforcement(tx, id).await {
        Ok(held) => Ok(none_refused(&held)),
        Err(fleet::Error::WithoutAgent(_)) => Ok("refusals-none-yet"),
        Err(error) => Err(error.into()),
    }
}

async fn refusals_table<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    router: RouterId,
    refused: &[Refusal],
) -> Result<Table, Problem> {
    let lines: Vec<_> = refused.iter().filter_map(|one| one.subscription_id).collect();
    let names = subscriptions::names(tx, &lines).await?;
    let mut rows = Vec::with_capacity(refused.len());
    for one in refused {
        let what = match (one.subscription_id, one.access_point_id) {
            (Some(line), _) => named(&names, line),
            (None, Some(id)) => Cell::link(format!("/access-points/{id}"), network::access_point(tx, id).await?.name),
            (None, None) => Cell::link(format!("/routers/{router}"), screen.t("refusals-own")),
        };
        let why = if one.detail.is_empty() { &one.code } else { &one.detail };
        rows.push(vec![
            what,
            Cell::status(Tone::Bad, screen.t(&format!("enforced-{}", one.status))),
            Cell::Text(why.clone()),
            Cell::Text(format::instant(screen.frame.lang, one.reported_at, screen.zone)),
        ]);
    }
    Ok(Table::new(REFUSED.map(|key| screen.t(key)).to_vec(), rows))
}

fn events_table<P: Needs>(screen: &Screen<P>, events: &[Event]) -> Table {
    let row = |event: &Event| {
        vec![
            Cell::Text(format::instant(screen.frame.lang, event.at, screen.zone)),
            Cell::status(tone(event.severity), screen.t(severity_key(event.severity))),
            Cell::Text(if event.text.is_empty() { event.kind.clone() } else { event.text.clone() }),
        ]
    };
    Table::new(EVENTS.map(|key| screen.t(key)).to_vec(), events.iter().map(row).collect())
}

fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Info => Tone::Mute,
        Severity::Warning => Tone::Warn,
        Severity::Critical => Tone::Bad,
    }
}

fn severity_key(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "severity-info",
        Severity::Warning => "severity-warning",
        Severity::Critical => "severity-critical",
    }
}

async fn refused(
    screen: Screen<ViewNetwork>,
    ApiPath(id): ApiPath<RouterId>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let mut tx = screen.read().await?;
    let router = network::router(&mut tx, id).await?;
    let mut refused = refusals::of_router(&mut tx, id, page).await?;
    let here = format!("/routers/{id}/refusals");
    let next = next_page(&mut refused, page, &here, |one| one.place);
    let empty = match refused.as_slice() {
        [] => none_refused_by(&mut tx, id).await?,
        _ => "refusals-none",
    };
    let page = Register {
        frame: &screen.frame,
        up: Some((format!("/routers/{id}"), router.name)),
        title: screen.t("refusals"),
        lede: screen.t("refusals-lede"),
        actions: Vec::new(),
        figures: Vec::new(),
        sections: Vec::new(),
        heading: String::new(),
        chips: Vec::new(),
        search: None,
        table: refusals_table(&screen, &mut tx, id, &refused).await?,
        empty: screen.t(empty),
        next,
    };
    html(StatusCode::OK, &page)
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    severity: String,
    after: Option<String>,
}

async fn told(
    screen: Screen<ViewNetwork>,
    ApiPath(id): ApiPath<RouterId>,
    ApiQuery(wanted): ApiQuery<Wanted>,
) -> Result<Response, Problem> {
    let page = page_of(wanted.after)?;
    let severity = Severity::ALL.into_iter().find(|one| one.name() == wanted.severity);
    let mut tx = screen.read().await?;
    let router = network::router(&mut tx, id).await?;
    let mut events = events::of_router(&mut tx, id, severity, page).await?;
    let all = format!("/routers/{id}/events");
    let here = address(&all, &[("severity", severity.map_or("", Severity::name))]);
    let next = next_page(&mut events, page, &here, |event| event.id);
    let mut choices = vec![(String::new(), screen.t("severity-any"))];
    choices.extend(Severity::ALL.map(|one| (one.name().to_owned(), screen.t(severity_key(one)))));
    let filter = Field {
        name: "severity".into(),
        label: screen.t("severity"),
        hint: String::new(),
        input: Input::Choice(choices),
        value: severity.map_or(String::new(), |one| one.name().to_owned()),
        error: String::new(),
    };
    let page = Browse {
        frame: &screen.frame,
        up: Some((format!("/routers/{id}"), router.name)),
        title: screen.t("router-events"),
        lede: screen.t("events-lede"),
        actions: Vec::new(),
        filters: vec![filter],
        narrowed: severity.is_some(),
        all,
        table: events_table(&screen, &events),
        empty: screen.t(if severity.is_some() { "events-none-such" } else { "events-none" }),
        next,
        sections: Vec::new(),
    };
    html(StatusCode::OK, &page)
}
