//! `/subscriptions` and `/holds`.

#![expect(unused_qualifications, reason = "the OpenAPI macro qualifies the types of parameters")]

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Behind, ChangePlan, End, Hold, HoldWish, Identities, Subscription, SubscriptionWish};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageHolds, ManageSubscriptions, TraceAddresses, ViewSubscribers};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::{AccountId, HoldId, SubscriptionId};
use crate::translation::{self, PortBlock};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, sell))
        .routes(routes!(show))
        .routes(routes!(change_plan))
        .routes(routes!(place_behind))
        .routes(routes!(change_identities))
        .routes(routes!(end))
        .routes(routes!(list_holds, place_hold))
        .routes(routes!(release_hold))
        .routes(routes!(list_port_blocks))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OfAccount {
    /// Only this account's.
    account_id: Option<AccountId>,
    /// `next` of the page before.
    after: Option<String>,
    /// Items a page, at most 200; 50 if not given.
    limit: Option<u32>,
}

/// All holds of a line.
#[derive(Serialize, ToSchema)]
struct Holds {
    /// Newest first, released ones too.
    items: Vec<Hold>,
}

/// Subscriptions, newest first.
#[utoipa::path(get, path = "/subscriptions", tag = "subscriptions", params(OfAccount), responses((status = 200, body = Listed<Subscription>), Refusals),
    security(("session" = ["view-subscribers"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiQuery(query): ApiQuery<OfAccount>,
) -> Result<Json<Listed<Subscription>>, Problem> {
    let page = PageQuery { after: query.after, limit: query.limit }.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let rows = super::subscriptions(&mut tx, query.account_id, page).await?;
    Ok(Json(Listed::new(rows, page, |row| row.id.uuid(), |row| row)))
}

/// Sell a plan to an account at a location.
#[utoipa::path(post, path = "/subscriptions", tag = "subscriptions", request_body = SubscriptionWish, responses((status = 201, body = Subscription), Refusals),
    security(("session" = ["manage-subscriptions"])))]
async fn sell(
    State(app): State<App>,
    staff: Staff<ManageSubscriptions>,
    ApiJson(wish): ApiJson<SubscriptionWish>,
) -> Result<(StatusCode, Json<Subscription>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let sold = super::sell(&mut tx, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(sold)))
}

/// One subscription.
#[utoipa::path(get, path = "/subscriptions/{id}", tag = "subscriptions", params(("id" = SubscriptionId, Path)),
    responses((status = 200, body = Subscription), Refusals), security(("session" = ["view-subscribers"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<SubscriptionId>,
) -> Result<Json<Subscription>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::subscription(&mut tx, id).await?))
}

/// Move a subscription to another plan version from a day on.
#[utoipa::path(post, path = "/subscriptions/{id}/change-plan", tag = "subscriptions", params(("id" = SubscriptionId, Path)), request_body = ChangePlan,
    responses((status = 200, body = Subscription), Refusals), security(("session" = ["manage-subscriptions"])))]
async fn change_plan(
    State(app): State<App>,
    staff: Staff<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    ApiJson(wish): ApiJson<ChangePlan>,
) -> Result<Json<Subscription>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let changed = super::change_plan(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok(Json(changed))
}

/// Place a line behind an access point of its router, or behind none.
#[utoipa::path(put, path = "/subscriptions/{id}/access-point", tag = "subscriptions", params(("id" = SubscriptionId, Path)), request_body = Behind,
    responses((status = 200, body = Subscription), Refusals), security(("session" = ["manage-subscriptions"])))]
async fn place_behind(
    State(app): State<App>,
    staff: Staff<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    ApiJson(wish): ApiJson<Behind>,
) -> Result<Json<Subscription>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let placed = super::place_behind(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok(Json(placed))
}

/// Say who a line's subscriber is to the DHCP and PPPoE servers of its router.
#[utoipa::path(put, path = "/subscriptions/{id}/identities", tag = "subscriptions", params(("id" = SubscriptionId, Path)), request_body = Identities,
    responses((status = 200, body = Subscription), Refusals), security(("session" = ["manage-subscriptions"])))]
async fn change_identities(
    State(app): State<App>,
    staff: Staff<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    ApiJson(wish): ApiJson<Identities>,
) -> Result<Json<Subscription>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let changed = super::change_identities(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok(Json(changed))
}

/// End a subscription.
#[utoipa::path(post, path = "/subscriptions/{id}/end", tag = "subscriptions", params(("id" = SubscriptionId, Path)), request_body = End,
    responses((status = 200, body = Subscription), Refusals), security(("session" = ["manage-subscriptions"])))]
async fn end(
    State(app): State<App>,
    staff: Staff<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    ApiJson(wish): ApiJson<End>,
) -> Result<Json<Subscription>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let ended = super::end(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok(Json(ended))
}

/// The holds of a line.
#[utoipa::path(get, path = "/subscriptions/{id}/holds", tag = "subscriptions", params(("id" = SubscriptionId, Path)),
    responses((status = 200, body = Holds), Refusals), security(("session" = ["view-subscribers"])))]
async fn list_holds(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<SubscriptionId>,
) -> Result<Json<Holds>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(Holds { items: super::holds(&mut tx, id).await? }))
}

/// Place a hold on a line.
#[utoipa::path(post, path = "/subscriptions/{id}/holds", tag = "subscriptions", params(("id" = SubscriptionId, Path)), request_body = HoldWish,
    responses((status = 201, body = Hold), Refusals), security(("session" = ["manage-holds"])))]
async fn place_hold(
    State(app): State<App>,
    staff: Staff<ManageHolds>,
    ApiPath(id): ApiPath<SubscriptionId>,
    ApiJson(wish): ApiJson<HoldWish>,
) -> Result<(StatusCode, Json<Hold>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let hold = super::place_hold(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(hold)))
}

/// Release a hold.
#[utoipa::path(post, path = "/holds/{id}/release", tag = "subscriptions", params(("id" = HoldId, Path)), responses((status = 200, body = Hold), Refusals),
    security(("session" = ["manage-holds"])))]
async fn release_hold(
    State(app): State<App>,
    staff: Staff<ManageHolds>,
    ApiPath(id): ApiPath<HoldId>,
) -> Result<Json<Hold>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let hold = super::release_hold(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(hold))
}

/// The port block a line has and, for those with `trace-addresses`, those it had, the newest first.
#[utoipa::path(get, path = "/subscriptions/{id}/port-blocks", tag = "subscriptions", params(("id" = SubscriptionId, Path), PageQuery),
    responses((status = 200, body = Listed<PortBlock>), Refusals), security(("session" = ["view-subscribers"])))]
async fn list_port_blocks(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<SubscriptionId>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<PortBlock>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    super::subscription(&mut tx, id).await?;
    let blocks = translation::of_line(&mut tx, id, staff.may::<TraceAddresses>(), page).await?;
    Ok(Json(Listed::new(blocks, page, |block| block.id.uuid(), |block| block)))
}
