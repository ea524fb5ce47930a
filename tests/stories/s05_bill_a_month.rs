//! Bill: a month ends, and its invoice says what was sold, what was used, and what that makes; once.

use crate::world::{HOME, World, first_of, story};
use anyhow::{Context, Result};
use chrono::Months;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use weir_lab::{Carried, Family, Line, Load, bytes_of};

fn amount(money: &Value) -> Result<Decimal> {
    Ok(money["amount"].as_str().with_context(|| format!("no amount in {money}"))?.parse()?)
}

/// All lines of an account's invoices: kind, first day, net.
fn lines(invoices: &[Value]) -> Vec<&Value> {
    invoices.iter().flat_map(|invoice| invoice["lines"].as_array().into_iter().flatten()).collect()
}

/// What [`HOME`] charges beyond its allowance: every begun block.
fn overage(used: Carried) -> Result<Decimal> {
    let (allowance, block, price) = HOME.metered.context("the plan is metered")?;
    Ok(Decimal::from(used.total().saturating_sub(allowance).div_ceil(block)) * price.parse::<Decimal>()?)
}

/// Numbers of all invoices follow one another within each year, from 1.
async fn assert_gapless(world: &World) -> Result<()> {
    let mut years: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for invoice in world.isp.api.list("/invoices").await? {
        let number = invoice["number"].as_str().context("an invoice without a number")?;
        let (series, sequence) = number.rsplit_once('-').context("a number without a series")?;
        years.entry(series.to_owned()).or_default().push(sequence.parse()?);
    }
    assert!(!years.is_empty());
    for (series, mut numbers) in years {
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "{series}");
    }
    Ok(())
}

async fn assert_document(world: &World, invoice: &Value) -> Result<()> {
    let id = invoice["id"].as_str().context("an invoice without an id")?;
    let (status, document) = world.isp.api.fetch(&format!("/api/v1/invoices/{id}/pdf")).await?;
    assert_eq!(status, 200);
    assert!(document.starts_with(b"%PDF-") && document.len() > 5_000, "{} bytes are no PDF", document.len());
    Ok(())
}

async fn invoices_of(world: &World, line: &Line) -> Result<Vec<Value>> {
    let invoices = world.isp.invoices(line).await?;
    let factor: Decimal = "1.21".parse()?;
    for invoice in &invoices {
        let expected = weir_round(amount(&invoice["net"])? * factor);
        assert_eq!(amount(&invoice["gross"])?, expected, "{invoice}");
    }
    Ok(invoices)
}

/// To cents, half away from zero.
fn weir_round(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
}

#[test]
fn a_month_is_billed_to_the_byte_and_the_cent_once() {
    story(async |world| {
        let household = world.household("Farid Naciri").await?;
        world.isp.api.patch("/tenant", &json!({"tax_rate_percent": "21", "tax_name": "IVA"})).await?;
        let before = world.reading(&[&household]).await?;
        household.host.download(Load::bytes(2_500_000), Family::V4).await?;
        let used = world.assert_counted_once(&[&household], before).await?;

        let month = first_of(world.isp.today().await?)?;
        let next = month + Months::new(1);
        world.isp.move_clock(next).await?;
        world.isp.bill(next).await?;
        let invoices = invoices_of(world, &household.line).await?;
        let billed = lines(&invoices);
        let of = |kind: &str| billed.iter().filter(|line| line["kind"] == kind).copied().collect::<Vec<_>>();
        let (recurring, usage) = (of("recurring"), of("usage"));
        assert_eq!(
            (recurring.len(), usage.len(), billed.len()),
            (2, 1, 3),
            "two months in advance, one counted: {billed:?}"
        );
        for (line, from) in recurring.iter().zip([month, next]) {
            assert_eq!((&line["from"], amount(&line["net"])?), (&json!(from), HOME.price.parse()?), "{line}");
        }
        assert_eq!(bytes_of(usage[0]), used, "every byte that was counted, and no other");
        assert_eq!(amount(&usage[0]["net"])?, overage(used)?, "{}", usage[0]);
        assert_gapless(world).await?;
        assert_document(world, invoices.last().context("no invoice")?).await?;

        assert_eq!(world.isp.bill(next).await?["invoices_issued"], 0, "a second run finds nothing to bill");
        assert_eq!(invoices_of(world, &household.line).await?, invoices, "an issued invoice never changes");
        assert_eq!(world.isp.api.get("/ledger/trial-balance").await?["balanced"], true);
        Ok(())
    });
}
