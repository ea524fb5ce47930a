//! A short life of a small ISP leaves books, meters and figures that agree with one another.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use axum::http::Method;
use chrono::{DateTime, Utc};
use clap::Parser;
use rust_decimal::Decimal;
use serde_json::Value;
use weir_cloud::config::Config;
use weir_cloud::roles;
use weir_history::life::{self, Isp, Lived, OWNER, Office};
use weir_history::script::Size;
use weir_lab::program;
use weir_lab::provider::Provider;

const SIZE: Size = Size { subscribers: 12, months: 3, lab_lines: 2 };
/// When it ends: what so few people happen to do depends on the day.
const END: &str = "2026-11-27T11:30:00Z";

#[test]
fn a_season_hangs_together() -> Result<()> {
    let folder = tempfile::Builder::new().prefix("weir-season-").tempdir()?;
    // The database server runs as another user when we are root.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
    // On this thread: the private database ends with the thread that started it.
    tokio::runtime::Runtime::new()?.block_on(async {
        let provider = Provider::start(None).await?;
        let plugin_program = Some(program("weir")?.into());
        let config = Config { stripe_url: provider.url(), plugin_program, ..config(&folder.path().join("cloud")) };
        let started = roles::start(config).await?;
        let clock = &started.app.clock;
        clock.shift(END.parse::<DateTime<Utc>>()? - clock.now())?;
        let checked = live_and_look(&started).await;
        started.end().await?;
        checked
    })
}

fn config(data: &Path) -> Config {
    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        config: Config,
    }
    let config = Arguments::parse_from(["season"]).config;
    Config { data_dir: data.into(), database_url: None, dev_clock: true, ..config }
}

async fn live_and_look(started: &roles::Started) -> Result<()> {
    let rules = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().context("no target folder")?.join("plugins");
    let isp = Isp {
        name: "Northwind Fibre",
        slug: "northwind",
        password: "harbour-lights-2026",
        cards: true,
        mail: None,
        rules: Some(&rules),
        listener: Some("https://books.example.net/weir"),
    };
    let mut months = Vec::new();
    let mut lived = life::live(&started.app, &isp, SIZE, |month| months.push(month.to_owned())).await?;
    ensure!((11..=13).contains(&lived.subscribers), "{} subscribers", lived.subscribers);
    ensure!(months.len() >= 3, "{months:?}");
    no_job_failed(started).await?;
    books_balance(&mut lived.office).await?;
    revenue_moves_by_what_it_says(&mut lived.office).await?;
    every_byte_is_counted_once(&mut lived).await?;
    rules_do_what_they_may(&mut lived.office).await?;
    numbers_have_no_gap(&mut lived.office).await?;
    figures_equal_their_lists(&mut lived.office).await
}

async fn no_job_failed(started: &roles::Started) -> Result<()> {
    let mut tx = started.app.db.platform().await?;
    let failed: Vec<(String, String)> =
        sqlx::query_as("SELECT kind, last_error FROM platform.jobs WHERE last_error IS NOT NULL")
            .fetch_all(tx.conn())
            .await?;
    ensure!(failed.is_empty(), "jobs failed: {failed:?}");
    Ok(())
}

fn amount(value: &Value) -> Result<Decimal> {
    Ok(value["amount"].as_str().with_context(|| format!("no amount: {value}"))?.parse()?)
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list["items"].as_array().into_iter().flatten()
}

fn bytes(value: &Value) -> u64 {
    let one = |name: &str| match &value[name] {
        Value::String(text) => text.parse().unwrap_or(0),
        number => number.as_u64().unwrap_or(0),
    };
    one("down_bytes") + one("up_bytes")
}

async fn books_balance(office: &mut Office) -> Result<()> {
    let trial = office.get("/ledger/trial-balance").await?;
    ensure!(trial["balanced"] == true, "{trial}");
    let mut sum = Decimal::ZERO;
    for row in trial["rows"].as_array().into_iter().flatten() {
        sum += amount(&row["balance"])?;
    }
    ensure!(sum.is_zero(), "the books are off by {sum}");
    let received = office.list("/payments").await?;
    ensure!(received.len() > 10, "hardly anybody paid: {}", received.len());
    for method in ["bank_transfer", "card"] {
        ensure!(received.iter().any(|payment| payment["method"] == method), "nobody paid by {method}");
    }
    Ok(())
}

/// Each month's opening and movements make its closing, which is the next one's opening; the last is what plans cost today.
async fn revenue_moves_by_what_it_says(office: &mut Office) -> Result<()> {
    let recurring = office.get("/analytics/recurring").await?;
    let mut before = None;
    for month in items(&recurring) {
        let (opening, closing) = (amount(&month["opening"])?, amount(&month["closing"])?);
        ensure!(before.is_none_or(|before| before == opening), "{month} does not begin where the one before ended");
        let mut moved = Decimal::ZERO;
        for kind in ["new", "reactivated", "expansion", "contraction", "churned"] {
            moved += amount(&month[kind])?;
        }
        ensure!(opening + moved == closing, "{month}");
        let name = month["month"].as_str().context("a month without a name")?;
        let mut listed = Decimal::ZERO;
        for line in office.list(&format!("/analytics/movements?month={name}")).await? {
            listed += amount(&line["after"])? - amount(&line["before"])?;
        }
        ensure!(listed == moved, "the list of {name} makes {listed}, not {moved}");
        before = Some(closing);
    }
    let mut prices = BTreeMap::new();
    for plan in office.list("/plans").await? {
        for version in plan["versions"].as_array().into_iter().flatten() {
            prices.insert(version["id"].to_string(), amount(&version["price"])?);
        }
    }
    let mut sold = Decimal::ZERO;
    for line in office.list("/subscriptions").await? {
        if line["status"] == "active" || line["status"] == "ending" {
            sold += prices.get(&line["plan_version_id"].to_string()).context("a plan nobody sells")?;
        }
    }
    ensure!(before == Some(sold), "{before:?} is told, {sold} is sold");
    Ok(())
}

