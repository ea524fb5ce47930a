//! Issues a credit note: checked, numbered, written, posted, settled, told. All or nothing, while the account is locked.

use serde_json::{Value, json};
use weir_rules::credit_note::{CreditNoteError, Given, Note, Wish, credit};
use weir_rules::ledger::Entry;
use weir_rules::money::Money;
use weir_rules::posting::{self, Issued};

use super::left::rules_left;
use super::store::{self, NewNote};
use super::{CreditNote, CreditNotePreview, CreditNoteWish, credit_note};
use crate::audit;
use crate::billing::store::invoices;
use crate::billing::taxing::{self, Group};
use crate::billing::{Error, Invoice, InvoiceTax, LineKind, allocation, issue, runs};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::events::{self, EventKind};
use crate::idempotency::Once;
use crate::ids::{AccountId, AllocationId, CreditNoteId, InvoiceId, InvoiceLineId};
use crate::ledger::{self, Deferring, Source};
use crate::tenants;

/// What the series' numbers begin with.
pub(super) const PREFIX: &str = "CN";
const REASON_MAX: usize = 500;

/// Issues a credit note once for its key and returns the reply, the same however often it is asked. Whoever chooses lines
/// says what was left when they did.
pub async fn issue_credit_note_once(
    tx: &mut TenantTx,
    key: Option<&str>,
    id: InvoiceId,
    wish: &CreditNoteWish,
) -> Result<Value, Error> {
    let once = Once::new(key, "issue credit note", &(id, wish))?;
    if let Some(reply) = once.reply(tx).await? {
        return Ok(reply);
    }
    if wish.lines.is_some() && wish.left.is_none() {
        let message = "must be given with lines: the preview says what is left of the invoice";
        return Err(Error::Invalid(vec![FieldError::new("left", message)]));
    }
    let note = issue_credit_note(tx, id, wish).await?;
    Ok(once.keep(tx, &note).await?)
}

/// Issues a credit note about an issued invoice.
pub async fn issue_credit_note(tx: &mut TenantTx, id: InvoiceId, wish: &CreditNoteWish) -> Result<CreditNote, Error> {
    let reason = reason(wish)?;
    let account = super::super::invoice(tx, id).await?.summary.account_id;
    allocation::lock_account(tx, account).await?;
    // Only now: whoever held the account may have given something back, or taken money.
    let invoice = super::super::invoice(tx, id).await?;
    let note = decide(tx, &invoice, wish).await?;
    let issued_on = runs::today(tx).await?;
    let new = NewNote {
        id: tx.new_id(),
        invoice: &invoice,
        number: issue::number(tx, "credit_note", PREFIX, issued_on).await?,
        issued_on,
        reason,
        note: &note,
    };
    write(tx, &new).await?;
    post(tx, &new).await?;
    settle(tx, &new).await?;
    let data = json!({
        "number": new.number, "invoice": id, "invoice_number": invoice.summary.number, "gross": note.gross, "reason": reason,
    });
    audit::record(tx, "issue credit note", new.id, data.clone()).await?;
    events::publish(tx, EventKind::CreditNoteIssued, new.id, Some(account), data).await?;
    credit_note(tx, new.id).await
}

/// What a credit note would give back. Nothing is written; a reason is not asked for yet.
pub async fn preview_credit_note(
    tx: &mut TenantTx,
    id: InvoiceId,
    wish: &CreditNoteWish,
) -> Result<CreditNotePreview, Error> {
    let invoice = super::super::invoice(tx, id).await?;
    let left = rules_left(tx, &invoice).await?.gross()?;
    let note = decide(tx, &invoice, wish).await?;
    let taxes = note.taxes.iter().zip(groups(&invoice, &note)?).map(|(group, words)| InvoiceTax {
        category: group.rate.category().code().to_owned(),
        name: words.name,
        rate: group.rate.percent(),
        base: group.base,
        tax: group.tax,
        reason: words.reason,
        parts: words.parts,
    });
    Ok(CreditNotePreview {
        taxes: taxes.collect(),
        net: note.net,
        tax: note.tax,
        gross: note.gross,
        settles: settles(&invoice, note.gross)?,
        left,
    })
}

/// What stands beside each tax of a note: what the invoice calls it, why none was charged, what it is made of.
fn groups(invoice: &Invoice, note: &Note<InvoiceLineId>) -> Result<Vec<Group>, Error> {
    let line = |given: &Given<InvoiceLineId>| {
        let of_invoice = invoice.lines.iter().find(|line| line.id == given.id);
        (given.rate, given.net, of_invoice.and_then(|line| line.taxed_by.as_ref()))
    };
    let lines: Vec<_> = note.lines.iter().map(line).collect();
    let mut groups = taxing::groups(&lines, &note.taxes, "")?;
    for (words, group) in groups.iter_mut().zip(&note.taxes) {
        let (category, rate) = (group.rate.category().code(), group.rate.percent());
        let same = invoice.taxes.iter().find(|tax| tax.category == category && tax.rate == rate);
        if let Some(tax) = same.or(invoice.taxes.first()) {
            words.name.clone_from(&tax.name);
            words.reason.clone_from(&tax.reason);
        }
    }
    Ok(groups)
}

fn settles(invoice: &Invoice, gross: Money) -> Result<Money, Error> {
    let open = invoice.summary.open;
    Ok(open.checked_max(Money::zero(open.currency()))?.checked_min(gross)?)
}

fn reason(wish: &CreditNoteWish) -> Result<&str, Error> {
    let reason = wish.reason.trim();
    let refused = |message: String| Error::Invalid(vec![FieldError::new("reason", message)]);
    if reason.is_empty() {
        return Err(refused("must not be empty".into()));
    }
    if reason.chars().count() > REASON_MAX {
        return Err(refused(format!("must have at most {REASON_MAX} characters")));
    }
    Ok(reason)
}

