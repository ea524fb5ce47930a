//! What happens, step by step.

use super::letters::letter;
use super::stage::{SLUG, Stage};
use super::visit::visit;
use crate::clock::{Limit, until};
use crate::isp::{Crossing, Line, ms_between};
use crate::topology::{CLOUD_ADDRESS, MAIL_PORT, Place, subscriber_prefixes};
use crate::traffic::{Direction, Family, Load};
use anyhow::{Context, Result, ensure};
use chrono::Days;
use rust_decimal::Decimal;
use serde_json::{Value, json};

const WHO: &str = "Ada Ferreira";
const EMAIL: &str = "ada.ferreira@example.net";
const PLAN: &str = "Harbour 12";
const RATE_BPS: u64 = 12_000_000;
const PRICE: &str = "25.00";
const FEE: &str = "5.00";
const PROBE_EVERY_MS: u64 = 5;

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str> {
    value[name].as_str().with_context(|| format!("no {name} in {value}"))
}

fn amount(value: &Value) -> Result<Decimal> {
    Ok(text(value, "amount")?.parse()?)
}

/// The owner makes a plan in the browser; mail, cards, sign-up and dunning are set up through the API.
pub async fn sets_up(stage: &mut Stage) -> Result<()> {
    let owner = stage.isp.owner.clone();
    let plan = json!({"name": PLAN, "rate_down": "12", "rate_up": "12", "price": PRICE, "currency": "EUR"});
    let facts = json!({"email": owner.email, "password": owner.password, "plan": plan});
    visit(stage, Place::Cloud, "nora", "makes a plan", facts).await?;
    let api = &stage.isp.api;
    api.patch("/tenant", &json!({"payment_terms_days": 14, "grace_days": 2})).await?;
    let mail = json!({"host": CLOUD_ADDRESS, "port": MAIL_PORT, "security": "none", "from_name": "Northwind Fibre",
        "from_address": "billing@northwind.example"});
    api.put("/message-settings/email", &mail).await?;
    api.patch("/portal-settings", &json!({"sign_up": true})).await?;
    let told = api.get("/payment-provider").await?;
    let url = format!("url={}", text(&told, "webhook_address")?);
    let endpoint = stage.ask_provider("/v1/webhook_endpoints", &[&url, "enabled_events[]=*"]).await?;
    let keys = json!({"secret_key": "sk_test_lab", "publishable_key": "pk_test_lab",
        "webhook_secret": endpoint["secret"], "enabled": true});
    api.patch("/payment-provider", &keys).await?;
    let step = |kind: &str, days: i32| json!({"kind": kind, "offset_days": days});
    let fee = json!({"kind": "late_fee", "offset_days": 3, "fee": {"flat": {"amount": FEE, "currency": "EUR"}}});
    let policy = json!({"steps": [step("remind", 1), fee, step("walled_garden", 7)], "from_hour": 0, "to_hour": 24});
    let based_on = api.get("/dunning-policy").await?["version"].clone();
    api.put("/dunning-policy", &json!({"policy": policy, "based_on": based_on})).await?;
    let token = stage.isp.enrollment_token().await?;
    stage.lab.start_agent(Some(&token)).await
}

pub async fn signs_up(stage: &Stage) -> Result<()> {
    let person = json!({"name": WHO, "email": EMAIL, "phone": "+34 986 000 101", "line1": "Quay Street 1",
        "postcode": "36201", "city": "Vigo"});
    visit(stage, Place::Cloud, "ada", "signs up", json!({"slug": SLUG, "person": person})).await.map(drop)
}

pub async fn approves(stage: &Stage) -> Result<Line> {
    visit(stage, Place::Cloud, "nora", "approves the order", json!({"name": WHO})).await?;
    let api = &stage.isp.api;
    let orders = api.list("/orders?status=approved").await?;
    let order = orders.first().context("no approved order")?;
    let (subscriber, version) = (text(order, "subscriber_id")?, text(order, "plan_version_id")?);
    let of = |list: Vec<Value>, what: &str| list.into_iter().next().with_context(|| format!("no {what}"));
    let account = of(api.list(&format!("/accounts?subscriber_id={subscriber}")).await?, "account")?;
    let place = of(api.list(&format!("/service-locations?subscriber_id={subscriber}")).await?, "place")?;
    let sale = json!({"account_id": account["id"], "service_location_id": place["id"], "plan_version_id": version,
        "router_id": stage.isp.router_id, "starts_on": stage.first, "prefixes": subscriber_prefixes(1)});
    let sold = api.post("/subscriptions", &sale).await?;
    Ok(Line {
        number: 1,
        subscriber_id: subscriber.to_owned(),
        account_id: text(&account, "id")?.to_owned(),
        subscription_id: text(&sold, "id")?.to_owned(),
        plan_version_id: version.to_owned(),
    })
}

