//! `/boost-products`: times with rates of their own that can be bought.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use rust_decimal::Decimal;
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::format;
use weir_ui::i18n::t;
use weir_ui::pages::{Confirm, Form, List, Show};

use super::catalog::{MEGABIT, price_of, read_scaled};
use super::{Asking, form_status, next_page, page_of};
use crate::app::App;
use crate::catalog::Amount;
use crate::error::Problem;
use crate::fair_use::{self, BoostProduct, BoostProductWish};
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::paging::PageQuery;
use crate::http::permission::{ManageCatalog, Needs, ViewCatalog};
use crate::http::toast::see_saying;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::BoostProductId;

/// Units a boost's time is asked and shown in, with their minutes; the largest first.
const UNITS: [(&str, i32); 3] = [("days", 24 * 60), ("hours", 60), ("minutes", 1)];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/boost-products", get(list).post(add))
        .route("/boost-products/new", get(new))
        .route("/boost-products/{id}", get(show))
        .route("/boost-products/{id}/retire", get(ask_retire).post(retire))
}

/// A time in the largest unit that measures it whole.
pub(super) fn lasts(lang: &str, minutes: i32) -> String {
    let whole = UNITS.into_iter().find(|(_, unit)| minutes % unit == 0);
    let (unit, size) = whole.unwrap_or(("minutes", 1));
    t(lang, &format!("boost-{unit}"), &[("count", &(minutes / size).to_string())])
}

/// Rates down and up; a dash where it stays as it is.
pub(super) fn rates(lang: &str, down_bps: Option<i64>, up_bps: Option<i64>) -> String {
    [down_bps, up_bps].map(|bps| bps.map_or("—".into(), |bps| format::bit_rate(lang, bps))).join(" / ")
}

fn sale<P: Needs>(screen: &Screen<P>, product: &BoostProduct) -> Cell {
    match product.retired_at {
        None => Cell::status(Tone::Ok, screen.t("plan-on-sale")),
        Some(_) => Cell::status(Tone::Mute, screen.t("plan-retired")),
    }
}

