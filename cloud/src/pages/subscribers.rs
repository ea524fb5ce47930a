//! `/subscribers`: who buys access, what is billed, where access ends, what was sold.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use weir_ui::blocks::{Action, Cell, Input, Table};
use weir_ui::format;
use weir_ui::pages::{Form, List, Section, Show};

use super::messages;
use super::subscriptions::rows_of;
use super::tickets;
use super::{Asking, MANY, address, form_status, next_page, page_of};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::{ManageSubscribers, ManageSubscriptions, Needs, ViewMessages, ViewSubscribers};
use crate::http::toast::see_saying;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::SubscriberId;
use crate::notifications::MessageFilter;
use crate::subscribers::{self, Account, AccountWish, Location, Subscriber, SubscriberWish};
use crate::tickets::TicketFilter;
use crate::{portal, subscriptions, tenants};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/subscribers", get(list).post(add))
        .route("/subscribers/new", get(new))
        .route("/subscribers/{id}", get(show).post(change))
        .route("/subscribers/{id}/accounts", post(add_account))
        .route("/subscribers/{id}/edit", get(edit))
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
    let here = address("/subscribers", &[("q", &search)]);
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

async fn show(screen: Screen<ViewSubscribers>, ApiPath(id): ApiPath<SubscriberId>) -> Result<Response, Problem> {
    shown(&screen, id, None).await
}

/// A subscriber with all that is theirs; `link` is a fresh one into the portal, shown this once.
pub(super) async fn shown<P: Needs>(
    screen: &Screen<P>,
    id: SubscriberId,
    link: Option<String>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let subscriber = subscribers::subscriber(&mut tx, id).await?;
    let accounts = subscribers::accounts(&mut tx, Some(id), MANY).await?;
    let locations = subscribers::locations(&mut tx, Some(id), MANY).await?;
    let mut lines = Vec::new();
    for account in &accounts {
        lines.extend(subscriptions::subscriptions(&mut tx, Some(account.id), MANY).await?);
    }
    let filter = TicketFilter { subscriber: Some(id), ..TicketFilter::default() };
    let asked = tickets::about(screen, &mut tx, filter, format!("/tickets/new?subscriber_id={id}")).await?;
    let sold = rows_of(screen, &mut tx, lines).await?;
    let (portal, ways_in) = portal_of(screen, &mut tx, &subscriber).await?;
    let written = MessageFilter { subscriber: Some(id), ..MessageFilter::default() };
    let written = match screen.may::<ViewMessages>() {
        true => Some(messages::section_of(screen, &mut tx, &written).await?),
        false => None,
    };
    let mut sections = owned(screen, id, accounts, locations, sold);
    sections.extend(written);
    sections.extend(asked);
    let since = format::date(screen.frame.lang, subscriber.created_at.with_timezone(&screen.zone).date_naive());
    let page = Show {
        frame: &screen.frame,
        up: ("/subscribers".into(), screen.t("nav-subscribers")),
        title: subscriber.name,
        lede: screen.frame.t1("subscribers-since", "date", &since),
        actions: screen
            .may::<ManageSubscribers>()
            .then(|| Action::go(format!("/subscribers/{id}/edit"), screen.t("edit")))
            .into_iter()
            .chain(ways_in)
            .collect(),
        command: link.map(|link| (link, screen.t("portal-link-lede"))),
        facts: vec![
            (screen.t("email"), Cell::Text(subscriber.email.unwrap_or_else(|| "—".into()))),
            (screen.t("phone"), Cell::Text(subscriber.phone.unwrap_or_else(|| "—".into()))),
            (screen.t("language"), Cell::Text(screen.t(&format!("language-{}", subscriber.language)))),
            (screen.t("nav-portal"), portal),
            (screen.t("id"), Cell::Code(id.to_string())),
        ],
        sections,
        form: None,
    };
    html(StatusCode::OK, &page)
}

