//! Statements of the bank: read, checked against what came before, shown as they would be imported, and imported whole.
//!
//! [`give`] keeps a file, [`plan`] says what it would do, [`import`] does it. Every entry is a row once; a reference that
//! names an account makes a payment, the rest waits in suspense.

mod camt;
mod csv;
mod import;
mod plan;
mod statement;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_rules::money::Money;

use super::Error;
use super::store::bank as store;
use crate::audit;
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::http::paging::Page;
use crate::ids::{AccountId, BankEntryId, BankFileId, BankStatementId, PaymentId, SuspenseId};
use crate::ledger::Amount;

pub use import::import;
pub use plan::plan;

/// Largest file, in bytes.
const FILE_MAX: usize = 1_500_000;
const NAME_MAX: usize = 200;

/// Which columns of a CSV file mean what, by the names in its first line.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// The day it was booked.
    pub booked_on: String,
    /// The amount, below zero for what went out.
    pub amount: String,
    /// Who paid.
    pub payer: String,
    /// What they wrote.
    pub remittance: String,
    /// The bank's own name of the entry; empty if the file has none.
    #[serde(default)]
    pub reference: String,
    /// How days are written: `%Y-%m-%d`, `%d.%m.%Y`, `%d/%m/%Y` or `%m/%d/%Y`.
    pub date_format: String,
    /// `.` or `,`: what stands before the decimals.
    pub decimal_mark: String,
    /// `,` or `;` or a tab: what stands between columns.
    pub separator: String,
}

/// A file of the bank, to be looked at before it is imported.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBankFile {
    /// As it was called.
    pub name: String,
    /// Its text: camt.053 XML, or CSV with `columns`.
    pub content: String,
    /// What the columns of a CSV file mean; absent for camt.053.
    pub columns: Option<Columns>,
}

/// What a file holds and would do.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BankFile {
    /// Which.
    pub id: BankFileId,
    /// As it was called.
    pub name: String,
    /// Who gave it.
    pub given_by: String,
    /// When.
    pub given_at: DateTime<Utc>,
    /// When it was imported.
    pub imported_at: Option<DateTime<Utc>>,
    /// Why it cannot be imported; null if it can, or was.
    pub refused: Option<String>,
    /// Its statements, in order.
    pub statements: Vec<PlannedStatement>,
}

/// A statement as it would be imported.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PlannedStatement {
    /// The bank's name for it.
    pub reference: String,
    /// The bank account.
    pub iban: String,
    /// First day.
    pub from_on: NaiveDate,
    /// Last day.
    pub to_on: NaiveDate,
    /// What the bank account had before; null in a CSV file.
    #[schema(value_type = Option<Amount>)]
    pub opening: Option<Money>,
    /// What it had then.
    #[schema(value_type = Option<Amount>)]
    pub closing: Option<Money>,
    /// Its entries, in order.
    pub entries: Vec<PlannedEntry>,
}

/// What would become, or became, of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It pays the account its reference names.
    Pays,
    /// It waits in suspense until somebody says whose it is.
    Waits,
    /// It went out, and is none of our business.
    WentOut,
    /// It was imported before.
    Known,
}

/// An entry as it would be imported.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PlannedEntry {
    /// The day it was booked.
    pub booked_on: NaiveDate,
    /// Below zero for what went out.
    #[schema(value_type = Amount)]
    pub amount: Money,
    /// Who paid.
    pub payer: String,
    /// What they wrote.
    pub remittance: String,
    /// What would become of it.
    pub fate: Fate,
    /// The account it pays.
    pub account_id: Option<AccountId>,
    /// Why it waits.
    pub why: Option<String>,
}

