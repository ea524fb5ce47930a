//! `/access-points`: adding one, changing it, removing it, and placing a line behind one.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use rust_decimal::Decimal;
use weir_ui::blocks::Input;
use weir_ui::pages::{Confirm, Form};

use super::access_points::{Below, hanging, hangs_on};
use super::catalog::{MEGABIT, read_scaled};
use super::{Asking, MANY, form_status};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::fleet::access_points as fleet;
use crate::http::page::{Fields, Screen, html, is_about_the_form, see};
use crate::http::permission::{ManageNetwork, ManageSubscriptions};
use crate::http::toast::see_saying;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::{AccessPointId, RouterId, SubscriptionId};
use crate::network::{self, AccessPoint, AccessPointChange, AccessPointWish};
use crate::subscribers;
use crate::subscriptions::{self, Behind};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/access-points/new", get(new).post(add))
        .route("/access-points/{id}/edit", get(edit).post(change))
        .route("/access-points/{id}/remove", get(ask_remove).post(remove))
        .route("/subscriptions/{id}/access-point", get(ask_behind).post(place))
}

async fn new(screen: Screen<ManageNetwork>, ApiQuery(query): ApiQuery<Below>) -> Result<Response, Problem> {
    let Some(router) = query.router_id else { return choose_router(&screen).await };
    form(&screen, router, None, &Fields::of([("router_id", router.to_string())]), None).await
}

/// An access point is below a router: which comes first, for it decides on what it can hang.
async fn choose_router(screen: &Screen<ManageNetwork>) -> Result<Response, Problem> {
    let routers = network::routers(&mut screen.read().await?, MANY).await?;
    let routers = routers.into_iter().map(|router| (router.id.to_string(), router.name)).collect();
    let fields = Fields::default();
    let asked = Asking::new(&screen.frame, &fields, None).ask("router_id", "router", Input::Choice(routers));
    let page = Form {
        frame: &screen.frame,
        up: ("/access-points".into(), screen.t("nav-access-points")),
        title: screen.t("access-points-new"),
        lede: screen.t("access-points-new-lede"),
        form: asked.inset(String::new(), "/access-points/new", "access-points-continue"),
    };
    html(StatusCode::OK, &page)
}

