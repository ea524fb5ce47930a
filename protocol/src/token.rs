//! The enrollment token a person copies onto a router: `weir1_` and base64url text that checks itself.

use prost::Message;

const PREFIX: &str = "weir1_";
const CHECK_BYTES: usize = 4;

/// Everything a new router needs to find and trust its cloud, once.
#[derive(Clone, PartialEq, Message)]
pub struct Token {
    /// Where to enroll, `host:port`.
    #[prost(string, tag = "1")]
    pub gateway: String,
    /// Which token, 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub id: Vec<u8>,
    /// The secret, 16 bytes.
    #[prost(bytes = "vec", tag = "3")]
    pub secret: Vec<u8>,
    /// BLAKE3 hash of the root certificate's DER, 32 bytes.
    #[prost(bytes = "vec", tag = "4")]
    pub root_fingerprint: Vec<u8>,
}

/// Why a token's text is not a token.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ParseError {
    /// It does not start as a token does.
    #[error("not an enrollment token: it must begin with {PREFIX}")]
    Prefix,
    /// Letters are missing, added or changed.
    #[error("the enrollment token is incomplete or mistyped")]
    Damaged,
}

impl Token {
    /// The text to copy.
    pub fn to_text(&self) -> String {
        let mut bytes = self.encode_to_vec();
        let check = *blake3::hash(&bytes).as_bytes();
        bytes.extend_from_slice(&check[..CHECK_BYTES]);
        format!("{PREFIX}{}", base64url::encode(&bytes))
    }

    /// Reads the text back.
    pub fn from_text(text: &str) -> Result<Self, ParseError> {
        let text = text.trim().strip_prefix(PREFIX).ok_or(ParseError::Prefix)?;
        let bytes = base64url::decode(text).ok_or(ParseError::Damaged)?;
        let (body, check) =
            bytes.split_at_checked(bytes.len().saturating_sub(CHECK_BYTES)).ok_or(ParseError::Damaged)?;
        if blake3::hash(body).as_bytes()[..CHECK_BYTES] != *check {
            return Err(ParseError::Damaged);
        }
        let token = Self::decode(body).map_err(|_| ParseError::Damaged)?;
        let sound = token.id.len() == 16 && token.secret.len() == 16 && token.root_fingerprint.len() == 32;
        if sound { Ok(token) } else { Err(ParseError::Damaged) }
    }
}

mod base64url {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    pub fn encode(bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub fn decode(text: &str) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        Token {
            gateway: "cloud.example:4433".into(),
            id: vec![1; 16],
            secret: vec![2; 16],
            root_fingerprint: vec![3; 32],
        }
    }

    #[test]
    fn text_returns_the_token() {
        assert_eq!(Token::from_text(&format!("  {}\n", token().to_text())), Ok(token()));
    }

    #[test]
    fn any_changed_letter_is_noticed() {
        let text = token().to_text();
        for (n, letter) in text.char_indices().skip(PREFIX.len()) {
            let other = if letter == 'A' { 'B' } else { 'A' };
            let mut changed = text.clone();
            changed.replace_range(n..=n, &other.to_string());
            assert_eq!(Token::from_text(&changed), Err(ParseError::Damaged), "letter {n}");
        }
        assert_eq!(Token::from_text(&text[..text.len() - 3]), Err(ParseError::Damaged));
        assert_eq!(Token::from_text("hello"), Err(ParseError::Prefix));
    }
}
