//! SQL of contracts.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use weir_rules::money::{Currency, Money, MoneyError};

use super::{Contract, ContractStatus, LeavingFee};
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{ContractId, InvoiceId, SubscriptionId};

pub struct ContractRow {
    id: ContractId,
    subscription_id: SubscriptionId,
    from_on: NaiveDate,
    until_on: NaiveDate,
    months: i32,
    fee: String,
    amount: Option<Decimal>,
    percent: Option<Decimal>,
    most: Option<Decimal>,
    currency: String,
    cooling_off_days: i32,
    invoice_id: Option<InvoiceId>,
    agreed_at: DateTime<Utc>,
    agreed_by: String,
    waived_by: Option<String>,
    waive_reason: Option<String>,
    /// The account's local day.
    today: NaiveDate,
}

impl ContractRow {
    pub fn shown(self) -> Result<Contract, MoneyError> {
        let currency = Currency::from_code(&self.currency)?;
        let money = |amount| Money::new(amount, currency);
        let amount = self.amount.map(money).transpose()?.unwrap_or(Money::zero(currency));
        let fee = match self.fee.as_str() {
            "fixed" => LeavingFee::Fixed { amount },
            "declining" => LeavingFee::Declining { amount },
            "remaining" => LeavingFee::Remaining { percent: self.percent.unwrap_or_default().normalize() },
            _ => LeavingFee::None {},
        };
        let status = match (self.invoice_id, &self.waived_by) {
            (Some(_), _) => ContractStatus::Charged,
            (None, Some(_)) => ContractStatus::Waived,
            _ if self.until_on <= self.today => ContractStatus::Over,
            _ if self.from_on > self.today => ContractStatus::Coming,
            _ => ContractStatus::Binding,
        };
        Ok(Contract {
            id: self.id,
            subscription_id: self.subscription_id,
            from_on: self.from_on,
            until_on: self.until_on,
            months: self.months,
            fee,
            most: self.most.map(money).transpose()?,
            cooling_off_days: self.cooling_off_days,
            status,
            invoice_id: self.invoice_id,
            agreed_at: self.agreed_at,
            agreed_by: self.agreed_by,
            waived_by: self.waived_by,
            waive_reason: self.waive_reason,
        })
    }
}

/// A page of contracts, newest first; of one subscription, or one, if given.
pub async fn contracts(
    tx: &mut TenantTx,
    id: Option<ContractId>,
    of: Option<SubscriptionId>,
    page: Page,
) -> Result<Vec<ContractRow>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_as!(
        ContractRow,
        r#"SELECT c.id AS "id: _", c.subscription_id AS "subscription_id: _", lower(c.term) AS "from_on!", upper(c.term) AS "until_on!", c.months,
                  c.fee, c.amount, c.percent, c.most, c.currency, c.cooling_off_days, l.invoice_id AS "invoice_id?: _", c.agreed_at, c.agreed_by,
                  c.waived_by, c.waive_reason, ($1::timestamptz AT TIME ZONE a.time_zone)::date AS "today!"
           FROM contracts c
           JOIN subscriptions s ON s.tenant_id = c.tenant_id AND s.id = c.subscription_id
           JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
           LEFT JOIN billed_contracts b ON b.tenant_id = c.tenant_id AND b.contract_id = c.id
           LEFT JOIN invoice_lines l ON l.tenant_id = b.tenant_id AND l.id = b.invoice_line_id
           WHERE ($2::uuid IS NULL OR c.id = $2) AND ($3::uuid IS NULL OR c.subscription_id = $3) AND ($4::uuid IS NULL OR c.id < $4)
           ORDER BY c.id DESC LIMIT $5"#,
        now,
        id.map(ContractId::uuid),
        of.map(SubscriptionId::uuid),
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

/// A contract that binds on some of these days.
pub async fn binding(
    tx: &mut TenantTx,
    of: SubscriptionId,
    (from, until): (NaiveDate, NaiveDate),
) -> Result<Option<ContractId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: ContractId" FROM contracts
           WHERE subscription_id = $1 AND waived_at IS NULL AND term && daterange($2, $3) LIMIT 1"#,
        of.uuid(),
        from,
        until
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn insert(tx: &mut TenantTx, new: &Contract, currency: &str) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO contracts (tenant_id, id, subscription_id, term, months, fee, amount, percent, most, currency, cooling_off_days, agreed_at,
                                agreed_by)
         VALUES ($1, $2, $3, daterange($4, $5), $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        tenant,
        new.id.uuid(),
        new.subscription_id.uuid(),
        new.from_on,
        new.until_on,
        new.months,
        new.fee.name(),
        new.fee.amount().map(Money::amount),
        new.fee.percent(),
        new.most.map(Money::amount),
        currency,
        new.cooling_off_days,
        new.agreed_at,
        new.agreed_by
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn waive(tx: &mut TenantTx, id: ContractId, reason: &str) -> Result<(), sqlx::Error> {
    let (at, by) = (tx.at(), tx.actor().to_string());
    sqlx::query!(
        "UPDATE contracts SET waived_at = $2, waived_by = $3, waive_reason = $4 WHERE id = $1",
        id.uuid(),
        at,
        by,
        reason
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
