//! Makes a statement of what the books say.

use chrono::NaiveDate;
use weir_rules::money::{Currency, Money};
use weir_rules::statement::{Age, aged, balances, quarter, sums};

use super::store::{self, ItemRow, MovementRow};
use super::{AgedSum, Error, Movement, MovementKind, StatementItem, StatementOfAccount, StatementSpan};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::ids::{AccountId, CreditNoteId, InvoiceId, PaymentId, RefundId};
use crate::{billing, subscribers, tenants};

/// Days a statement may be of: a year.
const DAYS_MAX: i64 = 366;
/// Lines a statement may have, so that it stays one that can be read and drawn.
const MOVEMENTS_MAX: usize = 2_000;

/// The statement of an account over some days of the books.
pub async fn statement(tx: &mut TenantTx, id: AccountId, span: StatementSpan) -> Result<StatementOfAccount, Error> {
    let account = subscribers::account(tx, id).await?;
    let subscriber = subscribers::subscriber(tx, account.subscriber_id).await?;
    let (from, to) = days(span, billing::today(tx).await?)?;
    let (code, zone) = (account.currency.as_str(), tenants::tenant(tx).await?.time_zone);
    let currency = Currency::from_code(code)?;

    let opening = Money::new(store::opening(tx, id, code, from).await?, currency)?;
    let limit = i64::try_from(MOVEMENTS_MAX).unwrap_or(i64::MAX).saturating_add(1);
    let rows = store::movements(tx, id, code, (from, to), limit).await?;
    if rows.len() > MOVEMENTS_MAX {
        let message = format!("these days have more than {MOVEMENTS_MAX} movements: choose fewer days");
        return Err(Error::Invalid(vec![FieldError::new("to", message)]));
    }
    let moved = rows.iter().map(|row| Money::new(row.amount, currency)).collect::<Result<Vec<_>, _>>()?;
    let (debits, credits) = sums(currency, &moved)?;
    let after = balances(opening, &moved)?;
    let closing = after.last().copied().unwrap_or(opening);
    let mut movements = Vec::with_capacity(rows.len());
    for ((row, amount), balance) in rows.into_iter().zip(moved).zip(after) {
        movements.push(movement(row, amount, balance)?);
    }

    let items = store::open_items(tx, id, code, to, &zone).await?;
    let open_items = items.into_iter().map(|row| item(row, currency, to)).collect::<Result<Vec<_>, _>>()?;
    let dated: Vec<_> = open_items.iter().map(|item| (item.due_on, item.open)).collect();
    let ages = aged(currency, to, &dated)?;
    let open = Money::sum(currency, open_items.iter().map(|item| item.open))?;
    Ok(StatementOfAccount {
        account_id: id,
        account_number: account.number,
        subscriber: subscriber.name,
        language: subscriber.language,
        from,
        to,
        opening,
        movements,
        debits,
        credits,
        closing,
        ages: ages.into_iter().map(|(age, open)| AgedSum { age: age.into(), open }).collect(),
        unused: open.checked_sub(closing)?,
        open_items,
    })
}

/// The first and the last day.
fn days(span: StatementSpan, today: NaiveDate) -> Result<(NaiveDate, NaiveDate), Error> {
    let to = span.to.unwrap_or(today);
    let from = span.from.unwrap_or_else(|| quarter(to));
    let refused = |field: &str, message: String| Err(Error::Invalid(vec![FieldError::new(field, message)]));
    if to > today {
        return refused("to", format!("must not be after today, {today}"));
    }
    if to < from {
        return refused("to", format!("must not be before from, {from}"));
    }
    if (to - from).num_days() >= DAYS_MAX {
        return refused(
            "to",
            format!("must be at most {DAYS_MAX} days from the first on, found {} days", (to - from).num_days() + 1),
        );
    }
    Ok((from, to))
}

fn movement(row: MovementRow, amount: Money, balance: Money) -> Result<Movement, Error> {
    let kind = match (row.source_kind.as_str(), row.posting_kind.as_str()) {
        ("invoice", _) if row.is_fee => MovementKind::LateFee,
        ("invoice", _) => MovementKind::Invoice,
        ("credit_note", _) => MovementKind::CreditNote,
        ("payment", _) => MovementKind::Payment,
        ("refund", "dispute") => MovementKind::Dispute,
        ("refund", _) => MovementKind::Refund,
        ("allocation", _) => MovementKind::CreditUsed,
        _ => MovementKind::Other,
    };
    let id = row.source_id;
    let document_id = match (kind, row.settles) {
        (MovementKind::Invoice | MovementKind::LateFee, _) => InvoiceId::from(id).to_string(),
        (MovementKind::CreditNote, _) => CreditNoteId::from(id).to_string(),
        (MovementKind::Payment, _) => PaymentId::from(id).to_string(),
        (MovementKind::Refund | MovementKind::Dispute, _) => RefundId::from(id).to_string(),
        (MovementKind::CreditUsed, Some(invoice)) => invoice.to_string(),
        _ => id.to_string(),
    };
    let used = Money::new(row.used, amount.currency())?;
    Ok(Movement {
        on: row.on,
        kind,
        number: row.number,
        document_id,
        payment_id: row.payment,
        description: row.description,
        debit: amount.is_positive().then_some(amount),
        credit: amount.is_negative().then_some(-amount),
        used: (kind == MovementKind::CreditUsed).then_some(used),
        balance,
    })
}

fn item(row: ItemRow, currency: Currency, on: NaiveDate) -> Result<StatementItem, Error> {
    Ok(StatementItem {
        invoice_id: row.id,
        number: row.number,
        issued_on: row.issued_on,
        due_on: row.due_on,
        gross: Money::new(row.gross, currency)?,
        open: Money::new(row.open, currency)?,
        age: Age::of(row.due_on, on).into(),
    })
}
