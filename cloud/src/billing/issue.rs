//! Issues invoices, one or many alike: totals, tax, numbers, parties, books, and the credit accounts still have. All or nothing.

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use serde_json::json;
use weir_rules::invoice::{Totals, document_number, due_on};
use weir_rules::ledger::Entry;
use weir_rules::money::Currency;
use weir_rules::posting::{self, Issued};
use weir_rules::reference::creditor_reference;
use weir_rules::tax::{TaxCategory, TaxRate, Taxable};
use weir_rules::tax_inside::totals;

use super::account::{Draft, Traffic};
use super::error::RulesError;
use super::store::facts::{AccountRow, Taking};
use super::store::{facts, invoices, runs};
use super::taxing::{self, Group};
use super::{Buyer, Error, Parties, Seller, allocation, charges, deferral, payers, periods};
use crate::audit;
use crate::db::TenantTx;
use crate::events::{self, EventKind, News};
use crate::ids::{AccountId, BillingRunId, InvoiceId};
use crate::ledger::{self, Deferring, Source};
use crate::tenants::{self, TaxRounding, Tenant};

/// An invoice about to be written.
pub(super) struct NewInvoice<'a> {
    pub id: InvoiceId,
    pub account: &'a AccountRow,
    pub run: Option<BillingRunId>,
    pub number: String,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    pub rate: TaxRate,
    /// What stands beside each of the taxes.
    pub groups: Vec<Group>,
    pub totals: Totals,
    pub parties: Parties,
}

/// A document whose figures are known; its number comes last, because whoever takes one keeps all others waiting.
pub(super) struct Document<'a, 'l> {
    pub account: &'a AccountRow,
    pub lines: &'l [Draft],
    pub totals: Totals,
}

/// What everything that is issued now has in common.
pub(super) struct Issuing {
    tenant: Tenant,
    rate: TaxRate,
    on: NaiveDate,
    due_on: NaiveDate,
}

impl Issuing {
    /// By the ISP's settings and its local day.
    pub(super) async fn now(tx: &mut TenantTx) -> Result<Self, Error> {
        let tenant = tenants::tenant(tx).await?;
        let on = super::runs::today(tx).await?;
        let terms_days = u32::try_from(tenant.payment_terms_days).map_err(|_| RulesError::Range("payment terms"))?;
        Ok(Self { rate: tax_rate(tenant.tax_rate_percent)?, on, due_on: due_on(on, terms_days)?, tenant })
    }

    /// Where the ISP rounds tax.
    pub(super) fn rounding(&self) -> TaxRounding {
        self.tenant.tax_rounding
    }

    /// The figures of a document.
    pub(super) fn document<'a, 'l>(
        &self,
        account: &'a AccountRow,
        currency: Currency,
        lines: &'l [Draft],
    ) -> Result<Document<'a, 'l>, Error> {
        let taxable = |line: &Draft| Taxable { net: line.net, rate: self.rate_of(line) };
        let taxed: Vec<_> = lines.iter().map(|line| (taxable(line), line.gross)).collect();
        let totals = totals(currency, &taxed, taxing::scope_of(self.rounding()))?;
        Ok(Document { account, lines, totals })
    }

    /// The local day of issue.
    pub(super) fn on(&self) -> NaiveDate {
        self.on
    }

    /// The rate of a line: its own, or the ISP's.
    pub(super) fn rate_of(&self, line: &Draft) -> TaxRate {
        line.rate.unwrap_or(self.rate)
    }

    /// Seller and buyer of a document.
    pub(super) fn parties(&self, document: &Document<'_, '_>) -> Parties {
        parties(&self.tenant, document)
    }

    /// What stands beside each of its taxes.
    pub(super) fn groups(&self, document: &Document<'_, '_>) -> Result<Vec<Group>, Error> {
        let lines = document.lines.iter();
        let lines: Vec<_> = lines.map(|line| (self.rate_of(line), line.net, line.taxed_by.as_ref())).collect();
        taxing::groups(&lines, &document.totals.taxes, &self.tenant.tax_name)
    }
}

