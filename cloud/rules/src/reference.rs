//! Names that check themselves: structured creditor references (ISO 11649) and account numbers of banks (IBAN).
//!
//! Both carry two check digits by ISO 7064, MOD 97-10. Start with [`creditor_reference`].

/// Longest body of a creditor reference.
const BODY_MAX: usize = 21;

/// The reference a payer writes so that the payment finds its account: `ACC-000001` is `RF94ACC000001`.
///
/// `None` when the account's number has no letters or digits, or too many of them.
pub fn creditor_reference(account_number: &str) -> Option<String> {
    let body = body_of(account_number);
    if body.is_empty() || body.len() > BODY_MAX {
        return None;
    }
    let check = 98 - remainder(&format!("{body}RF00"))?;
    Some(format!("RF{check:02}{body}"))
}

/// The body of a reference with right check digits, however it is spaced: `rf94 ACC0 0000 1` is `ACC000001`.
pub fn creditor_body(reference: &str) -> Option<String> {
    let reference = body_of(reference);
    let body = reference.strip_prefix("RF")?.get(2..)?;
    let sound = !body.is_empty() && body.len() <= BODY_MAX && is_sound(&reference);
    sound.then(|| body.to_owned())
}

/// The first sound reference in a text a payer wrote, by its body.
pub fn creditor_body_in(text: &str) -> Option<String> {
    let words: Vec<_> = text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let begins = |word: &str| word.get(..2).is_some_and(|begin| begin.eq_ignore_ascii_case("RF"));
    let starts = words.iter().enumerate().filter(|(_, word)| begins(word)).map(|(at, _)| at);
    // Payers space it as they like, and go on writing after it: the longest that is sound.
    starts
        .into_iter()
        .find_map(|start| (start + 1..=words.len()).rev().find_map(|end| creditor_body(&words[start..end].concat())))
}

/// Capital letters and digits of a text, as references and account numbers are compared.
pub fn body_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).collect()
}

/// An IBAN without spaces, if its check digits are right.
pub fn iban(text: &str) -> Option<String> {
    let iban = body_of(text);
    let country = iban.get(..2)?.bytes().all(|letter| letter.is_ascii_uppercase());
    let check = iban.get(2..4)?.bytes().all(|digit| digit.is_ascii_digit());
    (country && check && (15..=34).contains(&iban.len()) && is_sound(&iban)).then_some(iban)
}

/// A reference or IBAN in groups of four, as people read it.
pub fn grouped(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

fn is_sound(reference: &str) -> bool {
    let Some((head, tail)) = reference.split_at_checked(4) else { return false };
    remainder(&format!("{tail}{head}")) == Some(1)
}

/// The number a text stands for, letters as 10 to 35, modulo 97.
fn remainder(text: &str) -> Option<u32> {
    text.chars().try_fold(0, |rest, letter| {
        let value = letter.to_digit(36)?;
        Some(if value > 9 { (rest * 100 + value) % 97 } else { (rest * 10 + value) % 97 })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn references_of_the_standard_are_sound() {
        assert_eq!(creditor_body("RF18 5390 0754 7034").as_deref(), Some("539007547034"));
        assert_eq!(creditor_body("RF18539007547035"), None);
        assert_eq!(creditor_reference("5390-0754-7034").as_deref(), Some("RF18539007547034"));
        assert_eq!(creditor_reference("--"), None);
        assert_eq!(creditor_reference(&"7".repeat(22)), None);
        assert_eq!(iban("es91 2100 0418 4502 0005 1332").as_deref(), Some("ES9121000418450200051332"));
        assert_eq!(iban("ES9121000418450200051333"), None);
        assert_eq!(grouped("RF18539007547034"), "RF18 5390 0754 7034");
    }

    #[test]
    fn a_reference_is_found_in_what_people_write() {
        for text in ["Invoice, RF18 5390 0754 7034 thanks", "rf18539007547034", "ref:RF18-5390-0754-7034/Nov"] {
            assert_eq!(creditor_body_in(text).as_deref(), Some("539007547034"), "{text}");
        }
        assert_eq!(creditor_body_in("RF17 5390 0754 7034, RF"), None);
    }

    proptest! {
        #[test]
        fn every_account_number_comes_back(number in "[A-Z]{3}-[0-9]{1,12}", wrong in 0_usize..8) {
            let reference = creditor_reference(&number).unwrap();
            prop_assert_eq!(creditor_body(&grouped(&reference)), Some(body_of(&number)));
            let mut letters: Vec<char> = reference.chars().collect();
            let at = letters.len() - 1 - wrong % (letters.len() - 4);
            if let Some(digit) = letters[at].to_digit(10) {
                letters[at] = char::from_digit((digit + 1) % 10, 10).unwrap();
                prop_assert_eq!(creditor_body(&letters.into_iter().collect::<String>()), None);
            }
        }
    }
}
