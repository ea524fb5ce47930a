//! Bringing in rows, each with all that belongs to it, in one transaction: what is wrong with one is undone and noted, and
//! the next is tried, so that all that is wrong with a file is known at once.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::columns::Table;
use super::{Error, Row, store};
use crate::billing;
use crate::catalog;
use crate::db::TenantTx;
use crate::error::{FieldError, Problem};
use crate::http::paging::Page;
use crate::ids::{AccessPointId, PlanVersionId, RouterId, SubscriberId};
use crate::network;
use crate::subscribers::{self, AccountWish, LocationWish, SubscriberWish};
use crate::subscriptions::{self, SubscriptionWish};
use crate::tenants;

/// Most plans, routers and access points a file can choose from.
const CHOICES: Page = Page { after: None, limit: 10_000 };

/// What rows name by its name.
pub(super) struct Choices {
    plans: BTreeMap<String, PlanVersionId>,
    routers: BTreeMap<String, RouterId>,
    access_points: BTreeMap<(RouterId, String), AccessPointId>,
    today: NaiveDate,
    country: String,
    emails: BTreeSet<String>,
    welcome: bool,
}

impl Choices {
    pub async fn read(tx: &mut TenantTx, welcome: bool) -> Result<Self, Problem> {
        let plans = catalog::plans(tx, CHOICES).await?;
        let on_sale = plans.into_iter().filter(|plan| plan.retired_at.is_none());
        let newest = on_sale.filter_map(|plan| Some((key(&plan.name), plan.versions.first()?.id)));
        let routers = network::routers(tx, CHOICES).await?;
        let behind = network::access_points(tx, CHOICES).await?;
        Ok(Self {
            plans: newest.collect(),
            routers: routers.into_iter().map(|router| (key(&router.name), router.id)).collect(),
            access_points: behind.into_iter().map(|one| ((one.router_id, key(&one.name)), one.id)).collect(),
            today: billing::today(tx).await?,
            country: tenants::tenant(tx).await?.country,
            emails: BTreeSet::new(),
            welcome,
        })
    }
}

fn key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// A row's cells by field.
struct Cells<'a> {
    table: &'a Table,
    columns: &'a BTreeMap<String, String>,
    cells: &'a [String],
}

impl Cells<'_> {
    fn get(&self, field: &str) -> &str {
        let at = self.columns.get(field).and_then(|column| self.table.headers.iter().position(|name| name == column));
        at.and_then(|at| self.cells.get(at)).map_or("", String::as_str)
    }

    fn option(&self, field: &str) -> Option<String> {
        Some(self.get(field).to_owned()).filter(|text| !text.is_empty())
    }
}

/// Brings in row `n` of a table, or notes why it cannot be.
pub(super) async fn bring_in(
    tx: &mut TenantTx,
    choices: &mut Choices,
    table: &Table,
    columns: &BTreeMap<String, String>,
    n: usize,
) -> Result<Row, Error> {
    let (line, cells) = &table.rows[n];
    let cells = Cells { table, columns, cells };
    let name = cells.get("name").to_owned();
    store::savepoint(tx).await?;
    match make(tx, choices, &cells).await {
        Ok(id) => {
            store::keep(tx).await?;
            Ok(Row { line: *line, name, errors: Vec::new(), subscriber_id: Some(id) })
        }
        // Our own fault is not the file's.
        Err(Trouble::Ours(problem)) => Err(Error::Db(crate::db::Error(sqlx::Error::Protocol(problem)))),
        Err(Trouble::Row(errors)) => {
            store::undo(tx).await?;
            Ok(Row { line: *line, name, errors, subscriber_id: None })
        }
    }
}

enum Trouble {
    Row(Vec<FieldError>),
    Ours(String),
}

impl Trouble {
    /// What a verb said of the row; of the field `about` when it named none.
    fn of(problem: Problem, about: &str) -> Self {
        if problem.kind.status >= 500 {
            return Self::Ours(problem.detail);
        }
        if problem.errors.is_empty() {
            return Self::Row(vec![FieldError::new(about, problem.detail)]);
        }
        Self::Row(problem.errors)
    }
}

