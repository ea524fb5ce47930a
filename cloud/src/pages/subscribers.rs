//! `/subscribers`: who buys access, what is billed, where access ends, what was sold.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use weir_ui::blocks::{Action, Cell, Input, Table};
use weir_ui::format;
use weir_ui::pages::{Form, List, Section, Show};

use super::subscriptions::rows_of;
use super::{Asking, MANY, form_status, next_page, page_of};
use crate::app::App;
use crate::error::Problem;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::{ManageSubscribers, ManageSubscriptions, ViewSubscribers};
use crate::http::toast::done;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::SubscriberId;
use crate::subscribers::{self, AccountWish, LocationWish, SubscriberWish};
use crate::{subscriptions, tenants};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/subscribers", get(list).post(add))
        .route("/subscribers/new", get(new))
        .route("/subscribers/{id}", get(show))
        .route("/subscribers/{id}/accounts", post(add_account))
        .route("/subscribers/{id}/locations", post(add_location))
        .route("/subscribers/{id}/locations/new", get(new_location))
}

#[derive(Deserialize)]
struct Search {
    q: Option<String>,
    after: Option<String>,
}

async fn list(screen: Screen<ViewSubscribers>, ApiQuery(query): ApiQuery<Search>) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let search = query.q.unwrap_or_default();
    let mut found = subscribers::subscribers(&mut screen.read().await?, Some(&search), page).await?;
    let here =
        if search.is_empty() { "/subscribers".to_owned() } else { format!("/subscribers?q={}", encoded(&search)) };
    let next = next_page(&mut found, page, &here, |subscriber| subscriber.id.uuid());
    let lang = screen.frame.lang;
    let rows = found.into_iter().map(|subscriber| {
        vec![
            Cell::link(format!("/subscribers/{}", subscriber.id), subscriber.name),
            Cell::Text(subscriber.email.unwrap_or_default()),
            Cell::Text(subscriber.phone.unwrap_or_default()),
            Cell::Number(format::date(lang, subscriber.created_at.with_timezone(&screen.zone).date_naive())),
        ]
    });
    let names = ["name", "email", "phone", "since"].map(|key| screen.t(key)).to_vec();
    let table = Table::new(names, rows.collect());
    let empty = if search.is_empty() {
        screen.t("subscribers-empty")
    } else {
        screen.frame.t1("subscribers-none", "search", &search)
    };
    let page = List {
        frame: &screen.frame,
        title: screen.t("nav-subscribers"),
        lede: screen.t("subscribers-lede"),
        action: screen.may::<ManageSubscribers>().then(|| Action::go("/subscribers/new", screen.t("subscribers-new"))),
        search: Some(search),
        table,
        empty,
        next,
    };
    html(StatusCode::OK, &page)
}

