//! `/pay/<token>`: what an account owes and how to pay it, without logging in and without scripts.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use chrono::NaiveDate;
use serde::Deserialize;
use weir_rules::calendar::local_date;
use weir_rules::money::Money;
use weir_rules::reference::{creditor_reference, grouped};
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::i18n::{LANGUAGES, t};
use weir_ui::pages::{Inset, Pay, Section};
use weir_ui::{Frame, format};

use super::{Asking, form_status, money};
use crate::app::App;
use crate::billing::{self, OpenItem, ProformaSummary};
use crate::db::{Scope, TenantTx};
use crate::error::Problem;
use crate::http::ApiQuery;
use crate::http::middleware::FormsLeadTo;
use crate::http::page::{Fields, anonymous_frame, html, is_about_the_form, see};
use crate::ids::AccountId;
use crate::payments::{self, Attempt, AttemptStatus, Error};
use crate::tenants::Tenant;
use crate::{portal, subscribers, tenants};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/pay/{token}", get(show).post(pay)).route("/pay/{token}/card", post(leave))
}

#[derive(Default, Deserialize)]
struct Returned {
    #[serde(default)]
    back: String,
    #[serde(default)]
    saved: String,
}

/// Whoever has a link.
struct Payer {
    token: String,
    scope: Scope,
    account: AccountId,
}

fn payer(app: &App, token: String) -> Result<Payer, Problem> {
    let (tenant, account) = app.links.read_pay(&token).ok_or(Error::LinkInvalid)?;
    Ok(Payer { token, scope: Scope::system(tenant), account })
}

async fn show(
    State(app): State<App>,
    headers: HeaderMap,
    Path(token): Path<String>,
    ApiQuery(returned): ApiQuery<Returned>,
) -> Result<Response, Problem> {
    let payer = payer(&app, token)?;
    let told = told(&app, &payer, &returned).await?;
    shown(&app, &headers, &payer, told, None).await
}

/// What became of what the payer comes back from.
enum Told {
    Nothing,
    Received(Money),
    Waiting,
    Kept,
}

async fn told(app: &App, payer: &Payer, returned: &Returned) -> Result<Told, Problem> {
    if !returned.saved.is_empty() {
        // The provider's name of the page, which only says something to whoever fetches it.
        let kept = payments::take_set_up(app, &payer.scope, &returned.saved).await;
        return Ok(if matches!(kept, Ok(true)) { Told::Kept } else { Told::Waiting });
    }
    let open = payments::open_attempt(&mut app.db.read(&payer.scope).await?, payer.account).await?;
    if let Some(open) = &open
        && !returned.back.is_empty()
        && let Err(error) = payments::look(app, &payer.scope, open.id).await
    {
        tracing::warn!(attempt = %open.id, %error, "a payer came back before the provider answers");
    }
    if returned.back != "paid" {
        return Ok(Told::Nothing);
    }
    let newest = crate::http::paging::Page { after: None, limit: 1 };
    let attempts = payments::attempts(&mut app.db.read(&payer.scope).await?, newest, Some(payer.account)).await?;
    Ok(match attempts.first() {
        Some(attempt) if attempt.status == AttemptStatus::Succeeded => Told::Received(attempt.amount),
        Some(attempt) if attempt.status.is_open() => Told::Waiting,
        _ => Told::Nothing,
    })
}

