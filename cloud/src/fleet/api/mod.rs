//! Routers and agents: `/routers` and `/access-points` (what is wired is `network`'s, what runs is ours), `/agents`.
//! What routers tell: [`told`].

mod held;
mod told;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Agent, Enforcement, access_points, enrollment};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageNetwork, ViewNetwork};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::{AccessPointId, AgentId, RouterId};
use crate::network::{self, AccessPoint, AccessPointChange, AccessPointWish, Router, RouterWish};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_routers, add_router))
        .routes(routes!(show_router, change_router, remove_router))
        .routes(routes!(make_token))
        .routes(routes!(revoke))
        .routes(routes!(confirm_removals))
        .routes(routes!(enforcement))
        .merge(told::routes())
        .merge(held::routes())
        .routes(routes!(list_agents))
        .routes(routes!(show_agent))
        .routes(routes!(list_access_points, add_access_point))
        .routes(routes!(show_access_point, change_access_point, remove_access_point))
}

/// A single-use enrollment token. It is shown once.
#[derive(Serialize, ToSchema)]
struct TokenJson {
    /// What to copy onto the router.
    token: String,
    /// Until when it may be used.
    expires_at: DateTime<Utc>,
    /// The one line to run on the router.
    command: String,
}

/// Routers, by name.
#[utoipa::path(get, path = "/routers", tag = "network", params(PageQuery), responses((status = 200, body = Listed<Router>), Refusals),
    security(("session" = ["view-network"])))]
async fn list_routers(
    State(app): State<App>,
    staff: Staff<ViewNetwork>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<Router>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let routers = network::routers(&mut tx, page).await?;
    Ok(Json(Listed::new(routers, page, |router| router.id.uuid(), |router| router)))
}

/// Add a router.
#[utoipa::path(post, path = "/routers", tag = "network", request_body = RouterWish, responses((status = 201, body = Router), Refusals),
    security(("session" = ["manage-network"])))]
async fn add_router(
    State(app): State<App>,
    staff: Staff<ManageNetwork>,
    ApiJson(wish): ApiJson<RouterWish>,
) -> Result<(StatusCode, Json<Router>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let router = network::add_router(&mut tx, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(router)))
}

/// One router.
#[utoipa::path(get, path = "/routers/{id}", tag = "network", params(("id" = RouterId, Path)), responses((status = 200, body = Router), Refusals),
    security(("session" = ["view-network"])))]
async fn show_router(
    State(app): State<App>,
    staff: Staff<ViewNetwork>,
    ApiPath(id): ApiPath<RouterId>,
) -> Result<Json<Router>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(network::router(&mut tx, id).await?))
}

/// Change a router; its agent learns of it at once.
#[utoipa::path(put, path = "/routers/{id}", tag = "network", params(("id" = RouterId, Path)), request_body = RouterWish,
    responses((status = 200, body = Router), Refusals), security(("session" = ["manage-network"])))]
async fn change_router(
    State(app): State<App>,
    staff: Staff<ManageNetwork>,
    ApiPath(id): ApiPath<RouterId>,
    ApiJson(wish): ApiJson<RouterWish>,
) -> Result<Json<Router>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let router = super::change_router(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok(Json(router))
}

/// Remove a router that never had an agent or a line.
#[utoipa::path(delete, path = "/routers/{id}", tag = "network", params(("id" = RouterId, Path)), responses((status = 204), Refusals),
    security(("session" = ["manage-network"])))]
async fn remove_router(
    State(app): State<App>,
    staff: Staff<ManageNetwork>,
    ApiPath(id): ApiPath<RouterId>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    network::remove_router(&mut tx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a single-use enrollment token for a router.
#[utoipa::path(post, path = "/routers/{id}/enrollment-tokens", tag = "network", params(("id" = RouterId, Path)),
    responses((status = 201, body = TokenJson), Refusals), security(("session" = ["manage-network"])))]
async fn make_token(
    State(app): State<App>,
    staff: Staff<ManageNetwork>,
    ApiPath(id): ApiPath<RouterId>,
) -> Result<(StatusCode, Json<TokenJson>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let token = enrollment::make_token(&app, &mut tx, id).await?;
    tx.commit().await?;
    let command = token.command();
    Ok((StatusCode::CREATED, Json(TokenJson { token: token.text, expires_at: token.expires_at, command })))
}

/// Revoke a router's agent: it keeps enforcing what it holds, and may no longer connect.
#[utoipa::path(post, path = "/routers/{id}/agent/revoke", tag = "network", params(("id" = RouterId, Path)), responses((status = 204), Refusals),
    security(("session" = ["manage-network"])))]
