//! Who a line's subscriber is to the servers of its router, what these leased, and `/subscriptions/{id}/identities`.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use weir_ui::blocks::{Cell, Input, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Form, Section};

use super::subscriptions::named;
use super::{Asking, form_status};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::{ManageSubscriptions, Needs};
use crate::http::toast::see_saying;
use crate::ids::SubscriptionId;
use crate::subscriptions::{self, Identities, Subscription, learned};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/subscriptions/{id}/identities", get(ask).post(change))
}

/// The identities a form names, one a line.
pub(super) fn of_form(fields: &Fields) -> Vec<String> {
    fields.get("identities").lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

async fn ask(screen: Screen<ManageSubscriptions>, ApiPath(id): ApiPath<SubscriptionId>) -> Result<Response, Problem> {
    let sold = subscriptions::subscription(&mut screen.read().await?, id).await?;
    form(&screen, id, &Fields::of([("identities", subscriptions::readable(&sold.identities).join("\n"))]), None).await
}

async fn change(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let wish = Identities { identities: of_form(&fields) };
    match subscriptions::change_identities(&mut tx, id, wish).await.map_err(Problem::from) {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/subscriptions/{id}"), "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            form(&screen, id, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn form(
    screen: &Screen<ManageSubscriptions>,
    id: SubscriptionId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let name = subscriptions::names(&mut tx, &[id]).await?.remove(&id);
    let asked = Asking::new(&screen.frame, fields, problem).ask("identities", "identities", Input::Lines);
    let page = Form {
        frame: &screen.frame,
        up: (format!("/subscriptions/{id}"), name.unwrap_or_default()),
        title: screen.t("identities-change"),
        lede: screen.t("identities-lede"),
        form: asked.inset(String::new(), format!("/subscriptions/{id}/identities"), "save"),
    };
    html(form_status(problem), &page)
}

/// By what the line is known, as people read it; a dash for nothing.
pub(super) fn known_by(sold: &Subscription) -> Cell {
    match subscriptions::readable(&sold.identities) {
        none if none.is_empty() => Cell::Text("—".into()),
        some => Cell::Code(some.join("  ")),
    }
}

/// What the line was leased, and which of it other lines claim, too; nothing for a line that is known by its prefixes alone.
pub(super) async fn sections<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    sold: &Subscription,
) -> Result<Vec<Section>, Problem> {
    let mut sections = Vec::new();
    let conflicts = learned::conflicts(tx, sold.id).await?;
    if !conflicts.is_empty() {
        let others: Vec<_> = conflicts.iter().map(|conflict| conflict.with).collect();
        let names = subscriptions::names(tx, &others).await?;
        let rows = conflicts.into_iter().map(|conflict| {
            vec![
                Cell::Code(conflict.prefix),
                Cell::status(Tone::Warn, screen.t("address-conflict")),
                named(&names, conflict.with),
                Cell::Text(format::instant(screen.frame.lang, conflict.at, screen.zone)),
            ]
        });
        let heads = ["address", "status", "address-conflict-with", "since"].map(|key| screen.t(key));
        let table = Table::new(heads.to_vec(), rows.collect());
        sections.push(Section { title: screen.t("address-conflicts"), action: None, table, empty: String::new() });
    }
    if !sold.identities.is_empty() || !sold.learned_prefixes.is_empty() {
        sections.push(learned_section(screen, sold));
    }
    Ok(sections)
}

fn learned_section<P: Needs>(screen: &Screen<P>, sold: &Subscription) -> Section {
    let at = |at| Cell::Text(format::instant(screen.frame.lang, at, screen.zone));
    let dash = || Cell::Text("—".into());
    let rows = sold.learned_prefixes.iter().map(|learned| {
        vec![
            Cell::Code(learned.prefix.clone()),
            Cell::Text(screen.t(&format!("learned-from-{}", learned.source))),
            learned.since_at.map_or_else(dash, at),
            learned.until_at.map_or_else(dash, at),
            at(learned.reported_at),
        ]
    });
    let heads = ["address", "learned-from", "since", "learned-until", "learned-told"].map(|key| screen.t(key));
    Section {
        title: screen.t("learned-prefixes"),
        action: None,
        table: Table::new(heads.to_vec(), rows.collect()),
        empty: screen.t("learned-prefixes-empty"),
    }
}
