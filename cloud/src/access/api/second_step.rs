//! `/me/second-step`, `/staff/{id}/second-step`, `/staff-policy`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{self, Enrolment, SecondStep};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::permission::{LoggedIn, ManageStaff, ViewStaff};
use crate::http::{ApiJson, ApiPath, Staff};
use crate::ids::StaffId;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show, begin))
        .routes(routes!(confirm))
        .routes(routes!(renew))
        .routes(routes!(remove))
        .routes(routes!(reset))
        .routes(routes!(policy, change_policy))
}

/// A code of the authenticator, or a recovery code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Code {
    /// Six digits, or a recovery code.
    #[schema(example = "287082")]
    code: String,
}

/// Recovery codes. Each opens one log-in in the place of a code.
#[derive(Serialize, ToSchema)]
struct RecoveryCodes {
    /// They are in this answer alone.
    recovery_codes: Vec<String>,
}

/// What the ISP demands of everybody who works for it.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StaffPolicy {
    /// Whether everybody must log in with a second step.
    second_step_required: bool,
}

/// Show how your second step stands.
#[utoipa::path(get, path = "/me/second-step", tag = "access", responses((status = 200, body = SecondStep), Refusals),
    security(("session" = ["logged-in"])))]
async fn show(State(app): State<App>, staff: Staff<LoggedIn>) -> Result<Json<SecondStep>, Problem> {
    Ok(Json(access::second_step(&mut app.db.read(&staff.scope()).await?, &staff.person).await?))
}

/// Begin to enrol an authenticator (RFC 6238). Nothing is asked at the log-in before a code confirms it.
#[utoipa::path(post, path = "/me/second-step", tag = "access", responses((status = 201, body = Enrolment), Refusals),
    security(("session" = ["logged-in"])))]
async fn begin(State(app): State<App>, staff: Staff<LoggedIn>) -> Result<(StatusCode, Json<Enrolment>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let enrolment = access::begin_second_step(&app, &mut tx, &staff.person).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(enrolment)))
}

/// Confirm the authenticator by a code. The answer has the recovery codes; your other sessions end.
#[utoipa::path(post, path = "/me/second-step/confirm", tag = "access", request_body = Code,
    responses((status = 200, body = RecoveryCodes), Refusals), security(("session" = ["logged-in"])))]
async fn confirm(
    State(app): State<App>,
    staff: Staff<LoggedIn>,
    ApiJson(wish): ApiJson<Code>,
) -> Result<Json<RecoveryCodes>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let codes = access::confirm_second_step(&app, &mut tx, &staff.person, staff.session, &wish.code).await?;
    tx.commit().await?;
    Ok(Json(RecoveryCodes { recovery_codes: codes }))
}

/// Replace your recovery codes.
#[utoipa::path(post, path = "/me/second-step/recovery-codes", tag = "access", request_body = Code,
    responses((status = 200, body = RecoveryCodes), Refusals), security(("session" = ["logged-in"])))]
async fn renew(
    State(app): State<App>,
    staff: Staff<LoggedIn>,
    ApiJson(wish): ApiJson<Code>,
) -> Result<Json<RecoveryCodes>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let codes = access::renew_recovery_codes(&app, &mut tx, &staff.person, &wish.code).await?;
    tx.commit().await?;
    Ok(Json(RecoveryCodes { recovery_codes: codes }))
}

/// Turn off your second step.
#[utoipa::path(post, path = "/me/second-step/off", tag = "access", request_body = Code,
    responses((status = 204), Refusals), security(("session" = ["logged-in"])))]
async fn remove(
    State(app): State<App>,
    staff: Staff<LoggedIn>,
    ApiJson(wish): ApiJson<Code>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    access::remove_second_step(&app, &mut tx, &staff.person, &wish.code).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take away the second step of somebody who lost it. Their sessions end.
#[utoipa::path(delete, path = "/staff/{id}/second-step", tag = "access", params(("id" = StaffId, Path)),
    responses((status = 204), Refusals), security(("session" = ["manage-staff"])))]
async fn reset(
    State(app): State<App>,
    staff: Staff<ManageStaff>,
    ApiPath(id): ApiPath<StaffId>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    access::reset_second_step(&mut tx, &staff.person, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Show what is demanded of everybody on the staff.
#[utoipa::path(get, path = "/staff-policy", tag = "access", responses((status = 200, body = StaffPolicy), Refusals),
    security(("session" = ["view-staff"])))]
async fn policy(State(app): State<App>, staff: Staff<ViewStaff>) -> Result<Json<StaffPolicy>, Problem> {
    let required = access::is_second_step_required(&mut app.db.read(&staff.scope()).await?).await?;
    Ok(Json(StaffPolicy { second_step_required: required }))
}

/// Change what is demanded of everybody on the staff.
#[utoipa::path(put, path = "/staff-policy", tag = "access", request_body = StaffPolicy,
    responses((status = 200, body = StaffPolicy), Refusals), security(("session" = ["manage-staff"])))]
async fn change_policy(
    State(app): State<App>,
    staff: Staff<ManageStaff>,
    ApiJson(wish): ApiJson<StaffPolicy>,
) -> Result<Json<StaffPolicy>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    access::require_second_step(&mut tx, &staff.person, wish.second_step_required).await?;
    tx.commit().await?;
    Ok(Json(wish))
}
