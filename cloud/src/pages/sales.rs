//! `/subscriptions/new`: selling a line, from a subscriber's page or for a host a router saw and no line has.

use axum::http::StatusCode;
use axum::response::Response;
use chrono::NaiveDate;
use serde::Deserialize;
use weir_ui::blocks::{Action, Cell, Input, Search, Table};
use weir_ui::pages::{Form, Register};

use super::phases::offered_for;
use super::{Asking, MANY, address, form_status, identities, next_page, page_of};
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::ApiQuery;
use crate::http::page::{Fields, Screen, html, is_about_the_form, see};
use crate::http::paging::Page;
use crate::http::permission::{ManageSubscribers, ManageSubscriptions};
use crate::http::toast::see_saying;
use crate::ids::{RouterId, SubscriberId};
use crate::subscriptions::{self, SubscriptionWish};
use crate::{catalog, network, subscribers};

/// Access points a form can choose from.
const CHOICES: Page = Page { after: None, limit: 5_000 };

/// What the address fills in; all of it is checked with the sale, as if it had been typed.
#[derive(Deserialize)]
pub(super) struct Filled {
    subscriber_id: Option<SubscriberId>,
    #[serde(default)]
    router_id: String,
    #[serde(default)]
    access_point_id: String,
    #[serde(default)]
    prefixes: String,
    #[serde(default)]
    identities: String,
    /// The unknown host it is for.
    #[serde(default)]
    host: String,
    q: Option<String>,
    after: Option<String>,
}

impl Filled {
    fn kept(&self) -> [(&'static str, &str); 5] {
        [
            ("router_id", &self.router_id),
            ("access_point_id", &self.access_point_id),
            ("prefixes", &self.prefixes),
            ("identities", &self.identities),
            ("host", &self.host),
        ]
    }
}

/// The address of the sale of a line to a host that a router saw.
pub(super) fn of_host(router: RouterId, host: &str, mac: Option<&str>) -> String {
    let length = if host.contains(':') { 128 } else { 32 };
    let (router, prefix) = (router.to_string(), format!("{host}/{length}"));
    let identity = mac.map(|mac| format!("mac:{mac}")).unwrap_or_default();
    let filled = [("router_id", router.as_str()), ("prefixes", &prefix), ("identities", &identity), ("host", host)];
    address("/subscriptions/new", &filled)
}

pub(super) async fn new(
    screen: Screen<ManageSubscriptions>,
    ApiQuery(filled): ApiQuery<Filled>,
) -> Result<Response, Problem> {
    let Some(subscriber) = filled.subscriber_id else {
        let nothing = filled.kept().iter().all(|(_, value)| value.is_empty());
        return if nothing { Ok(see("/subscribers")) } else { choose_subscriber(&screen, &filled).await };
    };
    let today = screen.app.clock.now().with_timezone(&screen.zone).date_naive();
    let mut fields = Fields::of([("starts_on", today.to_string()), ("subscriber_id", subscriber.to_string())]);
    for (name, value) in filled.kept() {
        fields.set(name, value);
    }
    form(&screen, subscriber, &fields, None).await
}

/// A line is somebody's: who that is comes before all else, for accounts and places are theirs.
async fn choose_subscriber(screen: &Screen<ManageSubscriptions>, filled: &Filled) -> Result<Response, Problem> {
    let page = page_of(filled.after.clone())?;
    let search = filled.q.clone().unwrap_or_default();
    let mut found = subscribers::subscribers(&mut screen.read().await?, Some(&search), page).await?;
    let with = |name: &'static str, value: &str| {
        let mut parameters = vec![(name, value)];
        parameters.extend(filled.kept());
        address("/subscriptions/new", &parameters)
    };
    let next = next_page(&mut found, page, &with("q", &search), |subscriber| subscriber.id.uuid());
    let rows = found.into_iter().map(|subscriber| {
        vec![
            Cell::link(with("subscriber_id", &subscriber.id.to_string()), subscriber.name),
            Cell::Text(subscriber.email.unwrap_or_default()),
            Cell::Text(subscriber.phone.unwrap_or_default()),
        ]
    });
    let table = Table::new(["name", "email", "phone"].map(|key| screen.t(key)).to_vec(), rows.collect());
    let kept = filled.kept().into_iter().filter(|(_, value)| !value.is_empty());
    let empty = match search.as_str() {
        "" => screen.t("subscribers-empty"),
        search => screen.frame.t1("subscribers-none", "search", search),
    };
    let page = Register {
        frame: &screen.frame,
        up: Some(("/subscriptions".into(), screen.t("nav-subscriptions"))),
        title: screen.t("sales-to-whom"),
        lede: match filled.host.as_str() {
            "" => screen.t("sales-to-whom-lede"),
            host => screen.frame.t1("sales-host-to-whom", "host", host),
        },
        actions: screen
            .may::<ManageSubscribers>()
            .then(|| Action::go("/subscribers/new", screen.t("subscribers-new")))
            .into_iter()
            .collect(),
        figures: Vec::new(),
        sections: Vec::new(),
        heading: String::new(),
        chips: Vec::new(),
        search: Some(Search {
            label: screen.t("filter"),
            value: search,
            kept: kept.map(|(name, value)| (name, value.to_owned())).collect(),
        }),
        table,
        empty,
        next,
    };
    html(StatusCode::OK, &page)
}

