//! `POST /inbound/email/<token>`: where a mail server brings a raw message. The token is the permission.

use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};

use crate::app::App;
use crate::error::{self, Problem};
use crate::tickets::mail::{self, MESSAGE_MAX, Outcome};

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/inbound/email/{token}", post(receive))
}

async fn receive(State(app): State<App>, Path(token): Path<String>, body: Body) -> Result<Json<Outcome>, Problem> {
    // Whoever has no token sends nothing.
    mail::is_known(&app, &token).await?;
    let raw = to_bytes(body, MESSAGE_MAX)
        .await
        .map_err(|_| Problem::new(&error::BODY_TOO_LARGE, format!("a message has at most {MESSAGE_MAX} bytes")))?;
    Ok(Json(mail::receive(&app, &token, &raw).await?))
}
