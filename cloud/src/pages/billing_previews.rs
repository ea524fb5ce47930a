//! `/billing-runs/preview`: what a run would bill, what of it is unusual, and the button that starts it.

use axum::http::StatusCode;
use axum::response::Response;
use chrono::NaiveDate;
use serde::Deserialize;
use weir_ui::blocks::{Cell, Input, Table};
use weir_ui::format;
use weir_ui::pages::{Confirm, Section};

use super::{Asking, money};
use crate::billing::{self, Outlier, OutlierReason, Preview, RunWish};
use crate::error::Problem;
use crate::http::ApiQuery;
use crate::http::page::{Fields, Screen, html};
use crate::http::permission::ManageBilling;
use crate::subscribers;

/// Up to which day; today if not said.
#[derive(Debug, Default, Deserialize)]
pub(super) struct PreviewQuery {
    as_of: Option<NaiveDate>,
}

pub(super) async fn show(
    screen: Screen<ManageBilling>,
    ApiQuery(query): ApiQuery<PreviewQuery>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let as_of = match query.as_of {
        Some(day) => day,
        None => billing::today(&mut tx).await?,
    };
    drop(tx);
    let seen = billing::preview(&screen.app, &screen.scope(), &RunWish { as_of }).await?;
    let lang = screen.frame.lang;
    let looked_at = seen.accounts_looked_at.to_string();
    let all = if seen.accounts_due > seen.accounts_looked_at { format!("{looked_at}+") } else { looked_at.clone() };
    let looked_at = weir_ui::i18n::t(lang, "run-accounts", &[("done", &looked_at), ("all", &all)]);
    let number = |count: u64| Cell::Text(format::number(lang, count.into()));
    let totals: Vec<_> = seen.totals.iter().map(|total| money(lang, *total)).collect();
    let facts = vec![
        (screen.t("run-up-to"), Cell::Text(format::date(lang, as_of))),
        (screen.t("run-progress"), Cell::Text(looked_at)),
        (screen.t("nav-invoices"), number(seen.invoices)),
        (screen.t("run-preview-first"), number(seen.first_invoices)),
        (screen.t("total"), Cell::Text(if totals.is_empty() { "—".into() } else { totals.join(" · ") })),
    ];
    let mut sections = vec![outliers(&screen, &seen)];
    if !seen.faults.is_empty() {
        sections.insert(0, faults(&screen, &seen).await?);
    }
    let fields = Fields::of([("as_of", as_of.to_string())]);
    let form = Asking::new(&screen.frame, &fields, None).ask("as_of", "run-up-to", Input::Hidden);
    let page = Confirm {
        frame: &screen.frame,
        up: ("/billing-runs".into(), screen.t("nav-billing-runs")),
        title: screen.t("run-preview"),
        lede: screen.t("run-preview-lede"),
        facts,
        sections,
        form: form.inset(String::new(), "/billing-runs", "runs-start"),
        danger: false,
    };
    html(StatusCode::OK, &page)
}

fn outliers(screen: &Screen<ManageBilling>, seen: &Preview) -> Section {
    let lang = screen.frame.lang;
    let reasons = |outlier: &Outlier| {
        let words = outlier.reasons.iter().map(|reason| screen.t(words(*reason)));
        Cell::Text(words.collect::<Vec<_>>().join(" · "))
    };
    let rows = seen.outliers.iter().map(|outlier| {
        let whose = format!("{} · {}", outlier.account_number, outlier.subscriber);
        vec![
            Cell::link(format!("/accounts/{}", outlier.account_id), whose),
            Cell::Number(money(lang, outlier.last)),
            Cell::Number(money(lang, outlier.gross)),
            reasons(outlier),
        ]
    });
    let names = ["account", "run-preview-last", "run-preview-now", "reason"].map(|key| screen.t(key));
    Section {
        title: screen.t("run-preview-outliers"),
        action: None,
        table: Table::new(names.to_vec(), rows.collect()),
        empty: screen.t("run-preview-outliers-none"),
    }
}

fn words(reason: OutlierReason) -> &'static str {
    match reason {
        OutlierReason::Usage => "run-preview-usage",
        OutlierReason::BoughtOnTop => "run-preview-bought",
        OutlierReason::GivenBack => "run-preview-given-back",
        OutlierReason::SeveralPeriods => "run-preview-several",
        OutlierReason::PartOfAPeriod => "run-preview-part",
        OutlierReason::PricesOrLines => "run-preview-prices",
    }
}

async fn faults(screen: &Screen<ManageBilling>, seen: &Preview) -> Result<Section, Problem> {
    let accounts: Vec<_> = seen.faults.iter().map(|fault| fault.account_id).collect();
    let holders = subscribers::holders(&mut screen.read().await?, &accounts).await?;
    let rows = seen.faults.iter().map(|fault| {
        let account = match holders.get(&fault.account_id) {
            Some(holder) => {
                Cell::link(format!("/accounts/{}", fault.account_id), format!("{} · {}", holder.number, holder.name))
            }
            None => Cell::Text("—".into()),
        };
        vec![account, Cell::Text(fault.reason.clone())]
    });
    Ok(Section {
        title: screen.t("billing-faults"),
        action: None,
        table: Table::new(vec![screen.t("account"), screen.t("reason")], rows.collect()),
        empty: String::new(),
    })
}
