//! `/accounts/{id}`: what is billed, what is owed, what was paid.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use weir_ui::blocks::{Action, Cell, Tone};
use weir_ui::pages::{Section, Show};

use super::{
    MANY, address, charges, credit_notes, dunning_cases, invoices, money, payers, paying, payments as receipts,
    proformas, subscriptions as sold, tax_exemptions,
};
use crate::app::App;
use crate::billing::{self, AccountStanding, CreditNoteFilter, InvoiceFilter};
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Screen, html};
use crate::http::paging::Page;
use crate::http::permission::{ManageDunning, RecordPayments, ViewBilling, ViewDunning, ViewSubscribers};
use crate::ids::AccountId;
use crate::{dunning, payments, subscribers, subscriptions};

/// Documents the page shows of each kind; the lists have the rest.
const NEWEST: Page = Page { after: None, limit: 12 };

pub(super) fn routes() -> Router<App> {
    Router::new().route("/accounts/{id}", get(show))
}

async fn show(screen: Screen<ViewSubscribers>, ApiPath(id): ApiPath<AccountId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let account = subscribers::account(&mut tx, id).await?;
    let subscriber = subscribers::subscriber(&mut tx, account.subscriber_id).await?;
    let lines = subscriptions::subscriptions(&mut tx, Some(id), MANY).await?;
    let (mut facts, mut sections, mut actions) = (Vec::new(), Vec::new(), Vec::new());
    let mut lede = screen.t("account-lede");
    if screen.may::<ViewBilling>() {
        let standing = billing::standing(&mut tx, id).await?;
        lede = lede_of(&screen, &standing);
        facts = facts_of(&screen, &standing);
        sections = documents(&screen, &mut tx, id).await?;
        sections.push(charges::of_account(&screen, &mut tx, id).await?);
        sections.push(proformas::of_account(&screen, &mut tx, id).await?);
        sections.push(tax_exemptions::section(&screen, &mut tx, id).await?);
        actions.push(Action::go(address("/messages", &[("account_id", &id.to_string())]), screen.t("messages-of")));
        sections.extend(paying::sections(&screen, &mut tx, id).await?);
        if let Some(pending) = payments::pending(&mut tx, id).await? {
            let words = screen.frame.t1("paying-pending", "amount", &money(screen.frame.lang, pending));
            facts.push((screen.t("nav-payments"), Cell::status(Tone::Warn, words)));
        }
        actions.push(Action::go(format!("/accounts/{id}/statement"), screen.t("statement")));
        actions.push(Action::go(address("/ledger", &[("account_id", &id.to_string())]), screen.t("ledger-of")));
        if screen.may::<RecordPayments>() {
            let form = address("/payments/new", &[("account_id", &id.to_string())]);
            actions.insert(0, Action::go(form, screen.t("payments-new")));
        }
    }
    facts.extend(payers::fact(&screen, &mut tx, &account).await?);
    actions.extend(payers::actions(&screen, &account));
    sections.extend(payers::paid_for(&screen, &mut tx, id).await?);
    facts.extend([
        (screen.t("subscriber"), Cell::link(format!("/subscribers/{}", subscriber.id), &subscriber.name)),
        (screen.t("currency"), Cell::Text(account.currency)),
        (screen.t("time-zone"), Cell::Text(account.time_zone)),
        (screen.t("billing-day"), Cell::Text(account.billing_day.to_string())),
        (screen.t("id"), Cell::Code(id.to_string())),
    ]);
    let case = if screen.may::<ViewDunning>() { dunning::case_of(&mut tx, id).await? } else { None };
    let mut form = None;
    if let Some(case) = &case {
        facts.push((screen.t("dunning-next"), Cell::Text(dunning_cases::next(&screen, case))));
        let way = Action::go(format!("/dunning-cases/{}", case.summary.id), screen.t("dunning-case"));
        sections.insert(0, Section { action: Some(way), ..dunning_cases::steps(&screen, case) });
        let ask = || dunning_cases::inset(&screen, case, &dunning_cases::fields(case), None);
        form = screen.may::<ManageDunning>().then(ask);
    }
    sections.push(Section {
        title: screen.t("nav-subscriptions"),
        action: None,
        table: sold::rows_of(&screen, &mut tx, lines).await?,
        empty: screen.t("account-no-subscriptions"),
    });
    let page = Show {
        frame: &screen.frame,
        up: (format!("/subscribers/{}", subscriber.id), subscriber.name),
        title: screen.frame.t1("account-title", "number", &account.number),
        lede,
        actions,
        command: None,
        facts,
        sections,
        form,
    };
    html(StatusCode::OK, &page)
}

fn lede_of(screen: &Screen<ViewSubscribers>, standing: &AccountStanding) -> String {
    let (key, amount) = match standing {
        AccountStanding { overdue, .. } if overdue.is_positive() => ("account-lede-overdue", *overdue),
        AccountStanding { open, .. } if open.is_positive() => ("account-lede-open", *open),
        AccountStanding { credit, .. } if credit.is_positive() => ("account-lede-credit", *credit),
        _ => ("account-lede-even", standing.balance),
    };
    screen.frame.t1(key, "amount", &money(screen.frame.lang, amount))
}

fn facts_of(screen: &Screen<ViewSubscribers>, standing: &AccountStanding) -> Vec<(String, Cell)> {
    let lang = screen.frame.lang;
    let (tone, key) = match (standing.overdue.is_positive(), standing.open.is_positive()) {
        (true, _) => (Tone::Bad, "overdue"),
        (false, true) => (Tone::Mute, "invoice-open"),
        (false, false) => (Tone::Ok, "invoice-paid"),
    };
    let amount = |key: &str, amount| (screen.t(key), Cell::Text(money(lang, amount)));
    vec![
        (screen.t("status"), Cell::status(tone, screen.t(key))),
        amount("balance", standing.balance),
        amount("open", standing.open),
        amount("overdue", standing.overdue),
        amount("account-credit", standing.credit),
    ]
}

/// The newest invoices and payments, with ways to all of them.
async fn documents(
    screen: &Screen<ViewSubscribers>,
    tx: &mut TenantTx,
    id: AccountId,
) -> Result<Vec<Section>, Problem> {
    let today = billing::today(tx).await?;
    let filter = InvoiceFilter { account: Some(id), ..InvoiceFilter::default() };
    let mut asked = billing::invoices(tx, NEWEST, &filter).await?;
    let mut paid = payments::payments(tx, NEWEST, Some(id)).await?;
    let limit = NEWEST.limit as usize;
    let rest = |more: bool, path: &str| {
        more.then(|| Action::go(address(path, &[("account_id", &id.to_string())]), screen.t("show-all")))
    };
    let (all_invoices, all_payments) = (rest(asked.len() > limit, "/invoices"), rest(paid.len() > limit, "/payments"));
    asked.truncate(limit);
    paid.truncate(limit);
    let credited = CreditNoteFilter { account: Some(id), ..CreditNoteFilter::default() };
    let notes = credit_notes::section(screen, tx, credited).await?;
    Ok(vec![
        Section {
            title: screen.t("nav-invoices"),
            action: all_invoices,
            table: invoices::table(screen, asked, today),
            empty: screen.t("account-no-invoices"),
        },
        notes,
        Section {
            title: screen.t("nav-payments"),
            action: all_payments,
            table: receipts::table(screen, tx, paid).await?,
            empty: screen.t("account-no-payments"),
        },
    ])
}
