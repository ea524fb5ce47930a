//! `/analytics/used-allowances/write`: a message to who holds the lines that have used their allowance.
//!
//! The page that asks writes the messages, counts them, and does not commit.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use weir_ui::blocks::{Action, Cell, Input};
use weir_ui::format;
use weir_ui::pages::Show;

use super::super::{Asking, address, form_status};
use crate::analytics::{self, OfferWish};
use crate::app::App;
use crate::error::Problem;
use crate::http::ApiQuery;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::ManageMessages;
use crate::http::toast::see_counting;

const LIST: &str = "/analytics/used-allowances";

pub(super) fn routes() -> Router<App> {
    Router::new().route("/analytics/used-allowances/write", get(ask).post(write))
}

/// Where one writes to the lines of an area.
pub(super) fn here(area: Option<&str>) -> String {
    address("/analytics/used-allowances/write", &[("area", area.unwrap_or_default())])
}

#[derive(Deserialize)]
struct Asked {
    area: Option<String>,
}

async fn ask(screen: Screen<ManageMessages>, ApiQuery(asked): ApiQuery<Asked>) -> Result<Response, Problem> {
    let fields = Fields::of([("area", asked.area.unwrap_or_default())]);
    shown(&screen, &fields, None).await
}

fn wish(fields: &Fields) -> OfferWish {
    let area = Some(fields.text("area")).filter(|area| !area.is_empty());
    OfferWish { area, note: fields.text("note").replace("\r\n", "\n") }
}

async fn shown(
    screen: &Screen<ManageMessages>,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let lang = screen.frame.lang;
    let mut tx = screen.begin().await?;
    let area = wish(fields).area;
    let tried = OfferWish { area: area.clone(), note: String::new() };
    let (offered, refused) = match analytics::offer_more(&screen.app, &mut tx, &tried).await.map_err(Problem::from) {
        Ok(offered) => (Some(offered), None),
        Err(problem) if is_about_the_form(&problem) => (None, Some(problem)),
        Err(problem) => return Err(problem),
    };
    drop(tx);
    let mut facts = vec![(screen.t("analytics-area"), Cell::Text(area.unwrap_or_else(|| screen.t("analytics-all"))))];
    if let Some(offered) = offered {
        facts.push((screen.t("analytics-write-lines"), Cell::Number(format::number(lang, offered.lines.into()))));
        facts.push((screen.t("analytics-write-messages"), Cell::Number(format::number(lang, offered.messages.into()))));
    }
    let status = form_status(problem);
    let problem = problem.or(refused.as_ref());
    let form = Asking::new(&screen.frame, fields, problem)
        .ask("area", "analytics-area", Input::Hidden)
        .ask("note", "analytics-write-note", Input::Lines)
        .inset(String::new(), format!("{LIST}/write"), "analytics-write");
    let page = Show {
        frame: &screen.frame,
        up: (LIST.into(), screen.t("analytics-used")),
        title: screen.t("analytics-write-title"),
        lede: screen.t("analytics-write-lede"),
        actions: vec![Action::go("/messages/templates/allowance-offer", screen.t("analytics-write-words"))],
        command: None,
        facts,
        sections: Vec::new(),
        form: Some(form),
    };
    html(status, &page)
}

async fn write(screen: Screen<ManageMessages>, fields: Fields) -> Result<Response, Problem> {
    let wish = wish(&fields);
    let mut tx = screen.begin().await?;
    match analytics::offer_more(&screen.app, &mut tx, &wish).await.map_err(Problem::from) {
        Ok(offered) => {
            tx.commit().await?;
            let list = address(LIST, &[("area", wish.area.as_deref().unwrap_or_default())]);
            Ok(see_counting(&list, "done-written-to", &[offered.messages]))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            shown(&screen, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}
