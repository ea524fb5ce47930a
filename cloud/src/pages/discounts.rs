//! `/subscriptions/{id}/discounts`: what its price is less; `/discounts/{id}/end`: the end of that before its time.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use rust_decimal::Decimal;
use weir_rules::money::{Currency, Money};
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::pages::{Confirm, Form, Section};
use weir_ui::{Frame, format, i18n};

use super::{Asking, MANY, days, form_status, money};
use crate::app::App;
use crate::db::TenantTx;
use crate::deals::{self, Discount, DiscountEnd, DiscountStatus, DiscountWish};
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::{ManageSubscriptions, Needs};
use crate::http::toast::see_saying;
use crate::ids::{DiscountId, SubscriptionId};
use crate::subscriptions::{Status, Subscription};
use crate::{billing, subscribers, subscriptions};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/subscriptions/{id}/discounts", get(choose).post(grant))
        .route("/discounts/{id}/end", get(ask_end).post(end))
}

/// The discounts of a subscription, newest first.
pub(super) async fn of_line<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    sold: &Subscription,
) -> Result<Section, Problem> {
    let granted = deals::discounts(tx, sold.id, MANY).await?;
    let grants = sold.status != Status::Closed && screen.may::<ManageSubscriptions>();
    let grant = || Action::go(format!("/subscriptions/{}/discounts", sold.id), screen.t("discounts-grant"));
    let names = ["discount-name", "discount-much", "discount-days", "status"].map(|key| screen.t(key));
    Ok(Section {
        title: screen.t("discounts"),
        action: grants.then(grant),
        table: Table::new(names.to_vec(), granted.iter().map(|discount| row(screen, discount)).collect()),
        empty: screen.t("discounts-none"),
    })
}

fn row<P: Needs>(screen: &Screen<P>, discount: &Discount) -> Vec<Cell> {
    let ends = discount.status != DiscountStatus::Over && screen.may::<ManageSubscriptions>();
    let word = screen.t(&format!("discount-{}", discount.status.name()));
    vec![
        match ends {
            true => Cell::link(format!("/discounts/{}/end", discount.id), &discount.name),
            false => Cell::Text(discount.name.clone()),
        },
        Cell::Text(much(screen.frame.lang, discount)),
        Cell::Text(holds(screen.frame.lang, discount)),
        match discount.status {
            DiscountStatus::InForce => Cell::status(Tone::Ok, word),
            _ => Cell::status(Tone::Mute, word),
        },
    ]
}

/// How much a discount takes off a full period.
pub(super) fn much(lang: &str, discount: &Discount) -> String {
    let Some(percent) = discount.percent else {
        return discount.amount.map(|amount| money(lang, amount)).unwrap_or_default();
    };
    let percent = format::number(lang, percent);
    match discount.most {
        Some(most) => {
            i18n::t(lang, "discount-percent-most", &[("percent", percent.as_str()), ("most", &money(lang, most))])
        }
        None => format!("{percent} %"),
    }
}

/// The discounts in force of a line, as its subscriber is told.
pub(super) async fn told(frame: &Frame, tx: &mut TenantTx, id: SubscriptionId) -> Result<Vec<(String, Cell)>, Problem> {
    let granted = deals::discounts(tx, id, MANY).await?;
    let in_force = granted.iter().filter(|discount| discount.status == DiscountStatus::InForce);
    let words = in_force.map(|discount| {
        let much = format!("{} · {}", discount.name, much(frame.lang, discount));
        let last = discount.to().and_then(|to| to.pred_opt()).map(|last| format::date(frame.lang, last));
        let said = last.map(|last| i18n::t(frame.lang, "discount-up-to", &[("much", much.as_str()), ("date", &last)]));
        (frame.t("discount"), Cell::Text(said.unwrap_or(much)))
    });
    Ok(words.collect())
}

fn holds(lang: &str, discount: &Discount) -> String {
    match discount.to() {
        Some(to) => days(lang, discount.from_on, to),
        None => i18n::t(lang, "discount-from-on", &[("date", &format::date(lang, discount.from_on))]),
    }
}

async fn choose(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
) -> Result<Response, Problem> {
    grant_form(&screen, id, &Fields::default(), None).await
}

