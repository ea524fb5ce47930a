//! What settles what: payments and credit documents against open invoices, oldest due first. The account is locked by the caller.

use std::collections::HashMap;

use chrono::NaiveDate;
use weir_rules::money::{Currency, Money};
use weir_rules::payment::{OpenInvoice, allocate};
use weir_rules::posting;

use super::Error;
use super::store::{facts, invoices};
use crate::db::TenantTx;
use crate::ids::{AccountId, AllocationId, InvoiceId, PaymentId, RefundId};
use crate::ledger::{self, Source};

/// An invoice with something left to pay.
#[derive(Clone, Debug)]
pub struct OpenItem {
    /// Which.
    pub id: InvoiceId,
    /// Its number.
    pub number: String,
    /// Last day to pay.
    pub due_on: NaiveDate,
    /// What is left.
    pub open: Money,
}

/// Locks an account for billing or allocating and tells its currency.
pub async fn lock_account(tx: &mut TenantTx, id: AccountId) -> Result<Currency, Error> {
    let account = facts::lock_account(tx, id).await?.ok_or(Error::AccountNotFound(id))?;
    Ok(Currency::from_code(&account.currency)?)
}

/// The currency of an account.
pub async fn currency(tx: &mut TenantTx, id: AccountId) -> Result<Currency, Error> {
    let code = facts::currency(tx, id).await?.ok_or(Error::AccountNotFound(id))?;
    Ok(Currency::from_code(&code)?)
}

/// What an account still has to pay, oldest due first.
pub async fn open_items(tx: &mut TenantTx, account: AccountId, currency: Currency) -> Result<Vec<OpenItem>, Error> {
    let rows = invoices::open(tx, &[(account, currency)]).await?;
    let item = |row: invoices::OpenRow| {
        Ok(OpenItem { id: row.id, number: row.number, due_on: row.due_on, open: Money::new(row.open, currency)? })
    };
    rows.into_iter().map(item).collect()
}

/// Spreads a payment over open invoices; returns the parts and what no invoice took.
pub async fn allocate_payment(
    tx: &mut TenantTx,
    account: AccountId,
    payment: PaymentId,
    amount: Money,
) -> Result<(Vec<(OpenItem, Money)>, Money), Error> {
    let items = open_items(tx, account, amount.currency()).await?;
    let allocation = allocate(amount, &open(&items))?;
    let mut parts = Vec::new();
    for (id, part) in allocation.parts {
        invoices::insert_allocation(tx, tx.new_id::<AllocationId>().uuid(), id, Some(payment), None, part.amount())
            .await?;
        parts.extend(items.iter().find(|item| item.id == id).map(|item| (item.clone(), part)));
    }
    Ok((parts, allocation.excess))
}

/// Takes back a part of what a payment settled, so that the invoice is open again.
pub async fn take_back(
    tx: &mut TenantTx,
    refund: RefundId,
    payment: PaymentId,
    invoice: InvoiceId,
    part: Money,
) -> Result<(), Error> {
    let id = tx.new_id::<AllocationId>().uuid();
    Ok(invoices::take_back(tx, id, invoice, payment, refund, part.amount()).await?)
}

/// Settles open invoices with what earlier payments and credit documents have left over.
pub async fn use_credit(tx: &mut TenantTx, account: AccountId, currency: Currency, on: NaiveDate) -> Result<(), Error> {
    use_credits(tx, &[(account, currency)], on).await
}

/// The same for many accounts, each in its currency.
pub(super) async fn use_credits(
    tx: &mut TenantTx,
    accounts: &[(AccountId, Currency)],
    on: NaiveDate,
) -> Result<(), Error> {
    let sources = invoices::credit(tx, accounts).await?;
    if sources.is_empty() {
        return Ok(());
    }
    let currencies: HashMap<_, _> = accounts.iter().copied().collect();
    let mut left: HashMap<AccountId, Vec<OpenInvoice<InvoiceId>>> = HashMap::new();
    for row in invoices::open(tx, accounts).await? {
        let open = Money::new(row.open, currencies[&row.account])?;
        left.entry(row.account).or_default().push(OpenInvoice { id: row.id, due_on: row.due_on, open });
    }
    let mut used = Vec::new();
    for source in sources {
        let Some(items) = left.get_mut(&source.account) else { continue };
        let allocation = allocate(Money::new(source.left, currencies[&source.account])?, items)?;
        for (invoice, part) in allocation.parts {
            let id = tx.new_id::<AllocationId>().uuid();
            invoices::insert_allocation(tx, id, invoice, source.payment, source.credit, part.amount()).await?;
            for item in items.iter_mut().filter(|item| item.id == invoice) {
                item.open = item.open.checked_sub(part)?;
            }
            // A credit document lowered the receivable when it was issued; only a payment's surplus waits elsewhere.
            if source.payment.is_some() {
                used.push(ledger::Fact {
                    source: Source { kind: "allocation", id, posting: "apply_credit" },
                    on,
                    description: "Credit used".into(),
                    entry: posting::apply_credit(&source.account, part)?,
                });
            }
        }
        items.retain(|item| item.open.is_positive());
    }
    ledger::post_all(tx, &used).await?;
    Ok(())
}

fn open(items: &[OpenItem]) -> Vec<OpenInvoice<InvoiceId>> {
    items.iter().map(|item| OpenInvoice { id: item.id, due_on: item.due_on, open: item.open }).collect()
}
