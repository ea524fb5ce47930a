//! `/invoices`: what was asked for, what of it is paid, and where it stands in the books.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use chrono::NaiveDate;
use serde::Deserialize;
use weir_rules::invoice::CollectionStatus;
use weir_rules::money::Money;
use weir_ui::blocks::{Action, Cell, Chip, Search, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Figure, Register, Section, Show};

use super::catalog::unit_price;
use super::{address, credit_notes, days, invoice_taxes, ledger, money, next_page, page_of, payments, traffic_price};
use crate::app::App;
use crate::billing::{
    self, CreditNoteFilter, Invoice, InvoiceFilter, InvoiceLine, InvoiceSummary, Parties, Settlement,
};
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::page::{Screen, html};
use crate::http::permission::{IssueCreditNotes, Needs, RecordPayments, ViewBilling};
use crate::http::{ApiPath, ApiQuery};
use crate::ids::{AccountId, CreditNoteId, InvoiceId};
use crate::subscribers;

/// Days before the due day on which an open invoice begins to need a look.
const SOON_DAYS: i64 = 3;
/// The readings of the list: the value in the address, and its message.
const READINGS: [(&str, &str); 4] =
    [("", "invoices-all"), ("open", "invoices-open"), ("overdue", "invoices-overdue"), ("paid", "invoices-paid")];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/invoices", get(list))
        .route("/invoices/{id}", get(show))
        .route("/invoices/{id}/pdf", get(document))
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    status: String,
    #[serde(default)]
    q: String,
    account_id: Option<AccountId>,
    after: Option<String>,
}

async fn list(screen: Screen<ViewBilling>, ApiQuery(wanted): ApiQuery<Wanted>) -> Result<Response, Problem> {
    let page = page_of(wanted.after)?;
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let filter = InvoiceFilter {
        account: wanted.account_id,
        run: None,
        status: given(&wanted.status),
        number: given(wanted.q.trim()).map(|number| number.to_uppercase()),
    };
    let mut tx = screen.read().await?;
    let mut invoices = billing::invoices(&mut tx, page, &filter).await?;
    let account = wanted.account_id.map(|id| id.to_string()).unwrap_or_default();
    let at = |status: &str| address("/invoices", &[("status", status), ("q", &wanted.q), ("account_id", &account)]);
    let next = next_page(&mut invoices, page, &at(&wanted.status), |invoice| invoice.id.uuid());
    let figures = if account.is_empty() { owed(&screen, &mut tx).await? } else { Vec::new() };
    let chips =
        READINGS.map(|(status, key)| Chip { href: at(status), text: screen.t(key), chosen: status == wanted.status });
    let narrowed = filter.status.is_some() || filter.number.is_some();
    let kept = [("status", wanted.status.clone()), ("account_id", account.clone())];
    let page = Register {
        frame: &screen.frame,
        up: None,
        title: screen.t("nav-invoices"),
        lede: screen.t("invoices-lede"),
        actions: vec![Action::go(address("/credit-notes", &[("account_id", &account)]), screen.t("credit-notes"))],
        figures,
        sections: Vec::new(),
        heading: String::new(),
        chips: chips.into(),
        search: Some(Search {
            label: screen.t("invoices-search"),
            value: wanted.q.clone(),
            kept: kept.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
        }),
        table: table(&screen, invoices, billing::today(&mut tx).await?),
        empty: screen.t(if narrowed { "invoices-none" } else { "invoices-empty" }),
        next,
    };
    html(StatusCode::OK, &page)
}

async fn owed(screen: &Screen<ViewBilling>, tx: &mut TenantTx) -> Result<Vec<Figure>, Problem> {
    let lang = screen.frame.lang;
    let mut figures = Vec::new();
    for owed in billing::owed(tx).await? {
        let figure = |key: &str, amount, invoices: i64| Figure {
            label: screen.t(key),
            value: money(lang, amount),
            unit: screen.frame.t1("invoices-count", "count", &format::number(lang, invoices.into())),
        };
        figures.push(figure("open", owed.open, owed.open_invoices));
        figures.push(figure("overdue", owed.overdue, owed.overdue_invoices));
    }
    Ok(figures)
}

