//! `/proformas/{id}` and `/accounts/{id}/proformas/new`: bills asked for before they are issued.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Confirm, Form, Section, Show};

use super::{Asking, form_status, invoice_taxes, invoices, money};
use crate::app::App;
use crate::billing::{self, Proforma, ProformaStatus, ProformaSummary, ProformaWish};
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::paging::Page;
use crate::http::permission::{ManageBilling, Needs, ViewBilling};
use crate::http::toast::see_saying;
use crate::ids::{AccountId, ProformaId};
use crate::subscribers;

/// Proformas an account's page shows.
const NEWEST: Page = Page { after: None, limit: 12 };

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/accounts/{id}/proformas/new", get(new))
        .route("/accounts/{id}/proformas", post(issue))
        .route("/proformas/{id}", get(show))
        .route("/proformas/{id}/pdf", get(document))
        .route("/proformas/{id}/withdraw", get(ask_withdraw).post(withdraw))
}

/// Where one stands, as a word with its colour.
pub(super) fn status(word: String, proforma: &ProformaSummary) -> Cell {
    match proforma.status {
        ProformaStatus::Open => Cell::status(Tone::Warn, word),
        ProformaStatus::Covered => Cell::status(Tone::Ok, word),
        ProformaStatus::Past | ProformaStatus::Withdrawn => Cell::status(Tone::Mute, word),
    }
}

/// The newest proformas of an account, as a part of its page, with the way to a further one.
pub(super) async fn of_account<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    id: AccountId,
) -> Result<Section, Problem> {
    let lang = screen.frame.lang;
    let mut newest = billing::proformas(tx, NEWEST, Some(id)).await?;
    newest.truncate(NEWEST.limit as usize);
    let rows = newest.iter().map(|one| {
        vec![
            Cell::link(format!("/proformas/{}", one.id), &one.number),
            Cell::Text(format::date(lang, one.issued_on)),
            Cell::Text(format::date(lang, one.as_of)),
            status(screen.t(&format!("proforma-{}", one.status.name())), one),
            Cell::Number(money(lang, one.gross)),
            Cell::Number(money(lang, one.left)),
        ]
    });
    let names = ["number", "issued", "proforma-as-of", "status", "total", "proforma-left"].map(|key| screen.t(key));
    let add = Action::go(format!("/accounts/{id}/proformas/new"), screen.t("proformas-new"));
    Ok(Section {
        title: screen.t("proformas"),
        action: screen.may::<ManageBilling>().then_some(add),
        table: Table::new(names.to_vec(), rows.collect()),
        empty: screen.t("proformas-none"),
    })
}

async fn new(screen: Screen<ManageBilling>, ApiPath(id): ApiPath<AccountId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let today = billing::today(&mut tx).await?;
    let (_, next) = billing::period(&mut tx, id, today, today).await?;
    drop(tx);
    form(&screen, id, &Fields::of([("as_of", next.to_string())]), None).await
}

async fn form(
    screen: &Screen<ManageBilling>,
    id: AccountId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let account = subscribers::account(&mut screen.read().await?, id).await?;
    let form = Asking::new(&screen.frame, fields, problem).ask("as_of", "proforma-as-of", Input::Line("date")).inset(
        String::new(),
        format!("/accounts/{id}/proformas"),
        "proformas-new",
    );
    let page = Form {
        frame: &screen.frame,
        up: (format!("/accounts/{id}"), account.number.clone()),
        title: screen.frame.t1("proformas-new-title", "account", &account.number),
        lede: screen.t("proformas-new-lede"),
        form,
    };
    html(form_status(problem), &page)
}

