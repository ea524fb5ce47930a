//! What routers tell: `/routers/{id}/unknown-hosts`, `/routers/{id}/refusals` and `/routers/{id}/events`.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::fleet::events::{self, Event, Severity};
use crate::fleet::refusals::{self, Refusal};
use crate::fleet::unknown_hosts::{self, UnknownHostsSeen};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::ViewNetwork;
use crate::http::{ApiPath, ApiQuery, Staff};
use crate::ids::RouterId;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(unknown)).routes(routes!(refused)).routes(routes!(told))
}

/// Hosts behind a router that no line has, as the router told last.
#[utoipa::path(get, path = "/routers/{id}/unknown-hosts", tag = "network", params(("id" = RouterId, Path)),
    responses((status = 200, body = UnknownHostsSeen), Refusals), security(("session" = ["view-network"])))]
async fn unknown(
    State(app): State<App>,
    staff: Staff<ViewNetwork>,
    ApiPath(id): ApiPath<RouterId>,
) -> Result<Json<UnknownHostsSeen>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(unknown_hosts::of_router(&mut tx, id).await?))
}

/// What a router refuses of what it should hold, and why.
#[utoipa::path(get, path = "/routers/{id}/refusals", tag = "network", params(("id" = RouterId, Path), PageQuery),
    responses((status = 200, body = Listed<Refusal>), Refusals), security(("session" = ["view-network"])))]
async fn refused(
    State(app): State<App>,
    staff: Staff<ViewNetwork>,
    ApiPath(id): ApiPath<RouterId>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<Refusal>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let refused = refusals::of_router(&mut tx, id, page).await?;
    Ok(Json(Listed::new(refused, page, |one| one.place, |one| one)))
}

/// Which of a router's events.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct EventQuery {
    /// Only those that matter so much.
    #[param(inline)]
    severity: Option<Severity>,
    /// `next` of the page before.
    after: Option<String>,
    /// Items a page, at most 200; 50 if not given.
    limit: Option<u32>,
}

/// What a router wanted people to know in the last 90 days, what it told last first.
#[utoipa::path(get, path = "/routers/{id}/events", tag = "network", params(("id" = RouterId, Path), EventQuery),
    responses((status = 200, body = Listed<Event>), Refusals), security(("session" = ["view-network"])))]
async fn told(
    State(app): State<App>,
    staff: Staff<ViewNetwork>,
    ApiPath(id): ApiPath<RouterId>,
    ApiQuery(query): ApiQuery<EventQuery>,
) -> Result<Json<Listed<Event>>, Problem> {
    let page = PageQuery { after: query.after, limit: query.limit }.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let told = events::of_router(&mut tx, id, query.severity, page).await?;
    Ok(Json(Listed::new(told, page, |one| one.id, |one| one)))
}
