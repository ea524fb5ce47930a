//! `/sites`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Site, SiteWish};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageNetwork, ViewNetwork};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::SiteId;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(show, change, remove))
}

/// Sites, by name.
#[utoipa::path(get, path = "/sites", tag = "network", params(PageQuery),
    responses((status = 200, body = Listed<Site>), Refusals),
    security(("session" = ["view-network"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewNetwork>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<Site>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let sites = super::sites(&mut tx, page).await?;
    Ok(Json(Listed::new(sites, page, |site| site.id.uuid(), |site| site)))
}

/// Add a site.
#[utoipa::path(post, path = "/sites", tag = "network", request_body = SiteWish,
    responses((status = 201, body = Site), Refusals),
    security(("session" = ["manage-network"])))]
async fn add(
    State(app): State<App>,
    staff: Staff<ManageNetwork>,
    ApiJson(wish): ApiJson<SiteWish>,
) -> Result<(StatusCode, Json<Site>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let site = super::add_site(&mut tx, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(site)))
}

/// One site.
#[utoipa::path(get, path = "/sites/{id}", tag = "network", params(("id" = SiteId, Path)),
    responses((status = 200, body = Site), Refusals),
    security(("session" = ["view-network"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewNetwork>,
    ApiPath(id): ApiPath<SiteId>,
) -> Result<Json<Site>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::site(&mut tx, id).await?))
}

/// Change a site.
#[utoipa::path(put, path = "/sites/{id}", tag = "network", params(("id" = SiteId, Path)), request_body = SiteWish,
    responses((status = 200, body = Site), Refusals),
    security(("session" = ["manage-network"])))]
async fn change(
    State(app): State<App>,
    staff: Staff<ManageNetwork>,
    ApiPath(id): ApiPath<SiteId>,
    ApiJson(wish): ApiJson<SiteWish>,
) -> Result<Json<Site>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let site = super::change_site(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok(Json(site))
}

/// Remove a site nothing refers to.
#[utoipa::path(delete, path = "/sites/{id}", tag = "network", params(("id" = SiteId, Path)),
    responses((status = 204), Refusals),
    security(("session" = ["manage-network"])))]
async fn remove(
    State(app): State<App>,
    staff: Staff<ManageNetwork>,
    ApiPath(id): ApiPath<SiteId>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    super::remove_site(&mut tx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
