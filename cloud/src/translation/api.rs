//! `/port-blocks/lookups` and `/routers/{id}/port-block-pool`. A line's blocks: `subscriptions`.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Answer, Pool, Question};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::permission::{TraceAddresses, ViewNetwork};
use crate::http::{ApiJson, ApiPath, Staff};
use crate::ids::RouterId;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(look_up)).routes(routes!(pool))
}

/// Who had this public address and port at that instant? The question, its reason and the answer are written into the audit
/// log.
#[utoipa::path(post, path = "/port-blocks/lookups", tag = "network", request_body = Question,
    responses((status = 200, body = Answer), Refusals), security(("session" = ["trace-addresses"])))]
async fn look_up(
    State(app): State<App>,
    staff: Staff<TraceAddresses>,
    ApiJson(question): ApiJson<Question>,
) -> Result<Json<Answer>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let answer = super::look_up(&mut tx, question).await?;
    tx.commit().await?;
    Ok(Json(answer))
}

/// How full a router's public networks are.
#[utoipa::path(get, path = "/routers/{id}/port-block-pool", tag = "network", params(("id" = RouterId, Path)),
    responses((status = 200, body = Pool), Refusals), security(("session" = ["view-network"])))]
async fn pool(
    State(app): State<App>,
    staff: Staff<ViewNetwork>,
    ApiPath(id): ApiPath<RouterId>,
) -> Result<Json<Pool>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::pool(&mut tx, id).await?))
}
