//! Sessions as people see them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{self, SessionView};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::permission::{LoggedIn, ManageStaff};
use crate::http::{ApiPath, Staff};
use crate::ids::{SessionId, StaffId};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(own, end_others)).routes(routes!(end)).routes(routes!(of, end_of))
}

/// A session of one's own.
#[derive(Serialize, ToSchema)]
struct OwnSession {
    #[serde(flatten)]
    session: SessionView,
    /// Whether it is the one this request is sent with.
    current: bool,
}

/// How many sessions were ended.
#[derive(Serialize, ToSchema)]
struct Ended {
    /// How many.
    ended: u64,
}

/// List your own sessions.
#[utoipa::path(get, path = "/me/sessions", tag = "access", responses((status = 200, body = Vec<OwnSession>), Refusals),
    security(("session" = ["logged-in"])))]
async fn own(State(app): State<App>, staff: Staff<LoggedIn>) -> Result<Json<Vec<OwnSession>>, Problem> {
    let sessions = access::sessions(&mut app.db.read(&staff.scope()).await?, staff.person.id).await?;
    let own = |session: SessionView| OwnSession { current: staff.session == Some(session.id), session };
    Ok(Json(sessions.into_iter().map(own).collect()))
}

/// End all your sessions but the one this request is sent with.
#[utoipa::path(delete, path = "/me/sessions", tag = "access", responses((status = 200, body = Ended), Refusals),
    security(("session" = ["logged-in"])))]
async fn end_others(State(app): State<App>, staff: Staff<LoggedIn>) -> Result<Json<Ended>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let ended = access::end_sessions(&mut tx, staff.person.id, staff.session).await?;
    tx.commit().await?;
    Ok(Json(Ended { ended }))
}

/// End a session: one of your own, or anybody's if you manage the staff.
#[utoipa::path(delete, path = "/sessions/{id}", tag = "access", params(("id" = SessionId, Path)),
    responses((status = 204), Refusals), security(("session" = ["logged-in"])))]
async fn end(
    State(app): State<App>,
    staff: Staff<LoggedIn>,
    ApiPath(id): ApiPath<SessionId>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    access::end_session(&mut tx, &staff.person, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List somebody's sessions.
#[utoipa::path(get, path = "/staff/{id}/sessions", tag = "access", params(("id" = StaffId, Path)),
    responses((status = 200, body = Vec<SessionView>), Refusals), security(("session" = ["manage-staff"])))]
async fn of(
    State(app): State<App>,
    staff: Staff<ManageStaff>,
    ApiPath(id): ApiPath<StaffId>,
) -> Result<Json<Vec<SessionView>>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    access::member(&mut tx, id).await?;
    Ok(Json(access::sessions(&mut tx, id).await?))
}

/// End all of somebody's sessions.
#[utoipa::path(delete, path = "/staff/{id}/sessions", tag = "access", params(("id" = StaffId, Path)),
    responses((status = 200, body = Ended), Refusals), security(("session" = ["manage-staff"])))]
async fn end_of(
    State(app): State<App>,
    staff: Staff<ManageStaff>,
    ApiPath(id): ApiPath<StaffId>,
) -> Result<Json<Ended>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    access::member(&mut tx, id).await?;
    let ended = access::end_sessions(&mut tx, id, None).await?;
    tx.commit().await?;
    Ok(Json(Ended { ended }))
}
