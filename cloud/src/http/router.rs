//! Every address there is: the API, the pages, health, documents.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use tower::Layer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::PropagateRequestIdLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use utoipa::OpenApi;
use utoipa::openapi::path::PathItem;
use utoipa_axum::router::OpenApiRouter;

use super::middleware;
use crate::app::App;
use crate::error::{self, Problem};
use crate::{
    access, analytics, audit, billing, catalog, deals, diagnostics, dunning, fair_use, fleet, imports, ledger, network,
    notifications, orders, payments, plugins, portal, quality, subscribers, subscriptions, taxes, tenants, tickets,
    translation, usage, webhooks,
};

/// What any request may bring; what most may, axum's own limit of two megabytes says.
const BODY_MAX: usize = 26 * 1024 * 1024;
/// Until an answer begins: whoever sends a body byte by byte gives up its place.
const REQUEST_LIMIT: Duration = Duration::from_secs(60);

#[derive(OpenApi)]
#[openapi(
    info(title = "Weir", description = "The API of an ISP's edge and billing system. Programs send an API key as a bearer token: Authorization: Bearer weir_key_…; keys are made on the page API keys, with the permissions each operation names as their scopes, optionally for some networks and until some day, and the audit log names the key. People log in with POST /api/v1/sessions and send the session's token likewise.\n\nMoney is an exact decimal with its currency, {\"amount\":\"44.90\",\"currency\":\"EUR\"}. Rates are bits per second, volumes are bytes of layer 3, instants are RFC 3339 in UTC, days are the account's own.\n\nLists come in pages: give the next of one page as after of the following one. Unknown fields are refused. A refusal is a problem document (RFC 9457): its type is the address of a page that says what to do, its errors name the fields, and nothing was changed."),
    modifiers(&Security),
    components(schemas(error::ProblemJson))
)]
struct Document;

struct Security;

impl utoipa::Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("session", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// The API and its document, in which every operation has a name of its own.
fn api() -> OpenApiRouter<App> {
    let mut api = operations();
    for (path, item) in &mut api.get_openapi_mut().paths.paths {
        let words = path.trim_start_matches("/api/v1/").replace(['{', '}'], "").replace(['/', '-', '.'], "_");
        let PathItem { get, put, post, patch, delete, .. } = item;
        for (method, operation) in [("get", get), ("put", put), ("post", post), ("patch", patch), ("delete", delete)] {
            if let Some(operation) = operation {
                operation.operation_id = Some(format!("{method}_{words}"));
            }
        }
    }
    api
}

fn operations() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi()).nest(
        "/api/v1",
        OpenApiRouter::new()
            .merge(audit::api::routes())
            .merge(access::api::routes())
            .merge(tenants::api::routes())
            .merge(network::api::routes())
            .merge(subscribers::api::routes())
            .merge(catalog::api::routes())
            .merge(translation::api::routes())
            .merge(fleet::api::routes())
            .merge(subscriptions::api::routes())
            .merge(usage::api::routes())
            .merge(fair_use::api::routes())
            .merge(fair_use::boosts::api::routes())
            .merge(quality::api::routes())
            .merge(diagnostics::api::routes())
            .merge(plugins::api::routes())
            .merge(ledger::api::routes())
            .merge(taxes::api::routes())
            .merge(billing::api::routes())
            .merge(deals::discounts::api::routes())
            .merge(deals::charges::api::routes())
            .merge(deals::contracts::api::routes())
            .merge(deals::pauses::api::routes())
            .merge(billing::credit_notes::api::routes())
            .merge(billing::proformas::api::routes())
            .merge(billing::einvoice::api::routes())
            .merge(dunning::api::routes())
            .merge(payments::api::routes())
            .merge(crate::books::api::routes())
            .merge(crate::statements::api::routes())
            .merge(analytics::api::routes())
            .merge(notifications::api::routes())
            .merge(tickets::api::routes())
            .merge(webhooks::api::routes())
            .merge(imports::api::routes())
            .merge(orders::api::routes())
            .merge(portal::api::routes()),
    )
}

/// The API's document, as committed in `openapi.json`.
pub fn openapi() -> utoipa::openapi::OpenApi {
    api().into_openapi()
}

/// Everything the HTTP listener answers.
pub fn router(app: App) -> Router {
    let (api, document) = api().split_for_parts();
    let inside = Router::new()
        .merge(api)
        .route("/api/v1/openapi.json", get(move || std::future::ready(Json(document.clone()))))
        .route("/healthz", get(|| std::future::ready("ok")))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .merge(crate::http::dev_clock::routes())
        .merge(crate::live::api::routes())
        .merge(tickets::api::inbound_routes())
        .merge(crate::pages::routes(&app))
        .merge(payments::api::webhook::routes())
        .fallback(|| std::future::ready(Problem::new(&error::NOT_FOUND, "there is nothing at this address")))
        .method_not_allowed_fallback(|| {
            std::future::ready(Problem::new(&error::METHOD_NOT_ALLOWED, "this address does not do that"))
        })
        .layer(from_fn_with_state(app.clone(), middleware::refuse_cross_site))
        .layer(from_fn_with_state(app.clone(), super::page::explain_to_people))
        .layer(from_fn(super::toast::shown_once))
        .layer(from_fn(middleware::secure_headers))
        .layer(RequestBodyLimitLayer::new(BODY_MAX))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_LIMIT))
        .layer(
            CompressionLayer::new().compress_when(DefaultPredicate::new().and(NotForContentType::const_new("font/"))),
        )
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(from_fn_with_state(app.clone(), middleware::own_request_id))
        .layer(CatchPanicLayer::new())
        .with_state(app.clone());
    // A portal's own host name is known before anything is looked up by its path.
    let at_own_host = from_fn_with_state(app, crate::pages::portal::at_own_host);
    Router::new().fallback_service(at_own_host.layer(inside))
}

/// What every line of the log about a request says of it; people quote the id.
fn span(request: &axum::extract::Request) -> tracing::Span {
    let id = request.headers().get("x-request-id").and_then(|value| value.to_str().ok()).unwrap_or_default();
    tracing::info_span!("request", method = %request.method(), path = request.uri().path(), id)
}

/// Ready: the database answers.
async fn ready(State(app): State<App>) -> impl IntoResponse {
    match app.db.platform().await {
        Ok(_) => (StatusCode::OK, "ready"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer"),
    }
}

async fn metrics(State(app): State<App>) -> String {
    app.metrics.render()
}
