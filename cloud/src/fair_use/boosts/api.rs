//! `/boost-products`, `/subscriptions/{id}/boosts` and `/boosts/{id}`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::fair_use::{self, Boost, BoostProduct, BoostProductWish, BoostWish};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageCatalog, ManageSubscriptions, ViewCatalog, ViewSubscribers};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::{BoostId, BoostProductId, SubscriptionId};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(boost_products, add_boost_product))
        .routes(routes!(boost_product))
        .routes(routes!(retire_boost_product))
        .routes(routes!(boosts, sell_boost))
        .routes(routes!(boost))
        .routes(routes!(cancel_boost))
}

/// Boosts on offer and retired ones, newest first.
#[utoipa::path(get, path = "/boost-products", tag = "catalog", params(PageQuery), responses((status = 200, body = Listed<BoostProduct>), Refusals),
    security(("session" = ["view-catalog"])))]
async fn boost_products(
    State(app): State<App>,
    staff: Staff<ViewCatalog>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<BoostProduct>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let products = fair_use::boost_products(&mut tx, page).await?;
    Ok(Json(Listed::new(products, page, |product| product.id.uuid(), |product| product)))
}

/// Offer a boost: a time with rates of its own.
#[utoipa::path(post, path = "/boost-products", tag = "catalog", request_body = BoostProductWish,
    responses((status = 201, body = BoostProduct), Refusals), security(("session" = ["manage-catalog"])))]
async fn add_boost_product(
    State(app): State<App>,
    staff: Staff<ManageCatalog>,
    ApiJson(wish): ApiJson<BoostProductWish>,
) -> Result<(StatusCode, Json<BoostProduct>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let product = fair_use::add_boost_product(&mut tx, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(product)))
}

/// One boost on offer, or a retired one.
#[utoipa::path(get, path = "/boost-products/{id}", tag = "catalog", params(("id" = BoostProductId, Path)),
    responses((status = 200, body = BoostProduct), Refusals), security(("session" = ["view-catalog"])))]
async fn boost_product(
    State(app): State<App>,
    staff: Staff<ViewCatalog>,
    ApiPath(id): ApiPath<BoostProductId>,
) -> Result<Json<BoostProduct>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(fair_use::boost_product(&mut tx, id).await?))
}

/// Stop offering a boost; what was sold stays.
#[utoipa::path(post, path = "/boost-products/{id}/retire", tag = "catalog", params(("id" = BoostProductId, Path)),
    responses((status = 200, body = BoostProduct), Refusals), security(("session" = ["manage-catalog"])))]
async fn retire_boost_product(
    State(app): State<App>,
    staff: Staff<ManageCatalog>,
    ApiPath(id): ApiPath<BoostProductId>,
) -> Result<Json<BoostProduct>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let product = fair_use::retire_boost_product(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(product))
}

/// A line's boosts, newest first: those that run, that are to come and that are over.
#[utoipa::path(get, path = "/subscriptions/{id}/boosts", tag = "subscriptions", params(("id" = SubscriptionId, Path), PageQuery),
    responses((status = 200, body = Listed<Boost>), Refusals), security(("session" = ["view-subscribers"])))]
async fn boosts(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<SubscriptionId>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<Boost>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let boosts = fair_use::boosts(&mut tx, id, page).await?;
    Ok(Json(Listed::new(boosts, page, |boost| boost.id.uuid(), |boost| boost)))
}

/// Sell a boost on a line, from now or a later time on: it is charged on the account's next invoice.
#[utoipa::path(post, path = "/subscriptions/{id}/boosts", tag = "subscriptions", params(("id" = SubscriptionId, Path)), request_body = BoostWish,
    responses((status = 201, body = Boost), Refusals), security(("session" = ["manage-subscriptions"])))]
async fn sell_boost(
    State(app): State<App>,
    staff: Staff<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    ApiJson(wish): ApiJson<BoostWish>,
) -> Result<(StatusCode, Json<Boost>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let boost = fair_use::sell_boost(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(boost)))
}

/// One boost as it was sold.
#[utoipa::path(get, path = "/boosts/{id}", tag = "subscriptions", params(("id" = BoostId, Path)),
    responses((status = 200, body = Boost), Refusals), security(("session" = ["view-subscribers"])))]
async fn boost(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<BoostId>,
) -> Result<Json<Boost>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(fair_use::boost(&mut tx, id).await?))
}

/// Stop a boost that runs or is to come, at once. It is charged as it would have been: nothing is given back by itself.
#[utoipa::path(post, path = "/boosts/{id}/cancel", tag = "subscriptions", params(("id" = BoostId, Path)),
    responses((status = 200, body = Boost), Refusals), security(("session" = ["manage-subscriptions"])))]
async fn cancel_boost(
    State(app): State<App>,
    staff: Staff<ManageSubscriptions>,
    ApiPath(id): ApiPath<BoostId>,
) -> Result<Json<Boost>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let boost = fair_use::cancel_boost(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(boost))
}