/// The lines, accounts and locations of a subscriber.
fn owned<P: Needs>(
    screen: &Screen<P>,
    id: SubscriberId,
    accounts: Vec<Account>,
    locations: Vec<Location>,
    sold: Table,
) -> Vec<Section> {
    let changes = screen.may::<ManageSubscribers>();
    let sells = screen.may::<ManageSubscriptions>() && !accounts.is_empty() && !locations.is_empty();
    let account_rows = accounts.into_iter().map(|account| {
        vec![
            Cell::link(format!("/accounts/{}", account.id), account.number),
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
    let names = |keys: &[&str]| keys.iter().map(|key| screen.t(key)).collect::<Vec<_>>();
    vec![
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
    ]
}

/// How a subscriber stands with the portal, and how staff let them in or out.
async fn portal_of<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    subscriber: &Subscriber,
) -> Result<(Cell, Vec<Action>), Problem> {
    let login = portal::login(tx, subscriber.id).await?;
    let told = |key: &str, at| {
        let at = format::instant(screen.frame.lang, at, screen.zone);
        screen.frame.t1(key, "date", &at)
    };
    let words = match (login.password_set_at, login.link_requested_at) {
        (password, Some(asked)) if password.is_none_or(|password| asked > password) => told("portal-asked-link", asked),
        (Some(since), _) => told("portal-signs-in", since),
        (None, _) => screen.t("portal-no-password"),
    };
    let own = format!("/subscribers/{}", subscriber.id);
    let mut actions = Vec::new();
    if screen.may::<ManageSubscribers>() && subscriber.email.is_some() {
        actions.push(Action::post(format!("{own}/portal-link"), screen.t("portal-link-make")));
    }
    if screen.may::<ManageSubscribers>() && login.password_set_at.is_some() {
        actions.push(Action::post(format!("{own}/portal-sign-out"), screen.t("portal-sign-out-everywhere")));
    }
    Ok((Cell::Text(words), actions))
}

async fn new(screen: Screen<ManageSubscribers>) -> Result<Response, Problem> {
    form(&screen, None, &Fields::default(), None)
}

async fn add(screen: Screen<ManageSubscribers>, fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    match subscribers::add_subscriber(&mut tx, wish(&fields)).await.map_err(Problem::from) {
        Ok(subscriber) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/subscribers/{}", subscriber.id), "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => form(&screen, None, &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

async fn edit(screen: Screen<ManageSubscribers>, ApiPath(id): ApiPath<SubscriberId>) -> Result<Response, Problem> {
    let subscriber = subscribers::subscriber(&mut screen.read().await?, id).await?;
    let fields = Fields::of([
        ("name", subscriber.name.clone()),
        ("email", subscriber.email.unwrap_or_default()),
        ("phone", subscriber.phone.unwrap_or_default()),
        ("language", subscriber.language),
    ]);
    form(&screen, Some((id, subscriber.name)), &fields, None)
}

async fn change(
    screen: Screen<ManageSubscribers>,
    ApiPath(id): ApiPath<SubscriberId>,
    fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let before = subscribers::subscriber(&mut tx, id).await?;
    match subscribers::change_subscriber(&mut tx, id, wish(&fields)).await.map_err(Problem::from) {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/subscribers/{id}"), "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => form(&screen, Some((id, before.name)), &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

fn wish(fields: &Fields) -> SubscriberWish {
    SubscriberWish {
        name: fields.text("name"),
        email: fields.option("email"),
        phone: fields.option("phone"),
        language: fields.option("language"),
    }
}

/// The form of a new subscriber, or of one there is, with their name.
fn form(
    screen: &Screen<ManageSubscribers>,
    of: Option<(SubscriberId, String)>,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut languages: Vec<_> =
        tenants::LANGUAGES.map(|tag| (tag.to_owned(), screen.t(&format!("language-{tag}")))).to_vec();
    if of.is_none() {
        languages.insert(0, (String::new(), screen.t("language-isp")));
    }
    let asked = Asking::new(&screen.frame, fields, problem)
        .ask("name", "name", Input::Line("text"))
        .ask("email", "email", Input::Line("email"))
        .ask("phone", "phone", Input::Line("tel"))
        .ask("language", "language", Input::Choice(languages));
    let (up, title, lede, action) = match of {
        None => (
            ("/subscribers".into(), screen.t("nav-subscribers")),
            screen.t("subscribers-new"),
            screen.t("subscribers-new-lede"),
            "/subscribers".to_owned(),
        ),
        Some((id, name)) => {
            let own = format!("/subscribers/{id}");
            ((own.clone(), name), screen.t("subscribers-edit"), screen.t("subscribers-edit-lede"), own)
        }
    };
    let page = Form { frame: &screen.frame, up, title, lede, form: asked.inset(String::new(), action, "save") };
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
    Ok(see_saying(&format!("/subscribers/{id}"), "done-saved"))
}