pub(super) async fn sell(screen: Screen<ManageSubscriptions>, mut fields: Fields) -> Result<Response, Problem> {
    let Some(subscriber) = fields.read("subscriber_id", "error-choose") else { return Err(fields.problem()) };
    let mut tx = screen.begin().await?;
    let sold = match wish(&mut fields) {
        Ok(wish) => subscriptions::sell(&mut tx, wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match sold {
        Ok(sold) => {
            tx.commit().await?;
            let said = if fields.get("host").is_empty() { "done-saved" } else { "done-sold-host" };
            Ok(see_saying(&format!("/subscriptions/{}", sold.id), said))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            form(&screen, subscriber, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

fn wish(fields: &mut Fields) -> Result<SubscriptionWish, Problem> {
    let account_id = fields.read("account_id", "error-choose");
    let service_location_id = fields.read("service_location_id", "error-choose");
    let plan_version_id = fields.read("plan_version_id", "error-choose");
    let router_id = fields.read("router_id", "error-choose");
    let access_point_id = fields.read_option("access_point_id", "error-choose");
    let starts_on = fields.read::<NaiveDate>("starts_on", "error-date");
    let prefixes = fields.list("prefixes");
    let problem = fields.problem();
    match (account_id, service_location_id, plan_version_id, router_id, starts_on) {
        (Some(account_id), Some(service_location_id), Some(plan_version_id), Some(router_id), Some(starts_on))
            if problem.errors.is_empty() =>
        {
            Ok(SubscriptionWish {
                account_id,
                service_location_id,
                plan_version_id,
                router_id,
                access_point_id,
                starts_on,
                prefixes,
                identities: identities::of_form(fields),
            })
        }
        _ => Err(problem),
    }
}

/// The routers, and the access points below the one that is chosen already, or below all of them, by their names.
async fn edges(
    screen: &Screen<ManageSubscriptions>,
    tx: &mut TenantTx,
    fields: &Fields,
) -> Result<[Vec<(String, String)>; 2], Problem> {
    let mut routers = network::routers(tx, MANY).await?;
    let mut chosen = fields.get("router_id").parse::<RouterId>().ok();
    if let Some(id) = chosen.filter(|id| routers.iter().all(|router| router.id != *id)) {
        match network::router(tx, id).await {
            Ok(router) => routers.push(router),
            Err(_) => chosen = None,
        }
    }
    let mut behind = vec![(String::new(), screen.t("sales-behind-none"))];
    match chosen {
        Some(router) => {
            let there = network::access_points_of(tx, router).await?;
            behind.extend(there.into_iter().map(|one| (one.id.to_string(), one.name)));
        }
        None => {
            let all = network::access_points(tx, CHOICES).await?;
            let mut named: Vec<_> = all
                .into_iter()
                .filter_map(|one| {
                    let router = routers.iter().find(|router| router.id == one.router_id)?;
                    Some((one.id.to_string(), format!("{} · {}", router.name, one.name)))
                })
                .collect();
            named.sort_by(|(_, one), (_, other)| one.cmp(other));
            behind.extend(named);
        }
    }
    Ok([routers.into_iter().map(|router| (router.id.to_string(), router.name)).collect(), behind])
}

async fn form(
    screen: &Screen<ManageSubscriptions>,
    of: SubscriberId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let subscriber = subscribers::subscriber(&mut tx, of).await?;
    let accounts = subscribers::accounts(&mut tx, Some(of), MANY).await?;
    let accounts = accounts.into_iter().map(|account| (account.id.to_string(), account.number)).collect();
    let places = subscribers::locations(&mut tx, Some(of), MANY).await?;
    let places =
        places.into_iter().map(|place| (place.id.to_string(), format!("{}, {}", place.line1, place.city))).collect();
    let [routers, behind] = edges(screen, &mut tx, fields).await?;
    let lang = screen.frame.lang;
    let plans = catalog::plans(&mut tx, MANY).await?.into_iter().filter(|plan| plan.retired_at.is_none());
    let plans = plans.filter_map(|plan| {
        let version = plan.versions.first()?;
        let price = offered_for(lang, version);
        Some((version.id.to_string(), format!("{} · {price}", plan.name)))
    });
    let asked = Asking::new(&screen.frame, fields, problem)
        .ask("plan_version_id", "plan", Input::Choice(plans.collect()))
        .ask("account_id", "account", Input::Choice(accounts))
        .ask("service_location_id", "location", Input::Choice(places))
        .ask("router_id", "router", Input::Choice(routers))
        .ask("access_point_id", "sales-behind", Input::Choice(behind))
        .ask("prefixes", "prefixes", Input::Lines)
        .ask("identities", "identities", Input::Lines)
        .ask("starts_on", "starts", Input::Line("date"))
        .ask("subscriber_id", "subscriber", Input::Hidden)
        .ask("host", "sales-host", Input::Hidden);
    let page = Form {
        frame: &screen.frame,
        up: (format!("/subscribers/{of}"), subscriber.name),
        title: screen.t("subscriptions-new"),
        lede: match fields.get("host") {
            "" => screen.t("subscriptions-new-lede"),
            host => screen.frame.t1("sales-host-lede", "host", host),
        },
        form: asked.inset(String::new(), "/subscriptions", "subscriptions-sell"),
    };
    html(form_status(problem), &page)
}
