//! `/routers/held`: what routers hold back until somebody confirms it, and one word for all of it.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use weir_ui::blocks::{Action, Cell, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Confirm, Register};

use super::{Asking, form_status, next_page, page_of};
use crate::app::App;
use crate::error::Problem;
use crate::fleet::held::{self, Held};
use crate::http::ApiQuery;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::paging::PageQuery;
use crate::http::permission::{ManageNetwork, Needs, ViewNetwork};
use crate::http::toast::see_saying;

const HERE: &str = "/routers/held";
const COLUMNS: [&str; 6] =
    ["router", "held-told", "held-removals", "held-suspensions", "held-reductions", "held-settings"];

pub(super) fn routes() -> Router<App> {
    Router::new().route("/routers/held", get(list)).route("/routers/held/release", get(ask).post(release))
}

/// How much a router holds back, as a way to all of it; empty where it holds nothing back.
pub(super) fn count<P: Needs>(screen: &Screen<P>, held: Option<i64>) -> Cell {
    match held.filter(|held| *held > 0) {
        Some(held) => Cell::Sum { href: HERE.into(), text: format::number(screen.frame.lang, held.into()) },
        None => Cell::Number(String::new()),
    }
}

/// What a router holds back, by kind.
pub(super) fn facts<P: Needs>(screen: &Screen<P>, held: &Held) -> Vec<(String, Cell)> {
    let counts = [held.removals, held.suspensions, held.reductions, held.settings];
    let named = COLUMNS[2..].iter().zip(counts).filter(|(_, count)| *count > 0);
    named.map(|(key, count)| (screen.t(key), Cell::Number(format::number(screen.frame.lang, count.into())))).collect()
}

async fn list(screen: Screen<ViewNetwork>, ApiQuery(query): ApiQuery<PageQuery>) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let mut tx = screen.read().await?;
    let restored_at = held::restored_at(&mut tx).await?;
    let mut routers = held::by_router(&mut tx, page).await?;
    let next = next_page(&mut routers, page, HERE, |one| one.router_id.uuid());
    let number = |count: i64| Cell::Number(format::number(screen.frame.lang, count.into()));
    let told = |one: &Held| match restored_at {
        Some(restored) if one.connected_at.is_none_or(|at| at < restored) => {
            Cell::status(Tone::Warn, screen.t("held-not-told"))
        }
        _ => Cell::status(Tone::Ok, screen.t("held-has-told")),
    };
    let row = |one: &Held| {
        vec![
            Cell::link(format!("/routers/{}", one.router_id), one.router.clone()),
            told(one),
            number(one.removals),
            number(one.suspensions),
            number(one.reductions),
            number(one.settings),
        ]
    };
    let rows: Vec<_> = routers.iter().map(row).collect();
    let may = screen.may::<ManageNetwork>() && (restored_at.is_some() || !rows.is_empty());
    let lede = match restored_at {
        Some(at) => {
            let when = format::instant(screen.frame.lang, at, screen.zone);
            screen.frame.t1("held-restored-lede", "when", &when)
        }
        None => screen.t("held-lede"),
    };
    let page = Register {
        frame: &screen.frame,
        up: Some(("/routers".into(), screen.t("nav-routers"))),
        title: screen.t("held-title"),
        lede,
        actions: may.then(|| Action::go("/routers/held/release", screen.t("held-release"))).into_iter().collect(),
        figures: Vec::new(),
        sections: Vec::new(),
        heading: String::new(),
        chips: Vec::new(),
        search: None,
        table: Table::new(COLUMNS.map(|key| screen.t(key)).to_vec(), rows),
        empty: screen.t("held-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

async fn ask(screen: Screen<ManageNetwork>) -> Result<Response, Problem> {
    asked(&screen, None)
}

async fn release(screen: Screen<ManageNetwork>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    match held::release(&mut tx).await.map_err(Problem::from) {
        Ok(()) => {
            tx.commit().await?;
            Ok(see_saying("/routers", "done-held-released"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            asked(&screen, Some(&problem))
        }
        Err(problem) => Err(problem),
    }
}

fn asked(screen: &Screen<ManageNetwork>, problem: Option<&Problem>) -> Result<Response, Problem> {
    let page = Confirm {
        frame: &screen.frame,
        up: (HERE.into(), screen.t("held-title")),
        title: screen.t("held-release-title"),
        lede: screen.t("held-release-lede"),
        facts: Vec::new(),
        sections: Vec::new(),
        form: Asking::new(&screen.frame, &Fields::default(), problem).inset(
            String::new(),
            "/routers/held/release".to_owned(),
            "held-release",
        ),
        danger: true,
    };
    html(form_status(problem), &page)
}
