//! UN/CEFACT CII, as Factur-X and ZUGFeRD carry it, in their profile EN 16931.

use chrono::NaiveDate;
use weir_rules::money::Money;

use super::model::{Document, Line, exemption};
use super::party::Party;
use super::ubl::GUIDELINE;
use super::xml::Xml;

const NAMESPACES: [(&str, &str); 4] = [
    ("xmlns:rsm", "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"),
    ("xmlns:ram", "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"),
    ("xmlns:qdt", "urn:un:unece:uncefact:data:standard:QualifiedDataType:100"),
    ("xmlns:udt", "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"),
];

/// Writes a document.
pub fn cii(document: &Document) -> String {
    let mut xml = Xml::new("rsm:CrossIndustryInvoice", &NAMESPACES);
    xml.within("rsm:ExchangedDocumentContext", |xml| {
        xml.within("ram:GuidelineSpecifiedDocumentContextParameter", |xml| xml.text("ram:ID", GUIDELINE));
    });
    xml.within("rsm:ExchangedDocument", |xml| {
        xml.text("ram:ID", &document.number);
        xml.text("ram:TypeCode", if document.is_credit_note() { "381" } else { "380" });
        xml.within("ram:IssueDateTime", |xml| day(xml, "udt:DateTimeString", document.issued_on));
        if !document.note.is_empty() {
            xml.within("ram:IncludedNote", |xml| xml.text("ram:Content", &document.note));
        }
    });
    xml.within("rsm:SupplyChainTradeTransaction", |xml| {
        for one in &document.lines {
            line(xml, one);
        }
        xml.within("ram:ApplicableHeaderTradeAgreement", |xml| {
            xml.given("ram:BuyerReference", &document.account);
            xml.within("ram:SellerTradeParty", |xml| party(xml, &document.seller, !document.is_outside_tax()));
            xml.within("ram:BuyerTradeParty", |xml| party(xml, &document.buyer, true));
        });
        xml.within("ram:ApplicableHeaderTradeDelivery", |xml| {
            if document.is_delivered_abroad() {
                xml.within("ram:ShipToTradeParty", |xml| {
                    xml.within("ram:PostalTradeAddress", |xml| xml.text("ram:CountryID", document.delivered_to()));
                });
            }
        });
        xml.within("ram:ApplicableHeaderTradeSettlement", |xml| settlement(xml, document));
    });
    xml.finish()
}

fn day(xml: &mut Xml, name: &'static str, day: NaiveDate) {
    xml.with(name, &[("format", "102")], &day.format("%Y%m%d").to_string());
}

fn amount(xml: &mut Xml, name: &'static str, money: Money) {
    xml.text(name, &money.amount().to_string());
}

fn line(xml: &mut Xml, line: &Line) {
    xml.within("ram:IncludedSupplyChainTradeLineItem", |xml| {
        xml.within("ram:AssociatedDocumentLineDocument", |xml| xml.text("ram:LineID", &line.position.to_string()));
        xml.within("ram:SpecifiedTradeProduct", |xml| xml.text("ram:Name", &line.name));
        xml.within("ram:SpecifiedLineTradeAgreement", |xml| {
            xml.within("ram:NetPriceProductTradePrice", |xml| amount(xml, "ram:ChargeAmount", line.price));
        });
        xml.within("ram:SpecifiedLineTradeDelivery", |xml| {
            xml.with("ram:BilledQuantity", &[("unitCode", "C62")], &line.quantity.to_string());
        });
        xml.within("ram:SpecifiedLineTradeSettlement", |xml| {
            xml.within("ram:ApplicableTradeTax", |xml| {
                xml.text("ram:TypeCode", "VAT");
                xml.text("ram:CategoryCode", &line.category);
                if line.category != "O" {
                    xml.text("ram:RateApplicablePercent", &line.rate.to_string());
                }
            });
            xml.within("ram:BillingSpecifiedPeriod", |xml| {
                xml.within("ram:StartDateTime", |xml| day(xml, "udt:DateTimeString", line.days.0));
                xml.within("ram:EndDateTime", |xml| day(xml, "udt:DateTimeString", line.days.1));
            });
            for (off, why) in &line.allowances {
                xml.within("ram:SpecifiedTradeAllowanceCharge", |xml| {
                    xml.within("ram:ChargeIndicator", |xml| xml.text("udt:Indicator", "false"));
                    amount(xml, "ram:ActualAmount", *off);
                    xml.text("ram:Reason", why);
                });
            }
            xml.within("ram:SpecifiedTradeSettlementLineMonetarySummation", |xml| {
                amount(xml, "ram:LineTotalAmount", line.net);
            });
        });
    });
}

