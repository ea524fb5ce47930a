//! `/credit-notes`: what of invoices was given back, and why. A note is decided on its invoice's page.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use weir_ui::blocks::{Action, Cell, Table};
use weir_ui::format;
use weir_ui::pages::{Register, Section, Show};

use super::{address, days, ledger, money, next_page, page_of};
use crate::app::App;
use crate::billing::{self, CreditNote, CreditNoteFilter, CreditNoteSummary, Settlement};
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::page::{Screen, html};
use crate::http::paging::Page;
use crate::http::permission::{Needs, ViewBilling};
use crate::http::{ApiPath, ApiQuery};
use crate::ids::{AccountId, CreditNoteId};
use crate::subscribers;

/// Notes a part of another page shows; the list has the rest.
const NEWEST: Page = Page { after: None, limit: 12 };

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/credit-notes", get(list))
        .route("/credit-notes/{id}", get(show))
        .route("/credit-notes/{id}/pdf", get(document))
}

#[derive(Deserialize)]
struct Wanted {
    account_id: Option<AccountId>,
    after: Option<String>,
}

async fn list(screen: Screen<ViewBilling>, ApiQuery(wanted): ApiQuery<Wanted>) -> Result<Response, Problem> {
    let page = page_of(wanted.after)?;
    let filter = CreditNoteFilter { account: wanted.account_id, invoice: None };
    let mut notes = billing::credit_notes(&mut screen.read().await?, page, &filter).await?;
    let account = wanted.account_id.map(|id| id.to_string()).unwrap_or_default();
    let here = address("/credit-notes", &[("account_id", &account)]);
    let next = next_page(&mut notes, page, &here, |note| note.id.uuid());
    let page = Register {
        frame: &screen.frame,
        up: Some(("/invoices".into(), screen.t("nav-invoices"))),
        title: screen.t("credit-notes"),
        lede: screen.t("credit-notes-lede"),
        actions: Vec::new(),
        figures: Vec::new(),
        sections: Vec::new(),
        heading: String::new(),
        chips: Vec::new(),
        search: None,
        table: table(&screen, &notes),
        empty: screen.t("credit-notes-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

/// Credit notes as rows.
fn table<P: Needs>(screen: &Screen<P>, notes: &[CreditNoteSummary]) -> Table {
    let lang = screen.frame.lang;
    let rows = notes.iter().map(|note| {
        vec![
            Cell::link(format!("/credit-notes/{}", note.id), &note.number),
            Cell::link(format!("/invoices/{}", note.invoice_id), &note.invoice_number),
            Cell::link(format!("/accounts/{}", note.account_id), &note.subscriber),
            Cell::Number(format::date(lang, note.issued_on)),
            Cell::Text(note.reason.clone()),
            Cell::Number(money(lang, note.gross)),
        ]
    });
    let names = ["number", "invoice", "subscriber", "issued", "credit-note-reason", "total"];
    Table::new(names.map(|key| screen.t(key)).to_vec(), rows.collect())
}

/// The newest credit notes of an account or an invoice, as a part of its page.
pub(super) async fn section<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    filter: CreditNoteFilter,
) -> Result<Section, Problem> {
    let mut notes = billing::credit_notes(tx, NEWEST, &filter).await?;
    let limit = NEWEST.limit as usize;
    let account = notes.first().map(|note| note.account_id.to_string()).unwrap_or_default();
    let all = Action::go(address("/credit-notes", &[("account_id", &account)]), screen.t("show-all"));
    let action = (notes.len() > limit).then_some(all);
    notes.truncate(limit);
    Ok(Section {
        title: screen.t("credit-notes"),
        action,
        table: table(screen, &notes),
        empty: screen.t(if filter.invoice.is_some() { "credit-notes-none-invoice" } else { "credit-notes-none" }),
    })
}

async fn show(screen: Screen<ViewBilling>, ApiPath(id): ApiPath<CreditNoteId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let note = billing::credit_note(&mut tx, id).await?;
    let summary = &note.summary;
    let account = subscribers::account(&mut tx, summary.account_id).await?;
    let settlements = billing::settlements(&mut tx, id.uuid()).await?;
    let books = ledger::section_of(&screen, &mut tx, ("credit_note", id.uuid()), &settlements).await?;
    let lang = screen.frame.lang;
    let facts = vec![
        (screen.t("total"), Cell::Text(money(lang, summary.gross))),
        (screen.t("credit-note-unused"), Cell::Text(money(lang, summary.unused))),
        (screen.t("credit-note-reason"), Cell::Text(summary.reason.clone())),
        (screen.t("invoice"), Cell::link(format!("/invoices/{}", summary.invoice_id), &summary.invoice_number)),
        (screen.t("subscriber"), Cell::link(format!("/subscribers/{}", account.subscriber_id), &summary.subscriber)),
        (screen.t("account"), Cell::link(format!("/accounts/{}", account.id), account.number)),
        (screen.t("issued"), Cell::Text(format::date(lang, summary.issued_on))),
        (screen.t("id"), Cell::Code(id.to_string())),
    ];
    let unused = money(lang, summary.unused);
    let page = Show {
        frame: &screen.frame,
        up: (format!("/invoices/{}", summary.invoice_id), summary.invoice_number.clone()),
        title: screen.frame.t1("credit-note-title", "number", &summary.number),
        lede: match summary.unused.is_positive() {
            true => screen.frame.t1("credit-note-lede-unused", "amount", &unused),
            false => screen.t("credit-note-lede-used"),
        },
        actions: vec![Action::go(format!("/credit-notes/{id}/pdf"), screen.t("invoice-pdf"))],
        command: None,
        facts,
        sections: vec![lines(&screen, &note), totals(&screen, &note), settled(&screen, settlements), books],
        form: None,
    };
    html(StatusCode::OK, &page)
}

fn lines(screen: &Screen<ViewBilling>, note: &CreditNote) -> Section {
    let lang = screen.frame.lang;
    let rows = note.lines.iter().map(|line| {
        vec![
            Cell::Text(line.description.clone()),
            Cell::Text(days(lang, line.from, line.to)),
            Cell::Number(line.gross.map_or_else(|| "—".into(), |gross| money(lang, gross))),
            Cell::Number(money(lang, line.net)),
        ]
    });
    let names = ["line", "period", "with-tax", "amount"].map(|key| screen.t(key)).to_vec();
    Section {
        title: screen.t("invoice-lines"),
        action: None,
        table: Table::new(names, rows.collect()),
        empty: String::new(),
    }
}

fn totals(screen: &Screen<ViewBilling>, note: &CreditNote) -> Section {
    let lang = screen.frame.lang;
    let row = |what: String, amount| vec![Cell::Text(what), Cell::Number(money(lang, amount))];
    let mut rows = vec![row(screen.t("net"), note.summary.net)];
    for tax in &note.taxes {
        rows.push(row(format!("{} {} %", tax.name, format::number(lang, tax.rate)), tax.tax));
    }
    rows.push(row(screen.t("total"), note.summary.gross));
    let table = Table::new(vec![screen.t("line"), screen.t("amount")], rows);
    Section { title: screen.t("invoice-totals"), action: None, table, empty: String::new() }
}

/// What the note settled.
fn settled(screen: &Screen<ViewBilling>, settlements: Vec<Settlement>) -> Section {
    let lang = screen.frame.lang;
    let rows = settlements.into_iter().map(|settled| {
        let (invoice, number) = settled.invoice;
        vec![
            Cell::link(format!("/invoices/{invoice}"), number),
            Cell::Number(format::instant(lang, settled.at, screen.zone)),
            Cell::Number(money(lang, settled.amount)),
        ]
    });
    let names = ["invoice", "when", "amount"].map(|key| screen.t(key)).to_vec();
    Section {
        title: screen.t("payment-settled"),
        action: None,
        table: Table::new(names, rows.collect()),
        empty: screen.t("credit-note-settled-none"),
    }
}

async fn document(screen: Screen<ViewBilling>, ApiPath(id): ApiPath<CreditNoteId>) -> Result<Response, Problem> {
    let note = billing::credit_note(&mut screen.read().await?, id).await?;
    billing::credit_notes::api::drawn(note).await
}