async fn issue(
    screen: Screen<ManageBilling>,
    ApiPath(id): ApiPath<AccountId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let as_of = fields.read("as_of", "error-date");
    let issued = match as_of {
        Some(as_of) => billing::issue_proforma(&mut tx, id, &ProformaWish { as_of }).await.map_err(Problem::from),
        None => Err(fields.problem()),
    };
    match issued {
        Ok(proforma) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/proformas/{}", proforma.summary.id), "done-proforma"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            form(&screen, id, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn show(screen: Screen<ViewBilling>, ApiPath(id): ApiPath<ProformaId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let proforma = billing::proforma(&mut tx, id).await?;
    let summary = &proforma.summary;
    let account = subscribers::account(&mut tx, summary.account_id).await?;
    let mut facts = figures(&screen, summary);
    facts.extend([
        (screen.t("subscriber"), Cell::link(format!("/subscribers/{}", account.subscriber_id), &summary.subscriber)),
        (screen.t("account"), Cell::link(format!("/accounts/{}", account.id), &account.number)),
        (screen.t("id"), Cell::Code(id.to_string())),
    ]);
    let mut actions = vec![Action::go(format!("/proformas/{id}/pdf"), screen.t("invoice-pdf"))];
    let asks = matches!(summary.status, ProformaStatus::Open | ProformaStatus::Covered);
    if asks && screen.may::<ManageBilling>() {
        actions.push(Action::go(format!("/proformas/{id}/withdraw"), screen.t("proformas-withdraw")));
    }
    let mut sections = invoices::lines(&screen, &proforma.parties, &proforma.lines);
    sections.push(totals(&screen, &proforma));
    let page = Show {
        frame: &screen.frame,
        up: (format!("/accounts/{}", account.id), account.number),
        title: screen.frame.t1("proforma-title", "number", &summary.number),
        lede: screen.t(&format!("proforma-{}-lede", summary.status.name())),
        actions,
        command: None,
        facts,
        sections,
        form: None,
    };
    html(StatusCode::OK, &page)
}

fn figures<P: Needs>(screen: &Screen<P>, summary: &ProformaSummary) -> Vec<(String, Cell)> {
    let lang = screen.frame.lang;
    vec![
        (screen.t("status"), status(screen.t(&format!("proforma-{}", summary.status.name())), summary)),
        (screen.t("total"), Cell::Text(money(lang, summary.gross))),
        (screen.t("proforma-left"), Cell::Text(money(lang, summary.left))),
        (screen.t("issued"), Cell::Text(format::date(lang, summary.issued_on))),
        (screen.t("proforma-as-of"), Cell::Text(format::date(lang, summary.as_of))),
    ]
}

fn totals(screen: &Screen<ViewBilling>, proforma: &Proforma) -> Section {
    let lang = screen.frame.lang;
    let row = |what: &str, amount| vec![Cell::Text(screen.t(what)), Cell::Number(money(lang, amount))];
    let mut rows = vec![row("net", proforma.summary.net)];
    rows.extend(proforma.taxes.iter().flat_map(|tax| invoice_taxes::rows(screen, tax)));
    rows.push(row("total", proforma.summary.gross));
    let table = Table::new(vec![screen.t("line"), screen.t("amount")], rows);
    Section { title: screen.t("invoice-totals"), action: None, table, empty: String::new() }
}

async fn document(screen: Screen<ViewBilling>, ApiPath(id): ApiPath<ProformaId>) -> Result<Response, Problem> {
    let proforma = billing::proforma(&mut screen.read().await?, id).await?;
    billing::proformas::api::drawn(proforma).await
}

async fn ask_withdraw(screen: Screen<ManageBilling>, ApiPath(id): ApiPath<ProformaId>) -> Result<Response, Problem> {
    let proforma = billing::proforma(&mut screen.read().await?, id).await?;
    let fields = Fields::default();
    let asked = Asking::new(&screen.frame, &fields, None);
    let page = Confirm {
        frame: &screen.frame,
        up: (format!("/proformas/{id}"), proforma.summary.number.clone()),
        title: screen.frame.t1("proformas-withdraw-title", "number", &proforma.summary.number),
        lede: screen.t("proformas-withdraw-lede"),
        facts: figures(&screen, &proforma.summary),
        sections: Vec::new(),
        form: asked.inset(String::new(), format!("/proformas/{id}/withdraw"), "proformas-withdraw"),
        danger: true,
    };
    html(StatusCode::OK, &page)
}

async fn withdraw(screen: Screen<ManageBilling>, ApiPath(id): ApiPath<ProformaId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    billing::withdraw_proforma(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/proformas/{id}"), "done-proforma-withdrawn"))
}
