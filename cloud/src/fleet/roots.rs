//! The roots of this installation: made, made to issue, and retired, so that one takes the place of another while agents are
//! away. A root is trusted from the moment it is made until it is retired; one of the trusted issues.

use chrono::{DateTime, Utc};
use rcgen::KeyPair;
use rustls::pki_types::CertificateDer;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::Error;
use super::authority::Authority;
use super::certificates::{self, authority_params, valid};
use super::store::authorities as store;
use crate::app::App;
use crate::audit;
use crate::db::{PlatformTx, WAKE_CHANNEL};
use crate::ids::JobId;
use crate::secrets::Place;

/// How long a root holds.
const ROOT_DAYS: i64 = 3_650;
/// Tells gateways on [`WAKE_CHANNEL`] that roots have changed.
pub const ROOTS_CHANGED: &str = "roots";

/// A root of the installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Which.
    pub id: Uuid,
    /// DER.
    pub certificate: Vec<u8>,
    /// From when on it is trusted.
    pub made_at: DateTime<Utc>,
    /// Since when it issues, or from when on it did.
    pub issuing_since: Option<DateTime<Utc>>,
    /// From when on it is not trusted any more.
    pub retired_at: Option<DateTime<Utc>>,
    /// Agents that are not revoked and that may show a certificate of it.
    pub agents: i64,
    /// Those of them that are not known to trust all roots that are trusted.
    pub agents_not_told: i64,
}

/// What is done with a root now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is trusted, and issues.
    Issuing,
    /// It is trusted.
    Trusted,
    /// It is not trusted any more.
    Retired,
}

/// Every root there ever was, oldest first, and what is done with it.
pub async fn all(app: &App) -> Result<Vec<(Root, State)>, Error> {
    let authority = Authority::open(app).await?;
    let roots = store::all(&mut app.db.platform().await?, &authority.bundle_digest()).await?;
    let state = |root: &Root| match root.retired_at {
        Some(_) => State::Retired,
        None if root.id == authority.root_id() => State::Issuing,
        None => State::Trusted,
    };
    Ok(roots
        .into_iter()
        .map(|root| {
            let state = state(&root);
            (root, state)
        })
        .collect())
}

/// Makes a root that is trusted from now on, and issues nothing yet.
pub async fn make(app: &App) -> Result<Uuid, Error> {
    // Whoever has none yet has one now, which the new one is beside.
    Authority::open(app).await?;
    let mut tx = app.db.platform().await?;
    store::lock(&mut tx).await?;
    let name = format!("Weir root of {}", tx.at().format("%Y-%m-%d %H:%M:%S"));
    let id = add(app, &mut tx, &name, None).await?;
    audit::record_everywhere(&mut tx, "make root", id, json!({ "name": name })).await?;
    tx.commit().await?;
    tell(app).await;
    Ok(id)
}

/// Makes a trusted root the one that issues. Where backups are made, one must have it, or a restore would lose every agent
/// that has a certificate of it by then.
pub async fn issue(app: &App, id: Uuid, without_backup: bool) -> Result<(), Error> {
    let mut tx = app.db.platform().await?;
    store::lock(&mut tx).await?;
    if !store::trusted(&mut tx).await?.iter().any(|root| root.id == id) {
        return Err(Error::RootNotTrusted(id));
    }
    if !without_backup && !store::is_safe(&mut tx, id).await? {
        return Err(Error::RootNotInBackup(id));
    }
    store::set_issuing(&mut tx, id).await?;
    audit::record_everywhere(&mut tx, "issue by root", id, json!({ "without_backup": without_backup })).await?;
    tx.commit().await?;
    tell(app).await;
    Ok(())
}

/// Trusts a root no more. While agents may show certificates of it that is refused, unless they shall be lost: they must be
/// enrolled anew. Nobody is given one meanwhile.
pub async fn retire(app: &App, id: Uuid, lose_agents: bool) -> Result<(), Error> {
    let mut tx = app.db.platform().await?;
    store::lock(&mut tx).await?;
    let trusted = store::trusted(&mut tx).await?;
    if !trusted.iter().any(|root| root.id == id) {
        return Err(Error::RootNotTrusted(id));
    }
    if trusted.iter().max_by_key(|root| root.issuing_since).is_some_and(|issuing| issuing.id == id) {
        return Err(Error::RootIssues(id));
    }
    let agents = store::all(&mut tx, &[]).await?.iter().find(|root| root.id == id).map_or(0, |root| root.agents);
    if agents > 0 && !lose_agents {
        return Err(Error::RootInUse(agents));
    }
    store::set_retired(&mut tx, id).await?;
    audit::record_everywhere(&mut tx, "retire root", id, json!({ "agents_lost": agents })).await?;
    tx.commit().await?;
    tell(app).await;
    Ok(())
}

/// Adds a root.
pub(super) async fn add(
    app: &App,
    tx: &mut PlatformTx,
    name: &str,
    issuing_since: Option<DateTime<Utc>>,
) -> Result<Uuid, Error> {
    let key = KeyPair::generate().map_err(certificates::failed)?;
    let mut params = authority_params(name);
    valid(&mut params, app.clock.system_now(), ROOT_DAYS);
    let certificate: CertificateDer<'static> = params.self_signed(&key).map_err(certificates::failed)?.into();
    let id: JobId = crate::ids::new_id(tx.at());
    let sealed = app.secrets.seal(Place::Installation(id.uuid()), &key.serialize_der())?;
    store::insert(tx, id.uuid(), &certificate, &sealed, issuing_since).await?;
    Ok(id.uuid())
}

/// A gateway that does not hear of it looks by itself within a minute.
async fn tell(app: &App) {
    if let Err(error) = app.db.notify(WAKE_CHANNEL, ROOTS_CHANGED).await {
        tracing::warn!(%error, "gateways could not be told that roots have changed; they notice within a minute");
    }
}