async fn add(screen: Screen<ManageNetwork>, mut fields: Fields) -> Result<Response, Problem> {
    let Some(router_id) = fields.read("router_id", "error-choose") else { return Err(fields.problem()) };
    if fields.text("name").is_empty() && fields.text("peak_down").is_empty() {
        return Ok(see(&format!("/access-points/new?router_id={router_id}")));
    }
    let mut tx = screen.begin().await?;
    let added = match wish(&mut fields) {
        Ok(change) => fleet::add_access_point(&mut tx, below(router_id, change)).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match added {
        Ok(one) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/access-points/{}", one.id), "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            form(&screen, router_id, None, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

fn below(router_id: RouterId, change: AccessPointChange) -> AccessPointWish {
    AccessPointWish {
        router_id,
        parent_id: change.parent_id,
        name: change.name,
        committed_down_bps: change.committed_down_bps,
        committed_up_bps: change.committed_up_bps,
        peak_down_bps: change.peak_down_bps,
        peak_up_bps: change.peak_up_bps,
    }
}

async fn edit(screen: Screen<ManageNetwork>, ApiPath(id): ApiPath<AccessPointId>) -> Result<Response, Problem> {
    let one = network::access_point(&mut screen.read().await?, id).await?;
    let rate = |bps: i64| (Decimal::from(bps) / Decimal::from(MEGABIT)).normalize().to_string();
    let fields = Fields::of([
        ("name", one.name.clone()),
        ("parent_id", one.parent_id.map(|parent| parent.to_string()).unwrap_or_default()),
        ("peak_down", rate(one.peak_down_bps)),
        ("peak_up", rate(one.peak_up_bps)),
        ("committed_down", rate(one.committed_down_bps)),
        ("committed_up", rate(one.committed_up_bps)),
    ]);
    form(&screen, one.router_id, Some(&one), &fields, None).await
}

async fn change(
    screen: Screen<ManageNetwork>,
    ApiPath(id): ApiPath<AccessPointId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let before = network::access_point(&mut tx, id).await?;
    let changed = match wish(&mut fields) {
        Ok(wish) => fleet::change_access_point(&mut tx, id, wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match changed {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/access-points/{id}"), "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            form(&screen, before.router_id, Some(&before), &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

fn wish(fields: &mut Fields) -> Result<AccessPointChange, Problem> {
    let parent_id = fields.read_option("parent_id", "error-choose");
    let peaks = ["peak_down", "peak_up"].map(|name| read_scaled(fields, name, MEGABIT));
    let committed = ["committed_down", "committed_up"]
        .map(|name| if fields.get(name).is_empty() { Some(0) } else { read_scaled(fields, name, MEGABIT) });
    let problem = fields.problem();
    match (peaks, committed) {
        ([Some(peak_down_bps), Some(peak_up_bps)], [Some(committed_down_bps), Some(committed_up_bps)])
            if problem.errors.is_empty() =>
        {
            let name = fields.text("name");
            Ok(AccessPointChange { parent_id, name, committed_down_bps, committed_up_bps, peak_down_bps, peak_up_bps })
        }
        _ => Err(problem),
    }
}

/// What something below a router can hang on, or be behind.
async fn places(
    tx: &mut TenantTx,
    none: String,
    router: RouterId,
    but: Option<AccessPointId>,
) -> Result<Vec<(String, String)>, Problem> {
    let there = network::access_points_of(tx, router).await?;
    let others = there.into_iter().filter(|one| Some(one.id) != but).map(|one| (one.id.to_string(), one.name));
    Ok([(String::new(), none)].into_iter().chain(others).collect())
}

/// The form of a new access point below a router, or of one there is.
async fn form(
    screen: &Screen<ManageNetwork>,
    router: RouterId,
    of: Option<&AccessPoint>,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let router = network::router(&mut tx, router).await?;
    let parents = places(&mut tx, screen.t("hangs-on-ports"), router.id, of.map(|one| one.id)).await?;
    let asked = Asking::new(&screen.frame, fields, problem)
        .ask("name", "name", Input::Line("text"))
        .ask("parent_id", "hangs-on", Input::Choice(parents))
        .ask("peak_down", "peak-down-mbit", Input::Line("text"))
        .ask("peak_up", "peak-up-mbit", Input::Line("text"))
        .ask("committed_down", "committed-down-mbit", Input::Line("text"))
        .ask("committed_up", "committed-up-mbit", Input::Line("text"));
    let (up, title, action, asked) = match of {
        None => {
            let up = (format!("/routers/{}", router.id), router.name);
            let asked = asked.ask("router_id", "router", Input::Hidden);
            (up, "access-points-new", "/access-points/new".to_owned(), asked)
        }
        Some(one) => {
            let own = format!("/access-points/{}", one.id);
            ((own.clone(), one.name.clone()), "access-points-edit", format!("{own}/edit"), asked)
        }
    };
    let page = Form {
        frame: &screen.frame,
        up,
        title: screen.t(title),
        lede: screen.t("access-points-form-lede"),
        form: asked.inset(String::new(), action, "save"),
    };
    html(form_status(problem), &page)
}

async fn ask_remove(screen: Screen<ManageNetwork>, ApiPath(id): ApiPath<AccessPointId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let one = network::access_point(&mut tx, id).await?;
    let own = format!("/access-points/{id}");
    let fields = Fields::default();
    let page = Confirm {
        frame: &screen.frame,
        title: screen.frame.t1("access-points-remove-title", "name", &one.name),
        lede: screen.t("access-points-remove-lede"),
        facts: vec![(screen.t("hangs-on"), hangs_on(&screen, &mut tx, &one).await?)],
        sections: hanging(&screen, &mut tx, &one).await?,
        form: Asking::new(&screen.frame, &fields, None).inset(
            String::new(),
            format!("{own}/remove"),
            "access-points-remove",
        ),
        up: (own, one.name),
        danger: true,
    };
    html(StatusCode::OK, &page)
}

async fn remove(screen: Screen<ManageNetwork>, ApiPath(id): ApiPath<AccessPointId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    fleet::remove_access_point(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying("/access-points", "done-removed"))
}

async fn ask_behind(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
) -> Result<Response, Problem> {
    let sold = subscriptions::subscription(&mut screen.read().await?, id).await?;
    let now = sold.access_point_id.map(|one| one.to_string()).unwrap_or_default();
    behind_form(&screen, id, &Fields::of([("access_point_id", now)]), None).await
}

async fn place(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let access_point_id = fields.read_option("access_point_id", "error-choose");
    let problem = fields.problem();
    let mut tx = screen.begin().await?;
    let placed = match problem.errors.is_empty() {
        true => subscriptions::place_behind(&mut tx, id, Behind { access_point_id }).await.map_err(Problem::from),
        false => Err(problem),
    };
    match placed {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/subscriptions/{id}"), "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            behind_form(&screen, id, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn behind_form(
    screen: &Screen<ManageSubscriptions>,
    id: SubscriptionId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let sold = subscriptions::subscription(&mut tx, id).await?;
    let account = subscribers::account(&mut tx, sold.account_id).await?;
    let subscriber = subscribers::subscriber(&mut tx, account.subscriber_id).await?;
    let places = places(&mut tx, screen.t("hangs-on-ports"), sold.router_id, None).await?;
    let asked =
        Asking::new(&screen.frame, fields, problem).ask("access_point_id", "access-point", Input::Choice(places));
    let page = Form {
        frame: &screen.frame,
        up: (format!("/subscriptions/{id}"), subscriber.name),
        title: screen.t("subscriptions-behind"),
        lede: screen.t("subscriptions-behind-lede"),
        form: asked.inset(String::new(), format!("/subscriptions/{id}/access-point"), "save"),
    };
    html(form_status(problem), &page)
}
