//! `/credit-notes`, and the way to them from `/invoices/{id}`.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{CreditNote, CreditNoteFilter, CreditNotePreview, CreditNoteSummary, CreditNoteWish, document};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{IssueCreditNotes, ViewBilling};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff, download};
use crate::idempotency::api::key_of;
use crate::ids::{AccountId, CreditNoteId, InvoiceId};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(pdf))
        .routes(routes!(issue))
        .routes(routes!(preview))
}

/// Which credit notes.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct CreditNotesQuery {
    /// Only this account's.
    account_id: Option<AccountId>,
    /// Only those of this invoice.
    invoice_id: Option<InvoiceId>,
    /// `next` of the page before.
    after: Option<String>,
    /// Items a page, at most 200; 50 if not given.
    limit: Option<u32>,
}

/// Credit notes, newest first.
#[utoipa::path(get, path = "/credit-notes", tag = "billing", params(CreditNotesQuery),
    responses((status = 200, body = Listed<CreditNoteSummary>), Refusals),
    security(("session" = ["view-billing"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiQuery(query): ApiQuery<CreditNotesQuery>,
) -> Result<Json<Listed<CreditNoteSummary>>, Problem> {
    let page = PageQuery { after: query.after, limit: query.limit }.page()?;
    let filter = CreditNoteFilter { account: query.account_id, invoice: query.invoice_id };
    let mut tx = app.db.read(&staff.scope()).await?;
    let notes = super::credit_notes(&mut tx, page, &filter).await?;
    Ok(Json(Listed::new(notes, page, |note| note.id.uuid(), |note| note)))
}

/// One credit note: lines, taxes, what of it is not used yet.
#[utoipa::path(get, path = "/credit-notes/{id}", tag = "billing", params(("id" = CreditNoteId, Path)),
    responses((status = 200, body = CreditNote), Refusals),
    security(("session" = ["view-billing"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<CreditNoteId>,
) -> Result<Json<CreditNote>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::credit_note(&mut tx, id).await?))
}

/// The credit note as a document.
#[utoipa::path(get, path = "/credit-notes/{id}/pdf", tag = "billing", params(("id" = CreditNoteId, Path)),
    responses((status = 200, description = "The document.", content_type = "application/pdf", body = Vec<u8>), Refusals),
    security(("session" = ["view-billing"])))]
async fn pdf(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<CreditNoteId>,
) -> Result<Response, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    let note = super::credit_note(&mut tx, id).await?;
    drop(tx);
    drawn(note).await
}

/// The answer that is a credit note's document.
pub(crate) async fn drawn(note: CreditNote) -> Result<Response, Problem> {
    let number = note.summary.number.clone();
    Ok(download::shown(&number, document::draw(note).await?))
}

/// Give back the rest of an invoice, or amounts of its lines. What is open of it is settled first; the rest is credit.
#[utoipa::path(post, path = "/invoices/{id}/credit-notes", tag = "billing",
    params(("id" = InvoiceId, Path), ("Idempotency-Key" = String, Header, description = "New for every credit note, the same when one is repeated.")),
    request_body = CreditNoteWish,
    responses((status = 201, body = CreditNote), Refusals),
    security(("session" = ["issue-credit-notes"])))]
async fn issue(
    State(app): State<App>,
    staff: Staff<IssueCreditNotes>,
    ApiPath(id): ApiPath<InvoiceId>,
    headers: HeaderMap,
    ApiJson(wish): ApiJson<CreditNoteWish>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let key = key_of(&headers)?;
    let mut tx = app.db.begin(&staff.scope()).await?;
    let reply = super::issue_credit_note_once(&mut tx, key, id, &wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(reply)))
}

/// What such a credit note would give back; nothing is issued.
#[utoipa::path(post, path = "/invoices/{id}/credit-notes/preview", tag = "billing",
    params(("id" = InvoiceId, Path)), request_body = CreditNoteWish,
    responses((status = 200, body = CreditNotePreview), Refusals),
    security(("session" = ["issue-credit-notes"])))]
async fn preview(
    State(app): State<App>,
    staff: Staff<IssueCreditNotes>,
    ApiPath(id): ApiPath<InvoiceId>,
    ApiJson(wish): ApiJson<CreditNoteWish>,
) -> Result<Json<CreditNotePreview>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::preview_credit_note(&mut tx, id, &wish).await?))
}
