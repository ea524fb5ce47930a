//! `/ledger`: the books.

use std::collections::HashMap;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use uuid::Uuid;
use weir_ui::blocks::{Action, Cell, Chip, Table};
use weir_ui::format;
use weir_ui::pages::{Register, Section};

use super::{address, book_checks, closings, deferred, journal, money, next_page, page_of};
use crate::app::App;
use crate::billing::Settlement;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::ApiQuery;
use crate::http::page::{Screen, html};
use crate::http::permission::{Needs, ViewBilling};
use crate::ids::AccountId;
use crate::ledger::{self, EntryView, PostingView, Span, TrialBalance};
use crate::subscribers::{self, Holder};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/ledger", get(list))
        .merge(journal::routes())
        .merge(book_checks::routes())
        .merge(closings::routes())
        .merge(deferred::routes())
}

#[derive(Deserialize)]
struct Wanted {
    account_id: Option<AccountId>,
    after: Option<String>,
}

async fn list(screen: Screen<ViewBilling>, ApiQuery(wanted): ApiQuery<Wanted>) -> Result<Response, Problem> {
    let page = page_of(wanted.after)?;
    let mut tx = screen.read().await?;
    let holder = match wanted.account_id {
        Some(id) => Some(subscribers::account(&mut tx, id).await?),
        None => None,
    };
    let balance = ledger::trial_balance(&mut tx, Span::default()).await?;
    let mut entries = ledger::entries(&mut tx, page, wanted.account_id).await?;
    let account = wanted.account_id.map(|id| id.to_string()).unwrap_or_default();
    let here = address("/ledger", &[("account_id", &account)]);
    let next = next_page(&mut entries, page, &here, |entry| entry.id.uuid());
    let chips = holder.map(|account| {
        vec![
            Chip { href: "/ledger".into(), text: screen.t("ledger-all"), chosen: false },
            Chip { href: here, text: account.number, chosen: true },
        ]
    });
    let page = Register {
        frame: &screen.frame,
        up: None,
        title: screen.t("nav-ledger"),
        lede: screen.t(match (balance.rows.is_empty(), balance.balanced) {
            (true, _) => "ledger-lede-empty",
            (false, true) => "ledger-lede-balanced",
            (false, false) => "ledger-lede-off",
        }),
        actions: vec![
            Action::go("/ledger/journal", screen.t("journal")),
            Action::go("/deferred-revenue", screen.t("deferred-revenue")),
            Action::go("/book-checks", screen.t("book-checks")),
            Action::go("/ledger-closings", screen.t("closings")),
        ],
        figures: Vec::new(),
        sections: if account.is_empty() { vec![trial_balance(&screen, &balance)] } else { Vec::new() },
        heading: screen.t("ledger-entries"),
        chips: chips.unwrap_or_default(),
        search: None,
        table: table(&screen, &mut tx, &entries).await?,
        empty: screen.t("ledger-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

pub(super) fn trial_balance(screen: &Screen<ViewBilling>, balance: &TrialBalance) -> Section {
    let lang = screen.frame.lang;
    let rows = balance.rows.iter().map(|row| {
        vec![
            Cell::Text(named(screen, &row.ledger_account)),
            Cell::Code(row.ledger_account.clone()),
            Cell::Number(money(lang, row.debit)),
            Cell::Number(money(lang, row.credit)),
            Cell::Number(money(lang, row.balance)),
        ]
    });
    let names = ["ledger-account", "code", "debit", "credit", "balance"].map(|key| screen.t(key)).to_vec();
    Section {
        title: screen.t("trial-balance"),
        action: None,
        table: Table::new(names, rows.collect()),
        empty: screen.t("ledger-empty"),
    }
}

/// The entries that post a document and what was settled with it later, as a part of its page.
pub(super) async fn section_of<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    (kind, document): (&str, Uuid),
    settlements: &[Settlement],
) -> Result<Section, Problem> {
    let mut entries = ledger::entries_of(tx, kind, &[document]).await?;
    let parts: Vec<_> = settlements.iter().map(|part| part.id.uuid()).collect();
    entries.extend(ledger::entries_of(tx, "allocation", &parts).await?);
    Ok(Section {
        title: screen.t("ledger-of"),
        action: None,
        table: table(screen, tx, &entries).await?,
        empty: screen.t("ledger-of-none"),
    })
}

/// Entries as rows, one a posting.
async fn table<P: Needs>(screen: &Screen<P>, tx: &mut TenantTx, entries: &[EntryView]) -> Result<Table, Problem> {
    let accounts: Vec<_> =
        entries.iter().flat_map(|entry| &entry.postings).filter_map(|posting| posting.account_id).collect();
    let holders = subscribers::holders(tx, &accounts).await?;
    let rows = entries.iter().flat_map(|entry| {
        let holders = &holders;
        entry.postings.iter().map(move |posting| row(screen, entry, posting, holders))
    });
    let names = ["entry", "posted", "ledger-account", "subscriber", "debit", "credit"].map(|key| screen.t(key));
    Ok(Table::new(names.to_vec(), rows.collect()))
}

fn row<P: Needs>(
    screen: &Screen<P>,
    entry: &EntryView,
    posting: &PostingView,
    holders: &HashMap<AccountId, Holder>,
) -> Vec<Cell> {
    let lang = screen.frame.lang;
    let (debit, credit) = match posting.amount.is_positive() {
        true => (money(lang, posting.amount), String::new()),
        false => (String::new(), money(lang, -posting.amount)),
    };
    let subscriber = match posting.account_id {
        Some(id) => Cell::link(format!("/accounts/{id}"), holders.get(&id).map_or("—", |holder| holder.name.as_str())),
        None => Cell::Text(String::new()),
    };
    vec![
        source(screen, entry),
        Cell::Number(format::date(lang, entry.posted_on)),
        Cell::Text(named(screen, &posting.ledger_account)),
        subscriber,
        Cell::Number(debit),
        Cell::Number(credit),
    ]
}

/// The fact an entry records, with the way to it.
fn source<P: Needs>(screen: &Screen<P>, entry: &EntryView) -> Cell {
    // Descriptions end with the document's number; the word before it is the language's.
    let number = entry.description.rsplit(' ').next().unwrap_or_default();
    let text = screen.frame.t1(&format!("posting-{}", entry.posting_kind), "number", number);
    match entry.source_kind.as_str() {
        "invoice" => Cell::link(format!("/invoices/{}", entry.source_id), text),
        "credit_note" => Cell::link(format!("/credit-notes/{}", entry.source_id), text),
        "payment" => Cell::link(format!("/payments/{}", entry.source_id), text),
        "recognition" => Cell::link(format!("/recognitions/{}", entry.source_id), text),
        "suspense" => Cell::link(format!("/suspense-items/{}", entry.source_id), text),
        _ => Cell::Text(text),
    }
}

fn named<P: Needs>(screen: &Screen<P>, code: &str) -> String {
    screen.t(&format!("ledger-{code}"))
}
