//! UBL 2.1: an `Invoice` or a `CreditNote`.

use chrono::NaiveDate;
use weir_rules::money::Money;

use super::model::{Document, Line, exemption};
use super::party::Party;
use super::xml::Xml;

const COMPONENTS: [(&str, &str); 2] = [
    ("xmlns:cac", "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"),
    ("xmlns:cbc", "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"),
];
/// The rules a document keeps to (BT-24).
pub(super) const GUIDELINE: &str = "urn:cen.eu:en16931:2017";

/// Writes a document.
pub fn ubl(document: &Document) -> String {
    let note = document.is_credit_note();
    let (root, namespace) = match note {
        true => ("CreditNote", "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"),
        false => ("Invoice", "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"),
    };
    let mut xml = Xml::new(root, &[&[("xmlns", namespace)], COMPONENTS.as_slice()].concat());
    xml.text("cbc:CustomizationID", GUIDELINE);
    xml.text("cbc:ID", &document.number);
    xml.text("cbc:IssueDate", &document.issued_on.to_string());
    if let Some(due_on) = document.due_on {
        xml.text("cbc:DueDate", &due_on.to_string());
    }
    match note {
        true => xml.text("cbc:CreditNoteTypeCode", "381"),
        false => xml.text("cbc:InvoiceTypeCode", "380"),
    }
    xml.given("cbc:Note", &document.note);
    xml.text("cbc:DocumentCurrencyCode", document.gross.currency().code());
    xml.given("cbc:BuyerReference", &document.account);
    if document.is_delivered_abroad() {
        period(&mut xml, document.days());
    }
    if let Some((number, issued_on)) = &document.corrects {
        xml.within("cac:BillingReference", |xml| {
            xml.within("cac:InvoiceDocumentReference", |xml| {
                xml.text("cbc:ID", number);
                xml.text("cbc:IssueDate", &issued_on.to_string());
            });
        });
    }
    xml.within("cac:AccountingSupplierParty", |xml| party(xml, &document.seller, !document.is_outside_tax()));
    xml.within("cac:AccountingCustomerParty", |xml| party(xml, &document.buyer, true));
    if document.is_delivered_abroad() {
        xml.within("cac:Delivery", |xml| {
            xml.within("cac:DeliveryLocation", |xml| {
                xml.within("cac:Address", |xml| {
                    xml.within("cac:Country", |xml| xml.text("cbc:IdentificationCode", document.delivered_to()));
                });
            });
        });
    }
    payment(&mut xml, document);
    totals(&mut xml, document);
    for one in &document.lines {
        line(&mut xml, one, note);
    }
    xml.finish()
}

fn amount(xml: &mut Xml, name: &'static str, money: Money) {
    xml.with(name, &[("currencyID", money.currency().code())], &money.amount().to_string());
}

fn period(xml: &mut Xml, (first, last): (NaiveDate, NaiveDate)) {
    xml.within("cac:InvoicePeriod", |xml| {
        xml.text("cbc:StartDate", &first.to_string());
        xml.text("cbc:EndDate", &last.to_string());
    });
}

fn party(xml: &mut Xml, party: &Party, taxed: bool) {
    xml.within("cac:Party", |xml| {
        if !party.trading_name.is_empty() {
            xml.within("cac:PartyName", |xml| xml.text("cbc:Name", &party.trading_name));
        }
        xml.within("cac:PostalAddress", |xml| {
            let mut lines = party.lines.iter();
            for name in ["cbc:StreetName", "cbc:AdditionalStreetName"] {
                if let Some(line) = lines.next() {
                    xml.text(name, line);
                }
            }
            xml.given("cbc:CityName", &party.city);
            xml.given("cbc:PostalZone", &party.postcode);
            let rest: Vec<_> = lines.map(String::as_str).collect();
            if !rest.is_empty() {
                xml.within("cac:AddressLine", |xml| xml.text("cbc:Line", &rest.join(", ")));
            }
            xml.within("cac:Country", |xml| xml.text("cbc:IdentificationCode", &party.country));
        });
        if taxed && let Some((scheme, number)) = party.tax_number() {
            let scheme = if scheme == "VA" { "VAT" } else { scheme };
            xml.within("cac:PartyTaxScheme", |xml| {
                xml.text("cbc:CompanyID", number);
                xml.within("cac:TaxScheme", |xml| xml.text("cbc:ID", scheme));
            });
        }
        xml.within("cac:PartyLegalEntity", |xml| {
            xml.text("cbc:RegistrationName", &party.name);
            xml.given("cbc:CompanyID", &party.registration);
        });
    });
}