/// Issues what a run found for accounts; answers with those whose figures cannot be, and why. The others are issued, or
/// nothing is.
pub(super) async fn issue(
    tx: &mut TenantTx,
    run: BillingRunId,
    drafts: &[(&AccountRow, Vec<Draft>)],
) -> Result<Vec<(AccountId, Error)>, Error> {
    let issuing = Issuing::now(tx).await?;
    let (mut documents, mut entries, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    let given_back = deferral::given_back(drafts.iter().flat_map(|(_, lines)| lines));
    let mut deferring = Deferring::begin(tx, &issuing.tenant, issuing.on, &given_back).await?;
    for (account, lines) in drafts {
        let mark = deferring.mark();
        match figures(&issuing, &mut deferring, account, lines) {
            Ok((document, posted)) => {
                documents.push(document);
                entries.push(posted);
            }
            Err(error) => {
                deferring.forget(mark);
                failed.push((account.id, error));
            }
        }
    }
    if documents.is_empty() {
        return Ok(failed);
    }
    let invoices = write_all(tx, &issuing, Some(run), &documents).await?;
    let lines: Vec<_> = documents.iter().flat_map(|document| document.lines).collect();
    take(tx, &lines).await?;
    periods::record(tx, &lines).await?;
    charges::record(tx, &lines).await?;
    post_all(tx, invoices.iter().zip(entries)).await?;
    deferring.record(tx).await?;
    let mut credited = Vec::with_capacity(documents.len());
    for document in &documents {
        credited.push((document.account.id, document.totals.gross.currency()));
    }
    allocation::use_credits(tx, &credited, issuing.on).await?;
    Ok(failed)
}

fn figures<'a>(
    issuing: &Issuing,
    deferring: &mut Deferring,
    account: &'a AccountRow,
    lines: &'a [Draft],
) -> Result<(Document<'a, 'a>, Vec<Entry<AccountId>>), Error> {
    let currency = super::account::currency(account)?;
    let document = issuing.document(account, currency, lines)?;
    let (net, tax) = (document.totals.net, document.totals.tax);
    let deferred = deferral::of(deferring, net, lines)?;
    let issued = Issued { revenue: net.checked_sub(deferred)?, deferred, tax };
    let entries = posting::issue_invoice(&account.id, &issued)?;
    Ok((document, entries))
}

/// Takes the segments behind usage lines, exactly those that were counted.
async fn take(tx: &mut TenantTx, lines: &[&Draft]) -> Result<(), Error> {
    let mut takings = Vec::new();
    for line in lines {
        if let (Some(traffic), Some(subscription)) = (&line.traffic, line.subscription)
            && traffic.segments > 0
        {
            let Traffic { after, until, segments, .. } = *traffic;
            takings.push(Taking { line: line.id, subscription, after, until, segments });
        }
    }
    if takings.is_empty() || facts::take_segments(tx, &takings).await? { Ok(()) } else { Err(Error::UsageMoved) }
}

/// Numbers and writes one document; its books are still to be posted.
pub(super) async fn write<'a>(
    tx: &mut TenantTx,
    account: &'a AccountRow,
    run: Option<BillingRunId>,
    currency: Currency,
    lines: &[Draft],
) -> Result<NewInvoice<'a>, Error> {
    let issuing = Issuing::now(tx).await?;
    let totals = issuing.document(account, currency, lines)?.totals;
    let mut written = write_all(tx, &issuing, run, &[Document { account, lines, totals }]).await?;
    Ok(written.remove(0))
}

/// Numbers and writes documents; their books are still to be posted.
async fn write_all<'a>(
    tx: &mut TenantTx,
    issuing: &Issuing,
    run: Option<BillingRunId>,
    documents: &[Document<'a, '_>],
) -> Result<Vec<NewInvoice<'a>>, Error> {
    let numbers = numbers(tx, "invoice", &issuing.tenant.invoice_prefix, issuing.on, documents.len()).await?;
    let mut written = Vec::with_capacity(documents.len());
    for (document, number) in documents.iter().zip(numbers) {
        written.push(NewInvoice {
            id: tx.new_id(),
            account: document.account,
            run,
            number,
            issued_on: issuing.on,
            due_on: issuing.due_on,
            rate: issuing.rate,
            groups: issuing.groups(document)?,
            parties: issuing.parties(document),
            totals: document.totals.clone(),
        });
    }
    invoices::insert(tx, &written).await?;
    let lines = written.iter().zip(documents);
    let lines: Vec<_> = lines.map(|(invoice, document)| (invoice, document.lines)).collect();
    invoices::insert_lines(tx, &lines).await?;
    invoices::insert_taxes(tx, &written).await?;
    tell(tx, &written).await?;
    Ok(written)
}