async fn decide(tx: &mut TenantTx, invoice: &Invoice, wish: &CreditNoteWish) -> Result<Note<InvoiceLineId>, Error> {
    let left = rules_left(tx, invoice).await?;
    let gross = left.gross()?;
    if let Some(expected) = wish.left.filter(|expected| *expected != gross) {
        return Err(Error::InvoiceCreditedMeanwhile { expected, left: gross });
    }
    let lines: Option<Vec<_>> =
        wish.lines.as_ref().map(|lines| lines.iter().map(|line| (line.line_id, line.amount)).collect());
    let other = |money: &Money| money.currency() != left.currency;
    if let Some(index) = lines.iter().flatten().position(|(_, amount)| amount.as_ref().is_some_and(other)) {
        let message = format!("must be in {}", left.currency.code());
        return Err(Error::Invalid(vec![FieldError::new(format!("lines[{index}].amount"), message)]));
    }
    let asked = lines.as_deref().map_or(Wish::Rest, Wish::Lines);
    credit(&left, asked).map_err(|error| refused(error, &invoice.summary.number))
}

fn refused(error: CreditNoteError, number: &str) -> Error {
    let field = |index: usize, name: &str, message: String| {
        Error::Invalid(vec![FieldError::new(format!("lines[{index}].{name}"), message)])
    };
    match error {
        CreditNoteError::NothingLeft => Error::NothingLeftToCredit(number.to_owned()),
        CreditNoteError::AboveInvoice { net, gross } => Error::CreditAboveInvoice { net, gross },
        CreditNoteError::Empty => Error::Invalid(vec![FieldError::new("lines", "must name at least one line")]),
        CreditNoteError::UnknownLine(index) => field(index, "line_id", "is no line of this invoice".into()),
        CreditNoteError::Twice(index) => field(index, "line_id", "must not be named twice".into()),
        CreditNoteError::NotPositive(index) => field(index, "amount", "must be above zero".into()),
        CreditNoteError::AboveLine { wish, left } => {
            field(wish, "amount", format!("must be at most the {left} left of this line"))
        }
        CreditNoteError::Tax(error) => error.into(),
        CreditNoteError::Money(error) => error.into(),
    }
}

async fn write(tx: &mut TenantTx, new: &NewNote<'_>) -> Result<(), Error> {
    store::insert(tx, new).await?;
    store::insert_lines(tx, new).await?;
    for (group, words) in new.note.taxes.iter().zip(groups(new.invoice, new.note)?) {
        store::insert_tax(tx, new.id, &words, group).await?;
    }
    Ok(())
}

/// The invoice's postings the other way round: late fees have a revenue of their own.
async fn post(tx: &mut TenantTx, new: &NewNote<'_>) -> Result<(), Error> {
    let currency = new.note.gross.currency();
    let is_fee = |given: &&Given<InvoiceLineId>| {
        new.invoice.lines.iter().any(|line| line.id == given.id && line.kind == LineKind::LateFee)
    };
    let fees = new.note.lines.iter().filter(is_fee).map(|given| given.net);
    let fees = Money::sum(currency, fees)?;
    let account = new.invoice.summary.account_id;
    let (undone, deferring) = undo_deferred(tx, new).await?;
    let revenue = new.note.net.checked_sub(fees)?.checked_sub(undone)?;
    let issued = Issued { revenue: -revenue, deferred: -undone, tax: -new.note.tax };
    let mut entries: Vec<(&str, Entry<AccountId>)> =
        ["credit_note", "credit_note_rest"].into_iter().zip(posting::issue_invoice(&account, &issued)?).collect();
    if !fees.is_zero() {
        entries.push(("credit_note_fee", posting::late_fee(&account, -fees)?));
    }
    let text = format!("Credit note {}", new.number);
    for (posting, entry) in entries {
        let source = Source { kind: "credit_note", id: new.id.uuid(), posting };
        ledger::post(tx, &source, new.issued_on, &text, &entry).await?;
    }
    deferring.record(tx).await?;
    Ok(())
}

/// Takes what is given back from what is not earned yet of the invoice's lines; says how much that is.
async fn undo_deferred(tx: &mut TenantTx, new: &NewNote<'_>) -> Result<(Money, Deferring), Error> {
    let tenant = tenants::tenant(tx).await?;
    let lines: Vec<_> = new.note.lines.iter().map(|given| given.id).collect();
    let mut deferring = Deferring::begin(tx, &tenant, new.issued_on, &lines).await?;
    let mut undone = Money::zero(new.note.gross.currency());
    for given in &new.note.lines {
        undone = undone.checked_add(deferring.give_back(given.id, given.net, None)?)?;
    }
    Ok((undone, deferring))
}

/// Settles what is open of the invoice first; the rest settles whatever else is open, or waits.
async fn settle(tx: &mut TenantTx, new: &NewNote<'_>) -> Result<(), Error> {
    let part = settles(new.invoice, new.note.gross)?;
    if part.is_positive() {
        let id = tx.new_id::<AllocationId>().uuid();
        let credit = InvoiceId::from(new.id.uuid());
        invoices::insert_allocation(tx, id, new.invoice.summary.id, None, Some(credit), part.amount()).await?;
    }
    allocation::use_credit(tx, new.invoice.summary.account_id, part.currency(), new.issued_on).await
}

impl From<CreditNoteId> for InvoiceId {
    /// Credit notes are rows of the same table.
    fn from(note: CreditNoteId) -> Self {
        Self::from(note.uuid())
    }
}
