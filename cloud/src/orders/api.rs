//! `/orders`: who wants to become a subscriber.

#![expect(unused_qualifications, reason = "the OpenAPI macro qualifies the types of parameters")]

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Decline, Order, OrderFilter, OrderStatus};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageSubscribers, ViewSubscribers};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::OrderId;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(approve)).routes(routes!(decline))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Standing {
    /// Only orders that stand so.
    status: Option<OrderStatus>,
}

/// Orders, newest first.
#[utoipa::path(get, path = "/orders", tag = "orders", params(Standing, PageQuery), responses((status = 200, body = Listed<Order>), Refusals),
    security(("session" = ["view-subscribers"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiQuery(standing): ApiQuery<Standing>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<Order>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let orders = super::orders(&mut tx, OrderFilter { status: standing.status }, page).await?;
    Ok(Json(Listed::new(orders, page, |order| order.id.uuid(), |order| order)))
}

/// One order.
#[utoipa::path(get, path = "/orders/{id}", tag = "orders", params(("id" = OrderId, Path)), responses((status = 200, body = Order), Refusals),
    security(("session" = ["view-subscribers"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<OrderId>,
) -> Result<Json<Order>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::order(&mut tx, id).await?))
}

/// Approve an order: makes a subscriber with an account and a service location. Sell them a subscription next.
#[utoipa::path(post, path = "/orders/{id}/approve", tag = "orders", params(("id" = OrderId, Path)), responses((status = 200, body = Order), Refusals),
    security(("session" = ["manage-subscribers"])))]
async fn approve(
    State(app): State<App>,
    staff: Staff<ManageSubscribers>,
    ApiPath(id): ApiPath<OrderId>,
) -> Result<Json<Order>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let order = super::approve(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(order))
}

/// Decline an order.
#[utoipa::path(post, path = "/orders/{id}/decline", tag = "orders", params(("id" = OrderId, Path)), request_body = Decline,
    responses((status = 200, body = Order), Refusals), security(("session" = ["manage-subscribers"])))]
async fn decline(
    State(app): State<App>,
    staff: Staff<ManageSubscribers>,
    ApiPath(id): ApiPath<OrderId>,
    ApiJson(wish): ApiJson<Decline>,
) -> Result<Json<Order>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let order = super::decline(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok(Json(order))
}
