//! Paying through a provider: attempts and what happened to them, kept methods, refunds, the provider's keys.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use weir_rules::money::Money;
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Form, Register, Section, Show};

use super::{Asking, address, form_status, money, next_page, page_of, pay};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::{
    ManageBilling, ManageSettings, Needs, RecordPayments, RefundPayments, ViewBilling, ViewSettings,
};
use crate::http::toast::{see_counting, see_saying};
use crate::http::{ApiPath, ApiQuery};
use crate::ids::{AccountId, PaymentAttemptId, PaymentId, PaymentMethodId, new_id};
use crate::payments::{
    self, Attempt, AttemptStatus, Decline, NewRefund, Payment, PaymentMethod, ProviderChange, Refund,
};
use crate::{access, subscribers};

/// Attempts the page of an account shows; the list has the rest.
const NEWEST: crate::http::paging::Page = crate::http::paging::Page { after: None, limit: 8 };

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/payment-attempts", get(list))
        .route("/payment-attempts/{id}", get(show))
        .route("/payment-attempts/{id}/look", post(look))
        .route("/payment-attempts/reconcile", post(reconcile))
        .route("/payment-methods/{id}/autopay", post(pays))
        .route("/payment-methods/{id}/stop", post(stops))
        .route("/payment-methods/{id}/remove", post(remove))
        .route("/payments/{id}/receipt", get(receipt))
        .route("/payments/{id}/refund", get(refunding).post(refund))
        .route("/settings/payments", get(provider).post(change_provider))
}

#[derive(Deserialize)]
struct Wanted {
    account_id: Option<AccountId>,
    after: Option<String>,
}

