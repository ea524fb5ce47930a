//! Messages: their signature over the raw bytes, and what they are about.

use ring::hmac;
use serde::Deserialize;

use crate::payments::provider::{Doubt, Event, Subject};

/// How old, or how far in the future, a signature may be.
const TOLERANCE_SECONDS: u64 = 300;

/// `t=1732700000,v1=5257a8…`: any of several signatures may be ours, while a secret is being replaced.
pub(super) fn verify(secret: &str, header: &str, raw: &[u8], now: i64) -> Result<(), Doubt> {
    let parts: Vec<_> = header.split(',').filter_map(|part| part.trim().split_once('=')).collect();
    let signed_at = parts.iter().find(|(name, _)| *name == "t").ok_or(Doubt::Unsigned)?.1;
    let at: i64 = signed_at.parse().map_err(|_| Doubt::Unsigned)?;
    let signatures: Vec<_> =
        parts.iter().filter(|(name, _)| *name == "v1").filter_map(|(_, text)| hex::decode(text).ok()).collect();
    if signatures.is_empty() {
        return Err(Doubt::Unsigned);
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let message = [signed_at.as_bytes(), b".", raw].concat();
    // Compared in constant time.
    if !signatures.iter().any(|signature| hmac::verify(&key, &message, signature).is_ok()) {
        return Err(Doubt::Forged);
    }
    if now.abs_diff(at) > TOLERANCE_SECONDS { Err(Doubt::Stale) } else { Ok(()) }
}

#[derive(Deserialize)]
struct Message {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    id: String,
    #[serde(default)]
    object: String,
    #[serde(default)]
    mode: String,
}

pub(super) fn event(raw: &[u8]) -> Result<Event, Doubt> {
    let message: Message = serde_json::from_slice(raw).map_err(|_| Doubt::Unreadable)?;
    let about = message.data.object;
    let subject = match (about.object.as_str(), about.mode.as_str()) {
        ("checkout.session", "setup") => Subject::SetUp(about.id),
        ("checkout.session" | "payment_intent", _) => Subject::Payment(about.id),
        ("refund", _) => Subject::Refund(about.id),
        ("dispute", _) => Subject::Dispute(about.id),
        _ => Subject::Other,
    };
    if message.id.is_empty() {
        Err(Doubt::Unreadable)
    } else {
        Ok(Event { id: message.id, kind: message.kind, subject })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(secret: &str, at: i64, raw: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(&key, &[at.to_string().as_bytes(), b".", raw].concat());
        format!("t={at},v1={}", hex::encode(tag))
    }

    #[test]
    fn only_a_fresh_signature_of_this_message_is_believed() {
        let (secret, raw, now) = ("whsec_x", b"{\"id\":\"evt_1\"}".as_slice(), 1_700_000_000);
        let header = signed(secret, now, raw);
        assert_eq!(verify(secret, &header, raw, now), Ok(()));
        assert_eq!(verify(secret, &header, raw, now + 300), Ok(()));
        assert_eq!(verify(secret, &header, raw, now + 301), Err(Doubt::Stale));
        assert_eq!(verify(secret, &header, raw, now - 301), Err(Doubt::Stale));
        assert_eq!(verify(secret, &header, b"{}", now), Err(Doubt::Forged));
        assert_eq!(verify("another", &header, raw, now), Err(Doubt::Forged));
        let replaced = header.replacen(",v1=", &format!(",v1={},v1=", "00".repeat(32)), 1);
        assert_eq!(verify(secret, &replaced, raw, now), Ok(()));
        let moved = header.replacen(&now.to_string(), &(now + 1).to_string(), 1);
        assert_eq!(verify(secret, &moved, raw, now), Err(Doubt::Forged));
        for unsigned in ["", "v1=00", "t=x,v1=00", "t=1700000000", "t=1700000000,v1=zz", "t=1700000000,v0=00"] {
            assert_eq!(verify(secret, unsigned, raw, now), Err(Doubt::Unsigned), "{unsigned}");
        }
    }

    #[test]
    fn messages_say_what_they_are_about() {
        let about = |object: &str| {
            let raw = format!(r#"{{"id":"evt_1","type":"x","data":{{"object":{object}}}}}"#);
            event(raw.as_bytes()).map(|event| event.subject)
        };
        assert_eq!(about(r#"{"id":"pi_1","object":"payment_intent"}"#), Ok(Subject::Payment("pi_1".into())));
        assert_eq!(
            about(r#"{"id":"cs_1","object":"checkout.session","mode":"setup"}"#),
            Ok(Subject::SetUp("cs_1".into()))
        );
        assert_eq!(about(r#"{"id":"re_1","object":"refund"}"#), Ok(Subject::Refund("re_1".into())));
        assert_eq!(about(r#"{"id":"dp_1","object":"dispute"}"#), Ok(Subject::Dispute("dp_1".into())));
        assert_eq!(about(r#"{"object":"balance"}"#), Ok(Subject::Other));
        for garbage in ["", "[]", "{\"id\":\"evt\"}", "\u{0}"] {
            assert_eq!(event(garbage.as_bytes()), Err(Doubt::Unreadable), "{garbage:?}");
        }
    }
}
