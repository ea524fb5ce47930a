//! `/invoices/{id}/ubl`, `/invoices/{id}/cii`, and the same of credit notes.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Document, cii, ubl};
use crate::app::App;
use crate::billing;
use crate::error::{Problem, Refusals};
use crate::http::permission::ViewBilling;
use crate::http::{ApiPath, Staff};
use crate::ids::{CreditNoteId, InvoiceId};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(invoice_ubl))
        .routes(routes!(invoice_cii))
        .routes(routes!(credit_note_ubl))
        .routes(routes!(credit_note_cii))
}

/// A file of XML to be kept.
fn file(document: &Document, syntax: &str, written: String) -> Response {
    let name = format!("attachment; filename=\"{}-{syntax}.xml\"", document.number);
    let name = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
    let headers =
        [(header::CONTENT_TYPE, HeaderValue::from_static("application/xml")), (header::CONTENT_DISPOSITION, name)];
    (headers, written).into_response()
}

async fn invoice(app: &App, staff: &Staff<ViewBilling>, id: InvoiceId) -> Result<Document, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Document::of_invoice(&billing::invoice(&mut tx, id).await?)?)
}

async fn credit_note(app: &App, staff: &Staff<ViewBilling>, id: CreditNoteId) -> Result<Document, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Document::of_credit_note(&billing::credit_note(&mut tx, id).await?)?)
}

/// The invoice for programs: EN 16931 as UBL 2.1.
#[utoipa::path(get, path = "/invoices/{id}/ubl", tag = "billing", params(("id" = InvoiceId, Path)),
    responses((status = 200, description = "The document.", content_type = "application/xml", body = String), Refusals),
    security(("session" = ["view-billing"])))]
async fn invoice_ubl(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<InvoiceId>,
) -> Result<Response, Problem> {
    let document = invoice(&app, &staff, id).await?;
    Ok(file(&document, "ubl", ubl(&document)))
}

/// The invoice for programs: EN 16931 as UN/CEFACT CII, as Factur-X and ZUGFeRD carry it.
#[utoipa::path(get, path = "/invoices/{id}/cii", tag = "billing", params(("id" = InvoiceId, Path)),
    responses((status = 200, description = "The document.", content_type = "application/xml", body = String), Refusals),
    security(("session" = ["view-billing"])))]
async fn invoice_cii(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<InvoiceId>,
) -> Result<Response, Problem> {
    let document = invoice(&app, &staff, id).await?;
    Ok(file(&document, "cii", cii(&document)))
}

/// The credit note for programs: EN 16931 as UBL 2.1.
#[utoipa::path(get, path = "/credit-notes/{id}/ubl", tag = "billing", params(("id" = CreditNoteId, Path)),
    responses((status = 200, description = "The document.", content_type = "application/xml", body = String), Refusals),
    security(("session" = ["view-billing"])))]
async fn credit_note_ubl(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<CreditNoteId>,
) -> Result<Response, Problem> {
    let document = credit_note(&app, &staff, id).await?;
    Ok(file(&document, "ubl", ubl(&document)))
}

/// The credit note for programs: EN 16931 as UN/CEFACT CII.
#[utoipa::path(get, path = "/credit-notes/{id}/cii", tag = "billing", params(("id" = CreditNoteId, Path)),
    responses((status = 200, description = "The document.", content_type = "application/xml", body = String), Refusals),
    security(("session" = ["view-billing"])))]
async fn credit_note_cii(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<CreditNoteId>,
) -> Result<Response, Problem> {
    let document = credit_note(&app, &staff, id).await?;
    Ok(file(&document, "cii", cii(&document)))
}
