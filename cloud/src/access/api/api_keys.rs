//! `/api-keys`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{self, ApiKey, MadeApiKey, NewApiKey};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::ManageApiKeys;
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::ApiKeyId;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, make)).routes(routes!(show, revoke))
}

/// List the API keys, the newest first.
#[utoipa::path(get, path = "/api-keys", tag = "access", params(PageQuery),
    responses((status = 200, body = Listed<ApiKey>), Refusals), security(("session" = ["manage-api-keys"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ManageApiKeys>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<ApiKey>>, Problem> {
    let page = query.page()?;
    let keys = access::api_keys(&mut app.db.read(&staff.scope()).await?, page).await?;
    Ok(Json(Listed::new(keys, page, |key| key.id.uuid(), |key| key)))
}

/// Make an API key with some of your permissions. The key itself is in this answer alone.
#[utoipa::path(post, path = "/api-keys", tag = "access", request_body = NewApiKey,
    responses((status = 201, body = MadeApiKey), Refusals), security(("session" = ["manage-api-keys"])))]
async fn make(
    State(app): State<App>,
    staff: Staff<ManageApiKeys>,
    ApiJson(wish): ApiJson<NewApiKey>,
) -> Result<(StatusCode, Json<MadeApiKey>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let made = access::make_api_key(&mut tx, &staff.person, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Show an API key, without the key itself.
#[utoipa::path(get, path = "/api-keys/{id}", tag = "access", params(("id" = ApiKeyId, Path)),
    responses((status = 200, body = ApiKey), Refusals), security(("session" = ["manage-api-keys"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ManageApiKeys>,
    ApiPath(id): ApiPath<ApiKeyId>,
) -> Result<Json<ApiKey>, Problem> {
    Ok(Json(access::api_key(&mut app.db.read(&staff.scope()).await?, id).await?))
}

/// Revoke an API key: it is not taken any more.
#[utoipa::path(delete, path = "/api-keys/{id}", tag = "access", params(("id" = ApiKeyId, Path)),
    responses((status = 200, body = ApiKey), Refusals), security(("session" = ["manage-api-keys"])))]
async fn revoke(
    State(app): State<App>,
    staff: Staff<ManageApiKeys>,
    ApiPath(id): ApiPath<ApiKeyId>,
) -> Result<Json<ApiKey>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let key = access::revoke_api_key(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(key))
}
