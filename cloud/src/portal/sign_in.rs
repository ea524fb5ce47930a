//! Signing in and out. A subscriber's session is nothing to the staff's screens, and theirs nothing here.

use chrono::TimeDelta;

use super::{Error, PortalLogin, Session, store};
use crate::access::{self, count_attempt, digest, forget_attempts, new_token, normalise, password};
use crate::app::App;
use crate::audit;
use crate::db::{Actor, Scope, TenantTx};
use crate::ids::{SubscriberId, TenantId};
use crate::subscribers::{self, Subscriber};

/// A session ends when unused for this long.
const IDLE: TimeDelta = TimeDelta::days(14);
/// A session ends after this long, used or not.
const ABSOLUTE: TimeDelta = TimeDelta::days(60);
/// How stale `last_seen_at` may be: not every request writes.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(5);

/// Checks a log-in and opens a session. A wrong address and a wrong password look and take the same.
pub async fn sign_in(
    app: &App,
    tenant: TenantId,
    email: &str,
    password: String,
    user_agent: &str,
) -> Result<Session, Error> {
    let email = normalise(email);
    // As for staff: counted before the password is looked at, whether anybody has the address or not.
    let attempt = digest(&format!("portal {tenant} {email}"));
    count_attempt(app, &attempt).await?;
    let login = store::login_of_email(&mut app.db.read(&Scope::system(tenant)).await?, &email).await?;
    let right = password::is(app, password, login.as_ref().and_then(|login| login.password_hash.clone())).await?;
    let login = login.filter(|_| right).ok_or(access::Error::WrongLogin)?;
    let mut tx = app.db.begin(&Scope { tenant, actor: Actor::Subscriber(login.subscriber) }).await?;
    // It may have ended while it was looked at.
    if !store::is_password_still(&mut tx, &login).await? {
        return Err(access::Error::WrongLogin.into());
    }
    let session = open_session(&mut tx, login.subscriber, user_agent).await?;
    tx.commit().await?;
    forget_attempts(app, &attempt).await?;
    Ok(session)
}

/// Opens a session of somebody who has proved who they are.
pub(super) async fn open_session(
    tx: &mut TenantTx,
    subscriber: SubscriberId,
    user_agent: &str,
) -> Result<Session, Error> {
    let token = new_token()?;
    let until = tx.at() + ABSOLUTE;
    store::insert_session(tx, &digest(&token), subscriber, until, user_agent).await?;
    Ok(Session { token, subscriber: subscribers::subscriber(tx, subscriber).await? })
}

/// Whose session a token opens at this ISP.
pub async fn who_is(app: &App, tenant: TenantId, token: &str) -> Result<Subscriber, Error> {
    let hash = digest(token);
    let mut tx = app.db.read(&Scope::system(tenant)).await?;
    let now = tx.at();
    let session = store::session(&mut tx, &hash).await?.ok_or(Error::NoSession)?;
    if session.expires_at <= now || session.last_seen_at + IDLE <= now {
        return Err(Error::NoSession);
    }
    let subscriber = subscribers::subscriber(&mut tx, session.subscriber).await?;
    drop(tx);
    if session.last_seen_at + SEEN_EVERY <= now {
        let mut tx = app.db.begin(&Scope::system(tenant)).await?;
        store::touch_session(&mut tx, &hash).await?;
        tx.commit().await?;
    }
    Ok(subscriber)
}

/// Ends a session; ending one that is over is no error.
pub async fn sign_out(app: &App, tenant: TenantId, token: &str) -> Result<(), Error> {
    let mut tx = app.db.begin(&Scope::system(tenant)).await?;
    store::delete_session(&mut tx, &digest(token)).await?;
    Ok(tx.commit().await?)
}

/// Ends every session of a subscriber.
pub async fn sign_out_everywhere(tx: &mut TenantTx, subscriber: SubscriberId) -> Result<(), Error> {
    store::delete_sessions_of(tx, subscriber).await?;
    Ok(audit::record(tx, "end portal sessions", subscriber, serde_json::json!({})).await?)
}

/// How a subscriber stands with the portal.
pub async fn login(tx: &mut TenantTx, subscriber: SubscriberId) -> Result<PortalLogin, Error> {
    Ok(store::login(tx, subscriber).await?.unwrap_or_default())
}
