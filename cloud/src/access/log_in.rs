//! Logging in: a password, then a second step where there is one.
//!
//! Wrong attempts are counted by the hash of the normalised address, known or not, before anything is checked; the count
//! is forgotten when the whole log-in is through, so that codes cannot be guessed with a known password either.

use chrono::TimeDelta;

use super::service::{digest, new_token, normalise, person};
use super::store::second_step::Challenge;
use super::{Device, Error, Person, Session, password, second_step, store};
use crate::app::App;
use crate::db::{self, Actor, Scope};

/// A session ends after this long, used or not.
const ABSOLUTE: TimeDelta = TimeDelta::hours(24 * 7);
/// How long the second step may take.
const CHALLENGE: TimeDelta = TimeDelta::minutes(5);
/// Wrong attempts that cost nothing.
const FREE_ATTEMPTS: i32 = 5;
/// Longest wait after wrong attempts, in seconds.
const WAIT_MAX: i64 = 900;
/// Wrong attempts count for this long.
const REMEMBERED: TimeDelta = TimeDelta::hours(24);

/// How far a log-in is.
#[derive(Debug)]
pub enum LogIn {
    /// Through.
    Through(Session),
    /// The password was right, a code is to follow; the token goes with it.
    SecondStep(String),
}

/// Checks a log-in and opens a session. A wrong address, a wrong password and a disabled person look and take the same.
/// For a person with a second step there is none this way.
pub async fn log_in(app: &App, email: &str, password: String, device: impl Into<Device>) -> Result<Session, Error> {
    log_in_at_once(app, email, password, None, &device.into()).await
}

/// As [`log_in`], with the code of the second step.
pub async fn log_in_at_once(
    app: &App,
    email: &str,
    password: String,
    code: Option<&str>,
    device: &Device,
) -> Result<Session, Error> {
    let proven = prove(app, &normalise(email), password).await?;
    let person = person(app, proven.login.tenant, proven.login.staff).await?.ok_or(Error::WrongLogin)?;
    if person.second_step {
        check_code(app, &person, code.ok_or(Error::SecondStepNeeded)?).await?;
    }
    let session = open(app, person, device).await?;
    proven.settle(app).await?;
    Ok(session)
}

/// Checks a password; where a second step follows, [`finish_log_in`] takes it.
pub async fn begin_log_in(app: &App, email: &str, password: String, device: &Device) -> Result<LogIn, Error> {
    let proven = prove(app, &normalise(email), password).await?;
    let person = person(app, proven.login.tenant, proven.login.staff).await?.ok_or(Error::WrongLogin)?;
    if !person.second_step {
        let session = open(app, person, device).await?;
        proven.settle(app).await?;
        return Ok(LogIn::Through(session));
    }
    let token = new_token()?;
    let challenge = Challenge { tenant: person.tenant, staff: person.id, address_hash: proven.attempt };
    let mut tx = app.db.platform().await?;
    let until = tx.at() + CHALLENGE;
    store::second_step::insert_challenge(&mut tx, &digest(&token), &challenge, until).await?;
    tx.commit().await?;
    Ok(LogIn::SecondStep(token))
}

/// Takes the code of a log-in that was begun.
pub async fn finish_log_in(app: &App, token: &str, code: &str, device: &Device) -> Result<Session, Error> {
    let hash = digest(token);
    let found = store::second_step::challenge(&mut app.db.platform().await?, &hash).await?;
    let challenge = found.ok_or(Error::NoSession)?;
    count_attempt(app, &challenge.address_hash).await?;
    let person = person(app, challenge.tenant, challenge.staff).await?.ok_or(Error::NoSession)?;
    check_code(app, &person, code).await?;
    let mut tx = app.db.platform().await?;
    if !store::second_step::end_challenge(&mut tx, &hash).await? {
        return Err(Error::NoSession);
    }
    store::sessions::forget_attempts(&mut tx, &challenge.address_hash).await?;
    tx.commit().await?;
    open(app, person, device).await
}

async fn check_code(app: &App, person: &Person, code: &str) -> Result<(), Error> {
    let mut tx = app.db.begin(&Scope { tenant: person.tenant, actor: Actor::Staff(person.id) }).await?;
    if !second_step::is_right(app, &mut tx, person.id, code).await? {
        return Err(Error::WrongCode);
    }
    Ok(tx.commit().await?)
}

async fn open(app: &App, person: Person, device: &Device) -> Result<Session, Error> {
    let token = new_token()?;
    let mut tx = app.db.platform().await?;
    let expires_at = tx.at() + ABSOLUTE;
    store::insert_session(&mut tx, &digest(&token), &person, expires_at, device).await?;
    tx.commit().await?;
    Ok(Session { token, expires_at, person })
}

/// Somebody who knows a password. The attempt still counts as wrong until it is settled.
pub(super) struct Proven {
    pub(super) login: store::Login,
    attempt: Vec<u8>,
}

impl Proven {
    /// Forgets the wrong attempts before this right one.
    pub(super) async fn settle(self, app: &App) -> Result<(), Error> {
        forget_attempts(app, &self.attempt).await
    }
}

/// Forgets attempts, because one was right.
pub(crate) async fn forget_attempts(app: &App, attempt: &[u8]) -> Result<(), Error> {
    let mut tx = app.db.platform().await?;
    store::sessions::forget_attempts(&mut tx, attempt).await?;
    Ok(tx.commit().await?)
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

/// Counts an attempt as wrong until it is known to be right; refuses it while attempts have to wait.
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

/// Forgets attempts to log in that no longer count.
pub async fn forget_old_attempts(app: &App) -> Result<(), db::Error> {
    let mut tx = app.db.platform().await?;
    let before = tx.at() - REMEMBERED;
    store::sessions::forget_attempts_before(&mut tx, before).await?;
    tx.commit().await
}
