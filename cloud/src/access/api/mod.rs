//! `/sessions` and `/me`; the staff and their invitations in `members`.

mod api_keys;
mod members;
mod second_step;
mod sessions;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{self, Device, Person};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::permission::{LoggedIn, Role};
use crate::http::{ApiJson, Staff, staff};
use crate::ids::{StaffId, TenantId};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(log_in))
        .routes(routes!(log_out))
        .routes(routes!(me))
        .merge(members::routes())
        .merge(sessions::routes())
        .merge(second_step::routes())
        .merge(api_keys::routes())
}

/// What to log in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Credentials {
    /// The address the log-in was made for.
    #[schema(example = "lucia@northwind.example")]
    email: String,
    /// The password.
    #[schema(format = Password)]
    password: String,
    /// The code of the second step, or a recovery code; only for whoever has one.
    code: Option<String>,
}

/// A session. Keep the token secret; send it as `Authorization: Bearer`.
#[derive(Serialize, ToSchema)]
struct SessionJson {
    /// The secret.
    token: String,
    /// When it ends even if used.
    expires_at: DateTime<Utc>,
    /// Whom the person works for.
    tenant_id: TenantId,
    /// Whose session it is.
    staff: PersonJson,
}

/// Somebody of the ISP's staff.
#[derive(Serialize, ToSchema)]
struct PersonJson {
    /// Who.
    id: StaffId,
    /// As colleagues know them.
    name: String,
    /// What they log in with.
    email: String,
    /// What they may do.
    role: Role,
}

impl From<Person> for PersonJson {
    fn from(person: Person) -> Self {
        Self { id: person.id, name: person.name, email: person.email, role: person.role }
    }
}

/// Log in.
#[utoipa::path(post, path = "/sessions", tag = "access", request_body = Credentials,
    responses((status = 201, body = SessionJson), Refusals))]
async fn log_in(
    State(app): State<App>,
    device: Device,
    ApiJson(credentials): ApiJson<Credentials>,
) -> Result<(StatusCode, Json<SessionJson>), Problem> {
    let session =
        access::log_in_at_once(&app, &credentials.email, credentials.password, credentials.code.as_deref(), &device)
            .await?;
    let body = SessionJson {
        token: session.token,
        expires_at: session.expires_at,
        tenant_id: session.person.tenant,
        staff: session.person.into(),
    };
    Ok((StatusCode::CREATED, Json(body)))
}

/// Log out: end the session this request is sent with.
#[utoipa::path(delete, path = "/sessions/current", tag = "access", responses((status = 204), Refusals),
    security(("session" = ["logged-in"])))]
async fn log_out(State(app): State<App>, _staff: Staff<LoggedIn>, headers: HeaderMap) -> Result<StatusCode, Problem> {
    if let Some(token) = staff::session_token(&headers, app.config.is_https()) {
        access::log_out(&app, &token).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Who am I?
#[utoipa::path(get, path = "/me", tag = "access", responses((status = 200, body = PersonJson), Refusals),
    security(("session" = ["logged-in"])))]
async fn me(staff: Staff<LoggedIn>) -> Json<PersonJson> {
    Json(staff.person.into())
}
