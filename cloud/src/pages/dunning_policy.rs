//! `/dunning/policy`: what is in force, what was before, and going back to it.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use weir_rules::money::Money;
use weir_ui::blocks::{Action, Cell, Confirm, Table, Tone};
use weir_ui::pages::{Section, Show};
use weir_ui::{Frame, format, i18n};

use super::dunning::step_cell;
use super::money;
use crate::access;
use crate::app::App;
use crate::db::TenantTx;
use crate::dunning::{self, FeeBody, PolicyBody, PolicyVersion, StepBody};
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Screen, html};
use crate::http::permission::{ManageDunning, Needs, ViewDunning};
use crate::http::toast::see_saying;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/dunning/policy", get(in_force))
        .route("/dunning/policy/versions/{version}", get(version))
        .route("/dunning/policy/versions/{version}/restore", post(restore))
}

async fn in_force(screen: Screen<ViewDunning>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let policy = dunning::policy(&mut tx).await?;
    show(&screen, &mut tx, policy).await
}

async fn version(screen: Screen<ViewDunning>, ApiPath(version): ApiPath<i32>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let policy = dunning::version(&mut tx, version).await?;
    show(&screen, &mut tx, policy).await
}

async fn show(screen: &Screen<ViewDunning>, tx: &mut TenantTx, policy: PolicyVersion) -> Result<Response, Problem> {
    let number = policy.version.to_string();
    let (lede, action) = match policy.in_force {
        true => ("dunning-policy-lede", Action::go("/dunning/policy/edit", screen.t("dunning-edit"))),
        false => ("dunning-version-lede", restoring(&screen.frame, &number)),
    };
    let up = match policy.in_force {
        true => ("/dunning".to_owned(), screen.t("nav-dunning")),
        false => ("/dunning/policy".to_owned(), screen.t("dunning-policy")),
    };
    let page = Show {
        frame: &screen.frame,
        up,
        title: match policy.in_force {
            true => screen.t("dunning-policy"),
            false => screen.frame.t1("dunning-version-title", "number", &number),
        },
        lede: screen.t(lede),
        actions: if screen.may::<ManageDunning>() { vec![action] } else { Vec::new() },
        command: None,
        facts: facts(screen, tx, &policy).await?,
        sections: vec![steps(screen, &policy), versions(screen, tx).await?],
        form: None,
    };
    html(StatusCode::OK, &page)
}

fn restoring(frame: &Frame, number: &str) -> Action {
    let ask = Confirm {
        title: frame.t1("dunning-restore-title", "number", number),
        consequence: frame.t("dunning-restore-lede"),
        yes: frame.t("dunning-restore"),
        no: frame.t("cancel"),
    };
    Action::post(format!("/dunning/policy/versions/{number}/restore"), frame.t("dunning-restore")).asking(ask)
}

async fn facts(
    screen: &Screen<ViewDunning>,
    tx: &mut TenantTx,
    version: &PolicyVersion,
) -> Result<Vec<(String, Cell)>, Problem> {
    let (lang, policy) = (screen.frame.lang, &version.policy);
    let amount = |amount: Option<Money>| Cell::Text(amount.map_or("—".into(), |amount| money(lang, amount)));
    let (by, at) = made(screen, tx, version).await?;
    let hours =
        [("from", policy.from_hour), ("to", policy.to_hour)].map(|(name, hour)| (name, format!("{hour:02}:00")));
    let hours = hours.each_ref().map(|(name, hour)| (*name, hour.as_str()));
    let holidays: Vec<_> = policy.holidays.iter().map(|day| format::date(lang, *day)).collect();
    let retries = &policy.retries;
    let retries = [("soft", &retries.soft), ("hard", &retries.hard), ("needs_customer", &retries.needs_customer)];
    let mut facts = vec![
        (screen.t("version"), Cell::Text(version.version.to_string())),
        (screen.t("dunning-made-by"), by),
        (screen.t("since"), at),
        (screen.t("grace-days"), Cell::Text(version.grace_days.to_string())),
        (screen.t("dunning-hours"), Cell::Text(i18n::t(lang, "dunning-hours-are", &hours))),
        (screen.t("dunning-rest-days"), Cell::Text(screen.t(&format!("dunning-rest-{}", policy.rest_days.name())))),
        (screen.t("dunning-holidays"), Cell::Text(if holidays.is_empty() { "—".into() } else { holidays.join(" · ") })),
        (screen.t("dunning-cap-invoice"), amount(policy.fee_cap_invoice)),
        (screen.t("dunning-cap-year"), amount(policy.fee_cap_year)),
    ];
    for (kind, days) in retries {
        let days: Vec<_> = days.iter().map(u16::to_string).collect();
        let days = if days.is_empty() { "—".to_owned() } else { days.join(", ") };
        facts.push((screen.t(&format!("dunning-retries-{kind}")), Cell::Text(days)));
    }
    Ok(facts)
}

