//! `/subscriptions/{id}/discounts` and `/discounts/{id}`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Discount, DiscountEnd, DiscountWish};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageSubscriptions, ViewSubscribers};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::{DiscountId, SubscriptionId};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, grant)).routes(routes!(show)).routes(routes!(end))
}

/// A subscription's discounts, newest first: those in force, those to come and those that are over.
#[utoipa::path(get, path = "/subscriptions/{id}/discounts", tag = "subscriptions", params(("id" = SubscriptionId, Path), PageQuery),
    responses((status = 200, body = Listed<Discount>), Refusals), security(("session" = ["view-subscribers"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<SubscriptionId>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<Discount>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let discounts = super::discounts(&mut tx, id, page).await?;
    Ok(Json(Listed::new(discounts, page, |discount| discount.id.uuid(), |discount| discount)))
}

/// Grant a discount on the price of a subscription, from the first day on that is not billed yet or a later one. Several
/// reduce it in the order they were granted, each what the ones before it left.
#[utoipa::path(post, path = "/subscriptions/{id}/discounts", tag = "subscriptions", params(("id" = SubscriptionId, Path)), request_body = DiscountWish,
    responses((status = 201, body = Discount), Refusals), security(("session" = ["manage-subscriptions"])))]
async fn grant(
    State(app): State<App>,
    staff: Staff<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    ApiJson(wish): ApiJson<DiscountWish>,
) -> Result<(StatusCode, Json<Discount>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let discount = super::grant(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(discount)))
}

/// One discount.
#[utoipa::path(get, path = "/discounts/{id}", tag = "subscriptions", params(("id" = DiscountId, Path)),
    responses((status = 200, body = Discount), Refusals), security(("session" = ["view-subscribers"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<DiscountId>,
) -> Result<Json<Discount>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::discount(&mut tx, id).await?))
}

/// End a discount before its time. What is billed already stays as it is.
#[utoipa::path(post, path = "/discounts/{id}/end", tag = "subscriptions", params(("id" = DiscountId, Path)), request_body = DiscountEnd,
    responses((status = 200, body = Discount), Refusals), security(("session" = ["manage-subscriptions"])))]
async fn end(
    State(app): State<App>,
    staff: Staff<ManageSubscriptions>,
    ApiPath(id): ApiPath<DiscountId>,
    ApiJson(wish): ApiJson<DiscountEnd>,
) -> Result<Json<Discount>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let discount = super::end_discount(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok(Json(discount))
}
