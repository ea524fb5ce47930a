//! `/portal-settings`, and the links that let subscribers in.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Link, PortalSettings, PortalSettingsChange};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::permission::{ManageSettings, ManageSubscribers, ViewSettings};
use crate::http::{ApiJson, ApiPath, Staff};
use crate::ids::SubscriberId;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, change)).routes(routes!(make_link)).routes(routes!(sign_out))
}

/// Where the portal is and what it allows.
#[utoipa::path(get, path = "/portal-settings", tag = "portal", responses((status = 200, body = PortalSettings), Refusals),
    security(("session" = ["view-settings"])))]
async fn show(State(app): State<App>, staff: Staff<ViewSettings>) -> Result<Json<PortalSettings>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::settings(&app, &mut tx).await?))
}

/// Change where the portal is and what it allows; what is absent stays.
#[utoipa::path(patch, path = "/portal-settings", tag = "portal", request_body = PortalSettingsChange,
    responses((status = 200, body = PortalSettings), Refusals), security(("session" = ["manage-settings"])))]
async fn change(
    State(app): State<App>,
    staff: Staff<ManageSettings>,
    ApiJson(wish): ApiJson<PortalSettingsChange>,
) -> Result<Json<PortalSettings>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let settings = super::change_settings(&app, &mut tx, wish).await?;
    tx.commit().await?;
    Ok(Json(settings))
}

/// Make a link with which a subscriber sets a password and signs in; older ones end. It is shown once and works for a day.
#[utoipa::path(post, path = "/subscribers/{id}/portal-link", tag = "portal", params(("id" = SubscriberId, Path)),
    responses((status = 201, body = Link), Refusals), security(("session" = ["manage-subscribers"])))]
async fn make_link(
    State(app): State<App>,
    staff: Staff<ManageSubscribers>,
    ApiPath(id): ApiPath<SubscriberId>,
) -> Result<(StatusCode, Json<Link>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let link = super::make_link(&app, &mut tx, id).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(link)))
}

/// End every session a subscriber has in the portal.
#[utoipa::path(delete, path = "/subscribers/{id}/portal-sessions", tag = "portal", params(("id" = SubscriberId, Path)),
    responses((status = 204), Refusals), security(("session" = ["manage-subscribers"])))]
async fn sign_out(
    State(app): State<App>,
    staff: Staff<ManageSubscribers>,
    ApiPath(id): ApiPath<SubscriberId>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    crate::subscribers::subscriber(&mut tx, id).await?;
    super::sign_out_everywhere(&mut tx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
