//! The questions, in the ISP's own days; amounts in one currency, the ISP's own if none is named.

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use weir_rules::calendar::local_date;
use weir_rules::money::{Currency, Money};

use super::model::{
    AgedInvoice, Aging, AgingBucket, AtRisk, BusyHour, Collections, Exhausted, Month, Moved, Movement, Reason,
    Recurring, Split, Traffic,
};
use super::{Error, store};
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::tenants;

/// Months a table of months shows.
const MONTHS: u32 = 12;
const TRAFFIC_DAYS: i64 = 30;
const BUSY_DAYS: i64 = 7;
const SCORE_MAX: i32 = 100;

/// The ISP's today and the currency asked for.
pub(super) async fn here(tx: &mut TenantTx, currency: Option<Currency>) -> Result<(NaiveDate, Currency), Error> {
    let tenant = tenants::tenant(tx).await?;
    let zone: Tz = tenant.time_zone.parse().unwrap_or(Tz::UTC);
    let currency = match currency {
        Some(currency) => currency,
        None => Currency::from_code(&tenant.currency)?,
    };
    Ok((local_date(tx.at(), zone), currency))
}

fn percent(part: Decimal, whole: Decimal) -> Option<Decimal> {
    (!whole.is_zero()).then(|| weir_rules::money::round_half_up(part * Decimal::ONE_HUNDRED / whole, 1))
}

/// Monthly recurring revenue of the last twelve months, the current one last.
pub async fn recurring(tx: &mut TenantTx, currency: Option<Currency>) -> Result<Vec<Recurring>, Error> {
    let (today, currency) = here(tx, currency).await?;
    let last = Month::of(today);
    let range = (last.back(MONTHS - 1).first(), last.first());
    let rows = store::recurring::months(tx, currency, range, today).await?;
    let shown = |row: store::recurring::MonthRow| -> Result<Recurring, Error> {
        let money = |amount: Decimal| Money::rounded(amount, currency);
        let arpu = (row.subscribers_closing > 0).then(|| money(row.closing / Decimal::from(row.subscribers_closing)));
        Ok(Recurring {
            month: Month::of(row.month),
            opening: money(row.opening)?,
            new: money(row.new)?,
            reactivated: money(row.reactivated)?,
            expansion: money(row.expansion)?,
            contraction: money(row.contraction)?,
            churned: money(row.churned)?,
            closing: money(row.closing)?,
            subscribers_opening: row.subscribers_opening,
            subscribers_lost: row.subscribers_lost,
            subscribers_closing: row.subscribers_closing,
            arpu: arpu.transpose()?,
            churn_percent: percent(row.subscribers_lost.into(), row.subscribers_opening.into()),
            revenue_churn_percent: percent(-(row.churned + row.contraction), row.opening),
            earned: money(row.earned)?,
        })
    };
    rows.into_iter().map(shown).collect()
}

/// A page of the lines whose price moved in a month.
pub async fn moved(
    tx: &mut TenantTx,
    currency: Option<Currency>,
    month: Month,
    movement: Option<Movement>,
    page: Page,
) -> Result<Vec<Moved>, Error> {
    let (today, currency) = here(tx, currency).await?;
    let of = (month.first(), today);
    let rows = store::recurring::moved(tx, currency, of, movement.map(Movement::name), page).await?;
    let shown = |row: store::recurring::MovedRow| -> Result<Moved, Error> {
        let movement = Movement::ALL.into_iter().find(|movement| movement.name() == row.movement);
        Ok(Moved {
            subscription_id: row.line,
            account_id: row.account,
            subscriber: row.subscriber,
            movement: movement.unwrap_or(Movement::New),
            before: Money::new(row.before, currency)?,
            after: Money::new(row.after, currency)?,
        })
    };
    rows.into_iter().map(shown).collect()
}

/// What is open, by age.
pub async fn aging(tx: &mut TenantTx, currency: Option<Currency>) -> Result<Vec<Aging>, Error> {
    let (today, currency) = here(tx, currency).await?;
    let rows = store::money::open_by_days(tx, currency.code(), today).await?;
    let of = |bucket: AgingBucket| -> Result<Aging, Error> {
        let (from, to) = bucket.days();
        let (mut invoices, mut open) = (0, Decimal::ZERO);
        for row in rows.iter().filter(|row| (from..=to).contains(&row.days)) {
            invoices += row.invoices;
            open += row.open;
        }
        Ok(Aging { bucket, invoices, open: Money::new(open, currency)? })
    };
    AgingBucket::ALL.into_iter().map(of).collect()
}