async fn list(screen: Screen<ViewBilling>, ApiQuery(wanted): ApiQuery<Wanted>) -> Result<Response, Problem> {
    let page = page_of(wanted.after)?;
    let mut tx = screen.read().await?;
    let mut attempts = payments::attempts(&mut tx, page, wanted.account_id).await?;
    let account = wanted.account_id.map(|id| id.to_string()).unwrap_or_default();
    let here = address("/payment-attempts", &[("account_id", &account)]);
    let next = next_page(&mut attempts, page, &here, |attempt| attempt.id.uuid());
    let compare = Action::post("/payment-attempts/reconcile", screen.t("paying-reconcile"));
    let page = Register {
        frame: &screen.frame,
        up: Some(("/payments".into(), screen.t("nav-payments"))),
        title: screen.t("paying-attempts"),
        lede: screen.t("paying-attempts-lede"),
        actions: screen.may::<ManageBilling>().then_some(compare).into_iter().collect(),
        figures: Vec::new(),
        sections: Vec::new(),
        heading: String::new(),
        chips: Vec::new(),
        search: None,
        table: table(&screen, &mut tx, attempts).await?,
        empty: screen.t("paying-attempts-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

async fn table<P: Needs>(screen: &Screen<P>, tx: &mut TenantTx, attempts: Vec<Attempt>) -> Result<Table, Problem> {
    let lang = screen.frame.lang;
    let accounts: Vec<_> = attempts.iter().map(|attempt| attempt.account_id).collect();
    let holders = subscribers::holders(tx, &accounts).await?;
    let rows = attempts.into_iter().map(|attempt| {
        let name = holders.get(&attempt.account_id).map_or("—", |holder| &holder.name);
        vec![
            Cell::link(
                format!("/payment-attempts/{}", attempt.id),
                format::instant(lang, attempt.created_at, screen.zone),
            ),
            Cell::link(format!("/accounts/{}", attempt.account_id), name),
            Cell::Text(screen.t(&format!("paying-kind-{}", attempt.kind.name()))),
            Cell::Number(money(lang, attempt.amount)),
            status(screen, &attempt),
            Cell::Text(attempt.code.unwrap_or_default()),
        ]
    });
    let names = ["when", "subscriber", "method", "amount", "status", "paying-code"].map(|key| screen.t(key));
    Ok(Table::new(names.to_vec(), rows.collect()))
}

/// Where an attempt is, in a word.
fn status<P: Needs>(screen: &Screen<P>, attempt: &Attempt) -> Cell {
    let (tone, key) = match (attempt.status, attempt.waits_for.as_deref()) {
        (AttemptStatus::Succeeded, _) => (Tone::Ok, "paying-succeeded"),
        (AttemptStatus::Failed, _) if attempt.retry_on.is_some() => (Tone::Warn, "paying-failed-again"),
        (AttemptStatus::Failed, _) => (Tone::Bad, "paying-failed"),
        (AttemptStatus::Unknown, _) => (Tone::Warn, "paying-unknown"),
        (AttemptStatus::Cancelled, _) => (Tone::Mute, "paying-cancelled"),
        (AttemptStatus::Created, _) => (Tone::Mute, "paying-created"),
        (AttemptStatus::Pending, Some("customer")) => (Tone::Mute, "paying-waits-customer"),
        (AttemptStatus::Pending, _) => (Tone::Warn, "paying-waits-provider"),
    };
    let day = attempt.retry_on.map(|day| format::date(screen.frame.lang, day)).unwrap_or_default();
    Cell::status(tone, screen.frame.t1(key, "date", &day))
}

fn decline_key(decline: Decline) -> &'static str {
    match decline {
        Decline::Soft => "paying-decline-soft",
        Decline::Hard => "paying-decline-hard",
        Decline::NeedsCustomer => "paying-decline-customer",
    }
}

async fn show(screen: Screen<ViewBilling>, ApiPath(id): ApiPath<PaymentAttemptId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let attempt = payments::attempt(&mut tx, id).await?;
    let account = subscribers::account(&mut tx, attempt.account_id).await?;
    let holder = subscribers::subscriber(&mut tx, account.subscriber_id).await?;
    let by = access::name_of(&mut tx, &attempt.requested_by).await?;
    let lang = screen.frame.lang;
    let amount = money(lang, attempt.amount);
    let mut facts = vec![
        (screen.t("status"), status(&screen, &attempt)),
        (screen.t("amount"), Cell::Text(amount.clone())),
        (screen.t("method"), Cell::Text(screen.t(&format!("paying-kind-{}", attempt.kind.name())))),
        (screen.t("subscriber"), Cell::link(format!("/subscribers/{}", holder.id), &holder.name)),
        (screen.t("account"), Cell::link(format!("/accounts/{}", account.id), account.number)),
    ];
    if let Some(decline) = attempt.decline {
        facts.push((screen.t("paying-decline"), Cell::Text(screen.t(decline_key(decline)))));
        facts.push((screen.t("paying-code"), Cell::Code(attempt.code.clone().unwrap_or_default())));
    }
    if let Some(payment) = attempt.payment_id {
        let number = payments::payment(&mut tx, payment).await?.number;
        facts.push((screen.t("receipt"), Cell::link(format!("/payments/{payment}"), number)));
    }
    if let Some(reference) = &attempt.reference {
        facts.push((screen.t("paying-reference"), Cell::Code(reference.clone())));
    }
    facts.push((screen.t("recorded-by"), by.map_or(Cell::Code(attempt.requested_by.clone()), Cell::Text)));
    facts.push((screen.t("id"), Cell::Code(id.to_string())));
    let look = Action::post(format!("/payment-attempts/{id}/look"), screen.t("paying-look"));
    let page = Show {
        frame: &screen.frame,
        up: ("/payment-attempts".into(), screen.t("paying-attempts")),
        title: screen.frame.t1("paying-attempt-title", "amount", &amount),
        lede: screen.frame.t1("paying-attempt-lede", "name", &holder.name),
        actions: (attempt.status.is_open() && screen.may::<RecordPayments>()).then_some(look).into_iter().collect(),
        command: None,
        facts,
        sections: vec![steps(&screen, &attempt)],
        form: None,
    };
    html(StatusCode::OK, &page)
}

fn steps(screen: &Screen<ViewBilling>, attempt: &Attempt) -> Section {
    let rows = attempt.steps.iter().map(|step| {
        vec![
            Cell::Text(format::instant(screen.frame.lang, step.at, screen.zone)),
            Cell::Text(screen.t(&format!("paying-why-{}", step.why))),
            Cell::Text(screen.t(&format!("paying-step-{}", step.status.name()))),
            Cell::Code(step.detail.clone()),
        ]
    });
    let names = ["when", "paying-why", "status", "paying-detail"].map(|key| screen.t(key)).to_vec();
    Section {
        title: screen.t("paying-steps"),
        action: None,
        table: Table::new(names, rows.collect()),
        empty: String::new(),
    }
}

async fn look(screen: Screen<RecordPayments>, ApiPath(id): ApiPath<PaymentAttemptId>) -> Result<Response, Problem> {
    payments::look(&screen.app, &screen.scope(), id).await?;
    Ok(see_saying(&format!("/payment-attempts/{id}"), "done-paying-looked"))
}

async fn reconcile(screen: Screen<ManageBilling>) -> Result<Response, Problem> {
    let told = payments::reconcile(&screen.app, &screen.scope()).await?;
    Ok(see_counting("/payment-attempts", "done-paying-reconciled", &[told.looked, told.listed]))
}

/// How an account pays: the parts of its page.
pub(super) async fn sections<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    account: AccountId,
) -> Result<Vec<Section>, Problem> {
    let methods = payments::methods(tx, account).await?;
    let mut tried = payments::attempts(tx, NEWEST, Some(account)).await?;
    let all = tried.len() > NEWEST.limit as usize;
    tried.truncate(NEWEST.limit as usize);
    let may = screen.may::<RecordPayments>();
    let rows = methods.into_iter().map(|method| kept(screen, method, may)).collect();
    let names = ["paying-card", "paying-expires", "paying-autopay", "paying-change"].map(|key| screen.t(key)).to_vec();
    let link = Action::go(pay::link(tx, account), screen.t("paying-link"));
    let rest = address("/payment-attempts", &[("account_id", &account.to_string())]);
    Ok(vec![
        Section {
            title: screen.t("paying-how"),
            action: Some(link),
            table: Table::new(names, rows),
            empty: screen.t("paying-how-none"),
        },
        Section {
            title: screen.t("paying-attempts"),
            action: all.then(|| Action::go(rest, screen.t("show-all"))),
            table: table(screen, tx, tried).await?,
            empty: screen.t("paying-attempts-none"),
        },
    ])
}

fn kept<P: Needs>(screen: &Screen<P>, method: PaymentMethod, may: bool) -> Vec<Cell> {
    let expires = method.exp_month.zip(method.exp_year).map(|(month, year)| format!("{month:02}/{year}"));
    let (tone, key, verb) = match method.autopay {
        true => (Tone::Ok, "paying-autopay-on", "stop"),
        false => (Tone::Mute, "paying-autopay-off", "autopay"),
    };
    let change = Cell::Post {
        action: format!("/payment-methods/{}/{verb}", method.id),
        text: screen.t(&format!("paying-autopay-{verb}")),
    };
    vec![
        Cell::Text(format!("{} •••• {}", method.brand, method.last4)),
        Cell::Text(expires.unwrap_or_else(|| "—".into())),
        Cell::status(tone, screen.t(key)),
        if may { change } else { Cell::Text(String::new()) },
    ]
}

async fn pays(screen: Screen<RecordPayments>, ApiPath(id): ApiPath<PaymentMethodId>) -> Result<Response, Problem> {
    change_autopay(&screen, id, true).await
}

async fn stops(screen: Screen<RecordPayments>, ApiPath(id): ApiPath<PaymentMethodId>) -> Result<Response, Problem> {
    change_autopay(&screen, id, false).await
}

async fn change_autopay(screen: &Screen<RecordPayments>, id: PaymentMethodId, pays: bool) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let method = payments::set_autopay(&mut tx, id, pays).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/accounts/{}", method.account_id), "done-saved"))
}

