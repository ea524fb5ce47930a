//! The chain over the audit log: made afterwards by a job, checked by `weir audit verify`.
//!
//! A link's hash is SHA-256 over the hash before and the entry's fields, each with its length. The newest hash, kept
//! elsewhere, shows later that nothing up to it was changed and that the end was not cut off.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Error, store};
use crate::db::TenantTx;
use crate::ids::{AuditEntryId, TenantId};

/// Entries linked, or checked, at once.
const BATCH: i64 = 5_000;

/// An entry as the chain sees it.
pub(super) struct Fact {
    pub id: AuditEntryId,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub action: String,
    pub subject: String,
    /// As the database writes it, which is the same for equal values.
    pub detail: String,
}

/// A link, and its entry unless that is gone.
pub(super) struct Link {
    pub position: i64,
    pub entry: AuditEntryId,
    pub hash: Vec<u8>,
    pub fact: Option<Fact>,
}

/// What checking a tenant's chain found.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Links that are as they were made.
    pub links: i64,
    /// The hash of the last of them, in hexadecimal; keep it elsewhere.
    pub head: String,
    /// Entries too new to be linked.
    pub pending: i64,
    /// The first thing that is wrong.
    pub fault: Option<Fault>,
}

/// What is wrong with a chain, and where.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The place in the chain; null for what never was in it.
    pub position: Option<i64>,
    /// The entry's id; empty when none is known.
    pub entry: String,
    /// What is wrong.
    pub what: &'static str,
}

/// A place in time among entries, those of one instant by their ids.
pub(super) type Place = (DateTime<Utc>, AuditEntryId);

/// Links the next entries after the place where the linking before this one ended, or all there are, and says where this one ended;
/// nowhere when all are linked. The transaction is the caller's to commit.
pub(super) async fn link(tx: &mut TenantTx, after: Option<Place>) -> Result<Option<Place>, Error> {
    let (mut position, mut hash) = store::head(tx).await?.unwrap_or((0, Vec::new()));
    let facts = store::unlinked(tx, after, BATCH).await?;
    let tenant = tx.tenant();
    let (mut positions, mut entries, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
    for fact in &facts {
        position += 1;
        hash = digest(tenant, &hash, fact);
        positions.push(position);
        entries.push(fact.id.uuid());
        hashes.push(hash.clone());
    }
    if !facts.is_empty() {
        store::insert_links(tx, &positions, &entries, &hashes).await?;
    }
    Ok(facts.last().map(|fact| (fact.at, fact.id)))
}

/// Checks every link of the transaction's tenant; `known` is a hash seen earlier that must still be in the chain.
pub async fn verify(tx: &mut TenantTx, known: Option<&str>) -> Result<Verdict, Error> {
    let tenant = tx.tenant();
    let (mut verdict, mut hash, mut met) = (Verdict::default(), Vec::new(), known.is_none());
    loop {
        let links = store::links(tx, verdict.links, BATCH).await?;
        if links.is_empty() {
            break;
        }
        for link in links {
            if let Some(what) = wrong(tenant, verdict.links, &hash, &link) {
                let fault = Fault { position: Some(link.position), entry: link.entry.to_string(), what };
                return Ok(Verdict { fault: Some(fault), ..verdict });
            }
            verdict.links = link.position;
            hash = link.hash;
            verdict.head = hex::encode(&hash);
            met |= known == Some(verdict.head.as_str());
        }
    }
    verdict.pending = store::pending(tx).await?;
    verdict.fault = match store::stray(tx).await? {
        Some(entry) => {
            let what = "the entry is older than its neighbours in the chain, but was never linked";
            Some(Fault { position: None, entry: entry.to_string(), what })
        }
        None if !met => {
            let what = "the hash seen earlier is no longer in the chain: its end was cut off or made anew";
            Some(Fault { position: None, entry: String::new(), what })
        }
        None => None,
    };
    Ok(verdict)
}

fn wrong(tenant: TenantId, before: i64, hash: &[u8], link: &Link) -> Option<&'static str> {
    if link.position != before + 1 {
        return Some("links before this one are missing");
    }
    match &link.fact {
        None => Some("the entry was removed"),
        Some(fact) if digest(tenant, hash, fact) != link.hash => Some("the entry or its link was changed"),
        Some(_) => None,
    }
}

fn digest(tenant: TenantId, before: &[u8], fact: &Fact) -> Vec<u8> {
    let mut hasher = Sha256::new();
    let at = fact.at.timestamp_micros().to_be_bytes();
    let ids: [Uuid; 2] = [tenant.uuid(), fact.id.uuid()];
    let texts = [&fact.actor, &fact.action, &fact.subject, &fact.detail].map(|text| text.as_bytes());
    let parts = [before, ids[0].as_bytes(), ids[1].as_bytes(), &at].into_iter().chain(texts);
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().to_vec()
}
