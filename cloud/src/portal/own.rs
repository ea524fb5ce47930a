//! What is a subscriber's own. Whatever is another's is not found, as if there were no such thing.

use super::Error;
use crate::billing::{self, CreditNote, Invoice, Proforma};
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccountId, CreditNoteId, InvoiceId, ProformaId, SubscriberId, SubscriptionId};
use crate::subscribers::{self, Account};
use crate::subscriptions::{self, Status, Subscription};

/// Accounts and lines of one subscriber that are shown.
const MANY: Page = Page { after: None, limit: 200 };

/// Their accounts, newest first.
pub async fn accounts(tx: &mut TenantTx, me: SubscriberId) -> Result<Vec<Account>, Error> {
    Ok(subscribers::accounts(tx, Some(me), MANY).await?)
}

/// One of their accounts.
pub async fn account(tx: &mut TenantTx, me: SubscriberId, id: AccountId) -> Result<Account, Error> {
    let account = subscribers::account(tx, id).await?;
    if account.subscriber_id == me { Ok(account) } else { Err(subscribers::Error::AccountNotFound(id).into()) }
}

/// Their lines, those that are over left out.
pub async fn lines(tx: &mut TenantTx, me: SubscriberId) -> Result<Vec<(Subscription, Account)>, Error> {
    let mut lines = Vec::new();
    for account in accounts(tx, me).await? {
        for line in subscriptions::subscriptions(tx, Some(account.id), MANY).await? {
            if line.status != Status::Closed {
                lines.push((line, account.clone()));
            }
        }
    }
    Ok(lines)
}

/// One of their lines, over or not.
pub async fn line(tx: &mut TenantTx, me: SubscriberId, id: SubscriptionId) -> Result<(Subscription, Account), Error> {
    let line = subscriptions::subscription(tx, id).await?;
    match account(tx, me, line.account_id).await {
        Ok(account) => Ok((line, account)),
        Err(Error::Subscriber(subscribers::Error::AccountNotFound(_))) => {
            Err(subscriptions::Error::NotFound(id).into())
        }
        Err(other) => Err(other),
    }
}

/// One of their invoices.
pub async fn invoice(tx: &mut TenantTx, me: SubscriberId, id: InvoiceId) -> Result<Invoice, Error> {
    let invoice = billing::invoice(tx, id).await?;
    match account(tx, me, invoice.summary.account_id).await {
        Ok(_) => Ok(invoice),
        Err(Error::Subscriber(subscribers::Error::AccountNotFound(_))) => {
            Err(billing::Error::InvoiceNotFound(id).into())
        }
        Err(other) => Err(other),
    }
}

/// One of their credit notes.
pub async fn credit_note(tx: &mut TenantTx, me: SubscriberId, id: CreditNoteId) -> Result<CreditNote, Error> {
    let note = billing::credit_note(tx, id).await?;
    match account(tx, me, note.summary.account_id).await {
        Ok(_) => Ok(note),
        Err(Error::Subscriber(subscribers::Error::AccountNotFound(_))) => {
            Err(billing::Error::CreditNoteNotFound(id).into())
        }
        Err(other) => Err(other),
    }
}

/// One of their proformas.
pub async fn proforma(tx: &mut TenantTx, me: SubscriberId, id: ProformaId) -> Result<Proforma, Error> {
    let proforma = billing::proforma(tx, id).await?;
    match account(tx, me, proforma.summary.account_id).await {
        Ok(_) => Ok(proforma),
        Err(Error::Subscriber(subscribers::Error::AccountNotFound(_))) => {
            Err(billing::Error::ProformaNotFound(id).into())
        }
        Err(other) => Err(other),
    }
}
