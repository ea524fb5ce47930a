//! The second step of a log-in: enrolled by its person, demanded by the ISP, reset by whoever manages the staff.

use serde_json::json;

use super::service::digest;
use super::{Enrolment, Error, Person, SecondStep, log_in, store, totp};
use crate::app::App;
use crate::audit;
use crate::db::TenantTx;
use crate::ids::{SessionId, StaffId};
use crate::secrets::{Place, random};
use crate::tenants;

/// Recovery codes a person gets.
const RECOVERY_CODES: usize = 10;

/// How a person's second step stands.
pub async fn second_step(tx: &mut TenantTx, person: &Person) -> Result<SecondStep, Error> {
    let stored = store::second_step::get(tx, person.id).await?;
    Ok(SecondStep {
        on: person.second_step,
        required: person.second_step_required,
        since: stored.and_then(|stored| stored.confirmed_at),
        recovery_codes_left: store::second_step::codes_left(tx, person.id).await?,
    })
}

/// Begins to enrol one's own authenticator. Nothing is asked at the log-in until a code confirms it.
pub async fn begin_second_step(app: &App, tx: &mut TenantTx, person: &Person) -> Result<Enrolment, Error> {
    let secret: [u8; 20] = random()?;
    let sealed = app.secrets.seal(place(tx, person.id), &secret)?;
    if !store::second_step::insert(tx, person.id, &sealed).await? {
        return Err(Error::SecondStepOn);
    }
    enrolment(tx, person, &secret).await
}

/// What a person has begun to enrol.
pub async fn begun_second_step(app: &App, tx: &mut TenantTx, person: &Person) -> Result<Enrolment, Error> {
    let stored = store::second_step::get(tx, person.id).await?.filter(|stored| stored.confirmed_at.is_none());
    let secret = app.secrets.unseal(place(tx, person.id), &stored.ok_or(Error::SecondStepOff)?.sealed_secret)?;
    enrolment(tx, person, &secret).await
}

async fn enrolment(tx: &mut TenantTx, person: &Person, secret: &[u8]) -> Result<Enrolment, Error> {
    let issuer = tenants::tenant(tx).await.map_err(|error| Error::Hashing(error.to_string()))?.name;
    Ok(Enrolment { secret: totp::base32(secret), uri: totp::uri(&issuer, &person.email, secret) })
}

/// Confirms the authenticator by a code; gives the recovery codes, this once, and ends all sessions but the one `kept`.
pub async fn confirm_second_step(
    app: &App,
    tx: &mut TenantTx,
    person: &Person,
    kept: Option<SessionId>,
    code: &str,
) -> Result<Vec<String>, Error> {
    if person.second_step {
        return Err(Error::SecondStepOn);
    }
    check(app, tx, person, code).await?;
    store::second_step::confirm(tx, person.id).await?;
    store::sessions::delete_of(tx, person.id, kept).await?;
    audit::record(tx, "turn on second step", person.id, json!({})).await?;
    new_codes(tx, person.id).await
}

/// Replaces one's recovery codes; a code of the authenticator is asked for.
pub async fn renew_recovery_codes(
    app: &App,
    tx: &mut TenantTx,
    person: &Person,
    code: &str,
) -> Result<Vec<String>, Error> {
    require(app, tx, person, code).await?;
    audit::record(tx, "make recovery codes", person.id, json!({})).await?;
    new_codes(tx, person.id).await
}

/// Turns off one's own second step, unless the ISP demands it.
pub async fn remove_second_step(app: &App, tx: &mut TenantTx, person: &Person, code: &str) -> Result<(), Error> {
    if person.second_step_required {
        return Err(Error::SecondStepRequired);
    }
    require(app, tx, person, code).await?;
    store::second_step::delete(tx, person.id).await?;
    Ok(audit::record(tx, "turn off second step", person.id, json!({})).await?)
}

/// Takes somebody's second step away, who lost it, and ends their sessions. Nobody does this to themselves.
pub async fn reset_second_step(tx: &mut TenantTx, by: &Person, id: StaffId) -> Result<(), Error> {
    super::member(tx, id).await?;
    if by.id == id {
        return Err(Error::OwnAccess);
    }
    if !store::second_step::delete(tx, id).await? {
        return Err(Error::SecondStepOff);
    }
    store::sessions::delete_of(tx, id, None).await?;
    Ok(audit::record(tx, "reset second step", id, json!({})).await?)
}

/// Whether everybody must have a second step.
pub async fn is_second_step_required(tx: &mut TenantTx) -> Result<bool, Error> {
    Ok(store::second_step::is_required(tx).await?)
}

/// Demands a second step of everybody, or no longer. Whoever demands it has one.
pub async fn require_second_step(tx: &mut TenantTx, by: &Person, required: bool) -> Result<(), Error> {
    if required && !by.second_step {
        return Err(Error::SecondStepOff);
    }
    store::second_step::set_required(tx, required).await?;
    let tenant = tx.tenant();
    Ok(audit::record(tx, "require second step", tenant, json!({ "required": required })).await?)
}

/// Whether a code is right: of the authenticator, each once, or one of the recovery codes, which is used up.
pub(super) async fn is_right(app: &App, tx: &mut TenantTx, staff: StaffId, code: &str) -> Result<bool, Error> {
    let code = code.replace([' ', '-'], "").to_lowercase();
    let Some(stored) = store::second_step::get(tx, staff).await? else { return Ok(false) };
    if code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()) {
        let secret = app.secrets.unseal(place(tx, staff), &stored.sealed_secret)?;
        // Authenticators know nothing of a development clock.
        let now = app.clock.system_now().timestamp();
        let Some(step) = totp::step_of(&secret, &code, now, stored.last_step) else { return Ok(false) };
        return Ok(store::second_step::advance(tx, staff, step).await?);
    }
    let used = stored.confirmed_at.is_some() && store::second_step::use_code(tx, staff, &digest(&code)).await?;
    if used {
        audit::record(tx, "use recovery code", staff, json!({})).await?;
    }
    Ok(used)
}

async fn require(app: &App, tx: &mut TenantTx, person: &Person, code: &str) -> Result<(), Error> {
    if !person.second_step {
        return Err(Error::SecondStepOff);
    }
    check(app, tx, person, code).await
}

/// Checks a code sent with a session; wrong ones wait like those of a log-in.
async fn check(app: &App, tx: &mut TenantTx, person: &Person, code: &str) -> Result<(), Error> {
    let attempt = digest(&format!("code of {}", person.id));
    log_in::count_attempt(app, &attempt).await?;
    if !is_right(app, tx, person.id, code).await? {
        return Err(Error::Invalid("code", "is not the code shown now".into()));
    }
    log_in::forget_attempts(app, &attempt).await
}

async fn new_codes(tx: &mut TenantTx, staff: StaffId) -> Result<Vec<String>, Error> {
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let bytes: [u8; 10] = random()?;
        codes.push(totp::base32(&bytes).to_lowercase());
    }
    let hashes: Vec<_> = codes.iter().map(|code| digest(code)).collect();
    store::second_step::replace_codes(tx, staff, &hashes).await?;
    let grouped = |code: &String| format!("{}-{}-{}-{}", &code[..4], &code[4..8], &code[8..12], &code[12..]);
    Ok(codes.iter().map(grouped).collect())
}

fn place(tx: &TenantTx, staff: StaffId) -> Place {
    Place::Tenant { tenant: tx.tenant(), column: "staff_second_steps.sealed_secret", row: staff.uuid() }
}