/// Says that documents were issued: in the audit log, and to whoever listens.
async fn tell(tx: &mut TenantTx, written: &[NewInvoice<'_>]) -> Result<(), Error> {
    let (mut changes, mut news) = (Vec::with_capacity(written.len()), Vec::with_capacity(written.len()));
    for invoice in written {
        let (number, gross) = (&invoice.number, invoice.totals.gross);
        changes.push((invoice.id.to_string(), json!({ "number": number, "gross": gross })));
        news.push(News {
            subject: invoice.id.to_string(),
            account: Some(invoice.account.id),
            data: json!({ "number": number, "gross": gross, "due_on": invoice.due_on }),
        });
    }
    audit::record_all(tx, "issue invoice", changes).await?;
    events::publish_all(tx, EventKind::InvoiceIssued, news).await?;
    Ok(())
}

/// The next number of a series, as written on the document.
pub(crate) async fn number(tx: &mut TenantTx, series: &str, prefix: &str, on: NaiveDate) -> Result<String, Error> {
    Ok(numbers(tx, series, prefix, on, 1).await?.remove(0))
}

/// The next `count` numbers of a series.
async fn numbers(
    tx: &mut TenantTx,
    series: &str,
    prefix: &str,
    on: NaiveDate,
    count: usize,
) -> Result<Vec<String>, Error> {
    let year = i16::try_from(on.year()).map_err(|_| RulesError::Range("year"))?;
    let count = u32::try_from(count).map_err(|_| RulesError::Range("number"))?;
    let first = runs::next_numbers(tx, series, year, count.into()).await?;
    let first = u64::try_from(first).map_err(|_| RulesError::Range("number"))?;
    let (prefix, mut numbers) = (prefix.to_ascii_uppercase(), Vec::new());
    for sequence in (first..).take(count as usize) {
        numbers.push(document_number(&prefix, on.year(), sequence)?);
    }
    Ok(numbers)
}

/// Posts a document to the books.
pub(super) async fn post(
    tx: &mut TenantTx,
    invoice: &NewInvoice<'_>,
    entries: impl IntoIterator<Item = Entry<AccountId>>,
) -> Result<(), Error> {
    post_all(tx, [(invoice, entries.into_iter().collect())]).await
}

async fn post_all<'a>(
    tx: &mut TenantTx,
    documents: impl IntoIterator<Item = (&'a NewInvoice<'a>, Vec<Entry<AccountId>>)>,
) -> Result<(), Error> {
    let mut postings = Vec::new();
    for (invoice, entries) in documents {
        for (posting, entry) in ["issue", "issue_rest"].into_iter().zip(entries) {
            postings.push(ledger::Fact {
                source: Source { kind: "invoice", id: invoice.id.uuid(), posting },
                on: invoice.issued_on,
                description: format!("Invoice {}", invoice.number),
                entry,
            });
        }
    }
    ledger::post_new(tx, &postings).await?;
    Ok(())
}

fn tax_rate(percent: Decimal) -> Result<TaxRate, Error> {
    let category = if percent.is_zero() { TaxCategory::ZeroRated } else { TaxCategory::Standard };
    Ok(TaxRate::new(category, percent)?)
}

fn parties(tenant: &Tenant, document: &Document<'_, '_>) -> Parties {
    let account = document.account;
    let takes_transfers = !tenant.bank_iban.is_empty();
    let holder = if tenant.bank_holder.is_empty() { &tenant.legal_name } else { &tenant.bank_holder };
    let reference = creditor_reference(&account.number).filter(|_| takes_transfers);
    Parties {
        seller: Seller {
            name: tenant.name.clone(),
            legal_name: tenant.legal_name.clone(),
            address: tenant.address.clone(),
            country: tenant.country.clone(),
            tax_id: tenant.tax_id.clone(),
            contact: tenant.contact.clone(),
            pay_url: tenant.pay_url.clone(),
            hue: tenant.hue,
            bank_holder: if takes_transfers { holder.clone() } else { String::new() },
            bank_iban: tenant.bank_iban.clone(),
            bank_bic: tenant.bank_bic.clone(),
        },
        buyer: Buyer {
            name: account.subscriber.clone(),
            address: account.address.clone(),
            account_number: account.number.clone(),
            reference: reference.unwrap_or_default(),
            tax_id: taxing::buyer_tax_id(document.lines),
        },
        language: account.language.clone(),
        accounts: payers::paid_for(document.lines),
    }
}
