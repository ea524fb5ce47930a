//! Reading invoices and how accounts stand.

use uuid::Uuid;
use weir_rules::invoice::{CollectionStatus, collection_status};
use weir_rules::money::{Currency, Money};

use super::store::invoices::{self as store, InvoiceRow, LineRow};
use super::store::settled;
use super::{
    AccountStanding, Error, Invoice, InvoiceLine, InvoiceSummary, InvoiceTax, LineKind, Owed, Parties, Settlement, runs,
};
use crate::db::{self, TenantTx};
use crate::error::FieldError;
use crate::http::paging::Page;
use crate::ids::{AccountId, BillingRunId, InvoiceId};

/// Which invoices.
#[derive(Clone, Debug, Default)]
pub struct InvoiceFilter {
    /// Only this account's.
    pub account: Option<AccountId>,
    /// Only those of this run.
    pub run: Option<BillingRunId>,
    /// Only with this collection status, or `open`: whatever is not paid.
    pub status: Option<String>,
    /// Only those with this in their number.
    pub number: Option<String>,
}

/// The names of collection statuses, and of all that are not paid.
const STATUSES: [&str; 5] = ["due", "overdue", "part_paid", "paid", "open"];

/// A page of invoices, newest first.
pub async fn invoices(tx: &mut TenantTx, page: Page, filter: &InvoiceFilter) -> Result<Vec<InvoiceSummary>, Error> {
    if let Some(status) = filter.status.as_deref().filter(|status| !STATUSES.contains(status)) {
        let message = format!("must be one of {}, found {status:?}", STATUSES.join(", "));
        return Err(Error::Invalid(vec![FieldError::new("status", message)]));
    }
    let today = runs::today(tx).await?;
    let mut summaries = Vec::new();
    for row in store::page(tx, page, filter, today).await? {
        summaries.push(summary(row, today)?.0);
    }
    Ok(summaries)
}

/// Invoices by id or number, newest first.
pub async fn find_invoices(tx: &mut TenantTx, text: &str, limit: i64) -> Result<Vec<InvoiceSummary>, Error> {
    let today = runs::today(tx).await?;
    let rows = store::numbered(tx, text.parse().ok(), &text.to_lowercase(), limit).await?;
    rows.into_iter().map(|row| Ok(summary(row, today)?.0)).collect()
}

/// One invoice, as lists show it.
pub async fn invoice_summary(tx: &mut TenantTx, id: InvoiceId) -> Result<InvoiceSummary, Error> {
    let today = runs::today(tx).await?;
    Ok(summary(store::find(tx, id).await?.ok_or(Error::InvoiceNotFound(id))?, today)?.0)
}

/// One invoice with everything on it.
pub async fn invoice(tx: &mut TenantTx, id: InvoiceId) -> Result<Invoice, Error> {
    let today = runs::today(tx).await?;
    let row = store::find(tx, id).await?.ok_or(Error::InvoiceNotFound(id))?;
    let currency = Currency::from_code(&row.currency)?;
    let (summary, parties) = summary(row, today)?;
    let mut lines = Vec::new();
    for row in store::lines(tx, id).await? {
        lines.push(line(row, currency)?);
    }
    let mut taxes = Vec::new();
    for row in store::taxes(tx, id).await? {
        taxes.push(InvoiceTax {
            category: row.category,
            name: row.name,
            rate: row.rate.normalize(),
            base: Money::new(row.base, currency)?,
            tax: Money::new(row.tax, currency)?,
            reason: row.reason,
            parts: row.parts.0,
        });
    }
    Ok(Invoice { summary, parties, lines, taxes })
}

/// What an account owes and has.
pub async fn standing(tx: &mut TenantTx, id: AccountId) -> Result<AccountStanding, Error> {
    let today = runs::today(tx).await?;
    let code = super::store::facts::currency(tx, id).await?.ok_or(Error::AccountNotFound(id))?;
    let currency = Currency::from_code(&code)?;
    let (open, overdue) = store::standing(tx, id, &code, today).await?;
    let (open, overdue) = (Money::new(open, currency)?, Money::new(overdue, currency)?);
    let mut credit = Money::zero(currency);
    for source in store::credit(tx, &[(id, currency)]).await? {
        credit = credit.checked_add(Money::new(source.left, currency)?)?;
    }
    Ok(AccountStanding { account_id: id, balance: open.checked_sub(credit)?, open, overdue, credit })
}

