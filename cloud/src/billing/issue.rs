//! Issues an invoice: totals, tax, number, parties, books, and the credit the account still has. All or nothing.

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use serde_json::json;
use weir_rules::calendar::Period;
use weir_rules::invoice::{Parts, Totals, document_number, due_on, totals};
use weir_rules::ledger::Entry;
use weir_rules::money::{Currency, Money};
use weir_rules::posting::{self, Issued};
use weir_rules::reference::creditor_reference;
use weir_rules::tax::{TaxCategory, TaxRate, Taxable};

use super::account::Draft;
use super::error::RulesError;
use super::store::facts::AccountRow;
use super::store::{facts, invoices, runs};
use super::{Buyer, Error, LineKind, Parties, Seller, allocation};
use crate::audit;
use crate::db::TenantTx;
use crate::events::{self, EventKind};
use crate::ids::{AccountId, BillingRunId, InvoiceId};
use crate::ledger::{self, Source};
use crate::tenants::{self, Tenant};

/// An invoice about to be written.
pub(super) struct NewInvoice<'a> {
    pub id: InvoiceId,
    pub account: &'a AccountRow,
    pub run: Option<BillingRunId>,
    pub number: String,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    pub rate: TaxRate,
    pub tax_name: String,
    pub totals: Totals,
    pub parties: Parties,
}

/// Issues what a run found for an account.
pub(super) async fn issue(
    tx: &mut TenantTx,
    run: BillingRunId,
    account: &AccountRow,
    currency: Currency,
    lines: &[Draft],
) -> Result<InvoiceId, Error> {
    let invoice = write(tx, account, Some(run), currency, lines).await?;
    record_periods(tx, lines).await?;
    let issued = Issued { revenue: invoice.totals.net, deferred: Money::zero(currency), tax: invoice.totals.tax };
    post(tx, &invoice, posting::issue_invoice(&account.id, &issued)?).await?;
    allocation::use_credit(tx, account.id, currency, invoice.issued_on).await?;
    Ok(invoice.id)
}

/// Numbers and writes a document; its books are still to be posted.
pub(super) async fn write<'a>(
    tx: &mut TenantTx,
    account: &'a AccountRow,
    run: Option<BillingRunId>,
    currency: Currency,
    lines: &[Draft],
) -> Result<NewInvoice<'a>, Error> {
    let tenant = tenants::tenant(tx).await?;
    let rate = tax_rate(tenant.tax_rate_percent)?;
    let taxables: Vec<_> =
        lines.iter().map(|line| Taxable { net: line.net, rate: line.rate.unwrap_or(rate) }).collect();
    let totals = totals(currency, &Parts { lines: &taxables, ..Parts::default() })?;
    let issued_on = super::runs::today(tx).await?;
    let terms_days = u32::try_from(tenant.payment_terms_days).map_err(|_| RulesError::Range("payment terms"))?;
    let number = number(tx, "invoice", &tenant.invoice_prefix, issued_on).await?;
    let invoice = NewInvoice {
        id: tx.new_id(),
        account,
        run,
        number,
        issued_on,
        due_on: due_on(issued_on, terms_days)?,
        rate,
        tax_name: tenant.tax_name.clone(),
        parties: parties(tenant, account),
        totals,
    };
    invoices::insert(tx, &invoice).await?;
    invoices::insert_lines(tx, &invoice, lines).await?;
    invoices::insert_taxes(tx, &invoice).await?;
    let detail = json!({ "number": invoice.number, "gross": invoice.totals.gross });
    audit::record(tx, "issue invoice", invoice.id, detail).await?;
    let data = json!({ "number": invoice.number, "gross": invoice.totals.gross, "due_on": invoice.due_on });
    events::publish(tx, EventKind::InvoiceIssued, invoice.id, Some(account.id), data).await?;
    Ok(invoice)
}

/// The next number of a series, as written on the document.
pub(crate) async fn number(tx: &mut TenantTx, series: &str, prefix: &str, on: NaiveDate) -> Result<String, Error> {
    let year = i16::try_from(on.year()).map_err(|_| RulesError::Range("year"))?;
    let sequence = runs::next_number(tx, series, year).await?;
    let sequence = u64::try_from(sequence).map_err(|_| RulesError::Range("number"))?;
    Ok(document_number(&prefix.to_ascii_uppercase(), on.year(), sequence)?)
}

async fn record_periods(tx: &mut TenantTx, lines: &[Draft]) -> Result<(), Error> {
    for line in lines {
        let Some(subscription) = line.subscription else { continue };
        let (from, to) = (line.period.start(), line.period.end());
        if let Some(top_up) = line.top_up {
            facts::insert_billed_top_up(tx, top_up, line.id).await?;
            continue;
        }
        match (line.kind, line.credits) {
            (LineKind::Correction, _) => {}
            (_, Some(credited)) => {
                for row in facts::give_back_period(tx, credited, from, to).await? {
                    for rest in Period::new(row.from, row.to)?.without(line.period) {
                        facts::insert_period(tx, subscription, "recurring", rest.start(), rest.end(), row.line).await?;
                    }
                }
            }
            (LineKind::Usage, None) if line.traffic.as_ref().is_some_and(|traffic| traffic.late) => {}
            (LineKind::Usage, None) => facts::insert_period(tx, subscription, "usage", from, to, line.id).await?,
            (LineKind::LateFee, None) => {}
            (LineKind::Recurring | LineKind::Credit | LineKind::TopUp | LineKind::Boost, None) => {
                facts::insert_period(tx, subscription, "recurring", from, to, line.id).await?;
            }
        }
    }
    Ok(())
}

/// Posts a document to the books.
pub(super) async fn post(
    tx: &mut TenantTx,
    invoice: &NewInvoice<'_>,
    entries: impl IntoIterator<Item = Entry<AccountId>>,
) -> Result<(), Error> {
    let text = format!("Invoice {}", invoice.number);
    for (posting, entry) in ["issue", "issue_rest"].into_iter().zip(entries) {
        let source = Source { kind: "invoice", id: invoice.id.uuid(), posting };
        ledger::post(tx, &source, invoice.issued_on, &text, &entry).await?;
    }
    Ok(())
}

/// What the ISP's tax on a net amount is today.
pub fn tax_on(tenant: &Tenant, net: Money) -> Result<Money, Error> {
    Ok(tax_rate(tenant.tax_rate_percent)?.on_net(net)?)
}

fn tax_rate(percent: Decimal) -> Result<TaxRate, Error> {
    let category = if percent.is_zero() { TaxCategory::ZeroRated } else { TaxCategory::Standard };
    Ok(TaxRate::new(category, percent)?)
}

fn parties(tenant: Tenant, account: &AccountRow) -> Parties {
    let takes_transfers = !tenant.bank_iban.is_empty();
    let holder = if tenant.bank_holder.is_empty() { tenant.legal_name.clone() } else { tenant.bank_holder };
    let reference = creditor_reference(&account.number).filter(|_| takes_transfers);
    Parties {
        seller: Seller {
            name: tenant.name,
            legal_name: tenant.legal_name,
            address: tenant.address,
            country: tenant.country,
            tax_id: tenant.tax_id,
            contact: tenant.contact,
            pay_url: tenant.pay_url,
            hue: tenant.hue,
            bank_holder: if takes_transfers { holder } else { String::new() },
            bank_iban: tenant.bank_iban,
            bank_bic: tenant.bank_bic,
        },
        buyer: Buyer {
            name: account.subscriber.clone(),
            address: account.address.clone(),
            account_number: account.number.clone(),
            reference: reference.unwrap_or_default(),
        },
        language: account.language.clone(),
    }
}
