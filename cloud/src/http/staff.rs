//! Who is asking: a session's bearer token or cookie becomes [`Staff`], or the request ends here.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::permission::{LoggedIn, Needs, Permission};
use crate::access::{self, By, Caller, Person};
use crate::app::App;
use crate::db::{Actor, Scope};
use crate::error::{self, Problem};
use crate::ids::{SessionId, TenantId};

/// Somebody of a tenant's staff who has permission `P`.
pub struct Staff<P> {
    /// The person.
    pub person: Person,
    /// The session they ask with; a program with a key has none.
    pub session: Option<SessionId>,
    caller: Caller,
    permission: PhantomData<P>,
}

impl<P> Staff<P> {
    /// The tenant they work for.
    pub fn tenant(&self) -> TenantId {
        self.person.tenant
    }

    /// Their data, on their behalf.
    pub fn scope(&self) -> Scope {
        let actor = match &self.caller.by {
            By::Session(_) => Actor::Staff(self.person.id),
            By::Key { id, .. } => Actor::ApiKey(*id),
        };
        Scope { tenant: self.person.tenant, actor }
    }

    /// Whether they may do something else, too.
    pub fn may<Q: Needs>(&self) -> bool {
        self.caller.may(Q::PERMISSION)
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
        let session = match &caller.by {
            By::Session(session) => Some(*session),
            By::Key { .. } => None,
        };
        if session.is_some() && caller.person.lacks_second_step() && P::PERMISSION != LoggedIn::PERMISSION {
            let detail = "a second step is demanded of everybody: set one up first";
            return Err(Problem::new(&access::error::SECOND_STEP_MISSING, detail));
        }
        require(&caller, P::PERMISSION)?;
        Ok(Self { person: caller.person.clone(), session, caller, permission: PhantomData })
    }
}

fn require(caller: &Caller, permission: Permission) -> Result<(), Problem> {
    if caller.may(permission) {
        return Ok(());
    }
    let detail = match &caller.by {
        By::Key { scopes, .. } if !scopes.iter().any(|scope| scope == permission.0) => {
            format!("the API key does not have the scope {}", permission.0)
        }
        _ => format!("the role {} does not include the permission {}", caller.person.role.name(), permission.0),
    };
    Err(Problem::new(&error::FORBIDDEN, detail))
}

/// Name of the session cookie; the browser itself guards the `__Host-` one.
pub fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-weir_session" } else { "weir_session" }
}

/// The session token a request carries.
pub fn session_token(headers: &HeaderMap, https: bool) -> Option<String> {
    bearer(headers).map(str::to_owned).or_else(|| cookie(headers, cookie_name(https)))
}

/// The token a program sends.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// A cookie's value.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    axum_extra::extract::CookieJar::from_headers(headers).get(name).map(|cookie| cookie.value().to_owned())
}
