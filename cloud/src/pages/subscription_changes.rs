//! `/subscriptions/{id}/change-plan` and `/end`: what would follow is shown, exactly, before it is done.
//!
//! The page that asks makes the change, looks at what would be billed, and does not commit.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use chrono::NaiveDate;
use serde::Deserialize;
use weir_ui::blocks::{Cell, Input, Table};
use weir_ui::format;
use weir_ui::pages::{Confirm, Form, Section};

use super::catalog::{price_for, unit_price};
use super::{Asking, MANY, address, days, form_status, money};
use crate::app::App;
use crate::billing::{self, UpcomingBill};
use crate::catalog::{self, PlanVersion};
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::page::{Fields, Screen, html, is_about_the_form, see};
use crate::http::permission::ManageSubscriptions;
use crate::http::toast::see_saying;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::{PlanVersionId, SubscriptionId};
use crate::subscribers;
use crate::subscriptions::{self, ChangePlan, End, Subscription};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/subscriptions/{id}/change-plan", get(choose_plan).post(preview_plan))
        .route("/subscriptions/{id}/change-plan/confirm", get(ask_plan).post(change_plan))
        .route("/subscriptions/{id}/end", get(choose_end).post(preview_end))
        .route("/subscriptions/{id}/end/confirm", get(ask_end).post(end))
}

/// Whose subscription it is, and where its page is.
async fn up(tx: &mut TenantTx, sold: &Subscription) -> Result<(String, String), Problem> {
    let account = subscribers::account(tx, sold.account_id).await?;
    let subscriber = subscribers::subscriber(tx, account.subscriber_id).await?;
    Ok((format!("/subscriptions/{}", sold.id), subscriber.name))
}

async fn choose_plan(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
) -> Result<Response, Problem> {
    let today = billing::today(&mut screen.read().await?).await?;
    plan_form(&screen, id, &Fields::of([("effective_on", today.to_string())]), None).await
}

async fn plan_form(
    screen: &Screen<ManageSubscriptions>,
    id: SubscriptionId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let sold = subscriptions::subscription(&mut tx, id).await?;
    let currency = subscribers::account(&mut tx, sold.account_id).await?.currency;
    let up = up(&mut tx, &sold).await?;
    let lang = screen.frame.lang;
    let on_sale = catalog::plans(&mut tx, MANY).await?.into_iter().filter(|plan| plan.retired_at.is_none());
    let choices = on_sale.filter_map(|plan| {
        let newest = plan.versions.first()?;
        let other = newest.id != sold.plan_version_id && newest.price.currency == currency;
        other.then(|| (newest.id.to_string(), format!("{} · {}", plan.name, price_for(lang, newest))))
    });
    let form = Asking::new(&screen.frame, fields, problem)
        .ask("plan_version_id", "plan-new", Input::Choice(choices.collect()))
        .ask("effective_on", "effective-on", Input::Line("date"))
        .inset(String::new(), format!("/subscriptions/{id}/change-plan"), "see-what-follows");
    let page = Form {
        frame: &screen.frame,
        title: screen.frame.t1("change-plan-title", "name", &up.1),
        up,
        lede: screen.frame.t1("change-plan-lede", "plan", &sold.plan_name),
        form,
    };
    html(form_status(problem), &page)
}

fn plan_wish(fields: &mut Fields) -> Result<ChangePlan, Problem> {
    let plan_version_id = fields.read("plan_version_id", "error-choose");
    let effective_on = fields.read("effective_on", "error-date");
    match (plan_version_id, effective_on) {
        (Some(plan_version_id), Some(effective_on)) => Ok(ChangePlan { plan_version_id, effective_on }),
        _ => Err(fields.problem()),
    }
}

