//! `/settings/support`: working hours, promises, plans that matter more, and where e-mail comes in.

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::{NaiveDate, NaiveTime, Timelike};
use rust_decimal::Decimal;
use weir_rules::support::hours::MIDNIGHT;
use weir_rules::support::priority::{PlanWeight, Priority};
use weir_ui::blocks::{Action, Cell, Confirm, Input, Table};
use weir_ui::format;
use weir_ui::pages::{Form, Section, Show};

use super::tickets::choices;
use super::{Asking, MANY, form_status};
use crate::app::App;
use crate::catalog;
use crate::error::Problem;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::{ManageSettings, Needs, ViewSettings};
use crate::http::toast::see_saying;
use crate::ids::PlanId;
use crate::tickets::mail::{self, MailboxWish};
use crate::tickets::policy::{self, Holiday, Hours, SupportPolicy, Target, WEEKDAYS};

/// Names of the fields of each weekday, Monday first: from, until.
const TIMES: [(&str, &str); 7] = [
    ("monday_opens", "monday_closes"),
    ("tuesday_opens", "tuesday_closes"),
    ("wednesday_opens", "wednesday_closes"),
    ("thursday_opens", "thursday_closes"),
    ("friday_opens", "friday_closes"),
    ("saturday_opens", "saturday_closes"),
    ("sunday_opens", "sunday_closes"),
];
/// Names of the fields of each priority, the most urgent first: first answer, solution.
const TARGETS: [(Priority, &str, &str); 4] = [
    (Priority::Urgent, "urgent_first", "urgent_solve"),
    (Priority::High, "high_first", "high_solve"),
    (Priority::Normal, "normal_first", "normal_solve"),
    (Priority::Low, "low_first", "low_solve"),
];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/settings/support", get(show))
        .route("/settings/support/policy", get(edit).post(change))
        .route("/settings/support/plans", get(plans).post(weigh))
        .route("/settings/support/mailbox", get(mailbox).post(make))
        .route("/settings/support/mailbox/close", post(close))
}

fn clock(minute: i16) -> String {
    format!("{:02}:{:02}", minute / 60 % 24, minute % 60)
}

/// Hours without needless zeros.
fn hours(minutes: i32) -> String {
    weir_rules::money::round_half_up(Decimal::from(minutes) / Decimal::from(60), 2).normalize().to_string()
}

async fn show(screen: Screen<ViewSettings>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let policy = policy::policy(&mut tx).await?;
    let mailbox = mail::mailbox(&mut tx).await?;
    let manages = screen.may::<ManageSettings>();
    let go = |path: &str, key: &str| Action::go(format!("/settings/support/{path}"), screen.t(key));
    let mut actions = Vec::new();
    if manages {
        actions.push(go("policy", "support-change"));
    }
    actions.extend([go("plans", "support-plans"), go("mailbox", "support-mail")]);
    let facts = vec![
        (screen.t("support-reopen"), Cell::Text(policy.reopen_days.to_string())),
        (
            screen.t("support-mail"),
            Cell::Text(mailbox.map_or_else(|| screen.t("support-mail-none"), |mailbox| mailbox.address)),
        ),
    ];
    let page = Show {
        frame: &screen.frame,
        up: ("/settings".into(), screen.t("nav-settings")),
        title: screen.t("support"),
        lede: screen.t("support-lede"),
        actions,
        command: None,
        facts,
        sections: sections(&screen, &policy),
        form: None,
    };
    html(form_status(None), &page)
}

