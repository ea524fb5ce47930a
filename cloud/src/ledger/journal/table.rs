//! The journal as a table, one row a posting: as CSV, and the cells a workbook has, too.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use tokio::sync::mpsc::Receiver;

use super::Page;
use crate::http::csv;
use crate::ledger::{EntryView, PostingView};

/// What the columns are called.
pub(super) const COLUMNS: [&str; 13] = [
    "posted_on",
    "description",
    "ledger_account",
    "name",
    "debit",
    "credit",
    "currency",
    "account",
    "subscriber",
    "source_kind",
    "source_id",
    "posting_kind",
    "entry",
];
/// Which of them holds the day.
pub(super) const DAY: u16 = 0;
/// Which of them hold amounts.
pub(super) const AMOUNTS: [u16; 2] = [4, 5];

pub(super) fn write(mut pages: Receiver<Page>, file: &File) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    out.write_all(&csv::line(COLUMNS))?;
    while let Some(page) = pages.blocking_recv() {
        for entry in &page.entries {
            for posting in &entry.postings {
                out.write_all(&csv::line(cells(&page, entry, posting)))?;
            }
        }
    }
    out.flush()
}

/// A posting's cells, in the order of the columns.
pub(super) fn cells(page: &Page, entry: &EntryView, posting: &PostingView) -> [String; 13] {
    let holder = posting.account_id.and_then(|id| page.holders.get(&id));
    let amount = posting.amount;
    let (debit, credit) = match amount.is_positive() {
        true => (amount.amount().to_string(), String::new()),
        false => (String::new(), (-amount).amount().to_string()),
    };
    [
        entry.posted_on.to_string(),
        entry.description.clone(),
        posting.ledger_account.clone(),
        posting.name.to_owned(),
        debit,
        credit,
        amount.currency().code().to_owned(),
        holder.map(|holder| holder.number.clone()).unwrap_or_default(),
        holder.map(|holder| holder.name.clone()).unwrap_or_default(),
        entry.source_kind.clone(),
        entry.source_id.clone(),
        entry.posting_kind.clone(),
        entry.id.to_string(),
    ]
}