/// What settled an invoice, or what a credit document or a payment settles, oldest first.
pub async fn settlements(tx: &mut TenantTx, document: Uuid) -> Result<Vec<Settlement>, Error> {
    let mut settlements = Vec::new();
    for row in settled::of(tx, document).await? {
        settlements.push(Settlement {
            id: row.id,
            invoice: (row.invoice_id, row.invoice_number),
            payment: row.payment_id.zip(row.payment_number),
            credit: row.credit_id.zip(row.credit_number),
            by_credit_note: row.by_credit_note,
            amount: Money::new(row.amount, Currency::from_code(&row.currency)?)?,
            at: row.allocated_at,
        });
    }
    Ok(settlements)
}

/// What all accounts together owe, by currency.
pub async fn owed(tx: &mut TenantTx) -> Result<Vec<Owed>, Error> {
    let today = runs::today(tx).await?;
    let mut owed = Vec::new();
    for row in settled::owed(tx, today).await? {
        let currency = Currency::from_code(&row.currency)?;
        owed.push(Owed {
            open: Money::new(row.open, currency)?,
            overdue: Money::new(row.overdue, currency)?,
            open_invoices: row.open_invoices,
            overdue_invoices: row.overdue_invoices,
        });
    }
    Ok(owed)
}

fn summary(row: InvoiceRow, today: chrono::NaiveDate) -> Result<(InvoiceSummary, Parties), Error> {
    let currency = Currency::from_code(&row.currency)?;
    let parties: Parties =
        serde_json::from_value(row.parties).map_err(|error| db::Error::from(sqlx::Error::Decode(error.into())))?;
    let (gross, settled) = (Money::new(row.gross, currency)?, Money::new(row.settled, currency)?);
    let summary = InvoiceSummary {
        id: row.id,
        number: row.number,
        account_id: row.account_id,
        subscriber: parties.buyer.name.clone(),
        run_id: row.run_id,
        issued_on: row.issued_on,
        due_on: row.due_on,
        net: Money::new(row.net, currency)?,
        tax: Money::new(row.tax, currency)?,
        gross,
        open: gross.checked_sub(settled)?,
        collection_status: if gross.is_negative() {
            CollectionStatus::Paid
        } else {
            collection_status(gross, settled, row.due_on, today)?
        },
    };
    Ok((summary, parties))
}

fn line(row: LineRow, currency: Currency) -> Result<InvoiceLine, Error> {
    Ok(InvoiceLine {
        id: row.id,
        position: row.position,
        kind: LineKind::from_name(&row.kind),
        subscription_id: row.subscription_id,
        plan_version_id: row.plan_version_id,
        account_id: row.account_id,
        description: row.description,
        from: row.from,
        to: row.to,
        full_from: row.full_from,
        full_to: row.full_to,
        quantity: row.quantity.normalize(),
        unit_price: Money::new(row.unit_price, currency)?,
        discount: Money::new(row.discount, currency)?,
        discounts: row.discounts.0,
        net: Money::new(row.net, currency)?,
        gross: row.gross.map(|gross| Money::new(gross, currency)).transpose()?,
        tax_category: row.tax_category,
        tax_rate: row.tax_rate.normalize(),
        down_bytes: row.down_bytes,
        up_bytes: row.up_bytes,
        free_bytes: row.free_bytes,
        included_bytes: row.included_bytes,
        late: row.late,
        segments: row.segments,
        priced_by: row.priced_by.map(|by| by.0),
        taxed_by: row.taxed_by.map(|by| by.0),
        tiers: row.tiers.map(|tiers| tiers.0),
        credits_line_id: row.credits_line_id,
    })
}
