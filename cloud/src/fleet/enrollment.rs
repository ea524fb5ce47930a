//! Enrollment: a single-use token, shown once, becomes an agent's certificate.

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;
use weir_protocol::enroll::{Enrolled, Request, proof, secret_digest};
use weir_protocol::token::Token;

use super::authority::{self, Authority};
use super::{Error, desired, store};
use crate::app::App;
use crate::db::{Actor, Scope, TenantTx};
use crate::ids::{AgentId, EnrollmentTokenId, RouterId};
use crate::{audit, network};

/// How long a token may be used.
const TOKEN_LIFE: TimeDelta = TimeDelta::minutes(30);

/// A token, shown once.
pub struct NewToken {
    /// What to copy onto the router.
    pub text: String,
    /// Until when it may be used.
    pub expires_at: chrono::DateTime<chrono::Utc>,
}

impl NewToken {
    /// What to run on a router that has the package of the agent.
    pub fn command(&self) -> String {
        format!("sudo weir-agent enroll --token {} && sudo systemctl restart weir-agent", self.text)
    }
}

/// Makes a token for a router.
pub async fn make_token(app: &App, tx: &mut TenantTx, router: RouterId) -> Result<NewToken, Error> {
    network::router(tx, router).await?;
    let authority = Authority::open(app).await?;
    let secret: [u8; 16] = crate::secrets::random()?;
    let id: EnrollmentTokenId = tx.new_id();
    let expires_at = tx.at() + TOKEN_LIFE;
    store::agents::insert_token(tx, id, router, &secret_digest(&secret), expires_at).await?;
    audit::record(tx, "make enrollment token", router, json!({ "token": id })).await?;
    let token = Token {
        gateway: app.config.gateway_address(),
        id: id.uuid().as_bytes().to_vec(),
        secret: secret.to_vec(),
        root_fingerprint: authority.root_fingerprint().to_vec(),
    };
    Ok(NewToken { text: token.to_text(), expires_at })
}

/// Turns a proven token into an agent. The same key may ask again: a lost reply harms nobody.
pub async fn enroll(
    app: &App,
    authority: &Authority,
    request: &Request,
    exporter: &[u8; 32],
) -> Result<Enrolled, Error> {
    let token_id = Uuid::from_slice(&request.token_id).map_err(|_| Error::TokenUnknown)?;
    let key = authority::key_of_request(&request.csr)?;
    let mut platform = app.db.platform().await?;
    let token = store::agents::token(&mut platform, token_id).await?.ok_or(Error::TokenUnknown)?;
    drop(platform);
    let digest = <[u8; 32]>::try_from(token.secret_digest.as_slice()).map_err(|_| Error::TokenUnknown)?;
    if !same(&proof(&digest, exporter, &request.csr), &request.proof) {
        return Err(Error::ProofWrong);
    }
    let mut tx = app.db.begin(&Scope { tenant: token.tenant, actor: Actor::System }).await?;
    let used = store::agents::lock_token(&mut tx, token_id).await?;
    let agent = match &used {
        Some(used) if used.by_key == key => used.agent,
        Some(_) => return Err(Error::TokenUsed),
        None if token.expires_at <= tx.at() => return Err(Error::TokenExpired),
        None => tx.new_id(),
    };
    let certificate = authority.give(&mut tx, &request.csr, agent, app.clock.system_now()).await?;
    if used.is_none() {
        replace(&mut tx, token.router, agent, &certificate, &request.hostname).await?;
        store::agents::use_token(&mut tx, token_id, &key, agent).await?;
        audit::record(&mut tx, "enroll agent", token.router, json!({ "agent": agent, "hostname": request.hostname }))
            .await?;
        desired::rebuild(&mut tx, token.router).await?;
    }
    let now = tx.at();
    tx.commit().await?;
    Ok(Enrolled {
        tenant_id: token.tenant.uuid().as_bytes().to_vec(),
        agent_id: agent.uuid().as_bytes().to_vec(),
        chain: vec![certificate.der.to_vec()],
        trust_bundle: authority.bundle(),
        gateways: vec![app.config.gateway_address()],
        cloud_time_ms: now.timestamp_millis().unsigned_abs(),
    })
}

/// A router has one agent: a new one takes the place of the old.
async fn replace(
    tx: &mut TenantTx,
    router: RouterId,
    agent: AgentId,
    certificate: &authority::AgentCertificate,
    hostname: &str,
) -> Result<(), Error> {
    network::lock_router(tx, router).await?;
    if let Some(replaced) = store::agents::revoke_of_router(tx, router).await? {
        tx.wake(replaced);
    }
    let lineage: EnrollmentTokenId = tx.new_id();
    Ok(store::agents::insert_agent(tx, agent, router, certificate, hostname, lineage.uuid()).await?)
}

/// Compares without telling by its time where the difference is.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}
