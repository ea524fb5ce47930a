//! `/top-up-products`: what can be bought on top of an allowance; `/subscriptions/{id}/top-ups`: its sale on a line.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use rust_decimal::Decimal;
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Confirm, Form, List, Show};

use super::catalog::{GIGABYTE, price_of, read_scaled};
use super::{Asking, MANY, form_status, next_page, page_of};
use crate::app::App;
use crate::catalog::Amount;
use crate::error::Problem;
use crate::fair_use::{self, TopUpProduct, TopUpProductWish, TopUpWish};
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::paging::PageQuery;
use crate::http::permission::{ManageCatalog, ManageSubscriptions, Needs, ViewCatalog};
use crate::http::toast::see_saying;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::{RequestId, SubscriptionId, TopUpProductId, new_id};
use crate::{subscribers, subscriptions};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/top-up-products", get(list).post(add))
        .route("/top-up-products/new", get(new))
        .route("/top-up-products/{id}", get(show))
        .route("/top-up-products/{id}/retire", get(ask_retire).post(retire))
        .route("/subscriptions/{id}/top-ups", get(choose).post(sell))
}

async fn list(screen: Screen<ViewCatalog>, ApiQuery(query): ApiQuery<PageQuery>) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let mut products = fair_use::products(&mut screen.read().await?, page).await?;
    let next = next_page(&mut products, page, "/top-up-products", |product| product.id.uuid());
    let lang = screen.frame.lang;
    let rows = products.iter().map(|product| {
        vec![
            Cell::link(format!("/top-up-products/{}", product.id), &product.name),
            sale(&screen, product),
            Cell::Number(format::bytes(lang, product.bytes)),
            Cell::Number(price_of(lang, &product.price)),
        ]
    });
    let names = ["top-up", "status", "top-up-volume", "price"].map(|key| screen.t(key)).to_vec();
    let page = List {
        frame: &screen.frame,
        title: screen.t("nav-top-ups"),
        lede: screen.t("top-ups-lede"),
        action: screen.may::<ManageCatalog>().then(|| Action::go("/top-up-products/new", screen.t("top-ups-new"))),
        search: None,
        table: Table::new(names, rows.collect()),
        empty: screen.t("top-ups-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

fn sale<P: Needs>(screen: &Screen<P>, product: &TopUpProduct) -> Cell {
    match product.retired_at {
        None => Cell::status(Tone::Ok, screen.t("plan-on-sale")),
        Some(_) => Cell::status(Tone::Mute, screen.t("plan-retired")),
    }
}

async fn new(screen: Screen<ManageCatalog>) -> Result<Response, Problem> {
    form(&screen, &Fields::of([("currency", screen.currency.clone())]), None)
}

fn form(screen: &Screen<ManageCatalog>, fields: &Fields, problem: Option<&Problem>) -> Result<Response, Problem> {
    let asked = Asking::new(&screen.frame, fields, problem)
        .ask("name", "name", Input::Line("text"))
        .ask("bytes", "top-up-gb", Input::Line("text"))
        .ask("price", "price", Input::Line("text"))
        .ask("currency", "currency", Input::Line("text"));
    let page = Form {
        frame: &screen.frame,
        up: ("/top-up-products".into(), screen.t("nav-top-ups")),
        title: screen.t("top-ups-new"),
        lede: screen.t("top-ups-new-lede"),
        form: asked.inset(String::new(), "/top-up-products", "save"),
    };
    html(form_status(problem), &page)
}

async fn add(screen: Screen<ManageCatalog>, mut fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let bytes = read_scaled(&mut fields, "bytes", GIGABYTE);
    let amount = fields.read::<Decimal>("price", "error-number");
    let added = match (bytes, amount) {
        (Some(bytes), Some(amount)) => {
            let price = Amount { amount, currency: fields.text("currency") };
            let wish = TopUpProductWish { name: fields.text("name"), bytes, price };
            fair_use::add_product(&mut tx, wish).await.map_err(Problem::from)
        }
        _ => Err(fields.problem()),
    };
    match added {
        Ok(product) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/top-up-products/{}", product.id), "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => form(&screen, &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

async fn show(screen: Screen<ViewCatalog>, ApiPath(id): ApiPath<TopUpProductId>) -> Result<Response, Problem> {
    let product = fair_use::product(&mut screen.read().await?, id).await?;
    let lang = screen.frame.lang;
    let mut facts = vec![
        (screen.t("status"), sale(&screen, &product)),
        (screen.t("top-up-volume"), Cell::Text(format::bytes(lang, product.bytes))),
        (screen.t("price"), Cell::Text(price_of(lang, &product.price))),
        (screen.t("since"), Cell::Text(format::instant(lang, product.created_at, screen.zone))),
        (screen.t("id"), Cell::Code(id.to_string())),
    ];
    if let Some(at) = product.retired_at {
        facts.insert(4, (screen.t("plan-retired"), Cell::Text(format::instant(lang, at, screen.zone))));
    }
    let may = screen.may::<ManageCatalog>() && product.retired_at.is_none();
    let retire = || Action::go(format!("/top-up-products/{id}/retire"), screen.t("plans-retire"));
    let page = Show {
        frame: &screen.frame,
        up: ("/top-up-products".into(), screen.t("nav-top-ups")),
        lede: screen.t(if product.retired_at.is_none() { "top-up-lede" } else { "top-up-lede-retired" }),
        actions: may.then(retire).into_iter().collect(),
        command: None,
        facts,
        sections: Vec::new(),
        form: None,
        title: product.name,
    };
    html(StatusCode::OK, &page)
}

async fn ask_retire(screen: Screen<ManageCatalog>, ApiPath(id): ApiPath<TopUpProductId>) -> Result<Response, Problem> {
    let product = fair_use::product(&mut screen.read().await?, id).await?;
    let own = format!("/top-up-products/{id}");
    let page = Confirm {
        frame: &screen.frame,
        up: (own.clone(), product.name.clone()),
        title: screen.frame.t1("plans-retire-title", "name", &product.name),
        lede: screen.t("top-ups-retire-lede"),
        facts: Vec::new(),
        sections: Vec::new(),
        form: Asking::new(&screen.frame, &Fields::default(), None).inset(
            String::new(),
            format!("{own}/retire"),
            "plans-retire",
        ),
        danger: true,
    };
    html(StatusCode::OK, &page)
}

async fn retire(screen: Screen<ManageCatalog>, ApiPath(id): ApiPath<TopUpProductId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    fair_use::retire_product(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/top-up-products/{id}"), "done-retired"))
}

async fn choose(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
) -> Result<Response, Problem> {
    // A form sent twice is one sale.
    let reference = new_id::<RequestId>(screen.app.clock.now()).to_string();
    sale_form(&screen, id, &Fields::of([("reference", reference)]), None).await
}

async fn sale_form(
    screen: &Screen<ManageSubscriptions>,
    id: SubscriptionId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let sold = subscriptions::subscription(&mut tx, id).await?;
    let account = subscribers::account(&mut tx, sold.account_id).await?;
    let subscriber = subscribers::subscriber(&mut tx, account.subscriber_id).await?;
    let lang = screen.frame.lang;
    let products = fair_use::products(&mut tx, MANY).await?.into_iter();
    let fitting = products.filter(|product| product.retired_at.is_none() && product.price.currency == account.currency);
    let choices = fitting.map(|product| {
        let (volume, price) = (format::bytes(lang, product.bytes), price_of(lang, &product.price));
        (product.id.to_string(), format!("{} · {volume} · {price}", product.name))
    });
    let form = Asking::new(&screen.frame, fields, problem)
        .ask("product_id", "top-up", Input::Choice(choices.collect()))
        .ask("reference", "top-up", Input::Hidden)
        .inset(String::new(), format!("/subscriptions/{id}/top-ups"), "top-ups-sell");
    let page = Form {
        frame: &screen.frame,
        up: (format!("/subscriptions/{id}"), subscriber.name.clone()),
        title: screen.frame.t1("top-ups-sell-title", "name", &subscriber.name),
        lede: screen.t("top-ups-sell-lede"),
        form,
    };
    html(form_status(problem), &page)
}

async fn sell(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let sold = match fields.read("product_id", "error-choose") {
        Some(product_id) => {
            let wish = TopUpWish { product_id, reference: fields.text("reference") };
            fair_use::sell(&mut tx, id, wish).await.map_err(Problem::from)
        }
        None => Err(fields.problem()),
    };
    match sold {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/subscriptions/{id}"), "done-top-up"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            sale_form(&screen, id, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}
