//! The first day: what the ISP is, where it is, what it sells, and the subscribers it brings along.

use super::office::{NETWORK, OWNER, Office, SUPPORT, text};
use super::{Edge, Isp, Sold, World, care, money};
use crate::script::Year;
use crate::script::plans::{Beyond, PLANS, Plan, SITES};
use anyhow::{Context, Result, ensure};
use axum::http::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use weir_cloud::app::App;

const GIGABYTE: u64 = 1_000_000_000;
const MEGABIT: u64 = 1_000_000;

/// Makes the ISP, and brings its first subscribers from a file.
pub(super) async fn found(app: &App, isp: &Isp<'_>, year: Year) -> Result<World> {
    let mut office = Office::open(app, isp).await?;
    settle(&mut office, isp).await?;
    let edges = build(&mut office).await?;
    let versions = offer(&mut office).await?;
    let product = json!({"name": "50 GB more", "bytes": 50 * GIGABYTE, "price": eur("4.90")});
    let product = office.staff(OWNER, "/top-up-products", product).await?;
    let mut world = World {
        office,
        cards: isp.cards,
        year,
        versions,
        top_up: text(&product["id"])?,
        edges,
        sold: BTreeMap::new(),
        of_account: BTreeMap::new(),
        accounts: BTreeMap::new(),
        money: money::Money::default(),
        care: care::Care::default(),
        moved_bytes: 0,
    };
    if isp.cards {
        world.take_cards().await?;
    }
    world.bring().await?;
    Ok(world)
}

/// An amount in the ISP's currency.
pub(super) fn eur(amount: &str) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

async fn settle(office: &mut Office, isp: &Isp<'_>) -> Result<()> {
    let is = json!({"legal_name": format!("{} S.L.", isp.name), "address": "Rúa do Porto 1\n36201 Vigo",
        "tax_id": "B00000000", "tax_name": "IVA", "tax_rate_percent": "21", "payment_terms_days": 14, "grace_days": 5,
        "invoice_prefix": "NW", "contact": "support@northwind.example, +34 986 000 000",
        "bank_iban": "ES9121000418450200051332"});
    office.staff_by(Method::PATCH, OWNER, "/tenant", Some(is)).await?;
    let policy = json!({
        "from_hour": 8, "to_hour": 20, "rest_days": "sunday",
        "steps": [
            {"kind": "remind", "offset_days": 2},
            {"kind": "late_fee", "offset_days": 7, "fee": {"flat": eur("3.00")}, "minimum_balance": eur("10.00")},
            {"kind": "walled_garden", "offset_days": 12},
            {"kind": "final_notice", "offset_days": 25},
        ],
        "fee_cap_year": eur("18.00"),
    });
    office.staff_by(Method::PUT, OWNER, "/dunning-policy", Some(json!({"based_on": 0, "policy": policy}))).await?;
    let portal = json!({"sign_up": true, "top_ups": true,
        "how_to_pay": "By card here, by transfer, or at our counter in Rúa do Porto."});
    office.staff_by(Method::PATCH, OWNER, "/portal-settings", Some(portal)).await.map(drop)
}

async fn build(office: &mut Office) -> Result<Vec<Edge>> {
    let mut edges = Vec::new();
    for (site, number) in SITES.iter().zip(1..) {
        let place = office.staff(NETWORK, "/sites", json!({"name": site.name, "address": site.towns[0].0})).await?;
        let router = json!({"name": site.router, "site_id": place["id"], "lan_interface": "lan0",
            "wan_interface": "wan0", "nat": true, "capacity_down_bps": 1_000 * MEGABIT, "capacity_up_bps": 1_000 * MEGABIT});
        let router = office.staff(NETWORK, "/routers", router).await?;
        let id = text(&router["id"])?;
        let token = office.staff(NETWORK, &format!("/routers/{id}/enrollment-tokens"), json!({})).await?;
        edges.push(Edge::enroll(&office.app, &text(&token["token"])?, &id, site.router, number).await?);
    }
    Ok(edges)
}

async fn offer(office: &mut Office) -> Result<Vec<Vec<String>>> {
    let mut versions = Vec::new();
    for plan in &PLANS {
        let mut body = terms(plan, plan.price);
        body["name"] = json!(plan.name);
        body["offered_in_portal"] = json!(true);
        let made = office.staff(OWNER, "/plans", body).await?;
        versions.push(vec![text(&made["versions"][0]["id"])?]);
    }
    Ok(versions)
}