fn sections(screen: &Screen<ViewSettings>, policy: &SupportPolicy) -> Vec<Section> {
    let week = WEEKDAYS.iter().zip(&policy.week).map(|(day, hours)| {
        let told = hours.map(|hours| format!("{} – {}", clock(hours.opens_minute), clock(hours.closes_minute)));
        vec![
            Cell::Text(screen.t(&format!("support-{day}"))),
            Cell::Text(told.unwrap_or_else(|| screen.t("support-free"))),
        ]
    });
    let targets = TARGETS.map(|(priority, _, _)| {
        let target = policy.target(priority);
        let told = |minutes| Cell::Number(screen.frame.t1("support-target", "hours", &hours(minutes)));
        vec![
            Cell::Text(screen.t(&format!("ticket-priority-{}", priority.name()))),
            told(target.first_response_minutes),
            told(target.resolution_minutes),
        ]
    });
    let holidays = policy
        .holidays
        .iter()
        .map(|holiday| vec![Cell::Text(format::date(screen.frame.lang, holiday.on)), Cell::Text(holiday.name.clone())]);
    let part = |key: &str, names: &[&str], rows: Vec<Vec<Cell>>| Section {
        title: screen.t(key),
        action: None,
        table: Table::new(names.iter().map(|key| screen.t(key)).collect(), rows),
        empty: screen.t("support-holidays-none"),
    };
    vec![
        part("support-targets", &["ticket-priority", "ticket-response", "ticket-resolution"], targets.into()),
        part("support-hours", &["support-day", "support-hours"], week.collect()),
        part("support-holidays", &["support-day", "name"], holidays.collect()),
    ]
}

async fn edit(screen: Screen<ManageSettings>) -> Result<Response, Problem> {
    let policy = policy::policy(&mut screen.read().await?).await?;
    let mut fields = Fields::of([("reopen_days", policy.reopen_days.to_string())]);
    for ((opens, closes), hours) in TIMES.iter().zip(&policy.week) {
        if let Some(hours) = hours {
            fields.set(opens, clock(hours.opens_minute));
            fields.set(closes, clock(hours.closes_minute));
        }
    }
    for (priority, first, solve) in TARGETS {
        let target = policy.target(priority);
        fields.set(first, hours(target.first_response_minutes));
        fields.set(solve, hours(target.resolution_minutes));
    }
    let lines = policy.holidays.iter().map(|holiday| format!("{} {}", holiday.on, holiday.name).trim().to_owned());
    fields.set("holidays", lines.collect::<Vec<_>>().join("\n"));
    form(&screen, &fields, None)
}

fn form(screen: &Screen<ManageSettings>, fields: &Fields, problem: Option<&Problem>) -> Result<Response, Problem> {
    let frame = &screen.frame;
    let mut asked = Asking::new(frame, fields, problem);
    asked = asked.part_in(screen.t("support-targets"), screen.t("support-target-hint"));
    for (priority, first, solve) in TARGETS {
        let name = screen.t(&format!("ticket-priority-{}", priority.name()));
        for (field, key) in [(first, "support-first"), (solve, "support-solve")] {
            let label = frame.t1(key, "priority", &name);
            asked = asked.ask_in(field, label, String::new(), Input::Line("text"));
        }
    }
    asked = asked.part_in(screen.t("support-hours"), screen.t("support-times-hint"));
    for ((opens, closes), day) in TIMES.into_iter().zip(WEEKDAYS) {
        let day = screen.t(&format!("support-{day}"));
        asked = asked.ask_in(opens, frame.t1("support-opens", "day", &day), String::new(), Input::Line("time"));
        asked = asked.ask_in(closes, frame.t1("support-closes", "day", &day), String::new(), Input::Line("time"));
    }
    let asked = asked.part("support-further").ask("holidays", "support-holidays", Input::Lines).ask(
        "reopen_days",
        "support-reopen",
        Input::Line("number"),
    );
    let page = Form {
        frame,
        up: ("/settings/support".into(), screen.t("support")),
        title: screen.t("support-change"),
        lede: screen.t("support-hours-lede"),
        form: asked.inset(String::new(), "/settings/support/policy", "save"),
    };
    html(form_status(problem), &page)
}

async fn change(screen: Screen<ManageSettings>, mut fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let changed = match wish(&mut fields) {
        Ok(wish) => policy::change_policy(&mut tx, wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match changed {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying("/settings/support", "done-saved"))
        }
        Err(mut problem) if is_about_the_form(&problem) => {
            problem.errors.iter_mut().for_each(called_as_asked);
            form(&screen, &fields, Some(&problem))
        }
        Err(problem) => Err(problem),
    }
}

