//! `/book-checks`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::BookCheck;
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageBilling, ViewBilling};
use crate::http::{ApiPath, ApiQuery, Staff};
use crate::ids::BookCheckId;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, check)).routes(routes!(show))
}

/// Checks of the books, newest first.
#[utoipa::path(get, path = "/book-checks", tag = "ledger", params(PageQuery),
    responses((status = 200, body = Listed<BookCheck>), Refusals),
    security(("session" = ["view-billing"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<BookCheck>>, Problem> {
    let page = query.page()?;
    let checks = super::book_checks(&mut app.db.read(&staff.scope()).await?, page).await?;
    Ok(Json(Listed::new(checks, page, |check| check.id.uuid(), |check| check)))
}

/// Check the books now; it is done every night by itself.
#[utoipa::path(post, path = "/book-checks", tag = "ledger",
    responses((status = 201, body = BookCheck), Refusals),
    security(("session" = ["manage-billing"])))]
async fn check(State(app): State<App>, staff: Staff<ManageBilling>) -> Result<(StatusCode, Json<BookCheck>), Problem> {
    Ok((StatusCode::CREATED, Json(super::check(&app, &staff.scope()).await?)))
}

/// One check of the books, with what did not agree.
#[utoipa::path(get, path = "/book-checks/{id}", tag = "ledger", params(("id" = BookCheckId, Path)),
    responses((status = 200, body = BookCheck), Refusals),
    security(("session" = ["view-billing"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<BookCheckId>,
) -> Result<Json<BookCheck>, Problem> {
    Ok(Json(super::book_check(&mut app.db.read(&staff.scope()).await?, id).await?))
}
