//! `weir mail-in`: what a mail server runs for each message, with the message on standard input. It ends with the codes of
//! `sysexits.h`, so that the server tries again what can succeed later and returns what cannot.

use std::io::Read;
use std::time::Duration;

use crate::tickets::mail::MESSAGE_MAX;

/// Delivered.
const OK: i32 = 0;
/// The message is no message, or too large.
const DATA_ERROR: i32 = 65;
/// The address opens no mailbox.
const NO_USER: i32 = 67;
/// Not now: to be tried again.
const TEMPORARY: i32 = 75;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(50);

/// Where to bring it.
#[derive(clap::Args, Debug)]
pub struct MailIn {
    /// The address from the support settings, `…/inbound/email/<token>`.
    #[arg(long, env = "WEIR_MAIL_IN_TO", hide_env_values = true)]
    to: String,
}

/// Brings the message; returns the code the process should end with.
pub async fn bring(wish: MailIn) -> i32 {
    let mut raw = Vec::new();
    let limit = MESSAGE_MAX as u64 + 1;
    if let Err(error) = std::io::stdin().take(limit).read_to_end(&mut raw) {
        return told(TEMPORARY, &format!("cannot read the message: {error}"));
    }
    if raw.len() > MESSAGE_MAX {
        return told(DATA_ERROR, "the message is too large");
    }
    let _already_there = rustls::crypto::ring::default_provider().install_default();
    let sent = reqwest::Client::new().post(&wish.to).timeout(PATIENCE).body(raw).send().await;
    // The address holds a secret: it is not repeated in what is logged.
    match sent.map(|answer| answer.status().as_u16()) {
        Ok(200..=299) => OK,
        Ok(404) => told(NO_USER, "this address takes no e-mail"),
        Ok(413 | 422) => told(DATA_ERROR, "the message cannot be read"),
        Ok(status) => told(TEMPORARY, &format!("not taken: HTTP {status}")),
        Err(error) => told(TEMPORARY, &format!("not brought: {}", error.without_url())),
    }
}

fn told(code: i32, why: &str) -> i32 {
    eprintln!("weir mail-in: {why}");
    code
}
