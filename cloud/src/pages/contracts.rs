//! `/subscriptions/{id}/contracts`: its minimum term; `/contracts/{id}`: what leaving costs; `/contracts/{id}/waive`.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use weir_rules::money::{Currency, Money};
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::pages::{Confirm, Form, Section, Show};
use weir_ui::{Frame, format, i18n};

use super::discounts::read_money;
use super::{Asking, MANY, days, form_status, money};
use crate::app::App;
use crate::db::TenantTx;
use crate::deals::{self, Contract, ContractStatus, ContractWaiver, ContractWish, LeavingFee};
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::{ManageSubscriptions, Needs, ViewSubscribers};
use crate::http::toast::see_saying;
use crate::ids::{ContractId, SubscriptionId};
use crate::subscriptions::{Status, Subscription};
use crate::{billing, subscribers, subscriptions};

const FEES: [&str; 4] = ["none", "fixed", "declining", "remaining"];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/subscriptions/{id}/contracts", get(choose).post(agree))
        .route("/contracts/{id}", get(show))
        .route("/contracts/{id}/waive", get(ask_waive).post(waive))
}

/// Until when a subscription binds, and its contracts, newest first.
pub(super) async fn of_line<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    sold: &Subscription,
) -> Result<(Vec<(String, Cell)>, Section), Problem> {
    let contracts = deals::contracts(tx, sold.id, MANY).await?;
    let lang = screen.frame.lang;
    let agrees = sold.status != Status::Closed && screen.may::<ManageSubscriptions>();
    let agree = || Action::go(format!("/subscriptions/{}/contracts", sold.id), screen.t("contracts-agree"));
    let rows = contracts.iter().map(|contract| {
        vec![
            Cell::link(format!("/contracts/{}", contract.id), days(lang, contract.from_on, contract.until_on)),
            status(screen, contract),
            Cell::Text(words(lang, contract)),
        ]
    });
    let names = ["contract-term", "status", "contract-fee"].map(|key| screen.t(key)).to_vec();
    let section = Section {
        title: screen.t("contracts"),
        action: agrees.then(agree),
        table: Table::new(names, rows.collect()),
        empty: screen.t("contracts-none"),
    };
    Ok((binding(&screen.frame, &contracts), section))
}

/// Until when contracts bind, as a line's subscriber is told, too.
pub(super) fn binding(frame: &Frame, contracts: &[Contract]) -> Vec<(String, Cell)> {
    let until = contracts.iter().filter(|contract| contract.status == ContractStatus::Binding);
    until.map(|one| (frame.t("contract-until"), Cell::Text(format::date(frame.lang, one.until_on)))).collect()
}

fn status<P: Needs>(screen: &Screen<P>, contract: &Contract) -> Cell {
    let word = screen.t(&format!("contract-{}", contract.status.name()));
    match contract.status {
        ContractStatus::Binding => Cell::status(Tone::Ok, word),
        ContractStatus::Charged => Cell::status(Tone::Warn, word),
        _ => Cell::status(Tone::Mute, word),
    }
}

/// What leaving early costs, in words.
fn words(lang: &str, contract: &Contract) -> String {
    let figure = match &contract.fee {
        LeavingFee::None {} => String::new(),
        LeavingFee::Fixed { amount } | LeavingFee::Declining { amount } => money(lang, *amount),
        LeavingFee::Remaining { percent } => format!("{} %", format::number(lang, *percent)),
    };
    let key = format!("contract-fee-{}-words", contract.fee.name());
    let fee = i18n::t(lang, &key, &[("figure", figure.as_str())]);
    match contract.most {
        Some(most) => {
            i18n::t(lang, "contract-fee-most", &[("fee", fee.as_str()), ("most", money(lang, most).as_str())])
        }
        None => fee,
    }
}

async fn choose(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
) -> Result<Response, Problem> {
    let fields = Fields::of([("months", "12".into()), ("fee.kind", "remaining".into()), ("fee.percent", "100".into())]);
    form(&screen, id, &fields, None).await
}

async fn form(
    screen: &Screen<ManageSubscriptions>,
    id: SubscriptionId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let sold = subscriptions::subscription(&mut tx, id).await?;
    let account = subscribers::account(&mut tx, sold.account_id).await?;
    let subscriber = subscribers::subscriber(&mut tx, account.subscriber_id).await?;
    let fees = FEES.map(|fee| (fee.to_owned(), screen.t(&format!("contract-fee-{fee}")))).to_vec();
    let in_currency = |key: &str| screen.frame.t1(key, "currency", &account.currency);
    let form = Asking::new(&screen.frame, fields, problem)
        .ask("from_on", "contract-from", Input::Line("date"))
        .ask("months", "contract-months", Input::Line("number"))
        .ask("fee.kind", "contract-fee", Input::Choice(fees))
        .ask_in("fee.amount", in_currency("contract-amount"), screen.t("contract-amount-hint"), Input::Line("text"))
        .ask("fee.percent", "contract-percent", Input::Line("text"))
        .ask_in("most", in_currency("contract-most"), screen.t("contract-most-hint"), Input::Line("text"))
        .ask("cooling_off_days", "contract-cooling-off", Input::Line("number"))
        .inset(String::new(), format!("/subscriptions/{id}/contracts"), "contracts-agree");
    let page = Form {
        frame: &screen.frame,
        up: (format!("/subscriptions/{id}"), subscriber.name.clone()),
        title: screen.frame.t1("contracts-agree-title", "name", &subscriber.name),
        lede: screen.t("contracts-agree-lede"),
        form,
    };
    html(form_status(problem), &page)
}

