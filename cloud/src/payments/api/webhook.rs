//! `/webhooks/stripe/{token}`: what the provider says. Nothing here moves money.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;

use crate::app::App;
use crate::error::Problem;
use crate::payments;

/// Beside the API: its callers have no session, they sign.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/webhooks/stripe/{token}", post(message))
}

async fn message(
    State(app): State<App>,
    Path(token): Path<String>,
    headers: HeaderMap,
    raw: Bytes,
) -> Result<StatusCode, Problem> {
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok());
    payments::take_message(&app, &token, signature, &raw).await?;
    Ok(StatusCode::NO_CONTENT)
}
