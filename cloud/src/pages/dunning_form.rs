//! `/dunning/policy/edit`: the policy as a form. Steps are added and removed by its own buttons, so it needs no scripts;
//! what a change would do to today's debtors is shown before it is saved.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use weir_rules::money::{Currency, Money};
use weir_ui::blocks::{Cell, Field, Input, Table};
use weir_ui::format;
use weir_ui::pages::{PolicyForm, Section, StepFields};

use super::dunning::{step_cell, step_name};
use super::dunning_policy::when;
use super::{Asking, form_status};
use crate::app::App;
use crate::dunning::{
    self, FeeBody, PolicyBody, PolicyVersion, PolicyWish, Preview, RestDaysName, RetriesBody, StepBody, StepName,
};
use crate::error::{FieldError, Problem};
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::ManageDunning;
use crate::http::toast::see_saying;

/// Steps a form may have; the service allows fewer.
const ROWS: usize = 24;
const RETRIES: [&str; 3] = ["soft", "hard", "needs_customer"];

pub(super) fn routes() -> Router<App> {
    Router::new().route("/dunning/policy/edit", get(edit).post(change))
}

async fn edit(screen: Screen<ManageDunning>) -> Result<Response, Problem> {
    let policy = dunning::policy(&mut screen.read().await?).await?;
    form(&screen, &fields_of(&policy), None, None)
}

async fn change(screen: Screen<ManageDunning>, mut fields: Fields) -> Result<Response, Problem> {
    match fields.text("do").as_str() {
        "add" => {
            add(&mut fields);
            return form(&screen, &fields, None, None);
        }
        "save" => {}
        "preview" => return preview(&screen, fields).await,
        other => {
            if let Some(row) = other.strip_prefix("remove-").and_then(|row| row.parse().ok()) {
                remove(&mut fields, row);
            }
            return form(&screen, &fields, None, None);
        }
    }
    let mut tx = screen.begin().await?;
    let saved = match wish(&mut fields, &screen.currency) {
        Ok(wish) => dunning::save(&mut tx, wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match saved {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying("/dunning/policy", "done-dunning-policy"))
        }
        Err(problem) if is_about_the_form(&problem) => form(&screen, &fields, Some(problem), None),
        Err(problem) => Err(problem),
    }
}

