//! Links that set a password: asked for by the subscriber or made by staff, good for a day, once.

use chrono::TimeDelta;
use serde_json::json;

use super::{Error, Link, Session, settings, sign_in, store};
use crate::access::{digest, new_token, normalise, password};
use crate::app::App;
use crate::audit;
use crate::db::{Actor, Scope, TenantTx};
use crate::events::{self, EventKind};
use crate::ids::{SubscriberId, TenantId};
use crate::notifications::{self, Fact, Facts, Notice, Recipient, Template};
use crate::subscribers::{self, Subscriber};

/// How long a link works.
const LIFE: TimeDelta = TimeDelta::hours(24);
/// A subscriber's further wishes for a link are heard after this long.
const ASK_EVERY: TimeDelta = TimeDelta::minutes(5);

/// What a link's token opens.
#[derive(Debug)]
pub enum LinkState {
    /// It sets this subscriber's password.
    Open(Box<Subscriber>),
    /// It has set one already.
    Used,
}

/// Makes a link for a subscriber; older ones end.
pub async fn make_link(app: &App, tx: &mut TenantTx, id: SubscriberId) -> Result<Link, Error> {
    let subscriber = subscribers::subscriber(tx, id).await?;
    let email = subscriber.email.as_deref().map(normalise).ok_or(Error::NoEmail)?;
    refuse_shared(tx, id, &email).await?;
    store::delete_links_of(tx, id).await?;
    audit::record(tx, "make portal link", id, json!({})).await?;
    fresh(app, tx, id).await
}

/// A further link; those there are stay.
async fn fresh(app: &App, tx: &mut TenantTx, id: SubscriberId) -> Result<Link, Error> {
    let token = new_token()?;
    let expires_at = tx.at() + LIFE;
    store::insert_link(tx, &digest(&token), id, expires_at).await?;
    let link = format!("{}/set-password/{token}", settings::address(app, tx).await?);
    Ok(Link { link, expires_at })
}

/// Sends a link to whoever has this e-mail address, where the ISP sends messages. Nobody learns whether there is such a
/// subscriber, and a wish of somebody else ends no link staff have made.
pub async fn request_link(app: &App, tenant: TenantId, email: &str) -> Result<(), Error> {
    let email = normalise(email);
    let mut tx = app.db.read(&Scope::system(tenant)).await?;
    let Some(subscriber) = store::subscriber_of_email(&mut tx, &email).await? else { return Ok(()) };
    drop(tx);
    let mut tx = app.db.begin(&Scope { tenant, actor: Actor::Subscriber(subscriber) }).await?;
    let since = tx.at() - ASK_EVERY;
    if store::note_request(&mut tx, subscriber, since).await? {
        let event = events::publish(&mut tx, EventKind::PortalLinkRequested, subscriber, None, json!({})).await?;
        let Link { link, expires_at } = fresh(app, &mut tx, subscriber).await?;
        let notice = Notice {
            template: Template::PasswordLink,
            cause: event.uuid(),
            to: Recipient::Subscriber(subscriber),
            facts: Facts::of([("expires_at", Fact::Instant(expires_at))]),
            reply_to: None,
            invoice: None,
            link: Some(link),
        };
        notifications::send(app, &mut tx, &notice).await?;
    }
    Ok(tx.commit().await?)
}

/// What a link opens, for the page that asks for the password.
pub async fn link(app: &App, tenant: TenantId, token: &str) -> Result<LinkState, Error> {
    let mut tx = app.db.read(&Scope::system(tenant)).await?;
    let found = store::link(&mut tx, &digest(token)).await?.ok_or(Error::LinkOver)?;
    if found.used {
        return Ok(LinkState::Used);
    }
    let subscriber = subscribers::subscriber(&mut tx, found.subscriber).await?;
    Ok(LinkState::Open(Box::new(subscriber)))
}

/// Sets the password a link is for, ends every session there was, and opens one.
pub async fn set_password(
    app: &App,
    tenant: TenantId,
    token: &str,
    new: String,
    user_agent: &str,
) -> Result<Session, Error> {
    let LinkState::Open(subscriber) = link(app, tenant, token).await? else { return Err(Error::LinkOver) };
    let id = subscriber.id;
    password::check(&new)?;
    let hash = password::hash(app, new).await?;
    let mut tx = app.db.begin(&Scope { tenant, actor: Actor::Subscriber(id) }).await?;
    if !store::use_link(&mut tx, &digest(token)).await? {
        return Err(Error::LinkOver);
    }
    let email = subscriber.email.as_deref().map(normalise).ok_or(Error::NoEmail)?;
    refuse_shared(&mut tx, id, &email).await?;
    store::set_password(&mut tx, id, &hash).await?;
    store::delete_links_of(&mut tx, id).await?;
    store::delete_sessions_of(&mut tx, id).await?;
    let session = sign_in::open_session(&mut tx, id, user_agent).await?;
    audit::record(&mut tx, "set portal password", id, json!({})).await?;
    tx.commit().await?;
    Ok(session)
}

async fn refuse_shared(tx: &mut TenantTx, id: SubscriberId, email: &str) -> Result<(), Error> {
    let other = store::login_of_email(tx, email).await?.filter(|login| login.subscriber != id);
    if other.is_some_and(|login| login.password_hash.is_some()) { Err(Error::EmailShared) } else { Ok(()) }
}
