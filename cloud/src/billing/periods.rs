//! Which days are billed from now on: what credits give back, then what is charged.

use weir_rules::calendar::Period;

use super::account::Draft;
use super::store::facts::{self, PeriodRow};
use super::{Error, LineKind};
use crate::db::TenantTx;

/// Notes the days and top-ups that these lines bill. Days that a line charges anew are given back by another before.
pub(super) async fn record(tx: &mut TenantTx, lines: &[&Draft]) -> Result<(), Error> {
    let (mut top_ups, mut periods) = (Vec::new(), Vec::new());
    for line in lines {
        let Some(subscription) = line.subscription else { continue };
        if let Some(top_up) = line.top_up {
            top_ups.push((top_up, line.id));
            continue;
        }
        let component = match (line.kind, line.credits) {
            (LineKind::Correction, _) => continue,
            (_, Some(_)) => {
                give_back(tx, line).await?;
                continue;
            }
            (LineKind::Usage, None) if line.traffic.as_ref().is_some_and(|traffic| traffic.late) => continue,
            (LineKind::LateFee | LineKind::OneTime | LineKind::EarlyTermination, None) => continue,
            (LineKind::Usage, None) => "usage",
            (LineKind::Recurring | LineKind::Credit | LineKind::TopUp | LineKind::Boost, None) => "recurring",
        };
        let (from, to) = (line.period.start(), line.period.end());
        periods.push(PeriodRow { subscription, component, from, to, line: line.id });
    }
    if !periods.is_empty() {
        facts::insert_periods(tx, &periods).await?;
    }
    if !top_ups.is_empty() {
        facts::insert_billed_top_ups(tx, &top_ups).await?;
    }
    Ok(())
}

/// Takes the days of a credit out of what its charge billed.
async fn give_back(tx: &mut TenantTx, line: &Draft) -> Result<(), Error> {
    let (Some(subscription), Some(credited)) = (line.subscription, line.credits) else { return Ok(()) };
    let mut rest = Vec::new();
    for (from, to) in facts::give_back_period(tx, credited, line.period.start(), line.period.end()).await? {
        for days in Period::new(from, to)?.without(line.period) {
            let (from, to) = (days.start(), days.end());
            rest.push(PeriodRow { subscription, component: "recurring", from, to, line: credited });
        }
    }
    if !rest.is_empty() {
        facts::insert_periods(tx, &rest).await?;
    }
    Ok(())
}
