//! `/ledger/journal`: the books of some days: their sums, and all their entries as a file.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use chrono::NaiveDate;
use serde::Deserialize;
use weir_ui::blocks::{Action, Field, Input};
use weir_ui::pages::Browse;

use super::{address, ledger as books};
use crate::app::App;
use crate::error::Problem;
use crate::http::ApiQuery;
use crate::http::page::{Screen, html};
use crate::http::permission::ViewBilling;
use crate::ledger::{self, JournalFormat, Span};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/ledger/journal", get(show)).route("/ledger/journal-file", get(file))
}

/// As forms and addresses have it: what is empty or no day is not asked.
#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

impl Wanted {
    fn span(&self) -> Span {
        let day = |text: &str| text.parse::<NaiveDate>().ok();
        Span { from: day(&self.from), to: day(&self.to) }
    }
}

#[derive(Deserialize)]
struct WantedFile {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    format: JournalFormat,
}

async fn show(screen: Screen<ViewBilling>, ApiQuery(wanted): ApiQuery<Wanted>) -> Result<Response, Problem> {
    let balance = ledger::trial_balance(&mut screen.read().await?, wanted.span()).await?;
    let field = |name: &'static str, key: &str, value: &str| Field {
        name: name.into(),
        label: screen.t(key),
        hint: String::new(),
        input: Input::Line("date"),
        value: value.to_owned(),
        error: String::new(),
    };
    let as_file = |format: JournalFormat| {
        let asked = [("format", format.name()), ("from", wanted.from.as_str()), ("to", wanted.to.as_str())];
        Action::go(address("/ledger/journal-file", &asked), screen.t(&format!("journal-{}", format.name())))
    };
    let page = Browse {
        frame: &screen.frame,
        up: Some(("/ledger".into(), screen.t("nav-ledger"))),
        title: screen.t("journal"),
        lede: screen.t("journal-lede"),
        actions: JournalFormat::ALL.into_iter().map(as_file).collect(),
        filters: vec![field("from", "journal-from", &wanted.from), field("to", "journal-to", &wanted.to)],
        narrowed: wanted.span().from.is_some() || wanted.span().to.is_some(),
        all: "/ledger/journal".into(),
        table: books::trial_balance(&screen, &balance).table,
        empty: screen.t("ledger-empty"),
        next: None,
        sections: Vec::new(),
    };
    html(StatusCode::OK, &page)
}

async fn file(screen: Screen<ViewBilling>, ApiQuery(wanted): ApiQuery<WantedFile>) -> Result<Response, Problem> {
    let span = Wanted { from: wanted.from, to: wanted.to }.span();
    ledger::api::sent(&mut screen.read().await?, span, wanted.format).await
}
