//! `/tenant`: the ISP's own settings.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Tenant, TenantChange};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::permission::{ManageSettings, ViewSettings};
use crate::http::{ApiJson, Staff};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, change))
}

/// The ISP's settings.
#[utoipa::path(get, path = "/tenant", tag = "settings", responses((status = 200, body = Tenant), Refusals),
    security(("session" = ["view-settings"])))]
async fn show(State(app): State<App>, staff: Staff<ViewSettings>) -> Result<Json<Tenant>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::tenant(&mut tx).await?))
}

/// Change the ISP's settings; what is absent stays.
#[utoipa::path(patch, path = "/tenant", tag = "settings", request_body = TenantChange,
    responses((status = 200, body = Tenant), Refusals),
    security(("session" = ["manage-settings"])))]
async fn change(
    State(app): State<App>,
    staff: Staff<ManageSettings>,
    ApiJson(wish): ApiJson<TenantChange>,
) -> Result<Json<Tenant>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let tenant = super::change(&mut tx, wish).await?;
    tx.commit().await?;
    Ok(Json(tenant))
}
