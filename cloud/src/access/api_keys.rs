//! Keys programs ask with: made by a person, with some of that person's permissions, until they expire or are revoked.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::service::{digest, person};
use super::{By, Caller, Error, Person, store, totp};
use crate::app::App;
use crate::audit;
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::http::paging::Page;
use crate::http::permission::{ALL, LoggedIn, ManageApiKeys, Needs, Permission};
use crate::ids::{ApiKeyId, StaffId, TenantId};
use crate::secrets::random;

/// What every key begins with, so that a key that leaks is recognised.
const PREFIX: &str = "weir_key_";
/// Letters at a key's end that tell a mistyped one without asking the database.
const CHECKSUM: usize = 6;
/// Letters of a key that are kept for people.
const BEGINNING: usize = 4;
/// How stale `last_used_at` may be: not every request writes.
const USED_EVERY: TimeDelta = TimeDelta::minutes(1);
/// Longest name, in characters.
const NAME_MAX: usize = 100;
/// Most networks a key is bound to.
const NETWORKS_MAX: usize = 20;

/// A key a program asks with.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ApiKey {
    /// Which.
    pub id: ApiKeyId,
    /// What it is for.
    pub name: String,
    /// How it begins.
    #[schema(example = "weir_key_mzxw")]
    pub beginning: String,
    /// The permissions it has, as far as whoever made it has them.
    pub scopes: Vec<String>,
    /// Networks it is taken from; from everywhere if empty.
    #[schema(value_type = Vec<String>)]
    pub networks: Vec<IpNet>,
    /// Who made it.
    pub made_by: StaffId,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// From where it was last used; empty if that is unknown.
    pub last_used_from: String,
    /// Since when it is not taken any more.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A key to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// What it is for.
    #[schema(example = "Bookkeeping")]
    pub name: String,
    /// Permissions, all of which you have.
    #[schema(example = json!(["view-billing"]))]
    pub scopes: Vec<String>,
    /// When it ends by itself; never if absent.
    pub expires_at: Option<DateTime<Utc>>,
    /// Networks it is taken from; from everywhere if absent.
    #[serde(default)]
    #[schema(example = json!(["203.0.113.0/24"]))]
    pub networks: Vec<String>,
}

/// A fresh key. It is shown once.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeApiKey {
    /// What is known of it.
    #[serde(flatten)]
    pub api_key: ApiKey,
    /// The key itself, to be sent as `Authorization: Bearer`.
    pub key: String,
}