fn encoded(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    text.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

async fn show(screen: Screen<ViewSubscribers>, ApiPath(id): ApiPath<SubscriberId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let subscriber = subscribers::subscriber(&mut tx, id).await?;
    let accounts = subscribers::accounts(&mut tx, Some(id), MANY).await?;
    let locations = subscribers::locations(&mut tx, Some(id), MANY).await?;
    let mut lines = Vec::new();
    for account in &accounts {
        lines.extend(subscriptions::subscriptions(&mut tx, Some(account.id), MANY).await?);
    }
    let changes = screen.may::<ManageSubscribers>();
    let sells = screen.may::<ManageSubscriptions>() && !accounts.is_empty() && !locations.is_empty();
    let account_rows = accounts.into_iter().map(|account| {
        vec![
            Cell::Code(account.number),
            Cell::Text(account.currency),
            Cell::Text(account.time_zone),
            Cell::Number(account.billing_day.to_string()),
        ]
    });
    let location_rows = locations.into_iter().map(|place| {
        vec![
            Cell::Text(place.line1),
            Cell::Text(format!("{} {}", place.postcode, place.city)),
            Cell::Text(place.country),
        ]
    });
    let sold = rows_of(&screen, &mut tx, lines).await?;
    let names = |keys: &[&str]| keys.iter().map(|key| screen.t(key)).collect::<Vec<_>>();
    let sections = vec![
        Section {
            title: screen.t("nav-subscriptions"),
            action: sells
                .then(|| Action::go(format!("/subscriptions/new?subscriber_id={id}"), screen.t("subscriptions-new"))),
            table: sold,
            empty: screen.t("subscribers-no-subscriptions"),
        },
        Section {
            title: screen.t("accounts"),
            action: changes.then(|| Action::post(format!("/subscribers/{id}/accounts"), screen.t("accounts-open"))),
            table: Table::new(names(&["account", "currency", "time-zone", "billing-day"]), account_rows.collect()),
            empty: screen.t("accounts-empty"),
        },
        Section {
            title: screen.t("locations"),
            action: changes.then(|| Action::go(format!("/subscribers/{id}/locations/new"), screen.t("locations-new"))),
            table: Table::new(names(&["address", "city", "country"]), location_rows.collect()),
            empty: screen.t("locations-empty"),
        },
    ];
    let since = format::date(screen.frame.lang, subscriber.created_at.with_timezone(&screen.zone).date_naive());
    let page = Show {
        frame: &screen.frame,
        up: ("/subscribers".into(), screen.t("nav-subscribers")),
        title: subscriber.name,
        lede: screen.frame.t1("subscribers-since", "date", &since),
        actions: Vec::new(),
        command: None,
        facts: vec![
            (screen.t("email"), Cell::Text(subscriber.email.unwrap_or_else(|| "—".into()))),
            (screen.t("phone"), Cell::Text(subscriber.phone.unwrap_or_else(|| "—".into()))),
            (screen.t("language"), Cell::Text(screen.t(&format!("language-{}", subscriber.language)))),
            (screen.t("id"), Cell::Code(id.to_string())),
        ],
        sections,
        form: None,
    };
    html(StatusCode::OK, &page)
}

async fn new(screen: Screen<ManageSubscribers>) -> Result<Response, Problem> {
    form(&screen, &Fields::default(), None)
}

async fn add(screen: Screen<ManageSubscribers>, fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let wish = SubscriberWish {
        name: fields.text("name"),
        email: fields.option("email"),
        phone: fields.option("phone"),
        language: fields.option("language"),
    };
    match subscribers::add_subscriber(&mut tx, wish).await.map_err(Problem::from) {
        Ok(subscriber) => {
            tx.commit().await?;
            Ok(done(&format!("/subscribers/{}", subscriber.id), "done-added"))
        }
        Err(problem) if is_about_the_form(&problem) => form(&screen, &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

fn form(screen: &Screen<ManageSubscribers>, fields: &Fields, problem: Option<&Problem>) -> Result<Response, Problem> {
    let mut languages = vec![(String::new(), screen.t("language-isp"))];
    languages.extend(tenants::LANGUAGES.map(|tag| (tag.to_owned(), screen.t(&format!("language-{tag}")))));
    let asked = Asking::new(&screen.frame, fields, problem)
        .ask("name", "name", Input::Line("text"))
        .ask("email", "email", Input::Line("email"))
        .ask("phone", "phone", Input::Line("tel"))
        .ask("language", "language", Input::Choice(languages));
    let page = Form {
        frame: &screen.frame,
        up: ("/subscribers".into(), screen.t("nav-subscribers")),
        title: screen.t("subscribers-new"),
        lede: screen.t("subscribers-new-lede"),
        form: asked.inset(String::new(), "/subscribers", "save"),
    };
    html(form_status(problem), &page)
}

async fn add_account(
    screen: Screen<ManageSubscribers>,
    ApiPath(id): ApiPath<SubscriberId>,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let wish = AccountWish { subscriber_id: id, currency: None, time_zone: None, billing_day: None };
    subscribers::add_account(&mut tx, wish).await?;
    tx.commit().await?;
    Ok(done(&format!("/subscribers/{id}"), "done-added"))
}

async fn new_location(
    screen: Screen<ManageSubscribers>,
    ApiPath(id): ApiPath<SubscriberId>,
) -> Result<Response, Problem> {
    location_form(&screen, id, &Fields::default(), None).await
}

async fn add_location(
    screen: Screen<ManageSubscribers>,
    ApiPath(id): ApiPath<SubscriberId>,
    fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let wish = LocationWish {
        subscriber_id: id,
        site_id: None,
        line1: fields.text("line1"),
        line2: fields.text("line2"),
        city: fields.text("city"),
        postcode: fields.text("postcode"),
        country: fields.text("country").to_uppercase(),
    };
    match subscribers::add_location(&mut tx, wish).await.map_err(Problem::from) {
        Ok(_) => {
            tx.commit().await?;
            Ok(done(&format!("/subscribers/{id}"), "done-added"))
        }
        Err(problem) if is_about_the_form(&problem) => location_form(&screen, id, &fields, Some(&problem)).await,
        Err(problem) => Err(problem),
    }
}

async fn location_form(
    screen: &Screen<ManageSubscribers>,
    id: SubscriberId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let subscriber = subscribers::subscriber(&mut screen.read().await?, id).await?;
    let asked = Asking::new(&screen.frame, fields, problem)
        .ask("line1", "address-line1", Input::Line("text"))
        .ask("line2", "address-line2", Input::Line("text"))
        .ask("postcode", "postcode", Input::Line("text"))
        .ask("city", "city", Input::Line("text"))
        .ask("country", "country", Input::Line("text"));
    let page = Form {
        frame: &screen.frame,
        up: (format!("/subscribers/{id}"), subscriber.name),
        title: screen.t("locations-new"),
        lede: screen.t("locations-new-lede"),
        form: asked.inset(String::new(), format!("/subscribers/{id}/locations"), "save"),
    };
    html(form_status(problem), &page)
}
