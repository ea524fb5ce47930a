//! Who is asking: a session's bearer token or cookie becomes [`Staff`], or the request ends here.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::permission::{Needs, Permission, Role};
use crate::access::{self, Caller, Person};
use crate::app::App;
use crate::db::{Actor, Scope};
use crate::error::{self, Problem};
use crate::ids::{SessionId, TenantId};

/// Somebody of a tenant's staff who has permission `P`.
pub struct Staff<P> {
    /// The person.
    pub person: Person,
    /// The session they ask with.
    pub session: SessionId,
    permission: PhantomData<P>,
}

impl<P> Staff<P> {
    /// The tenant they work for.
    pub fn tenant(&self) -> TenantId {
        self.person.tenant
    }

    /// Their data, on their behalf.
    pub fn scope(&self) -> Scope {
        Scope { tenant: self.person.tenant, actor: Actor::Staff(self.person.id) }
    }

    /// Whether they may do something else, too.
    pub fn may<Q: Needs>(&self) -> bool {
        self.person.role.may(Q::PERMISSION)
    }
}

impl<P: Needs> FromRequestParts<App> for Staff<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = match parts.extensions.get::<Caller>() {
            Some(caller) => caller.clone(),
            None => {
                let token = session_token(&parts.headers, app.config.is_https()).ok_or_else(|| {
                    Problem::new(&error::UNAUTHENTICATED, "no session: send a bearer token or log in")
                })?;
                let caller = access::who_is(app, &token, super::peer::address(parts, app)).await?;
                parts.extensions.insert(caller.clone());
                caller
            }
        };
        let Caller { person, session } = caller;
        require(person.role, P::PERMISSION)?;
        Ok(Self { person, session, permission: PhantomData })
    }
}

fn require(role: Role, permission: Permission) -> Result<(), Problem> {
    if role.may(permission) {
        return Ok(());
    }
    let detail = format!("the role {} does not include the permission {}", role.name(), permission.0);
    Err(Problem::new(&error::FORBIDDEN, detail))
}

/// Name of the session cookie; the browser itself guards the `__Host-` one.
pub fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-weir_session" } else { "weir_session" }
}

/// The session token a request carries.
pub fn session_token(headers: &HeaderMap, https: bool) -> Option<String> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer ").map(str::to_owned));
    bearer.or_else(|| cookie(headers, cookie_name(https)))
}

/// A cookie's value.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    axum_extra::extract::CookieJar::from_headers(headers).get(name).map(|cookie| cookie.value().to_owned())
}
