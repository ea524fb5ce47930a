//! `/`: how things are.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use weir_ui::blocks::{Action, Cell, Table, Tone};
use weir_ui::pages::{Figure, Overview, Section};
use weir_ui::{format, i18n};

use super::{MANY, invoices, money, traffic};
use crate::app::App;
use crate::billing::{self, InvoiceFilter};
use crate::db::TenantTx;
use crate::error::Problem;
use crate::fleet::{self, Agent};
use crate::http::page::{Screen, html};
use crate::http::paging::Page;
use crate::http::permission::{ManageNetwork, ViewBilling, ViewNetwork, ViewTickets};
use crate::network::{self, Router as Edge};
use crate::subscriptions;
use crate::tickets::{self, TicketCounts};

/// Routers the overview names.
const NAMED: usize = 20;
/// Invoices the overview shows.
const INVOICES: u32 = 6;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/", get(show))
}

async fn show(screen: Screen<ViewNetwork>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let mut routers = with_agents(&mut tx).await?;
    let counts = subscriptions::counts(&mut tx).await?;
    let reachable = routers.iter().filter(|(_, agent)| agent.as_ref().is_some_and(|agent| agent.connected)).count();
    let (frame, lang) = (&screen.frame, screen.frame.lang);
    let count = |n: usize| format::count(lang, n);
    let figure =
        |key: &str, n: i64| Figure { label: frame.t(key), value: format::number(lang, n.into()), unit: String::new() };
    let (some, all) = (count(reachable), count(routers.len()));
    let mut figures = vec![figure("overview-active", counts.active), figure("overview-held", counts.held)];
    // What is not there is not worth a figure.
    let rare = [("overview-ordered", counts.ordered), ("overview-ending", counts.ending)];
    figures.extend(rare.into_iter().filter(|(_, n)| *n > 0).map(|(key, n)| figure(key, n)));
    figures.push(Figure {
        label: frame.t("overview-connected"),
        value: some.clone(),
        unit: frame.t1("overview-of", "all", &all),
    });
    let mut late = false;
    if screen.may::<ViewTickets>() {
        let counts = tickets::counts(&mut tx).await?;
        late = counts.breaching > 0;
        figures.extend(asked(&screen, &counts));
    }
    if screen.may::<ViewBilling>() {
        figures.extend(money_figures(&screen, &mut tx).await?);
    }
    let title = match routers.is_empty() {
        true => frame.t("overview-none"),
        false => i18n::t(lang, "overview-reachable", &[("some", &some), ("all", &all)]),
    };
    let lede = frame.t(match (routers.is_empty(), reachable == routers.len()) {
        (true, _) => "overview-none-lede",
        (false, false) => "overview-look",
        (false, true) if late => "overview-late",
        (false, true) => "overview-quiet",
    });
    routers.sort_by_key(|(_, agent)| agent.as_ref().is_some_and(|agent| agent.connected));
    let rows = routers.iter().take(NAMED).map(|(router, agent)| row(&screen, router, agent.as_ref())).collect();
    let names = ["router", "status", "last-seen"].map(|key| frame.t(key)).to_vec();
    let section = Section {
        title: frame.t("nav-routers"),
        action: None,
        table: Table::new(names, rows),
        empty: frame.t("routers-empty"),
    };
    let add = (routers.is_empty() && screen.may::<ManageNetwork>())
        .then(|| Action::go("/routers/new", frame.t("routers-new")));
    let traffic = traffic(frame, "overview".into());
    let invoices = match screen.may::<ViewBilling>() {
        true => latest_invoices(&screen, &mut tx).await?,
        false => None,
    };
    html(StatusCode::OK, &Overview { frame, title, lede, action: add, figures, traffic, routers: section, invoices })
}

async fn latest_invoices(screen: &Screen<ViewNetwork>, tx: &mut TenantTx) -> Result<Option<Section>, Problem> {
    let mut newest = billing::invoices(tx, Page { after: None, limit: INVOICES }, &InvoiceFilter::default()).await?;
    newest.truncate(INVOICES as usize);
    if newest.is_empty() {
        return Ok(None);
    }
    Ok(Some(Section {
        title: screen.t("overview-invoices"),
        action: Some(Action::go("/invoices", screen.t("invoices-all"))),
        table: invoices::table(screen, newest, billing::today(tx).await?),
        empty: String::new(),
    }))
}

