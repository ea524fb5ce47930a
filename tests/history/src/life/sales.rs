//! People come, change what they have, buy more, and go.

use super::founding::terms;
use super::office::{BILLING, OWNER, SUPPORT, text};
use super::{Refused, World};
use crate::dice::Dice;
use crate::script::people::Person;
use crate::script::plans::{PLANS, RAISED, SITES};
use anyhow::{Context, Result};
use chrono::{Datelike, Days, NaiveDate};
use serde_json::{Value, json};
use weir_cloud::db::Scope;
use weir_cloud::orders::{self, OrderWish, Place};

impl World {
    /// A person becomes a subscriber and gets a line.
    pub(super) async fn join(&mut self, number: usize, ordered: bool, on: NaiveDate) -> Result<()> {
        let person = self.person(number);
        let (account, location) =
            if ordered { self.approve_order(&person).await? } else { self.write_down(&person).await? };
        let version = self.versions[person.plan].last().context("a plan without a version")?;
        let wish = json!({"account_id": account["id"], "service_location_id": location, "starts_on": on,
            "plan_version_id": version, "router_id": self.edges[person.site].router, "prefixes": person.prefixes});
        let line = self.office.post("/subscriptions", wish).await?;
        self.know(number, &account, &line)
    }

    async fn write_down(&mut self, person: &Person) -> Result<(Value, Value)> {
        let is = json!({"name": person.name, "email": person.email, "phone": person.phone});
        let subscriber = self.office.post("/subscribers", is).await?;
        let account = json!({"subscriber_id": subscriber["id"], "billing_day": person.billing_day});
        let account = self.office.post("/accounts", account).await?;
        let (city, postcode) = person.town;
        let place = json!({"subscriber_id": subscriber["id"], "line1": person.street, "city": city,
            "postcode": postcode, "country": "ES"});
        let place = self.office.post("/service-locations", place).await?;
        Ok((account, place["id"].clone()))
    }

    async fn approve_order(&mut self, person: &Person) -> Result<(Value, Value)> {
        let order = self.order(person).await?;
        let approved = self.office.staff(SUPPORT, &format!("/orders/{order}/approve"), json!({})).await?;
        let subscriber = text(&approved["subscriber_id"])?;
        let accounts = self.office.list(&format!("/accounts?subscriber_id={subscriber}")).await?;
        let places = self.office.list(&format!("/service-locations?subscriber_id={subscriber}")).await?;
        let account = accounts.first().context("an order made no account")?.clone();
        Ok((account, places.first().context("an order made no location")?["id"].clone()))
    }

    /// Places an order as the portal does.
    async fn order(&mut self, person: &Person) -> Result<String> {
        let (city, postcode) = person.town;
        let place = Place {
            line1: person.street.clone(),
            line2: String::new(),
            city: city.into(),
            postcode: postcode.into(),
            country: "ES".into(),
        };
        let version = self.versions[person.plan].last().context("a plan without a version")?;
        let wish = OrderWish {
            name: person.name.clone(),
            email: person.email.clone(),
            phone: person.phone.clone(),
            place,
            language: "es".into(),
            note: String::new(),
            plan_version_id: version.parse()?,
            origin: None,
        };
        let mut tx = self.office.app.db.begin(&Scope::system(self.office.tenant)).await?;
        let order = orders::place(&mut tx, wish).await?;
        tx.commit().await?;
        Ok(order.id.to_string())
    }

    /// Somebody orders whom nobody has answered yet.
    pub(super) async fn order_and_wait(&mut self, on: NaiveDate) -> Result<()> {
        let mut person = self.person(0);
        let number = on.day();
        person.name = format!("{} Outeiro", ["Amara", "Bieito", "Catarina"][number as usize % 3]);
        person.email = format!("outeiro.{number}@example.net");
        person.street = format!("Camiño do Faro {number}");
        person.plan = number as usize % PLANS.len();
        self.order(&person).await.map(drop)
    }

    /// A person moves to another plan.
    pub(super) async fn change(&mut self, number: usize, plan: usize, on: NaiveDate) -> Result<()> {
        let version = self.versions[plan].last().context("a plan without a version")?.clone();
        self.move_to_version(number, plan, &version, on).await
    }

    async fn move_to_version(&mut self, number: usize, plan: usize, version: &str, on: NaiveDate) -> Result<()> {
        let Some(sold) = self.sold.get_mut(&number).filter(|sold| sold.version != version && sold.changed_on < on)
        else {
            return Ok(());
        };
        let wish = json!({"plan_version_id": version, "effective_on": on});
        self.office.post(&format!("/subscriptions/{}/change-plan", sold.subscription), wish).await?;
        (sold.plan, sold.version, sold.changed_on) = (plan, version.to_owned(), on);
        Ok(())
    }

    /// A person leaves: the day is the first without a line.
    pub(super) async fn leave(&mut self, number: usize, on: NaiveDate) -> Result<()> {
        let Some(sold) = self.sold.remove(&number) else { return Ok(()) };
        let end = json!({"ends_on": on + Days::new(1)});
        self.office.post(&format!("/subscriptions/{}/end", sold.subscription), end).await.map(drop)
    }

    /// The plan gets a second version.
    pub(super) async fn reprice(&mut self) -> Result<()> {
        let plan = &PLANS[RAISED];
        let Some(price) = plan.later_price else { return Ok(()) };
        let plans = self.office.list("/plans").await?;
        let kept = plans.iter().find(|one| one["name"] == plan.name).context("the plan is gone")?;
        let made =
            self.office.staff(OWNER, &format!("/plans/{}/versions", text(&kept["id"])?), terms(plan, price)).await?;
        self.versions[RAISED].push(text(&made["versions"][0]["id"])?);
        Ok(())
    }

    /// Everybody on the plan moves to its second version.
    pub(super) async fn raise(&mut self, on: NaiveDate) -> Result<()> {
        let version = self.versions[RAISED].last().context("a plan without a version")?.clone();
        let all: Vec<_> = self.sold.iter().filter(|(_, sold)| sold.plan == RAISED).map(|(number, _)| *number).collect();
        for number in all {
            self.move_to_version(number, RAISED, &version, on).await?;
        }
        Ok(())
    }

    /// Those whose allowance is used up buy more, if they are such people, once a period.
    pub(super) async fn buy_more(&mut self, on: NaiveDate) -> Result<()> {
        for site in 0..SITES.len() {
            for handle in self.edges[site].exhausted() {
                let Some(number) = self.at(site, handle) else { continue };
                let mut dice = Dice::of(u64::from(on.year().unsigned_abs() * 12 + on.month()), "more", number);
                if !self.year.people[number].buys_more || !dice.percent(60) {
                    continue;
                }
                let path = format!("/subscriptions/{}/top-ups", self.sold[&number].subscription);
                let wish = json!({"product_id": self.top_up, "reference": format!("{} {handle}", on.format("%Y-%m"))});
                match self.office.staff(BILLING, &path, wish).await {
                    // A line without an allowance any more has nothing to add to.
                    Err(error) if error.downcast_ref::<Refused>().is_some_and(|refused| refused.status == 409) => {}
                    other => drop(other?),
                }
            }
        }
        Ok(())
    }

    /// Whose line it is.
    pub(super) fn at(&self, site: usize, handle: u32) -> Option<usize> {
        let all = &self.year.people;
        self.sold.iter().find(|(number, sold)| sold.handle == handle && all[**number].site == site).map(|(one, _)| *one)
    }
}
