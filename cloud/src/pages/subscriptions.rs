//! `/subscriptions`: what was sold, what the line may do, and why.

use std::collections::HashMap;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Inset, List, Section, Show};

use super::{
    Asking, access_tone, contracts, diagnostics, discounts, fair_use, form_status, identities, line_boosts,
    line_probes, next_page, page_of, pauses, port_blocks, quality, sales, tickets, traffic,
};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::paging::PageQuery;
use crate::http::permission::{ManageHolds, ManageSubscriptions, Needs, ViewSubscribers};
use crate::http::toast::see_saying;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::{HoldId, SubscriptionId};
use crate::subscriptions::{self, Hold, HoldWish, Status, Subscription};
use crate::tickets::TicketFilter;
use crate::{catalog, network, subscribers};

const KINDS: [&str; 6] = ["manual", "unpaid", "quota", "fraud", "abuse", "seasonal"];
/// What is told of a subscription in a list.
pub(super) const COLUMNS: [&str; 6] = ["subscription", "plan", "status", "access", "prefixes", "starts"];
const EFFECTS: [&str; 3] = ["walled_garden", "throttled", "closed"];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/subscriptions", get(list).post(sales::sell))
        .route("/subscriptions/new", get(sales::new))
        .route("/subscriptions/{id}", get(show))
        .route("/subscriptions/{id}/holds", post(place))
        .route("/holds/{id}/release", post(release))
}

