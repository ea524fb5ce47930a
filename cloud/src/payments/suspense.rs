//! Money nobody knows the owner of: in the books at once, waiting for somebody to say whose it is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_rules::money::{Currency, Money};
use weir_rules::posting::{self, MoneyPlace};
use weir_rules::reference;

use super::service::{self, Came, Receipt};
use super::store::suspense::{self as store, DebtorRow, SuspenseRow};
use super::{Error, Method, Payment};
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccountId, SuspenseId, SuspenseReturnId};
use crate::ledger::{self, Amount, Source};

/// Suggestions shown for a sum.
const SUGGESTIONS: usize = 5;

/// A sum that waits for its owner.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SuspenseItem {
    /// Which.
    pub id: SuspenseId,
    /// `bank` or `gateway`: where the money is.
    pub place: String,
    /// How much.
    #[schema(value_type = Amount)]
    pub amount: Money,
    /// The day it came.
    pub received_on: chrono::NaiveDate,
    /// Who sent it, as the bank or the provider says.
    pub payer: String,
    /// What the payer wrote, or the provider calls it.
    pub about: String,
    /// Why it is here: `no_reference`, `unknown_reference`, `currency_differs`, `amount_differs`, `unsolicited`,
    /// `refund_failed`, `dispute_won`.
    pub why: String,
    /// Accounts it may be for, the likeliest first.
    pub suggestions: Vec<Suggestion>,
}

/// An account a sum may be for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Suggestion {
    /// The account.
    pub account_id: AccountId,
    /// Its number.
    pub number: String,
    /// Who holds it.
    pub name: String,
    /// Why: `reference`, `amount`, `name`, `provider`.
    pub because: Vec<&'static str>,
}

/// Whose a sum is.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MatchWish {
    /// The account it is for.
    pub account_id: AccountId,
}

/// Puts a sum into suspense and the books, once for its source.
pub(super) async fn hold(tx: &mut TenantTx, row: &SuspenseRow) -> Result<bool, Error> {
    if !store::insert(tx, row).await? {
        return Ok(false);
    }
    let amount = Money::new(row.amount, Currency::from_code(&row.currency)?)?;
    let place = if row.place == "bank" { MoneyPlace::Bank } else { MoneyPlace::Gateway };
    let source = Source { kind: "suspense", id: row.id.uuid(), posting: "hold" };
    let entry = posting::receive_unknown(place, amount)?;
    ledger::post(tx, &source, row.received_on, "Received in suspense", &entry).await?;
    let detail = serde_json::json!({ "amount": amount, "why": row.why });
    crate::audit::record(tx, "hold in suspense", row.id, detail).await?;
    Ok(true)
}

