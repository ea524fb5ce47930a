//! The journal as hledger and ledger read it, strictly: every commodity and account is declared before it is used.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use tokio::sync::mpsc::Receiver;
use weir_rules::ledger::{AccountKind, LedgerAccount};

use super::{Head, Page};
use crate::ledger::EntryView;

pub(super) fn write(head: &Head, mut pages: Receiver<Page>, file: &File) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    begin(&mut out, head)?;
    while let Some(page) = pages.blocking_recv() {
        for written in &page.entries {
            entry(&mut out, &page, written)?;
        }
    }
    out.flush()
}

fn begin(out: &mut impl Write, head: &Head) -> io::Result<()> {
    let day = |day: Option<chrono::NaiveDate>| day.map_or("...".to_owned(), |day| day.to_string());
    writeln!(out, "; Books of {}, {} to {}\n", plain(&head.seller), day(head.span.from), day(head.span.to))?;
    for currency in &head.currencies {
        let places = "0".repeat(currency.decimals() as usize);
        writeln!(out, "commodity {} 1000.{places}", currency.code())?;
    }
    for (account, number) in &head.accounts {
        writeln!(out, "account {}", name(*account, number.as_deref()))?;
    }
    Ok(())
}

fn entry(out: &mut impl Write, page: &Page, entry: &EntryView) -> io::Result<()> {
    let EntryView { id, posted_on, source_kind, source_id, posting_kind, .. } = entry;
    let description = plain(&entry.description);
    writeln!(out, "\n{posted_on} {description}  ; entry:{id}, {source_kind}:{source_id}, posting:{posting_kind}")?;
    for posting in &entry.postings {
        let Some(account) = LedgerAccount::from_code(&posting.ledger_account) else { continue };
        let number = posting.account_id.and_then(|id| page.holders.get(&id)).map(|holder| holder.number.as_str());
        let amount = posting.amount;
        writeln!(out, "    {}  {} {}", name(account, number), amount.currency().code(), amount.amount())?;
    }
    Ok(())
}

/// An account as a path whose first word says what it is.
fn name(account: LedgerAccount, number: Option<&str>) -> String {
    let kind = match account.kind() {
        AccountKind::Asset => "assets",
        AccountKind::Liability => "liabilities",
        AccountKind::Income => "income",
        AccountKind::Expense => "expenses",
    };
    let number = number.map(|number| format!(":{}", plain(number))).unwrap_or_default();
    format!("{kind}:{} {}{number}", account.code(), account.name())
}

/// A text without what means something to hledger: comments, notes, parts of names, the space that ends one.
fn plain(text: &str) -> String {
    let harmless = |sign: char| if sign.is_control() || ";|:".contains(sign) { ' ' } else { sign };
    let text: String = text.chars().map(harmless).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