async fn grant_form(
    screen: &Screen<ManageSubscriptions>,
    id: SubscriptionId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let sold = subscriptions::subscription(&mut tx, id).await?;
    let account = subscribers::account(&mut tx, sold.account_id).await?;
    let subscriber = subscribers::subscriber(&mut tx, account.subscriber_id).await?;
    let in_currency = |key: &str| screen.frame.t1(key, "currency", &account.currency);
    let form = Asking::new(&screen.frame, fields, problem)
        .ask("name", "discount-name", Input::Line("text"))
        .ask("percent", "discount-percent", Input::Line("text"))
        .ask_in("amount", in_currency("discount-amount"), screen.t("discount-amount-hint"), Input::Line("text"))
        .ask_in("most", in_currency("discount-most"), screen.t("discount-most-hint"), Input::Line("text"))
        .ask("from_on", "discount-from", Input::Line("date"))
        .ask("until_on", "discount-until", Input::Line("date"))
        .ask("periods", "discount-periods", Input::Line("number"))
        .inset(String::new(), format!("/subscriptions/{id}/discounts"), "discounts-grant");
    let page = Form {
        frame: &screen.frame,
        up: (format!("/subscriptions/{id}"), subscriber.name.clone()),
        title: screen.frame.t1("discounts-grant-title", "name", &subscriber.name),
        lede: screen.t("discounts-grant-lede"),
        form,
    };
    html(form_status(problem), &page)
}

/// Reads an amount of a currency; what is none is noted.
pub(super) fn read_money(fields: &mut Fields, name: &str, currency: Currency) -> Option<Money> {
    let amount = fields.read_option::<Decimal>(name, "error-number")?;
    let read = Money::new(amount, currency).ok();
    if read.is_none() {
        fields.refuse(name, "error-number");
    }
    read
}

fn wish(fields: &mut Fields, currency: Currency) -> Result<DiscountWish, Problem> {
    let wish = DiscountWish {
        name: fields.text("name"),
        percent: fields.read_option("percent", "error-number"),
        amount: read_money(fields, "amount", currency),
        most: read_money(fields, "most", currency),
        from_on: fields.read_option("from_on", "error-date"),
        until_on: fields.read_option("until_on", "error-date"),
        periods: fields.read_option("periods", "error-discount-periods"),
    };
    let problem = fields.problem();
    if problem.errors.is_empty() { Ok(wish) } else { Err(problem) }
}

async fn grant(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let account = subscriptions::subscription(&mut tx, id).await?.account_id;
    let currency = billing::currency(&mut tx, account).await?;
    let granted = match wish(&mut fields, currency) {
        Ok(wish) => deals::grant(&mut tx, id, wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match granted {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/subscriptions/{id}"), "done-discount"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            grant_form(&screen, id, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn ask_end(screen: Screen<ManageSubscriptions>, ApiPath(id): ApiPath<DiscountId>) -> Result<Response, Problem> {
    let today = billing::today(&mut screen.read().await?).await?;
    end_form(&screen, id, &Fields::of([("ended_on", today.to_string())]), None).await
}

async fn end_form(
    screen: &Screen<ManageSubscriptions>,
    id: DiscountId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let discount = deals::discount(&mut screen.read().await?, id).await?;
    let lang = screen.frame.lang;
    let form = Asking::new(&screen.frame, fields, problem)
        .ask_in("ended_on", screen.t("discount-until"), screen.t("discount-end-hint"), Input::Line("date"))
        .inset(String::new(), format!("/discounts/{id}/end"), "discounts-end");
    let page = Confirm {
        frame: &screen.frame,
        up: (format!("/subscriptions/{}", discount.subscription_id), screen.t("subscription")),
        title: screen.frame.t1("discounts-end-title", "name", &discount.name),
        lede: screen.t("discounts-end-lede"),
        facts: vec![
            (screen.t("discount-much"), Cell::Text(much(lang, &discount))),
            (screen.t("discount-days"), Cell::Text(holds(lang, &discount))),
        ],
        sections: Vec::new(),
        form,
        danger: true,
    };
    html(form_status(problem), &page)
}

async fn end(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<DiscountId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let ended_on = fields.read_option("ended_on", "error-date");
    let problem = fields.problem();
    let ended = match problem.errors.is_empty() {
        true => deals::end_discount(&mut tx, id, DiscountEnd { ended_on }).await.map_err(Problem::from),
        false => Err(problem),
    };
    match ended {
        Ok(discount) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/subscriptions/{}", discount.subscription_id), "done-discount-ended"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            end_form(&screen, id, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}