fn payment(xml: &mut Xml, document: &Document) {
    if let Some([holder, iban, bic, reference]) = &document.transfer {
        xml.within("cac:PaymentMeans", |xml| {
            xml.text("cbc:PaymentMeansCode", "30");
            xml.given("cbc:PaymentID", reference);
            xml.within("cac:PayeeFinancialAccount", |xml| {
                xml.text("cbc:ID", iban);
                xml.given("cbc:Name", holder);
                if !bic.is_empty() {
                    xml.within("cac:FinancialInstitutionBranch", |xml| xml.text("cbc:ID", bic));
                }
            });
        });
    }
    if !document.terms().is_empty() {
        xml.within("cac:PaymentTerms", |xml| xml.text("cbc:Note", &document.terms()));
    }
}

/// The category of a tax; what is outside its scope has no rate.
fn category(xml: &mut Xml, name: &'static str, code: &str, rate: &str, reason: &str) {
    xml.within(name, |xml| {
        xml.text("cbc:ID", code);
        if code != "O" {
            xml.text("cbc:Percent", rate);
        }
        xml.given("cbc:TaxExemptionReason", reason);
        xml.within("cac:TaxScheme", |xml| xml.text("cbc:ID", "VAT"));
    });
}

fn totals(xml: &mut Xml, document: &Document) {
    xml.within("cac:TaxTotal", |xml| {
        amount(xml, "cbc:TaxAmount", document.tax);
        for tax in &document.taxes {
            xml.within("cac:TaxSubtotal", |xml| {
                amount(xml, "cbc:TaxableAmount", tax.base);
                amount(xml, "cbc:TaxAmount", tax.tax);
                category(xml, "cac:TaxCategory", &tax.category, &tax.rate.to_string(), exemption(tax));
            });
        }
    });
    xml.within("cac:LegalMonetaryTotal", |xml| {
        amount(xml, "cbc:LineExtensionAmount", document.net);
        amount(xml, "cbc:TaxExclusiveAmount", document.net);
        amount(xml, "cbc:TaxInclusiveAmount", document.gross);
        amount(xml, "cbc:PayableAmount", document.gross);
    });
}

fn line(xml: &mut Xml, line: &Line, note: bool) {
    let (name, quantity) = match note {
        true => ("cac:CreditNoteLine", "cbc:CreditedQuantity"),
        false => ("cac:InvoiceLine", "cbc:InvoicedQuantity"),
    };
    xml.within(name, |xml| {
        xml.text("cbc:ID", &line.position.to_string());
        xml.with(quantity, &[("unitCode", "C62")], &line.quantity.to_string());
        amount(xml, "cbc:LineExtensionAmount", line.net);
        period(xml, line.days);
        for (off, why) in &line.allowances {
            xml.within("cac:AllowanceCharge", |xml| {
                xml.text("cbc:ChargeIndicator", "false");
                xml.text("cbc:AllowanceChargeReason", why);
                amount(xml, "cbc:Amount", *off);
            });
        }
        xml.within("cac:Item", |xml| {
            xml.text("cbc:Name", &line.name);
            category(xml, "cac:ClassifiedTaxCategory", &line.category, &line.rate.to_string(), "");
        });
        xml.within("cac:Price", |xml| amount(xml, "cbc:PriceAmount", line.price));
    });
}