pub async fn comes_up(stage: &Stage, line: &Line) -> Result<()> {
    stage.isp.applied(Limit::seconds(20)).await?;
    for (direction, family) in [(Direction::Down, Family::V4), (Direction::Up, Family::V6)] {
        let flow = stage.lab.subscriber(line.number).flow(direction, Load::seconds(6), family).await?;
        let error = flow.goodput_bps / (RATE_BPS as f64 * family.payload_share()) - 1.0;
        ensure!(error.abs() <= 0.05, "{direction:?} {family:?}: {:.0} bit/s, {error:+.3} off", flow.goodput_bps);
    }
    Ok(())
}

/// The card can be kept; it will be declined when it is charged.
pub async fn leaves_a_card(stage: &Stage, line: &Line) -> Result<()> {
    visit(stage, Place::Cloud, "ada", "asks for a link", json!({"slug": SLUG, "email": EMAIL})).await?;
    let link = letter(stage, EMAIL, "Choose your password").await?.link("/set-password/")?;
    let facts = json!({"link": link, "password": "quay-and-harbour-1", "card": "4000000000000341"});
    visit(stage, Place::Cloud, "ada", "leaves a card", facts).await?;
    let kept = stage.isp.api.get(&format!("/accounts/{}/payment-methods", line.account_id)).await?;
    let methods = kept["items"].as_array().or_else(|| kept.as_array()).context("no list of methods")?;
    ensure!(methods.iter().any(|method| method["autopay"] == true), "no card pays by itself: {kept}");
    Ok(())
}

/// Two neighbours are sold the same, who pay in cash.
pub async fn bills(stage: &mut Stage, line: &Line) -> Result<[Line; 2]> {
    let starts_on = stage.first.to_string();
    let isp = &mut stage.isp;
    let bruno = isp.sell(2, "Bruno Castelo", &line.plan_version_id, &starts_on).await?;
    let chloe = isp.sell(3, "Chloe Marchetti", &line.plan_version_id, &starts_on).await?;
    let next = stage.first + chrono::Months::new(1);
    isp.move_clock(next).await?;
    isp.bill(next).await?;
    for neighbour in [&bruno, &chloe] {
        isp.pay(neighbour, &format!("counter {}", neighbour.number)).await?;
    }
    let letter = letter(stage, EMAIL, "Invoice").await?;
    ensure!(letter.files.iter().any(|file| file.ends_with(".pdf")), "the invoice goes along: {letter:?}");
    Ok([bruno, chloe])
}

pub async fn is_declined(stage: &mut Stage, line: &Line) -> Result<()> {
    let due = stage.month(1) + Days::new(14);
    stage.isp.move_clock(due).await?;
    let path = format!("/payment-attempts?account_id={}", line.account_id);
    until("the charge to be declined", Limit::seconds(30), || async {
        let attempts = stage.isp.api.list(&path).await?;
        Ok(attempts.iter().any(|attempt| attempt["status"] == "failed").then_some(()))
    })
    .await?;
    letter(stage, EMAIL, "did not go through").await.map(drop)
}

pub async fn dunning_reminds(stage: &mut Stage, line: &Line) -> Result<()> {
    let due = stage.month(1) + Days::new(14);
    let owed = format!("/accounts/{}/standing", line.account_id);
    let before = amount(&stage.isp.api.get(&owed).await?["open"])?;
    stage.isp.move_clock(due + Days::new(1)).await?;
    stage.isp.api.post("/overdue-checks", &json!({})).await?;
    letter(stage, EMAIL, "Reminder").await?;
    stage.isp.move_clock(due + Days::new(3)).await?;
    stage.isp.api.post("/overdue-checks", &json!({})).await?;
    letter(stage, EMAIL, "late fee").await?;
    let after = amount(&stage.isp.api.get(&owed).await?["open"])?;
    ensure!(after == before + FEE.parse::<Decimal>()?, "{before} became {after}");
    Ok(())
}

pub async fn is_walled(stage: &mut Stage, line: &Line) -> Result<()> {
    let due = stage.month(1) + Days::new(14);
    stage.isp.move_clock(due + Days::new(7)).await?;
    stage.isp.api.post("/overdue-checks", &json!({})).await?;
    stage.isp.access_becomes(line, "walled_garden").await?;
    stage.lab.subscriber(line.number).web_becomes(false, Family::V4).await?;
    let look = |locale: &str, width: u32, scheme: &str, direction: &str, says: &str| json!({"locale": locale, "width": width, "colorScheme": scheme, "direction": direction, "says": says});
    let looks = [
        look("en-GB", 390, "light", "ltr", "An invoice is past due"),
        look("es-MX", 320, "dark", "ltr", "Hay una factura vencida"),
        look("ar-MA", 390, "dark", "rtl", "توجد فاتورة متأخرة"),
    ];
    let facts = json!({"internet": "http://198.18.0.2", "looks": looks});
    visit(stage, Place::Subscriber(line.number), "ada", "meets the garden", facts).await?;
    letter(stage, EMAIL, "held until you pay").await.map(drop)
}