/// A statement that was imported.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BankStatement {
    /// Which.
    pub id: BankStatementId,
    /// The file it came in.
    pub file_id: BankFileId,
    /// The bank's name for it.
    pub reference: String,
    /// The bank account.
    pub iban: String,
    /// ISO 4217.
    pub currency: String,
    /// First day.
    pub from_on: NaiveDate,
    /// Last day.
    pub to_on: NaiveDate,
    /// What the bank account had before; null in a CSV file.
    #[schema(value_type = Option<Amount>)]
    pub opening: Option<Money>,
    /// What it had then.
    #[schema(value_type = Option<Amount>)]
    pub closing: Option<Money>,
    /// When.
    pub imported_at: DateTime<Utc>,
    /// Its entries, only when one statement is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<BankEntry>,
}

/// An entry of an imported statement.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BankEntry {
    /// Which.
    pub id: BankEntryId,
    /// The day it was booked.
    pub booked_on: NaiveDate,
    /// Below zero for what went out.
    #[schema(value_type = Amount)]
    pub amount: Money,
    /// Who paid.
    pub payer: String,
    /// What they wrote.
    pub remittance: String,
    /// The payment it is.
    pub payment_id: Option<PaymentId>,
    /// Where it waits, or waited.
    pub suspense_id: Option<SuspenseId>,
}

/// Keeps a file to be looked at.
pub async fn give(tx: &mut TenantTx, new: NewBankFile) -> Result<BankFileId, Error> {
    let mut errors = Vec::new();
    if new.content.trim().is_empty() {
        errors.push(FieldError::new("content", "must not be empty"));
    }
    if new.content.len() > FILE_MAX {
        errors.push(FieldError::new("content", format!("must have at most {FILE_MAX} bytes")));
    }
    if new.name.chars().count() > NAME_MAX {
        errors.push(FieldError::new("name", format!("must have at most {NAME_MAX} characters")));
    }
    if let Some(columns) = &new.columns {
        columns.check(&mut errors);
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let row = store::FileRow {
        id: tx.new_id(),
        name: new.name,
        content: new.content.into_bytes(),
        columns: new.columns.and_then(|columns| serde_json::to_value(columns).ok()),
        given_by: tx.actor().to_string(),
        given_at: tx.at(),
        imported_at: None,
    };
    store::insert_file(tx, &row).await?;
    audit::record(tx, "give bank file", row.id, serde_json::json!({ "name": row.name })).await?;
    Ok(row.id)
}

/// A page of imported statements, newest first.
pub async fn statements(tx: &mut TenantTx, page: Page) -> Result<Vec<BankStatement>, Error> {
    store::statements(tx, None, page).await?.into_iter().map(statement_of).collect()
}

/// One imported statement with its entries.
pub async fn statement(tx: &mut TenantTx, id: BankStatementId) -> Result<BankStatement, Error> {
    let found = store::statements(tx, Some(id), Page { after: None, limit: 1 }).await?.pop();
    let mut statement = statement_of(found.ok_or(Error::StatementNotFound(id))?)?;
    for row in store::entries(tx, id).await? {
        let currency = weir_rules::money::Currency::from_code(&row.currency)?;
        let suspense = store::suspense_of(tx, row.id).await?;
        let source = suspense.map_or(row.id.uuid(), SuspenseId::uuid);
        statement.entries.push(BankEntry {
            id: row.id,
            booked_on: row.booked_on,
            amount: Money::new(row.amount, currency)?,
            payer: row.payer_name,
            remittance: row.remittance,
            payment_id: super::store::of_source(tx, source).await?,
            suspense_id: suspense,
        });
    }
    Ok(statement)
}

fn statement_of(row: store::StatementRow) -> Result<BankStatement, Error> {
    let currency = weir_rules::money::Currency::from_code(&row.currency)?;
    let money = |amount: Option<rust_decimal::Decimal>| amount.map(|amount| Money::new(amount, currency)).transpose();
    Ok(BankStatement {
        id: row.id,
        file_id: row.file_id,
        reference: row.reference,
        iban: row.iban,
        currency: row.currency,
        from_on: row.from_on,
        to_on: row.to_on,
        opening: money(row.opening)?,
        closing: money(row.closing)?,
        imported_at: row.imported_at,
        entries: Vec::new(),
    })
}