/// Invoices as rows.
pub(super) fn table<P: Needs>(screen: &Screen<P>, invoices: Vec<InvoiceSummary>, today: NaiveDate) -> Table {
    let lang = screen.frame.lang;
    let rows = invoices.into_iter().map(|invoice| {
        vec![
            Cell::link(format!("/invoices/{}", invoice.id), &invoice.number),
            Cell::link(format!("/accounts/{}", invoice.account_id), &invoice.subscriber),
            Cell::Number(format::date(lang, invoice.issued_on)),
            Cell::Number(format::date(lang, invoice.due_on)),
            Cell::Number(money(lang, invoice.gross)),
            Cell::Number(money(lang, invoice.open)),
            status(screen, &invoice, today),
        ]
    });
    let names = ["number", "subscriber", "issued", "due", "total", "open", "status"].map(|key| screen.t(key)).to_vec();
    Table::new(names, rows.collect())
}

/// How the collection of an invoice stands, in a word.
fn status<P: Needs>(screen: &Screen<P>, invoice: &InvoiceSummary, today: NaiveDate) -> Cell {
    let days = (invoice.due_on - today).num_days();
    let counted = |key: &str, days: i64| screen.frame.t1(key, "days", &days.to_string());
    match invoice.collection_status {
        CollectionStatus::Paid if invoice.gross.is_negative() => Cell::status(Tone::Mute, screen.t("invoice-credit")),
        CollectionStatus::Paid => Cell::status(Tone::Ok, screen.t("invoice-paid")),
        CollectionStatus::Overdue => Cell::status(Tone::Bad, counted("invoice-overdue", -days)),
        CollectionStatus::Due | CollectionStatus::PartPaid if days == 0 => {
            Cell::status(Tone::Warn, screen.t("invoice-due-today"))
        }
        CollectionStatus::Due | CollectionStatus::PartPaid if days <= SOON_DAYS => {
            Cell::status(Tone::Warn, counted("invoice-due-soon", days))
        }
        CollectionStatus::PartPaid => Cell::status(Tone::Mute, screen.t("invoice-part-paid")),
        CollectionStatus::Due => Cell::status(Tone::Mute, screen.t("invoice-open")),
    }
}

async fn show(screen: Screen<ViewBilling>, ApiPath(id): ApiPath<InvoiceId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let invoice = billing::invoice(&mut tx, id).await?;
    let summary = &invoice.summary;
    let account = subscribers::account(&mut tx, summary.account_id).await?;
    let settlements = billing::settlements(&mut tx, id.uuid()).await?;
    let left = billing::left_of(&mut tx, &invoice).await?;
    let today = billing::today(&mut tx).await?;
    let lang = screen.frame.lang;
    let facts = vec![
        (screen.t("status"), status(&screen, summary, today)),
        (screen.t("total"), Cell::Text(money(lang, summary.gross))),
        (screen.t("open"), Cell::Text(money(lang, summary.open))),
        (screen.t("subscriber"), Cell::link(format!("/subscribers/{}", account.subscriber_id), &summary.subscriber)),
        (screen.t("account"), Cell::link(format!("/accounts/{}", account.id), account.number)),
        (screen.t("issued"), Cell::Text(format::date(lang, summary.issued_on))),
        (screen.t("due"), Cell::Text(format::date(lang, summary.due_on))),
        (
            screen.t("run"),
            match summary.run_id {
                Some(run) => Cell::link(format!("/billing-runs/{run}"), screen.t("run-that-issued")),
                None => Cell::Text("—".into()),
            },
        ),
        (screen.t("id"), Cell::Code(id.to_string())),
    ];
    let books = ledger::section_of(&screen, &mut tx, ("invoice", id.uuid()), &settlements).await?;
    let of_invoice = CreditNoteFilter { invoice: Some(id), ..CreditNoteFilter::default() };
    let credited = credit_notes::section(&screen, &mut tx, of_invoice).await?;
    let mut sections = lines(&screen, &invoice.parties, &invoice.lines);
    sections.extend(reduced(&screen, &invoice.lines));
    sections.extend(tiers(&screen, &invoice.lines));
    sections.extend(why(&screen, &invoice.lines));
    sections.extend([totals(&screen, &invoice), settled(&screen, id, settlements), credited, books]);
    sections.extend(invoice_taxes::section(&screen, &invoice.lines));
    let pays = screen.may::<RecordPayments>() && summary.open.is_positive();
    let form = pays.then(|| payments::inset(&screen, payments::fields(&screen, account.id, summary.open, today), None));
    let owed = money(lang, summary.open);
    let mut actions = vec![Action::go(format!("/invoices/{id}/pdf"), screen.t("invoice-pdf"))];
    if screen.may::<IssueCreditNotes>() && left.gross.is_positive() {
        actions.push(Action::go(format!("/invoices/{id}/credit"), screen.t("credit-note-new")));
    }
    let page = Show {
        frame: &screen.frame,
        up: ("/invoices".into(), screen.t("nav-invoices")),
        title: screen.frame.t1("invoice-title", "number", &summary.number),
        lede: match summary.open.is_positive() {
            true => screen.frame.t1("invoice-lede-open", "amount", &owed),
            false => screen.t("invoice-lede-paid"),
        },
        actions,
        command: None,
        facts,
        sections,
        form,
    };
    html(StatusCode::OK, &page)
}

