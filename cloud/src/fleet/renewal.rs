//! Renewal: an agent's certificate becomes a further one, for a new key of the same router. The one before stays good until it
//! ends, so that nothing that breaks on the way locks a router out.

use chrono::TimeDelta;
use serde_json::json;
use weir_protocol::control::Severity;
use weir_protocol::enroll::{RenewCertificate, Renewed};

use super::authority::{self, Authority};
use super::certificates::Shown;
use super::sessions::Session;
use super::store::certificates::{self as store, Held};
use super::{Error, events};
use crate::app::App;
use crate::audit;
use crate::db::{Actor, Scope, TenantTx};
use crate::ids::AgentId;

/// How long after its end a certificate still becomes a further one.
const AFTER_END: TimeDelta = TimeDelta::days(400);
/// One whose successors end later than this after it is not the router's any more, once one of them was in use.
const REPLACED: TimeDelta = TimeDelta::days(90);
/// Another key of the same agent gets no certificate sooner.
const PAUSE: TimeDelta = TimeDelta::hours(1);
/// People hear of a certificate that ends sooner than this: it should have been renewed long before.
const ENDING: TimeDelta = TimeDelta::days(5);

/// Renews the certificate of a session's agent.
pub async fn in_session(
    app: &App,
    authority: &Authority,
    session: Session,
    request: &RenewCertificate,
) -> Result<Renewed, Error> {
    let mut tx = session.begin(app).await?;
    let key = authority::key_of_request(&request.csr)?;
    let held = store::lock(&mut tx, session.agent).await?.ok_or(Error::Revoked)?;
    renew(app, authority, tx, (session.agent, held), (key, request)).await
}

/// Renews a certificate that has ended, for whoever proved to have its key: unless that was renewed long since, and what is
/// shown may have been copied from a disk that is not the router's any more. Who asks with the newest key has that, too.
pub async fn after_end(
    app: &App,
    authority: &Authority,
    shown: Shown,
    request: &RenewCertificate,
) -> Result<Renewed, Error> {
    let Shown { tenant, agent, until, .. } = shown;
    let mut tx = app.db.begin(&Scope { tenant, actor: Actor::Agent(agent) }).await?;
    let held = store::lock(&mut tx, agent).await?.ok_or(Error::Revoked)?;
    let key = authority::key_of_request(&request.csr)?;
    let day = until.date_naive();
    let (error, kind, text) = if until + AFTER_END <= app.clock.system_now() {
        let text =
            format!("the router was away too long: its certificate ended on {day}, and it must be enrolled anew");
        (Error::CertificateTooOld, "certificate-ended", text)
    } else if held.until - until > REPLACED && held.key_sha256 != key && held.connected_at > held.renewed_at {
        let text = format!(
            "somebody showed a certificate that ended on {day} and was replaced long since, and got none for it: the router's \
             disk was put back in time, then it must be enrolled anew, or was copied"
        );
        (Error::CertificateReplaced, "certificate-replaced", text)
    } else {
        return renew(app, authority, tx, (agent, held), (key, request)).await;
    };
    events::once(&mut tx, agent, (kind, &until.to_rfc3339()), Severity::Critical, text).await?;
    tx.commit().await?;
    Err(error)
}

async fn renew(
    app: &App,
    authority: &Authority,
    mut tx: TenantTx,
    (agent, held): (AgentId, Held),
    (key, request): (Vec<u8>, &RenewCertificate),
) -> Result<Renewed, Error> {
    let now = app.clock.system_now();
    let renewed = |leaf: Vec<u8>| Renewed {
        chain: vec![leaf],
        trust_bundle: authority.bundle(),
        gateways: vec![app.config.gateway_address()],
    };
    // The answer may have been lost.
    if held.key_sha256 == key && held.until > now && held.root == Some(authority.root_id()) {
        return Ok(renewed(held.certificate));
    }
    if held.key_sha256 != key && held.renewed_at.is_some_and(|at| tx.at() - at < PAUSE) {
        return Err(Error::RenewedLately);
    }
    let certificate = authority.give(&mut tx, &request.csr, agent, now).await?;
    store::set(&mut tx, agent, &certificate).await?;
    let told = json!({ "agent": agent, "serial": certificate.serial, "until": certificate.until });
    audit::record(&mut tx, "renew certificate", held.router, told).await?;
    tx.commit().await?;
    Ok(renewed(certificate.der.to_vec()))
}

/// Notes that a session's agent was told of roots that hash to this.
pub async fn told_roots(app: &App, session: Session, digest: &[u8]) -> Result<(), Error> {
    let mut tx = session.begin(app).await?;
    store::set_trust(&mut tx, session.agent, digest).await?;
    Ok(tx.commit().await?)
}

/// Tells people, once for each, of certificates that end soon: renewal was refused, or never asked for.
pub async fn watch(app: &App, tx: &mut TenantTx) -> Result<(), Error> {
    let now = app.clock.system_now();
    for (agent, until) in store::ending(tx, now - TimeDelta::days(1), now + ENDING).await? {
        let day = until.date_naive();
        let text = format!(
            "the agent's certificate ends on {day} and was not renewed, which it does by itself while it is connected; a router \
             that comes back later than that renews it then, and after 400 days it must be enrolled anew"
        );
        events::once(tx, agent, ("certificate-ending", &until.to_rfc3339()), Severity::Warning, text).await?;
        metrics::counter!("weir_certificates_ending_total").increment(1);
    }
    Ok(())
}
