//! Enrollment and renewal, and the text of a token.

#![no_main]

use libfuzzer_sys::fuzz_target;
use weir_protocol::enroll::{CertificateRenewed, RenewCertificate, Reply, Request};
use weir_protocol::token::Token;
use weir_protocol_fuzz::read;

fuzz_target!(|bytes: &[u8]| {
    let _first = (read::<Request>(bytes), read::<Reply>(bytes));
    let _further = (read::<RenewCertificate>(bytes), read::<CertificateRenewed>(bytes));
    if let Some(token) = std::str::from_utf8(bytes).ok().and_then(|text| Token::from_text(text).ok()) {
        assert!(Token::from_text(&token.to_text()).is_ok_and(|again| again == token), "{token:?}");
    }
});