/// What a version of a plan promises, at a price.
pub(super) fn terms(plan: &Plan, price: &str) -> Value {
    let (down, up) = plan.rate_mbps;
    let mut body = json!({"rate_down_bps": down * MEGABIT, "rate_up_bps": up * MEGABIT, "price": eur(price)});
    if plan.allowance_gb > 0 {
        body["allowance_bytes"] = json!(plan.allowance_gb * GIGABYTE);
    }
    match plan.beyond {
        Beyond::Nothing => {}
        Beyond::Slower(mbps) => {
            body["throttle"] = json!({"rate_down_bps": mbps * MEGABIT, "rate_up_bps": mbps * MEGABIT / 2});
        }
        Beyond::Charged(gigabytes, price) => {
            body["overage"] = json!({"block_bytes": gigabytes * GIGABYTE, "price": eur(price)});
        }
    }
    body
}

impl World {
    /// Imports who was a subscriber before, from a file, after a look at what it would do.
    async fn bring(&mut self) -> Result<()> {
        let mut csv =
            String::from("name,email,phone,address,city,postcode,country,billing day,plan,router,prefixes,start\n");
        for person in &self.year.people[..self.year.brought] {
            let (plan, router) = (PLANS[person.plan].name, SITES[person.site].router);
            let (town, postcode) = person.town;
            writeln!(
                csv,
                "{},{},{},{},{town},{postcode},ES,{},{plan},{router},{},{}",
                person.name,
                person.email,
                person.phone,
                person.street,
                person.billing_day,
                person.prefixes.join(" "),
                person.joined_on
            )?;
        }
        let sent = self.office.staff(SUPPORT, "/imports", json!({"name": "subscribers-2025.csv", "csv": csv})).await?;
        let path = format!("/imports/{}", text(&sent["id"])?);
        self.office.work().await?;
        let seen = self.office.staff_by(Method::GET, SUPPORT, &path, None).await?;
        ensure!(seen["status"] == "checked" && seen["wrong"] == 0, "the import is not right: {seen}");
        self.office.staff(SUPPORT, &format!("{path}/start"), json!({})).await?;
        self.office.work().await?;
        let done = self.office.staff_by(Method::GET, SUPPORT, &path, None).await?;
        ensure!(done["status"] == "done", "the import did not end: {done}");
        self.know_brought().await?;
        self.follow().await
    }

    /// Learns under which numbers those who were brought are known.
    async fn know_brought(&mut self) -> Result<()> {
        let subscribers = self.office.list("/subscribers").await?;
        let accounts = self.office.list("/accounts").await?;
        let subscriptions = self.office.list("/subscriptions").await?;
        let by = |all: &[Value], key: &str| -> BTreeMap<String, Value> {
            all.iter().filter_map(|one| Some((one[key].as_str()?.to_owned(), one.clone()))).collect()
        };
        let (people, accounts, lines) =
            (by(&subscribers, "email"), by(&accounts, "subscriber_id"), by(&subscriptions, "account_id"));
        for number in 0..self.year.brought {
            let person = self.person(number);
            let subscriber = people.get(&person.email).context("somebody was not brought")?;
            let account = accounts.get(&text(&subscriber["id"])?).context("somebody has no account")?;
            let line = lines.get(&text(&account["id"])?).context("somebody has no line")?;
            self.know(number, account, line)?;
        }
        Ok(())
    }

    /// Remembers a person's line.
    pub(super) fn know(&mut self, number: usize, account: &Value, line: &Value) -> Result<()> {
        let person = self.person(number);
        let handle = line["handle"].as_u64().and_then(|handle| u32::try_from(handle).ok());
        let sold = Sold {
            subscriber: text(&account["subscriber_id"])?,
            account: text(&account["id"])?,
            subscription: text(&line["id"])?,
            version: text(&line["plan_version_id"])?,
            handle: handle.context("a line without a handle")?,
            plan: person.plan,
            changed_on: person.joined_on,
        };
        self.of_account.insert(sold.account.clone(), number);
        let kept = money::Account { id: sold.account.clone(), number: text(&account["number"])? };
        self.accounts.insert(number, kept);
        self.sold.insert(number, sold);
        Ok(())
    }
}
