//! Bills come, and people pay them: at the counter, by transfer, by card, late, or no longer.

use super::World;
use super::office::{BILLING, text};
use crate::dice::Dice;
use crate::script::people::Payer;
use anyhow::{Context, Result};
use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use weir_rules::reference::creditor_reference;

/// Of a hundred transfers, how many say not whose they are.
const NAMELESS: u64 = 2;
/// Of a hundred bills of somebody who pays late, how many are late.
const LATE: u64 = 55;

/// What is known of bills.
#[derive(Default)]
pub(super) struct Money {
    /// The newest invoice that was heard of.
    heard: Option<String>,
    /// Who pays on a day.
    due: BTreeMap<NaiveDate, BTreeSet<usize>>,
    /// Transfers the bank has not told of yet.
    transfers: Vec<Transfer>,
    files: u32,
    /// Who has promised to pay already.
    promised: BTreeSet<usize>,
    /// Who has left a card.
    carded: BTreeSet<usize>,
}

struct Transfer {
    on: NaiveDate,
    amount: String,
    payer: String,
    text: String,
}

impl World {
    /// Looks at the invoices issued since the last look; whoever got one decides when to pay it.
    pub(super) async fn hear_bills(&mut self, on: NaiveDate) -> Result<()> {
        let (mut fresh, mut after) = (Vec::new(), String::new());
        'pages: loop {
            let page = self.office.get(&format!("/invoices?limit=200{after}")).await?;
            for invoice in page["items"].as_array().into_iter().flatten() {
                if self.money.heard.as_deref() == invoice["id"].as_str() {
                    break 'pages;
                }
                fresh.push(invoice.clone());
            }
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        if let Some(newest) = fresh.first() {
            self.money.heard = Some(text(&newest["id"])?);
        }
        for invoice in fresh {
            self.decide(&invoice, on)?;
        }
        Ok(())
    }

    fn decide(&mut self, invoice: &Value, on: NaiveDate) -> Result<()> {
        let account = text(&invoice["account_id"])?;
        let due_on: NaiveDate = text(&invoice["due_on"])?.parse()?;
        let number = *self.of_account.get(&account).context("an invoice of nobody")?;
        let mut dice = Dice::of(u64::from(on.num_days_from_ce().unsigned_abs()), "paying", number);
        let pays_on = match self.year.people[number].payer {
            Payer::Card if self.cards && !self.money.carded.contains(&number) => on,
            // Who learns that the card was declined pays what is open otherwise.
            Payer::Card => due_on + Days::new(8),
            Payer::OnDueDay => due_on,
            Payer::Transfer(days) | Payer::Cash(days) => on + Days::new(days),
            Payer::Late(days) if dice.percent(LATE) => due_on + Days::new(days),
            Payer::Late(_) => due_on - Days::new(3),
            Payer::Stops(day) if on < day => on + Days::new(6),
            Payer::Stops(_) => return Ok(()),
        };
        self.money.due.entry(pays_on.max(on)).or_default().insert(number);
        Ok(())
    }

    /// People pay; twice a week the bank's file is fetched and what it says is recorded.
    pub(super) async fn collect(&mut self, on: NaiveDate) -> Result<()> {
        let later = self.money.due.split_off(&(on + Days::new(1)));
        let now = std::mem::replace(&mut self.money.due, later);
        for number in now.into_values().flatten().collect::<BTreeSet<_>>() {
            self.pay(number, on).await?;
        }
        if matches!(on.weekday(), Weekday::Tue | Weekday::Fri) || on + Days::new(1) == self.year.to {
            self.match_nameless().await?;
            self.fetch_statement(on).await?;
        }
        if on.weekday() == Weekday::Wed {
            self.hear_promises(on).await?;
        }
        Ok(())
    }

