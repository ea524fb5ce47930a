//! Sessions as people see them: from what and from where somebody is logged in, and the end of it.

use std::net::IpAddr;

use serde_json::json;

use super::service::{digest, person};
use super::{Error, SessionView, api_keys, device, store};
use crate::app::App;
use crate::audit;
use crate::db::TenantTx;
use crate::http::permission::{ManageStaff, Needs, Permission};
use crate::ids::{SessionId, StaffId};

/// A person's sessions that are not over, the last used first.
pub async fn sessions(tx: &mut TenantTx, staff: StaffId) -> Result<Vec<SessionView>, Error> {
    let idle_since = tx.at() - super::service::IDLE;
    let mut sessions = store::sessions::of(tx, staff, idle_since).await?;
    for session in &mut sessions {
        session.device = device::name(&session.user_agent);
    }
    Ok(sessions)
}

/// Ends one session: one's own, or anybody's for whoever manages the staff.
pub async fn end_session(tx: &mut TenantTx, by: &super::Person, id: SessionId) -> Result<(), Error> {
    let owner = store::sessions::owner(tx, id).await?.ok_or(Error::SessionNotFound(id))?;
    if owner != by.id && !by.role.may(ManageStaff::PERMISSION) {
        return Err(Error::SessionNotFound(id));
    }
    store::sessions::delete(tx, id).await?;
    Ok(audit::record(tx, "end session", owner, json!({ "session": id })).await?)
}

/// Ends a person's sessions, all but the one `kept`; says how many.
pub async fn end_sessions(tx: &mut TenantTx, staff: StaffId, kept: Option<SessionId>) -> Result<u64, Error> {
    let ended = store::sessions::delete_of(tx, staff, kept).await?;
    if ended > 0 {
        audit::record(tx, "end sessions", staff, json!({ "count": ended })).await?;
    }
    Ok(ended)
}

/// Whether whoever sent `token` is still somebody with this permission. Asking does not keep the session alive.
pub async fn still_may(app: &App, token: &str, address: Option<IpAddr>, permission: Permission) -> Result<bool, Error> {
    if api_keys::is_key(token) {
        return match api_keys::caller(app, token, address).await {
            Ok(caller) => Ok(caller.may(permission)),
            Err(Error::NoSession | Error::ApiKeyElsewhere) => Ok(false),
            Err(error) => Err(error),
        };
    }
    let mut tx = app.db.platform().await?;
    let now = tx.at();
    let Some(session) = store::session(&mut tx, &digest(token)).await? else { return Ok(false) };
    drop(tx);
    if session.is_over(now) {
        return Ok(false);
    }
    let person = person(app, session.tenant, session.staff).await?;
    Ok(person.is_some_and(|person| !person.lacks_second_step() && person.role.may(permission)))
}

/// Whose session it is.
pub async fn session_owner(tx: &mut TenantTx, id: SessionId) -> Result<StaffId, Error> {
    store::sessions::owner(tx, id).await?.ok_or(Error::SessionNotFound(id))
}
