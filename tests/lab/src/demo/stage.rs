//! Who is in the demo: two ISPs, one of them with a router, plans, and a subscriber on every line of the lab; and, unless
//! it is made for the moment, a year behind it.

use crate::clock::{Limit, local_day};
use crate::isp::{Isp, Line, PlanTerms, StaffLogin};
use crate::lab::{Lab, Options, Router};
use crate::outside::Process;
use anyhow::{Context, Result, ensure};
use chrono::{Datelike, NaiveDate};
use serde_json::json;
use std::path::PathBuf;

/// Everybody's, in the demo.
const PASSWORD: &str = "harbour-lights-2026";
const MBIT: u64 = 1_000_000;
const MEGABYTE: u64 = 1_000_000;

/// What Northwind sells. All plans are metered, so that every byte can be found on an invoice.
pub const PLANS: [PlanTerms; 4] = [
    plan("Lantern 10", 10, 2, "19.90", 200_000 * MEGABYTE),
    plan("Harbour 20", 20, 5, "29.90", 500_000 * MEGABYTE),
    plan("Beacon 40", 40, 10, "39.90", 1_000_000 * MEGABYTE),
    plan("Pay as you go 8", 8, 2, "4.90", 1),
];

const NAMES: [&str; 12] = [
    "Ada Ferreira",
    "Bruno Castelo",
    "Chloe Marchetti",
    "Diego Sanjuan",
    "Eira Lindqvist",
    "Farid Naciri",
    "Greta Oswald",
    "Hugo Baptista",
    "Iria Loureiro",
    "Jonas Keller",
    "Kasia Nowak",
    "Leo Fontana",
];

const fn plan(name: &'static str, down: u64, up: u64, price: &'static str, allowance_bytes: u64) -> PlanTerms {
    let metered = Some((allowance_bytes, MEGABYTE, "0.01"));
    PlanTerms { name, rate_down_bps: down * MBIT, rate_up_bps: up * MBIT, price, metered }
}

/// Who works at Northwind beside its owner, and as what.
const COLLEAGUES: [(&str, &str, &str); 3] = [
    ("Bilal Haddad", "bilal@northwind.example", "billing"),
    ("Sofia Marin", "sofia@northwind.example", "support"),
    ("Tomas Vela", "tomas@northwind.example", "network"),
];

/// What an ISP has behind it.
#[derive(Debug, clap::Args)]
pub struct Past {
    /// How many months the ISP has behind it
    #[arg(long, default_value_t = 12)]
    pub months: u32,
    /// The folder its own rules were built into
    #[arg(long)]
    pub rules: Option<PathBuf>,
}

/// A running demo.
pub struct Stage {
    /// The nodes and programs.
    pub lab: Lab,
    /// The ISP with traffic.
    pub isp: Isp,
    /// An ISP that must not see any of it.
    pub other: Isp,
    /// One line for each of the lab's subscribers, in their order.
    pub lines: Vec<Line>,
    _servers: Vec<Process>,
}

impl Stage {
    /// Starts the programs, builds both ISPs, and waits until the router does what was sold.
    pub async fn build(port: u16, subscribers: u8) -> Result<Self> {
        let mut lab = network(port, subscribers).await?;
        tell("starting the control plane");
        lab.start_cloud().await?;
        tell("creating two ISPs");
        let isp =
            Isp::create(&lab, "Northwind Fibre", "northwind", login("Nora Winther", "nora@northwind.example")).await?;
        for (name, email, role) in COLLEAGUES {
            isp.employ(&login(name, email), role).await?;
        }
        let other = other(&lab).await?;
        let lines = sell_all(&isp, subscribers).await?;
        tell("starting the agent");
        let token = isp.enrollment_token().await?;
        lab.start_agent(Some(&token)).await?;
        isp.applied(Limit::seconds(30)).await?;
        Ok(Self { lab, isp, other, lines, _servers: Vec::new() })
    }

