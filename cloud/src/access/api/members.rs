//! `/staff`, `/staff-invitations`, `/me/password`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{self, Invitation, Member, MemberChange, NewInvitation, SentInvitation};
use crate::app::App;
use crate::error::{Problem, ProblemJson, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{LoggedIn, ManageStaff, ViewStaff};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::{InvitationId, StaffId};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, change))
        .routes(routes!(invitations, invite))
        .routes(routes!(withdraw))
        .routes(routes!(join))
        .routes(routes!(change_password))
}

/// List the staff.
#[utoipa::path(get, path = "/staff", tag = "access", params(PageQuery),
    responses((status = 200, body = Listed<Member>), Refusals), security(("session" = ["view-staff"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewStaff>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<Member>>, Problem> {
    let page = query.page()?;
    let members = access::members(&mut app.db.read(&staff.scope()).await?, page).await?;
    Ok(Json(Listed::new(members, page, |member| member.id.uuid(), |member| member)))
}

/// Show one of the staff.
#[utoipa::path(get, path = "/staff/{id}", tag = "access", params(("id" = StaffId, Path)),
    responses((status = 200, body = Member), Refusals), security(("session" = ["view-staff"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewStaff>,
    ApiPath(id): ApiPath<StaffId>,
) -> Result<Json<Member>, Problem> {
    Ok(Json(access::member(&mut app.db.read(&staff.scope()).await?, id).await?))
}

/// Change what somebody may do, or end or return their access.
#[utoipa::path(patch, path = "/staff/{id}", tag = "access", params(("id" = StaffId, Path)),
    request_body = MemberChange, responses((status = 200, body = Member), Refusals),
    security(("session" = ["manage-staff"])))]
async fn change(
    State(app): State<App>,
    staff: Staff<ManageStaff>,
    ApiPath(id): ApiPath<StaffId>,
    ApiJson(wish): ApiJson<MemberChange>,
) -> Result<Json<Member>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let member = access::change_member(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok(Json(member))
}

/// List the invitations that can still be accepted.
#[utoipa::path(get, path = "/staff-invitations", tag = "access",
    responses((status = 200, body = Vec<Invitation>), Refusals), security(("session" = ["view-staff"])))]
async fn invitations(State(app): State<App>, staff: Staff<ViewStaff>) -> Result<Json<Vec<Invitation>>, Problem> {
    Ok(Json(access::invitations(&mut app.db.read(&staff.scope()).await?).await?))
}

/// Invite somebody to the staff. The link is in this answer alone; it works once, for seven days.
#[utoipa::path(post, path = "/staff-invitations", tag = "access", request_body = NewInvitation,
    responses((status = 201, body = SentInvitation), Refusals), security(("session" = ["manage-staff"])))]
async fn invite(
    State(app): State<App>,
    staff: Staff<ManageStaff>,
    ApiJson(wish): ApiJson<NewInvitation>,
) -> Result<(StatusCode, Json<SentInvitation>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let sent = access::invite(&app, &mut tx, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(sent)))
}

/// Withdraw an invitation: its link opens nothing any more.
#[utoipa::path(delete, path = "/staff-invitations/{id}", tag = "access", params(("id" = InvitationId, Path)),
    responses((status = 204), Refusals), security(("session" = ["manage-staff"])))]
async fn withdraw(
    State(app): State<App>,
    staff: Staff<ManageStaff>,
    ApiPath(id): ApiPath<InvitationId>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    access::withdraw(&mut tx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an invitation is accepted with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Acceptance {
    /// The last part of the invitation's link.
    token: String,
    /// A password of one's own, at least 12 characters.
    #[schema(format = Password)]
    password: String,
}

/// Accept an invitation: choose a password and become staff.
#[utoipa::path(post, path = "/staff-invitations/accept", tag = "access", request_body = Acceptance,
    responses((status = 201, body = Member), (status = 410, body = ProblemJson, content_type = "application/problem+json"), Refusals))]
async fn join(
    State(app): State<App>,
    ApiJson(wish): ApiJson<Acceptance>,
) -> Result<(StatusCode, Json<Member>), Problem> {
    Ok((StatusCode::CREATED, Json(access::join(&app, &wish.token, wish.password).await?)))
}

/// A password to be changed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordChange {
    /// The one in use.
    #[schema(format = Password)]
    current_password: String,
    /// The one to be, at least 12 characters.
    #[schema(format = Password)]
    password: String,
}

/// Change your own password. All your other sessions end.
#[utoipa::path(put, path = "/me/password", tag = "access", request_body = PasswordChange,
    responses((status = 204), Refusals), security(("session" = ["logged-in"])))]
async fn change_password(
    State(app): State<App>,
    staff: Staff<LoggedIn>,
    ApiJson(wish): ApiJson<PasswordChange>,
) -> Result<StatusCode, Problem> {
    access::change_password(&app, &staff.person, staff.session, wish.current_password, wish.password).await?;
    Ok(StatusCode::NO_CONTENT)
}
