//! `/proformas`, and the way to them from `/accounts/{id}`.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Proforma, ProformaSummary, ProformaWish, document};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageBilling, ViewBilling};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff, download};
use crate::idempotency::api::key_of;
use crate::ids::{AccountId, ProformaId};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(pdf))
        .routes(routes!(issue))
        .routes(routes!(withdraw))
}

/// Which proformas.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ProformasQuery {
    /// Only this account's.
    account_id: Option<AccountId>,
    /// `next` of the page before.
    after: Option<String>,
    /// Items a page, at most 200; 50 if not given.
    limit: Option<u32>,
}

/// Proformas, newest first.
#[utoipa::path(get, path = "/proformas", tag = "billing", params(ProformasQuery),
    responses((status = 200, body = Listed<ProformaSummary>), Refusals),
    security(("session" = ["view-billing"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiQuery(query): ApiQuery<ProformasQuery>,
) -> Result<Json<Listed<ProformaSummary>>, Problem> {
    let page = PageQuery { after: query.after, limit: query.limit }.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let proformas = super::proformas(&mut tx, page, query.account_id).await?;
    Ok(Json(Listed::new(proformas, page, |one| one.id.uuid(), |one| one)))
}

/// One proforma: lines, taxes, what the account has no credit for yet.
#[utoipa::path(get, path = "/proformas/{id}", tag = "billing", params(("id" = ProformaId, Path)),
    responses((status = 200, body = Proforma), Refusals),
    security(("session" = ["view-billing"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<ProformaId>,
) -> Result<Json<Proforma>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::proforma(&mut tx, id).await?))
}

/// The proforma as a document.
#[utoipa::path(get, path = "/proformas/{id}/pdf", tag = "billing", params(("id" = ProformaId, Path)),
    responses((status = 200, description = "The document.", content_type = "application/pdf", body = Vec<u8>), Refusals),
    security(("session" = ["view-billing"])))]
async fn pdf(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<ProformaId>,
) -> Result<Response, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    let proforma = super::proforma(&mut tx, id).await?;
    drop(tx);
    drawn(proforma).await
}

/// The answer that is a proforma's document.
pub(crate) async fn drawn(proforma: Proforma) -> Result<Response, Problem> {
    let number = proforma.summary.number.clone();
    Ok(download::shown(&number, document::draw(proforma).await?))
}

/// Ask an account for what will be due up to a day. Nothing is posted: what is paid is its credit until invoices use it.
#[utoipa::path(post, path = "/accounts/{id}/proformas", tag = "billing",
    params(("id" = AccountId, Path), ("Idempotency-Key" = String, Header, description = "New for every proforma, the same when one is repeated.")),
    request_body = ProformaWish,
    responses((status = 201, body = Proforma), Refusals),
    security(("session" = ["manage-billing"])))]
async fn issue(
    State(app): State<App>,
    staff: Staff<ManageBilling>,
    ApiPath(id): ApiPath<AccountId>,
    headers: HeaderMap,
    ApiJson(wish): ApiJson<ProformaWish>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let key = key_of(&headers)?;
    let mut tx = app.db.begin(&staff.scope()).await?;
    let reply = super::issue_proforma_once(&mut tx, key, id, &wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(reply)))
}

/// Take a proforma back: it no longer asks. What was paid stays the account's credit.
#[utoipa::path(post, path = "/proformas/{id}/withdraw", tag = "billing", params(("id" = ProformaId, Path)),
    responses((status = 200, body = Proforma), Refusals),
    security(("session" = ["manage-billing"])))]
async fn withdraw(
    State(app): State<App>,
    staff: Staff<ManageBilling>,
    ApiPath(id): ApiPath<ProformaId>,
) -> Result<Json<Proforma>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let withdrawn = super::withdraw_proforma(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(withdrawn))
}
