//! `/webhooks` and `/webhook-deliveries`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Delivery, DeliveryDetail, DeliveryStatus, MadeWebhook, NewWebhook, Webhook, WebhookChange};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::ManageWebhooks;
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::{DeliveryId, WebhookId};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, change, remove))
        .routes(routes!(rotate_secret))
        .routes(routes!(send_test))
        .routes(routes!(replay_failed))
        .routes(routes!(deliveries))
        .routes(routes!(delivery))
        .routes(routes!(replay))
}

/// List the webhooks.
#[utoipa::path(get, path = "/webhooks", tag = "webhooks", responses((status = 200, body = Vec<Webhook>), Refusals),
    security(("session" = ["manage-webhooks"])))]
async fn list(State(app): State<App>, staff: Staff<ManageWebhooks>) -> Result<Json<Vec<Webhook>>, Problem> {
    Ok(Json(super::webhooks(&mut app.db.read(&staff.scope()).await?).await?))
}

/// Add a webhook. Its secret is in this answer alone.
#[utoipa::path(post, path = "/webhooks", tag = "webhooks", request_body = NewWebhook,
    responses((status = 201, body = MadeWebhook), Refusals), security(("session" = ["manage-webhooks"])))]
async fn add(
    State(app): State<App>,
    staff: Staff<ManageWebhooks>,
    ApiJson(wish): ApiJson<NewWebhook>,
) -> Result<(StatusCode, Json<MadeWebhook>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let made = super::add(&app, &mut tx, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Show a webhook.
#[utoipa::path(get, path = "/webhooks/{id}", tag = "webhooks", params(("id" = WebhookId, Path)),
    responses((status = 200, body = Webhook), Refusals), security(("session" = ["manage-webhooks"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ManageWebhooks>,
    ApiPath(id): ApiPath<WebhookId>,
) -> Result<Json<Webhook>, Problem> {
    Ok(Json(super::webhook(&mut app.db.read(&staff.scope()).await?, id).await?))
}

/// Change, pause or resume a webhook; what is absent stays.
#[utoipa::path(patch, path = "/webhooks/{id}", tag = "webhooks", params(("id" = WebhookId, Path)),
    request_body = WebhookChange, responses((status = 200, body = Webhook), Refusals),
    security(("session" = ["manage-webhooks"])))]
async fn change(
    State(app): State<App>,
    staff: Staff<ManageWebhooks>,
    ApiPath(id): ApiPath<WebhookId>,
    ApiJson(wish): ApiJson<WebhookChange>,
) -> Result<Json<Webhook>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let webhook = super::change(&app, &mut tx, id, wish).await?;
    tx.commit().await?;
    Ok(Json(webhook))
}

/// Remove a webhook with its log.
#[utoipa::path(delete, path = "/webhooks/{id}", tag = "webhooks", params(("id" = WebhookId, Path)),
    responses((status = 204), Refusals), security(("session" = ["manage-webhooks"])))]
async fn remove(
    State(app): State<App>,
    staff: Staff<ManageWebhooks>,
    ApiPath(id): ApiPath<WebhookId>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    super::remove(&mut tx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a webhook a new secret. For a day deliveries are signed with the old one, too.
#[utoipa::path(post, path = "/webhooks/{id}/rotate-secret", tag = "webhooks", params(("id" = WebhookId, Path)),
    responses((status = 200, body = MadeWebhook), Refusals), security(("session" = ["manage-webhooks"])))]
async fn rotate_secret(
    State(app): State<App>,
    staff: Staff<ManageWebhooks>,
    ApiPath(id): ApiPath<WebhookId>,
) -> Result<Json<MadeWebhook>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let made = super::rotate_secret(&app, &mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(made))
}

/// Send a test to a webhook.
#[utoipa::path(post, path = "/webhooks/{id}/test", tag = "webhooks", params(("id" = WebhookId, Path)),
    responses((status = 202, body = Delivery), Refusals), security(("session" = ["manage-webhooks"])))]
async fn send_test(
    State(app): State<App>,
    staff: Staff<ManageWebhooks>,
    ApiPath(id): ApiPath<WebhookId>,
) -> Result<(StatusCode, Json<Delivery>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let delivery = super::send_test(&mut tx, id).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(delivery)))
}

/// Since when to send again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Since {
    /// What happened at or after this instant.
    since: DateTime<Utc>,
}

/// How much is sent again.
#[derive(Serialize, ToSchema)]
#[schema(as = ReplayedEvents)]
struct Replayed {
    /// How many deliveries.
    replayed: u64,
}

/// Send again all that failed since an instant.
#[utoipa::path(post, path = "/webhooks/{id}/replay", tag = "webhooks", params(("id" = WebhookId, Path)),
    request_body = Since, responses((status = 202, body = Replayed), Refusals),
    security(("session" = ["manage-webhooks"])))]
async fn replay_failed(
    State(app): State<App>,
    staff: Staff<ManageWebhooks>,
    ApiPath(id): ApiPath<WebhookId>,
    ApiJson(wish): ApiJson<Since>,
) -> Result<(StatusCode, Json<Replayed>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let replayed = super::replay_failed(&mut tx, id, wish.since).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(Replayed { replayed })))
}

/// Which deliveries.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct DeliveryQuery {
    /// Only those that stand like this.
    status: Option<DeliveryStatus>,
    /// `next` of the page before.
    after: Option<String>,
    /// Items a page, at most 200; 50 if not given.
    limit: Option<u32>,
}

/// List what was sent to a webhook, the newest first.
#[utoipa::path(get, path = "/webhooks/{id}/deliveries", tag = "webhooks",
    params(("id" = WebhookId, Path), DeliveryQuery), responses((status = 200, body = Listed<Delivery>), Refusals),
    security(("session" = ["manage-webhooks"])))]
async fn deliveries(
    State(app): State<App>,
    staff: Staff<ManageWebhooks>,
    ApiPath(id): ApiPath<WebhookId>,
    ApiQuery(query): ApiQuery<DeliveryQuery>,
) -> Result<Json<Listed<Delivery>>, Problem> {
    let page = PageQuery { after: query.after, limit: query.limit }.page()?;
    let deliveries = super::deliveries(&mut app.db.read(&staff.scope()).await?, id, page, query.status).await?;
    Ok(Json(Listed::new(deliveries, page, |delivery| delivery.id.uuid(), |delivery| delivery)))
}

/// Show a delivery with all its attempts.
#[utoipa::path(get, path = "/webhook-deliveries/{id}", tag = "webhooks", params(("id" = DeliveryId, Path)),
    responses((status = 200, body = DeliveryDetail), Refusals), security(("session" = ["manage-webhooks"])))]
async fn delivery(
    State(app): State<App>,
    staff: Staff<ManageWebhooks>,
    ApiPath(id): ApiPath<DeliveryId>,
) -> Result<Json<DeliveryDetail>, Problem> {
    Ok(Json(super::delivery(&mut app.db.read(&staff.scope()).await?, id).await?))
}

/// Send a delivery again, with the same id and body.
#[utoipa::path(post, path = "/webhook-deliveries/{id}/replay", tag = "webhooks", params(("id" = DeliveryId, Path)),
    responses((status = 202, body = Delivery), Refusals), security(("session" = ["manage-webhooks"])))]
async fn replay(
    State(app): State<App>,
    staff: Staff<ManageWebhooks>,
    ApiPath(id): ApiPath<DeliveryId>,
) -> Result<(StatusCode, Json<Delivery>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let delivery = super::replay(&mut tx, id).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(delivery)))
}