async fn list(screen: Screen<ViewSubscribers>, ApiQuery(query): ApiQuery<PageQuery>) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let mut tx = screen.read().await?;
    let mut sold = subscriptions::subscriptions(&mut tx, None, page).await?;
    let next = next_page(&mut sold, page, "/subscriptions", |sold| sold.id.uuid());
    let table = rows_of(&screen, &mut tx, sold).await?;
    let page = List {
        frame: &screen.frame,
        title: screen.t("nav-subscriptions"),
        lede: screen.t("subscriptions-lede"),
        action: screen
            .may::<ManageSubscriptions>()
            .then(|| Action::go("/subscribers", screen.t("subscriptions-choose"))),
        search: None,
        table,
        empty: screen.t("subscriptions-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

/// Subscriptions as rows, under the names of their subscribers.
pub(super) async fn rows_of<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    sold: Vec<Subscription>,
) -> Result<Table, Problem> {
    let lang = screen.frame.lang;
    let ids: Vec<_> = sold.iter().map(|sold| sold.id).collect();
    let names = subscriptions::names(tx, &ids).await?;
    let rows = sold.into_iter().map(|sold| {
        let address = sold.address().to_owned();
        vec![
            named(&names, sold.id),
            Cell::Text(sold.plan_name),
            status(screen, sold.status),
            Cell::status(access_tone(&sold.access), screen.t(&format!("access-{}", sold.access))),
            Cell::Code(address),
            Cell::Number(format::date(lang, sold.starts_on)),
        ]
    });
    Ok(Table::new(COLUMNS.map(|key| screen.t(key)).to_vec(), rows.collect()))
}

/// A way to a subscription, under its subscriber's name.
pub(super) fn named(names: &HashMap<SubscriptionId, String>, id: SubscriptionId) -> Cell {
    Cell::link(format!("/subscriptions/{id}"), names.get(&id).map_or("—", String::as_str))
}

fn status<P: Needs>(screen: &Screen<P>, status: Status) -> Cell {
    let (tone, key) = match status {
        Status::Ordered => (Tone::Mute, "status-ordered"),
        Status::Active => (Tone::Ok, "status-active"),
        Status::Ending => (Tone::Warn, "status-ending"),
        Status::Closed => (Tone::Mute, "status-closed"),
    };
    Cell::status(tone, screen.t(key))
}

async fn show(screen: Screen<ViewSubscribers>, ApiPath(id): ApiPath<SubscriptionId>) -> Result<Response, Problem> {
    shown(&screen, id, &Fields::of([("effect", "walled_garden".into())]), None).await
}

async fn shown<P: Needs>(
    screen: &Screen<P>,
    id: SubscriptionId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let sold = subscriptions::subscription(&mut tx, id).await?;
    let account = subscribers::account(&mut tx, sold.account_id).await?;
    let subscriber = subscribers::subscriber(&mut tx, account.subscriber_id).await?;
    let place = subscribers::location(&mut tx, sold.service_location_id).await?;
    let router = network::router(&mut tx, sold.router_id).await?;
    let behind = behind(&mut tx, &sold).await?;
    let price = catalog::version(&mut tx, sold.plan_version_id).await?.price;
    let holds = subscriptions::holds(&mut tx, id).await?;
    let standing = crate::fair_use::standing(&mut tx, id).await?;
    let (now, lang) = (tx.at(), screen.frame.lang);
    let rates =
        format!("{} / {}", format::bit_rate(lang, sold.rate_down_bps), format::bit_rate(lang, sold.rate_up_bps));
    let mut facts = vec![
        (screen.t("access"), Cell::status(access_tone(&sold.access), screen.t(&format!("access-{}", sold.access)))),
        (screen.t("status"), status(screen, sold.status)),
        (screen.t("subscriber"), Cell::link(format!("/subscribers/{}", subscriber.id), &subscriber.name)),
        (screen.t("account"), Cell::link(format!("/accounts/{}", account.id), account.number)),
        (screen.t("plan"), Cell::Text(sold.plan_name.clone())),
        (screen.t("price"), Cell::Text(format::money(lang, price.amount, &price.currency))),
        (screen.t("rates"), Cell::Text(rates)),
        (screen.t("prefixes"), Cell::Code(sold.prefixes.join("  "))),
        (screen.t("identities"), identities::known_by(&sold)),
        (screen.t("location"), Cell::Text(format!("{}, {}", place.line1, place.city))),
        (screen.t("router"), Cell::link(format!("/routers/{}", router.id), router.name)),
        (screen.t("access-point"), behind),
        (screen.t("starts"), Cell::Text(format::date(lang, sold.starts_on))),
        (screen.t("ends"), Cell::Text(sold.ends_on.map_or(screen.t("open-end"), |day| format::date(lang, day)))),
        (screen.t("id"), Cell::Code(id.to_string())),
    ];
    let filter = TicketFilter { subscription: Some(id), ..TicketFilter::default() };
    let asked = tickets::about(screen, &mut tx, filter, format!("/tickets/new?subscription_id={id}")).await?;
    let (boosted, boosts) = line_boosts::of_line(screen, &mut tx, &sold).await?;
    facts.splice(2..2, fair_use::facts(screen, &standing).into_iter().chain(boosted));
    let measured = quality::facts(screen, &mut tx, id).await?;
    facts.splice(facts.len() - 1..facts.len() - 1, measured);
    let mut sections = vec![traffic(&screen.frame, format!("line:{id}"))];
    sections.extend(identities::sections(screen, &mut tx, &sold).await?);
    sections.extend(port_blocks::of_line(screen, &mut tx, id).await?);
    sections.extend(quality::of_line(screen, &mut tx, id).await?);
    sections.extend(line_probes::of_line(screen, &mut tx, id).await?);
    sections.extend(fair_use::sections(screen, id, &standing));
    sections.push(boosts);
    sections.push(discounts::of_line(screen, &mut tx, &sold).await?);
    let (bound, contracts) = contracts::of_line(screen, &mut tx, &sold).await?;
    facts.splice(2..2, bound);
    sections.push(contracts);
    sections.push(pauses::of_line(screen, &mut tx, &sold).await?);
    sections.push(holds_of(screen, &holds, now));
    sections.extend(asked);
    let page = Show {
        frame: &screen.frame,
        up: ("/subscriptions".into(), screen.t("nav-subscriptions")),
        title: screen.frame.t1("subscriptions-title", "name", &subscriber.name),
        lede: screen.frame.t1(&format!("access-{}-lede", sold.access), "plan", &sold.plan_name),
        actions: actions(screen, &sold),
        command: None,
        facts,
        sections,
        form: screen.may::<ManageHolds>().then(|| hold_form(screen, id, fields, problem)),
    };
    html(form_status(problem), &page)
}

fn holds_of<P: Needs>(screen: &Screen<P>, holds: &[Hold], now: DateTime<Utc>) -> Section {
    let in_force = |hold: &Hold| hold.released_at.is_none() && hold.until.is_none_or(|until| until > now);
    let rows = holds.iter().map(|hold| hold_row(screen, hold, in_force(hold))).collect();
    let names = ["hold", "effect", "reason", "since", "until", "status"].map(|key| screen.t(key)).to_vec();
    Section { title: screen.t("holds"), action: None, table: Table::new(names, rows), empty: screen.t("holds-empty") }
}

/// The access point a line is behind.
async fn behind(tx: &mut TenantTx, sold: &Subscription) -> Result<Cell, Problem> {
    let Some(id) = sold.access_point_id else { return Ok(Cell::Text("—".into())) };
    let access_point = network::access_point(tx, id).await?;
    Ok(Cell::link(format!("/access-points/{id}"), access_point.name))
}

/// What can be done to a subscription that is not over.
fn actions<P: Needs>(screen: &Screen<P>, sold: &Subscription) -> Vec<Action> {
    if sold.status == Status::Closed {
        return Vec::new();
    }
    let probe = line_probes::action(screen, sold.id).into_iter().chain(diagnostics::of_line(screen, sold));
    if !screen.may::<ManageSubscriptions>() {
        return probe.collect();
    }
    let ways = [
        ("change-plan", "change-plan"),
        ("access-point", "subscriptions-behind"),
        ("identities", "identities-change"),
        ("end", "end"),
    ];
    let ways = ways.map(|(path, key)| Action::go(format!("/subscriptions/{}/{path}", sold.id), screen.t(key)));
    let charge = format!("/accounts/{}/charges?subscription_id={}", sold.account_id, sold.id);
    let charge = Action::go(charge, screen.t("charges-add"));
    ways.into_iter().chain([charge]).chain(probe).collect()
}

fn hold_row<P: Needs>(screen: &Screen<P>, hold: &Hold, in_force: bool) -> Vec<Cell> {
    let at = |at| Cell::Text(format::instant(screen.frame.lang, at, screen.zone));
    let status = match (hold.released_at, in_force) {
        (None, true) if screen.may::<ManageHolds>() && hold.pause_id.is_none() => {
            Cell::Post { action: format!("/holds/{}/release", hold.id), text: screen.t("holds-release") }
        }
        (None, true) => Cell::status(Tone::Warn, screen.t("holds-in-force")),
        (None, false) => Cell::status(Tone::Mute, screen.t("holds-over")),
        (Some(_), _) => Cell::status(Tone::Mute, screen.t("holds-released")),
    };
    vec![
        Cell::Text(screen.t(&format!("hold-{}", hold.kind))),
        Cell::Text(screen.t(&format!("access-{}", hold.effect))),
        Cell::Text(hold.reason.clone()),
        at(hold.placed_at),
        hold.until.map_or(Cell::Text("—".into()), at),
        status,
    ]
}

fn hold_form<P: Needs>(screen: &Screen<P>, id: SubscriptionId, fields: &Fields, problem: Option<&Problem>) -> Inset {
    let kinds = KINDS.map(|kind| (kind.to_owned(), screen.t(&format!("hold-{kind}")))).to_vec();
    let effects = EFFECTS.map(|effect| (effect.to_owned(), screen.t(&format!("access-{effect}")))).to_vec();
    Asking::new(&screen.frame, fields, problem)
        .ask("kind", "hold", Input::Choice(kinds))
        .ask("effect", "effect", Input::Choice(effects))
        .ask("reason", "reason", Input::Line("text"))
        .inset(screen.t("holds-place"), format!("/subscriptions/{id}/holds"), "holds-place")
}

async fn place(
    screen: Screen<ManageHolds>,
    ApiPath(id): ApiPath<SubscriptionId>,
    fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let wish = HoldWish {
        kind: fields.text("kind"),
        effect: fields.text("effect"),
        reason: fields.text("reason"),
        until: None,
    };
    match subscriptions::place_hold(&mut tx, id, wish).await.map_err(Problem::from) {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/subscriptions/{id}"), "done-hold"))
        }
        Err(problem) if is_about_the_form(&problem) => shown(&screen, id, &fields, Some(&problem)).await,
        Err(problem) => Err(problem),
    }
}

async fn release(screen: Screen<ManageHolds>, ApiPath(id): ApiPath<HoldId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let hold = subscriptions::release_hold(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/subscriptions/{}", hold.subscription_id), "done-released"))
}
