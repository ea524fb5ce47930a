//! Reply addresses: `support+T-2026-000123.0123456789abcdef@isp.example` names a ticket and proves that we wrote it.

use ring::hmac;

/// Letters of the proof: 64 bits are enough for an address that only its own subscriber may use.
const PROOF: usize = 16;

/// What the recipients of a message say.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// The ticket of this number.
    Ticket(String),
    /// A tag that is not ours.
    Forged,
    /// No tag.
    Nothing,
}

/// The address that replies to a ticket go to; `None` when the mailbox's own is none.
pub fn address(mailbox: &str, key: &[u8], number: &str) -> Option<String> {
    let (local, domain) = mailbox.rsplit_once('@')?;
    Some(format!("{local}+{number}.{}@{domain}", proof(key, number)))
}

/// The tag among addresses a message was sent to.
pub fn read(recipients: &[String], mailbox: &str, key: &[u8]) -> Found {
    let Some((local, domain)) = mailbox.rsplit_once('@') else { return Found::Nothing };
    let mut found = Found::Nothing;
    for recipient in recipients {
        let Some((their, at)) = recipient.rsplit_once('@') else { continue };
        let Some((before, tag)) = their.split_once('+') else { continue };
        if !at.eq_ignore_ascii_case(domain) || !before.eq_ignore_ascii_case(local) {
            continue;
        }
        let number_and_proof =
            tag.rsplit_once('.').map(|(number, proof)| (number.to_uppercase(), proof.to_lowercase()));
        match number_and_proof {
            Some((number, given)) if same(&proof(key, &number), &given) => return Found::Ticket(number),
            _ => found = Found::Forged,
        }
    }
    found
}

fn proof(key: &[u8], number: &str) -> String {
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), number.as_bytes());
    hex::encode(mac.as_ref()).chars().take(PROOF).collect()
}

/// Compares without telling by its time where two texts differ.
fn same(one: &str, other: &str) -> bool {
    let differs = one.bytes().zip(other.bytes()).fold(0, |differs, (a, b)| differs | (a ^ b));
    one.len() == other.len() && differs == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: &str = "support@isp.example";

    #[test]
    fn an_address_returns_its_ticket_and_no_other_does() {
        let address = address(BOX, b"key", "T-2026-000123").expect("an address");
        assert!(address.starts_with("support+T-2026-000123.") && address.ends_with("@isp.example"));
        let read = |text: String| read(&["someone@else.example".into(), text], BOX, b"key");
        assert_eq!(read(address.clone()), Found::Ticket("T-2026-000123".into()));
        assert_eq!(read(address.to_lowercase()), Found::Ticket("T-2026-000123".into()), "some servers change letters");
        assert_eq!(read(address.replace("000123", "000124")), Found::Forged);
        assert_eq!(read("support+T-2026-000123@isp.example".into()), Found::Forged);
        assert_eq!(read(address.replace("isp.example", "evil.example")), Found::Nothing);
        assert_eq!(read(BOX.into()), Found::Nothing);
        assert_eq!(super::read(&[address], BOX, b"other"), Found::Forged, "another ISP's key");
    }
}