/// A page of the open invoices of one age, newest first.
pub async fn aged(
    tx: &mut TenantTx,
    currency: Option<Currency>,
    bucket: AgingBucket,
    page: Page,
) -> Result<Vec<AgedInvoice>, Error> {
    let (today, currency) = here(tx, currency).await?;
    let rows = store::money::aged(tx, currency.code(), today, bucket.days(), page).await?;
    let shown = |row: store::money::AgedRow| -> Result<AgedInvoice, Error> {
        Ok(AgedInvoice {
            invoice_id: row.invoice,
            number: row.number,
            account_id: row.account,
            subscriber: row.subscriber,
            due_on: row.due_on,
            days: row.days,
            open: Money::new(row.open, currency)?,
        })
    };
    rows.into_iter().map(shown).collect()
}

/// What the last twelve months' invoices asked for and what came of it.
pub async fn collections(tx: &mut TenantTx, currency: Option<Currency>) -> Result<Vec<Collections>, Error> {
    let (today, currency) = here(tx, currency).await?;
    let last = Month::of(today);
    let range = (last.back(MONTHS - 1).first(), last.first());
    let rows = store::money::collected(tx, currency.code(), range).await?;
    let shown = |row: store::money::CollectedRow| -> Result<Collections, Error> {
        Ok(Collections {
            month: Month::of(row.month),
            invoiced: Money::new(row.invoiced, currency)?,
            settled: Money::new(row.settled, currency)?,
            settled_percent: percent(row.settled, row.invoiced),
            received: Money::new(row.received, currency)?,
        })
    };
    rows.into_iter().map(shown).collect()
}

/// Traffic of the last thirty days, the most first.
pub async fn traffic(tx: &mut TenantTx, split: Split) -> Result<Vec<Traffic>, Error> {
    let (today, _) = here(tx, None).await?;
    let since = tx.at() - TimeDelta::days(TRAFFIC_DAYS);
    let split = match split {
        Split::Plan => "plan",
        Split::Site => "site",
        Split::Area => "area",
    };
    Ok(store::network::traffic(tx, split, since, today).await?)
}

/// Each router's busiest hour of the last seven days, the busiest router first.
pub async fn busy_hours(tx: &mut TenantTx) -> Result<Vec<BusyHour>, Error> {
    let (today, _) = here(tx, None).await?;
    let since = tx.at() - TimeDelta::days(BUSY_DAYS);
    let bps = |bytes: Decimal| i64::try_from(bytes * Decimal::from(8) / Decimal::from(3600)).unwrap_or(i64::MAX);
    let rows = store::network::busy_hours(tx, since, today).await?;
    let shown = |row: store::network::HourRow| BusyHour {
        router_id: row.router,
        router: row.name,
        at: row.at,
        down_bps: bps(row.down_bytes),
        up_bps: bps(row.up_bytes),
        sold_down_bps: i64::try_from(row.sold_down_bps).unwrap_or(i64::MAX),
    };
    Ok(rows.into_iter().map(shown).collect())
}

/// Lines that have used their allowance of the current period, by area.
pub async fn exhausted(tx: &mut TenantTx, area: Option<&str>) -> Result<Vec<Exhausted>, Error> {
    let (today, _) = here(tx, None).await?;
    let rows = store::network::exhausted(tx, today, area).await?;
    let shown = |row: store::network::ExhaustedRow| Exhausted {
        subscription_id: row.line,
        subscriber: row.subscriber,
        area: row.area,
        plan: row.plan,
        used_bytes: row.used_bytes,
        allowance_bytes: row.allowance_bytes,
    };
    Ok(rows.into_iter().map(shown).collect())
}

/// Subscribers in service who show signs of leaving, the likeliest first.
pub async fn at_risk(tx: &mut TenantTx) -> Result<Vec<AtRisk>, Error> {
    let (today, _) = here(tx, None).await?;
    let now = tx.at();
    let mut found: Vec<AtRisk> = Vec::new();
    for row in store::risk::signs(tx, now, today).await? {
        let seen = [
            (Reason::Overdue, row.overdue),
            (Reason::Held, row.held),
            (Reason::UsageFell, row.usage_fell),
            (Reason::Downgraded, row.downgraded),
        ];
        let reasons: Vec<_> = seen.into_iter().filter(|(_, seen)| *seen).map(|(reason, _)| reason).collect();
        let score = reasons.iter().map(|reason| reason.points()).sum::<i32>().min(SCORE_MAX);
        found.push(AtRisk { subscriber_id: row.subscriber, subscriber: row.name, score, reasons });
    }
    found.sort_by_key(|one| (-one.score, one.subscriber.clone()));
    Ok(found)
}
