//! The statement of one of a subscriber's accounts.

use axum::http::StatusCode;
use axum::response::Response;
use chrono::{Datelike, Days, NaiveDate};
use weir_rules::statement::quarter;
use weir_ui::blocks::Action;
use weir_ui::portal::{Page, section};

use super::Own;
use crate::billing;
use crate::error::Problem;
use crate::http::page::html;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::AccountId;
use crate::pages::{address, statements as pages};
use crate::portal;
use crate::statements::{self, Movement, MovementKind, StatementSpan};

pub(super) async fn show(
    own: Own,
    ApiPath((_, id)): ApiPath<(String, AccountId)>,
    ApiQuery(span): ApiQuery<StatementSpan>,
) -> Result<Response, Problem> {
    let mut tx = own.read().await?;
    let account = portal::account(&mut tx, own.me.id, id).await?;
    let today = billing::today(&mut tx).await?;
    let statement = statements::statement(&mut tx, id, span).await?;
    let portal = own.portal();
    let bill = |id: &str| portal.at(&format!("/bills/{id}/pdf"));
    let way = |one: &Movement| match one.kind {
        MovementKind::Invoice | MovementKind::LateFee | MovementKind::CreditUsed => Some(bill(&one.document_id)),
        MovementKind::CreditNote => Some(portal.at(&format!("/credit-notes/{}/pdf", one.document_id))),
        _ => None,
    };
    let title = portal.frame.t1("statement-of", "account", &account.number);
    let mut page = Page::saying(portal, title, pages::lede(&portal.frame, &statement));
    page.up = Some((portal.at("/bills"), portal.t("portal-nav-bills")));
    let table = pages::table(&portal.frame, &statement, way);
    page.sections.push(section(portal.t("statement-movements"), table, String::new()));
    page.sections.extend(pages::open(&portal.frame, &statement, bill));
    let here = portal.at(&format!("/accounts/{id}/statement"));
    page.actions.push(pages::pdf(&portal.frame, &here, &statement).main());
    for (key, from, to) in spans(today) {
        let asked = [("from", from.to_string()), ("to", to.to_string())];
        let asked = asked.each_ref().map(|(name, day)| (*name, day.as_str()));
        page.actions.push(Action::go(address(&here, &asked), portal.t(key)));
    }
    html(StatusCode::OK, &page)
}

/// The days most ask for: this quarter and year, and those before.
fn spans(today: NaiveDate) -> [(&'static str, NaiveDate, NaiveDate); 4] {
    let before = |day: NaiveDate| day.checked_sub_days(Days::new(1)).unwrap_or(day);
    let year = |day: NaiveDate| NaiveDate::from_ymd_opt(day.year(), 1, 1).unwrap_or(day);
    let (this_quarter, this_year) = (quarter(today), year(today));
    let (last_quarter, last_year) = (before(this_quarter), before(this_year));
    [
        ("statement-quarter", this_quarter, today),
        ("statement-last-quarter", quarter(last_quarter), last_quarter),
        ("statement-year", this_year, today),
        ("statement-last-year", year(last_year), last_year),
    ]
}

pub(super) async fn document(
    own: Own,
    ApiPath((_, id)): ApiPath<(String, AccountId)>,
    ApiQuery(span): ApiQuery<StatementSpan>,
) -> Result<Response, Problem> {
    let mut tx = own.read().await?;
    portal::account(&mut tx, own.me.id, id).await?;
    statements::api::drawn(tx, id, span).await
}
