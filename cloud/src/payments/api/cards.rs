//! `/payment-provider`, `/payment-attempts`, `/payment-methods`, `/payment-pages`: paying through a provider.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Problem, ProblemJson, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageBilling, ManageSettings, RecordPayments, ViewBilling, ViewSettings};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::{AccountId, PaymentAttemptId, PaymentMethodId};
use crate::payments::{self, Attempt, PaymentMethod, ProviderChange, ProviderSettings, Reconciled};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(provider, change_provider))
        .routes(routes!(reconcile))
        .routes(routes!(attempts))
        .routes(routes!(attempt))
        .routes(routes!(look))
        .routes(routes!(methods))
        .routes(routes!(change_method, remove_method))
        .routes(routes!(page))
        .routes(routes!(link))
}

/// The ISP's payment provider, without its secrets.
#[utoipa::path(get, path = "/payment-provider", tag = "payments", responses((status = 200, body = ProviderSettings), Refusals),
    security(("session" = ["view-settings"])))]
async fn provider(State(app): State<App>, staff: Staff<ViewSettings>) -> Result<Json<ProviderSettings>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(payments::provider_settings(&app, &mut tx).await?))
}

/// Change the payment provider's keys, or switch it off; what is absent stays. Secrets are sealed and never shown again.
#[utoipa::path(patch, path = "/payment-provider", tag = "payments", request_body = ProviderChange,
    responses((status = 200, body = ProviderSettings), Refusals),
    security(("session" = ["manage-settings"])))]
async fn change_provider(
    State(app): State<App>,
    staff: Staff<ManageSettings>,
    ApiJson(change): ApiJson<ProviderChange>,
) -> Result<Json<ProviderSettings>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let changed = payments::change_provider(&app, &mut tx, change).await?;
    tx.commit().await?;
    Ok(Json(changed))
}

/// Compare now with what the payment provider has. It also happens every hour.
#[utoipa::path(post, path = "/payment-provider/reconcile", tag = "payments", responses((status = 200, body = Reconciled), (status = 502, body = ProblemJson, content_type = "application/problem+json"), Refusals),
    security(("session" = ["manage-billing"])))]
async fn reconcile(State(app): State<App>, staff: Staff<ManageBilling>) -> Result<Json<Reconciled>, Problem> {
    Ok(Json(payments::reconcile(&app, &staff.scope()).await?))
}

/// Which attempts.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct AttemptsQuery {
    /// Only this account's.
    account_id: Option<AccountId>,
    /// `next` of the page before.
    after: Option<String>,
    /// Items a page, at most 200; 50 if not given.
    limit: Option<u32>,
}

/// Attempts to be paid through the provider, newest first.
#[utoipa::path(get, path = "/payment-attempts", tag = "payments", params(AttemptsQuery),
    responses((status = 200, body = Listed<Attempt>), Refusals),
    security(("session" = ["view-billing"])))]
async fn attempts(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiQuery(query): ApiQuery<AttemptsQuery>,
) -> Result<Json<Listed<Attempt>>, Problem> {
    let page = PageQuery { after: query.after, limit: query.limit }.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let attempts = payments::attempts(&mut tx, page, query.account_id).await?;
    Ok(Json(Listed::new(attempts, page, |attempt| attempt.id.uuid(), |attempt| attempt)))
}

/// One attempt and what happened to it.
#[utoipa::path(get, path = "/payment-attempts/{id}", tag = "payments", params(("id" = PaymentAttemptId, Path)),
    responses((status = 200, body = Attempt), Refusals),
    security(("session" = ["view-billing"])))]
async fn attempt(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<PaymentAttemptId>,
) -> Result<Json<Attempt>, Problem> {
    Ok(Json(payments::attempt(&mut app.db.read(&staff.scope()).await?, id).await?))
}

/// Look now what became of an attempt.
#[utoipa::path(post, path = "/payment-attempts/{id}/look", tag = "payments", params(("id" = PaymentAttemptId, Path)),
    responses((status = 200, body = Attempt), (status = 502, body = ProblemJson, content_type = "application/problem+json"), Refusals),
    security(("session" = ["record-payments"])))]