/// Who made a version, and when.
async fn made<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    version: &PolicyVersion,
) -> Result<(Cell, Cell), Problem> {
    let by = match &version.made_by {
        Some(id) => access::name_of(tx, id).await?.map_or(Cell::Code(id.clone()), Cell::Text),
        None => Cell::Text(screen.t("by-itself")),
    };
    let at = version.made_at.map_or("—".into(), |at| format::instant(screen.frame.lang, at, screen.zone));
    Ok((by, Cell::Text(at)))
}

fn steps(screen: &Screen<ViewDunning>, version: &PolicyVersion) -> Section {
    let lang = screen.frame.lang;
    let rows = version.policy.steps.iter().map(|step| {
        let detail = step.fee.as_ref().map(|fee| fee_words(&screen.frame, fee));
        vec![
            step_cell(&screen.frame, step.kind),
            Cell::Text(when(&screen.frame, step.offset_days)),
            Cell::Text(detail.unwrap_or_default()),
            Cell::Number(step.minimum_balance.map_or("—".into(), |least| money(lang, least))),
        ]
    });
    let names = ["dunning-step", "when", "dunning-fee", "dunning-least"].map(|key| screen.t(key));
    Section {
        title: screen.t("dunning-steps"),
        action: None,
        table: Table::new(names.to_vec(), rows.collect()),
        empty: screen.t("dunning-steps-none"),
    }
}

/// A step's day in words.
pub(super) fn when(frame: &Frame, offset_days: i32) -> String {
    let days = offset_days.unsigned_abs().to_string();
    match offset_days {
        0 => frame.t("dunning-on-due"),
        1.. => frame.t1("dunning-after-due", "days", &days),
        _ => frame.t1("dunning-before-due", "days", &days),
    }
}

fn fee_words(frame: &Frame, fee: &FeeBody) -> String {
    let percent =
        (!fee.percent.is_zero()).then(|| format!("{} %", format::number(frame.lang, fee.percent.normalize())));
    let flat = (!fee.flat.is_zero()).then(|| money(frame.lang, fee.flat));
    let mut words = flat.into_iter().chain(percent).collect::<Vec<_>>().join(" + ");
    for (key, amount) in [("dunning-at-least", fee.min), ("dunning-at-most", fee.max)] {
        if let Some(amount) = amount {
            words = format!("{words} · {}", frame.t1(key, "amount", &money(frame.lang, amount)));
        }
    }
    words
}

async fn versions(screen: &Screen<ViewDunning>, tx: &mut TenantTx) -> Result<Section, Problem> {
    let mut rows = Vec::new();
    for version in dunning::versions(tx).await? {
        let (by, at) = made(screen, tx, &version).await?;
        let status = match (version.in_force, version.restores) {
            (true, _) => Cell::status(Tone::Ok, screen.t("dunning-in-force")),
            (false, Some(earlier)) => Cell::Text(screen.frame.t1("dunning-restored", "number", &earlier.to_string())),
            (false, None) => Cell::Text(String::new()),
        };
        let PolicyBody { steps, .. } = &version.policy;
        let text = screen.frame.t1("dunning-version-title", "number", &version.version.to_string());
        rows.push(vec![
            Cell::link(format!("/dunning/policy/versions/{}", version.version), text),
            status,
            Cell::Text(outline(&screen.frame, steps)),
            by,
            at,
        ]);
    }
    let names = ["version", "status", "dunning-steps", "dunning-made-by", "since"].map(|key| screen.t(key));
    Ok(Section {
        title: screen.t("dunning-versions"),
        action: None,
        table: Table::new(names.to_vec(), rows),
        empty: String::new(),
    })
}

/// The days of a policy's steps, in one line.
fn outline(frame: &Frame, steps: &[StepBody]) -> String {
    let step = |step: &StepBody| format!("{:+} {}", step.offset_days, super::dunning::step_name(frame, step.kind));
    steps.iter().map(step).collect::<Vec<_>>().join(" · ")
}

async fn restore(screen: Screen<ManageDunning>, ApiPath(version): ApiPath<i32>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    dunning::restore(&mut tx, version).await?;
    tx.commit().await?;
    Ok(see_saying("/dunning/policy", "done-dunning-policy"))
}
