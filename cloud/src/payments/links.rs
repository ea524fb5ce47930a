//! Addresses that carry their own proof: where a subscriber pays, and where a provider sends its messages.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::Error;
use crate::app::App;
use crate::ids::{AccountId, TenantId};

/// Bytes of the proof: nobody guesses sixteen.
const PROOF: usize = 16;
const PAY: &str = "pay link";
const MESSAGES: &str = "provider messages";

/// Where an account is paid: the same for the same account, made by us, guessed by nobody.
pub fn pay_link(app: &App, tenant: TenantId, account: AccountId) -> String {
    let token = token(app, PAY, &[tenant.uuid(), account.uuid()]);
    format!("{}/pay/{token}", app.config.public_url.trim_end_matches('/'))
}

/// Whose a payment link is.
pub fn read_pay_link(app: &App, token: &str) -> Result<(TenantId, AccountId), Error> {
    let [tenant, account] = read(app, PAY, token)?;
    Ok((tenant.into(), account.into()))
}

/// Where a tenant's provider sends its messages.
pub fn messages_address(app: &App, tenant: TenantId) -> String {
    let token = token(app, MESSAGES, &[tenant.uuid()]);
    format!("{}/webhooks/stripe/{token}", app.config.public_url.trim_end_matches('/'))
}

/// Whose messages an address is for.
pub(super) fn read_messages_address(app: &App, token: &str) -> Result<TenantId, Error> {
    let [tenant] = read(app, MESSAGES, token)?;
    Ok(tenant.into())
}

fn token(app: &App, purpose: &str, names: &[Uuid]) -> String {
    let mut bytes: Vec<u8> = names.iter().flat_map(|name| *name.as_bytes()).collect();
    let proof = app.secrets.sign(purpose, &bytes);
    bytes.extend_from_slice(&proof[..PROOF]);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read<const N: usize>(app: &App, purpose: &str, text: &str) -> Result<[Uuid; N], Error> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::LinkInvalid)?;
    let (names, proof) = bytes.split_at_checked(N * 16).ok_or(Error::LinkInvalid)?;
    if proof.len() != PROOF || !app.secrets.is_signed(purpose, names, proof) {
        return Err(Error::LinkInvalid);
    }
    let mut found = [Uuid::nil(); N];
    for (name, bytes) in found.iter_mut().zip(names.chunks(16)) {
        *name = Uuid::from_slice(bytes).map_err(|_| Error::LinkInvalid)?;
    }
    Ok(found)
}
