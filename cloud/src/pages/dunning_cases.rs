//! `/dunning-cases/{id}`: what was done about one unpaid due day, what was promised, what is next.

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use weir_rules::money::{Currency, Money};
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::pages::{Form, Inset, Section, Show};
use weir_ui::{format, i18n};

use super::dunning::{step_cell, step_name, why};
use super::{Asking, form_status, money};
use crate::app::App;
use crate::db::TenantTx;
use crate::dunning::{self, Case, PauseWish, Promise, PromiseStatus, PromiseWish, WaiveWish};
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::{ManageDunning, Needs, ViewDunning};
use crate::http::toast::see_saying;
use crate::ids::{DunningCaseId, LateFeeId};
use crate::{access, subscribers};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/dunning-cases/{id}", get(show))
        .route("/dunning-cases/{id}/promises", post(promise))
        .route("/dunning-cases/{id}/pause", get(ask_pause).post(pause))
        .route("/dunning-cases/{id}/resume", post(resume))
        .route("/dunning-cases/{id}/waive", get(ask_waive).post(waive))
}

async fn show(screen: Screen<ViewDunning>, ApiPath(id): ApiPath<DunningCaseId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let case = dunning::case(&mut tx, id).await?;
    page(&screen, &mut tx, case, None).await
}

async fn page<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    case: Case,
    refused: Option<(&Fields, &Problem)>,
) -> Result<Response, Problem> {
    let account = subscribers::account(tx, case.summary.account_id).await?;
    let subscriber = subscribers::subscriber(tx, account.subscriber_id).await?;
    let lang = screen.frame.lang;
    let due = format::date(lang, case.summary.due_on);
    let open = case.summary.closed_at.is_none();
    let instant = |at| Cell::Text(format::instant(lang, at, screen.zone));
    let mut facts = vec![
        (screen.t("status"), status(screen, &case)),
        (screen.t("subscriber"), Cell::link(format!("/subscribers/{}", subscriber.id), &subscriber.name)),
        (screen.t("account"), Cell::link(format!("/accounts/{}", account.id), &account.number)),
        (screen.t("overdue"), Cell::Text(money(lang, case.balance))),
        (screen.t("dunning-due-since"), Cell::Text(due.clone())),
        (screen.t("dunning-opened"), instant(case.summary.opened_at)),
    ];
    match case.summary.closed_at {
        Some(at) => facts.push((screen.t("dunning-closed"), instant(at))),
        None => facts.push((screen.t("dunning-next"), Cell::Text(next(screen, &case)))),
    }
    facts.push((screen.t("id"), Cell::Code(case.summary.id.to_string())));
    let manage = open && screen.may::<ManageDunning>();
    let page = Show {
        frame: &screen.frame,
        up: (format!("/accounts/{}", account.id), account.number.clone()),
        title: screen.frame.t1("dunning-case-title", "name", &subscriber.name),
        lede: screen.frame.t1(if open { "dunning-case-lede" } else { "dunning-case-lede-closed" }, "date", &due),
        actions: actions(screen, &case),
        command: None,
        facts,
        sections: vec![steps(screen, &case), fees(screen, &case), promises(screen, tx, &case).await?],
        form: manage.then(|| match refused {
            Some((fields, problem)) => inset(screen, &case, fields, Some(problem)),
            None => inset(screen, &case, &fields(&case), None),
        }),
    };
    html(form_status(refused.map(|(_, problem)| problem)), &page)
}

fn status<P: Needs>(screen: &Screen<P>, case: &Case) -> Cell {
    let running = case.promises.first().is_some_and(|promise| promise.status == PromiseStatus::Running);
    match () {
        () if case.summary.closed_at.is_some() => Cell::status(Tone::Ok, screen.t("dunning-status-closed")),
        () if running => Cell::status(Tone::Warn, screen.t("dunning-status-promised")),
        () if case.paused_until.is_some() => Cell::status(Tone::Mute, screen.t("dunning-status-paused")),
        () => Cell::status(Tone::Bad, screen.t("dunning-status-open")),
    }
}

