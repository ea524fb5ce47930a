//! `/support-policy`, `/support-plan-weights`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::permission::{ManageSettings, ViewSettings};
use crate::http::{ApiJson, ApiPath, Staff};
use crate::ids::PlanId;
use crate::tickets::policy::{self, SupportPolicy, WeightWish};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, change)).routes(routes!(weights)).routes(routes!(weigh))
}

/// How soon the ISP promises to answer: working hours, holidays, targets.
#[utoipa::path(get, path = "/support-policy", tag = "tickets",
    responses((status = 200, body = SupportPolicy), Refusals), security(("session" = ["view-settings"])))]
async fn show(State(app): State<App>, staff: Staff<ViewSettings>) -> Result<Json<SupportPolicy>, Problem> {
    Ok(Json(policy::policy(&mut app.db.read(&staff.scope()).await?).await?))
}

/// Set the policy. Promises that run keep the working time they had left; new targets hold for new tickets.
#[utoipa::path(put, path = "/support-policy", tag = "tickets", request_body = SupportPolicy,
    responses((status = 200, body = SupportPolicy), Refusals), security(("session" = ["manage-settings"])))]
async fn change(
    State(app): State<App>,
    staff: Staff<ManageSettings>,
    ApiJson(wish): ApiJson<SupportPolicy>,
) -> Result<Json<SupportPolicy>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let policy = policy::change_policy(&mut tx, wish).await?;
    tx.commit().await?;
    Ok(Json(policy))
}

/// How much the subscribers of plans depend on them; what is not named is `standard`.
#[utoipa::path(get, path = "/support-plan-weights", tag = "tickets",
    responses((status = 200, body = BTreeMap<String, String>), Refusals), security(("session" = ["view-settings"])))]
async fn weights(
    State(app): State<App>,
    staff: Staff<ViewSettings>,
) -> Result<Json<BTreeMap<String, String>>, Problem> {
    let weights = policy::plan_weights(&mut app.db.read(&staff.scope()).await?).await?;
    Ok(Json(weights.into_iter().map(|(plan, weight)| (plan.to_string(), weight.name().to_owned())).collect()))
}

/// Set how much the subscribers of a plan depend on it; counts for tickets opened from now on.
#[utoipa::path(put, path = "/support-plan-weights/{id}", tag = "tickets", params(("id" = PlanId, Path)), request_body = WeightWish,
    responses((status = 204), Refusals), security(("session" = ["manage-settings"])))]
async fn weigh(
    State(app): State<App>,
    staff: Staff<ManageSettings>,
    ApiPath(id): ApiPath<PlanId>,
    ApiJson(wish): ApiJson<WeightWish>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    policy::weigh_plan(&mut tx, id, wish.weight).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
