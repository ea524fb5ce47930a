//! `/accounts/{id}/payer`: who pays for an account; `/accounts/{id}/payer/end`: it pays for itself again.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use weir_ui::blocks::{Action, Cell, Input, Table};
use weir_ui::format;
use weir_ui::pages::{Confirm, Form, Section};

use super::{Asking, MANY, form_status, money};
use crate::app::App;
use crate::billing;
use crate::db::TenantTx;
use crate::error::{FieldError, Problem};
use crate::http::ApiPath;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::{ManageSubscribers, Needs, ViewBilling};
use crate::http::toast::see_saying;
use crate::ids::AccountId;
use crate::subscribers::{self, Account};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/accounts/{id}/payer", get(choose).post(set))
        .route("/accounts/{id}/payer/end", get(ask_end).post(end))
}

/// Who pays for an account, if another does.
pub(super) async fn fact<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    account: &Account,
) -> Result<Option<(String, Cell)>, Problem> {
    let Some(payer) = account.payer_id else { return Ok(None) };
    let who = subscribers::holders(tx, &[payer]).await?.remove(&payer);
    let name = who.map_or_else(|| payer.to_string(), |holder| format!("{} · {}", holder.name, holder.number));
    Ok(Some((screen.t("payer"), Cell::link(format!("/accounts/{payer}"), name))))
}

/// What can be done about who pays.
pub(super) fn actions<P: Needs>(screen: &Screen<P>, account: &Account) -> Vec<Action> {
    if !screen.may::<ManageSubscribers>() {
        return Vec::new();
    }
    let at = |rest: &str| format!("/accounts/{}/payer{rest}", account.id);
    match account.payer_id {
        Some(_) => vec![Action::go(at(""), screen.t("payer-change")), Action::go(at("/end"), screen.t("payer-end"))],
        None => vec![Action::go(at(""), screen.t("payer-choose"))],
    }
}

/// The accounts it pays for, with what each adds to its next bill; none = none.
pub(super) async fn paid_for<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    id: AccountId,
) -> Result<Option<Section>, Problem> {
    let paid = subscribers::paid_by(tx, id, MANY).await?;
    if paid.is_empty() {
        return Ok(None);
    }
    // What a run would find, and not committed.
    let next = match screen.may::<ViewBilling>() {
        true => billing::next_bill(&mut screen.begin().await?, id).await.ok(),
        false => None,
    };
    let lang = screen.frame.lang;
    let adds = |account: AccountId| {
        let mut parts = next.iter().flat_map(|bill| &bill.parts);
        let part = parts.find(|part| part.paid_for.as_ref().is_some_and(|paid| paid.account_id == account));
        part.map_or_else(|| "—".to_owned(), |part| money(lang, part.net))
    };
    let rows = paid.iter().map(|paid| {
        vec![
            Cell::link(format!("/accounts/{}", paid.account_id), &paid.number),
            Cell::link(format!("/subscribers/{}", paid.subscriber_id), &paid.subscriber),
            Cell::Text(format::date(lang, paid.paid_since)),
            Cell::Number(adds(paid.account_id)),
        ]
    });
    let adds = match &next {
        Some(bill) => screen.frame.t1("payer-adds-on", "date", &format::date(lang, bill.on)),
        None => screen.t("payer-adds"),
    };
    let names = vec![screen.t("account"), screen.t("subscriber"), screen.t("payer-since"), adds];
    let table = Table::new(names, rows.collect());
    Ok(Some(Section { title: screen.t("payer-pays-for"), action: None, table, empty: String::new() }))
}

async fn choose(screen: Screen<ManageSubscribers>, ApiPath(id): ApiPath<AccountId>) -> Result<Response, Problem> {
    let account = subscribers::account(&mut screen.read().await?, id).await?;
    form(&screen, &account, &Fields::default(), None)
}

fn form(
    screen: &Screen<ManageSubscribers>,
    account: &Account,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let form = Asking::new(&screen.frame, fields, problem).ask("payer_id", "payer-number", Input::Line("text")).inset(
        String::new(),
        format!("/accounts/{}/payer", account.id),
        "payer-look",
    );
    let page = Form {
        frame: &screen.frame,
        up: (format!("/accounts/{}", account.id), account.number.clone()),
        title: screen.frame.t1("payer-title", "account", &account.number),
        lede: screen.t("payer-lede"),
        form,
    };
    html(form_status(problem), &page)
}

/// Shows first what would follow; does it once that was confirmed.
async fn set(
    screen: Screen<ManageSubscribers>,
    ApiPath(id): ApiPath<AccountId>,
    fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let account = subscribers::account(&mut tx, id).await?;
    let set = match subscribers::account_numbered(&mut tx, fields.get("payer_id")).await? {
        Some(payer) => subscribers::set_payer(&mut tx, id, payer).await.map_err(Problem::from),
        None => Err(unknown()),
    };
    match set {
        Ok(_) if fields.get("confirmed").is_empty() => {
            let confirmed = confirm(&screen, &mut tx, &account, &fields).await;
            drop(tx);
            confirmed
        }
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/accounts/{id}"), "done-payer"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            form(&screen, &account, &fields, Some(&problem))
        }
        Err(problem) => Err(problem),
    }
}

fn unknown() -> Problem {
    Problem::invalid(vec![FieldError::new("payer_id", "error-payer-unknown")])
}

async fn confirm(
    screen: &Screen<ManageSubscribers>,
    tx: &mut TenantTx,
    account: &Account,
    fields: &Fields,
) -> Result<Response, Problem> {
    let after = subscribers::account(tx, account.id).await?;
    let facts = fact(screen, tx, &after).await?;
    let sent = Fields::of([("payer_id", fields.text("payer_id")), ("confirmed", "yes".into())]);
    let form = Asking::new(&screen.frame, &sent, None)
        .ask("payer_id", "payer-number", Input::Hidden)
        .ask("confirmed", "payer-number", Input::Hidden)
        .inset(String::new(), format!("/accounts/{}/payer", account.id), "payer-set");
    let page = Confirm {
        frame: &screen.frame,
        up: (format!("/accounts/{}", account.id), account.number.clone()),
        title: screen.frame.t1("payer-set-title", "account", &account.number),
        lede: screen.t("payer-set-lede"),
        facts: facts.into_iter().collect(),
        sections: Vec::new(),
        form,
        danger: false,
    };
    html(axum::http::StatusCode::OK, &page)
}

async fn ask_end(screen: Screen<ManageSubscribers>, ApiPath(id): ApiPath<AccountId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let account = subscribers::account(&mut tx, id).await?;
    let facts = fact(&screen, &mut tx, &account).await?;
    let fields = Fields::default();
    let page = Confirm {
        frame: &screen.frame,
        up: (format!("/accounts/{id}"), account.number.clone()),
        title: screen.frame.t1("payer-end-title", "account", &account.number),
        lede: screen.t("payer-end-lede"),
        facts: facts.into_iter().collect(),
        sections: Vec::new(),
        form: Asking::new(&screen.frame, &fields, None).inset(
            String::new(),
            format!("/accounts/{id}/payer/end"),
            "payer-end",
        ),
        danger: true,
    };
    html(axum::http::StatusCode::OK, &page)
}

async fn end(screen: Screen<ManageSubscribers>, ApiPath(id): ApiPath<AccountId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    subscribers::end_payer(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/accounts/{id}"), "done-payer-ended"))
}