/// What will be done next, when and why.
pub(super) fn next<P: Needs>(screen: &Screen<P>, case: &Case) -> String {
    let Some(next) = &case.next else { return screen.t("dunning-next-none") };
    let (day, step) = (format::date(screen.frame.lang, next.on), step_name(&screen.frame, next.kind));
    format!("{day} · {step} · {}", why(screen, next))
}

fn actions<P: Needs>(screen: &Screen<P>, case: &Case) -> Vec<Action> {
    let own = format!("/dunning-cases/{}", case.summary.id);
    let mut actions = Vec::new();
    if !screen.may::<ManageDunning>() {
        return actions;
    }
    if case.summary.closed_at.is_none() {
        match case.paused_until {
            Some(_) => actions.push(Action::post(format!("{own}/resume"), screen.t("dunning-resume"))),
            None => actions.push(Action::go(format!("{own}/pause"), screen.t("dunning-pause"))),
        }
    }
    if case.late_fees.iter().any(|fee| fee.fee_invoice_id.is_some() && fee.credit_note_id.is_none()) {
        actions.push(Action::go(format!("{own}/waive"), screen.t("dunning-waive")));
    }
    actions
}

/// The steps a case is done with.
pub(super) fn steps<P: Needs>(screen: &Screen<P>, case: &Case) -> Section {
    let lang = screen.frame.lang;
    let rows = case.steps.iter().map(|step| {
        let done = if step.overtaken { "dunning-overtaken" } else { "dunning-done" };
        vec![
            step_cell(&screen.frame, step.kind),
            Cell::Text(screen.t(done)),
            Cell::Number(format::instant(lang, step.done_at, screen.zone)),
            Cell::Number(money(lang, step.balance)),
        ]
    });
    let names = ["dunning-step", "status", "when", "dunning-owed"].map(|key| screen.t(key));
    Section {
        title: screen.t("dunning-steps-done"),
        action: None,
        table: Table::new(names.to_vec(), rows.collect()),
        empty: screen.t("dunning-steps-done-none"),
    }
}

fn fees<P: Needs>(screen: &Screen<P>, case: &Case) -> Section {
    let lang = screen.frame.lang;
    let rows = case.late_fees.iter().map(|fee| {
        let document = match (fee.fee_invoice_id, &fee.fee_number) {
            (Some(id), Some(number)) => Cell::link(format!("/invoices/{id}"), number),
            _ => Cell::Text(screen.t("dunning-fee-capped")),
        };
        let status = match fee.credit_note_id {
            Some(credit) => Cell::link(format!("/credit-notes/{credit}"), screen.t("dunning-waived")),
            None => Cell::Text(String::new()),
        };
        vec![
            Cell::link(format!("/invoices/{}", fee.invoice_id), &fee.number),
            document,
            Cell::Number(format::date(lang, fee.charged_on)),
            Cell::Number(money(lang, fee.amount)),
            status,
        ]
    });
    let names = ["invoice", "dunning-step-late_fee", "when", "amount", "status"].map(|key| screen.t(key));
    Section {
        title: screen.t("dunning-fees"),
        action: None,
        table: Table::new(names.to_vec(), rows.collect()),
        empty: screen.t("dunning-fees-none"),
    }
}

