//! `/billing-runs`: a month billed, how far it is, what came of it; and the look for whoever is overdue.

use std::collections::HashMap;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::pages::{Confirm, Register, Section, Show};
use weir_ui::{format, i18n};

use super::{Asking, MANY, billing_previews, form_status, invoices, money, next_page, page_of};
use crate::app::App;
use crate::billing::{self, BillingRun, InvoiceFilter, RunStatus, RunWish};
use crate::db::Scope;
use crate::error::Problem;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::paging::{Page, PageQuery};
use crate::http::permission::{ManageBilling, Needs, ViewBilling};
use crate::http::toast::{see_counting, see_saying};
use crate::http::{ApiPath, ApiQuery};
use crate::ids::{AccountId, BillingRunId};
use crate::subscribers::{self, Holder};
use crate::{access, dunning, tenants};

const NEWEST: Page = Page { after: None, limit: 1 };

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/billing-runs", get(list).post(start))
        .route("/billing-runs/new", get(new))
        .route("/billing-runs/preview", get(billing_previews::show))
        .route("/billing-runs/{id}", get(show))
        .route("/overdue-checks", get(ask_check).post(check))
}

async fn list(screen: Screen<ViewBilling>, ApiQuery(query): ApiQuery<PageQuery>) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let mut runs = billing::runs(&mut screen.read().await?, page).await?;
    let next = next_page(&mut runs, page, "/billing-runs", |run| run.id.uuid());
    let sections = standing_faults(&screen).await?;
    let lang = screen.frame.lang;
    let rows = runs.iter().map(|run| {
        vec![
            Cell::link(format!("/billing-runs/{}", run.id), format::date(lang, run.as_of)),
            status(&screen, run),
            progress(&screen, run),
            Cell::Number(format::number(lang, run.invoices_issued.into())),
            Cell::Number(totals(lang, run)),
            Cell::Number(format::instant(lang, run.started_at, screen.zone)),
        ]
    });
    let names = ["run-up-to", "status", "run-progress", "nav-invoices", "total", "started"].map(|key| screen.t(key));
    let actions = match screen.may::<ManageBilling>() {
        true => vec![
            Action::go("/billing-runs/new", screen.t("runs-new")),
            Action::go("/billing-runs/preview", screen.t("run-preview")),
            Action::go("/overdue-checks", screen.t("overdue-check")),
        ],
        false => Vec::new(),
    };
    let page = Register {
        frame: &screen.frame,
        up: None,
        title: screen.t("nav-billing-runs"),
        lede: screen.t(if sections.is_empty() { "runs-lede" } else { "run-lede-failed" }),
        actions,
        figures: Vec::new(),
        sections,
        heading: String::new(),
        chips: Vec::new(),
        search: None,
        table: Table::new(names.to_vec(), rows.collect()),
        empty: screen.t("runs-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

/// The accounts that could not be billed so far.
async fn standing_faults(screen: &Screen<ViewBilling>) -> Result<Vec<Section>, Problem> {
    let mut tx = screen.read().await?;
    let mut found = billing::faults(&mut tx, MANY).await?;
    found.truncate(MANY.limit as usize);
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let accounts: Vec<_> = found.iter().map(|(account, _)| *account).collect();
    let holders = subscribers::holders(&mut tx, &accounts).await?;
    let faults = found.into_iter().map(|(account, why)| (Some(account), why)).collect();
    Ok(vec![Section { title: screen.t("billing-faults"), ..faulty(screen, faults, &holders) }])
}

fn status<P: Needs>(screen: &Screen<P>, run: &BillingRun) -> Cell {
    match run.status {
        RunStatus::Running => Cell::status(Tone::Mute, screen.t("run-running")),
        RunStatus::Done => Cell::status(Tone::Ok, screen.t("run-done")),
        RunStatus::Failed => Cell::status(Tone::Bad, screen.t("run-failed")),
    }
}

fn progress<P: Needs>(screen: &Screen<P>, run: &BillingRun) -> Cell {
    let (done, all) = (run.accounts_done.unsigned_abs(), run.accounts_total.unsigned_abs());
    let words = i18n::t(screen.frame.lang, "run-accounts", &[("done", &done.to_string()), ("all", &all.to_string())]);
    // A run over nobody is done; an empty bar would say it is not.
    Cell::Progress { done: if all == 0 { 1 } else { done }, all: all.max(1), words }
}

fn totals(lang: &str, run: &BillingRun) -> String {
    if run.totals.is_empty() {
        return money(lang, run.total);
    }
    run.totals.iter().map(|total| money(lang, *total)).collect::<Vec<_>>().join(" · ")
}

async fn show(screen: Screen<ViewBilling>, ApiPath(id): ApiPath<BillingRunId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let run = billing::run(&mut tx, id).await?;
    let by = access::name_of(&mut tx, &run.started_by).await?;
    let today = billing::today(&mut tx).await?;
    let filter = InvoiceFilter { run: Some(id), ..InvoiceFilter::default() };
    let mut issued = billing::invoices(&mut tx, MANY, &filter).await?;
    issued.truncate(MANY.limit as usize);
    let faults = faults(run.error.as_deref().unwrap_or_default());
    let accounts: Vec<_> = faults.iter().filter_map(|(account, _)| *account).collect();
    let holders = subscribers::holders(&mut tx, &accounts).await?;
    let lang = screen.frame.lang;
    let at = |at| format::instant(lang, at, screen.zone);
    let facts = vec![
        (screen.t("status"), status(&screen, &run)),
        (screen.t("run-progress"), progress(&screen, &run)),
        (screen.t("run-up-to"), Cell::Text(format::date(lang, run.as_of))),
        (screen.t("nav-invoices"), Cell::Text(format::number(lang, run.invoices_issued.into()))),
        (screen.t("total"), Cell::Text(totals(lang, &run))),
        (screen.t("started"), Cell::Text(at(run.started_at))),
        (screen.t("finished"), Cell::Text(run.finished_at.map_or("—".into(), at))),
        (screen.t("started-by"), by.map_or_else(|| starter(&screen, &run.started_by), Cell::Text)),
        (screen.t("id"), Cell::Code(id.to_string())),
    ];
    let mut sections = vec![Section {
        title: screen.t("run-issued"),
        action: None,
        table: invoices::table(&screen, issued, today),
        empty: screen.t("run-issued-none"),
    }];
    if !faults.is_empty() {
        sections.insert(0, faulty(&screen, faults, &holders));
    }
    let again = (run.status == RunStatus::Running)
        .then(|| Action::go(format!("/billing-runs/{id}"), screen.t("run-look-again")));
    let page = Show {
        frame: &screen.frame,
        up: ("/billing-runs".into(), screen.t("nav-billing-runs")),
        title: screen.frame.t1("run-title", "date", &format::date(lang, run.as_of)),
        lede: screen.t(match run.status {
            RunStatus::Running => "run-lede-running",
            RunStatus::Done => "run-lede-done",
            RunStatus::Failed => "run-lede-failed",
        }),
        actions: again.into_iter().collect(),
        command: None,
        facts,
        sections,
        form: None,
    };
    html(StatusCode::OK, &page)
}

fn starter(screen: &Screen<ViewBilling>, by: &str) -> Cell {
    if by == "system" { Cell::Text(screen.t("by-itself")) } else { Cell::Code(by.to_owned()) }
}

/// The accounts a run could not bill, and why; a run notes them one after another.
fn faults(error: &str) -> Vec<(Option<AccountId>, String)> {
    let mut faults: Vec<(Option<AccountId>, String)> = Vec::new();
    for part in error.split("; ").filter(|part| !part.is_empty()) {
        let account = part.split_once(": ").and_then(|(id, why)| Some((id.parse().ok()?, why)));
        match (account, faults.last_mut()) {
            (Some((id, why)), _) => faults.push((Some(id), why.to_owned())),
            (None, Some((_, why))) => *why = format!("{why}; {part}"),
            (None, None) => faults.push((None, part.to_owned())),
        }
    }
    faults
}

fn faulty(
    screen: &Screen<ViewBilling>,
    faults: Vec<(Option<AccountId>, String)>,
    holders: &HashMap<AccountId, Holder>,
) -> Section {
    let rows = faults.into_iter().map(|(account, why)| {
        let whose = account.and_then(|id| Some((id, holders.get(&id)?)));
        let account = whose.map_or(Cell::Text("—".into()), |(id, holder)| {
            Cell::link(format!("/accounts/{id}"), format!("{} · {}", holder.number, holder.name))
        });
        vec![account, Cell::Text(why)]
    });
    Section {
        title: screen.t("run-faults"),
        action: None,
        table: Table::new(vec![screen.t("account"), screen.t("reason")], rows.collect()),
        empty: String::new(),
    }
}

async fn new(screen: Screen<ManageBilling>) -> Result<Response, Problem> {
    let today = billing::today(&mut screen.read().await?).await?;
    ask_start(&screen, &Fields::of([("as_of", today.to_string())]), None).await
}

async fn ask_start(
    screen: &Screen<ManageBilling>,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let tenant = tenants::tenant(&mut tx).await?;
    let before = billing::runs(&mut tx, NEWEST).await?.into_iter().next();
    let lang = screen.frame.lang;
    let tax = format!("{} {} %", tenant.tax_name, format::number(lang, tenant.tax_rate_percent.normalize()));
    let facts = vec![
        (
            screen.t("run-before"),
            match before {
                Some(run) => Cell::link(format!("/billing-runs/{}", run.id), format::date(lang, run.as_of)),
                None => Cell::Text(screen.t("run-before-none")),
            },
        ),
        (screen.t("nav-taxes"), Cell::link("/tax-rules", tax)),
        (screen.t("payment-terms"), Cell::Text(format::number(lang, tenant.payment_terms_days.into()))),
    ];
    let form = Asking::new(&screen.frame, fields, problem).ask("as_of", "run-up-to", Input::Line("date")).inset(
        String::new(),
        "/billing-runs",
        "runs-start",
    );
    let page = Confirm {
        frame: &screen.frame,
        up: ("/billing-runs".into(), screen.t("nav-billing-runs")),
        title: screen.t("runs-new"),
        lede: screen.t("runs-new-lede"),
        facts,
        sections: Vec::new(),
        form,
        danger: false,
    };
    html(form_status(problem), &page)
}

async fn start(screen: Screen<ManageBilling>, mut fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let started = match fields.read("as_of", "error-date") {
        Some(as_of) => billing::start_run(&mut tx, &RunWish { as_of }).await.map_err(Problem::from),
        None => Err(fields.problem()),
    };
    match started {
        Ok(run) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/billing-runs/{}", run.id), "done-run"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            ask_start(&screen, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn ask_check(screen: Screen<ManageBilling>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let tenant = tenants::tenant(&mut tx).await?;
    let lang = screen.frame.lang;
    let mut facts = vec![(screen.t("grace-days"), Cell::Text(format::number(lang, tenant.grace_days.into())))];
    for owed in billing::owed(&mut tx).await? {
        let count = screen.frame.t1("invoices-count", "count", &format::number(lang, owed.overdue_invoices.into()));
        facts.push((screen.t("overdue"), Cell::Text(format!("{} · {count}", money(lang, owed.overdue)))));
    }
    let filter = InvoiceFilter { status: Some("overdue".into()), ..InvoiceFilter::default() };
    let mut late = billing::invoices(&mut tx, MANY, &filter).await?;
    late.truncate(MANY.limit as usize);
    let late = Section {
        title: screen.t("overdue-invoices"),
        action: None,
        table: invoices::table(&screen, late, billing::today(&mut tx).await?),
        empty: screen.t("overdue-invoices-none"),
    };
    let page = Confirm {
        frame: &screen.frame,
        up: ("/billing-runs".into(), screen.t("nav-billing-runs")),
        title: screen.t("overdue-check"),
        lede: screen.frame.t1("overdue-check-lede", "days", &format::number(lang, tenant.grace_days.into())),
        facts,
        sections: vec![late],
        form: Asking::new(&screen.frame, &Fields::default(), None).inset(
            String::new(),
            "/overdue-checks",
            "overdue-check-do",
        ),
        danger: true,
    };
    html(StatusCode::OK, &page)
}

async fn check(screen: Screen<ManageBilling>) -> Result<Response, Problem> {
    let scope: Scope = screen.scope();
    let checked = dunning::check(&screen.app, &scope).await?;
    Ok(see_counting("/billing-runs", "done-overdue-check", &[checked.placed, checked.released]))
}

#[cfg(test)]
mod tests {
    use super::faults;

    #[test]
    fn each_account_that_could_not_be_billed_keeps_its_reason() {
        let (one, two) = ("acc_0193594bd1e27c3f8a6b5d4e3f2a1b0c", "acc_0193594bd1e27c3f8a6b5d4e3f2a1b0d");
        let found = faults(&format!("{one}: terms overlap; twice; {two}: price is below zero"));
        let reasons: Vec<_> = found.iter().map(|(id, why)| (id.map(|id| id.to_string()), why.as_str())).collect();
        assert_eq!(
            reasons,
            [(Some(one.to_owned()), "terms overlap; twice"), (Some(two.to_owned()), "price is below zero")]
        );
        assert!(faults("").is_empty());
    }
}
