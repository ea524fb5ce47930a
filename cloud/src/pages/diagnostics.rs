//! `/routers/{id}/diagnoses` and `/diagnoses/{id}`: what a router was asked, and what it tells as it tells it.

use std::collections::HashMap;

use axum::Router;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use weir_ui::blocks::{Action, Cell, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Register, Show};

use super::{MANY, next_page, page_of};
use crate::app::App;
use crate::db::TenantTx;
use crate::diagnostics::{self, Diagnosis, State, Tool};
use crate::error::Problem;
use crate::http::page::{Screen, html, see};
use crate::http::paging::PageQuery;
use crate::http::permission::{CapturePackets, DiagnoseRouters, Needs, ViewNetwork};
use crate::http::{ApiPath, ApiQuery};
use crate::ids::{DiagnosisId, RouterId};
use crate::subscriptions::{self, Subscription};
use crate::{access, network};

/// How often the page of a diagnosis that is not over is asked for again, seconds.
const AGAIN: HeaderValue = HeaderValue::from_static("1");

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/routers/{id}/diagnoses", get(list).post(super::diagnosis_forms::ask))
        .route("/diagnoses/{id}", get(show))
        .route("/diagnoses/{id}/cancel", post(cancel))
}

/// The way from a router to its diagnoses.
pub(super) fn action<P: Needs>(screen: &Screen<P>, id: RouterId) -> Action {
    Action::go(format!("/routers/{id}/diagnoses"), screen.t("diagnostics-open"))
}

/// What a line's router can be asked about it.
pub(super) fn of_line<P: Needs>(screen: &Screen<P>, line: &Subscription) -> Vec<Action> {
    let (router, id) = (line.router_id, line.id);
    let shaper = || {
        let way = format!("/routers/{router}/diagnoses/new?tool=shaper&line={id}");
        Action::go(way, screen.t("diagnostics-line"))
    };
    let packets = || Action::go(format!("/routers/{router}/captures/new?line={id}"), screen.t("diagnostics-capture"));
    let shaper = screen.may::<DiagnoseRouters>().then(shaper);
    shaper.into_iter().chain(screen.may::<CapturePackets>().then(packets)).collect()
}