async fn list(screen: Screen<ViewCatalog>, ApiQuery(query): ApiQuery<PageQuery>) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let mut products = fair_use::boost_products(&mut screen.read().await?, page).await?;
    let next = next_page(&mut products, page, "/boost-products", |product| product.id.uuid());
    let lang = screen.frame.lang;
    let rows = products.iter().map(|product| {
        vec![
            Cell::link(format!("/boost-products/{}", product.id), &product.name),
            sale(&screen, product),
            Cell::Number(rates(lang, product.rate_down_bps, product.rate_up_bps)),
            Cell::Number(lasts(lang, product.minutes)),
            Cell::Number(price_of(lang, &product.price)),
        ]
    });
    let names = ["boost", "status", "rates", "boost-lasts", "price"].map(|key| screen.t(key)).to_vec();
    let page = List {
        frame: &screen.frame,
        title: screen.t("nav-boosts"),
        lede: screen.t("boosts-lede"),
        action: screen.may::<ManageCatalog>().then(|| Action::go("/boost-products/new", screen.t("boosts-new"))),
        search: None,
        table: Table::new(names, rows.collect()),
        empty: screen.t("boosts-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

async fn new(screen: Screen<ManageCatalog>) -> Result<Response, Problem> {
    let fields = Fields::of([("currency", screen.currency.clone()), ("unit", "hours".into())]);
    form(&screen, &fields, None)
}

fn form(screen: &Screen<ManageCatalog>, fields: &Fields, problem: Option<&Problem>) -> Result<Response, Problem> {
    let units = UNITS.map(|(unit, _)| (unit.to_owned(), screen.t(&format!("boost-unit-{unit}"))));
    let asked = Asking::new(&screen.frame, fields, problem)
        .ask("name", "name", Input::Line("text"))
        .ask("rate_down", "boost-down-mbit", Input::Line("text"))
        .ask("rate_up", "boost-up-mbit", Input::Line("text"))
        .ask("minutes", "boost-lasts", Input::Line("text"))
        .ask("unit", "boost-unit", Input::Choice(units.to_vec()))
        .ask("price", "price", Input::Line("text"))
        .ask("currency", "currency", Input::Line("text"));
    let page = Form {
        frame: &screen.frame,
        up: ("/boost-products".into(), screen.t("nav-boosts")),
        title: screen.t("boosts-new"),
        lede: screen.t("boosts-new-lede"),
        form: asked.inset(String::new(), "/boost-products", "save"),
    };
    html(form_status(problem), &page)
}

fn wish(fields: &mut Fields) -> Result<BoostProductWish, Problem> {
    let rate = |fields: &mut Fields, name: &str| {
        if fields.get(name).is_empty() { Some(None) } else { read_scaled(fields, name, MEGABIT).map(Some) }
    };
    let (down, up) = (rate(fields, "rate_down"), rate(fields, "rate_up"));
    let unit = UNITS.into_iter().find(|(unit, _)| *unit == fields.get("unit")).map_or(1, |(_, size)| size);
    let minutes = read_scaled(fields, "minutes", unit.into());
    let amount = fields.read::<Decimal>("price", "error-number");
    match (down, up, minutes, amount) {
        (Some(rate_down_bps), Some(rate_up_bps), Some(minutes), Some(amount)) => Ok(BoostProductWish {
            name: fields.text("name"),
            rate_down_bps,
            rate_up_bps,
            minutes: i32::try_from(minutes).unwrap_or(i32::MAX),
            price: Amount { amount, currency: fields.text("currency") },
        }),
        _ => Err(fields.problem()),
    }
}

async fn add(screen: Screen<ManageCatalog>, mut fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let added = match wish(&mut fields) {
        Ok(wish) => fair_use::add_boost_product(&mut tx, wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match added {
        Ok(product) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/boost-products/{}", product.id), "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => form(&screen, &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

async fn show(screen: Screen<ViewCatalog>, ApiPath(id): ApiPath<BoostProductId>) -> Result<Response, Problem> {
    let product = fair_use::boost_product(&mut screen.read().await?, id).await?;
    let lang = screen.frame.lang;
    let mut facts = vec![
        (screen.t("status"), sale(&screen, &product)),
        (screen.t("rates"), Cell::Text(rates(lang, product.rate_down_bps, product.rate_up_bps))),
        (screen.t("boost-lasts"), Cell::Text(lasts(lang, product.minutes))),
        (screen.t("price"), Cell::Text(price_of(lang, &product.price))),
        (screen.t("since"), Cell::Text(format::instant(lang, product.created_at, screen.zone))),
    ];
    if let Some(at) = product.retired_at {
        facts.push((screen.t("plan-retired"), Cell::Text(format::instant(lang, at, screen.zone))));
    }
    facts.push((screen.t("id"), Cell::Code(id.to_string())));
    let may = screen.may::<ManageCatalog>() && product.retired_at.is_none();
    let retire = || Action::go(format!("/boost-products/{id}/retire"), screen.t("plans-retire"));
    let page = Show {
        frame: &screen.frame,
        up: ("/boost-products".into(), screen.t("nav-boosts")),
        lede: screen.t(if product.retired_at.is_none() { "boost-lede" } else { "boost-lede-retired" }),
        actions: may.then(retire).into_iter().collect(),
        command: None,
        facts,
        sections: Vec::new(),
        form: None,
        title: product.name,
    };
    html(StatusCode::OK, &page)
}

async fn ask_retire(screen: Screen<ManageCatalog>, ApiPath(id): ApiPath<BoostProductId>) -> Result<Response, Problem> {
    let product = fair_use::boost_product(&mut screen.read().await?, id).await?;
    let own = format!("/boost-products/{id}");
    let fields = Fields::default();
    let asked = Asking::new(&screen.frame, &fields, None);
    let page = Confirm {
        frame: &screen.frame,
        up: (own.clone(), product.name.clone()),
        title: screen.frame.t1("plans-retire-title", "name", &product.name),
        lede: screen.t("boosts-retire-lede"),
        facts: Vec::new(),
        sections: Vec::new(),
        form: asked.inset(String::new(), format!("{own}/retire"), "plans-retire"),
        danger: true,
    };
    html(StatusCode::OK, &page)
}

async fn retire(screen: Screen<ManageCatalog>, ApiPath(id): ApiPath<BoostProductId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    fair_use::retire_boost_product(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/boost-products/{id}"), "done-retired"))
}
