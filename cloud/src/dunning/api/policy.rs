//! `/dunning-policy` and `/dunning-forecast`.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::dunning::{self, Forecast, PolicyVersion, PolicyWish, Preview};
use crate::error::{Problem, Refusals};
use crate::http::permission::{ManageDunning, ViewDunning};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::AccountId;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show, save))
        .routes(routes!(versions))
        .routes(routes!(version))
        .routes(routes!(restore))
        .routes(routes!(preview))
        .routes(routes!(forecast))
}

/// The dunning policy in force.
#[utoipa::path(get, path = "/dunning-policy", tag = "dunning", responses((status = 200, body = PolicyVersion), Refusals),
    security(("session" = ["view-dunning"])))]
async fn show(State(app): State<App>, staff: Staff<ViewDunning>) -> Result<Json<PolicyVersion>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(dunning::policy(&mut tx).await?))
}

/// Save another policy. It is a further version and in force at once; nothing done already is done again.
#[utoipa::path(put, path = "/dunning-policy", tag = "dunning", request_body = PolicyWish,
    responses((status = 200, body = PolicyVersion), Refusals),
    security(("session" = ["manage-dunning"])))]
async fn save(
    State(app): State<App>,
    staff: Staff<ManageDunning>,
    ApiJson(wish): ApiJson<PolicyWish>,
) -> Result<Json<PolicyVersion>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let saved = dunning::save(&mut tx, wish).await?;
    tx.commit().await?;
    Ok(Json(saved))
}

/// Every version of the dunning policy, newest first.
#[utoipa::path(get, path = "/dunning-policy/versions", tag = "dunning",
    responses((status = 200, body = Vec<PolicyVersion>), Refusals),
    security(("session" = ["view-dunning"])))]
async fn versions(State(app): State<App>, staff: Staff<ViewDunning>) -> Result<Json<Vec<PolicyVersion>>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(dunning::versions(&mut tx).await?))
}

/// One version of the dunning policy.
#[utoipa::path(get, path = "/dunning-policy/versions/{version}", tag = "dunning", params(("version" = i32, Path)),
    responses((status = 200, body = PolicyVersion), Refusals),
    security(("session" = ["view-dunning"])))]
async fn version(
    State(app): State<App>,
    staff: Staff<ViewDunning>,
    ApiPath(version): ApiPath<i32>,
) -> Result<Json<PolicyVersion>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(dunning::version(&mut tx, version).await?))
}

/// Make an earlier version the one in force again, as a further version.
#[utoipa::path(post, path = "/dunning-policy/versions/{version}/restore", tag = "dunning", params(("version" = i32, Path)),
    responses((status = 200, body = PolicyVersion), Refusals),
    security(("session" = ["manage-dunning"])))]
async fn restore(
    State(app): State<App>,
    staff: Staff<ManageDunning>,
    ApiPath(version): ApiPath<i32>,
) -> Result<Json<PolicyVersion>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let restored = dunning::restore(&mut tx, version).await?;
    tx.commit().await?;
    Ok(Json(restored))
}

/// What saving a policy would do to those who owe today. Nothing is saved.
#[utoipa::path(post, path = "/dunning-policy/preview", tag = "dunning", request_body = PolicyWish,
    responses((status = 200, body = Preview), Refusals),
    security(("session" = ["view-dunning"])))]
async fn preview(
    State(app): State<App>,
    staff: Staff<ViewDunning>,
    ApiJson(wish): ApiJson<PolicyWish>,
) -> Result<Json<Preview>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(dunning::preview(&mut tx, wish.policy).await?))
}

/// How far to look, and at whom.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ForecastQuery {
    /// Only this account's.
    account_id: Option<AccountId>,
    /// Days ahead, 1 to 90; 30 if not given.
    days: Option<u32>,
}

/// Who will be written to, charged and restricted, when and why, if nobody pays and nothing else is billed.
#[utoipa::path(get, path = "/dunning-forecast", tag = "dunning", params(ForecastQuery),
    responses((status = 200, body = Forecast), Refusals),
    security(("session" = ["view-dunning"])))]
async fn forecast(
    State(app): State<App>,
    staff: Staff<ViewDunning>,
    ApiQuery(query): ApiQuery<ForecastQuery>,
) -> Result<Json<Forecast>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(dunning::forecast(&mut tx, query.days.unwrap_or(30), query.account_id).await?))
}