async fn remove(screen: Screen<RecordPayments>, ApiPath(id): ApiPath<PaymentMethodId>) -> Result<Response, Problem> {
    let method = payments::method(&mut screen.read().await?, id).await?;
    payments::remove_method(&screen.app, &screen.scope(), id).await?;
    Ok(see_saying(&format!("/accounts/{}", method.account_id), "done-saved"))
}

async fn receipt(screen: Screen<ViewBilling>, ApiPath(id): ApiPath<PaymentId>) -> Result<Response, Problem> {
    payments::api::drawn(screen.read().await?, id).await
}

/// What was given back of a payment, with the way to give more back.
pub(super) async fn refunds(
    screen: &Screen<ViewBilling>,
    tx: &mut TenantTx,
    payment: &Payment,
) -> Result<Section, Problem> {
    let lang = screen.frame.lang;
    let refunds = payments::refunds(tx, payment.id).await?;
    let left = left(payment, &refunds)?;
    let rows = refunds.into_iter().map(|refund| {
        let (tone, key) = match refund.status {
            AttemptStatus::Succeeded if refund.kind == "dispute" => (Tone::Bad, "paying-disputed"),
            AttemptStatus::Succeeded => (Tone::Ok, "paying-refunded"),
            AttemptStatus::Failed => (Tone::Bad, "paying-failed"),
            AttemptStatus::Unknown => (Tone::Warn, "paying-unknown"),
            _ => (Tone::Warn, "paying-waits-provider"),
        };
        vec![
            Cell::Text(refund.number.unwrap_or_else(|| "—".into())),
            Cell::Number(format::instant(lang, refund.created_at, screen.zone)),
            Cell::Number(money(lang, refund.amount)),
            Cell::Text(refund.reason),
            Cell::status(tone, screen.frame.t1(key, "date", "")),
        ]
    });
    let names = ["number", "when", "amount", "paying-reason", "status"].map(|key| screen.t(key)).to_vec();
    let may = screen.may::<RefundPayments>() && left.is_positive();
    Ok(Section {
        title: screen.t("paying-refunds"),
        action: may.then(|| Action::go(format!("/payments/{}/refund", payment.id), screen.t("paying-refund"))),
        table: Table::new(names, rows.collect()),
        empty: screen.t("paying-refunds-none"),
    })
}

