//! `/top-up-products`, `/subscriptions/{id}/top-ups` and `/subscriptions/{id}/fair-use`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Standing, TopUp, TopUpProduct, TopUpProductWish, TopUpWish};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageCatalog, ManageSubscriptions, ViewCatalog, ViewSubscribers};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::{SubscriptionId, TopUpProductId};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show))
        .routes(routes!(retire))
        .routes(routes!(sell))
        .routes(routes!(standing))
}

/// Top-ups on offer and retired ones, newest first.
#[utoipa::path(get, path = "/top-up-products", tag = "catalog", params(PageQuery), responses((status = 200, body = Listed<TopUpProduct>), Refusals),
    security(("session" = ["view-catalog"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewCatalog>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<TopUpProduct>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let products = super::products(&mut tx, page).await?;
    Ok(Json(Listed::new(products, page, |product| product.id.uuid(), |product| product)))
}

/// Offer a top-up.
#[utoipa::path(post, path = "/top-up-products", tag = "catalog", request_body = TopUpProductWish,
    responses((status = 201, body = TopUpProduct), Refusals), security(("session" = ["manage-catalog"])))]
async fn add(
    State(app): State<App>,
    staff: Staff<ManageCatalog>,
    ApiJson(wish): ApiJson<TopUpProductWish>,
) -> Result<(StatusCode, Json<TopUpProduct>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let product = super::add_product(&mut tx, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(product)))
}

/// One top-up on offer.
#[utoipa::path(get, path = "/top-up-products/{id}", tag = "catalog", params(("id" = TopUpProductId, Path)),
    responses((status = 200, body = TopUpProduct), Refusals), security(("session" = ["view-catalog"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewCatalog>,
    ApiPath(id): ApiPath<TopUpProductId>,
) -> Result<Json<TopUpProduct>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::product(&mut tx, id).await?))
}

/// Stop offering a top-up; what was sold stays.
#[utoipa::path(post, path = "/top-up-products/{id}/retire", tag = "catalog", params(("id" = TopUpProductId, Path)),
    responses((status = 200, body = TopUpProduct), Refusals), security(("session" = ["manage-catalog"])))]
async fn retire(
    State(app): State<App>,
    staff: Staff<ManageCatalog>,
    ApiPath(id): ApiPath<TopUpProductId>,
) -> Result<Json<TopUpProduct>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let product = super::retire_product(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(product))
}

/// Sell a top-up on a line: it counts at once, and is charged on the account's next invoice.
#[utoipa::path(post, path = "/subscriptions/{id}/top-ups", tag = "subscriptions", params(("id" = SubscriptionId, Path)), request_body = TopUpWish,
    responses((status = 201, body = TopUp), Refusals), security(("session" = ["manage-subscriptions"])))]
async fn sell(
    State(app): State<App>,
    staff: Staff<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    ApiJson(wish): ApiJson<TopUpWish>,
) -> Result<(StatusCode, Json<TopUp>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let top_up = super::sell(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(top_up)))
}

/// What a line used of its allowance, what its router did about it, and what was bought on top.
#[utoipa::path(get, path = "/subscriptions/{id}/fair-use", tag = "subscriptions", params(("id" = SubscriptionId, Path)),
    responses((status = 200, body = Standing), Refusals), security(("session" = ["view-subscribers"])))]
async fn standing(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<SubscriptionId>,
) -> Result<Json<Standing>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::standing(&mut tx, id).await?))
}
