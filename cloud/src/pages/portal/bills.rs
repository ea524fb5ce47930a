//! Every invoice of a subscriber, and its document.

use axum::http::StatusCode;
use axum::response::Response;
use chrono::NaiveDate;
use weir_rules::invoice::CollectionStatus;
use weir_ui::blocks::{Action, Cell, Table, Tone};
use weir_ui::format;
use weir_ui::portal::{Page, Portal, section};

use super::{Own, payers};
use crate::billing::{self, CreditNoteFilter, CreditNoteSummary, InvoiceFilter, InvoiceSummary, ProformaSummary};
use crate::deals::{self, Charge};
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::html;
use crate::ids::{CreditNoteId, InvoiceId, ProformaId};
use crate::pages::{MANY, money};
use crate::portal;

pub(super) async fn list(own: Own) -> Result<Response, Problem> {
    let mut tx = own.read().await?;
    let today = billing::today(&mut tx).await?;
    let portal = own.portal();
    let mut page = Page::saying(portal, portal.t("portal-nav-bills"), portal.t("portal-bills-lede"));
    for account in portal::accounts(&mut tx, own.me.id).await? {
        let filter = InvoiceFilter { account: Some(account.id), ..InvoiceFilter::default() };
        let invoices = billing::invoices(&mut tx, MANY, &filter).await?;
        let path = portal.at(&format!("/accounts/{}/statement", account.id));
        page.actions.push(Action::go(path, portal.frame.t1("statement-of", "account", &account.number)));
        let title = portal.frame.t1("portal-bills-of", "account", &account.number);
        page.sections.push(section(title, table(portal, &invoices, today), portal.t("portal-bills-none")));
        page.sections.extend(payers::paid_for(&own, &mut tx, account.id).await?);
        let waiting = deals::charges(&mut tx, account.id, true, MANY).await?;
        if !waiting.is_empty() {
            page.sections.push(section(portal.t("portal-charges"), charges_table(portal, &waiting), String::new()));
        }
        let ahead = billing::proformas(&mut tx, MANY, Some(account.id)).await?;
        if !ahead.is_empty() {
            let title = portal.frame.t1("portal-proformas-of", "account", &account.number);
            page.sections.push(section(title, proformas_table(portal, &ahead), String::new()));
        }
        let filter = CreditNoteFilter { account: Some(account.id), ..CreditNoteFilter::default() };
        let notes = billing::credit_notes(&mut tx, MANY, &filter).await?;
        if !notes.is_empty() {
            let title = portal.frame.t1("portal-credit-notes-of", "account", &account.number);
            page.sections.push(section(title, notes_table(portal, &notes), String::new()));
        }
    }
    html(StatusCode::OK, &page)
}

/// Invoices as rows, each leading to its document.
pub(super) fn table(portal: &Portal, invoices: &[InvoiceSummary], today: NaiveDate) -> Table {
    let lang = portal.frame.lang;
    let rows = invoices.iter().map(|invoice| {
        vec![
            Cell::link(portal.at(&format!("/bills/{}/pdf", invoice.id)), &invoice.number),
            Cell::Text(format::date(lang, invoice.issued_on)),
            status(portal, invoice, today),
            Cell::Number(money(lang, invoice.gross)),
        ]
    });
    let names = ["invoice", "issued", "status", "amount"].map(|key| portal.t(key)).to_vec();
    Table::new(names, rows.collect())
}

/// What is to be charged once, as rows.
fn charges_table(portal: &Portal, charges: &[Charge]) -> Table {
    let lang = portal.frame.lang;
    let rows = charges.iter().map(|charge| {
        vec![
            Cell::Text(charge.description.clone()),
            Cell::Text(format::date(lang, charge.charged_on)),
            Cell::Number(format::number(lang, charge.quantity)),
            Cell::Number(money(lang, charge.net)),
        ]
    });
    let names = ["charge", "charge-day", "quantity", "net"].map(|key| portal.t(key)).to_vec();
    Table::new(names, rows.collect())
}

/// Credit notes as rows, each leading to its document.
fn notes_table(portal: &Portal, notes: &[CreditNoteSummary]) -> Table {
    let lang = portal.frame.lang;
    let rows = notes.iter().map(|note| {
        vec![
            Cell::link(portal.at(&format!("/credit-notes/{}/pdf", note.id)), &note.number),
            Cell::Text(note.invoice_number.clone()),
            Cell::Text(format::date(lang, note.issued_on)),
            Cell::Text(note.reason.clone()),
            Cell::Number(money(lang, note.gross)),
        ]
    });
    let names = ["credit-note", "invoice", "issued", "credit-note-reason", "amount"].map(|key| portal.t(key));
    Table::new(names.to_vec(), rows.collect())
}

/// Proformas as rows, each leading to its document.
fn proformas_table(portal: &Portal, proformas: &[ProformaSummary]) -> Table {
    let lang = portal.frame.lang;
    let rows = proformas.iter().map(|one| {
        vec![
            Cell::link(portal.at(&format!("/proformas/{}/pdf", one.id)), &one.number),
            Cell::Text(format::date(lang, one.issued_on)),
            Cell::Text(format::date(lang, one.as_of)),
            crate::pages::proformas::status(portal.t(&format!("portal-proforma-{}", one.status.name())), one),
            Cell::Number(money(lang, one.gross)),
        ]
    });
    let names = ["number", "issued", "proforma-as-of", "status", "amount"].map(|key| portal.t(key)).to_vec();
    Table::new(names, rows.collect())
}

fn status(portal: &Portal, invoice: &InvoiceSummary, today: NaiveDate) -> Cell {
    let due = format::date(portal.frame.lang, invoice.due_on);
    match invoice.collection_status {
        CollectionStatus::Paid if invoice.gross.is_negative() => {
            Cell::status(Tone::Mute, portal.t("portal-bill-credit"))
        }
        CollectionStatus::Paid => Cell::status(Tone::Ok, portal.t("portal-bill-paid")),
        CollectionStatus::Overdue => Cell::status(Tone::Bad, portal.frame.t1("portal-bill-overdue", "date", &due)),
        CollectionStatus::Due | CollectionStatus::PartPaid if invoice.due_on <= today => {
            Cell::status(Tone::Warn, portal.t("portal-bill-today"))
        }
        CollectionStatus::Due | CollectionStatus::PartPaid => {
            Cell::status(Tone::Warn, portal.frame.t1("portal-bill-due", "date", &due))
        }
    }
}

pub(super) async fn document(own: Own, ApiPath((_, id)): ApiPath<(String, InvoiceId)>) -> Result<Response, Problem> {
    let invoice = portal::invoice(&mut own.read().await?, own.me.id, id).await?;
    billing::api::drawn(invoice).await
}

pub(super) async fn credit_note(
    own: Own,
    ApiPath((_, id)): ApiPath<(String, CreditNoteId)>,
) -> Result<Response, Problem> {
    let note = portal::credit_note(&mut own.read().await?, own.me.id, id).await?;
    billing::credit_notes::api::drawn(note).await
}

pub(super) async fn proforma(own: Own, ApiPath((_, id)): ApiPath<(String, ProformaId)>) -> Result<Response, Problem> {
    let proforma = portal::proforma(&mut own.read().await?, own.me.id, id).await?;
    billing::proformas::api::drawn(proforma).await
}
