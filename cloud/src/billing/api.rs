//! `/billing-runs`, `/invoices`, `/accounts/{id}/standing`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    AccountStanding, BillingRun, FirstYear, FirstYearWish, Invoice, InvoiceFilter, InvoiceSummary, NextBill, Preview,
    RunWish, pdf,
};
use crate::app::App;
use crate::catalog;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageBilling, ManageCatalog, ViewBilling};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff, download};
use crate::ids::{AccountId, BillingRunId, InvoiceId};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_runs, start_run))
        .routes(routes!(preview_run))
        .routes(routes!(preview_plan))
        .routes(routes!(show_run))
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(document))
        .routes(routes!(standing))
        .routes(routes!(next_bill))
}

/// Which invoices.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct InvoicesQuery {
    /// Only this account's.
    account_id: Option<AccountId>,
    /// Only those this run issued.
    run_id: Option<BillingRunId>,
    /// due, overdue, part_paid or paid; open = whatever is not paid.
    status: Option<String>,
    /// Only those with this in their number.
    number: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// Items a page, at most 200; 50 if not given.
    limit: Option<u32>,
}

/// Billing runs, newest first.
#[utoipa::path(get, path = "/billing-runs", tag = "billing", params(PageQuery),
    responses((status = 200, body = Listed<BillingRun>), Refusals),
    security(("session" = ["view-billing"])))]
async fn list_runs(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<BillingRun>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let runs = super::runs(&mut tx, page).await?;
    Ok(Json(Listed::new(runs, page, |run| run.id.uuid(), |run| run)))
}

/// Start a billing run. It works in the background; starting it again while it does returns it.
#[utoipa::path(post, path = "/billing-runs", tag = "billing", request_body = RunWish,
    responses((status = 202, body = BillingRun), Refusals),
    security(("session" = ["manage-billing"])))]
async fn start_run(
    State(app): State<App>,
    staff: Staff<ManageBilling>,
    ApiJson(wish): ApiJson<RunWish>,
) -> Result<(StatusCode, Json<BillingRun>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let run = super::start_run(&mut tx, &wish).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(run)))
}

/// What a billing run would bill, and which invoices would be unlike those before. Nothing is kept of it.
#[utoipa::path(post, path = "/billing-runs/preview", tag = "billing", request_body = RunWish,
    responses((status = 200, body = Preview), Refusals),
    security(("session" = ["manage-billing"])))]
async fn preview_run(
    State(app): State<App>,
    staff: Staff<ManageBilling>,
    ApiJson(wish): ApiJson<RunWish>,
) -> Result<Json<Preview>, Problem> {
    Ok(Json(super::preview(&app, &staff.scope(), &wish).await?))
}

/// What a line that begins with a version of a plan would be billed in its first year. Nothing is kept of it.
#[utoipa::path(post, path = "/plans/preview", tag = "catalog", request_body = FirstYearWish,
    responses((status = 200, body = FirstYear), Refusals),
    security(("session" = ["manage-catalog"])))]
async fn preview_plan(
    State(app): State<App>,
    staff: Staff<ManageCatalog>,
    ApiJson(wish): ApiJson<FirstYearWish>,
) -> Result<Json<FirstYear>, Problem> {
    let within = |part: &'static str| {
        move |mut problem: Problem| {
            problem.errors.iter_mut().for_each(|error| error.field = format!("{part}.{}", error.field));
            problem
        }
    };
    let mut tx = app.db.read(&staff.scope()).await?;
    let version = catalog::proposed(&mut tx, wish.version).await.map_err(Problem::from).map_err(within("version"))?;
    let year = super::first_year(&mut tx, (&wish.name, &version, "en"), &wish.line).await;
    Ok(Json(year.map_err(Problem::from).map_err(within("line"))?))
}

/// One billing run and how far it is.
#[utoipa::path(get, path = "/billing-runs/{id}", tag = "billing", params(("id" = BillingRunId, Path)),
    responses((status = 200, body = BillingRun), Refusals),
    security(("session" = ["view-billing"])))]
async fn show_run(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<BillingRunId>,
) -> Result<Json<BillingRun>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::run(&mut tx, id).await?))
}

/// Invoices, newest first.
#[utoipa::path(get, path = "/invoices", tag = "billing", params(InvoicesQuery),
    responses((status = 200, body = Listed<InvoiceSummary>), Refusals),
    security(("session" = ["view-billing"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiQuery(query): ApiQuery<InvoicesQuery>,
) -> Result<Json<Listed<InvoiceSummary>>, Problem> {
    let page = PageQuery { after: query.after, limit: query.limit }.page()?;
    let filter =
        InvoiceFilter { account: query.account_id, run: query.run_id, status: query.status, number: query.number };
    let mut tx = app.db.read(&staff.scope()).await?;
    let invoices = super::invoices(&mut tx, page, &filter).await?;
    Ok(Json(Listed::new(invoices, page, |invoice| invoice.id.uuid(), |invoice| invoice)))
}

/// One invoice: lines and what they follow from, taxes, what is left to pay.
#[utoipa::path(get, path = "/invoices/{id}", tag = "billing", params(("id" = InvoiceId, Path)),
    responses((status = 200, body = Invoice), Refusals),
    security(("session" = ["view-billing"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<InvoiceId>,
) -> Result<Json<Invoice>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::invoice(&mut tx, id).await?))
}

/// The invoice as a document.
#[utoipa::path(get, path = "/invoices/{id}/pdf", tag = "billing", params(("id" = InvoiceId, Path)),
    responses((status = 200, description = "The document.", content_type = "application/pdf", body = Vec<u8>), Refusals),
    security(("session" = ["view-billing"])))]
async fn document(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<InvoiceId>,
) -> Result<Response, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    let invoice = super::invoice(&mut tx, id).await?;
    drop(tx);
    drawn(invoice).await
}

/// The answer that is an invoice's document.
pub(crate) async fn drawn(invoice: Invoice) -> Result<Response, Problem> {
    let number = invoice.summary.number.clone();
    Ok(download::shown(&number, pdf::draw(invoice).await?))
}

/// What an account owes and has.
#[utoipa::path(get, path = "/accounts/{id}/standing", tag = "billing", params(("id" = AccountId, Path)),
    responses((status = 200, body = AccountStanding), Refusals),
    security(("session" = ["view-billing"])))]
async fn standing(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<AccountId>,
) -> Result<Json<AccountStanding>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::standing(&mut tx, id).await?))
}

/// What an account's next bill would be by what is known today, with what it pays for others.
#[utoipa::path(get, path = "/accounts/{id}/next-bill", tag = "billing", params(("id" = AccountId, Path)),
    responses((status = 200, body = NextBill), Refusals),
    security(("session" = ["view-billing"])))]
async fn next_bill(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<AccountId>,
) -> Result<Json<NextBill>, Problem> {
    // Looked at as a run does, and not committed.
    let mut tx = app.db.begin(&staff.scope()).await?;
    Ok(Json(super::next_bill(&mut tx, id).await?))
}