fn fee(fields: &mut Fields, currency: Currency) -> LeavingFee {
    let amount = |fields: &mut Fields| {
        if fields.get("fee.amount").is_empty() {
            fields.refuse("fee.amount", "error-number");
        }
        read_money(fields, "fee.amount", currency).unwrap_or(Money::zero(currency))
    };
    match fields.get("fee.kind") {
        "none" => LeavingFee::None {},
        "fixed" => LeavingFee::Fixed { amount: amount(fields) },
        "declining" => LeavingFee::Declining { amount: amount(fields) },
        "remaining" => {
            LeavingFee::Remaining { percent: fields.read("fee.percent", "error-number").unwrap_or_default() }
        }
        _ => {
            fields.refuse("fee.kind", "error-choose");
            LeavingFee::None {}
        }
    }
}

fn wish(fields: &mut Fields, currency: Currency) -> Result<ContractWish, Problem> {
    let wish = ContractWish {
        from_on: fields.read_option("from_on", "error-date"),
        months: fields.read("months", "error-discount-periods").unwrap_or_default(),
        fee: fee(fields, currency),
        most: read_money(fields, "most", currency),
        cooling_off_days: fields.read_option("cooling_off_days", "error-contract-cooling-off").unwrap_or_default(),
    };
    let problem = fields.problem();
    if problem.errors.is_empty() { Ok(wish) } else { Err(problem) }
}

async fn agree(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let account = subscriptions::subscription(&mut tx, id).await?.account_id;
    let currency = billing::currency(&mut tx, account).await?;
    let agreed = match wish(&mut fields, currency) {
        Ok(wish) => deals::agree(&mut tx, id, wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match agreed {
        Ok(contract) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/contracts/{}", contract.id), "done-contract"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            form(&screen, id, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn show(screen: Screen<ViewSubscribers>, ApiPath(id): ApiPath<ContractId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let contract = deals::contract(&mut tx, id).await?;
    let names = subscriptions::names(&mut tx, &[contract.subscription_id]).await?;
    let quote = deals::quote(&mut tx, id, None).await?;
    let lang = screen.frame.lang;
    let mut facts = vec![(screen.t("status"), status(&screen, &contract))];
    facts.extend(figures(&screen, &contract));
    if matches!(contract.status, ContractStatus::Binding | ContractStatus::Coming) {
        let free = || screen.t("contract-free");
        let fee = quote.fee.map_or_else(free, |fee| money(lang, fee));
        facts.push((screen.t("contract-today"), Cell::Text(fee)));
    }
    if let Some(reason) = &contract.waive_reason {
        facts.push((screen.t("reason"), Cell::Text(reason.clone())));
    }
    if let Some(invoice) = contract.invoice_id {
        let number = billing::invoice(&mut tx, invoice).await?.summary.number;
        facts.push((screen.t("invoice"), Cell::link(format!("/invoices/{invoice}"), number)));
    }
    facts.push((screen.t("subscription"), super::subscriptions::named(&names, contract.subscription_id)));
    facts.push((screen.t("id"), Cell::Code(id.to_string())));
    let open = matches!(contract.status, ContractStatus::Binding | ContractStatus::Coming);
    let waive = || Action::go(format!("/contracts/{id}/waive"), screen.t("contracts-waive"));
    let page = Show {
        frame: &screen.frame,
        up: (format!("/subscriptions/{}", contract.subscription_id), screen.t("subscription")),
        title: screen.frame.t1("contract-title", "days", &days(lang, contract.from_on, contract.until_on)),
        lede: screen.t(&format!("contract-{}-lede", contract.status.name())),
        actions: (open && screen.may::<ManageSubscriptions>()).then(waive).into_iter().collect(),
        command: None,
        facts,
        sections: Vec::new(),
        form: None,
    };
    html(StatusCode::OK, &page)
}

fn figures<P: Needs>(screen: &Screen<P>, contract: &Contract) -> Vec<(String, Cell)> {
    let lang = screen.frame.lang;
    let mut facts = vec![
        (screen.t("contract-term"), Cell::Text(days(lang, contract.from_on, contract.until_on))),
        (screen.t("contract-months"), Cell::Text(contract.months.to_string())),
        (screen.t("contract-fee"), Cell::Text(words(lang, contract))),
    ];
    if contract.cooling_off_days > 0 {
        facts.push((screen.t("contract-cooling-off"), Cell::Text(contract.cooling_off_days.to_string())));
    }
    facts
}

async fn ask_waive(screen: Screen<ManageSubscriptions>, ApiPath(id): ApiPath<ContractId>) -> Result<Response, Problem> {
    waive_form(&screen, id, &Fields::default(), None).await
}

async fn waive_form(
    screen: &Screen<ManageSubscriptions>,
    id: ContractId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let contract = deals::contract(&mut screen.read().await?, id).await?;
    let form = Asking::new(&screen.frame, fields, problem).ask("reason", "reason", Input::Line("text")).inset(
        String::new(),
        format!("/contracts/{id}/waive"),
        "contracts-waive",
    );
    let page = Confirm {
        frame: &screen.frame,
        up: (format!("/contracts/{id}"), screen.t("contract")),
        title: screen.t("contracts-waive-title"),
        lede: screen.t("contracts-waive-lede"),
        facts: figures(screen, &contract),
        sections: Vec::new(),
        form,
        danger: true,
    };
    html(form_status(problem), &page)
}

async fn waive(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<ContractId>,
    fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let waiver = ContractWaiver { reason: fields.text("reason") };
    match deals::waive_contract(&mut tx, id, waiver).await.map_err(Problem::from) {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/contracts/{id}"), "done-contract-waived"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            waive_form(&screen, id, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}
