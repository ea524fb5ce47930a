//! `/accounts/{id}/tax-exemptions`: why an account is not charged tax.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::NaiveDate;
use weir_ui::blocks::{Action, Cell, Input, Table};
use weir_ui::format;
use weir_ui::pages::{Confirm, Form, Section};

use super::{Asking, form_status};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::paging::Page;
use crate::http::permission::{ManageBilling, Needs};
use crate::http::toast::see_saying;
use crate::ids::{AccountId, TaxExemptionId};
use crate::taxes::{self, Exemption, ExemptionKind, ExemptionWish};
use crate::{billing, subscribers};

/// Exemptions an account's page shows.
const NEWEST: Page = Page { after: None, limit: 12 };

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/accounts/{id}/tax-exemptions", post(add))
        .route("/accounts/{id}/tax-exemptions/new", get(new))
        .route("/tax-exemptions/{id}/withdraw", get(ask_withdraw).post(withdraw))
}

/// The part of an account's page about its exemptions.
pub(super) async fn section<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    account: AccountId,
) -> Result<Section, Problem> {
    let may = screen.may::<ManageBilling>();
    let mut rows = Vec::new();
    for exemption in taxes::exemptions(tx, account, NEWEST).await?.into_iter().take(NEWEST.limit as usize) {
        let way = match exemption.withdrawn_at {
            Some(_) => Cell::Text(screen.t("tax-withdrawn")),
            None if may => Cell::link(format!("/tax-exemptions/{}/withdraw", exemption.id), screen.t("tax-withdraw")),
            None => Cell::Text(screen.t("tax-used")),
        };
        rows.push(vec![
            Cell::Text(screen.t(&format!("tax-exemption-{}", exemption.kind.name()))),
            Cell::Code(exemption.document.clone()),
            Cell::Text(exemption.reason.clone()),
            Cell::Text(held(screen, &exemption)),
            way,
        ]);
    }
    let names = ["tax-exemption-kind", "tax-exemption-document", "reason", "tax-days", "status"];
    let new = || Action::go(format!("/accounts/{account}/tax-exemptions/new"), screen.t("tax-exemptions-new"));
    Ok(Section {
        title: screen.t("tax-exemptions"),
        action: may.then(new),
        table: Table::new(names.map(|key| screen.t(key)).to_vec(), rows),
        empty: screen.t("tax-exemptions-empty"),
    })
}

fn held<P: Needs>(screen: &Screen<P>, exemption: &Exemption) -> String {
    let lang = screen.frame.lang;
    match exemption.to {
        Some(to) => super::days(lang, exemption.from, to),
        None => screen.frame.t1("tax-from-on", "date", &format::date(lang, exemption.from)),
    }
}

async fn new(screen: Screen<ManageBilling>, ApiPath(id): ApiPath<AccountId>) -> Result<Response, Problem> {
    let today = billing::today(&mut screen.read().await?).await?;
    let fields = Fields::of([("kind", "certificate".into()), ("from", today.to_string())]);
    form(&screen, id, &fields, None).await
}

async fn form(
    screen: &Screen<ManageBilling>,
    id: AccountId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let account = subscribers::account(&mut screen.read().await?, id).await?;
    let kinds = ExemptionKind::ALL.map(|kind| {
        let name = kind.name();
        (name.to_owned(), screen.t(&format!("tax-exemption-{name}")))
    });
    let asked = Asking::new(&screen.frame, fields, problem)
        .ask("kind", "tax-exemption-kind", Input::Choice(kinds.to_vec()))
        .ask("document", "tax-exemption-document", Input::Line("text"))
        .ask("reason", "tax-exemption-reason", Input::Line("text"))
        .ask("from", "tax-first-day", Input::Line("date"))
        .ask("to", "tax-day-after", Input::Line("date"));
    let page = Form {
        frame: &screen.frame,
        up: (format!("/accounts/{id}"), screen.frame.t1("account-title", "number", &account.number)),
        title: screen.t("tax-exemptions-new"),
        lede: screen.t("tax-exemptions-new-lede"),
        form: asked.inset(String::new(), format!("/accounts/{id}/tax-exemptions"), "save"),
    };
    html(form_status(problem), &page)
}

fn wish(fields: &mut Fields) -> Result<ExemptionWish, Problem> {
    let kind = ExemptionKind::from_name(fields.get("kind"));
    if kind.is_none() {
        fields.refuse("kind", "error-choose");
    }
    let from = fields.read::<NaiveDate>("from", "error-date");
    let to = fields.read_option("to", "error-date");
    let problem = fields.problem();
    let (Some(kind), Some(from), true) = (kind, from, problem.errors.is_empty()) else { return Err(problem) };
    Ok(ExemptionWish { kind, document: fields.text("document"), reason: fields.text("reason"), from, to })
}

async fn add(
    screen: Screen<ManageBilling>,
    ApiPath(id): ApiPath<AccountId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    subscribers::account(&mut tx, id).await?;
    let added = match wish(&mut fields) {
        Ok(wish) => taxes::add_exemption(&mut tx, id, wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match added {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/accounts/{id}"), "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            form(&screen, id, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn ask_withdraw(
    screen: Screen<ManageBilling>,
    ApiPath(id): ApiPath<TaxExemptionId>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let exemption = taxes::exemption(&mut tx, id).await?;
    let account = subscribers::account(&mut tx, exemption.account_id).await?;
    let fields = Fields::default();
    let asked = Asking::new(&screen.frame, &fields, None);
    let page = Confirm {
        frame: &screen.frame,
        up: (format!("/accounts/{}", account.id), screen.frame.t1("account-title", "number", &account.number)),
        title: screen.t("tax-exemption-withdraw-title"),
        lede: screen.t("tax-exemption-withdraw-lede"),
        facts: vec![
            (screen.t("tax-exemption-document"), Cell::Code(exemption.document.clone())),
            (screen.t("reason"), Cell::Text(exemption.reason.clone())),
            (screen.t("tax-days"), Cell::Text(held(&screen, &exemption))),
        ],
        sections: Vec::new(),
        form: asked.inset(String::new(), format!("/tax-exemptions/{id}/withdraw"), "tax-withdraw"),
        danger: true,
    };
    html(StatusCode::OK, &page)
}

async fn withdraw(screen: Screen<ManageBilling>, ApiPath(id): ApiPath<TaxExemptionId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let exemption = taxes::withdraw_exemption(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/accounts/{}", exemption.account_id), "done-tax-withdrawn"))
}