/// A key as it is found by its hash.
pub(super) struct StoredKey {
    pub id: ApiKeyId,
    pub tenant: TenantId,
    pub made_by: StaffId,
    pub scopes: Vec<String>,
    pub networks: Vec<IpNet>,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// The permissions somebody can give a key: their own, but not to be a person, nor to make keys.
pub fn scopes_of(person: &Person) -> impl Iterator<Item = Permission> {
    let for_people = [LoggedIn::PERMISSION, ManageApiKeys::PERMISSION];
    ALL.iter().copied().filter(move |scope| !for_people.contains(scope)).filter(|scope| person.role.may(*scope))
}

/// Makes a key with some of its maker's permissions.
pub async fn make_api_key(tx: &mut TenantTx, by: &Person, new: NewApiKey) -> Result<MadeApiKey, Error> {
    let networks = check(tx, by, &new)?;
    let key = new_key()?;
    let id: ApiKeyId = tx.new_id();
    let mut scopes = new.scopes;
    scopes.sort_unstable();
    scopes.dedup();
    let api_key = ApiKey {
        id,
        name: new.name.trim().to_owned(),
        beginning: key[..PREFIX.len() + BEGINNING].to_owned(),
        scopes,
        networks,
        made_by: by.id,
        created_at: tx.at(),
        expires_at: new.expires_at,
        last_used_at: None,
        last_used_from: String::new(),
        revoked_at: None,
    };
    store::api_keys::insert(tx, &api_key, &digest(&key)).await?;
    let detail = json!({ "name": api_key.name, "scopes": api_key.scopes, "networks": api_key.networks, "expires_at": api_key.expires_at });
    audit::record(tx, "make api key", id, detail).await?;
    Ok(MadeApiKey { api_key, key })
}

fn check(tx: &TenantTx, by: &Person, new: &NewApiKey) -> Result<Vec<IpNet>, Error> {
    let mut errors = Vec::new();
    if new.name.trim().is_empty() {
        errors.push(FieldError::new("name", "must not be empty"));
    } else if new.name.chars().count() > NAME_MAX {
        errors.push(FieldError::new("name", format!("must have at most {NAME_MAX} characters")));
    }
    if new.scopes.is_empty() {
        errors.push(FieldError::new("scopes", "must name at least one permission"));
    }
    for scope in &new.scopes {
        if !scopes_of(by).any(|own| own.0 == scope) {
            errors.push(FieldError::new("scopes", format!("{scope:?} is no permission you can give")));
        }
    }
    if new.expires_at.is_some_and(|at| at <= tx.at()) {
        errors.push(FieldError::new("expires_at", "must be in the future"));
    }
    if new.networks.len() > NETWORKS_MAX {
        errors.push(FieldError::new("networks", format!("must have at most {NETWORKS_MAX} networks")));
    }
    let mut networks = Vec::new();
    for text in &new.networks {
        let alone = || text.parse::<IpAddr>().map(IpNet::from);
        match text.parse::<IpNet>().or_else(|_| alone()) {
            Ok(network) => networks.push(network.trunc()),
            Err(_) => errors.push(FieldError::new("networks", format!("{text:?} is not an address or a prefix"))),
        }
    }
    if errors.is_empty() { Ok(networks) } else { Err(Error::Fields(errors)) }
}

/// A page of the keys, the newest first.
pub async fn api_keys(tx: &mut TenantTx, page: Page) -> Result<Vec<ApiKey>, Error> {
    Ok(store::api_keys::list(tx, page).await?)
}

/// One key.
pub async fn api_key(tx: &mut TenantTx, id: ApiKeyId) -> Result<ApiKey, Error> {
    store::api_keys::get(tx, id).await?.ok_or(Error::ApiKeyNotFound(id))
}

/// Revokes a key: it is not taken any more. Revoking one that is revoked is no error.
pub async fn revoke_api_key(tx: &mut TenantTx, id: ApiKeyId) -> Result<ApiKey, Error> {
    let before = api_key(tx, id).await?;
    if store::api_keys::revoke(tx, id).await? {
        audit::record(tx, "revoke api key", id, json!({ "name": before.name })).await?;
    }
    api_key(tx, id).await
}

/// Whether a token is a key rather than a session's.
pub(super) fn is_key(token: &str) -> bool {
    token.starts_with(PREFIX)
}

/// On whose behalf a program asks with a key, and what it may do.
pub(super) async fn caller(app: &App, key: &str, address: Option<IpAddr>) -> Result<Caller, Error> {
    if !is_whole(key) {
        return Err(Error::NoSession);
    }
    let mut tx = app.db.platform().await?;
    let now = tx.at();
    let stored = store::api_keys::find(&mut tx, &digest(key)).await?.ok_or(Error::NoSession)?;
    if stored.revoked_at.is_some() || stored.expires_at.is_some_and(|at| at <= now) {
        return Err(Error::NoSession);
    }
    let here = |network: &IpNet| address.is_some_and(|address| network.contains(&address));
    if !stored.networks.is_empty() && !stored.networks.iter().any(here) {
        return Err(Error::ApiKeyElsewhere);
    }
    if stored.last_used_at.is_none_or(|at| at + USED_EVERY <= now) {
        store::api_keys::touch(&mut tx, &digest(key), address).await?;
        tx.commit().await?;
    }
    let person = person(app, stored.tenant, stored.made_by).await?.ok_or(Error::NoSession)?;
    Ok(Caller { person, by: By::Key { id: stored.id, scopes: stored.scopes } })
}

fn new_key() -> Result<String, Error> {
    let bytes: [u8; 32] = random()?;
    let secret = totp::base32(&bytes).to_lowercase();
    Ok(format!("{PREFIX}{secret}{}", checksum(&secret)))
}

fn checksum(secret: &str) -> String {
    let mut letters = totp::base32(&digest(secret)).to_lowercase();
    letters.truncate(CHECKSUM);
    letters
}

fn is_whole(key: &str) -> bool {
    let rest = key.strip_prefix(PREFIX).filter(|rest| rest.is_ascii() && rest.len() > CHECKSUM);
    let parts = rest.map(|rest| rest.split_at(rest.len() - CHECKSUM));
    parts.is_some_and(|(secret, sum)| checksum(secret) == sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_key_is_known_without_asking() {
        let key = new_key().unwrap();
        assert!(is_key(&key) && is_whole(&key) && key.len() == 9 + 52 + 6, "{key}");
        let mut mistyped = key.clone().into_bytes();
        mistyped[20] = if mistyped[20] == b'a' { b'b' } else { b'a' };
        for wrong in [String::from_utf8(mistyped).unwrap(), key[..30].to_owned(), PREFIX.to_owned(), key + "a"] {
            assert!(!is_whole(&wrong), "{wrong}");
        }
    }
}
