//! What stands on a document, in the terms of EN 16931 (in brackets), whether an invoice or a credit note.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use weir_rules::money::Money;
use weir_rules::tax::{TaxCategory, TaxRate, inclusive};

use super::party::Party;
use crate::billing::{CreditNote, Error, Invoice, InvoiceLine, InvoiceTax, Parties};

/// A document as programs read it.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its number (BT-1).
    pub number: String,
    /// The day of issue (BT-2).
    pub issued_on: NaiveDate,
    /// The last day to pay (BT-9); an invoice's alone.
    pub due_on: Option<NaiveDate>,
    /// What a credit note corrects: number and day of issue of the invoice (BG-3).
    pub corrects: Option<(String, NaiveDate)>,
    /// Why, on a credit note (BT-22).
    pub note: String,
    /// The account (BT-10).
    pub account: String,
    /// The ISP (BG-4).
    pub seller: Party,
    /// The subscriber (BG-7).
    pub buyer: Party,
    /// Where to transfer to: holder, IBAN, BIC, which may be empty, and reference (BG-17).
    pub transfer: Option<[String; 4]>,
    /// Its lines (BG-25).
    pub lines: Vec<Line>,
    /// Tax by category and rate (BG-23).
    pub taxes: Vec<InvoiceTax>,
    /// Without tax (BT-106, BT-109).
    pub net: Money,
    /// All tax (BT-110).
    pub tax: Money,
    /// With tax (BT-112, BT-115).
    pub gross: Money,
}

/// A line (BG-25). Its quantity times its price, less its allowances, is its net.
#[derive(Clone, Debug)]
pub struct Line {
    /// From 1 (BT-126).
    pub position: i32,
    /// What for (BT-153).
    pub name: String,
    /// The first and the last day (BG-26).
    pub days: (NaiveDate, NaiveDate),
    /// How many (BT-129); below zero where something is given back.
    pub quantity: Decimal,
    /// For one (BT-146), never below zero.
    pub price: Money,
    /// What is taken off, above zero, and why (BT-136, BT-139).
    pub allowances: Vec<(Money, String)>,
    /// Without tax (BT-131).
    pub net: Money,
    /// The category's code (BT-151).
    pub category: String,
    /// Percent (BT-152).
    pub rate: Decimal,
}

impl Line {
    fn new(position: i32, name: &str, days: (NaiveDate, NaiveDate), net: Money) -> Self {
        let last = days.1.pred_opt().unwrap_or(days.1).max(days.0);
        let name = if name.trim().is_empty() { "—" } else { name };
        let quantity = if net.is_negative() { -Decimal::ONE } else { Decimal::ONE };
        let (category, rate) = (String::new(), Decimal::ZERO);
        Self {
            position,
            name: name.to_owned(),
            days: (days.0, last),
            quantity,
            price: net.abs(),
            allowances: Vec::new(),
            net,
            category,
            rate,
        }
    }
}

/// What discounts take off a charge, with their names, and what it is without them. A credit is what it comes to. All of it is
/// without tax, as such documents have it, even where the price includes it.
fn allowances(line: &InvoiceLine) -> Result<(Vec<(Money, String)>, Money), Error> {
    if !line.discount.is_positive() {
        return Ok((Vec::new(), line.net));
    }
    let mut parts: Vec<_> = line.discounts.iter().map(|part| (part.amount, part.name.clone())).collect();
    if parts.is_empty() {
        parts.push((line.discount, "Discount".to_owned()));
    }
    if line.gross.is_some() {
        let rate = TaxRate::new(TaxCategory::from_code(&line.tax_category)?, line.tax_rate)?;
        for (amount, _) in &mut parts {
            *amount = inclusive(*amount, rate)?.0;
        }
    }
    let taken = Money::sum(line.net.currency(), parts.iter().map(|(amount, _)| *amount))?;
    Ok((parts, line.net.checked_add(taken)?))
}

impl Document {
    /// An invoice, if it has all that such a document must have.
    pub fn of_invoice(invoice: &Invoice) -> Result<Self, Error> {
        let (summary, parties) = (&invoice.summary, &invoice.parties);
        let mut lines = Vec::with_capacity(invoice.lines.len());
        for line in &invoice.lines {
            let mut written = Line::new(line.position, &line.description, (line.from, line.to), line.net);
            let (allowances, price) = allowances(line)?;
            if !allowances.is_empty() {
                (written.price, written.allowances) = (price, allowances);
            }
            // Parts of periods have no price of their own: the line is one of what they cost.
            let whole = line.unit_price.times(line.quantity).is_ok_and(|full| full == price) && line.gross.is_none();
            if whole && line.quantity.is_sign_positive() {
                (written.quantity, written.price) = (line.quantity, line.unit_price);
            }
            if written.price.is_negative() {
                (written.quantity, written.price) = (-written.quantity, -written.price);
            }
            lines.push(Line { category: line.tax_category.clone(), rate: line.tax_rate, ..written });
        }
        let seller = &parties.seller;
        let transfer = [&seller.bank_holder, &seller.bank_iban, &seller.bank_bic, &parties.buyer.reference];
        let document = Self {
            number: summary.number.clone(),
            issued_on: summary.issued_on,
            due_on: Some(summary.due_on),
            corrects: None,
            note: String::new(),
            transfer: (!seller.bank_iban.is_empty()).then(|| transfer.map(String::clone)),
            lines,
            taxes: invoice.taxes.clone(),
            ..Self::between(parties, [summary.net, summary.tax, summary.gross])
        };
        document.complete()
    }