/// What of a row is read before anything is made.
struct Sale {
    version: PlanVersionId,
    router: RouterId,
    access_point: Option<AccessPointId>,
    starts_on: NaiveDate,
    prefixes: Vec<String>,
    /// Each with the field it is of.
    identities: Vec<(&'static str, String)>,
}

/// Fields that name who a subscriber is, and the identities they are.
const IDENTITIES: [(&str, &str); 2] = [("mac", "mac"), ("pppoe_user", "pppoe-user")];

async fn make(tx: &mut TenantTx, choices: &mut Choices, cells: &Cells<'_>) -> Result<SubscriberId, Trouble> {
    let mut errors = Vec::new();
    let email = cells.option("email");
    if email.as_ref().is_some_and(|email| !choices.emails.insert(key(email))) {
        errors.push(FieldError::new("email", "stands in an earlier row of the file, too"));
    }
    let billing_day = cells.option("billing_day").and_then(|text| {
        let read = text.parse::<i16>();
        if read.is_err() {
            errors.push(FieldError::new("billing_day", format!("{text:?} is not a day of the month")));
        }
        read.ok()
    });
    let sale = read_sale(choices, cells, &mut errors);
    let wish = SubscriberWish {
        name: cells.get("name").to_owned(),
        email,
        phone: cells.option("phone"),
        language: cells.option("language"),
    };
    let subscriber = match subscribers::add_subscriber(tx, wish).await.map_err(Problem::from) {
        Ok(subscriber) => subscriber.id,
        Err(problem) => return Err(with(errors, Trouble::of(problem, "name"))),
    };
    let country = cells.option("country").map_or_else(|| choices.country.clone(), |code| code.to_uppercase());
    let wish = LocationWish {
        subscriber_id: subscriber,
        site_id: None,
        line1: cells.get("line1").to_owned(),
        line2: cells.get("line2").to_owned(),
        city: cells.get("city").to_owned(),
        postcode: cells.get("postcode").to_owned(),
        region: cells.get("region").to_owned(),
        country,
    };
    let location = subscribers::add_location(tx, wish).await.map_err(Problem::from);
    let currency = cells.option("currency").map(|code| code.to_uppercase());
    let wish = AccountWish { subscriber_id: subscriber, currency, time_zone: None, billing_day };
    let account = subscribers::add_account(tx, wish).await.map_err(Problem::from);
    let (location, account) = match (location, account) {
        (Ok(location), Ok(account)) => (location.id, account.id),
        (Err(one), Err(other)) => {
            let one = with(errors, Trouble::of(one, "line1"));
            return Err(match one {
                Trouble::Row(errors) => with(errors, Trouble::of(other, "currency")),
                ours => ours,
            });
        }
        (Err(problem), _) => return Err(with(errors, Trouble::of(problem, "line1"))),
        (_, Err(problem)) => return Err(with(errors, Trouble::of(problem, "currency"))),
    };
    if !errors.is_empty() {
        return Err(Trouble::Row(errors));
    }
    if let Some(Sale { version, router, access_point, starts_on, prefixes, identities }) = sale {
        let wish = SubscriptionWish {
            account_id: account,
            service_location_id: location,
            plan_version_id: version,
            router_id: router,
            access_point_id: access_point,
            starts_on,
            prefixes,
            identities: identities.iter().map(|(_, identity)| identity.clone()).collect(),
        };
        subscriptions::sell_to(tx, wish, choices.welcome).await.map_err(|error| trouble_of_sale(error, &identities))?;
    }
    Ok(subscriber)
}

/// What was said of a sale, of the fields it was said of.
fn trouble_of_sale(error: subscriptions::Error, identities: &[(&'static str, String)]) -> Trouble {
    let field = |kind: &str| IDENTITIES.iter().find(|(_, known)| *known == kind).map(|(field, _)| *field);
    let about = match &error {
        subscriptions::Error::IdentityTaken { wanted, .. } => wanted.split(':').next().and_then(field),
        _ => None,
    };
    let mut trouble = Trouble::of(error.into(), about.unwrap_or("prefixes"));
    if let Trouble::Row(errors) = &mut trouble {
        for error in errors {
            let at = error.field.strip_prefix("identities.").and_then(|n| n.parse::<usize>().ok());
            if let Some((field, _)) = at.and_then(|n| identities.get(n)) {
                error.field = (*field).to_owned();
            }
        }
    }
    trouble
}

/// What was found before, and what a verb said.
fn with(mut errors: Vec<FieldError>, trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::Row(more) => {
            errors.extend(more);
            Trouble::Row(errors)
        }
        ours => ours,
    }
}

/// What a row says is sold; nothing when it names no plan.
fn read_sale(choices: &Choices, cells: &Cells<'_>, errors: &mut Vec<FieldError>) -> Option<Sale> {
    let (plan, router) = (cells.get("plan"), cells.get("router"));
    if plan.is_empty() {
        for field in ["router", "access_point", "prefixes", "mac", "pppoe_user", "starts_on"] {
            if !cells.get(field).is_empty() {
                errors.push(FieldError::new("plan", format!("must be named when {field} is")));
                break;
            }
        }
        return None;
    }
    let version = choices.plans.get(&key(plan)).copied();
    if version.is_none() {
        errors.push(FieldError::new("plan", format!("no plan on sale is called {plan:?}")));
    }
    let found = choices.routers.get(&key(router)).copied();
    if found.is_none() {
        errors.push(FieldError::new("router", format!("no router is called {router:?}")));
    }
    let behind = cells.get("access_point");
    let access_point = found.and_then(|router| choices.access_points.get(&(router, key(behind))).copied());
    if found.is_some() && access_point.is_none() && !behind.is_empty() {
        errors.push(FieldError::new("access_point", format!("no access point of this router is called {behind:?}")));
    }
    let starts_on = match cells.get("starts_on") {
        "" => Some(choices.today),
        text => {
            let day = text.parse().ok();
            if day.is_none() {
                errors.push(FieldError::new("starts_on", format!("{text:?} is not a day such as 2026-01-31")));
            }
            day
        }
    };
    let prefixes = cells.get("prefixes").split([' ', '|', ';', ',']).filter(|text| !text.is_empty());
    let prefixes = prefixes.map(str::to_owned).collect();
    let named =
        IDENTITIES.iter().filter_map(|(field, kind)| Some((*field, format!("{kind}:{}", cells.option(field)?))));
    let identities = named.collect();
    Some(Sale { version: version?, router: found?, access_point, starts_on: starts_on?, prefixes, identities })
}
