//! Account numbers of banks (ISO 13616): the length of each country that has them, and the check digits.
//!
//! Not here: references payers write (see [`crate::reference`]). Start with [`is_valid`].

use crate::reference::iban;

/// Countries of the registry with the length of their numbers.
const LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BI", 27),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DJ", 27),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FK", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HN", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MN", 20),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("SO", 23),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
    ("YE", 30),
];

/// Whether a text is an account number: a country of the registry, its length, letters and digits, right check digits.
///
/// Spaces do not count; anything else that is neither letter nor digit does.
pub fn is_valid(text: &str) -> bool {
    let packed: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    let plain = packed.chars().all(|letter| letter.is_ascii_alphanumeric());
    let Some(number) = Some(packed).filter(|_| plain).and_then(|packed| iban(&packed)) else { return false };
    // 00, 01 and 99 leave the remainder that 97, 98 and 02 do, and are never given out.
    let check_given_out = !matches!(number.get(2..4), Some("00" | "01" | "99"));
    check_given_out && LENGTHS.iter().any(|(country, length)| number.starts_with(country) && number.len() == *length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_registry_are_valid() {
        for number in [
            "DE89370400440532013000",
            "DE62 3704 0044 0532 0130 01",
            "GB29NWBK60161331926819",
            "fr1420041010050500013m02606",
            "NO9386011117947",
            "MT84MALT011000012345MTLCAST001S",
            "SC18SSCB11010000000000001497USD",
        ] {
            assert!(is_valid(number), "{number}");
        }
        for number in [
            "",
            "DE",
            "DE89370400440532013001",
            "DE8937040044053201300",
            "DE89-3704-0044-0532-0130-00",
            "XX89370400440532013000",
            "GB29NWBK6016133192681",
            "DÉ89370400440532013000",
        ] {
            assert!(!is_valid(number), "{number}");
        }
    }

    #[test]
    fn countries_stand_once_and_in_order() {
        assert!(LENGTHS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(LENGTHS.iter().all(|(country, length)| country.len() == 2 && (15..=34).contains(length)));
    }
}
