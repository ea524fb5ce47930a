//! `/subscriptions/{id}/pauses`: days without service; `/pauses/{id}/change`: another end of them; `resume` and `cancel` beside it.

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use weir_rules::money::Currency;
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::pages::{Confirm, Form, Section};
use weir_ui::{format, i18n};

use super::discounts::read_money;
use super::{Asking, MANY, days, form_status, money};
use crate::app::App;
use crate::db::TenantTx;
use crate::deals::{self, Pause, PauseEnd, PauseStatus, PauseWish};
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::{ManageSubscriptions, Needs};
use crate::http::toast::see_saying;
use crate::ids::{LinePauseId, SubscriptionId};
use crate::subscriptions::{Status, Subscription};
use crate::{billing, subscribers, subscriptions};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/subscriptions/{id}/pauses", get(choose).post(plan))
        .route("/pauses/{id}/change", get(ask_change).post(change))
        .route("/pauses/{id}/resume", post(resume))
        .route("/pauses/{id}/cancel", post(cancel))
}

/// The pauses of a subscription, newest first.
pub(super) async fn of_line<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    sold: &Subscription,
) -> Result<Section, Problem> {
    let pauses = deals::pauses_of(tx, sold.id, MANY).await?;
    let plans = sold.status != Status::Closed && screen.may::<ManageSubscriptions>();
    let plan = || Action::go(format!("/subscriptions/{}/pauses", sold.id), screen.t("pauses-plan"));
    let names = ["pause-days", "pause-bills", "reason", "status", "pause-end"].map(|key| screen.t(key));
    Ok(Section {
        title: screen.t("pauses"),
        action: plans.then(plan),
        table: Table::new(names.to_vec(), pauses.iter().map(|pause| row(screen, pause)).collect()),
        empty: screen.t("pauses-none"),
    })
}

fn row<P: Needs>(screen: &Screen<P>, pause: &Pause) -> Vec<Cell> {
    let lang = screen.frame.lang;
    let word = screen.t(&format!("pause-{}", pause.status.name()));
    let post = |verb: &str| Cell::Post {
        action: format!("/pauses/{}/{verb}", pause.id),
        text: screen.t(&format!("pauses-{verb}")),
    };
    let (changes, ends) = match pause.status {
        PauseStatus::Planned => (true, post("cancel")),
        PauseStatus::Running => (true, post("resume")),
        PauseStatus::Over | PauseStatus::Cancelled => (false, Cell::Text(String::new())),
    };
    let may = screen.may::<ManageSubscriptions>();
    vec![
        match changes && may {
            true => Cell::link(format!("/pauses/{}/change", pause.id), when(lang, pause)),
            false => Cell::Text(when(lang, pause)),
        },
        Cell::Text(bills(lang, pause)),
        Cell::Text(pause.reason.clone()),
        match pause.status {
            PauseStatus::Running => Cell::status(Tone::Warn, word),
            _ => Cell::status(Tone::Mute, word),
        },
        if may { ends } else { Cell::Text(String::new()) },
    ]
}

fn when(lang: &str, pause: &Pause) -> String {
    match pause.until_on {
        Some(until) => days(lang, pause.from_on, until),
        None => i18n::t(lang, "discount-from-on", &[("date", &format::date(lang, pause.from_on))]),
    }
}

fn bills(lang: &str, pause: &Pause) -> String {
    match pause.price {
        Some(price) => i18n::t(lang, "pause-bills-price", &[("price", money(lang, price).as_str())]),
        None => i18n::t(lang, "pause-bills-nothing", &[]),
    }
}

async fn choose(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
) -> Result<Response, Problem> {
    plan_form(&screen, id, &Fields::default(), None).await
}