    /// The same with months behind it: the ISP has hundreds of subscribers, and those of the lab have been there all along.
    pub async fn build_with_history(port: u16, subscribers: u8, past: &Past) -> Result<Self> {
        let mut lab = network(port, subscribers).await?;
        tell(&format!(
            "living through {} months: 300 subscribers, their usage, bills, payments, and questions",
            past.months
        ));
        let (mail, _) = lab.start_mail().await?;
        let servers = vec![lab.start_provider().await?, mail, lab.start_bookkeeper().await?];
        let mut lived =
            lab.live_through(past.months, PASSWORD, past.rules.as_deref(), |month| tell(&format!("  {month}"))).await?;
        let lines = serde_json::from_value(lived["lines"].take()).context("which lines are the lab's")?;
        tell("starting the control plane");
        lab.start_cloud().await?;
        let isp = Isp::of(&lab, login("Nora Winther", "nora@northwind.example")).await?;
        let other = other(&lab).await?;
        tell("starting the agents");
        for router in isp.api.list("/routers").await? {
            let id = router["id"].as_str().context("a router without an id")?;
            let token = isp.token_for(id).await?;
            if id == isp.router_id {
                lab.start_agent(Some(&token)).await?;
            } else {
                lab.start_agent_elsewhere(router["name"].as_str().context("a router without a name")?, &token).await?;
            }
        }
        isp.applied(Limit::seconds(60)).await?;
        Ok(Self { lab, isp, other, lines, _servers: servers })
    }

    /// Bills everybody up to today; every other subscriber pays.
    pub async fn bill_and_collect(&self) -> Result<()> {
        tell("billing, and taking some payments");
        self.isp.bill(self.isp.today().await?).await?;
        for line in self.lines.iter().step_by(2) {
            self.isp.pay(line, &format!("first payment of line {}", line.number)).await?;
        }
        Ok(())
    }

    /// What line `index` (from 0) was sold.
    pub fn terms(&self, index: usize) -> &'static PlanTerms {
        &PLANS[index % PLANS.len()]
    }

    /// Where to look, and as whom.
    pub fn welcome(&self) -> String {
        let colleagues = COLLEAGUES.map(|(_, email, role)| ("Northwind Fibre", email, role));
        let (isp, other) = (&self.isp.owner, &self.other.owner);
        let owners = [("Northwind Fibre", &*isp.email, "owner"), ("Southbank Net", &*other.email, "owner")];
        let all = [&owners[..1], &colleagues, &owners[1..]].concat();
        let logins = all.iter().map(|(isp, email, role)| format!("  {isp:16} {email:26} {PASSWORD}   {role}"));
        let logins: Vec<_> = logins.collect();
        format!("{}\n{}\n", self.lab.url(), logins.join("\n"))
    }
}

async fn network(port: u16, subscribers: u8) -> Result<Lab> {
    ensure!(subscribers >= 4, "the demo needs at least 4 subscribers, one for each plan");
    tell("building the network");
    Lab::start(Options { subscribers, router: Router::Agent, http_port: port, ..Options::default() }).await
}

/// An ISP that has little, and must not see what the first one has.
async fn other(lab: &Lab) -> Result<Isp> {
    let other = Isp::create(lab, "Southbank Net", "southbank", login("Sam Banks", "sam@southbank.example")).await?;
    other.plan(&PLANS[0]).await?;
    other.api.post("/subscribers", &json!({"name": "Somebody Else"})).await?;
    Ok(other)
}

/// The first day of this month, by the wall clock.
pub fn first_of_month() -> Result<NaiveDate> {
    local_day()?.with_day(1).context("a month without a first day")
}

/// Says what is going on, to people.
pub fn tell(what: &str) {
    eprintln!("demo: {what}");
}

fn login(name: &str, email: &str) -> StaffLogin {
    StaffLogin { name: name.into(), email: email.into(), password: PASSWORD.into() }
}

async fn sell_all(isp: &Isp, subscribers: u8) -> Result<Vec<Line>> {
    let mut versions = Vec::new();
    for terms in &PLANS {
        versions.push(isp.plan(terms).await?);
    }
    let starts_on = first_of_month()?.to_string();
    let mut lines = Vec::new();
    for number in 1..=subscribers {
        let index = usize::from(number - 1);
        let name = match NAMES.get(index) {
            Some(name) => (*name).to_owned(),
            None => format!("Subscriber {number}"),
        };
        lines.push(isp.sell(number, &name, &versions[index % versions.len()], &starts_on).await?);
    }
    Ok(lines)
}