async fn look(
    State(app): State<App>,
    staff: Staff<RecordPayments>,
    ApiPath(id): ApiPath<PaymentAttemptId>,
) -> Result<Json<Attempt>, Problem> {
    payments::look(&app, &staff.scope(), id).await?;
    Ok(Json(payments::attempt(&mut app.db.read(&staff.scope()).await?, id).await?))
}

/// The methods kept for an account; the one that pays by itself first.
#[utoipa::path(get, path = "/accounts/{id}/payment-methods", tag = "payments", params(("id" = AccountId, Path)),
    responses((status = 200, body = Listed<PaymentMethod>), Refusals),
    security(("session" = ["view-billing"])))]
async fn methods(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<AccountId>,
) -> Result<Json<Listed<PaymentMethod>>, Problem> {
    let items = payments::methods(&mut app.db.read(&staff.scope()).await?, id).await?;
    Ok(Json(Listed { items, next: None }))
}

/// Whether a kept method pays by itself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MethodChange {
    /// Charge invoices to it on their due day.
    autopay: bool,
}

/// Say whether a kept method pays invoices by itself; at most one of an account does.
#[utoipa::path(patch, path = "/payment-methods/{id}", tag = "payments", params(("id" = PaymentMethodId, Path)), request_body = MethodChange,
    responses((status = 200, body = PaymentMethod), Refusals),
    security(("session" = ["record-payments"])))]
async fn change_method(
    State(app): State<App>,
    staff: Staff<RecordPayments>,
    ApiPath(id): ApiPath<PaymentMethodId>,
    ApiJson(change): ApiJson<MethodChange>,
) -> Result<Json<PaymentMethod>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let method = payments::set_autopay(&mut tx, id, change.autopay).await?;
    tx.commit().await?;
    Ok(Json(method))
}

/// Forget a kept method, here and at the provider.
#[utoipa::path(delete, path = "/payment-methods/{id}", tag = "payments", params(("id" = PaymentMethodId, Path)),
    responses((status = 204), (status = 502, body = ProblemJson, content_type = "application/problem+json"), Refusals),
    security(("session" = ["record-payments"])))]
async fn remove_method(
    State(app): State<App>,
    staff: Staff<RecordPayments>,
    ApiPath(id): ApiPath<PaymentMethodId>,
) -> Result<StatusCode, Problem> {
    payments::remove_method(&app, &staff.scope(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A page to be asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PageRequest {
    /// Whose debt.
    account_id: AccountId,
    /// Keep the card and charge later invoices to it.
    #[serde(default)]
    keep_method: bool,
}

/// Open a page of the provider's on which an account pays all it owes. While nothing changes it is the same page.
#[utoipa::path(post, path = "/payment-pages", tag = "payments", request_body = PageRequest,
    responses((status = 201, body = Attempt), (status = 502, body = ProblemJson, content_type = "application/problem+json"), Refusals),
    security(("session" = ["record-payments"])))]
async fn page(
    State(app): State<App>,
    staff: Staff<RecordPayments>,
    ApiJson(wish): ApiJson<PageRequest>,
) -> Result<(StatusCode, Json<Attempt>), Problem> {
    let attempt = payments::request_page(&app, &staff.scope(), wish.account_id, wish.keep_method).await?;
    Ok((StatusCode::CREATED, Json(attempt)))
}

/// Where an account is paid.
#[derive(Debug, Serialize, ToSchema)]
struct PayLink {
    /// Works without logging in; whoever has it sees what is owed and may pay it.
    url: String,
}

/// The address where an account's holder sees what is owed and pays it, without logging in.
#[utoipa::path(get, path = "/accounts/{id}/pay-link", tag = "payments", params(("id" = AccountId, Path)),
    responses((status = 200, body = PayLink), Refusals),
    security(("session" = ["view-billing"])))]
async fn link(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<AccountId>,
) -> Result<Json<PayLink>, Problem> {
    crate::subscribers::account(&mut app.db.read(&staff.scope()).await?, id).await?;
    Ok(Json(PayLink { url: app.links.pay(staff.tenant(), id) }))
}
