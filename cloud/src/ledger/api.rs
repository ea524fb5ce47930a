//! `/ledger`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Closing, ClosingWish, EntryView, JournalFormat, Span, TrialBalance};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageBilling, ViewBilling};
use crate::http::{ApiJson, ApiQuery, Staff, download};
use crate::ids::AccountId;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(entries))
        .routes(routes!(trial_balance))
        .routes(routes!(journal))
        .routes(routes!(closings, close))
        .merge(super::recognition::api::routes())
}

/// Which entries.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct EntriesQuery {
    /// Only those that touch this subscriber's account.
    account_id: Option<AccountId>,
    /// `next` of the page before.
    after: Option<String>,
    /// Items a page, at most 200; 50 if not given.
    limit: Option<u32>,
}

/// Entries of the ledger, newest first.
#[utoipa::path(get, path = "/ledger/entries", tag = "ledger", params(EntriesQuery),
    responses((status = 200, body = Listed<EntryView>), Refusals),
    security(("session" = ["view-billing"])))]
async fn entries(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiQuery(query): ApiQuery<EntriesQuery>,
) -> Result<Json<Listed<EntryView>>, Problem> {
    let page = PageQuery { after: query.after, limit: query.limit }.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let entries = super::entries(&mut tx, page, query.account_id).await?;
    Ok(Json(Listed::new(entries, page, |entry| entry.id.uuid(), |entry| entry)))
}

/// The sums of every ledger account, of all days or of some.
#[utoipa::path(get, path = "/ledger/trial-balance", tag = "ledger", params(Span),
    responses((status = 200, body = TrialBalance), Refusals),
    security(("session" = ["view-billing"])))]
async fn trial_balance(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiQuery(span): ApiQuery<Span>,
) -> Result<Json<TrialBalance>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::trial_balance(&mut tx, span).await?))
}

/// Which days of the books, and as what.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct JournalQuery {
    /// The first day; all before if not given.
    from: Option<NaiveDate>,
    /// The last day; all after if not given.
    to: Option<NaiveDate>,
    /// As what it is written.
    #[param(inline)]
    format: JournalFormat,
}

/// The entries of the ledger as a file, oldest first: for hledger, as CSV, or as a workbook.
#[utoipa::path(get, path = "/ledger/journal", tag = "ledger", params(JournalQuery),
    responses((status = 200, description = "The file.", content(
        (String = "text/plain"),
        (String = "text/csv"),
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    )), Refusals),
    security(("session" = ["view-billing"])))]
async fn journal(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiQuery(query): ApiQuery<JournalQuery>,
) -> Result<Response, Problem> {
    let span = Span { from: query.from, to: query.to };
    sent(&mut app.db.read(&staff.scope()).await?, span, query.format).await
}

/// Decisions about which days of the books are closed, newest first; the newest is in force.
#[utoipa::path(get, path = "/ledger/closings", tag = "ledger", params(PageQuery),
    responses((status = 200, body = Listed<Closing>), Refusals),
    security(("session" = ["view-billing"])))]
async fn closings(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<Closing>>, Problem> {
    let page = query.page()?;
    let closings = super::closings(&mut app.db.read(&staff.scope()).await?, page).await?;
    Ok(Json(Listed::new(closings, page, |closing| closing.id.uuid(), |closing| closing)))
}

/// Close the books through the end of a month, or reopen those after it. Nothing is posted to a day that is closed: what comes
/// late is posted on the first that is open.
#[utoipa::path(post, path = "/ledger/closings", tag = "ledger", request_body = ClosingWish,
    responses((status = 201, body = Closing), Refusals),
    security(("session" = ["manage-billing"])))]
async fn close(
    State(app): State<App>,
    staff: Staff<ManageBilling>,
    ApiJson(wish): ApiJson<ClosingWish>,
) -> Result<(StatusCode, Json<Closing>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let closing = super::close(&mut tx, &wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(closing)))
}

/// The answer that is the journal of some days.
pub(crate) async fn sent(tx: &mut TenantTx, span: Span, format: JournalFormat) -> Result<Response, Problem> {
    let file = super::journal(tx, span, format).await?;
    let day = |day: Option<NaiveDate>| day.map(|day| format!("-{day}")).unwrap_or_default();
    let name = format!("ledger{}{}.{}", day(span.from), day(span.to), format.ending());
    Ok(download::file(file, &name, format.kind()))
}