async fn shown(
    app: &App,
    headers: &HeaderMap,
    payer: &Payer,
    told: Told,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = app.db.read(&payer.scope).await?;
    let account = subscribers::account(&mut tx, payer.account).await?;
    let holder = subscribers::subscriber(&mut tx, account.subscriber_id).await?;
    let isp = tenants::tenant(&mut tx).await?;
    let standing = billing::standing(&mut tx, payer.account).await?;
    let items = billing::open_items(&mut tx, payer.account, standing.open.currency()).await?;
    let (wanted, ahead) =
        (payments::wanted(&mut tx, payer.account).await?, billing::asked_ahead(&mut tx, payer.account).await?);
    let open = payments::open_attempt(&mut tx, payer.account).await?;
    let portal = portal::address(app, &mut tx).await?;
    let by_card = payments::provider_settings(app, &mut tx).await?.enabled;
    let keeps_one = payments::methods(&mut tx, payer.account).await?.iter().any(|method| method.autopay);
    let today = local_date(tx.at(), account.time_zone.parse().unwrap_or(chrono_tz::UTC));
    drop(tx);
    let mut frame = anonymous_frame(headers);
    frame.lang = LANGUAGES.into_iter().find(|tag| *tag == holder.language).unwrap_or(frame.lang);
    frame.tenant.clone_from(&isp.name);
    frame.hue = isp.hue.unsigned_abs();
    let owes = wanted.is_positive();
    let amount = money(frame.lang, wanted);
    let under_way = open.as_ref().is_some_and(|attempt| !is_page(attempt));
    let page = Pay {
        title: if owes { frame.t1("pay-title", "amount", &amount) } else { frame.t("pay-nothing") },
        lede: lede(&frame, &account.number, under_way, &items, today),
        told: said(&frame, &told, under_way),
        form: (owes && by_card && !under_way).then(|| form(&frame, payer, &amount, problem)),
        leave: (!owes && by_card).then(|| {
            let key = if keeps_one { "pay-keep-other" } else { "pay-keep-only" };
            Action::post(format!("/pay/{}/card", payer.token), frame.t(key))
        }),
        owed: owed(&frame, &items, ahead.as_ref(), today),
        transfer: if owes { transfer(&frame, &isp, &account.number) } else { None },
        contact: isp.contact,
        back: Action::go(portal, frame.t("pay-back")),
        frame: &frame,
    };
    let mut response = html(form_status(problem), &page)?;
    response.extensions_mut().insert(FormsLeadTo(pages_of(app)));
    Ok(response)
}

/// Which account it is, and until when something is to be paid or that it is on its way.
fn lede(frame: &Frame, account: &str, under_way: bool, items: &[OpenItem], today: NaiveDate) -> String {
    let due = items.iter().filter(|item| item.open.is_positive()).map(|item| item.due_on).min();
    let key = match due {
        _ if under_way => "pay-under-way",
        None => "pay-lede",
        Some(due) if due < today => "pay-lede-overdue",
        Some(_) => "pay-lede-due",
    };
    let date = due.map(|due| format::date(frame.lang, due)).unwrap_or_default();
    t(frame.lang, key, &[("number", account), ("date", &date)])
}

/// Where the provider's pages are: over TLS anywhere, for an ISP may have them under its own name; those of a test's, which
/// speaks without, where it is asked or on the payer's own machine.
fn pages_of(app: &App) -> String {
    let base = app.config.stripe_url.trim_end_matches('/');
    if base.starts_with("http://") { format!("https: {base} http://127.0.0.1:*") } else { "https:".to_owned() }
}

fn is_page(attempt: &Attempt) -> bool {
    attempt.kind == payments::AttemptKind::Page && attempt.waits_for.as_deref() != Some("provider")
}

fn said(frame: &Frame, told: &Told, under_way: bool) -> Option<Cell> {
    match told {
        Told::Received(amount) => {
            Some(Cell::status(Tone::Ok, frame.t1("pay-received", "amount", &money(frame.lang, *amount))))
        }
        Told::Kept => Some(Cell::status(Tone::Ok, frame.t("pay-kept"))),
        Told::Waiting => Some(Cell::status(Tone::Warn, frame.t("pay-waiting"))),
        Told::Nothing if under_way => Some(Cell::status(Tone::Warn, frame.t("pay-waiting"))),
        Told::Nothing => None,
    }
}

