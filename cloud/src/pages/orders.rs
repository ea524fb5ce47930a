//! `/orders`: people who want to become subscribers, and what staff decide.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use weir_ui::blocks::{Action, Cell, Chip, Input, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Register, Section, Show};

use super::phases::offered_for;
use super::{Asking, address, form_status, next_page, page_of};
use crate::app::App;
use crate::error::Problem;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::{ManageSubscribers, Needs, ViewSubscribers};
use crate::http::toast::see_saying;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::OrderId;
use crate::orders::{self, Decline, Order, OrderFilter, OrderStatus};
use crate::{access, catalog};

/// The readings of the list: the value in the address, and its message.
const READINGS: [(&str, &str); 4] =
    [("", "orders-all"), ("placed", "orders-placed"), ("approved", "orders-approved"), ("declined", "orders-declined")];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/orders", get(list))
        .route("/orders/{id}", get(show))
        .route("/orders/{id}/approve", post(approve))
        .route("/orders/{id}/decline", post(decline))
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    status: String,
    after: Option<String>,
}

async fn list(screen: Screen<ViewSubscribers>, ApiQuery(wanted): ApiQuery<Wanted>) -> Result<Response, Problem> {
    let page = page_of(wanted.after)?;
    let filter = OrderFilter { status: OrderStatus::from_name(&wanted.status) };
    let mut found = orders::orders(&mut screen.read().await?, filter, page).await?;
    let at = |status: &str| address("/orders", &[("status", status)]);
    let next = next_page(&mut found, page, &at(&wanted.status), |order| order.id.uuid());
    let rows = found.into_iter().map(|order| {
        vec![
            Cell::link(format!("/orders/{}", order.id), &order.name),
            status(&screen, &order),
            Cell::Text(order.plan_name),
            Cell::Text(format!("{}, {}", order.place.line1, order.place.city)),
            Cell::Number(format::instant(screen.frame.lang, order.placed_at, screen.zone)),
        ]
    });
    let names = ["name", "status", "plan", "address", "since"].map(|key| screen.t(key)).to_vec();
    let chips =
        READINGS.map(|(status, key)| Chip { href: at(status), text: screen.t(key), chosen: status == wanted.status });
    let page = Register {
        frame: &screen.frame,
        up: None,
        title: screen.t("nav-orders"),
        lede: screen.t("orders-lede"),
        actions: Vec::new(),
        figures: Vec::new(),
        sections: Vec::new(),
        heading: String::new(),
        chips: chips.into(),
        search: None,
        table: Table::new(names, rows.collect()),
        empty: screen.t("orders-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

fn status<P: Needs>(screen: &Screen<P>, order: &Order) -> Cell {
    let tone = match order.status {
        OrderStatus::Placed => Tone::Warn,
        OrderStatus::Approved => Tone::Ok,
        OrderStatus::Declined => Tone::Mute,
    };
    Cell::status(tone, screen.t(&format!("order-{}", order.status.name())))
}

async fn show(screen: Screen<ViewSubscribers>, ApiPath(id): ApiPath<OrderId>) -> Result<Response, Problem> {
    shown(&screen, id, &Fields::default(), None).await
}

async fn shown<P: Needs>(
    screen: &Screen<P>,
    id: OrderId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let order = orders::order(&mut tx, id).await?;
    let version = catalog::version(&mut tx, order.plan_version_id).await?;
    let decider = match &order.decided_by {
        Some(actor) => access::name_of(&mut tx, actor).await?,
        None => None,
    };
    let open = order.status == OrderStatus::Placed && screen.may::<ManageSubscribers>();
    let form = open.then(|| {
        Asking::new(&screen.frame, fields, problem).ask("reason", "orders-reason", Input::Lines).inset(
            screen.t("orders-decline"),
            format!("/orders/{id}/decline"),
            "orders-decline",
        )
    });
    let mut actions = Vec::new();
    if open {
        actions.push(Action::post(format!("/orders/{id}/approve"), screen.t("orders-approve")).main());
    }
    if let Some(subscriber) = order.subscriber_id {
        actions
            .push(Action::go(format!("/subscriptions/new?subscriber_id={subscriber}"), screen.t("subscriptions-new")));
    }
    let page = Show {
        frame: &screen.frame,
        up: ("/orders".into(), screen.t("nav-orders")),
        lede: screen.t(&format!("order-{}-lede", order.status.name())),
        actions,
        command: None,
        facts: facts(screen, &order, decider),
        sections: vec![place(screen, &order)],
        form,
        title: format!("{} · {} · {}", order.name, order.plan_name, offered_for(screen.frame.lang, &version)),
    };
    html(form_status(problem), &page)
}

fn facts<P: Needs>(screen: &Screen<P>, order: &Order, decider: Option<String>) -> Vec<(String, Cell)> {
    let text = |value: &str| Cell::Text(if value.is_empty() { "—".into() } else { value.to_owned() });
    let lang = screen.frame.lang;
    let mut facts = vec![
        (screen.t("status"), status(screen, order)),
        (screen.t("email"), text(&order.email)),
        (screen.t("phone"), text(&order.phone)),
        (screen.t("language"), Cell::Text(screen.t(&format!("language-{}", order.language)))),
        (screen.t("orders-note"), text(&order.note)),
        (screen.t("orders-placed-at"), Cell::Text(format::instant(lang, order.placed_at, screen.zone))),
    ];
    if let Some(at) = order.decided_at {
        facts.push((screen.t("orders-decided-at"), Cell::Text(format::instant(lang, at, screen.zone))));
        facts.push((screen.t("orders-decided-by"), text(&decider.unwrap_or_default())));
    }
    if let Some(reason) = &order.reason {
        facts.push((screen.t("reason"), text(reason)));
    }
    if let Some(subscriber) = order.subscriber_id {
        facts.push((screen.t("subscriber"), Cell::link(format!("/subscribers/{subscriber}"), &order.name)));
    }
    facts.push((screen.t("id"), Cell::Code(order.id.to_string())));
    facts
}

fn place<P: Needs>(screen: &Screen<P>, order: &Order) -> Section {
    let place = &order.place;
    let row = [&place.line1, &place.line2, &place.postcode, &place.city, &place.country];
    let row = row.into_iter().map(|text| Cell::Text(text.clone())).collect();
    let names = ["address", "address-line2", "postcode", "city", "country"].map(|key| screen.t(key)).to_vec();
    Section { title: screen.t("locations"), action: None, table: Table::new(names, vec![row]), empty: String::new() }
}

async fn approve(screen: Screen<ManageSubscribers>, ApiPath(id): ApiPath<OrderId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    match orders::approve(&mut tx, id).await.map_err(Problem::from) {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/orders/{id}"), "done-order-approved"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            shown(&screen, id, &Fields::default(), Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn decline(
    screen: Screen<ManageSubscribers>,
    ApiPath(id): ApiPath<OrderId>,
    fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let wish = Decline { reason: fields.text("reason").replace("\r\n", "\n") };
    match orders::decline(&mut tx, id, wish).await.map_err(Problem::from) {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/orders/{id}"), "done-order-declined"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            shown(&screen, id, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}
