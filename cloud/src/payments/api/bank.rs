//! `/bank-files`, `/bank-statements`, `/suspense-items`: transfers, from the bank's file to the account they pay.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageBilling, RecordPayments, ViewBilling};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::{BankFileId, BankStatementId, SuspenseId};
use crate::payments::bank::{self, BankFile, BankStatement, NewBankFile};
use crate::payments::{self, MatchWish, Payment, SuspenseItem};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(give))
        .routes(routes!(file))
        .routes(routes!(import))
        .routes(routes!(statements))
        .routes(routes!(statement))
        .routes(routes!(suspense_items))
        .routes(routes!(suspense_item))
        .routes(routes!(match_item))
}

/// Give a file of the bank to be looked at. Nothing is imported yet: the answer says what would be, or why it cannot be.
#[utoipa::path(post, path = "/bank-files", tag = "bank", request_body = NewBankFile,
    responses((status = 201, body = BankFile), Refusals),
    security(("session" = ["manage-billing"])))]
async fn give(
    State(app): State<App>,
    staff: Staff<ManageBilling>,
    ApiJson(new): ApiJson<NewBankFile>,
) -> Result<(StatusCode, Json<BankFile>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let id = bank::give(&mut tx, new).await?;
    let file = bank::plan(&mut tx, id).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(file)))
}

/// What a file would do now, entry by entry.
#[utoipa::path(get, path = "/bank-files/{id}", tag = "bank", params(("id" = BankFileId, Path)),
    responses((status = 200, body = BankFile), Refusals),
    security(("session" = ["view-billing"])))]
async fn file(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<BankFileId>,
) -> Result<Json<BankFile>, Problem> {
    Ok(Json(bank::plan(&mut app.db.read(&staff.scope()).await?, id).await?))
}

/// Import a file: all of it or nothing. Imported again it changes nothing.
#[utoipa::path(post, path = "/bank-files/{id}/import", tag = "bank", params(("id" = BankFileId, Path)),
    responses((status = 200, body = BankFile), Refusals),
    security(("session" = ["manage-billing"])))]
async fn import(
    State(app): State<App>,
    staff: Staff<ManageBilling>,
    ApiPath(id): ApiPath<BankFileId>,
) -> Result<Json<BankFile>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let file = bank::import(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(file))
}

/// Imported statements, newest first.
#[utoipa::path(get, path = "/bank-statements", tag = "bank", params(PageQuery),
    responses((status = 200, body = Listed<BankStatement>), Refusals),
    security(("session" = ["view-billing"])))]
async fn statements(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<BankStatement>>, Problem> {
    let page = query.page()?;
    let statements = bank::statements(&mut app.db.read(&staff.scope()).await?, page).await?;
    Ok(Json(Listed::new(statements, page, |statement| statement.id.uuid(), |statement| statement)))
}

/// One imported statement with its entries and what became of them.
#[utoipa::path(get, path = "/bank-statements/{id}", tag = "bank", params(("id" = BankStatementId, Path)),
    responses((status = 200, body = BankStatement), Refusals),
    security(("session" = ["view-billing"])))]
async fn statement(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<BankStatementId>,
) -> Result<Json<BankStatement>, Problem> {
    Ok(Json(bank::statement(&mut app.db.read(&staff.scope()).await?, id).await?))
}

/// Money received from nobody known, newest first, with accounts it may be for.
#[utoipa::path(get, path = "/suspense-items", tag = "bank", params(PageQuery),
    responses((status = 200, body = Listed<SuspenseItem>), Refusals),
    security(("session" = ["view-billing"])))]
async fn suspense_items(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<SuspenseItem>>, Problem> {
    let page = query.page()?;
    let items = payments::suspense_items(&mut app.db.read(&staff.scope()).await?, page).await?;
    Ok(Json(Listed::new(items, page, |item| item.id.uuid(), |item| item)))
}

/// One sum that waits, or waited.
#[utoipa::path(get, path = "/suspense-items/{id}", tag = "bank", params(("id" = SuspenseId, Path)),
    responses((status = 200, body = SuspenseItem), Refusals),
    security(("session" = ["view-billing"])))]
async fn suspense_item(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<SuspenseId>,
) -> Result<Json<SuspenseItem>, Problem> {
    Ok(Json(payments::suspense_item(&mut app.db.read(&staff.scope()).await?, id).await?))
}

/// Say whose a sum is: it becomes that account's payment.
#[utoipa::path(post, path = "/suspense-items/{id}/match", tag = "bank", params(("id" = SuspenseId, Path)), request_body = MatchWish,
    responses((status = 200, body = Payment), Refusals),
    security(("session" = ["record-payments"])))]
async fn match_item(
    State(app): State<App>,
    staff: Staff<RecordPayments>,
    ApiPath(id): ApiPath<SuspenseId>,
    ApiJson(wish): ApiJson<MatchWish>,
) -> Result<Json<Payment>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let payment = payments::match_suspense(&mut tx, id, &wish).await?;
    tx.commit().await?;
    Ok(Json(payment))
}