async fn promises<P: Needs>(screen: &Screen<P>, tx: &mut TenantTx, case: &Case) -> Result<Section, Problem> {
    let lang = screen.frame.lang;
    let mut rows = Vec::new();
    for one in &case.promises {
        let by = access::name_of(tx, &one.promised_by).await?;
        rows.push(vec![
            promise_status(screen, one),
            Cell::Text(format::date(lang, one.promised_on)),
            Cell::Text(one.note.clone()),
            by.map_or(Cell::Code(one.promised_by.clone()), Cell::Text),
            Cell::Number(format::instant(lang, one.promised_at, screen.zone)),
            Cell::Number(money(lang, one.amount)),
        ]);
    }
    for one in &case.pauses {
        let by = access::name_of(tx, &one.paused_by).await?;
        let until = one.until_on.map_or("—".into(), |day| format::date(lang, day));
        let word = if one.until_on.is_some() { "dunning-paused" } else { "dunning-resumed" };
        rows.push(vec![
            Cell::status(Tone::Mute, screen.t(word)),
            Cell::Text(until),
            Cell::Text(one.reason.clone()),
            by.map_or(Cell::Code(one.paused_by.clone()), Cell::Text),
            Cell::Number(format::instant(lang, one.paused_at, screen.zone)),
            Cell::Number("—".into()),
        ]);
    }
    let names = ["status", "dunning-until", "dunning-note", "recorded-by", "when", "amount"].map(|key| screen.t(key));
    Ok(Section {
        title: screen.t("dunning-promises"),
        action: None,
        table: Table::new(names.to_vec(), rows),
        empty: screen.t("dunning-promises-none"),
    })
}

fn promise_status<P: Needs>(screen: &Screen<P>, promise: &Promise) -> Cell {
    let tone = match promise.status {
        PromiseStatus::Kept => Tone::Ok,
        PromiseStatus::Running => Tone::Warn,
        PromiseStatus::Broken => Tone::Bad,
        PromiseStatus::Replaced => Tone::Mute,
    };
    Cell::status(tone, screen.t(&format!("dunning-promise-{}", promise.status.name())))
}

/// The promise form as it is first shown: all that is past its due date.
pub(super) fn fields(case: &Case) -> Fields {
    let amount = if case.balance.is_positive() { case.balance.amount().to_string() } else { String::new() };
    Fields::of([("amount", amount), ("currency", case.balance.currency().code().to_owned())])
}

/// The form that notes a promise to pay.
pub(super) fn inset<P: Needs>(screen: &Screen<P>, case: &Case, fields: &Fields, problem: Option<&Problem>) -> Inset {
    let label = screen.frame.t1("amount-in", "currency", fields.get("currency"));
    Asking::new(&screen.frame, fields, problem)
        .ask_in("amount", label, String::new(), Input::Line("text"))
        .ask("promised_on", "dunning-promised-on", Input::Line("date"))
        .ask("note", "dunning-note", Input::Line("text"))
        .ask("currency", "currency", Input::Hidden)
        .inset(
            screen.t("dunning-promise-title"),
            format!("/dunning-cases/{}/promises", case.summary.id),
            "dunning-promise",
        )
}

