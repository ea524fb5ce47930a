//! The currencies of ISO 4217 that people pay with, and how many decimals each has.
//!
//! Not here: fund codes, metals and test codes, which no invoice is written in. Start with [`Currency::from_code`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::money::MoneyError;

/// A currency of ISO 4217: its code and the decimals of its minor unit (0, 2 or 3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency {
    code: &'static str,
    decimals: u8,
}

/// Codes without a minor unit.
const WITHOUT_DECIMALS: &[&str] =
    &["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"];

/// Codes whose minor unit is a hundredth.
const TWO_DECIMALS: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BMD", "BND", "BOB", "BRL",
    "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CNY", "COP", "CRC", "CUP", "CVE", "CZK", "DKK", "DOP",
    "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ", "GYD", "HKD", "HNL",
    "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW", "KYD", "KZT", "LAK", "LBP", "LKR",
    "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MYR", "MZN",
    "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB",
    "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB",
    "TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "UYU", "UZS", "VED", "VES", "WST", "XCD", "XCG",
    "YER", "ZAR", "ZMW", "ZWG",
];

/// Codes whose minor unit is a thousandth.
const THREE_DECIMALS: &[&str] = &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];

impl Currency {
    /// The euro.
    pub const EUR: Currency = Currency { code: "EUR", decimals: 2 };
    /// The United States dollar.
    pub const USD: Currency = Currency { code: "USD", decimals: 2 };

    /// Finds a currency by its three capital letters: `"EUR"` is the euro, `"eur"` and `"XYZ"` are refused.
    pub fn from_code(code: &str) -> Result<Currency, MoneyError> {
        Currency::all().find(|known| known.code == code).ok_or_else(|| MoneyError::UnknownCurrency(shortened(code)))
    }

    /// Every currency known, without decimals first, each group by code.
    pub fn all() -> impl Iterator<Item = Currency> {
        let group =
            |codes: &'static [&'static str], decimals| codes.iter().map(move |code| Currency { code, decimals });
        group(WITHOUT_DECIMALS, 0).chain(group(TWO_DECIMALS, 2)).chain(group(THREE_DECIMALS, 3))
    }

    /// The three-letter code, such as `EUR`.
    pub const fn code(self) -> &'static str {
        self.code
    }

    /// How many decimals an amount has: 0 for JPY, 2 for EUR, 3 for KWD.
    pub const fn decimals(self) -> u32 {
        self.decimals as u32
    }
}

/// Keeps an error short whatever was sent.
fn shortened(text: &str) -> String {
    text.chars().take(16).collect()
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(code: &str) -> Result<Currency, MoneyError> {
        Currency::from_code(code)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
        let code = String::deserialize(deserializer)?;
        Currency::from_code(&code).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_well_formed() {
        let mut codes: Vec<_> = Currency::all().map(Currency::code).collect();
        assert!(codes.iter().all(|code| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())));
        codes.sort_unstable();
        let count = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert_eq!(Currency::from_code("EUR"), Ok(Currency::EUR));
        assert_eq!(Currency::from_code("USD"), Ok(Currency::USD));
    }

    #[test]
    fn decimals_follow_the_currency() {
        for (code, decimals) in [("JPY", 0), ("EUR", 2), ("KWD", 3), ("ISK", 0), ("HUF", 2), ("TND", 3)] {
            assert_eq!(Currency::from_code(code).unwrap().decimals(), decimals, "{code}");
        }
        for wrong in ["eur", "XYZ", "", "XAU", "EURO"] {
            assert!(matches!(Currency::from_code(wrong), Err(MoneyError::UnknownCurrency(_))), "{wrong}");
        }
    }
}