/// Tries the change and leads to the page that shows what follows from it.
async fn preview_plan(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let tried = match plan_wish(&mut fields) {
        Ok(wish) => subscriptions::change_plan(&mut tx, id, wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    drop(tx);
    match tried {
        Ok(_) => {
            let (version, day) = (fields.get("plan_version_id"), fields.get("effective_on"));
            let path = format!("/subscriptions/{id}/change-plan/confirm");
            Ok(see(&address(&path, &[("plan_version_id", version), ("effective_on", day)])))
        }
        Err(problem) if is_about_the_form(&problem) => plan_form(&screen, id, &fields, Some(&problem)).await,
        Err(problem) => Err(problem),
    }
}

#[derive(Deserialize)]
struct PlanAsked {
    plan_version_id: Option<PlanVersionId>,
    effective_on: Option<NaiveDate>,
}

async fn ask_plan(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    ApiQuery(asked): ApiQuery<PlanAsked>,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let before = subscriptions::subscription(&mut tx, id).await?;
    let Some((plan_version_id, effective_on)) = asked.plan_version_id.zip(asked.effective_on) else {
        drop(tx);
        return choose_plan(screen, ApiPath(id)).await;
    };
    let old = catalog::version(&mut tx, before.plan_version_id).await?;
    let new = catalog::version(&mut tx, plan_version_id).await?;
    let new_name = catalog::plan(&mut tx, new.plan_id).await?.name;
    let wish = ChangePlan { plan_version_id, effective_on };
    subscriptions::change_plan(&mut tx, id, wish).await?;
    let up_to = billing::today(&mut tx).await?.max(effective_on);
    let bill = billing::upcoming(&mut tx, before.account_id, id, up_to).await?;
    let up = up(&mut tx, &before).await?;
    drop(tx);
    let lang = screen.frame.lang;
    let promise = |name: &str, version: &PlanVersion| {
        let (down, up) = (format::bit_rate(lang, version.rate_down_bps), format::bit_rate(lang, version.rate_up_bps));
        Cell::Text(format!("{name} · {down} / {up} · {}", price_for(lang, version)))
    };
    let facts = vec![
        (screen.t("plan-now"), promise(&before.plan_name, &old)),
        (screen.t("plan-new"), promise(&new_name, &new)),
        (screen.t("effective-on"), Cell::Text(format::date(lang, effective_on))),
    ];
    let mut fields = Fields::of([("plan_version_id", plan_version_id.to_string())]);
    fields.set("effective_on", effective_on.to_string());
    let form = Asking::new(&screen.frame, &fields, None)
        .ask("plan_version_id", "plan-new", Input::Hidden)
        .ask("effective_on", "effective-on", Input::Hidden)
        .inset(String::new(), format!("/subscriptions/{id}/change-plan/confirm"), "change-plan");
    let page = Confirm {
        frame: &screen.frame,
        title: screen.frame.t1("change-plan-title", "name", &up.1),
        up,
        lede: screen.t("change-plan-confirm-lede"),
        facts,
        sections: vec![next_bill(&screen, up_to, &bill)],
        form,
        danger: false,
    };
    html(StatusCode::OK, &page)
}

/// What a run up to a day would bill the subscription.
fn next_bill(screen: &Screen<ManageSubscriptions>, up_to: NaiveDate, bill: &UpcomingBill) -> Section {
    let lang = screen.frame.lang;
    let mut rows: Vec<_> = bill
        .lines
        .iter()
        .map(|line| {
            vec![
                Cell::Text(line.plan.clone()),
                Cell::Text(screen.t(&format!("line-{}", line.kind.name()))),
                Cell::Text(days(lang, line.from, line.to)),
                Cell::Number(unit_price(lang, line.unit_price, line.gross.is_some())),
                Cell::Number(if line.discount.is_zero() { "—".into() } else { money(lang, -line.discount) }),
                Cell::Number(money(lang, line.net)),
            ]
        })
        .collect();
    let sums = [("net", bill.net), ("tax", bill.tax), ("total", bill.gross)];
    for (key, sum) in sums.into_iter().filter(|_| !bill.lines.is_empty()) {
        let nothing = || Cell::Text(String::new());
        rows.push(vec![
            Cell::Text(screen.t(key)),
            nothing(),
            nothing(),
            Cell::Number(String::new()),
            Cell::Number(String::new()),
            Cell::Number(money(lang, sum)),
        ]);
    }
    let names = ["plan", "line", "period", "unit-price", "discount", "amount"].map(|key| screen.t(key)).to_vec();
    Section {
        title: screen.frame.t1("next-bill", "date", &format::date(lang, up_to)),
        action: None,
        table: Table::new(names, rows),
        empty: screen.t("next-bill-nothing"),
    }
}

async fn change_plan(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let changed = match plan_wish(&mut fields) {
        Ok(wish) => subscriptions::change_plan(&mut tx, id, wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match changed {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/subscriptions/{id}"), "done-plan"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            plan_form(&screen, id, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn choose_end(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
) -> Result<Response, Problem> {
    let today = billing::today(&mut screen.read().await?).await?;
    end_form(&screen, id, &Fields::of([("ends_on", today.succ_opt().unwrap_or(today).to_string())]), None).await
}

async fn end_form(
    screen: &Screen<ManageSubscriptions>,
    id: SubscriptionId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let sold = subscriptions::subscription(&mut tx, id).await?;
    let up = up(&mut tx, &sold).await?;
    let form = Asking::new(&screen.frame, fields, problem).ask("ends_on", "ends", Input::Line("date")).inset(
        String::new(),
        format!("/subscriptions/{id}/end"),
        "see-what-follows",
    );
    let page = Form {
        frame: &screen.frame,
        title: screen.frame.t1("end-title", "name", &up.1),
        up,
        lede: screen.t("end-lede"),
        form,
    };
    html(form_status(problem), &page)
}

/// Tries the end and leads to the page that shows what follows from it.
async fn preview_end(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let tried = match fields.read("ends_on", "error-date") {
        Some(ends_on) => subscriptions::end(&mut tx, id, End { ends_on }).await.map_err(Problem::from),
        None => Err(fields.problem()),
    };
    drop(tx);
    match tried {
        Ok(_) => {
            let path = format!("/subscriptions/{id}/end/confirm");
            Ok(see(&address(&path, &[("ends_on", fields.get("ends_on"))])))
        }
        Err(problem) if is_about_the_form(&problem) => end_form(&screen, id, &fields, Some(&problem)).await,
        Err(problem) => Err(problem),
    }
}

#[derive(Deserialize)]
struct EndAsked {
    ends_on: Option<NaiveDate>,
}

async fn ask_end(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    ApiQuery(asked): ApiQuery<EndAsked>,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let before = subscriptions::subscription(&mut tx, id).await?;
    let Some(ends_on) = asked.ends_on else {
        drop(tx);
        return choose_end(screen, ApiPath(id)).await;
    };
    subscriptions::end(&mut tx, id, End { ends_on }).await?;
    let up_to = billing::today(&mut tx).await?.max(ends_on);
    let bill = billing::upcoming(&mut tx, before.account_id, id, up_to).await?;
    let up = up(&mut tx, &before).await?;
    drop(tx);
    let lang = screen.frame.lang;
    let facts = vec![
        (screen.t("plan"), Cell::Text(before.plan_name)),
        (screen.t("prefixes"), Cell::Code(before.prefixes.join("  "))),
        (screen.t("ends"), Cell::Text(format::date(lang, ends_on))),
    ];
    let fields = Fields::of([("ends_on", ends_on.to_string())]);
    let form = Asking::new(&screen.frame, &fields, None).ask("ends_on", "ends", Input::Hidden).inset(
        String::new(),
        format!("/subscriptions/{id}/end/confirm"),
        "end",
    );
    let page = Confirm {
        frame: &screen.frame,
        title: screen.frame.t1("end-title", "name", &up.1),
        up,
        lede: screen.frame.t1("end-confirm-lede", "date", &format::date(lang, ends_on)),
        facts,
        sections: vec![next_bill(&screen, up_to, &bill)],
        form,
        danger: true,
    };
    html(StatusCode::OK, &page)
}

async fn end(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let ended = match fields.read("ends_on", "error-date") {
        Some(ends_on) => subscriptions::end(&mut tx, id, End { ends_on }).await.map_err(Problem::from),
        None => Err(fields.problem()),
    };
    match ended {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/subscriptions/{id}"), "done-end"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            end_form(&screen, id, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}
