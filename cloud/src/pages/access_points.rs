//! `/access-points`: what lines share on their way to a router.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use weir_ui::blocks::{Action, Cell, Table};
use weir_ui::format;
use weir_ui::pages::{List, Section, Show};

use super::subscriptions::named;
use super::{next_page, page_of};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::page::{Screen, html};
use crate::http::paging::PageQuery;
use crate::http::permission::{ManageNetwork, Needs, ViewNetwork};
use crate::http::{ApiPath, ApiQuery};
use crate::ids::{AccessPointId, RouterId};
use crate::network::{self, AccessPoint};
use crate::subscriptions;

/// What is told of an access point in a list.
const COLUMNS: [&str; 5] = ["access-point", "router", "hangs-on", "peak", "committed"];
/// Lines behind an access point that its page names.
const LINES_SHOWN: usize = 200;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/access-points", get(list)).route("/access-points/{id}", get(show))
}

/// Below which router one is added.
#[derive(Deserialize)]
pub(super) struct Below {
    pub router_id: Option<RouterId>,
}

async fn list(screen: Screen<ViewNetwork>, ApiQuery(query): ApiQuery<PageQuery>) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let mut tx = screen.read().await?;
    let mut found = network::access_points(&mut tx, page).await?;
    let next = next_page(&mut found, page, "/access-points", |one| one.id.uuid());
    let page = List {
        frame: &screen.frame,
        title: screen.t("nav-access-points"),
        lede: screen.t("access-points-lede"),
        action: screen.may::<ManageNetwork>().then(|| Action::go("/access-points/new", screen.t("access-points-new"))),
        search: None,
        table: rows_of(&screen, &mut tx, &found).await?,
        empty: screen.t("access-points-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

/// Access points as rows.
async fn rows_of<P: Needs>(screen: &Screen<P>, tx: &mut TenantTx, of: &[AccessPoint]) -> Result<Table, Problem> {
    let mut rows = Vec::with_capacity(of.len());
    for one in of {
        let router = network::router(tx, one.router_id).await?;
        rows.push(vec![
            Cell::link(format!("/access-points/{}", one.id), &one.name),
            Cell::link(format!("/routers/{}", router.id), router.name),
            hangs_on(screen, tx, one).await?,
            both(screen, one.peak_down_bps, one.peak_up_bps),
            both(screen, one.committed_down_bps, one.committed_up_bps),
        ]);
    }
    Ok(Table::new(COLUMNS.map(|key| screen.t(key)).to_vec(), rows))
}

/// A way to what an access point hangs on.
pub(super) async fn hangs_on<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    one: &AccessPoint,
) -> Result<Cell, Problem> {
    Ok(match one.parent_id {
        Some(parent) => Cell::link(format!("/access-points/{parent}"), network::access_point(tx, parent).await?.name),
        None => Cell::Text(screen.t("hangs-on-ports")),
    })
}

fn both<P: Needs>(screen: &Screen<P>, down: i64, up: i64) -> Cell {
    let lang = screen.frame.lang;
    Cell::Number(format!("{} / {}", format::bit_rate(lang, down), format::bit_rate(lang, up)))
}

/// The access points below a router, as a part of its page.
pub(super) async fn below<P: Needs>(screen: &Screen<P>, tx: &mut TenantTx, id: RouterId) -> Result<Section, Problem> {
    let found = network::access_points_of(tx, id).await?;
    let add = || Action::go(format!("/access-points/new?router_id={id}"), screen.t("access-points-new"));
    Ok(Section {
        title: screen.t("nav-access-points"),
        action: screen.may::<ManageNetwork>().then(add),
        table: rows_of(screen, tx, &found).await?,
        empty: screen.t("access-points-below-empty"),
    })
}

/// What hangs on an access point: access points and lines.
pub(super) async fn hanging<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    one: &AccessPoint,
) -> Result<Vec<Section>, Problem> {
    let mut below = network::access_points_of(tx, one.router_id).await?;
    below.retain(|other| other.parent_id == Some(one.id));
    let mut lines = network::lines_behind(tx, one.id).await?;
    let count = format::count(screen.frame.lang, lines.len());
    lines.truncate(LINES_SHOWN);
    let names = subscriptions::names(tx, &lines).await?;
    let rows = lines.iter().map(|id| vec![named(&names, *id)]).collect();
    Ok(vec![
        Section {
            title: screen.t("nav-access-points"),
            action: None,
            table: rows_of(screen, tx, &below).await?,
            empty: screen.t("access-points-none-behind"),
        },
        Section {
            title: screen.frame.t1("access-points-lines", "count", &count),
            action: None,
            table: Table::new(vec![screen.t("subscription")], rows),
            empty: screen.t("access-points-no-lines"),
        },
    ])
}

async fn show(screen: Screen<ViewNetwork>, ApiPath(id): ApiPath<AccessPointId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let one = network::access_point(&mut tx, id).await?;
    let router = network::router(&mut tx, one.router_id).await?;
    let actions = match screen.may::<ManageNetwork>() {
        true => [("edit", "edit"), ("remove", "access-points-remove")]
            .map(|(path, key)| Action::go(format!("/access-points/{id}/{path}"), screen.t(key)))
            .into(),
        false => Vec::new(),
    };
    let page = Show {
        frame: &screen.frame,
        up: ("/access-points".into(), screen.t("nav-access-points")),
        lede: screen.t("access-points-show-lede"),
        actions,
        command: None,
        facts: vec![
            (screen.t("router"), Cell::link(format!("/routers/{}", router.id), router.name)),
            (screen.t("hangs-on"), hangs_on(&screen, &mut tx, &one).await?),
            (screen.t("peak"), both(&screen, one.peak_down_bps, one.peak_up_bps)),
            (screen.t("committed"), both(&screen, one.committed_down_bps, one.committed_up_bps)),
            (screen.t("id"), Cell::Code(id.to_string())),
        ],
        sections: hanging(&screen, &mut tx, &one).await?,
        form: None,
        title: one.name,
    };
    html(StatusCode::OK, &page)
}
