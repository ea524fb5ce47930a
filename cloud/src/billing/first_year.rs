//! What a line that begins with a plan would be billed in its first year: the runs of a year, for an account that is made up.
//! Nothing is written.

use chrono::{Months, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;
use weir_rules::money::{Currency, Money};
use weir_rules::tax_place::Place;

use super::account::{self, Deals, Draft};
use super::issue::Issuing;
use super::store::facts::{AccountRow, BilledRow, TermRow};
use super::{Error, LineKind, recurring, taxing};
use crate::catalog::{BillingPeriod, BillingTiming, PlanVersion, VersionWish};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::ids::{AccountId, SubscriptionId};
use crate::ledger::Amount;
use crate::taxes::Book;

/// A line that may begin.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = PlanPreviewLineWish)]
#[serde(deny_unknown_fields)]
pub struct NewLine {
    /// Its first day.
    pub starts_on: NaiveDate,
    /// The account's billing day, 1-31; absent = 1.
    #[serde(default = "first")]
    pub billing_day: i16,
    /// Where it is, ISO 3166-1 alpha-2; absent = in the ISP's own country.
    #[serde(default)]
    pub country: String,
}

fn first() -> i16 {
    1
}

/// A version that may be made, and a line that may begin with it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = PlanPreviewWish)]
#[serde(deny_unknown_fields)]
pub struct FirstYearWish {
    /// The plan's name.
    pub name: String,
    /// What would be sold.
    pub version: VersionWish,
    /// To whom.
    pub line: NewLine,
}

/// What a line would be billed in its first year, without use beyond what is included.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PlanPreview)]
pub struct FirstYear {
    /// Its bills, by day.
    pub bills: Vec<FirstYearBill>,
    /// All of them without tax.
    #[schema(value_type = Amount)]
    pub net: Money,
    /// Their tax.
    #[schema(value_type = Amount)]
    pub tax: Money,
    /// All of them.
    #[schema(value_type = Amount)]
    pub gross: Money,
}

/// One bill of a first year.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PlanPreviewBill)]
pub struct FirstYearBill {
    /// On which day it would be asked for.
    pub on: NaiveDate,
    /// What is on it, in order.
    pub lines: Vec<FirstYearLine>,
    /// Without tax.
    #[schema(value_type = Amount)]
    pub net: Money,
    /// All tax.
    #[schema(value_type = Amount)]
    pub tax: Money,
    /// With tax.
    #[schema(value_type = Amount)]
    pub gross: Money,
}

/// A line of such a bill.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PlanPreviewLine)]
pub struct FirstYearLine {
    /// As the invoice would say it.
    pub description: String,
    /// First day billed.
    pub from: NaiveDate,
    /// Day after the last billed.
    pub to: NaiveDate,
    /// Without tax.
    #[schema(value_type = Amount)]
    pub net: Money,
    /// With tax, where the plan's price includes it; null where tax is on top.
    #[schema(value_type = Option<Amount>)]
    pub gross: Option<Money>,
}

/// What a line on a version, sold under a name, would be billed by the runs of its first year.
pub async fn first_year(
    tx: &mut TenantTx,
    (plan, version, language): (&str, &PlanVersion, &str),
    wish: &NewLine,
) -> Result<FirstYear, Error> {
    let last = check(wish)?;
    let currency = Currency::from_code(&version.price.currency)?;
    let account = account_of(tx, wish, &version.price.currency, language);
    let terms = [term_of(tx, account.id, (plan, version), wish.starts_on)];
    let place = Place { country: Some(wish.country.clone()).filter(|text| !text.is_empty()), ..Place::default() };
    let (issuing, book) = (Issuing::now(tx).await?, Book::at(tx, account.id, place).await?);
    let (mut bills, mut billed): (Vec<FirstYearBill>, Vec<BilledRow>) = (Vec::new(), Vec::new());
    for on in wish.starts_on.iter_days().take_while(|on| *on < last) {
        let mut lines = Vec::new();
        for facts in account::by_subscription(&account, (&terms, &billed), &[], Deals::default())? {
            recurring::charge(tx, &facts, on, &mut lines)?;
        }
        if lines.is_empty() {
            continue;
        }
        let lines = taxing::by_book(tx, (&book, issuing.rounding()), (taxing::whose(&account), on), lines)?;
        let totals = issuing.document(&account, currency, &lines)?.totals;
        let shown = lines.iter().map(|line| FirstYearLine {
            description: line.description.clone(),
            from: line.period.start(),
            to: line.period.end(),
            net: line.net,
            gross: line.gross,
        });
        bills.push(FirstYearBill { on, lines: shown.collect(), net: totals.net, tax: totals.tax, gross: totals.gross });
        billed.extend(lines.iter().map(|line| billed_as(line, &terms[0])));
    }
    Ok(FirstYear {
        net: Money::sum(currency, bills.iter().map(|bill| bill.net))?,
        tax: Money::sum(currency, bills.iter().map(|bill| bill.tax))?,
        gross: Money::sum(currency, bills.iter().map(|bill| bill.gross))?,
        bills,
    })
}

/// The day after the first year.
fn check(wish: &NewLine) -> Result<NaiveDate, Error> {
    let mut errors = Vec::new();
    if !(1..=31).contains(&wish.billing_day) {
        errors.push(FieldError::new("billing_day", "must be between 1 and 31"));
    }
    if !(wish.country.is_empty()
        || wish.country.len() == 2 && wish.country.bytes().all(|byte| byte.is_ascii_uppercase()))
    {
        errors.push(FieldError::new("country", "must name a country by two letters, such as ES"));
    }
    let last = wish.starts_on.checked_add_months(Months::new(12));
    let last = last.filter(|_| (2000..=2200).contains(&chrono::Datelike::year(&wish.starts_on)));
    match last {
        Some(last) if errors.is_empty() => return Ok(last),
        Some(_) => {}
        None => errors.push(FieldError::new("starts_on", "must be in the years from 2000 to 2200")),
    }
    Err(Error::Invalid(errors))
}

fn account_of(tx: &TenantTx, wish: &NewLine, currency: &str, language: &str) -> AccountRow {
    AccountRow {
        id: tx.new_id(),
        payer: None,
        number: String::new(),
        currency: currency.to_owned(),
        time_zone: "UTC".into(),
        billing_day: wish.billing_day,
        subscriber: String::new(),
        language: language.to_owned(),
        address: String::new(),
    }
}

/// The plan, held from the first day on.
fn term_of(tx: &TenantTx, account: AccountId, (plan, version): (&str, &PlanVersion), starts_on: NaiveDate) -> TermRow {
    let (period_months, period_days) = match version.period {
        BillingPeriod::Months(months) => (Some(months), None),
        BillingPeriod::Days(days) => (None, Some(days)),
    };
    let subscription: SubscriptionId = tx.new_id();
    TermRow {
        account,
        subscription,
        starts_on,
        version: version.id,
        plan: plan.to_owned(),
        price: version.price.amount,
        tax_included: version.tax_included,
        currency: version.price.currency.clone(),
        period_months,
        period_days,
        in_arrears: version.timing == BillingTiming::InArrears,
        phases: Json(version.phases.clone()),
        allowance_bytes: None,
        allowance_shared: false,
        block_bytes: None,
        block_price: None,
        traffic_price: None,
        windows: serde_json::Value::Array(Vec::new()),
        from: starts_on,
        to: None,
    }
}

/// A line that a run made, as the next one finds it.
fn billed_as(line: &Draft, term: &TermRow) -> BilledRow {
    let discount = line.reduction.as_ref().map_or(Decimal::ZERO, |reduction| reduction.total.amount());
    BilledRow {
        account: term.account,
        id: line.id,
        kind: LineKind::name(line.kind).to_owned(),
        subscription: term.subscription,
        version: term.version,
        plan: term.plan.clone(),
        description: line.description.clone(),
        allowance_bytes: None,
        allowance_shared: false,
        block_bytes: None,
        block_price: None,
        traffic_price: None,
        windows: term.windows.clone(),
        tax_category: line.rate.map(|rate| rate.category().code().to_owned()).unwrap_or_default(),
        tax_rate: line.rate.map(|rate| rate.percent()).unwrap_or_default(),
        from: line.period.start(),
        to: line.period.end(),
        full_from: line.full.start(),
        full_to: line.full.end(),
        quantity: line.quantity,
        unit_price: line.unit_price.amount(),
        asks: line.asks().amount(),
        tax_included: line.gross.is_some(),
        discount,
        discounts: Json(Vec::new()),
        used_bytes: Decimal::ZERO,
        credits: line.credits,
    }
}
