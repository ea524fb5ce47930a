//! The verbs: log out, add staff, change preferences; and whose session a token opens.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use sha2::{Digest, Sha256};

use super::{By, Caller, Error, NewStaff, Person, api_keys, password, store};
use crate::app::App;
use crate::audit;
use crate::db::{Scope, TenantTx};
use crate::ids::StaffId;

/// A session ends when unused for this long.
pub(super) const IDLE: TimeDelta = TimeDelta::hours(8);
/// How stale `last_seen_at` may be: not every request writes.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(1);
/// Longest name of a person, in characters.
const NAME_MAX: usize = 200;
/// Longest address, as mail itself has it.
const EMAIL_MAX: usize = 254;

/// Who sent a token, from where.
pub async fn who_is(app: &App, token: &str, address: Option<IpAddr>) -> Result<Caller, Error> {
    if api_keys::is_key(token) {
        return api_keys::caller(app, token, address).await;
    }
    let mut tx = app.db.platform().await?;
    let now = tx.at();
    let session = store::session(&mut tx, &digest(token)).await?.ok_or(Error::NoSession)?;
    if session.is_over(now) {
        return Err(Error::NoSession);
    }
    if session.last_seen_at + SEEN_EVERY <= now {
        store::touch_session(&mut tx, &digest(token), address).await?;
    }
    tx.commit().await?;
    let person = person(app, session.tenant, session.staff).await?.ok_or(Error::NoSession)?;
    Ok(Caller { person, by: By::Session(session.id) })
}

/// Ends a session; ending one that is over is no error.
pub async fn log_out(app: &App, token: &str) -> Result<(), Error> {
    let mut tx = app.db.platform().await?;
    store::delete_session(&mut tx, &digest(token)).await?;
    Ok(tx.commit().await?)
}

/// Adds a person to a tenant's staff.
pub async fn add_staff(app: &App, tx: &mut TenantTx, new: &NewStaff) -> Result<StaffId, Error> {
    let email = normalise(&new.email);
    check_person(&new.name, &email)?;
    password::check(&new.password)?;
    let hash = password::hash(app, new.password.clone()).await?;
    let id: StaffId = tx.new_id();
    store::insert_staff(tx, id, new).await?;
    store::insert_login(tx, id, &email, &hash).await?;
    audit::record(tx, "add staff", id, serde_json::json!({ "role": new.role.name() })).await?;
    Ok(id)
}

/// Changes how the screen speaks and looks to a person.
pub async fn change_preferences(
    tx: &mut TenantTx,
    staff: StaffId,
    language: &str,
    theme: &str,
    single_keys: bool,
) -> Result<(), Error> {
    if !matches!(theme, "system" | "light" | "dark") {
        return Err(Error::Invalid("theme", format!("must be system, light or dark, found {theme:?}")));
    }
    if !crate::tenants::LANGUAGES.contains(&language) {
        return Err(Error::Invalid(
            "language",
            format!("must be one of {}, found {language:?}", crate::tenants::LANGUAGES.join(", ")),
        ));
    }
    Ok(store::update_preferences(tx, staff, language, theme, single_keys).await?)
}

/// The name of whoever acted, if it was a person or a program with a key.
pub async fn name_of(tx: &mut TenantTx, actor: &str) -> Result<Option<String>, Error> {
    if let Ok(key) = actor.parse() {
        return Ok(store::api_keys::get(tx, key).await?.map(|key| key.name));
    }
    let Ok(staff) = actor.parse() else { return Ok(None) };
    Ok(store::person(tx, staff).await?.map(|person| person.name))
}

pub(super) async fn person(app: &App, tenant: crate::ids::TenantId, staff: StaffId) -> Result<Option<Person>, Error> {
    let mut tx = app.db.read(&Scope::system(tenant)).await?;
    Ok(store::person(&mut tx, staff).await?)
}

/// Refuses a name or a normalised address nobody can have.
pub(super) fn check_person(name: &str, email: &str) -> Result<(), Error> {
    if name.trim().is_empty() {
        return Err(Error::Invalid("name", "must not be empty".into()));
    }
    if name.chars().count() > NAME_MAX {
        return Err(Error::Invalid("name", format!("must have at most {NAME_MAX} characters")));
    }
    let well_formed = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if !well_formed || email.len() > EMAIL_MAX || email.contains(char::is_whitespace) {
        return Err(Error::Invalid("email", format!("{email:?} is not an e-mail address")));
    }
    Ok(())
}

pub(crate) fn normalise(email: &str) -> String {
    email.trim().to_lowercase()
}

/// A fresh secret, fit for an address or a cookie.
pub(crate) fn new_token() -> Result<String, Error> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| Error::Hashing(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What is kept of a secret.
pub(crate) fn digest(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
