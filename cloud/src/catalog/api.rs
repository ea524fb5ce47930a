//! `/plans`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Plan, PlanChange, PlanWish, VersionWish};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageCatalog, ViewCatalog};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::PlanId;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, change))
        .routes(routes!(add_version))
        .routes(routes!(retire))
}

/// Plans, newest first.
#[utoipa::path(get, path = "/plans", tag = "catalog", params(PageQuery), responses((status = 200, body = Listed<Plan>), Refusals),
    security(("session" = ["view-catalog"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewCatalog>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<Plan>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let plans = super::plans(&mut tx, page).await?;
    Ok(Json(Listed::new(plans, page, |plan| plan.id.uuid(), |plan| plan)))
}

/// Make a plan with its first version.
#[utoipa::path(post, path = "/plans", tag = "catalog", request_body = PlanWish, responses((status = 201, body = Plan), Refusals),
    security(("session" = ["manage-catalog"])))]
async fn add(
    State(app): State<App>,
    staff: Staff<ManageCatalog>,
    ApiJson(wish): ApiJson<PlanWish>,
) -> Result<(StatusCode, Json<Plan>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let plan = super::add_plan(&mut tx, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(plan)))
}

/// One plan with its versions.
#[utoipa::path(get, path = "/plans/{id}", tag = "catalog", params(("id" = PlanId, Path)), responses((status = 200, body = Plan), Refusals),
    security(("session" = ["view-catalog"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewCatalog>,
    ApiPath(id): ApiPath<PlanId>,
) -> Result<Json<Plan>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::plan(&mut tx, id).await?))
}

/// Offer a plan in the portal, or no longer.
#[utoipa::path(patch, path = "/plans/{id}", tag = "catalog", params(("id" = PlanId, Path)), request_body = PlanChange,
    responses((status = 200, body = Plan), Refusals), security(("session" = ["manage-catalog"])))]
async fn change(
    State(app): State<App>,
    staff: Staff<ManageCatalog>,
    ApiPath(id): ApiPath<PlanId>,
    ApiJson(wish): ApiJson<PlanChange>,
) -> Result<Json<Plan>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let plan = super::change_plan(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok(Json(plan))
}

/// Make a further version; those sold before keep theirs.
#[utoipa::path(post, path = "/plans/{id}/versions", tag = "catalog", params(("id" = PlanId, Path)), request_body = VersionWish,
    responses((status = 201, body = Plan), Refusals), security(("session" = ["manage-catalog"])))]
async fn add_version(
    State(app): State<App>,
    staff: Staff<ManageCatalog>,
    ApiPath(id): ApiPath<PlanId>,
    ApiJson(wish): ApiJson<VersionWish>,
) -> Result<(StatusCode, Json<Plan>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let plan = super::add_version(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(plan)))
}

/// Stop selling a plan; those who have it keep it.
#[utoipa::path(post, path = "/plans/{id}/retire", tag = "catalog", params(("id" = PlanId, Path)), responses((status = 200, body = Plan), Refusals),
    security(("session" = ["manage-catalog"])))]
async fn retire(
    State(app): State<App>,
    staff: Staff<ManageCatalog>,
    ApiPath(id): ApiPath<PlanId>,
) -> Result<Json<Plan>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let plan = super::retire(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(plan))
}
