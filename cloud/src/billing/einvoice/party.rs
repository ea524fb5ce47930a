//! Seller and buyer as EN 16931 wants them, from what was frozen on the document.

use crate::billing::Parties;

/// Who sells or buys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// The registered name (BT-27, BT-44).
    pub name: String,
    /// What it is known as (BT-28); empty if the same.
    pub trading_name: String,
    /// Street, premises, each a line.
    pub lines: Vec<String>,
    /// The city (BT-37, BT-52); may be empty.
    pub city: String,
    /// The postcode (BT-38, BT-53); may be empty.
    pub postcode: String,
    /// ISO 3166-1 alpha-2 (BT-40, BT-55).
    pub country: String,
    /// The tax number as registered (BT-30); empty if unknown.
    pub registration: String,
    /// The VAT identifier, with its country's letters (BT-31), or empty.
    pub vat: String,
}

impl Party {
    /// The ISP.
    pub fn seller(parties: &Parties) -> Self {
        let seller = &parties.seller;
        let name = if seller.legal_name.trim().is_empty() { &seller.name } else { &seller.legal_name };
        let number: String = seller.tax_id.chars().filter(|letter| letter.is_ascii_alphanumeric()).collect();
        let number = number.to_ascii_uppercase();
        let letters = if seller.country == "GR" { "EL" } else { &seller.country };
        let trading_name = if name == &seller.name { String::new() } else { seller.name.clone() };
        let vat = if number.len() > 2 && number.starts_with(letters) { number.clone() } else { String::new() };
        let party = Self { name: name.clone(), trading_name, registration: number, vat, ..Self::default() };
        party.at(&seller.address, &seller.country)
    }

    /// The subscriber. An address that ends with a country's code is there; any other is where the ISP is.
    pub fn buyer(parties: &Parties) -> Self {
        // Only what the tax rests on: nobody else's number is on record.
        let vat = parties.buyer.tax_id.clone();
        let party = Self { name: parties.buyer.name.clone(), vat, ..Self::default() };
        party.at(&parties.buyer.address, &parties.seller.country)
    }

    /// The number the tax authorities know it by, and what that is: a VAT identifier (`VA`), or another (`FC`).
    pub fn tax_number(&self) -> Option<(&'static str, &str)> {
        match (self.vat.as_str(), self.registration.as_str()) {
            ("", "") => None,
            ("", registration) => Some(("FC", registration)),
            (vat, _) => Some(("VA", vat)),
        }
    }

    /// With an address of several lines: premises, then postcode and city, then perhaps the country's code.
    fn at(mut self, address: &str, country: &str) -> Self {
        let mut lines: Vec<String> =
            address.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        let is_code = |line: &String| line.len() == 2 && line.bytes().all(|byte| byte.is_ascii_uppercase());
        self.country = lines.pop_if(|line| is_code(line)).unwrap_or_else(|| country.to_owned());
        if lines.len() > 1
            && let Some(place) = lines.pop()
        {
            match place.split_once(' ') {
                Some((first, rest)) if first.bytes().any(|byte| byte.is_ascii_digit()) => {
                    self.postcode = first.to_owned();
                    self.city = rest.trim().to_owned();
                }
                _ => self.city = place,
            }
        }
        self.lines = lines;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_their_parts() {
        let at = |address: &str| Party::default().at(address, "ES");
        let whole = at("Calle Mayor 1\n2º B\n16001 Cuenca\nES");
        assert_eq!((whole.postcode.as_str(), whole.city.as_str(), whole.country.as_str()), ("16001", "Cuenca", "ES"));
        assert_eq!(whole.lines, ["Calle Mayor 1", "2º B"]);
        let abroad = at("Mill Lane 4\nLeeds\nGB");
        assert_eq!((abroad.postcode.as_str(), abroad.city.as_str(), abroad.country.as_str()), ("", "Leeds", "GB"));
        assert_eq!(at(""), Party { country: "ES".into(), ..Party::default() });
        assert_eq!(at("Somewhere").lines, ["Somewhere"]);
    }
}