/// What routers handed in is what lines used, in one record each.
async fn every_byte_is_counted_once(lived: &mut Lived) -> Result<()> {
    let mut used = 0;
    for line in lived.office.list("/subscriptions").await? {
        let path = format!("/subscriptions/{}/usage", line["id"].as_str().context("a line without an id")?);
        used += bytes(&lived.office.get(&path).await?);
    }
    ensure!(used == lived.moved_bytes, "{used} bytes are counted, {} were moved", lived.moved_bytes);
    let nobodys = lived.office.get("/usage/unattributed").await?;
    ensure!(items(&nobodys).map(bytes).sum::<u64>() == 0, "{nobodys}");
    for agent in lived.office.list("/agents").await? {
        let agent = lived.office.get(&format!("/agents/{}", agent["id"].as_str().context("no id")?)).await?;
        for epoch in agent["epochs"].as_array().into_iter().flatten() {
            ensure!(epoch["applied_seq"] == epoch["records"], "{epoch}");
        }
    }
    let mut sums = Vec::new();
    for by in ["plan", "site", "area"] {
        let traffic = lived.office.get(&format!("/analytics/traffic?by={by}")).await?;
        sums.push(items(&traffic).map(bytes).sum::<u64>());
    }
    ensure!(sums[0] > 0 && sums.iter().all(|sum| *sum == sums[0]), "traffic by plan, site and area: {sums:?}");
    Ok(())
}

/// The good rule's digest stands on the lines it priced; the one that cannot be trusted decided nothing, and its
/// trial says so.
async fn rules_do_what_they_may(office: &mut Office) -> Result<()> {
    let (mut lines, mut priced) = (0, Vec::new());
    for invoice in office.list("/invoices").await? {
        let invoice = office.get(&format!("/invoices/{}", invoice["id"].as_str().context("no id")?)).await?;
        for line in invoice["lines"].as_array().into_iter().flatten().filter(|line| line["kind"] == "usage") {
            lines += 1;
            priced.extend(line["priced_by"]["digest"].as_str().map(str::to_owned));
        }
    }
    let mut plugins = BTreeMap::new();
    for plugin in items(&office.staff_by(Method::GET, OWNER, "/plugins", None).await?) {
        let path = format!("/plugins/{}/versions", plugin["id"].as_str().context("no id")?);
        let versions = office.staff_by(Method::GET, OWNER, &path, None).await?;
        plugins.insert(plugin["name"].as_str().context("no name")?.to_owned(), (plugin.clone(), versions[0].clone()));
    }
    let (_, owl) = plugins.get("night-owl").context("the owl is not there")?;
    ensure!(!priced.is_empty() && priced.len() < lines, "{} of {lines} lines were priced by a rule", priced.len());
    ensure!(priced.iter().all(|digest| owl["digest"] == digest.as_str()), "{priced:?} are not {}", owl["digest"]);
    let (offer, tried) = plugins.get("winter-offer").context("the offer is not there")?;
    let trial = &tried["dry_run"];
    let inputs = trial["inputs"].as_u64().unwrap_or(0);
    ensure!(offer["status"] == "idle" && inputs > 0 && trial["failed"] == inputs, "{offer} {trial}");
    Ok(())
}

async fn numbers_have_no_gap(office: &mut Office) -> Result<()> {
    let mut numbers: Vec<String> = Vec::new();
    for invoice in office.list("/invoices").await? {
        numbers.push(invoice["number"].as_str().context("an invoice without a number")?.to_owned());
    }
    ensure!(numbers.len() > 12, "{} invoices", numbers.len());
    numbers.sort();
    // A series and its year, then a counter from 1.
    for series in numbers.chunk_by(|one, other| {
        one.rsplit_once('-').map(|(head, _)| head) == other.rsplit_once('-').map(|(head, _)| head)
    }) {
        let counters: Vec<u64> = series.iter().filter_map(|number| number.rsplit('-').next()?.parse().ok()).collect();
        let expected: Vec<u64> = (1..=series.len() as u64).collect();
        ensure!(counters == expected, "there are gaps: {series:?}");
    }
    Ok(())
}

async fn figures_equal_their_lists(office: &mut Office) -> Result<()> {
    let aging = office.get("/analytics/aging").await?;
    let mut open = Decimal::ZERO;
    for bucket in items(&aging) {
        let name = bucket["bucket"].as_str().context("a bucket without a name")?;
        let list = office.list(&format!("/analytics/aged-invoices?bucket={name}")).await?;
        let mut sum = Decimal::ZERO;
        for invoice in &list {
            sum += amount(&invoice["open"])?;
        }
        ensure!(
            sum == amount(&bucket["open"])? && list.len() as u64 == bucket["invoices"].as_u64().unwrap_or(0),
            "{bucket}"
        );
        open += sum;
    }
    let trial = office.get("/ledger/trial-balance").await?;
    let rows = trial["rows"].as_array().context("no rows")?;
    let receivable = rows.iter().find(|row| row["ledger_account"] == "1100").context("no receivable")?;
    ensure!(open == amount(&receivable["balance"])?, "{open} is open, the ledger says {receivable}");
    let busy = office.get("/analytics/busy-hours").await?;
    ensure!(items(&busy).count() > 0, "no router has a busiest hour");
    Ok(())
}