/// Money of a payment that had gone and came back: it is the account's again, as a payment of its own. Once for what brought
/// it, whose name is `reference`.
pub(super) async fn came_back(
    tx: &mut TenantTx,
    paid: &Payment,
    amount: Money,
    (reference, why): (&str, &'static str),
) -> Result<(), Error> {
    let row = SuspenseRow {
        id: tx.new_id(),
        place: "gateway".into(),
        bank_entry_id: None,
        reference: Some(reference.to_owned()),
        intent: Some(paid.reference.clone()),
        account_id: Some(paid.account_id),
        currency: amount.currency().code().to_owned(),
        amount: amount.amount(),
        received_on: crate::billing::today(tx).await?,
        payer: String::new(),
        about: paid.number.clone(),
        why: why.to_owned(),
    };
    if hold(tx, &row).await? {
        match_suspense(tx, row.id, &MatchWish { account_id: paid.account_id }).await?;
    }
    Ok(())
}

/// The provider gave a sum back whose owner nobody had found, or a part of it.
pub(super) async fn went_back(tx: &mut TenantTx, id: SuspenseId, reference: &str, amount: Money) -> Result<(), Error> {
    store::lock(tx, id).await?;
    let row = store::find(tx, id).await?.ok_or(Error::SuspenseNotFound(id))?;
    let left = Money::new(row.amount, Currency::from_code(&row.currency)?)?;
    let amount = amount.checked_min(left)?;
    let today = crate::billing::today(tx).await?;
    let returned: SuspenseReturnId = tx.new_id();
    if !amount.is_positive()
        || super::store::of_source(tx, id.uuid()).await?.is_some()
        || !store::insert_return(tx, returned.uuid(), id, reference, amount.amount(), today).await?
    {
        return Ok(());
    }
    let source = Source { kind: "suspense", id: returned.uuid(), posting: "return" };
    let entry = posting::return_unknown(MoneyPlace::Gateway, amount)?;
    ledger::post(tx, &source, today, "Given back from suspense", &entry).await?;
    let detail = serde_json::json!({ "amount": amount, "reference": reference });
    crate::audit::record(tx, "give back from suspense", id, detail).await?;
    Ok(())
}

/// A page of what waits, newest first, with suggestions.
pub async fn suspense_items(tx: &mut TenantTx, page: Page) -> Result<Vec<SuspenseItem>, Error> {
    let mut items = Vec::new();
    let mut debtors: Vec<(String, Vec<DebtorRow>)> = Vec::new();
    for row in store::page(tx, page).await? {
        if !debtors.iter().any(|(currency, _)| *currency == row.currency) {
            debtors.push((row.currency.clone(), store::debtors(tx, &row.currency).await?));
        }
        let known = debtors.iter().find(|(currency, _)| *currency == row.currency).map(|(_, known)| known.as_slice());
        items.push(shown(row, known.unwrap_or_default())?);
    }
    Ok(items)
}

/// One sum that waits.
pub async fn suspense_item(tx: &mut TenantTx, id: SuspenseId) -> Result<SuspenseItem, Error> {
    let row = store::find(tx, id).await?.ok_or(Error::SuspenseNotFound(id))?;
    let known = store::debtors(tx, &row.currency).await?;
    shown(row, &known)
}

fn shown(row: SuspenseRow, debtors: &[DebtorRow]) -> Result<SuspenseItem, Error> {
    let amount = Money::new(row.amount, Currency::from_code(&row.currency)?)?;
    Ok(SuspenseItem {
        suggestions: suggestions(&row, debtors),
        id: row.id,
        place: row.place,
        amount,
        received_on: row.received_on,
        payer: row.payer,
        about: row.about,
        why: row.why,
    })
}

/// Accounts whose number, invoices, debts or holder the sum speaks of.
fn suggestions(row: &SuspenseRow, debtors: &[DebtorRow]) -> Vec<Suggestion> {
    let written = reference::body_of(&row.about);
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| word.chars().count() > 2);
        words.map(str::to_lowercase).collect()
    };
    let payer = words(&row.payer);
    let mut found: Vec<(usize, Suggestion)> = Vec::new();
    for debtor in debtors {
        let mut because = Vec::new();
        let speaks_of = |number: &String| written.contains(&reference::body_of(number));
        if speaks_of(&debtor.number) || debtor.invoices.iter().any(speaks_of) {
            because.push("reference");
        }
        if row.account_id == Some(debtor.account) {
            because.push("provider");
        }
        let all: rust_decimal::Decimal = debtor.opens.iter().sum();
        if debtor.opens.contains(&row.amount) || (!all.is_zero() && all == row.amount) {
            because.push("amount");
        }
        let name = words(&debtor.name);
        if !name.is_empty() && name.iter().all(|word| payer.contains(word)) {
            because.push("name");
        }
        // A reference or the provider's own word weighs more than all the rest.
        let weight = because.iter().map(|why| if matches!(*why, "reference" | "provider") { 4 } else { 1 }).sum();
        if weight > 0 {
            let (number, name) = (debtor.number.clone(), debtor.name.clone());
            found.push((weight, Suggestion { account_id: debtor.account, number, name, because }));
        }
    }
    found.sort_by_key(|(weight, one)| (std::cmp::Reverse(*weight), one.account_id));
    found.into_iter().take(SUGGESTIONS).map(|(_, one)| one).collect()
}

/// Says whose a sum is: it becomes that account's payment.
pub async fn match_suspense(tx: &mut TenantTx, id: SuspenseId, wish: &MatchWish) -> Result<Payment, Error> {
    crate::billing::lock_account(tx, wish.account_id).await?;
    store::lock(tx, id).await?;
    let row = store::find(tx, id).await?.ok_or(Error::SuspenseNotFound(id))?;
    if super::store::of_source(tx, id.uuid()).await?.is_some() || row.amount.is_zero() {
        return Err(Error::SuspenseSettled(id));
    }
    let receipt = Receipt {
        account: wish.account_id,
        method: if row.place == "bank" { Method::BankTransfer } else { Method::Card },
        amount: Money::new(row.amount, Currency::from_code(&row.currency)?)?,
        received_on: crate::billing::today(tx).await?,
        // A payment of the provider's is given back by its name there.
        reference: row.intent.unwrap_or_else(|| row.about.chars().take(200).collect()),
        came: Came::FromSuspense(id),
    };
    match service::receive(tx, receipt).await {
        // Somebody else was quicker, for another account.
        Err(Error::Db(error)) if crate::error::broken_constraint(&error.0) == Some("payments_of_a_suspense_once") => {
            Err(Error::SuspenseSettled(id))
        }
        received => received,
    }
}
