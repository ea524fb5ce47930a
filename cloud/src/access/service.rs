//! The verbs: log in and out, add staff, change preferences.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use sha2::{Digest, Sha256};

use super::{Caller, Device, Error, NewStaff, Person, Session, password, store};
use crate::app::App;
use crate::audit;
use crate::db::{self, Scope, TenantTx};
use crate::ids::StaffId;

/// A session ends when unused for this long.
pub(super) const IDLE: TimeDelta = TimeDelta::hours(8);
/// A session ends after this long, used or not.
const ABSOLUTE: TimeDelta = TimeDelta::hours(24 * 7);
/// How stale `last_seen_at` may be: not every request writes.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(1);
/// Wrong attempts that cost nothing.
const FREE_ATTEMPTS: i32 = 5;
/// Longest name of a person, in characters.
const NAME_MAX: usize = 200;
/// Longest address, as mail itself has it.
const EMAIL_MAX: usize = 254;
/// Wrong attempts count for this long.
const REMEMBERED: TimeDelta = TimeDelta::hours(24);
/// Longest wait after wrong attempts, in seconds.
const WAIT_MAX: i64 = 900;

/// Checks a log-in and opens a session. A wrong address, a wrong password and a disabled person look and take the same.
pub async fn log_in(app: &App, email: &str, password: String, device: impl Into<Device>) -> Result<Session, Error> {
    let proven = prove(app, &normalise(email), password).await?;
    let person = person(app, proven.login.tenant, proven.login.staff).await?.ok_or(Error::WrongLogin)?;
    let token = new_token()?;
    let mut tx = app.db.platform().await?;
    let now = tx.at();
    store::insert_session(&mut tx, &digest(&token), &person, now + ABSOLUTE, &device.into()).await?;
    tx.commit().await?;
    proven.settle(app).await?;
    Ok(Session { token, expires_at: now + ABSOLUTE, person })
}

/// Somebody who knows a password. The attempt still counts as wrong until it is settled.
pub(super) struct Proven {
    pub(super) login: store::Login,
    attempt: Vec<u8>,
}

impl Proven {
    /// Forgets the wrong attempts before this right one.
    pub(super) async fn settle(self, app: &App) -> Result<(), Error> {
        Ok(forget_attempts(app, &self.attempt).await?)
    }
}

/// Checks that somebody knows the password of a normalised address, known or not: every attempt is counted before its
/// password is looked at, so that guesses sent at once wait like those sent one after the other.
pub(super) async fn prove(app: &App, email: &str, password: String) -> Result<Proven, Error> {
    let attempt = digest(email);
    count_attempt(app, &attempt).await?;
    let login = store::login(&mut app.db.platform().await?, email).await?;
    let right = password::is(app, password, login.as_ref().map(|login| login.password_hash.clone())).await?;
    let login = login.filter(|_| right).ok_or(Error::WrongLogin)?;
    Ok(Proven { login, attempt })
}

/// Counts an attempt to log in, by the digest of what it was made for, as wrong; refuses it while attempts have to wait.
pub(crate) async fn count_attempt(app: &App, attempt: &[u8]) -> Result<(), Error> {
    let mut tx = app.db.platform().await?;
    let now = tx.at();
    let counted = store::sessions::count_attempt(&mut tx, attempt, FREE_ATTEMPTS, WAIT_MAX, now - REMEMBERED).await?;
    if counted.is_none() {
        let until = store::sessions::waits_until(&mut tx, attempt).await?.unwrap_or(now);
        return Err(Error::Waits(until, (until - now).num_seconds().unsigned_abs().max(1)));
    }
    Ok(tx.commit().await?)
}

/// Forgets the wrong attempts before a right one.
pub(crate) async fn forget_attempts(app: &App, attempt: &[u8]) -> Result<(), db::Error> {
    let mut tx = app.db.platform().await?;
    store::sessions::forget_attempts(&mut tx, attempt).await?;
    tx.commit().await
}

/// Forgets attempts to log in that no longer count.
pub async fn forget_old_attempts(app: &App) -> Result<(), db::Error> {
    let mut tx = app.db.platform().await?;
    let before = tx.at() - REMEMBERED;
    store::sessions::forget_attempts_before(&mut tx, before).await?;
    tx.commit().await
}

/// Who sent a token, from where.
pub async fn who_is(app: &App, token: &str, address: Option<IpAddr>) -> Result<Caller, Error> {
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
    Ok(Caller { person, session: session.id })
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

/// The name of whoever acted, if it was a person.
pub async fn name_of(tx: &mut TenantTx, actor: &str) -> Result<Option<String>, Error> {
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