async fn revoke(
    State(app): State<App>,
    staff: Staff<ManageNetwork>,
    ApiPath(id): ApiPath<RouterId>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    super::revoke(&mut tx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Confirm everything a router's agent holds back: the removal and the suspension of many lines at once, and whatever a
/// restored database takes away.
#[utoipa::path(post, path = "/routers/{id}/agent/confirm-removals", tag = "network", params(("id" = RouterId, Path)), responses((status = 204), Refusals),
    security(("session" = ["manage-network"])))]
async fn confirm_removals(
    State(app): State<App>,
    staff: Staff<ManageNetwork>,
    ApiPath(id): ApiPath<RouterId>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    super::confirm_removals(&mut tx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a router should hold beside what it holds.
#[utoipa::path(get, path = "/routers/{id}/enforcement", tag = "network", params(("id" = RouterId, Path)), responses((status = 200, body = Enforcement), Refusals),
    security(("session" = ["view-network"])))]
async fn enforcement(
    State(app): State<App>,
    staff: Staff<ViewNetwork>,
    ApiPath(id): ApiPath<RouterId>,
) -> Result<Json<Enforcement>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::enforcement(&mut tx, id).await?))
}

/// Agents, newest first.
#[utoipa::path(get, path = "/agents", tag = "network", params(PageQuery), responses((status = 200, body = Listed<Agent>), Refusals),
    security(("session" = ["view-network"])))]
async fn list_agents(
    State(app): State<App>,
    staff: Staff<ViewNetwork>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<Agent>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let agents = super::agents(&mut tx, page).await?;
    Ok(Json(Listed::new(agents, page, |agent| agent.id.uuid(), |agent| agent)))
}

/// One agent with its usage log.
#[utoipa::path(get, path = "/agents/{id}", tag = "network", params(("id" = AgentId, Path)), responses((status = 200, body = Agent), Refusals),
    security(("session" = ["view-network"])))]
async fn show_agent(
    State(app): State<App>,
    staff: Staff<ViewNetwork>,
    ApiPath(id): ApiPath<AgentId>,
) -> Result<Json<Agent>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::agent(&mut tx, id).await?))
}

/// Access points, by name.
#[utoipa::path(get, path = "/access-points", tag = "network", params(PageQuery),
    responses((status = 200, body = Listed<AccessPoint>), Refusals), security(("session" = ["view-network"])))]
async fn list_access_points(
    State(app): State<App>,
    staff: Staff<ViewNetwork>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<AccessPoint>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let found = network::access_points(&mut tx, page).await?;
    Ok(Json(Listed::new(found, page, |one| one.id.uuid(), |one| one)))
}

/// Add an access point below a router; its agent learns of it at once.
#[utoipa::path(post, path = "/access-points", tag = "network", request_body = AccessPointWish,
    responses((status = 201, body = AccessPoint), Refusals), security(("session" = ["manage-network"])))]
async fn add_access_point(
    State(app): State<App>,
    staff: Staff<ManageNetwork>,
    ApiJson(wish): ApiJson<AccessPointWish>,
) -> Result<(StatusCode, Json<AccessPoint>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let added = access_points::add_access_point(&mut tx, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(added)))
}

/// One access point.
#[utoipa::path(get, path = "/access-points/{id}", tag = "network", params(("id" = AccessPointId, Path)),
    responses((status = 200, body = AccessPoint), Refusals), security(("session" = ["view-network"])))]
async fn show_access_point(
    State(app): State<App>,
    staff: Staff<ViewNetwork>,
    ApiPath(id): ApiPath<AccessPointId>,
) -> Result<Json<AccessPoint>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(network::access_point(&mut tx, id).await?))
}

/// Change an access point; its router changes rates in place.
#[utoipa::path(put, path = "/access-points/{id}", tag = "network", params(("id" = AccessPointId, Path)), request_body = AccessPointChange,
    responses((status = 200, body = AccessPoint), Refusals), security(("session" = ["manage-network"])))]
async fn change_access_point(
    State(app): State<App>,
    staff: Staff<ManageNetwork>,
    ApiPath(id): ApiPath<AccessPointId>,
    ApiJson(wish): ApiJson<AccessPointChange>,
) -> Result<Json<AccessPoint>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let changed = access_points::change_access_point(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok(Json(changed))
}

/// Remove an access point; what hung on it hangs on what it hung on.
#[utoipa::path(delete, path = "/access-points/{id}", tag = "network", params(("id" = AccessPointId, Path)),
    responses((status = 204), Refusals), security(("session" = ["manage-network"])))]
async fn remove_access_point(
    State(app): State<App>,
    staff: Staff<ManageNetwork>,
    ApiPath(id): ApiPath<AccessPointId>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    access_points::remove_access_point(&mut tx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
