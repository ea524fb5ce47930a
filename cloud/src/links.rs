//! Addresses that carry their own proof: where a subscriber pays, and where a provider sends its messages.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::config::Config;
use crate::ids::{AccountId, TenantId};
use crate::secrets::Secrets;

/// Bytes of the proof: nobody guesses sixteen.
const PROOF: usize = 16;
const PAY: &str = "pay link";
const MESSAGES: &str = "provider messages";

/// Makes and reads them; cheap to clone.
#[derive(Clone)]
pub struct Links {
    secrets: Secrets,
    /// The installation's address as people type it, without a slash at the end.
    public_url: Arc<str>,
}

impl Links {
    /// Of an installation that people reach as it is configured.
    pub fn new(config: &Config, secrets: &Secrets) -> Self {
        Self { secrets: secrets.clone(), public_url: config.public_url.trim_end_matches('/').into() }
    }

    /// The installation's address as people type it, without a slash at the end.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Where an account is paid: the same for the same account, made by us, guessed by nobody.
    pub fn pay(&self, tenant: TenantId, account: AccountId) -> String {
        format!("{}/pay/{}", self.public_url, self.token(PAY, &[tenant.uuid(), account.uuid()]))
    }

    /// Whose a payment link is; nothing if we did not make it.
    pub fn read_pay(&self, token: &str) -> Option<(TenantId, AccountId)> {
        let [tenant, account] = self.read(PAY, token)?;
        Some((tenant.into(), account.into()))
    }

    /// Where a tenant's provider sends its messages.
    pub fn messages(&self, tenant: TenantId) -> String {
        format!("{}/webhooks/stripe/{}", self.public_url, self.token(MESSAGES, &[tenant.uuid()]))
    }

    /// Whose messages an address is for; nothing if we did not make it.
    pub fn read_messages(&self, token: &str) -> Option<TenantId> {
        let [tenant] = self.read(MESSAGES, token)?;
        Some(tenant.into())
    }

    fn token(&self, purpose: &str, names: &[Uuid]) -> String {
        let mut bytes: Vec<u8> = names.iter().flat_map(|name| *name.as_bytes()).collect();
        let proof = self.secrets.sign(purpose, &bytes);
        bytes.extend_from_slice(&proof[..PROOF]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn read<const N: usize>(&self, purpose: &str, text: &str) -> Option<[Uuid; N]> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (names, proof) = bytes.split_at_checked(N * 16)?;
        if proof.len() != PROOF || !self.secrets.is_signed(purpose, names, proof) {
            return None;
        }
        let mut found = [Uuid::nil(); N];
        for (name, bytes) in found.iter_mut().zip(names.chunks(16)) {
            *name = Uuid::from_slice(bytes).ok()?;
        }
        Some(found)
    }
}