async fn list(
    screen: Screen<ViewNetwork>,
    ApiPath(id): ApiPath<RouterId>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let mut tx = screen.read().await?;
    let router = network::router(&mut tx, id).await?;
    let mut diagnoses = diagnostics::diagnoses(&mut tx, id, page).await?;
    let next = next_page(&mut diagnoses, page, &format!("/routers/{id}/diagnoses"), |one| one.id.uuid());
    let staff = staff(&mut tx).await?;
    let rows = diagnoses.iter().map(|one| {
        vec![
            Cell::link(format!("/diagnoses/{}", one.id), named(&screen, one)),
            word(&screen, one),
            Cell::Text(format::instant(screen.frame.lang, one.asked_at, screen.zone)),
            by(&staff, one),
        ]
    });
    let names = ["diagnosis-tool", "status", "diagnosis-asked-at", "diagnosis-by"].map(|key| screen.t(key)).to_vec();
    let page = Register {
        frame: &screen.frame,
        up: Some((format!("/routers/{id}"), router.name.clone())),
        title: screen.frame.t1("diagnostics-title", "name", &router.name),
        lede: screen.t("diagnostics-lede"),
        actions: tools(&screen, id),
        figures: Vec::new(),
        sections: Vec::new(),
        heading: String::new(),
        chips: Vec::new(),
        search: None,
        table: Table::new(names, rows.collect()),
        empty: screen.t("diagnostics-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

/// What this person may ask of a router.
fn tools<P: Needs>(screen: &Screen<P>, id: RouterId) -> Vec<Action> {
    let may = |tool: &Tool| match tool {
        Tool::Capture => screen.may::<CapturePackets>(),
        _ => screen.may::<DiagnoseRouters>(),
    };
    let go = |tool: Tool| {
        let way = match tool {
            Tool::Capture => format!("/routers/{id}/captures/new"),
            _ => format!("/routers/{id}/diagnoses/new?tool={}", tool.name()),
        };
        Action::go(way, tool_word(screen, tool))
    };
    Tool::ALL.into_iter().filter(may).map(go).collect()
}

async fn show(screen: Screen<ViewNetwork>, ApiPath(id): ApiPath<DiagnosisId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let one = diagnostics::diagnosis(&mut tx, id).await?;
    let output = diagnostics::output(&mut tx, &one).await?;
    let router = network::router(&mut tx, one.router_id).await?;
    let facts = facts(&screen, &mut tx, &one, &router).await?;
    let page = Show {
        frame: &screen.frame,
        up: (format!("/routers/{}/diagnoses", router.id), router.name),
        title: named(&screen, &one),
        lede: screen.t(&format!("diagnosis-{}-lede", one.state.name())),
        actions: actions(&screen, &one),
        command: (!output.is_empty()).then(|| (output, screen.t("diagnosis-output"))),
        facts,
        sections: Vec::new(),
        form: None,
    };
    let mut answer = html(StatusCode::OK, &page)?;
    if one.state.is_open() {
        answer.headers_mut().insert("refresh", AGAIN);
    }
    Ok(answer)
}

async fn cancel(screen: Screen<DiagnoseRouters>, ApiPath(id): ApiPath<DiagnosisId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    diagnostics::cancel(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see(&format!("/diagnoses/{id}")))
}

fn actions<P: Needs>(screen: &Screen<P>, one: &Diagnosis) -> Vec<Action> {
    let stop = one.state.is_open() && screen.may::<DiagnoseRouters>();
    let stop = stop.then(|| Action::post(format!("/diagnoses/{}/cancel", one.id), screen.t("diagnosis-cancel")));
    let has_packets = one.tool == Tool::Capture && one.bytes > 0 && !one.state.is_open();
    let packets = || Action::go(format!("/api/v1/diagnoses/{}/capture", one.id), screen.t("diagnosis-download"));
    let packets = (has_packets && screen.may::<CapturePackets>()).then(packets);
    stop.into_iter().chain(packets).collect()
}

async fn facts<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    one: &Diagnosis,
    router: &network::Router,
) -> Result<Vec<(String, Cell)>, Problem> {
    let staff = staff(tx).await?;
    let mut facts = vec![
        (screen.t("status"), word(screen, one)),
        (screen.t("router"), Cell::link(format!("/routers/{}", router.id), router.name.clone())),
    ];
    if let Some(line) = one.subscription_id {
        let whose = subscriptions::names(tx, &[line]).await?.remove(&line).unwrap_or_else(|| "—".into());
        facts.push((screen.t("subscription"), Cell::link(format!("/subscriptions/{line}"), whose)));
    }
    let texts = [("diagnosis-server", &one.server), ("reason", &one.reason), ("diagnosis-detail", &one.detail)];
    let told = texts.into_iter().filter(|(_, text)| !text.is_empty());
    facts.extend(told.map(|(key, text)| (screen.t(key), Cell::Text(text.clone()))));
    let asked = format::instant(screen.frame.lang, one.asked_at, screen.zone);
    facts.extend([(screen.t("diagnosis-asked-at"), Cell::Text(asked)), (screen.t("diagnosis-by"), by(&staff, one))]);
    if one.tool == Tool::Capture {
        facts.push((screen.t("diagnosis-received"), Cell::Text(format::bytes(screen.frame.lang, one.bytes.into()))));
    }
    if one.cut_short {
        facts.push((screen.t("diagnosis-end"), Cell::status(Tone::Warn, screen.t("diagnosis-cut-short"))));
    }
    Ok(facts)
}

/// Who works here, by what entries are signed with.
async fn staff(tx: &mut TenantTx) -> Result<HashMap<String, String>, Problem> {
    let members = access::members(tx, MANY).await?;
    Ok(members.into_iter().map(|member| (member.id.to_string(), member.name)).collect())
}

fn by(staff: &HashMap<String, String>, one: &Diagnosis) -> Cell {
    Cell::Text(staff.get(&one.asked_by).unwrap_or(&one.asked_by).clone())
}

pub(super) fn tool_word<P: Needs>(screen: &Screen<P>, tool: Tool) -> String {
    screen.t(&format!("diagnosis-tool-{}", tool.name()))
}

fn named<P: Needs>(screen: &Screen<P>, one: &Diagnosis) -> String {
    let tool = tool_word(screen, one.tool);
    if one.target.is_empty() { tool } else { format!("{tool} {}", one.target) }
}

fn word<P: Needs>(screen: &Screen<P>, one: &Diagnosis) -> Cell {
    let tone = match one.state {
        State::Done => Tone::Ok,
        State::Asked | State::Running | State::Cancelled => Tone::Mute,
        State::Away | State::NoAnswer => Tone::Bad,
        State::TooOld | State::Refused | State::Unknown => Tone::Warn,
    };
    Cell::status(tone, screen.t(&format!("diagnosis-{}", one.state.name())))
}
