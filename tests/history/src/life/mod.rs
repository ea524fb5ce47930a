//! Lives the year: day by day the clock moves, jobs run, routers report, and people do what the script and their bills say.

mod cards;
mod care;
mod edge;
mod founding;
mod money;
mod network;
mod office;
mod rules;
mod sales;

use crate::script::people::Person;
use crate::script::{Act, Size, Year};
use anyhow::{Context, Result};
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use edge::Edge;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use weir_cloud::app::App;

pub use office::{OWNER, Office, Refused, ZONE};

/// How many days before the end the ISP brings its own rules.
const RULES_DAYS: u64 = 66;
/// How many days before the end it begins to write e-mails.
const MAIL_DAYS: u64 = 14;
/// How many days before the end its bookkeeper's program begins to listen, and a further rule is tried.
const LISTENER_DAYS: u64 = 2;
/// What everything about people is rolled with.
const SEED: u64 = 20;

/// The ISP whose year it is.
#[derive(Clone, Copy, Debug)]
pub struct Isp<'a> {
    /// As subscribers know it.
    pub name: &'a str,
    /// Its short name.
    pub slug: &'a str,
    /// Everybody's, of the staff.
    pub password: &'a str,
    /// Whether it takes cards: then a payment provider is where the installation looks for one.
    pub cards: bool,
    /// Its mail server, if it has one; it is used in the last weeks.
    pub mail: Option<SocketAddr>,
    /// Where its rules were built, if it has some.
    pub rules: Option<&'a Path>,
    /// Where its bookkeeper's program listens, if it has one.
    pub listener: Option<&'a str>,
}

/// A person's line, as the ISP knows it.
#[derive(Clone, Debug)]
pub struct Sold {
    subscriber: String,
    account: String,
    subscription: String,
    version: String,
    handle: u32,
    plan: usize,
    /// The last day its plan was changed.
    changed_on: NaiveDate,
}

/// What there is at the end.
pub struct Lived {
    /// The ISP's office, for who wants to ask it.
    pub office: Office,
    /// Persons who are subscribers now.
    pub subscribers: usize,
    /// Bytes handed in by routers.
    pub moved_bytes: u64,
    lab: Vec<Value>,
}

impl Lived {
    /// What the lab needs to go on, on one line.
    pub fn to_json(&self) -> String {
        json!({"subscribers": self.subscribers, "lines": self.lab}).to_string()
    }
}

struct World {
    office: Office,
    cards: bool,
    year: Year,
    /// The versions of each plan on sale, the first and the newest.
    versions: Vec<Vec<String>>,
    top_up: String,
    edges: Vec<Edge>,
    sold: BTreeMap<usize, Sold>,
    /// Whose each account is.
    of_account: BTreeMap<String, usize>,
    /// The account of each who has or had one.
    accounts: BTreeMap<usize, money::Account>,
    money: money::Money,
    care: care::Care,
    moved_bytes: u64,
}

/// Lives through a year that ends when the installation's clock says it is now, and tells of each month.
pub async fn live(app: &App, isp: &Isp<'_>, size: Size, mut tell: impl FnMut(&str)) -> Result<Lived> {
    let end = app.clock.now();
    let ahead = end - app.clock.system_now();
    let today = end.with_timezone(&ZONE).date_naive();
    let year = Year::write(SEED, size, today);
    let first = office::instant(year.from, NaiveTime::from_hms_opt(7, 0, 0).context("no time")?)?;
    app.clock.shift(first - end)?;
    let mut world = founding::found(app, isp, year).await?;
    for on in world.year.days() {
        world.grow(isp, on).await?;
        world.day(on).await.with_context(|| format!("on {on}"))?;
        let next = on + Days::new(1);
        if next.day() == 1 || next == today {
            tell(&world.month(on).await?);
        }
    }
    world.end(end, ahead).await
}

impl World {
    fn person(&self, number: usize) -> Person {
        self.year.people[number].clone()
    }

