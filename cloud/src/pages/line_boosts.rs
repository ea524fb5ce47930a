//! `/subscriptions/{id}/boosts`: the sale of a boost on a line; `/boosts/{id}/cancel`: its end before its time.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Confirm, Form, Section};

use super::boosts::{lasts, rates};
use super::catalog::price_of;
use super::{Asking, MANY, form_status, port_blocks};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::fair_use::{self, Boost, BoostStatus, BoostWish};
use crate::http::ApiPath;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::{ManageSubscriptions, Needs};
use crate::http::toast::see_saying;
use crate::ids::{BoostId, RequestId, SubscriptionId, new_id};
use crate::subscriptions::{Status, Subscription};
use crate::{subscribers, subscriptions};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/subscriptions/{id}/boosts", get(choose).post(sell))
        .route("/boosts/{id}/cancel", get(ask_cancel).post(cancel))
}

/// What runs on a line, and the newest boosts that were sold on it.
pub(super) async fn of_line<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    sold: &Subscription,
) -> Result<(Vec<(String, Cell)>, Section), Problem> {
    let boosts = fair_use::boosts(tx, sold.id, MANY).await?;
    let running = boosts.iter().filter(|boost| boost.status == BoostStatus::Running);
    let facts = running.map(|boost| (screen.t("boost"), Cell::Text(in_force(screen, boost)))).collect();
    let sells = sold.status != Status::Closed && screen.may::<ManageSubscriptions>();
    let sell = || Action::go(format!("/subscriptions/{}/boosts", sold.id), screen.t("boosts-sell"));
    let names = ["boost", "boost-runs", "rates", "status", "price", "top-up-charged"].map(|key| screen.t(key));
    let section = Section {
        title: screen.t("nav-boosts"),
        action: sells.then(sell),
        table: Table::new(names.to_vec(), boosts.iter().map(|boost| row(screen, boost)).collect()),
        empty: screen.t("boosts-none"),
    };
    Ok((facts, section))
}

fn in_force<P: Needs>(screen: &Screen<P>, boost: &Boost) -> String {
    let until = format::instant(screen.frame.lang, boost.until_at, screen.zone);
    let rates = rates(screen.frame.lang, boost.rate_down_bps, boost.rate_up_bps);
    weir_ui::i18n::t(screen.frame.lang, "boost-in-force", &[("rates", rates.as_str()), ("until", until.as_str())])
}

fn time<P: Needs>(screen: &Screen<P>, boost: &Boost) -> String {
    let until_at = boost.cancelled_at.map_or(boost.until_at, |at| at.max(boost.from_at));
    [boost.from_at, until_at].map(|at| format::instant(screen.frame.lang, at, screen.zone)).join(" – ")
}

fn row<P: Needs>(screen: &Screen<P>, boost: &Boost) -> Vec<Cell> {
    let lang = screen.frame.lang;
    let word = screen.t(&format!("boost-{}", boost.status.name()));
    let cancels = screen.may::<ManageSubscriptions>();
    let charged = if boost.invoice_line_id.is_some() { "top-up-charged" } else { "top-up-next-invoice" };
    vec![
        match boost.status {
            BoostStatus::Coming | BoostStatus::Running if cancels => {
                Cell::link(format!("/boosts/{}/cancel", boost.id), &boost.name)
            }
            _ => Cell::Text(boost.name.clone()),
        },
        Cell::Text(time(screen, boost)),
        Cell::Text(rates(lang, boost.rate_down_bps, boost.rate_up_bps)),
        match boost.status {
            BoostStatus::Running => Cell::status(Tone::Ok, word),
            _ => Cell::status(Tone::Mute, word),
        },
        Cell::Number(price_of(lang, &boost.price)),
        Cell::Text(screen.t(charged)),
    ]
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
    let products = fair_use::boost_products(&mut tx, MANY).await?.into_iter();
    let fitting = products.filter(|product| product.retired_at.is_none() && product.price.currency == account.currency);
    let choices = fitting.map(|product| {
        let rates = rates(lang, product.rate_down_bps, product.rate_up_bps);
        let (lasts, price) = (lasts(lang, product.minutes), price_of(lang, &product.price));
        (product.id.to_string(), format!("{} · {rates} · {lasts} · {price}", product.name))
    });
    let hint = screen.frame.t1("boost-from-hint", "zone", screen.zone.name());
    let form = Asking::new(&screen.frame, fields, problem)
        .ask("product_id", "boost", Input::Choice(choices.collect()))
        .ask_in("from_at", screen.t("boost-from"), hint, Input::Line("datetime-local"))
        .ask("reference", "boost", Input::Hidden)
        .inset(String::new(), format!("/subscriptions/{id}/boosts"), "boosts-sell");
    let page = Form {
        frame: &screen.frame,
        up: (format!("/subscriptions/{id}"), subscriber.name.clone()),
        title: screen.frame.t1("boosts-sell-title", "name", &subscriber.name),
        lede: screen.t("boosts-sell-lede"),
        form,
    };
    html(form_status(problem), &page)
}

fn wish(screen: &Screen<ManageSubscriptions>, fields: &mut Fields) -> Result<BoostWish, Problem> {
    let product_id = fields.read("product_id", "error-choose");
    let typed = fields.text("from_at");
    let from_at = port_blocks::instant(&typed, screen.zone);
    if from_at.is_none() && !typed.is_empty() {
        fields.refuse("from_at", "error-date");
        return Err(fields.problem());
    }
    let Some(product_id) = product_id else { return Err(fields.problem()) };
    Ok(BoostWish { product_id, from_at, reference: fields.text("reference") })
}

async fn sell(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let sold = match wish(&screen, &mut fields) {
        Ok(wish) => fair_use::sell_boost(&mut tx, id, wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match sold {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/subscriptions/{id}"), "done-boost"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            sale_form(&screen, id, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn ask_cancel(screen: Screen<ManageSubscriptions>, ApiPath(id): ApiPath<BoostId>) -> Result<Response, Problem> {
    let boost = fair_use::boost(&mut screen.read().await?, id).await?;
    let lang = screen.frame.lang;
    let fields = Fields::default();
    let asked = Asking::new(&screen.frame, &fields, None);
    let page = Confirm {
        frame: &screen.frame,
        up: (format!("/subscriptions/{}", boost.subscription_id), screen.t("subscription")),
        title: screen.frame.t1("boosts-cancel-title", "name", &boost.name),
        lede: screen.t("boosts-cancel-lede"),
        facts: vec![
            (screen.t("boost-runs"), Cell::Text(time(&screen, &boost))),
            (screen.t("rates"), Cell::Text(rates(lang, boost.rate_down_bps, boost.rate_up_bps))),
            (screen.t("price"), Cell::Text(price_of(lang, &boost.price))),
        ],
        sections: Vec::new(),
        form: asked.inset(String::new(), format!("/boosts/{id}/cancel"), "boosts-cancel"),
        danger: true,
    };
    html(StatusCode::OK, &page)
}

async fn cancel(screen: Screen<ManageSubscriptions>, ApiPath(id): ApiPath<BoostId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let boost = fair_use::cancel_boost(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/subscriptions/{}", boost.subscription_id), "done-boost-cancelled"))
}
