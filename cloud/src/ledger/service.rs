//! The verbs of the books.

use std::collections::HashMap;

use chrono::NaiveDate;
use uuid::Uuid;
use weir_rules::ledger::{Entry, LedgerAccount};
use weir_rules::money::{Currency, Money};

use super::{EntryView, Error, Fact, PostingView, Source, Span, TrialBalance, TrialBalanceRow, store};
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccountId, LedgerEntryId};

/// Writes an entry, once for its source: posting a fact again changes nothing. Says whether it was new.
pub async fn post(
    tx: &mut TenantTx,
    source: &Source,
    on: NaiveDate,
    description: &str,
    entry: &Entry<AccountId>,
) -> Result<bool, Error> {
    let fact = Fact { source: *source, on, description: description.to_owned(), entry: entry.clone() };
    Ok(post_all(tx, &[fact]).await? == 1)
}

/// Writes entries in one statement, each once for its source; says how many were new.
pub async fn post_all(tx: &mut TenantTx, facts: &[Fact]) -> Result<u64, Error> {
    if facts.is_empty() {
        return Ok(0);
    }
    Ok(store::insert(tx, facts).await?)
}

/// Writes entries of documents made just now, which nobody can have posted before: an error, and nothing is written, if one
/// was.
pub async fn post_new(tx: &mut TenantTx, facts: &[Fact]) -> Result<(), Error> {
    Ok(store::insert_new(tx, facts).await?)
}

/// A page of entries with their postings, newest first; of one subscriber's account if given.
pub async fn entries(tx: &mut TenantTx, page: Page, account: Option<AccountId>) -> Result<Vec<EntryView>, Error> {
    let rows = store::entries(tx, page, account).await?;
    with_postings(tx, rows).await
}

/// The entries that post facts of a kind, such as `invoice` or `payment`, oldest first.
pub async fn entries_of(tx: &mut TenantTx, kind: &str, ids: &[Uuid]) -> Result<Vec<EntryView>, Error> {
    let rows = store::entries_of(tx, kind, ids).await?;
    with_postings(tx, rows).await
}

pub(super) async fn with_postings(tx: &mut TenantTx, rows: Vec<store::EntryRow>) -> Result<Vec<EntryView>, Error> {
    let ids: Vec<_> = rows.iter().map(|row| row.id.uuid()).collect();
    let mut postings: HashMap<LedgerEntryId, Vec<PostingView>> = HashMap::new();
    for row in store::postings(tx, &ids).await? {
        let account = ledger_account(&row.ledger_account)?;
        let amount = Money::new(row.amount, Currency::from_code(&row.currency)?)?;
        let view = PostingView {
            ledger_account: row.ledger_account,
            name: account.name(),
            account_id: row.account_id,
            amount,
        };
        postings.entry(row.entry_id).or_default().push(view);
    }
    let show = |row: store::EntryRow| EntryView {
        postings: postings.remove(&row.id).unwrap_or_default(),
        id: row.id,
        posted_on: row.posted_on,
        posted_at: row.posted_at,
        source_id: match row.source_kind.as_str() {
            "invoice" => crate::ids::InvoiceId::from(row.source_id).to_string(),
            "credit_note" => crate::ids::CreditNoteId::from(row.source_id).to_string(),
            "payment" => crate::ids::PaymentId::from(row.source_id).to_string(),
            "refund" => crate::ids::RefundId::from(row.source_id).to_string(),
            "recognition" => crate::ids::RecognitionId::from(row.source_id).to_string(),
            "suspense" => crate::ids::SuspenseId::from(row.source_id).to_string(),
            _ => row.source_id.to_string(),
        },
        source_kind: row.source_kind,
        posting_kind: row.posting_kind,
        description: row.description,
    };
    Ok(rows.into_iter().map(show).collect())
}

/// Every ledger account with its sums over a span of days.
pub async fn trial_balance(tx: &mut TenantTx, span: Span) -> Result<TrialBalance, Error> {
    span.check()?;
    let mut rows = Vec::new();
    for sum in store::sums(tx, span).await? {
        let account = ledger_account(&sum.ledger_account)?;
        let currency = Currency::from_code(&sum.currency)?;
        let (debit, credit) = (Money::new(sum.debit, currency)?, Money::new(sum.credit, currency)?);
        let balance = debit.checked_sub(credit)?;
        rows.push(TrialBalanceRow {
            ledger_account: sum.ledger_account,
            name: account.name(),
            kind: account.kind(),
            debit,
            credit,
            balance,
        });
    }
    let mut totals: HashMap<Currency, Money> = HashMap::new();
    for row in &rows {
        let total = totals.entry(row.balance.currency()).or_insert_with(|| Money::zero(row.balance.currency()));
        *total = total.checked_add(row.balance)?;
    }
    Ok(TrialBalance { balanced: totals.values().all(|total| total.is_zero()), rows })
}

pub(super) fn ledger_account(code: &str) -> Result<LedgerAccount, Error> {
    LedgerAccount::from_code(code).ok_or_else(|| Error::UnknownAccount(code.to_owned()))
}
