//! `/payments`: money received, what it settled, and whom it let out.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use chrono::NaiveDate;
use serde::Deserialize;
use weir_rules::money::{Currency, Money};
use weir_ui::blocks::{Action, Cell, Input, Table};
use weir_ui::format;
use weir_ui::pages::{Form, Inset, Register, Section, Show};

use super::subscriptions::named;
use super::{Asking, address, form_status, ledger, money, next_page, page_of, paying};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::page::{Fields, Screen, html, is_about_the_form, see};
use crate::http::permission::{Needs, RecordPayments, ViewBilling, ViewSettings};
use crate::http::toast::see_saying;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::{AccountId, PaymentId, new_id};
use crate::payments::{self, Method, NewPayment, Payment};
use crate::{access, billing, dunning, idempotency, subscribers, subscriptions};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/payments", get(list).post(record))
        .route("/payments/new", get(new))
        .route("/payments/{id}", get(show))
}

#[derive(Deserialize)]
struct Wanted {
    account_id: Option<AccountId>,
    after: Option<String>,
}

async fn list(screen: Screen<ViewBilling>, ApiQuery(wanted): ApiQuery<Wanted>) -> Result<Response, Problem> {
    let page = page_of(wanted.after)?;
    let mut tx = screen.read().await?;
    let mut payments = payments::payments(&mut tx, page, wanted.account_id).await?;
    let account = wanted.account_id.map(|id| id.to_string()).unwrap_or_default();
    let here = address("/payments", &[("account_id", &account)]);
    let next = next_page(&mut payments, page, &here, |payment| payment.id.uuid());
    let record = screen
        .may::<RecordPayments>()
        .then(|| Action::go(address("/payments/new", &[("account_id", &account)]), screen.t("payments-new")));
    let keys = screen.may::<ViewSettings>().then(|| Action::go("/settings/payments", screen.t("paying-settings")));
    let attempts = Action::go(address("/payment-attempts", &[("account_id", &account)]), screen.t("paying-attempts"));
    let page = Register {
        frame: &screen.frame,
        up: None,
        title: screen.t("nav-payments"),
        lede: screen.t("payments-lede"),
        actions: record.into_iter().chain([attempts]).chain(keys).collect(),
        figures: Vec::new(),
        sections: Vec::new(),
        heading: String::new(),
        chips: Vec::new(),
        search: None,
        table: table(&screen, &mut tx, payments).await?,
        empty: screen.t("payments-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

/// Payments as rows.
pub(super) async fn table<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    payments: Vec<Payment>,
) -> Result<Table, Problem> {
    let lang = screen.frame.lang;
    let accounts: Vec<_> = payments.iter().map(|payment| payment.account_id).collect();
    let holders = subscribers::holders(tx, &accounts).await?;
    let rows = payments.into_iter().map(|payment| {
        let name = holders.get(&payment.account_id).map_or("—", |holder| &holder.name);
        vec![
            Cell::link(format!("/payments/{}", payment.id), payment.number),
            Cell::link(format!("/accounts/{}", payment.account_id), name),
            Cell::Number(format::date(lang, payment.received_on)),
            Cell::Text(screen.t(&format!("method-{}", payment.method.name()))),
            Cell::Text(payment.reference),
            Cell::Number(money(lang, payment.amount)),
        ]
    });
    let names = ["receipt", "subscriber", "received", "method", "reference", "amount"].map(|key| screen.t(key));
    Ok(Table::new(names.to_vec(), rows.collect()))
}

async fn show(screen: Screen<ViewBilling>, ApiPath(id): ApiPath<PaymentId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let payment = payments::payment(&mut tx, id).await?;
    let account = subscribers::account(&mut tx, payment.account_id).await?;
    let subscriber = subscribers::subscriber(&mut tx, account.subscriber_id).await?;
    let by = access::name_of(&mut tx, &payment.recorded_by).await?;
    let lines = dunning::released_at(&mut tx, account.id, payment.recorded_at).await?;
    let names = subscriptions::names(&mut tx, &lines).await?;
    let lang = screen.frame.lang;
    let lede = weir_ui::i18n::t(
        lang,
        "payment-lede",
        &[("name", &subscriber.name), ("date", &format::date(lang, payment.received_on))],
    );
    let reference = Some(payment.reference.clone()).filter(|text| !text.is_empty());
    let mut facts = vec![
        (screen.t("amount"), Cell::Text(money(lang, payment.amount))),
        (screen.t("method"), Cell::Text(screen.t(&format!("method-{}", payment.method.name())))),
        (screen.t("received"), Cell::Text(format::date(lang, payment.received_on))),
        (screen.t("subscriber"), Cell::link(format!("/subscribers/{}", subscriber.id), &subscriber.name)),
        (screen.t("account"), Cell::link(format!("/accounts/{}", account.id), account.number)),
        (screen.t("reference"), Cell::Text(reference.unwrap_or_else(|| "—".into()))),
        (screen.t("surplus"), Cell::Text(money(lang, payment.surplus))),
        (screen.t("recorded-by"), by.map_or(Cell::Code(payment.recorded_by.clone()), Cell::Text)),
        (screen.t("recorded-at"), Cell::Text(format::instant(lang, payment.recorded_at, screen.zone))),
        (screen.t("id"), Cell::Code(id.to_string())),
    ];
    let restored = Section {
        title: screen.t("payment-restored"),
        action: None,
        table: Table::new(
            vec![screen.t("subscription")],
            lines.iter().map(|line| vec![named(&names, *line)]).collect(),
        ),
        empty: screen.t("payment-restored-none"),
    };
    let settlements = billing::settlements(&mut tx, id.uuid()).await?;
    let books = ledger::section_of(&screen, &mut tx, ("payment", id.uuid()), &settlements).await?;
    let refunds = paying::refunds(&screen, &mut tx, &payment).await?;
    if let Some(attempt) = payment.attempt_id {
        let way = Cell::link(format!("/payment-attempts/{attempt}"), screen.t("paying-attempt"));
        facts.insert(2, (screen.t("paying-attempt"), way));
    }
    let sections = vec![settled(&screen, &payment), refunds, restored, books];
    let page = Show {
        frame: &screen.frame,
        up: ("/payments".into(), screen.t("nav-payments")),
        title: screen.frame.t1("payment-title", "number", &payment.number),
        lede,
        actions: vec![Action::go(format!("/payments/{id}/receipt"), screen.t("paying-receipt"))],
        command: None,
        facts,
        sections,
        form: None,
    };
    html(StatusCode::OK, &page)
}

fn settled(screen: &Screen<ViewBilling>, payment: &Payment) -> Section {
    let rows = payment.allocations.iter().map(|part| {
        vec![
            Cell::link(format!("/invoices/{}", part.invoice_id), &part.number),
            Cell::Number(money(screen.frame.lang, part.amount)),
        ]
    });
    Section {
        title: screen.t("payment-settled"),
        action: None,
        table: Table::new(vec![screen.t("invoice"), screen.t("amount")], rows.collect()),
        empty: screen.t("payment-settled-none"),
    }
}

async fn new(screen: Screen<RecordPayments>, ApiQuery(wanted): ApiQuery<Wanted>) -> Result<Response, Problem> {
    // What is paid is chosen from what is owed.
    let Some(account) = wanted.account_id else { return Ok(see("/invoices?status=open")) };
    let mut tx = screen.read().await?;
    let open = billing::standing(&mut tx, account).await?.open;
    let today = billing::today(&mut tx).await?;
    drop(tx);
    form(&screen, account, fields(&screen, account, open, today), None).await
}

/// The form as it is first shown: what is open, received today, to be recorded once however often it is sent.
pub(super) fn fields<P: Needs>(screen: &Screen<P>, account: AccountId, open: Money, today: NaiveDate) -> Fields {
    let amount = if open.is_positive() { open.amount().to_string() } else { String::new() };
    Fields::of([
        ("account_id", account.to_string()),
        ("currency", open.currency().code().to_owned()),
        ("amount", amount),
        ("received_on", today.to_string()),
        ("key", fresh_key(screen)),
    ])
}

fn fresh_key<P: Needs>(screen: &Screen<P>) -> String {
    format!("form {}", new_id::<PaymentId>(screen.app.clock.now()))
}

/// The form that records a payment, to stand on any page about what is owed.
pub(super) fn inset<P: Needs>(screen: &Screen<P>, fields: Fields, problem: Option<&Problem>) -> Inset {
    let label = screen.frame.t1("amount-in", "currency", fields.get("currency"));
    Asking::new(&screen.frame, &fields, problem)
        .ask_in("amount", label, screen.t("amount-in-hint"), Input::Line("text"))
        .ask("received_on", "received", Input::Line("date"))
        .ask("reference", "reference", Input::Line("text"))
        .ask("currency", "currency", Input::Hidden)
        .ask("account_id", "account", Input::Hidden)
        .ask("key", "id", Input::Hidden)
        .inset(screen.t("payments-new"), "/payments", "payments-record")
}

async fn form(
    screen: &Screen<RecordPayments>,
    account: AccountId,
    fields: Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let account = subscribers::account(&mut tx, account).await?;
    let subscriber = subscribers::subscriber(&mut tx, account.subscriber_id).await?;
    let page = Form {
        frame: &screen.frame,
        up: (format!("/accounts/{}", account.id), account.number),
        title: screen.frame.t1("payments-new-title", "name", &subscriber.name),
        lede: screen.t("payments-new-lede"),
        form: inset(screen, fields, problem),
    };
    html(form_status(problem), &page)
}

async fn record(screen: Screen<RecordPayments>, mut fields: Fields) -> Result<Response, Problem> {
    let Some(account) = fields.read("account_id", "error-choose") else { return Err(fields.problem()) };
    let mut tx = screen.begin().await?;
    let recorded = match wish(&mut fields, account) {
        Ok(new) => payments::record(&mut tx, fields.option("key").as_deref(), &new).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match recorded {
        Ok(reply) => {
            tx.commit().await?;
            let id = reply["id"].as_str().unwrap_or_default();
            Ok(see_saying(&format!("/payments/{id}"), "done-payment"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            if problem.kind == &idempotency::error::IDEMPOTENCY_KEY_REUSED {
                // This form has recorded its payment; whoever sends it again with other values means another one.
                fields.set("key", fresh_key(&screen));
            }
            form(&screen, account, fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

fn wish(fields: &mut Fields, account_id: AccountId) -> Result<NewPayment, Problem> {
    let currency = Currency::from_code(fields.get("currency")).map_err(|error| Problem::field("currency", error))?;
    let received_on = fields.read::<NaiveDate>("received_on", "error-date");
    let amount = Money::parse(fields.get("amount"), currency).ok();
    if amount.is_none() {
        fields.refuse("amount", "error-amount");
    }
    match (received_on, amount) {
        (Some(received_on), Some(amount)) => Ok(NewPayment {
            account_id,
            method: Method::Cash,
            amount,
            received_on,
            reference: fields.text("reference"),
        }),
        _ => Err(fields.problem()),
    }
}
