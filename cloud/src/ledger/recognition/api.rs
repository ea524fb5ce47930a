//! `/ledger/deferred-revenue` and `/ledger/recognitions`.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{DeferredMonth, DeferredRevenue, RecognisedLine, Recognition};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::ViewBilling;
use crate::http::{ApiPath, ApiQuery, Staff, csv};
use crate::ids::RecognitionId;

/// What the columns of the file are called.
const COLUMNS: [&str; 3] = ["month", "amount", "currency"];

pub(in crate::ledger) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(deferred)).routes(routes!(file)).routes(routes!(list)).routes(routes!(lines))
}

/// What was billed and is still to be earned, by month.
#[utoipa::path(get, path = "/ledger/deferred-revenue", tag = "ledger",
    responses((status = 200, body = DeferredRevenue), Refusals),
    security(("session" = ["view-billing"])))]
async fn deferred(State(app): State<App>, staff: Staff<ViewBilling>) -> Result<Json<DeferredRevenue>, Problem> {
    Ok(Json(super::deferred_revenue(&mut app.db.read(&staff.scope()).await?).await?))
}

/// The same as CSV, a row a month and currency.
#[utoipa::path(get, path = "/ledger/deferred-revenue/file", tag = "ledger",
    responses((status = 200, description = "The file.", content_type = "text/csv", body = String), Refusals),
    security(("session" = ["view-billing"])))]
async fn file(State(app): State<App>, staff: Staff<ViewBilling>) -> Result<Response, Problem> {
    sent(&mut app.db.read(&staff.scope()).await?).await
}

/// Days whose revenue is earned, newest first.
#[utoipa::path(get, path = "/ledger/recognitions", tag = "ledger", params(PageQuery),
    responses((status = 200, body = Listed<Recognition>), Refusals),
    security(("session" = ["view-billing"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<Recognition>>, Problem> {
    let page = query.page()?;
    let days = super::recognitions(&mut app.db.read(&staff.scope()).await?, page).await?;
    Ok(Json(Listed::new(days, page, |day| day.id.uuid(), |day| day)))
}

/// The lines that made up what a day earned.
#[utoipa::path(get, path = "/ledger/recognitions/{id}/lines", tag = "ledger", params(("id" = RecognitionId, Path), PageQuery),
    responses((status = 200, body = Listed<RecognisedLine>), Refusals),
    security(("session" = ["view-billing"])))]
async fn lines(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<RecognitionId>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<RecognisedLine>>, Problem> {
    let page = query.page()?;
    let lines = super::recognised_lines(&mut app.db.read(&staff.scope()).await?, id, page).await?;
    Ok(Json(Listed::new(lines, page, |line| line.line_id.uuid(), |line| line)))
}

/// The answer that is the file.
pub(crate) async fn sent(tx: &mut TenantTx) -> Result<Response, Problem> {
    let months = super::deferred_revenue(tx).await?.months;
    let row = |row: DeferredMonth| {
        let (month, amount) = (row.month.format("%Y-%m").to_string(), row.amount.amount().to_string());
        csv::line([month.as_str(), amount.as_str(), row.amount.currency().code()])
    };
    let rows: Vec<_> = std::iter::once(csv::line(COLUMNS)).chain(months.into_iter().map(row)).map(Ok).collect();
    Ok(csv::file("deferred-revenue.csv", futures_util::stream::iter(rows)))
}