async fn plan_form(
    screen: &Screen<ManageSubscriptions>,
    id: SubscriptionId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let sold = subscriptions::subscription(&mut tx, id).await?;
    let account = subscribers::account(&mut tx, sold.account_id).await?;
    let subscriber = subscribers::subscriber(&mut tx, account.subscriber_id).await?;
    let price = screen.frame.t1("pause-price", "currency", &account.currency);
    let form = Asking::new(&screen.frame, fields, problem)
        .ask("from_on", "pause-from", Input::Line("date"))
        .ask("until_on", "pause-until", Input::Line("date"))
        .ask_in("price", price, screen.t("pause-price-hint"), Input::Line("text"))
        .ask("reason", "reason", Input::Line("text"))
        .inset(String::new(), format!("/subscriptions/{id}/pauses"), "pauses-plan");
    let page = Form {
        frame: &screen.frame,
        up: (format!("/subscriptions/{id}"), subscriber.name.clone()),
        title: screen.frame.t1("pauses-plan-title", "name", &subscriber.name),
        lede: screen.t("pauses-plan-lede"),
        form,
    };
    html(form_status(problem), &page)
}

fn wish(fields: &mut Fields, currency: Currency) -> Result<PauseWish, Problem> {
    let from_on = fields.read("from_on", "error-date");
    let until_on = fields.read_option("until_on", "error-date");
    let price = match fields.get("price").is_empty() {
        true => None,
        false => read_money(fields, "price", currency),
    };
    let problem = fields.problem();
    match from_on {
        Some(from_on) if problem.errors.is_empty() => {
            Ok(PauseWish { from_on, until_on, price, reason: fields.text("reason") })
        }
        _ => Err(problem),
    }
}

async fn plan(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let account = subscriptions::subscription(&mut tx, id).await?.account_id;
    let currency = billing::currency(&mut tx, account).await?;
    let planned = match wish(&mut fields, currency) {
        Ok(wish) => deals::plan_pause(&mut tx, id, wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match planned {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/subscriptions/{id}"), "done-pause"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            plan_form(&screen, id, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn ask_change(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<LinePauseId>,
) -> Result<Response, Problem> {
    let until = deals::pause(&mut screen.read().await?, id).await?.until_on;
    let fields = Fields::of([("until_on", until.map(|until| until.to_string()).unwrap_or_default())]);
    change_form(&screen, id, &fields, None).await
}

async fn change_form(
    screen: &Screen<ManageSubscriptions>,
    id: LinePauseId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let pause = deals::pause(&mut screen.read().await?, id).await?;
    let lang = screen.frame.lang;
    let form = Asking::new(&screen.frame, fields, problem).ask("until_on", "pause-until", Input::Line("date")).inset(
        String::new(),
        format!("/pauses/{id}/change"),
        "pauses-change",
    );
    let page = Confirm {
        frame: &screen.frame,
        up: (format!("/subscriptions/{}", pause.subscription_id), screen.t("subscription")),
        title: screen.t("pauses-change-title"),
        lede: screen.t("pauses-change-lede"),
        facts: vec![
            (screen.t("pause-days"), Cell::Text(when(lang, &pause))),
            (screen.t("pause-bills"), Cell::Text(bills(lang, &pause))),
        ],
        sections: Vec::new(),
        form,
        danger: false,
    };
    html(form_status(problem), &page)
}

async fn change(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<LinePauseId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let until_on = fields.read_option("until_on", "error-date");
    let problem = fields.problem();
    let changed = match problem.errors.is_empty() {
        true => deals::change_pause(&mut tx, id, PauseEnd { until_on }).await.map_err(Problem::from),
        false => Err(problem),
    };
    match changed {
        Ok(pause) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/subscriptions/{}", pause.subscription_id), "done-pause-changed"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            change_form(&screen, id, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn resume(screen: Screen<ManageSubscriptions>, ApiPath(id): ApiPath<LinePauseId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let pause = deals::resume(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/subscriptions/{}", pause.subscription_id), "done-pause-resumed"))
}

async fn cancel(screen: Screen<ManageSubscriptions>, ApiPath(id): ApiPath<LinePauseId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let pause = deals::cancel_pause(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/subscriptions/{}", pause.subscription_id), "done-pause-cancelled"))
}