fn left(payment: &Payment, refunds: &[Refund]) -> Result<Money, Problem> {
    let given = refunds.iter().filter(|refund| refund.status != AttemptStatus::Failed).map(|refund| refund.amount);
    let given = Money::sum(payment.amount.currency(), given).map_err(payments::Error::from)?;
    Ok(payment.amount.checked_sub(given).map_err(payments::Error::from)?)
}

async fn refunding(screen: Screen<RefundPayments>, ApiPath(id): ApiPath<PaymentId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let payment = payments::payment(&mut tx, id).await?;
    let left = left(&payment, &payments::refunds(&mut tx, id).await?)?;
    drop(tx);
    let key = format!("form {}", new_id::<PaymentId>(screen.app.clock.now()));
    let fields = Fields::of([("amount", left.amount().to_string()), ("reason", String::new()), ("key", key)]);
    refund_form(&screen, &payment, &fields, None)
}

fn refund_form(
    screen: &Screen<RefundPayments>,
    payment: &Payment,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let label = screen.frame.t1("amount-in", "currency", payment.amount.currency().code());
    let hint = screen.t("paying-refund-hint");
    let form = Asking::new(&screen.frame, fields, problem)
        .ask_in("amount", label, hint, Input::Line("text"))
        .ask("reason", "paying-reason", Input::Line("text"))
        .ask("key", "id", Input::Hidden)
        .inset(String::new(), format!("/payments/{}/refund", payment.id), "paying-refund");
    let page = Form {
        frame: &screen.frame,
        up: (format!("/payments/{}", payment.id), payment.number.clone()),
        title: screen.frame.t1("paying-refund-title", "number", &payment.number),
        lede: screen.t(&format!("paying-refund-lede-{}", payment.method.name())),
        form,
    };
    html(form_status(problem), &page)
}