/// The lines of a document; where it has some for other accounts, those of each under its name.
pub(super) fn lines(screen: &Screen<ViewBilling>, parties: &Parties, lines: &[InvoiceLine]) -> Vec<Section> {
    let accounts = &parties.accounts;
    let parts = lines.chunk_by(|a, b| a.account_id == b.account_id || accounts.is_empty());
    let of = |lines: &[InvoiceLine]| {
        let paid = accounts.iter().find(|paid| Some(paid.account_id) == lines[0].account_id);
        let title = match paid {
            Some(paid) => paid.title(),
            None if accounts.is_empty() => screen.t("invoice-lines"),
            None => screen.t("payer-own"),
        };
        let mut rows: Vec<_> = lines.iter().map(|line| line_cells(screen, line)).collect();
        let sum = Money::sum(lines[0].net.currency(), lines.iter().map(|line| line.net)).ok();
        if let Some(sum) = sum.filter(|_| !accounts.is_empty()) {
            let mut row = vec![Cell::Text(screen.t("payer-subtotal"))];
            row.extend(std::iter::repeat_n(Cell::Text(String::new()), 6));
            row.push(Cell::Number(money(screen.frame.lang, sum)));
            rows.push(row);
        }
        let names = ["plan", "line", "period", "volume", "quantity", "unit-price", "discount", "amount"];
        let table = Table::new(names.map(|key| screen.t(key)).to_vec(), rows);
        Section { title, action: None, table, empty: String::new() }
    };
    parts.map(of).collect()
}

fn line_cells(screen: &Screen<ViewBilling>, line: &InvoiceLine) -> Vec<Cell> {
    let lang = screen.frame.lang;
    let what = match line.subscription_id {
        Some(sold) => Cell::link(format!("/subscriptions/{sold}"), &line.description),
        None => Cell::Text(line.description.clone()),
    };
    let volume = line.down_bytes.zip(line.up_bytes).map(|(down, up)| format::bytes(lang, down.saturating_add(up)));
    vec![
        what,
        Cell::Text(screen.t(&format!("line-{}", line.kind.name()))),
        Cell::Text(days(lang, line.from, line.to)),
        Cell::Number(volume.unwrap_or_else(|| "—".into())),
        Cell::Number(format::number(lang, line.quantity)),
        Cell::Number(unit_price(lang, line.unit_price, line.gross.is_some())),
        Cell::Number(if line.discount.is_zero() { "—".into() } else { money(lang, -line.discount) }),
        Cell::Number(money(lang, line.net)),
    ]
}

/// Which discounts took how much off which line, if any did.
fn reduced(screen: &Screen<ViewBilling>, lines: &[InvoiceLine]) -> Option<Section> {
    let lang = screen.frame.lang;
    let parts = lines.iter().flat_map(|line| line.discounts.iter().map(move |part| (line, part)));
    let rows: Vec<_> = parts
        .map(|(line, part)| {
            vec![
                Cell::Text(part.name.clone()),
                Cell::Text(format!("{}, {}", line.description, days(lang, line.from, line.to))),
                Cell::Number(money(lang, -part.amount)),
            ]
        })
        .collect();
    let table = Table::new(["discount", "line", "amount"].map(|key| screen.t(key)).to_vec(), rows);
    let title = screen.t("invoice-discounts");
    (!table.rows.is_empty()).then_some(Section { title, action: None, table, empty: String::new() })
}

