//! `/support-mailbox`, `/unmatched-mail`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageSettings, ManageTickets, ViewSettings, ViewTickets};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::SupportMailId;
use crate::tickets::Ticket;
use crate::tickets::mail::{self, ConnectWish, MadeMailbox, Mailbox, MailboxWish, UnmatchedMail};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(mailbox, make, close))
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(connect))
        .routes(routes!(discard))
}

/// What subscribers write to; null while there is none.
#[utoipa::path(get, path = "/support-mailbox", tag = "tickets",
    responses((status = 200, body = Option<Mailbox>), Refusals), security(("session" = ["view-settings"])))]
async fn mailbox(State(app): State<App>, staff: Staff<ViewSettings>) -> Result<Json<Option<Mailbox>>, Problem> {
    Ok(Json(mail::mailbox(&mut app.db.read(&staff.scope()).await?).await?))
}

/// Make the mailbox, or a new token for it. The address a mail server posts to is in this answer alone.
#[utoipa::path(put, path = "/support-mailbox", tag = "tickets", request_body = MailboxWish,
    responses((status = 200, body = MadeMailbox), Refusals), security(("session" = ["manage-settings"])))]
async fn make(
    State(app): State<App>,
    staff: Staff<ManageSettings>,
    ApiJson(wish): ApiJson<MailboxWish>,
) -> Result<Json<MadeMailbox>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let made = mail::make_mailbox(&app, &mut tx, wish).await?;
    tx.commit().await?;
    Ok(Json(made))
}

/// Close the mailbox: nothing comes in any more.
#[utoipa::path(delete, path = "/support-mailbox", tag = "tickets",
    responses((status = 204), Refusals), security(("session" = ["manage-settings"])))]
async fn close(State(app): State<App>, staff: Staff<ManageSettings>) -> Result<StatusCode, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    mail::close_mailbox(&mut tx).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List e-mail nobody could be found for, newest first.
#[utoipa::path(get, path = "/unmatched-mail", tag = "tickets", params(PageQuery),
    responses((status = 200, body = Listed<UnmatchedMail>), Refusals), security(("session" = ["view-tickets"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewTickets>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<UnmatchedMail>>, Problem> {
    let page = query.page()?;
    let mails = mail::unmatched_mails(&mut app.db.read(&staff.scope()).await?, page).await?;
    Ok(Json(Listed::new(mails, page, |mail| mail.id.uuid(), |mail| mail)))
}

/// One of them.
#[utoipa::path(get, path = "/unmatched-mail/{id}", tag = "tickets", params(("id" = SupportMailId, Path)),
    responses((status = 200, body = UnmatchedMail), Refusals), security(("session" = ["view-tickets"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewTickets>,
    ApiPath(id): ApiPath<SupportMailId>,
) -> Result<Json<UnmatchedMail>, Problem> {
    Ok(Json(mail::unmatched(&mut app.db.read(&staff.scope()).await?, id).await?))
}

/// Put an e-mail into a ticket, or open one of a subscriber's with it.
#[utoipa::path(post, path = "/unmatched-mail/{id}/connect", tag = "tickets", params(("id" = SupportMailId, Path)),
    request_body = ConnectWish, responses((status = 200, body = Ticket), Refusals), security(("session" = ["manage-tickets"])))]
async fn connect(
    State(app): State<App>,
    staff: Staff<ManageTickets>,
    ApiPath(id): ApiPath<SupportMailId>,
    ApiJson(wish): ApiJson<ConnectWish>,
) -> Result<Json<Ticket>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let ticket = mail::connect(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok(Json(ticket))
}

/// Discard an e-mail nobody needs.
#[utoipa::path(delete, path = "/unmatched-mail/{id}", tag = "tickets", params(("id" = SupportMailId, Path)),
    responses((status = 204), Refusals), security(("session" = ["manage-tickets"])))]
async fn discard(
    State(app): State<App>,
    staff: Staff<ManageTickets>,
    ApiPath(id): ApiPath<SupportMailId>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    mail::discard(&mut tx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
