//! The books as a file: a journal for hledger, CSV, or a workbook.
//!
//! A file is of one moment: it is written from pages read in one transaction, and sent afterwards, so that whoever takes
//! long to fetch it holds nothing. Start with [`journal`].

mod hledger;
mod table;
mod workbook;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Seek};

use tokio::sync::mpsc::{self, Receiver};
use weir_rules::ledger::LedgerAccount;
use weir_rules::money::Currency;

use super::model::{JournalFormat, Span};
use super::service::{ledger_account, with_postings};
use super::{EntryView, Error, store};
use crate::db::TenantTx;
use crate::ids::AccountId;
use crate::subscribers::{self, Holder};
use crate::tenants;

/// Entries read at once.
const AT_ONCE: i64 = 1_000;
/// Pages that wait to be written.
const WAITING: usize = 2;

/// What a file begins with.
struct Head {
    /// Whose books.
    seller: String,
    span: Span,
    /// The accounts there are postings to, with the subscriber's number where there is one each.
    accounts: Vec<(LedgerAccount, Option<String>)>,
    currencies: Vec<Currency>,
}

/// Some entries, with whose accounts they touch.
struct Page {
    entries: Vec<EntryView>,
    holders: HashMap<AccountId, Holder>,
}

/// Writes the entries of a span of days, oldest first, to a file without a name.
pub async fn journal(tx: &mut TenantTx, span: Span, format: JournalFormat) -> Result<File, Error> {
    span.check()?;
    let head = head(tx, span).await?;
    let (pages, waiting) = mpsc::channel(WAITING);
    let writing = tokio::task::spawn_blocking(move || write(format, &head, waiting));
    let mut after = None;
    loop {
        let rows = store::journal::page(tx, span, after, AT_ONCE).await?;
        let Some(last) = rows.last() else { break };
        after = Some((last.posted_on, last.id));
        let entries = with_postings(tx, rows).await?;
        let touched: Vec<_> =
            entries.iter().flat_map(|entry| &entry.postings).filter_map(|posting| posting.account_id).collect();
        let holders = subscribers::holders(tx, &touched).await?;
        // A writer that failed hears nothing more, and says why at the end.
        if pages.send(Page { entries, holders }).await.is_err() {
            break;
        }
    }
    drop(pages);
    Ok(writing.await.map_err(io::Error::other)??)
}

async fn head(tx: &mut TenantTx, span: Span) -> Result<Head, Error> {
    let (mut accounts, mut currencies) = (Vec::new(), Vec::new());
    for row in store::journal::accounts(tx, span).await? {
        accounts.push((ledger_account(&row.ledger_account)?, row.number));
    }
    for code in store::journal::currencies(tx, span).await? {
        currencies.push(Currency::from_code(&code)?);
    }
    Ok(Head { seller: tenants::tenant(tx).await?.name, span, accounts, currencies })
}

fn write(format: JournalFormat, head: &Head, pages: Receiver<Page>) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    match format {
        JournalFormat::Hledger => hledger::write(head, pages, &file)?,
        JournalFormat::Csv => table::write(pages, &file)?,
        JournalFormat::Xlsx => workbook::write(pages, &file)?,
    }
    file.rewind()?;
    Ok(file)
}
