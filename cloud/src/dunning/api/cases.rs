//! `/dunning-cases` and `/late-fees`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::dunning::{self, Case, CaseFilter, CaseSummary, LateFee, PauseWish, PromiseWish, WaiveWish};
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageDunning, ViewDunning};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::{AccountId, DunningCaseId, LateFeeId};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(promise))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(waive))
}

/// Which cases.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct CasesQuery {
    /// Only this account's.
    account_id: Option<AccountId>,
    /// Only those open (`true`) or closed (`false`).
    open: Option<bool>,
    /// `next` of the page before.
    after: Option<String>,
    /// Items a page, at most 200; 50 if not given.
    limit: Option<u32>,
}

/// Dunning cases, newest first.
#[utoipa::path(get, path = "/dunning-cases", tag = "dunning", params(CasesQuery),
    responses((status = 200, body = Listed<CaseSummary>), Refusals),
    security(("session" = ["view-dunning"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewDunning>,
    ApiQuery(query): ApiQuery<CasesQuery>,
) -> Result<Json<Listed<CaseSummary>>, Problem> {
    let page = PageQuery { after: query.after, limit: query.limit }.page()?;
    let filter = CaseFilter { account: query.account_id, open: query.open };
    let mut tx = app.db.read(&staff.scope()).await?;
    let cases = dunning::cases(&mut tx, page, &filter).await?;
    Ok(Json(Listed::new(cases, page, |case| case.id.uuid(), |case| case)))
}

/// A dunning case: what was done, what was promised, what is next.
#[utoipa::path(get, path = "/dunning-cases/{id}", tag = "dunning", params(("id" = DunningCaseId, Path)),
    responses((status = 200, body = Case), Refusals),
    security(("session" = ["view-dunning"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewDunning>,
    ApiPath(id): ApiPath<DunningCaseId>,
) -> Result<Json<Case>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(dunning::case(&mut tx, id).await?))
}

/// Note a promise to pay. While it runs, lines are open and nothing new is done; once broken, the case goes on.
#[utoipa::path(post, path = "/dunning-cases/{id}/promises", tag = "dunning", params(("id" = DunningCaseId, Path)),
    request_body = PromiseWish, responses((status = 201, body = Case), Refusals),
    security(("session" = ["manage-dunning"])))]
async fn promise(
    State(app): State<App>,
    staff: Staff<ManageDunning>,
    ApiPath(id): ApiPath<DunningCaseId>,
    ApiJson(wish): ApiJson<PromiseWish>,
) -> Result<(StatusCode, Json<Case>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let case = dunning::promise(&mut tx, id, &wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(case)))
}

/// Pause a case: nothing new is done through a day, restrictions stay.
#[utoipa::path(post, path = "/dunning-cases/{id}/pause", tag = "dunning", params(("id" = DunningCaseId, Path)),
    request_body = PauseWish, responses((status = 200, body = Case), Refusals),
    security(("session" = ["manage-dunning"])))]
async fn pause(
    State(app): State<App>,
    staff: Staff<ManageDunning>,
    ApiPath(id): ApiPath<DunningCaseId>,
    ApiJson(wish): ApiJson<PauseWish>,
) -> Result<Json<Case>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let case = dunning::pause(&mut tx, id, &wish).await?;
    tx.commit().await?;
    Ok(Json(case))
}

/// End the pause of a case.
#[utoipa::path(post, path = "/dunning-cases/{id}/resume", tag = "dunning", params(("id" = DunningCaseId, Path)),
    responses((status = 200, body = Case), Refusals),
    security(("session" = ["manage-dunning"])))]
async fn resume(
    State(app): State<App>,
    staff: Staff<ManageDunning>,
    ApiPath(id): ApiPath<DunningCaseId>,
) -> Result<Json<Case>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let case = dunning::resume(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(case))
}

/// Give a late fee back: a credit note settles what is open of it, the rest is the subscriber's credit.
#[utoipa::path(post, path = "/late-fees/{id}/waive", tag = "dunning", params(("id" = LateFeeId, Path)),
    request_body = WaiveWish, responses((status = 200, body = LateFee), Refusals),
    security(("session" = ["manage-dunning"])))]
async fn waive(
    State(app): State<App>,
    staff: Staff<ManageDunning>,
    ApiPath(id): ApiPath<LateFeeId>,
    ApiJson(wish): ApiJson<WaiveWish>,
) -> Result<Json<LateFee>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let fee = dunning::waive(&mut tx, id, &wish).await?;
    tx.commit().await?;
    Ok(Json(fee))
}