/// Milliseconds from the press of *Pay* on the provider's page to the first packet that passes.
pub async fn pays_from_the_garden(stage: &Stage, line: &Line) -> Result<u64> {
    let home = stage.lab.subscriber(line.number);
    let probe = home.probe(Family::V4, PROBE_EVERY_MS).await?;
    let facts = json!({"page": "http://198.18.0.2/", "card": "4242424242424242"});
    let paid = visit(stage, Place::Subscriber(line.number), "ada", "pays from the garden", facts).await;
    let opened = home.web_becomes(true, Family::V4).await;
    let seen = probe.end().await?;
    let pressed_us = paid?["pressed_ms"].as_u64().context("not pressed")? * 1_000;
    opened?;
    let standing = stage.isp.api.get(&format!("/accounts/{}/standing", line.account_id)).await?;
    ensure!(amount(&standing["open"])?.is_zero(), "something is still owed: {standing}");
    letter(stage, EMAIL, "We received your payment").await?;
    letter(stage, EMAIL, "Your line is open again").await?;
    Ok(ms_between(pressed_us, Crossing::read(&seen)?.opened_us))
}

/// Staff slow the line down for abuse; she asks why it is slow, and is told at once.
pub async fn asks_for_help(stage: &Stage, line: &Line) -> Result<()> {
    let path = format!("/subscriptions/{}/holds", line.subscription_id);
    let hold = json!({"kind": "abuse", "effect": "throttled", "reason": "Open relay"});
    let hold = stage.isp.api.post(&path, &hold).await?;
    stage.isp.applied(Limit::seconds(20)).await?;
    let facts = json!({"slug": SLUG, "email": EMAIL, "password": "quay-and-harbour-1",
        "title": "Everything is slow", "body": "Since this morning nothing loads."});
    let told = visit(stage, Place::Subscriber(line.number), "ada", "asks for help", facts).await?;
    let answer = text(&told, "answer")?;
    ensure!(answer.contains("slowed down") && answer.contains("unwanted traffic"), "the first answer: {answer}");
    stage.isp.release(text(&hold, "id")?).await?;
    let tickets = stage.isp.api.list("/tickets").await?;
    ensure!(tickets.len() == 1, "{} tickets", tickets.len());
    Ok(())
}

/// One of three leaves; recurring revenue less what the ledger has as revenue, over all months, is returned.
pub async fn owner_compares(stage: &mut Stage, neighbours: &[Line; 2]) -> Result<Decimal> {
    let (third, [_, leaver]) = (stage.month(2), neighbours);
    let path = format!("/subscriptions/{}/end", leaver.subscription_id);
    stage.isp.api.post(&path, &json!({"ends_on": third})).await?;
    stage.isp.move_clock(third).await?;
    stage.isp.bill(third).await?;
    let api = &stage.isp.api;
    let told = api.get("/analytics/recurring").await?;
    let months = told["items"].as_array().or_else(|| told.as_array()).context("no months")?;
    let mut recurring = Decimal::ZERO;
    for month in months {
        recurring += amount(&month["closing"])?;
        ensure!(month["closing"] == month["earned"], "closing and earned of a month differ: {month}");
    }
    let now = months.iter().find(|month| month["subscribers_lost"] == 1).context("nobody left")?;
    ensure!(amount(&now["closing"])? == PRICE.parse::<Decimal>()? * Decimal::from(2), "{now}");
    ensure!(amount(&now["arpu"])? == PRICE.parse::<Decimal>()?, "{now}");
    ensure!(text(now, "churn_percent")?.starts_with("33.3"), "one of three left: {now}");
    let balances = api.get("/ledger/trial-balance").await?;
    let rows = balances["rows"].as_array().context("no rows")?;
    let revenue = rows.iter().find(|row| row["ledger_account"] == "4000").context("no revenue")?;
    ensure!(balances["balanced"] == true, "{balances}");
    let owner = stage.isp.owner.clone();
    let facts = json!({"email": owner.email, "password": owner.password, "figures": ["50.00", "25.00", "33.3"]});
    visit(stage, Place::Cloud, "nora", "looks at the figures", facts).await?;
    // The balance of an income account is below zero.
    Ok(recurring + amount(&revenue["balance"])?)
}