async fn refund(
    screen: Screen<RefundPayments>,
    ApiPath(id): ApiPath<PaymentId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let payment = payments::payment(&mut screen.read().await?, id).await?;
    let amount = Money::parse(fields.get("amount"), payment.amount.currency()).ok();
    if amount.is_none() {
        fields.refuse("amount", "error-amount");
    }
    let done = match amount {
        Some(amount) => {
            let new = NewRefund { amount, reason: fields.text("reason") };
            let key = fields.option("key");
            payments::give_back(&screen.app, &screen.scope(), key.as_deref(), id, &new).await.map_err(Problem::from)
        }
        None => Err(fields.problem()),
    };
    match done {
        Ok(_) => Ok(see_saying(&format!("/payments/{id}"), "done-paying-refund")),
        Err(problem) if is_about_the_form(&problem) => refund_form(&screen, &payment, &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

async fn provider(screen: Screen<ViewSettings>) -> Result<Response, Problem> {
    let settings = payments::provider_settings(&screen.app, &mut screen.read().await?).await?;
    let enabled = if settings.enabled || settings.secret_key_hint.is_empty() { "yes" } else { "" };
    let fields = Fields::of([("publishable_key", settings.publishable_key), ("enabled", enabled.into())]);
    provider_form(&screen, &fields, None).await
}

async fn provider_form<P: Needs>(
    screen: &Screen<P>,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let settings = payments::provider_settings(&screen.app, &mut screen.read().await?).await?;
    let known = match settings.secret_key_hint.as_str() {
        "" => screen.t("paying-secret-none"),
        hint => screen.frame.t1("paying-secret-known", "hint", hint),
    };
    let webhook = screen.t(if settings.has_webhook_secret { "paying-webhook-known" } else { "paying-webhook-none" });
    let (secret_label, webhook_label) = (screen.t("paying-secret-key"), screen.t("paying-webhook-secret"));
    let form = Asking::new(&screen.frame, fields, problem)
        .ask("publishable_key", "paying-publishable-key", Input::Line("text"))
        .ask_in("secret_key", secret_label, known, Input::Line("password"))
        .ask_in("webhook_secret", webhook_label, webhook, Input::Line("password"))
        .ask("enabled", "paying-enabled", Input::Tick)
        .inset(screen.t("paying-keys"), "/settings/payments", "save");
    let (tone, state) = match (settings.enabled, settings.has_webhook_secret) {
        (true, true) => (Tone::Ok, "paying-on"),
        (true, false) => (Tone::Warn, "paying-on-deaf"),
        (false, _) => (Tone::Mute, "paying-off"),
    };
    let page = Show {
        frame: &screen.frame,
        up: ("/settings".into(), screen.t("nav-settings")),
        title: screen.t("paying-settings"),
        lede: screen.t("paying-settings-lede"),
        actions: Vec::new(),
        command: Some((settings.webhook_address, screen.t("paying-webhook-address"))),
        facts: vec![(screen.t("status"), Cell::status(tone, screen.t(state)))],
        sections: Vec::new(),
        form: screen.may::<ManageSettings>().then_some(form),
    };
    html(form_status(problem), &page)
}

async fn change_provider(screen: Screen<ManageSettings>, fields: Fields) -> Result<Response, Problem> {
    let change = ProviderChange {
        publishable_key: fields.option("publishable_key"),
        secret_key: fields.option("secret_key"),
        webhook_secret: fields.option("webhook_secret"),
        enabled: Some(fields.get("enabled") == "yes"),
    };
    let mut tx = screen.begin().await?;
    match payments::change_provider(&screen.app, &mut tx, change).await.map_err(Problem::from) {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying("/settings/payments", "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            // What was typed into a secret's field is not shown again.
            let shown =
                Fields::of([("publishable_key", fields.text("publishable_key")), ("enabled", fields.text("enabled"))]);
            provider_form(&screen, &shown, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}