/// The form asks for parts of the policy one by one.
fn called_as_asked(error: &mut crate::error::FieldError) {
    let parts: Vec<_> = error.field.split('.').collect();
    let named = match parts[..] {
        ["week"] => Some(TIMES[0].0.to_owned()),
        ["week", n] => n.parse::<usize>().ok().and_then(|n| TIMES.get(n)).map(|times| times.1.to_owned()),
        ["targets", priority, "first_response_minutes"] => Some(format!("{priority}_first")),
        ["targets", priority, _] => Some(format!("{priority}_solve")),
        _ => None,
    };
    if let Some(named) = named {
        error.field = named;
    }
}

fn wish(fields: &mut Fields) -> Result<SupportPolicy, Problem> {
    let week = TIMES.into_iter().map(|(opens, closes)| hours_of(fields, opens, closes)).collect();
    let targets = TARGETS.map(|(priority, first, solve)| Target {
        priority,
        first_response_minutes: minutes_of(fields, first),
        resolution_minutes: minutes_of(fields, solve),
    });
    let mut holidays = Vec::new();
    for line in fields.text("holidays").lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (day, name) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match day.parse::<NaiveDate>() {
            Ok(on) => holidays.push(Holiday { on, name: name.trim().to_owned() }),
            Err(_) => fields.refuse("holidays", "support-holidays-wrong"),
        }
    }
    let reopen_days = fields.read("reopen_days", "error-number").unwrap_or_default();
    let problem = fields.problem();
    if problem.errors.is_empty() {
        Ok(SupportPolicy { reopen_days, week, holidays, targets: targets.into() })
    } else {
        Err(problem)
    }
}

fn hours_of(fields: &mut Fields, opens: &str, closes: &str) -> Option<Hours> {
    let minute = |fields: &mut Fields, name: &str| -> Option<i16> {
        let time = fields.read_option::<NaiveTime>(name, "error-hours")?;
        i16::try_from(time.hour() * 60 + time.minute()).ok()
    };
    let (opens_minute, closes_minute) = (minute(fields, opens), minute(fields, closes));
    match (opens_minute, closes_minute) {
        // The end of a day is the beginning of the next.
        (Some(opens_minute), Some(0)) => Some(Hours { opens_minute, closes_minute: MIDNIGHT as i16 }),
        (Some(opens_minute), Some(closes_minute)) => Some(Hours { opens_minute, closes_minute }),
        (None, None) => None,
        _ => {
            fields.refuse(closes, "error-hours");
            None
        }
    }
}

fn minutes_of(fields: &mut Fields, name: &str) -> i32 {
    let minutes = fields.read::<Decimal>(name, "error-target").and_then(|hours| hours.checked_mul(Decimal::from(60)));
    let whole = minutes
        .map(|minutes| weir_rules::money::round_half_up(minutes, 0))
        .and_then(|minutes| i32::try_from(minutes).ok());
    match whole {
        Some(minutes) if minutes > 0 => minutes,
        _ => {
            fields.refuse(name, "error-target");
            1
        }
    }
}

async fn plans(screen: Screen<ViewSettings>) -> Result<Response, Problem> {
    plans_form(&screen, &Fields::default(), None).await
}

async fn plans_form<P: Needs>(
    screen: &Screen<P>,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let weights = policy::plan_weights(&mut tx).await?;
    let plans = catalog::plans(&mut tx, MANY).await?;
    let rows = plans.iter().filter_map(|plan| {
        let weight = weights.get(&plan.id)?;
        let told = screen.t(&format!("support-weight-{}", weight.name()));
        Some(vec![Cell::link(format!("/plans/{}", plan.id), &plan.name), Cell::Text(told)])
    });
    let table = Table::new(vec![screen.t("plan"), screen.t("support-weight")], rows.collect());
    let weighed =
        Section { title: screen.t("support-plans"), action: None, table, empty: screen.t("support-plans-empty") };
    let named = plans.into_iter().map(|plan| (plan.id.to_string(), plan.name)).collect();
    let form = Asking::new(&screen.frame, fields, problem)
        .ask("plan_id", "plan", Input::Choice(named))
        .ask("weight", "support-weight", choices(screen, "support-weight", PlanWeight::ALL.map(PlanWeight::name)))
        .inset(screen.t("support-weigh"), "/settings/support/plans", "support-weigh");
    let page = Show {
        frame: &screen.frame,
        up: ("/settings/support".into(), screen.t("support")),
        title: screen.t("support-plans"),
        lede: screen.t("support-plans-lede"),
        actions: Vec::new(),
        command: None,
        facts: Vec::new(),
        sections: vec![weighed],
        form: screen.may::<ManageSettings>().then_some(form),
    };
    html(form_status(problem), &page)
}

