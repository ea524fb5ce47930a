//! `/accounts/{id}/statement`.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{StatementOfAccount, StatementSpan};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::{Problem, Refusals};
use crate::http::permission::ViewBilling;
use crate::http::{ApiPath, ApiQuery, Staff, download};
use crate::ids::AccountId;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(document))
}

/// An account's statement: what it was asked for, paid and was given back over some days, and how it stands after them.
#[utoipa::path(get, path = "/accounts/{id}/statement", tag = "billing", params(("id" = AccountId, Path), StatementSpan),
    responses((status = 200, body = StatementOfAccount), Refusals),
    security(("session" = ["view-billing"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<AccountId>,
    ApiQuery(span): ApiQuery<StatementSpan>,
) -> Result<Json<StatementOfAccount>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::statement(&mut tx, id, span).await?))
}

/// The statement as a document.
#[utoipa::path(get, path = "/accounts/{id}/statement/pdf", tag = "billing", params(("id" = AccountId, Path), StatementSpan),
    responses((status = 200, description = "The document.", content_type = "application/pdf", body = Vec<u8>), Refusals),
    security(("session" = ["view-billing"])))]
async fn document(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<AccountId>,
    ApiQuery(span): ApiQuery<StatementSpan>,
) -> Result<Response, Problem> {
    drawn(app.db.read(&staff.scope()).await?, id, span).await
}

/// The answer that is a statement's document.
pub(crate) async fn drawn(tx: TenantTx, id: AccountId, span: StatementSpan) -> Result<Response, Problem> {
    let (name, bytes) = super::draw(tx, id, span).await?;
    Ok(download::shown(&name, bytes))
}
