//! `/ledger-closings`: through which day the books are closed, who decided it and why.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use weir_ui::blocks::{Action, Cell, Input, Table};
use weir_ui::format;
use weir_ui::pages::{Form, Register};

use super::{Asking, form_status, next_page, page_of};
use crate::access;
use crate::app::App;
use crate::error::Problem;
use crate::http::ApiQuery;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::paging::PageQuery;
use crate::http::permission::{ManageBilling, ViewBilling};
use crate::http::toast::see_saying;
use crate::ledger::{self, ClosingWish};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/ledger-closings", get(list).post(close)).route("/ledger-closings/new", get(new))
}

async fn list(screen: Screen<ViewBilling>, ApiQuery(query): ApiQuery<PageQuery>) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let mut tx = screen.read().await?;
    let closed = ledger::closed_through(&mut tx).await?;
    let mut closings = ledger::closings(&mut tx, page).await?;
    let next = next_page(&mut closings, page, "/ledger-closings", |closing| closing.id.uuid());
    let lang = screen.frame.lang;
    let mut rows = Vec::new();
    for closing in closings {
        let by = access::name_of(&mut tx, &closing.decided_by).await?.unwrap_or(closing.decided_by);
        let through = closing.through.map_or_else(|| screen.t("closing-nothing"), |day| format::date(lang, day));
        rows.push(vec![
            Cell::Text(through),
            Cell::Text(closing.reason),
            Cell::Text(by),
            Cell::Number(format::instant(lang, closing.decided_at, screen.zone)),
        ]);
    }
    let heads = ["closing-through", "reason", "audit-who", "when"].map(|key| screen.t(key));
    let actions = match screen.may::<ManageBilling>() {
        true => vec![Action::go("/ledger-closings/new", screen.t("closing-new"))],
        false => Vec::new(),
    };
    let page = Register {
        frame: &screen.frame,
        up: Some(("/ledger".into(), screen.t("nav-ledger"))),
        title: screen.t("closings"),
        lede: match closed {
            Some(day) => screen.frame.t1("closings-lede", "day", &format::date(lang, day)),
            None => screen.t("closings-lede-none"),
        },
        actions,
        figures: Vec::new(),
        sections: Vec::new(),
        heading: String::new(),
        chips: Vec::new(),
        search: None,
        table: Table::new(heads.to_vec(), rows),
        empty: screen.t("closings-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

async fn new(screen: Screen<ManageBilling>) -> Result<Response, Problem> {
    form(&screen, &Fields::default(), None)
}

fn form(screen: &Screen<ManageBilling>, fields: &Fields, problem: Option<&Problem>) -> Result<Response, Problem> {
    let asked = Asking::new(&screen.frame, fields, problem)
        .ask_in("through", screen.t("closing-through"), screen.t("closing-through-hint"), Input::Line("date"))
        .ask("reason", "reason", Input::Line("text"));
    let page = Form {
        frame: &screen.frame,
        up: ("/ledger-closings".into(), screen.t("closings")),
        title: screen.t("closing-new"),
        lede: screen.t("closing-new-lede"),
        form: asked.inset(String::new(), "/ledger-closings", "save"),
    };
    html(form_status(problem), &page)
}

async fn close(screen: Screen<ManageBilling>, mut fields: Fields) -> Result<Response, Problem> {
    let through = fields.read_option("through", "error-date");
    let wrong = fields.problem();
    let mut tx = screen.begin().await?;
    let closed = match wrong.errors.is_empty() {
        true => {
            let wish = ClosingWish { through, reason: fields.text("reason") };
            ledger::close(&mut tx, &wish).await.map_err(Problem::from)
        }
        false => Err(wrong),
    };
    match closed {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying("/ledger-closings", "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => form(&screen, &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}