async fn weigh(screen: Screen<ManageSettings>, mut fields: Fields) -> Result<Response, Problem> {
    let weight = PlanWeight::from_name(fields.get("weight"));
    if weight.is_none() {
        fields.refuse("weight", "error-choose");
    }
    let plan = fields.read::<PlanId>("plan_id", "error-choose");
    let (Some(plan), Some(weight)) = (plan, weight) else {
        let problem = fields.problem();
        return plans_form(&screen, &fields, Some(&problem)).await;
    };
    let mut tx = screen.begin().await?;
    policy::weigh_plan(&mut tx, plan, weight).await?;
    tx.commit().await?;
    Ok(see_saying("/settings/support/plans", "done-saved"))
}

async fn mailbox(screen: Screen<ViewSettings>) -> Result<Response, Problem> {
    mailbox_page(&screen, None, None, None).await
}

async fn mailbox_page<P: Needs>(
    screen: &Screen<P>,
    url: Option<String>,
    fields: Option<&Fields>,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mailbox = mail::mailbox(&mut screen.read().await?).await?;
    let manages = screen.may::<ManageSettings>();
    let close = Action::post("/settings/support/mailbox/close", screen.t("support-mail-close")).asking(Confirm {
        title: screen.t("support-mail-close-title"),
        consequence: screen.t("support-mail-close-lede"),
        yes: screen.t("support-mail-close"),
        no: screen.t("cancel"),
    });
    let address = mailbox.as_ref().map(|mailbox| mailbox.address.clone());
    let facts = mailbox.iter().flat_map(|mailbox| {
        let since = format::instant(screen.frame.lang, mailbox.created_at, screen.zone);
        [
            (screen.t("support-mail-address"), Cell::Text(mailbox.address.clone())),
            (screen.t("support-mail-since"), Cell::Text(since)),
        ]
    });
    let fresh = Fields::of([("address", address.unwrap_or_default())]);
    let submit = if mailbox.is_some() { "support-mail-again" } else { "support-mail-make" };
    let form = Asking::new(&screen.frame, fields.unwrap_or(&fresh), problem)
        .ask("address", "support-mail-address", Input::Line("email"))
        .inset(screen.t(submit), "/settings/support/mailbox", submit);
    let page = Show {
        frame: &screen.frame,
        up: ("/settings/support".into(), screen.t("support")),
        title: screen.t("support-mail"),
        lede: screen.t("support-mail-lede"),
        actions: (manages && mailbox.is_some()).then_some(close).into_iter().collect(),
        command: url.map(|url| (format!("weir mail-in --to {url}"), screen.t("support-mail-url"))),
        facts: facts.collect(),
        sections: Vec::new(),
        form: manages.then_some(form),
    };
    html(form_status(problem), &page)
}

async fn make(screen: Screen<ManageSettings>, fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let wish = MailboxWish { address: fields.text("address") };
    match mail::make_mailbox(&screen.app, &mut tx, wish).await.map_err(Problem::from) {
        Ok(made) => {
            tx.commit().await?;
            mailbox_page(&screen, Some(made.url), None, None).await
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            mailbox_page(&screen, None, Some(&fields), Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn close(screen: Screen<ManageSettings>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    mail::close_mailbox(&mut tx).await?;
    tx.commit().await?;
    Ok(see_saying("/settings/support/mailbox", "done-saved"))
}