    async fn pay(&mut self, number: usize, on: NaiveDate) -> Result<()> {
        let person = self.person(number);
        let Some(account) = self.account_of(number) else { return Ok(()) };
        if self.cards && person.payer == Payer::Card && self.money.carded.insert(number) {
            return self.leave_card(number, &account.id).await;
        }
        let standing = self.office.get(&format!("/accounts/{}/standing", account.id)).await?;
        let amount = text(&standing["open"]["amount"])?;
        if amount.parse::<rust_decimal::Decimal>()?.is_zero() {
            return Ok(());
        }
        if matches!(person.payer, Payer::Cash(_)) {
            let payment = json!({"account_id": account.id, "method": "cash", "amount": standing["open"],
                "received_on": on, "reference": "counter"});
            return self.office.post("/payments", payment).await.map(drop);
        }
        let mut dice = Dice::of(u64::from(on.num_days_from_ce().unsigned_abs()), "transfer", number);
        let reference = creditor_reference(&account.number).context("an account without a reference")?;
        let text = if dice.percent(NAMELESS) { "internet".to_owned() } else { format!("Internet {reference}") };
        self.money.transfers.push(Transfer { on, amount, payer: person.name, text });
        Ok(())
    }

    async fn fetch_statement(&mut self, on: NaiveDate) -> Result<()> {
        let transfers = std::mem::take(&mut self.money.transfers);
        if transfers.is_empty() {
            return Ok(());
        }
        self.money.files += 1;
        let mut content = String::from("Date,Amount,Name,Concept\n");
        for one in &transfers {
            content.push_str(&format!("{},{},{},{}\n", one.on, one.amount, one.payer, one.text));
        }
        let columns = json!({"booked_on": "Date", "amount": "Amount", "payer": "Name", "remittance": "Concept",
            "date_format": "%Y-%m-%d", "decimal_mark": ".", "separator": ","});
        let file = json!({"name": format!("movements-{on}.csv"), "content": content, "columns": columns});
        let file = self.office.staff(BILLING, "/bank-files", file).await?;
        let path = format!("/bank-files/{}/import", text(&file["id"])?);
        self.office.staff(BILLING, &path, json!({})).await.map(drop)
    }

    /// Somebody looks whose the nameless sums are.
    async fn match_nameless(&mut self) -> Result<()> {
        let waiting = self.office.list("/suspense-items").await?;
        for item in waiting {
            let Some(person) = self.year.people.iter().find(|person| item["payer"] == *person.name) else { continue };
            let Some(account) = self.account_of(person.number) else { continue };
            let path = format!("/suspense-items/{}/match", text(&item["id"])?);
            self.office.staff(BILLING, &path, json!({"account_id": account.id})).await?;
        }
        Ok(())
    }

    /// Some of those who are late ring up and say when they will pay.
    async fn hear_promises(&mut self, on: NaiveDate) -> Result<()> {
        for case in self.office.list("/dunning-cases?open=true").await? {
            let Some(&number) = self.of_account.get(case["account_id"].as_str().unwrap_or_default()) else { continue };
            let mut dice = Dice::of(self.year.seed, "promising", number);
            let late = matches!(self.year.people[number].payer, Payer::Late(_));
            if !late || !dice.percent(35) || !self.money.promised.insert(number) {
                continue;
            }
            let path = format!("/dunning-cases/{}", text(&case["id"])?);
            let case = self.office.get(&path).await?;
            let promised_on = on + Days::new(dice.between(3, 9));
            let wish =
                json!({"amount": case["balance"], "promised_on": promised_on, "note": "Rang up; salary comes then."});
            self.office.staff(BILLING, &format!("{path}/promises"), wish).await?;
            if dice.percent(75) {
                self.money.due.entry(promised_on).or_default().insert(number);
            }
        }
        Ok(())
    }

    fn account_of(&self, number: usize) -> Option<Account> {
        self.accounts.get(&number).cloned()
    }
}

/// An account as payments need it.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// Its id.
    pub id: String,
    /// Its number.
    pub number: String,
}