fn party(xml: &mut Xml, party: &Party, taxed: bool) {
    xml.text("ram:Name", &party.name);
    if !(party.registration.is_empty() && party.trading_name.is_empty()) {
        xml.within("ram:SpecifiedLegalOrganization", |xml| {
            xml.given("ram:ID", &party.registration);
            xml.given("ram:TradingBusinessName", &party.trading_name);
        });
    }
    xml.within("ram:PostalTradeAddress", |xml| {
        xml.given("ram:PostcodeCode", &party.postcode);
        let mut lines = party.lines.iter();
        for name in ["ram:LineOne", "ram:LineTwo"] {
            if let Some(line) = lines.next() {
                xml.text(name, line);
            }
        }
        let rest: Vec<_> = lines.map(String::as_str).collect();
        xml.given("ram:LineThree", &rest.join(", "));
        xml.given("ram:CityName", &party.city);
        xml.text("ram:CountryID", &party.country);
    });
    if taxed && let Some((scheme, number)) = party.tax_number() {
        xml.within("ram:SpecifiedTaxRegistration", |xml| {
            xml.with("ram:ID", &[("schemeID", scheme)], number);
        });
    }
}

fn settlement(xml: &mut Xml, document: &Document) {
    if let Some([_, _, _, reference]) = &document.transfer {
        xml.given("ram:PaymentReference", reference);
    }
    xml.text("ram:InvoiceCurrencyCode", document.gross.currency().code());
    if let Some([holder, iban, bic, _]) = &document.transfer {
        xml.within("ram:SpecifiedTradeSettlementPaymentMeans", |xml| {
            xml.text("ram:TypeCode", "30");
            xml.within("ram:PayeePartyCreditorFinancialAccount", |xml| {
                xml.text("ram:IBANID", iban);
                xml.given("ram:AccountName", holder);
            });
            if !bic.is_empty() {
                xml.within("ram:PayeeSpecifiedCreditorFinancialInstitution", |xml| xml.text("ram:BICID", bic));
            }
        });
    }
    for tax in &document.taxes {
        xml.within("ram:ApplicableTradeTax", |xml| {
            amount(xml, "ram:CalculatedAmount", tax.tax);
            xml.text("ram:TypeCode", "VAT");
            xml.given("ram:ExemptionReason", exemption(tax));
            amount(xml, "ram:BasisAmount", tax.base);
            xml.text("ram:CategoryCode", &tax.category);
            if tax.category != "O" {
                xml.text("ram:RateApplicablePercent", &tax.rate.to_string());
            }
        });
    }
    if document.is_delivered_abroad() {
        xml.within("ram:BillingSpecifiedPeriod", |xml| {
            let (from, to) = document.days();
            xml.within("ram:StartDateTime", |xml| day(xml, "udt:DateTimeString", from));
            xml.within("ram:EndDateTime", |xml| day(xml, "udt:DateTimeString", to));
        });
    }
    xml.within("ram:SpecifiedTradePaymentTerms", |xml| {
        xml.given("ram:Description", &document.terms());
        if let Some(due_on) = document.due_on {
            xml.within("ram:DueDateDateTime", |xml| day(xml, "udt:DateTimeString", due_on));
        }
    });
    xml.within("ram:SpecifiedTradeSettlementHeaderMonetarySummation", |xml| {
        amount(xml, "ram:LineTotalAmount", document.net);
        amount(xml, "ram:TaxBasisTotalAmount", document.net);
        let currency = document.tax.currency().code();
        xml.with("ram:TaxTotalAmount", &[("currencyID", currency)], &document.tax.amount().to_string());
        amount(xml, "ram:GrandTotalAmount", document.gross);
        amount(xml, "ram:DuePayableAmount", document.gross);
    });
    if let Some((number, issued_on)) = &document.corrects {
        xml.within("ram:InvoiceReferencedDocument", |xml| {
            xml.text("ram:IssuerAssignedID", number);
            xml.within("ram:FormattedIssueDateTime", |xml| day(xml, "qdt:DateTimeString", *issued_on));
        });
    }
}