/// How many tickets are open, once there are any.
fn asked(screen: &Screen<ViewNetwork>, counts: &TicketCounts) -> Option<Figure> {
    let lang = screen.frame.lang;
    let late = format::number(lang, counts.breaching.into());
    (counts.active > 0).then(|| Figure {
        label: screen.t("tickets-figure"),
        value: format::number(lang, counts.active.into()),
        unit: if counts.breaching > 0 {
            screen.frame.t1("tickets-figure-breaching", "count", &late)
        } else {
            String::new()
        },
    })
}

/// What comes in every month, and what is late.
async fn money_figures(screen: &Screen<ViewNetwork>, tx: &mut TenantTx) -> Result<Vec<Figure>, Problem> {
    let lang = screen.frame.lang;
    let mut figures = Vec::new();
    for (currency, price) in subscriptions::recurring(tx).await? {
        let (label, unit) = (screen.t("overview-recurring"), screen.t("overview-a-month"));
        figures.push(Figure { label, value: format::money(lang, price, &currency), unit });
    }
    for owed in billing::owed(tx).await?.into_iter().filter(|owed| owed.overdue_invoices > 0) {
        let count = format::number(lang, owed.overdue_invoices.into());
        figures.push(Figure {
            label: screen.t("overdue"),
            value: money(lang, owed.overdue),
            unit: screen.frame.t1("invoices-count", "count", &count),
        });
    }
    Ok(figures)
}

fn row(screen: &Screen<ViewNetwork>, router: &Edge, agent: Option<&Agent>) -> Vec<Cell> {
    vec![
        Cell::link(format!("/routers/{}", router.id), &router.name),
        agent_status(&screen.frame, agent),
        Cell::Text(last_seen(screen.frame.lang, screen.zone, agent)),
    ]
}

/// Whether a router can be reached, in a word.
pub(super) fn agent_status(frame: &weir_ui::Frame, agent: Option<&Agent>) -> Cell {
    let (tone, key) = match agent {
        None => (Tone::Mute, "agent-none"),
        Some(agent) if agent.connected => (Tone::Ok, "agent-connected"),
        Some(_) => (Tone::Bad, "agent-unreachable"),
    };
    Cell::status(tone, frame.t(key))
}

/// When its agent last said something.
pub(super) fn last_seen(lang: &str, zone: chrono_tz::Tz, agent: Option<&Agent>) -> String {
    agent.and_then(|agent| agent.last_seen_at).map_or("—".to_owned(), |at| format::instant(lang, at, zone))
}

/// Every router with the agent that serves it, by name.
pub(super) async fn with_agents(tx: &mut TenantTx) -> Result<Vec<(Edge, Option<Agent>)>, Problem> {
    let (mut routers, mut agents) = (Vec::new(), Vec::new());
    let mut page = MANY;
    loop {
        let mut rows = network::routers(tx, page).await?;
        let more = rows.len() > page.limit as usize;
        rows.truncate(page.limit as usize);
        routers.append(&mut rows);
        let Some(last) = routers.last().filter(|_| more) else { break };
        page = Page { after: Some(last.id.uuid()), ..MANY };
    }
    page = MANY;
    loop {
        let mut rows = fleet::agents(tx, page).await?;
        let more = rows.len() > page.limit as usize;
        rows.truncate(page.limit as usize);
        agents.append(&mut rows);
        let Some(last) = agents.last().filter(|_| more) else { break };
        page = Page { after: Some(last.id.uuid()), ..MANY };
    }
    agents.retain(|agent| agent.revoked_at.is_none());
    let paired = routers.into_iter().map(|router| {
        let agent = agents.iter().find(|agent| agent.router_id == router.id).cloned();
        (router, agent)
    });
    Ok(paired.collect())
}