    /// A credit note, if it has all that such a document must have.
    pub fn of_credit_note(note: &CreditNote) -> Result<Self, Error> {
        let summary = &note.summary;
        let lines = note.lines.iter().map(|line| {
            let written = Line::new(line.position, &line.description, (line.from, line.to), line.net);
            Line { category: line.tax_category.clone(), rate: line.tax_rate, ..written }
        });
        let document = Self {
            number: summary.number.clone(),
            issued_on: summary.issued_on,
            corrects: Some((summary.invoice_number.clone(), note.invoice_issued_on)),
            note: summary.reason.clone(),
            lines: lines.collect(),
            taxes: note.taxes.clone(),
            ..Self::between(&note.parties, [summary.net, summary.tax, summary.gross])
        };
        document.complete()
    }

    fn between(parties: &Parties, [net, tax, gross]: [Money; 3]) -> Self {
        Self {
            number: String::new(),
            issued_on: NaiveDate::MIN,
            due_on: None,
            corrects: None,
            note: String::new(),
            account: parties.buyer.account_number.clone(),
            seller: Party::seller(parties),
            buyer: Party::buyer(parties),
            transfer: None,
            lines: Vec::new(),
            taxes: Vec::new(),
            net,
            tax,
            gross,
        }
    }

    /// What is outside the scope of tax names no VAT identifier (BR-O-02); everything else needs a tax number of the seller
    /// (BR-S-02, BR-Z-02, BR-CO-26).
    fn complete(mut self) -> Result<Self, Error> {
        if self.seller.registration.is_empty() {
            return Err(Error::EinvoiceIncomplete { number: self.number, missing: "the tax number of the seller" });
        }
        if self.gross.currency().decimals() > 2 {
            return Err(Error::EinvoiceIncomplete { number: self.number, missing: "a currency of two decimals" });
        }
        if self.taxes.iter().any(|tax| tax.category == "K") && self.seller.vat.is_empty() {
            let missing = "the VAT identifier of the seller, with its country’s letters";
            return Err(Error::EinvoiceIncomplete { number: self.number, missing });
        }
        if self.taxes.iter().any(|tax| tax.category == "O") {
            self.seller.vat = String::new();
        }
        Ok(self)
    }

    /// Whether all of it is outside the scope of tax.
    pub fn is_outside_tax(&self) -> bool {
        self.taxes.iter().any(|tax| tax.category == "O")
    }

    /// Whether something of it goes to a business in another country of the Union: then it says when and where to (BR-IC-11,
    /// BR-IC-12).
    pub fn is_delivered_abroad(&self) -> bool {
        self.taxes.iter().any(|tax| tax.category == "K")
    }

    /// The country it goes to (BT-80): the one the buyer's identifier is of.
    pub fn delivered_to(&self) -> &str {
        match self.buyer.vat.get(..2) {
            Some("EL") => "GR",
            Some(letters) => letters,
            None => &self.buyer.country,
        }
    }

    /// The first and the last day of all its lines (BG-14).
    pub fn days(&self) -> (NaiveDate, NaiveDate) {
        let first = self.lines.iter().map(|line| line.days.0).min().unwrap_or(self.issued_on);
        (first, self.lines.iter().map(|line| line.days.1).max().unwrap_or(self.issued_on))
    }

    /// Whether it is a credit note.
    pub fn is_credit_note(&self) -> bool {
        self.corrects.is_some()
    }

    /// Terms of payment in words (BT-20), where there is no day to pay by.
    pub fn terms(&self) -> String {
        if self.due_on.is_some() { String::new() } else { format!("Credited to account {}", self.account) }
    }
}

/// Why no tax is charged (BT-120): what is frozen, or what its category says; empty where that goes without saying.
pub fn exemption(tax: &InvoiceTax) -> &str {
    match tax.category.as_str() {
        _ if !tax.reason.is_empty() => &tax.reason,
        "O" => "Not subject to VAT",
        "E" => "Exempt from VAT",
        "AE" => "Reverse charge",
        "K" => "Intra-Community supply",
        "G" => "Export outside the EU",
        _ => "",
    }
}
