//! `/payments`.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Error, NewPayment, Payment};
use crate::app::App;
use crate::error::{Problem, ProblemJson};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{RecordPayments, ViewBilling};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::{AccountId, PaymentId};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, record)).routes(routes!(show))
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
    responses((status = 200, body = Listed<Payment>), (status = 400, body = ProblemJson), (status = 401, body = ProblemJson), (status = 403, body = ProblemJson)),
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
    responses((status = 201, body = Payment), (status = 400, body = ProblemJson), (status = 401, body = ProblemJson), (status = 403, body = ProblemJson), (status = 404, body = ProblemJson), (status = 409, body = ProblemJson), (status = 422, body = ProblemJson)),
    security(("session" = ["record-payments"])))]
async fn record(
    State(app): State<App>,
    staff: Staff<RecordPayments>,
    headers: HeaderMap,
    ApiJson(new): ApiJson<NewPayment>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let key = headers.get("idempotency-key").map(|key| key.to_str().map_err(|_| Error::KeyInvalid)).transpose()?;
    let mut tx = app.db.begin(&staff.scope()).await?;
    let reply = super::record(&mut tx, key, &new).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(reply)))
}

/// One payment and where it went.
#[utoipa::path(get, path = "/payments/{id}", tag = "payments", params(("id" = PaymentId, Path)),
    responses((status = 200, body = Payment), (status = 401, body = ProblemJson), (status = 403, body = ProblemJson), (status = 404, body = ProblemJson)),
    security(("session" = ["view-billing"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<PaymentId>,
) -> Result<Json<Payment>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::payment(&mut tx, id).await?))
}
