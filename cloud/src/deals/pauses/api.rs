//! `/subscriptions/{id}/pauses` and `/pauses/{id}`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Pause, PauseEnd, PauseWish};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageSubscriptions, ViewSubscribers};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::{LinePauseId, SubscriptionId};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, plan))
        .routes(routes!(show))
        .routes(routes!(change))
        .routes(routes!(resume))
        .routes(routes!(cancel))
}

/// A subscription's pauses, newest first: those to come, the one that runs, and those that were.
#[utoipa::path(get, path = "/subscriptions/{id}/pauses", tag = "subscriptions", params(("id" = SubscriptionId, Path), PageQuery),
    responses((status = 200, body = Listed<Pause>), Refusals), security(("session" = ["view-subscribers"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<SubscriptionId>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<Pause>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let pauses = super::pauses_of(&mut tx, id, page).await?;
    Ok(Json(Listed::new(pauses, page, |pause| pause.id.uuid(), |pause| pause)))
}

/// Pause a subscription from a day on. The line is closed meanwhile. Nothing is charged for its days, or a lower price, and what
/// was charged for them is given back with the account's next invoice.
#[utoipa::path(post, path = "/subscriptions/{id}/pauses", tag = "subscriptions", params(("id" = SubscriptionId, Path)), request_body = PauseWish,
    responses((status = 201, body = Pause), Refusals), security(("session" = ["manage-subscriptions"])))]
async fn plan(
    State(app): State<App>,
    staff: Staff<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    ApiJson(wish): ApiJson<PauseWish>,
) -> Result<(StatusCode, Json<Pause>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let pause = super::plan_pause(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(pause)))
}

/// One pause.
#[utoipa::path(get, path = "/pauses/{id}", tag = "subscriptions", params(("id" = LinePauseId, Path)),
    responses((status = 200, body = Pause), Refusals), security(("session" = ["view-subscribers"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<LinePauseId>,
) -> Result<Json<Pause>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::pause(&mut tx, id).await?))
}

/// Give a pause that is not over another end.
#[utoipa::path(post, path = "/pauses/{id}/change", tag = "subscriptions", params(("id" = LinePauseId, Path)), request_body = PauseEnd,
    responses((status = 200, body = Pause), Refusals), security(("session" = ["manage-subscriptions"])))]
async fn change(
    State(app): State<App>,
    staff: Staff<ManageSubscriptions>,
    ApiPath(id): ApiPath<LinePauseId>,
    ApiJson(wish): ApiJson<PauseEnd>,
) -> Result<Json<Pause>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let pause = super::change_pause(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok(Json(pause))
}

/// End a pause today: the line is opened, and charged for from today on. One that began today is cancelled.
#[utoipa::path(post, path = "/pauses/{id}/resume", tag = "subscriptions", params(("id" = LinePauseId, Path)),
    responses((status = 200, body = Pause), Refusals), security(("session" = ["manage-subscriptions"])))]
async fn resume(
    State(app): State<App>,
    staff: Staff<ManageSubscriptions>,
    ApiPath(id): ApiPath<LinePauseId>,
) -> Result<Json<Pause>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let pause = super::resume(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(pause))
}

/// Cancel a pause that has not begun, or did so today. What was given back for it is charged again.
#[utoipa::path(post, path = "/pauses/{id}/cancel", tag = "subscriptions", params(("id" = LinePauseId, Path)),
    responses((status = 200, body = Pause), Refusals), security(("session" = ["manage-subscriptions"])))]
async fn cancel(
    State(app): State<App>,
    staff: Staff<ManageSubscriptions>,
    ApiPath(id): ApiPath<LinePauseId>,
) -> Result<Json<Pause>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let pause = super::cancel_pause(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(pause))
}