fn form(frame: &Frame, payer: &Payer, amount: &str, problem: Option<&Problem>) -> Inset {
    let fields = Fields::default();
    let asked = Asking::new(frame, &fields, problem).ask("keep", "pay-keep", Input::Tick);
    let inset = asked.inset(String::new(), format!("/pay/{}", payer.token), "pay-do");
    Inset { submit: frame.t1("pay-do", "amount", amount), ..inset }
}

fn owed(frame: &Frame, items: &[OpenItem], ahead: Option<&ProformaSummary>, today: NaiveDate) -> Section {
    let due = |item: &OpenItem| {
        let key = if item.due_on < today { "portal-bill-overdue" } else { "portal-bill-due" };
        frame.t1(key, "date", &format::date(frame.lang, item.due_on))
    };
    let rows = items.iter().map(|item| {
        vec![Cell::Text(item.number.clone()), Cell::Text(due(item)), Cell::Number(money(frame.lang, item.open))]
    });
    let ahead = ahead.map(|proforma| {
        let until = frame.t1("proforma-ahead", "date", &format::date(frame.lang, proforma.as_of));
        vec![Cell::Text(proforma.number.clone()), Cell::Text(until), Cell::Number(money(frame.lang, proforma.left))]
    });
    let names = ["invoice", "due", "open"].map(|key| frame.t(key)).to_vec();
    Section {
        title: frame.t("pay-owed"),
        action: None,
        table: Table::new(names, rows.chain(ahead).collect()),
        empty: String::new(),
    }
}

fn transfer(frame: &Frame, isp: &Tenant, account: &str) -> Option<(String, Vec<(String, Cell)>)> {
    if isp.bank_iban.is_empty() {
        return None;
    }
    let holder = if isp.bank_holder.is_empty() { &isp.legal_name } else { &isp.bank_holder };
    let mut facts = vec![
        (frame.t("bank-holder"), Cell::Text(holder.clone())),
        (frame.t("bank-iban"), Cell::Code(grouped(&isp.bank_iban))),
    ];
    if !isp.bank_bic.is_empty() {
        facts.push((frame.t("bank-bic"), Cell::Code(isp.bank_bic.clone())));
    }
    if let Some(reference) = creditor_reference(account) {
        facts.push((frame.t("pay-reference"), Cell::Code(grouped(&reference))));
    }
    Some((frame.t("pay-transfer"), facts))
}

async fn pay(
    State(app): State<App>,
    headers: HeaderMap,
    Path(token): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let payer = payer(&app, token)?;
    match payments::request_page(&app, &payer.scope, payer.account, fields.get("keep") == "yes").await {
        Ok(attempt) => Ok(see(&attempt.page_url.unwrap_or_else(|| format!("/pay/{}", payer.token)))),
        // Paid meanwhile, or on its way: the page says so.
        Err(Error::NothingToPay(_) | Error::UnderWay(_)) => Ok(see(&format!("/pay/{}", payer.token))),
        Err(error) => refused(&app, &headers, &payer, error.into()).await,
    }
}

async fn leave(State(app): State<App>, headers: HeaderMap, Path(token): Path<String>) -> Result<Response, Problem> {
    let payer = payer(&app, token)?;
    match payments::set_up_page(&app, &payer.scope, payer.account).await {
        Ok(page) => Ok(see(&page)),
        Err(error) => refused(&app, &headers, &payer, error.into()).await,
    }
}

async fn refused(app: &App, headers: &HeaderMap, payer: &Payer, problem: Problem) -> Result<Response, Problem> {
    let unreachable = problem.kind == &payments::error::PAYMENT_PROVIDER_UNREACHABLE;
    if is_about_the_form(&problem) || unreachable {
        let mut response = shown(app, headers, payer, Told::Nothing, Some(&problem)).await?;
        if unreachable {
            *response.status_mut() = StatusCode::BAD_GATEWAY;
        }
        return Ok(response);
    }
    Err(problem)
}

/// The account's own link, for staff to pass on.
pub(super) fn link(tx: &TenantTx, account: AccountId) -> String {
    tx.links().pay(tx.tenant(), account)
}