/// How the traffic of lines was priced in tiers, if any was.
fn tiers(screen: &Screen<ViewBilling>, lines: &[InvoiceLine]) -> Option<Section> {
    let lang = screen.frame.lang;
    let priced = lines.iter().filter_map(|line| line.tiers.as_ref().map(|tiers| (line, tiers)));
    let rows: Vec<_> = priced
        .flat_map(|(line, tiers)| {
            let about = format!("{}, {}", line.description, days(lang, line.from, line.to));
            let steps = traffic_price::steps(lang, tiers).into_iter();
            steps.map(move |step| [Cell::Text(about.clone())].into_iter().chain(step).collect::<Vec<_>>())
        })
        .collect();
    let names = ["line", "traffic-step", "volume", "traffic-price-of-one", "amount"].map(|key| screen.t(key)).to_vec();
    let table = Table::new(names, rows);
    (!table.rows.is_empty()).then(|| Section {
        title: screen.t("traffic-priced"),
        action: None,
        table,
        empty: String::new(),
    })
}

/// Which of the ISP's rules priced which line, if any did.
fn why(screen: &Screen<ViewBilling>, lines: &[InvoiceLine]) -> Option<Section> {
    let lang = screen.frame.lang;
    let priced = lines.iter().filter_map(|line| line.priced_by.as_ref().map(|by| (line, by)));
    let rows: Vec<_> = priced
        .map(|(line, by)| {
            let version = by.version.to_string();
            let told = [("name", by.plugin.as_str()), ("version", &version), ("reason", &by.reason)];
            let said = weir_ui::i18n::t(lang, &format!("plugin-why-{}", by.outcome.name()), &told);
            vec![
                Cell::link(format!("/plugins/{}", by.plugin_id), &by.plugin),
                Cell::Text(format!("{}, {}", line.description, days(lang, line.from, line.to))),
                Cell::Text(said),
                Cell::Number(format::money(lang, by.list_price, line.unit_price.currency().code())),
                Cell::Code(by.digest.clone()),
            ]
        })
        .collect();
    let names = ["plugin-rule", "line", "plugin-why", "plugin-list-price", "plugin-digest"].map(|key| screen.t(key));
    let table = Table::new(names.to_vec(), rows);
    let title = screen.t("plugin-priced");
    (!table.rows.is_empty()).then_some(Section { title, action: None, table, empty: String::new() })
}

fn totals(screen: &Screen<ViewBilling>, invoice: &Invoice) -> Section {
    let lang = screen.frame.lang;
    let row = |what: String, amount| vec![Cell::Text(what), Cell::Number(money(lang, amount))];
    let mut rows = vec![row(screen.t("net"), invoice.summary.net)];
    for tax in &invoice.taxes {
        rows.extend(invoice_taxes::rows(screen, tax));
    }
    rows.push(row(screen.t("total"), invoice.summary.gross));
    rows.push(row(screen.t("open"), invoice.summary.open));
    let table = Table::new(vec![screen.t("line"), screen.t("amount")], rows);
    Section { title: screen.t("invoice-totals"), action: None, table, empty: String::new() }
}

fn settled(screen: &Screen<ViewBilling>, id: InvoiceId, settlements: Vec<Settlement>) -> Section {
    let rows = settlements.into_iter().map(|settled| {
        let (href, number) = match (settled.payment, settled.credit) {
            (Some((payment, number)), _) => (format!("/payments/{payment}"), number),
            (None, Some((credit, number))) if settled.by_credit_note => {
                (format!("/credit-notes/{}", CreditNoteId::from(credit.uuid())), number)
            }
            (None, Some((credit, number))) if credit != id => (format!("/invoices/{credit}"), number),
            (None, _) => (format!("/invoices/{}", settled.invoice.0), settled.invoice.1),
        };
        vec![
            Cell::link(href, number),
            Cell::Number(format::instant(screen.frame.lang, settled.at, screen.zone)),
            Cell::Number(money(screen.frame.lang, settled.amount)),
        ]
    });
    let names = ["settled-by", "when", "amount"].map(|key| screen.t(key)).to_vec();
    Section {
        title: screen.t("nav-payments"),
        action: None,
        table: Table::new(names, rows.collect()),
        empty: screen.t("invoice-unsettled"),
    }
}

async fn document(screen: Screen<ViewBilling>, ApiPath(id): ApiPath<InvoiceId>) -> Result<Response, Problem> {
    let invoice = billing::invoice(&mut screen.read().await?, id).await?;
    billing::api::drawn(invoice).await
}
