//! Time-based one-time passwords (RFC 6238) as every authenticator has them: SHA-1, six digits, half a minute.

use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};

/// Seconds a code is shown.
const STEP_SECONDS: i64 = 30;
/// Steps a clock may be off, either way.
const SKEW: i64 = 1;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The code of a step.
pub fn code(secret: &[u8], step: i64) -> String {
    format!("{:06}", truncated(secret, step) % 1_000_000)
}

/// The step a code is of: this one, or one beside it, but none up to `last`.
pub fn step_of(secret: &[u8], given: &str, now_seconds: i64, last: i64) -> Option<i64> {
    let now = now_seconds.div_euclid(STEP_SECONDS);
    (now - SKEW..=now + SKEW).filter(|step| *step > last).find(|step| same(&code(secret, *step), given))
}

/// What an authenticator reads from the picture.
pub fn uri(issuer: &str, account: &str, secret: &[u8]) -> String {
    let (issuer, account) = (escaped(issuer), escaped(account));
    format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&digits=6&period=30", base32(secret))
}

/// Bytes as letters and digits that are hard to mistake.
pub fn base32(bytes: &[u8]) -> String {
    let (mut text, mut buffer, mut bits) = (String::new(), 0u32, 0u32);
    for byte in bytes {
        buffer = buffer << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(buffer >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(buffer << (5 - bits) & 31) as usize]));
    }
    text
}

fn truncated(secret: &[u8], step: i64) -> u32 {
    let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let at = usize::from(bytes[bytes.len() - 1] & 0x0f);
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) & 0x7fff_ffff
}

fn same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().zip(other.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

fn escaped(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@');
    text.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_the_rfc() {
        let told = [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ];
        for (seconds, eight_digits) in told {
            assert_eq!(truncated(SECRET, seconds / STEP_SECONDS) % 100_000_000, eight_digits, "{seconds}");
        }
        assert_eq!(code(SECRET, 1), "287082");
    }

    #[test]
    fn a_code_holds_a_step_either_way_and_once() {
        let now = 1_111_111_111;
        let step = now / STEP_SECONDS;
        for (of, taken) in [(step - 2, false), (step - 1, true), (step, true), (step + 1, true), (step + 2, false)] {
            assert_eq!(step_of(SECRET, &code(SECRET, of), now, 0).is_some(), taken, "{}", of - step);
        }
        assert_eq!(step_of(SECRET, &code(SECRET, step), now, step), None, "again");
        assert_eq!(step_of(SECRET, &code(SECRET, step - 1), now, step), None, "an earlier one after a later");
        assert_eq!(step_of(SECRET, "", now, 0), None);
    }

    #[test]
    fn letters_are_those_of_rfc_4648() {
        let told = [("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ"), ("foobar", "MZXW6YTBOI")];
        for (bytes, letters) in told {
            assert_eq!(base32(bytes.as_bytes()), letters);
        }
        let uri = uri("Nörd Net", "a@example.net", b"foobar");
        assert_eq!(
            uri,
            "otpauth://totp/N%C3%B6rd%20Net:a@example.net?secret=MZXW6YTBOI&issuer=N%C3%B6rd%20Net&digits=6&period=30"
        );
    }
}