    /// The ISP comes to do what it did not at first.
    async fn grow(&mut self, isp: &Isp<'_>, on: NaiveDate) -> Result<()> {
        let before_end = |days| on == (self.year.to - Days::new(days)).max(self.year.from);
        let (rules, mail, listener) = (before_end(RULES_DAYS), before_end(MAIL_DAYS), before_end(LISTENER_DAYS));
        if let Some(folder) = isp.rules.filter(|_| rules) {
            self.bring_rules(folder).await?;
        }
        if let Some(server) = isp.mail.filter(|_| mail) {
            self.office.write_by(server).await?;
        }
        if let Some(folder) = isp.rules.filter(|_| listener) {
            self.try_offer(folder).await?;
        }
        if let Some(url) = isp.listener.filter(|_| listener) {
            self.tell_bookkeeper(url).await?;
        }
        Ok(())
    }

    /// One day: the night's usage and jobs, the morning's business, the afternoon's.
    async fn day(&mut self, on: NaiveDate) -> Result<()> {
        self.office.move_to(on, (8, 10 + on.day() % 40))?;
        self.meter_until(on).await?;
        self.jobs().await?;
        self.hear_bills(on).await?;
        for act in self.year.acts.get(&on).cloned().unwrap_or_default() {
            self.act(on, &act).await.with_context(|| format!("{act:?}"))?;
        }
        self.buy_more(on).await?;
        self.collect(on).await?;
        self.office.move_to(on, (16, 5 + on.day() % 50))?;
        self.jobs().await?;
        self.answer(on).await
    }

    async fn act(&mut self, on: NaiveDate, act: &Act) -> Result<()> {
        match *act {
            Act::Joins { person, ordered } => self.join(person, ordered, on).await,
            Act::Changes { person, plan } => self.change(person, plan, on).await,
            Act::Leaves { person } => self.leave(person, on).await,
            Act::Reprices => self.reprice().await,
            Act::Raises => self.raise(on).await,
            Act::Orders => self.order_and_wait(on).await,
            Act::Asks { person, about, days } => self.ask(person, about, days, on).await,
        }
    }

    async fn jobs(&mut self) -> Result<()> {
        self.office.work().await?;
        self.follow().await
    }

    async fn month(&mut self, on: NaiveDate) -> Result<String> {
        let months = self.office.get("/analytics/recurring").await?;
        let name = on.format("%Y-%m").to_string();
        let this = months["items"].as_array().into_iter().flatten().find(|month| month["month"] == name.as_str());
        let revenue = this.and_then(|month| month["closing"]["amount"].as_str()).unwrap_or("0").to_owned();
        Ok(format!("{name}: {} subscribers, {revenue} EUR a month", self.present()))
    }

    fn present(&self) -> usize {
        self.sold.len()
    }

    /// Catches up with the clock, which was so far ahead of the system's when the year began to be lived.
    async fn end(mut self, end: DateTime<Utc>, ahead: TimeDelta) -> Result<Lived> {
        let today = self.year.to;
        let morning = office::instant(today, NaiveTime::from_hms_opt(8, 5, 0).context("no time")?)?;
        self.office.move_to_instant(morning.min(end))?;
        self.meter_until(today).await?;
        self.jobs().await?;
        self.hear_bills(today).await?;
        // The clock stood still for nobody: what passed meanwhile is caught up with.
        let clock = &self.office.app.clock;
        clock.shift(clock.system_now() + ahead - clock.now())?;
        self.meter_hours_of_today().await?;
        self.jobs().await?;
        for edge in &mut self.edges {
            edge.tell_fair_use(true).await?;
            edge.leave().await?;
        }
        self.office.work().await?;
        let (lab, subscribers) = (self.lab_lines(), self.present());
        Ok(Lived { office: self.office, subscribers, moved_bytes: self.moved_bytes, lab })
    }

    fn lab_lines(&self) -> Vec<Value> {
        let of_lab =
            self.year.people.iter().filter_map(|person| Some((person.lab_line?, self.sold.get(&person.number)?)));
        let line = |(number, sold): (u8, &Sold)| {
            json!({"number": number, "subscriber_id": sold.subscriber, "account_id": sold.account,
                "subscription_id": sold.subscription, "plan_version_id": sold.version})
        };
        of_lab.map(line).collect()
    }
}

/// How long a record is when hours are looked at.
const HOUR: TimeDelta = TimeDelta::hours(1);
