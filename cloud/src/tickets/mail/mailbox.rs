//! Where a mail server brings an ISP's e-mail, and the addresses replies come back to.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::tag;
use crate::app::App;
use crate::audit;
use crate::db::TenantTx;
use crate::ids::TenantId;
use crate::tickets::{Error, store};

/// Longest address, as mail itself has it.
const ADDRESS_MAX: usize = 254;
/// Bytes of a token and of a key.
const SECRET: usize = 32;

/// An ISP's mailbox.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Mailbox {
    /// What subscribers write to.
    #[schema(example = "support@isp.example")]
    pub address: String,
    /// Since when this token holds.
    pub created_at: DateTime<Utc>,
}

/// A mailbox to be made; the one before ends.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailboxWish {
    /// What subscribers write to.
    #[schema(example = "support@isp.example")]
    pub address: String,
}

/// A mailbox that was made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MadeMailbox {
    /// As it is shown from now on.
    #[serde(flatten)]
    pub mailbox: Mailbox,
    /// Where the mail server posts messages to; shown this once.
    pub url: String,
}

/// A mailbox a token opened.
pub struct Open {
    pub tenant: TenantId,
    pub address: String,
    pub tag_key: Vec<u8>,
}

/// The mailbox, if there is one.
pub async fn mailbox(tx: &mut TenantTx) -> Result<Option<Mailbox>, Error> {
    Ok(store::mails::mailbox(tx).await?.map(|(mailbox, _)| mailbox))
}

/// Makes the mailbox with a new token. Reply addresses that were given out keep their meaning.
pub async fn make_mailbox(app: &App, tx: &mut TenantTx, wish: MailboxWish) -> Result<MadeMailbox, Error> {
    let address = wish.address.trim().to_lowercase();
    let (local, domain) = address.rsplit_once('@').unwrap_or_default();
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '+' | '<' | '>' | ',' | '"' | '@');
    if local.is_empty()
        || !domain.contains('.')
        || local.contains(odd)
        || domain.contains(odd)
        || address.len() > ADDRESS_MAX
    {
        return Err(Error::field("address", "must be an e-mail address without +"));
    }
    let token = URL_SAFE_NO_PAD.encode(random());
    let key = match store::mails::mailbox(tx).await? {
        Some((_, key)) => key,
        None => random().to_vec(),
    };
    store::mails::replace_mailbox(tx, &digest(&token), &address, &key).await?;
    let tenant = tx.tenant();
    audit::record(tx, "make support mailbox", tenant, json!({ "address": address })).await?;
    let url = format!("{}/inbound/email/{token}", app.config.public_url.trim_end_matches('/'));
    Ok(MadeMailbox { mailbox: Mailbox { address, created_at: tx.at() }, url })
}

/// Closes the mailbox: its token opens nothing any more.
pub async fn close_mailbox(tx: &mut TenantTx) -> Result<(), Error> {
    if !store::mails::delete_mailbox(tx).await? {
        return Err(Error::MailboxUnknown);
    }
    let tenant = tx.tenant();
    Ok(audit::record(tx, "close support mailbox", tenant, json!({})).await?)
}

/// The address that replies to a ticket go to, if there is a mailbox.
pub async fn reply_address(tx: &mut TenantTx, number: &str) -> Result<Option<String>, Error> {
    let found = store::mails::mailbox(tx).await?;
    Ok(found.and_then(|(mailbox, key)| tag::address(&mailbox.address, &key, number)))
}

/// The mailbox of a token.
pub async fn open(app: &App, token: &str) -> Result<Open, Error> {
    let mut tx = app.db.platform().await?;
    store::mails::open(&mut tx, &digest(token)).await?.ok_or(Error::MailboxUnknown)
}

fn digest(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

fn random() -> [u8; SECRET] {
    let mut bytes = [0; SECRET];
    // A token without randomness would be guessed: better none than that.
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
