//! `/plans`: what is sold.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use rust_decimal::Decimal;
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Form, List};

use super::{Asking, form_status, next_page, page_of};
use crate::app::App;
use crate::catalog::{self, Amount, Plan, PlanWish};
use crate::error::Problem;
use crate::http::ApiQuery;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::paging::PageQuery;
use crate::http::permission::{ManageCatalog, ViewCatalog};
use crate::http::toast::done;

/// Bits per second of the unit rates are asked in.
const MEGABIT: i64 = 1_000_000;
/// Bytes of the unit volumes are asked in.
const GIGABYTE: i64 = 1_000_000_000;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/plans", get(list).post(add)).route("/plans/new", get(new))
}

async fn list(screen: Screen<ViewCatalog>, ApiQuery(query): ApiQuery<PageQuery>) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let mut plans = catalog::plans(&mut screen.read().await?, page).await?;
    let next = next_page(&mut plans, page, "/plans", |plan| plan.id.uuid());
    let names = ["plan", "status", "down", "up", "allowance", "price"].map(|key| screen.t(key)).to_vec();
    let table = Table::new(names, plans.iter().map(|plan| row(&screen, plan)).collect());
    let page = List {
        frame: &screen.frame,
        title: screen.t("nav-plans"),
        lede: screen.t("plans-lede"),
        action: screen.may::<ManageCatalog>().then(|| Action::go("/plans/new", screen.t("plans-new"))),
        search: None,
        table,
        empty: screen.t("plans-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

fn row(screen: &Screen<ViewCatalog>, plan: &Plan) -> Vec<Cell> {
    let lang = screen.frame.lang;
    let sold = match plan.retired_at {
        None => Cell::status(Tone::Ok, screen.t("plan-on-sale")),
        Some(_) => Cell::status(Tone::Mute, screen.t("plan-retired")),
    };
    let newest = plan.versions.first();
    let rate = |bps: Option<i64>| Cell::Number(bps.map_or("—".into(), |bps| format::bit_rate(lang, bps)));
    let allowance = newest.and_then(|version| version.allowance_bytes);
    vec![
        Cell::Text(plan.name.clone()),
        sold,
        rate(newest.map(|version| version.rate_down_bps)),
        rate(newest.map(|version| version.rate_up_bps)),
        Cell::Number(allowance.map_or(screen.t("unlimited"), |bytes| format::bytes(lang, bytes))),
        Cell::Number(
            newest.map_or("—".into(), |version| format::money(lang, version.price.amount, &version.price.currency)),
        ),
    ]
}

async fn new(screen: Screen<ManageCatalog>) -> Result<Response, Problem> {
    let fields = Fields::of([("currency", screen.currency.clone())]);
    form(&screen, &fields, None)
}

async fn add(screen: Screen<ManageCatalog>, mut fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let added = match wish(&mut fields) {
        Ok(wish) => catalog::add_plan(&mut tx, wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match added {
        Ok(_) => {
            tx.commit().await?;
            Ok(done("/plans", "done-added"))
        }
        Err(problem) if is_about_the_form(&problem) => form(&screen, &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

fn wish(fields: &mut Fields) -> Result<PlanWish, Problem> {
    let down = fields.read::<i64>("rate_down", "error-number");
    let up = fields.read::<i64>("rate_up", "error-number");
    let amount = fields.read::<Decimal>("price", "error-number");
    let allowance = fields.read_option::<i64>("allowance", "error-number");
    let problem = fields.problem();
    match (down, up, amount) {
        (Some(down), Some(up), Some(amount)) if problem.errors.is_empty() => Ok(PlanWish {
            name: fields.text("name"),
            rate_down_bps: down.saturating_mul(MEGABIT),
            rate_up_bps: up.saturating_mul(MEGABIT),
            price: Amount { amount, currency: fields.text("currency") },
            allowance_bytes: allowance.map(|gigabytes| gigabytes.saturating_mul(GIGABYTE)),
            overage: None,
        }),
        _ => Err(problem),
    }
}

fn form(screen: &Screen<ManageCatalog>, fields: &Fields, problem: Option<&Problem>) -> Result<Response, Problem> {
    let asked = Asking::new(&screen.frame, fields, problem)
        .ask("name", "name", Input::Line("text"))
        .ask("rate_down", "rate-down-mbit", Input::Line("number"))
        .ask("rate_up", "rate-up-mbit", Input::Line("number"))
        .ask("price", "price", Input::Line("text"))
        .ask("currency", "currency", Input::Line("text"))
        .ask("allowance", "allowance-gb", Input::Line("number"));
    let page = Form {
        frame: &screen.frame,
        up: ("/plans".into(), screen.t("nav-plans")),
        title: screen.t("plans-new"),
        lede: screen.t("plans-new-lede"),
        form: asked.inset(String::new(), "/plans", "save"),
    };
    html(form_status(problem), &page)
}