async fn promise(
    screen: Screen<ManageDunning>,
    ApiPath(id): ApiPath<DunningCaseId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let case = dunning::case(&mut tx, id).await?;
    let noted = match promise_wish(&mut fields, case.balance.currency()) {
        Ok(wish) => dunning::promise(&mut tx, id, &wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match noted {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/dunning-cases/{id}"), "done-dunning-promise"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            let mut tx = screen.read().await?;
            let case = dunning::case(&mut tx, id).await?;
            page(&screen, &mut tx, case, Some((&fields, &problem))).await
        }
        Err(problem) => Err(problem),
    }
}

fn promise_wish(fields: &mut Fields, currency: Currency) -> Result<PromiseWish, Problem> {
    let promised_on = fields.read("promised_on", "error-date");
    let amount = Money::parse(fields.get("amount"), currency).ok();
    if amount.is_none() {
        fields.refuse("amount", "error-amount");
    }
    match (amount, promised_on) {
        (Some(amount), Some(promised_on)) => Ok(PromiseWish { amount, promised_on, note: fields.text("note") }),
        _ => Err(fields.problem()),
    }
}

/// A form about a case.
async fn about_case(
    screen: &Screen<ManageDunning>,
    case: &Case,
    (title, lede): (&str, &str),
    form: Inset,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let account = subscribers::account(&mut tx, case.summary.account_id).await?;
    let subscriber = subscribers::subscriber(&mut tx, account.subscriber_id).await?;
    let page = Form {
        frame: &screen.frame,
        up: (
            format!("/dunning-cases/{}", case.summary.id),
            screen.frame.t1("dunning-case-title", "name", &subscriber.name),
        ),
        title: screen.t(title),
        lede: screen.t(lede),
        form,
    };
    html(form_status(problem), &page)
}

async fn ask_pause(screen: Screen<ManageDunning>, ApiPath(id): ApiPath<DunningCaseId>) -> Result<Response, Problem> {
    let case = dunning::case(&mut screen.read().await?, id).await?;
    pause_form(&screen, &case, &Fields::default(), None).await
}

async fn pause_form(
    screen: &Screen<ManageDunning>,
    case: &Case,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let form = Asking::new(&screen.frame, fields, problem)
        .ask("until_on", "dunning-until", Input::Line("date"))
        .ask("reason", "reason", Input::Line("text"))
        .inset(String::new(), format!("/dunning-cases/{}/pause", case.summary.id), "dunning-pause");
    about_case(screen, case, ("dunning-pause", "dunning-pause-lede"), form, problem).await
}

async fn pause(
    screen: Screen<ManageDunning>,
    ApiPath(id): ApiPath<DunningCaseId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let case = dunning::case(&mut tx, id).await?;
    let paused = match fields.read("until_on", "error-date") {
        Some(until_on) => {
            let wish = PauseWish { until_on, reason: fields.text("reason") };
            dunning::pause(&mut tx, id, &wish).await.map_err(Problem::from)
        }
        None => Err(fields.problem()),
    };
    match paused {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/dunning-cases/{id}"), "done-dunning-paused"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            pause_form(&screen, &case, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn resume(screen: Screen<ManageDunning>, ApiPath(id): ApiPath<DunningCaseId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    dunning::resume(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/dunning-cases/{id}"), "done-dunning-resumed"))
}

async fn ask_waive(screen: Screen<ManageDunning>, ApiPath(id): ApiPath<DunningCaseId>) -> Result<Response, Problem> {
    let case = dunning::case(&mut screen.read().await?, id).await?;
    waive_form(&screen, &case, &Fields::default(), None).await
}

async fn waive_form(
    screen: &Screen<ManageDunning>,
    case: &Case,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let lang = screen.frame.lang;
    let left = case.late_fees.iter().filter(|fee| fee.fee_invoice_id.is_some() && fee.credit_note_id.is_none());
    let choices = left.map(|fee| {
        let (amount, number) = (money(lang, fee.amount), fee.fee_number.clone().unwrap_or_default());
        let words = i18n::t(lang, "dunning-fee-choice", &[("number", &number), ("amount", &amount)]);
        (fee.id.to_string(), words)
    });
    let form = Asking::new(&screen.frame, fields, problem)
        .ask("late_fee", "dunning-step-late_fee", Input::Choice(choices.collect()))
        .ask("reason", "reason", Input::Line("text"))
        .inset(String::new(), format!("/dunning-cases/{}/waive", case.summary.id), "dunning-waive");
    about_case(screen, case, ("dunning-waive", "dunning-waive-lede"), form, problem).await
}

async fn waive(
    screen: Screen<ManageDunning>,
    ApiPath(id): ApiPath<DunningCaseId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let case = dunning::case(&mut tx, id).await?;
    let fee = fields.read::<LateFeeId>("late_fee", "error-choose");
    let fee = fee.filter(|fee| case.late_fees.iter().any(|own| own.id == *fee));
    let waived = match fee {
        Some(fee) => {
            dunning::waive(&mut tx, fee, &WaiveWish { reason: fields.text("reason") }).await.map_err(Problem::from)
        }
        None => {
            fields.refuse("late_fee", "error-choose");
            Err(fields.problem())
        }
    };
    match waived {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/dunning-cases/{id}"), "done-dunning-waived"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            waive_form(&screen, &case, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}
