//! What an account's next bill would be by what is known today, with what stands on it of the accounts it pays for.

use std::collections::HashMap;

use chrono::{Datelike, Days, NaiveDate};
use serde::Serialize;
use utoipa::ToSchema;
use weir_rules::calendar::local_date;
use weir_rules::money::Money;

use super::account::{self, Draft, Records};
use super::error::RulesError;
use super::issue::Issuing;
use super::payers::Payers;
use super::store::facts;
use super::{Error, LineKind, PaidFor};
use crate::db::TenantTx;
use crate::ids::AccountId;
use crate::ledger::Amount;

/// What an account's next bill would be.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NextBill {
    /// Whose.
    pub account_id: AccountId,
    /// Its next billing day.
    pub on: NaiveDate,
    /// What is on it, by the account it is for, its own first.
    pub parts: Vec<NextBillPart>,
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

/// What is on a bill for one account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NextBillPart {
    /// The account that is paid for; absent = the one that is billed.
    pub paid_for: Option<PaidFor>,
    /// Its lines.
    pub lines: Vec<NextBillLine>,
    /// All of them without tax.
    #[schema(value_type = Amount)]
    pub net: Money,
}

/// A line of such a bill.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NextBillLine {
    /// What for.
    pub kind: LineKind,
    /// As the invoice would say it.
    pub description: String,
    /// First day billed.
    pub from: NaiveDate,
    /// Day after the last billed.
    pub to: NaiveDate,
    /// Without tax.
    #[schema(value_type = Amount)]
    pub net: Money,
}

/// What a run on the account's next billing day would bill it; nothing, if another account pays for it. It is found by what a
/// run does, so it needs a transaction that writes; whoever asks does not commit.
pub async fn next_bill(tx: &mut TenantTx, id: AccountId) -> Result<NextBill, Error> {
    let row = facts::account(tx, id).await?.ok_or(Error::AccountNotFound(id))?;
    let currency = account::currency(&row)?;
    let on = next_billing_day(local_date(tx.at(), account::zone(&row)?), row.billing_day)?;
    let records = Records::of(tx, &[id]).await?;
    let drafted = account::draft(tx, on, &records, &mut HashMap::new()).await?;
    let payers = Payers::of(tx, &records, &drafted).await?;
    let (bills, mut cannot) = payers.bills(&records, drafted)?;
    if let Some((_, error)) = cannot.pop() {
        return Err(error);
    }
    let lines = bills.into_iter().find(|(account, _)| account.id == id).map(|(_, lines)| lines).unwrap_or_default();
    let totals = Issuing::now(tx).await?.document(&row, currency, &lines)?.totals;
    let mut parts = Vec::new();
    for lines in lines.chunk_by(|a, b| a.paid_for == b.paid_for) {
        parts.push(NextBillPart {
            paid_for: lines[0].paid_for.clone(),
            net: Money::sum(currency, lines.iter().map(|line| line.net))?,
            lines: lines.iter().map(shown).collect(),
        });
    }
    Ok(NextBill { account_id: id, on, parts, net: totals.net, tax: totals.tax, gross: totals.gross })
}

fn shown(line: &Draft) -> NextBillLine {
    NextBillLine {
        kind: line.kind,
        description: line.description.clone(),
        from: line.period.start(),
        to: line.period.end(),
        net: line.net,
    }
}

/// The first billing day after today: the last of a month that is shorter.
fn next_billing_day(today: NaiveDate, billing_day: i16) -> Result<NaiveDate, RulesError> {
    let is_one = |day: &NaiveDate| {
        let is_last = day.succ_opt().is_none_or(|next| next.month() != day.month());
        i64::from(day.day()) == i64::from(billing_day) || (is_last && i64::from(day.day()) < i64::from(billing_day))
    };
    let mut days = (1..=31).filter_map(|ahead| today.checked_add_days(Days::new(ahead)));
    days.find(is_one).ok_or(RulesError::Range("billing day"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_billing_day_is_after_today_and_in_every_month() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (today, billing_day, next) in [
            ("2026-01-31", 31, "2026-02-28"),
            ("2026-02-28", 31, "2026-03-31"),
            ("2026-10-01", 1, "2026-11-01"),
            ("2026-10-14", 15, "2026-10-15"),
            ("2028-01-30", 30, "2028-02-29"),
        ] {
            assert_eq!(next_billing_day(day(today), billing_day).unwrap(), day(next), "{today}");
        }
    }
}