async fn preview(screen: &Screen<ManageDunning>, mut fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let previewed = match wish(&mut fields, &screen.currency) {
        Ok(wish) => dunning::preview(&mut tx, wish.policy).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match previewed {
        Ok(preview) => form(screen, &fields, None, Some(preview)),
        Err(problem) if is_about_the_form(&problem) => form(screen, &fields, Some(problem), None),
        Err(problem) => Err(problem),
    }
}

/// How many steps the form has.
fn rows(fields: &Fields) -> usize {
    (0..ROWS).take_while(|row| !fields.get(&named(*row, "kind")).is_empty()).count()
}

fn named(row: usize, field: &str) -> String {
    format!("step-{row}-{field}")
}

/// What a form asks of a step.
const STEP: [&str; 8] = ["number", "kind", "days", "least", "flat", "percent", "min", "max"];

fn add(fields: &mut Fields) {
    let row = rows(fields);
    if row < ROWS && StepName::from_name(fields.get("new_kind")).is_some() {
        let kind = fields.text("new_kind");
        fields.set(&named(row, "kind"), kind);
    }
}

fn remove(fields: &mut Fields, gone: usize) {
    let last = rows(fields);
    for row in gone..last {
        for field in STEP {
            let next = fields.text(&named(row + 1, field));
            fields.set(&named(row, field), if row + 1 < last { next } else { String::new() });
        }
    }
}

fn fields_of(version: &PolicyVersion) -> Fields {
    let policy = &version.policy;
    let typed = |amount: Option<Money>| amount.map(|amount| amount.amount().to_string()).unwrap_or_default();
    let mut fields = Fields::of([
        ("based_on", version.version.to_string()),
        ("from_hour", policy.from_hour.to_string()),
        ("to_hour", policy.to_hour.to_string()),
        ("rest_days", policy.rest_days.name().to_owned()),
        ("holidays", policy.holidays.iter().map(NaiveDate::to_string).collect::<Vec<_>>().join("\n")),
        ("fee_cap_invoice", typed(policy.fee_cap_invoice)),
        ("fee_cap_year", typed(policy.fee_cap_year)),
    ]);
    for (row, step) in policy.steps.iter().enumerate() {
        let fee = step.fee.as_ref();
        let values = [
            step.number.map(|number| number.to_string()).unwrap_or_default(),
            step.kind.name().to_owned(),
            step.offset_days.to_string(),
            typed(step.minimum_balance),
            typed(fee.map(|fee| fee.flat)),
            fee.map(|fee| fee.percent.normalize().to_string()).unwrap_or_default(),
            typed(fee.and_then(|fee| fee.min)),
            typed(fee.and_then(|fee| fee.max)),
        ];
        for (field, value) in STEP.into_iter().zip(values) {
            fields.set(&named(row, field), value);
        }
    }
    let retries = [&policy.retries.soft, &policy.retries.hard, &policy.retries.needs_customer];
    for (kind, days) in RETRIES.into_iter().zip(retries) {
        let days: Vec<_> = days.iter().map(u16::to_string).collect();
        fields.set(&format!("retries_{kind}"), days.join(", "));
    }
    fields
}

fn wish(fields: &mut Fields, currency: &str) -> Result<PolicyWish, Problem> {
    let currency = Currency::from_code(currency).map_err(|error| Problem::internal(&error))?;
    let steps = (0..rows(fields)).filter_map(|row| step(fields, row, currency)).collect();
    let holidays = holidays(fields);
    let (fee_cap_invoice, fee_cap_year) =
        (amount(fields, "fee_cap_invoice", currency), amount(fields, "fee_cap_year", currency));
    let [soft, hard, needs_customer] = RETRIES.map(|kind| days(fields, &format!("retries_{kind}")));
    let policy = PolicyBody {
        steps,
        from_hour: fields.read("from_hour", "error-number").unwrap_or(0),
        to_hour: fields.read("to_hour", "error-number").unwrap_or(24),
        rest_days: RestDaysName::from_name(fields.get("rest_days")).unwrap_or_default(),
        holidays,
        fee_cap_invoice,
        fee_cap_year,
        retries: RetriesBody { soft, hard, needs_customer },
    };
    let based_on = fields.read("based_on", "error-number").unwrap_or(0);
    let problem = fields.problem();
    if problem.errors.is_empty() { Ok(PolicyWish { policy, based_on }) } else { Err(problem) }
}

fn step(fields: &mut Fields, row: usize, currency: Currency) -> Option<StepBody> {
    let kind = StepName::from_name(fields.get(&named(row, "kind")));
    let number = fields.read_option(&named(row, "number"), "error-number");
    let offset_days = fields.read(&named(row, "days"), "error-number");
    let minimum_balance = amount(fields, &named(row, "least"), currency);
    let fee = (kind == Some(StepName::LateFee)).then(|| FeeBody {
        flat: amount(fields, &named(row, "flat"), currency).unwrap_or(Money::zero(currency)),
        percent: fields.read_option(&named(row, "percent"), "error-number").unwrap_or(Decimal::ZERO),
        min: amount(fields, &named(row, "min"), currency),
        max: amount(fields, &named(row, "max"), currency),
    });
    if kind.is_none() {
        fields.refuse(&named(row, "kind"), "error-choose");
    }
    Some(StepBody { number, kind: kind?, offset_days: offset_days?, minimum_balance, fee })
}

fn amount(fields: &mut Fields, name: &str, currency: Currency) -> Option<Money> {
    let text = fields.option(name)?;
    let amount = Money::parse(&text, currency).ok();
    if amount.is_none() {
        fields.refuse(name, "error-amount");
    }
    amount
}

fn holidays(fields: &mut Fields) -> Vec<NaiveDate> {
    let text = fields.text("holidays");
    let days: Vec<Option<NaiveDate>> = text.split_whitespace().map(|day| day.parse().ok()).collect();
    if days.iter().any(Option::is_none) {
        fields.refuse("holidays", "error-date");
    }
    days.into_iter().flatten().collect()
}

fn days(fields: &mut Fields, name: &str) -> Vec<u16> {
    let text = fields.text(name);
    let days = text.split([',', ' ']).filter(|day| !day.is_empty()).map(|day| day.parse().ok());
    let days: Vec<Option<u16>> = days.collect();
    if days.iter().any(Option::is_none) {
        fields.refuse(name, "error-number");
    }
    days.into_iter().flatten().collect()
}

/// The problem's fields as the form names them.
fn renamed(problem: Problem) -> Problem {
    let rename = |error: FieldError| {
        let Some(rest) = error.field.strip_prefix("policy.") else { return error };
        let parts: Vec<_> = rest.split('.').collect();
        let field = match parts.as_slice() {
            ["steps", row, "offset_days"] => format!("step-{row}-days"),
            ["steps", row, "minimum_balance"] => format!("step-{row}-least"),
            ["steps", row, "fee"] => format!("step-{row}-flat"),
            ["steps", row, "fee", field] => format!("step-{row}-{field}"),
            ["steps", row, "kind" | "number"] => format!("step-{row}-days"),
            ["retries", kind] => format!("retries_{kind}"),
            _ => rest.to_owned(),
        };
        FieldError { field, ..error }
    };
    Problem { errors: problem.errors.into_iter().map(rename).collect(), ..problem }
}

fn form(
    screen: &Screen<ManageDunning>,
    fields: &Fields,
    problem: Option<Problem>,
    preview: Option<Preview>,
) -> Result<Response, Problem> {
    let problem = problem.map(renamed);
    let problem = problem.as_ref();
    let asking = || Asking::new(&screen.frame, fields, problem);
    let kinds = StepName::ALL.map(|kind| (kind.name().to_owned(), step_name(&screen.frame, kind))).to_vec();
    let add = asking().ask("new_kind", "dunning-step", Input::Choice(kinds)).asked.remove(0);
    let told = problem.map_or(String::new(), |problem| match problem.errors.as_slice() {
        [] => asking().told_of(problem),
        errors if errors.iter().any(|error| error.field == "steps") => problem.detail.clone(),
        _ => screen.t("error-form"),
    });
    let page = PolicyForm {
        frame: &screen.frame,
        up: ("/dunning/policy".into(), screen.t("dunning-policy")),
        title: screen.t("dunning-edit"),
        lede: screen.t("dunning-edit-lede"),
        action: "/dunning/policy/edit".into(),
        problem: told,
        steps: (0..rows(fields)).map(|row| step_fields(screen, fields, problem, row)).collect(),
        add,
        parts: parts(screen, fields, problem),
        preview: preview.map(|preview| shown(screen, preview)),
    };
    let status = if problem.is_some() { form_status(problem) } else { StatusCode::OK };
    html(status, &page)
}

fn step_fields(screen: &Screen<ManageDunning>, fields: &Fields, problem: Option<&Problem>, row: usize) -> StepFields {
    let kind = StepName::from_name(fields.get(&named(row, "kind")));
    let in_currency = |key: &str| screen.frame.t1(key, "currency", &screen.currency);
    let mut asked = Asking::new(&screen.frame, fields, problem)
        .ask(named(row, "number"), "id", Input::Hidden)
        .ask(named(row, "kind"), "dunning-step", Input::Hidden)
        .ask(named(row, "days"), "dunning-days", Input::Line("number"))
        .ask_in(named(row, "least"), in_currency("dunning-least-in"), String::new(), Input::Line("text"));
    if kind == Some(StepName::LateFee) {
        asked = asked
            .ask_in(named(row, "flat"), in_currency("dunning-flat-in"), String::new(), Input::Line("text"))
            .ask(named(row, "percent"), "dunning-percent", Input::Line("text"))
            .ask_in(named(row, "min"), in_currency("dunning-min-in"), String::new(), Input::Line("text"))
            .ask_in(named(row, "max"), in_currency("dunning-max-in"), String::new(), Input::Line("text"));
    }
    let name = kind.map_or_else(String::new, |kind| step_name(&screen.frame, kind));
    StepFields {
        title: format!("{} · {name}", row + 1),
        fields: asked.asked,
        remove: format!("remove-{row}"),
        remove_text: screen.frame.t1("dunning-remove-step", "number", &(row + 1).to_string()),
    }
}

fn parts(screen: &Screen<ManageDunning>, fields: &Fields, problem: Option<&Problem>) -> Vec<(String, Vec<Field>)> {
    let asking = || Asking::new(&screen.frame, fields, problem);
    let in_currency = |key: &str| screen.frame.t1(key, "currency", &screen.currency);
    let rest = RestDaysName::ALL
        .map(|days| (days.name().to_owned(), screen.t(&format!("dunning-rest-{}", days.name()))))
        .to_vec();
    let hours = asking()
        .ask("from_hour", "dunning-from-hour", Input::Line("number"))
        .ask("to_hour", "dunning-to-hour", Input::Line("number"))
        .ask("rest_days", "dunning-rest-days", Input::Choice(rest))
        .ask("holidays", "dunning-holidays", Input::Lines)
        .ask("based_on", "version", Input::Hidden);
    let caps = asking()
        .ask_in("fee_cap_invoice", in_currency("dunning-cap-invoice-in"), String::new(), Input::Line("text"))
        .ask_in("fee_cap_year", in_currency("dunning-cap-year-in"), String::new(), Input::Line("text"));
    let retries = RETRIES.into_iter().fold(asking(), |asking, kind| {
        asking.ask(format!("retries_{kind}"), &format!("dunning-retries-{kind}"), Input::Line("text"))
    });
    vec![
        (screen.t("dunning-hours"), hours.asked),
        (screen.t("dunning-caps"), caps.asked),
        (screen.t("dunning-retries"), retries.asked),
    ]
}

fn shown(screen: &Screen<ManageDunning>, preview: Preview) -> Section {
    let lang = screen.frame.lang;
    let count = |some: u32| Cell::Number(format::number(lang, some.into()));
    let rows = preview.steps.into_iter().map(|step| {
        vec![
            step_cell(&screen.frame, step.kind),
            Cell::Text(when(&screen.frame, step.offset_days)),
            count(step.at_once),
            count(step.after),
            count(step.before),
        ]
    });
    let names = ["dunning-step", "when", "dunning-at-once", "dunning-with", "dunning-without"].map(|key| screen.t(key));
    let relieved = format::number(lang, preview.relieved.into());
    Section {
        title: screen.frame.t1("dunning-preview-title", "count", &relieved),
        action: None,
        table: Table::new(names.to_vec(), rows.collect()),
        empty: screen.t("dunning-steps-none"),
    }
}
