//! `/payments` and their refunds; providers, attempts and methods are in `cards`, statements and suspense in `bank`.

mod bank;
mod cards;
pub(crate) mod webhook;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{NewPayment, NewRefund, Payment, Refund};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{RecordPayments, RefundPayments, ViewBilling};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff, download};
use crate::idempotency::api::key_of;
use crate::ids::{AccountId, PaymentId};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, record))
        .routes(routes!(show))
        .routes(routes!(receipt))
        .routes(routes!(refunds, refund))
        .merge(cards::routes())
        .merge(bank::routes())
}

/// Which payments.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct PaymentsQuery {
    /// Only this account's.
    account_id: Option<AccountId>,
    /// `next` of the page before.
    after: Option<String>,
    /// Items a page, at most 200; 50 if not given.
    limit: Option<u32>,
}

/// Payments, newest first.
#[utoipa::path(get, path = "/payments", tag = "payments", params(PaymentsQuery),
    responses((status = 200, body = Listed<Payment>), Refusals),
    security(("session" = ["view-billing"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiQuery(query): ApiQuery<PaymentsQuery>,
) -> Result<Json<Listed<Payment>>, Problem> {
    let page = PageQuery { after: query.after, limit: query.limit }.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let payments = super::payments(&mut tx, page, query.account_id).await?;
    Ok(Json(Listed::new(payments, page, |payment| payment.id.uuid(), |payment| payment)))
}

/// Record money received. It settles the oldest invoices first and restores lines that nothing holds any more.
#[utoipa::path(post, path = "/payments", tag = "payments", request_body = NewPayment,
    params(("Idempotency-Key" = String, Header, description = "New for every payment, the same when one is repeated.")),
    responses((status = 201, body = Payment), Refusals),
    security(("session" = ["record-payments"])))]
async fn record(
    State(app): State<App>,
    staff: Staff<RecordPayments>,
    headers: HeaderMap,
    ApiJson(new): ApiJson<NewPayment>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let key = key_of(&headers)?;
    let mut tx = app.db.begin(&staff.scope()).await?;
    let reply = super::record(&mut tx, key, &new).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(reply)))
}

/// One payment and where it went.
#[utoipa::path(get, path = "/payments/{id}", tag = "payments", params(("id" = PaymentId, Path)),
    responses((status = 200, body = Payment), Refusals),
    security(("session" = ["view-billing"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<PaymentId>,
) -> Result<Json<Payment>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::payment(&mut tx, id).await?))
}

/// The receipt as a document.
#[utoipa::path(get, path = "/payments/{id}/receipt", tag = "payments", params(("id" = PaymentId, Path)),
    responses((status = 200, description = "The document.", content_type = "application/pdf", body = Vec<u8>), Refusals),
    security(("session" = ["view-billing"])))]
async fn receipt(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<PaymentId>,
) -> Result<Response, Problem> {
    drawn(app.db.read(&staff.scope()).await?, id).await
}

/// The answer that is a payment's receipt.
pub(crate) async fn drawn(tx: crate::db::TenantTx, id: PaymentId) -> Result<Response, Problem> {
    let (number, bytes) = super::receipt(tx, id).await?;
    Ok(download::shown(&number, bytes))
}

/// What was given back of a payment, or is about to be, oldest first.
#[utoipa::path(get, path = "/payments/{id}/refunds", tag = "payments", params(("id" = PaymentId, Path)),
    responses((status = 200, body = Listed<Refund>), Refusals),
    security(("session" = ["view-billing"])))]
async fn refunds(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<PaymentId>,
) -> Result<Json<Listed<Refund>>, Problem> {
    let refunds = super::refunds(&mut app.db.read(&staff.scope()).await?, id).await?;
    Ok(Json(Listed { items: refunds, next: None }))
}

/// Give a payment back, wholly or in part. What it had settled is owed again. A card's money is given back by the provider.
#[utoipa::path(post, path = "/payments/{id}/refunds", tag = "payments", request_body = NewRefund,
    params(("id" = PaymentId, Path), ("Idempotency-Key" = String, Header, description = "New for every refund, the same when one is repeated.")),
    responses((status = 201, body = Refund), Refusals),
    security(("session" = ["refund-payments"])))]
async fn refund(
    State(app): State<App>,
    staff: Staff<RefundPayments>,
    ApiPath(id): ApiPath<PaymentId>,
    headers: HeaderMap,
    ApiJson(new): ApiJson<NewRefund>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let reply = super::give_back(&app, &staff.scope(), key_of(&headers)?, id, &new).await?;
    Ok((StatusCode::CREATED, Json(reply)))
}
