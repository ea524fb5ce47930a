//! Reads a message: who, to whom, what, which files; and whether a program sent it.

use mail_parser::{Address, HeaderValue, Message, MessageParser, MimeHeaders};
use sha2::{Digest, Sha256};

use crate::tickets::File;

/// Characters of a subject at most.
const TITLE_MAX: usize = 200;
/// Characters of a text that are read.
const TEXT_MAX: usize = 200_000;
/// Headers that say where a message was delivered, beside To and Cc.
const DELIVERED: [&str; 4] = ["Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To"];
/// How mail programs mark an answer or a forward.
const PREFIXES: [&str; 14] =
    ["re", "aw", "sv", "antw", "rv", "res", "rép", "rep", "رد", "fwd", "fw", "wg", "enc", "tr"];

/// A message as tickets need it.
#[derive(Debug)]
pub struct Mail {
    pub message_id: String,
    pub sender: String,
    pub sender_name: String,
    pub subject: String,
    pub text: String,
    pub recipients: Vec<String>,
    /// Messages it answers, the nearest first.
    pub answers: Vec<String>,
    /// Why a program sent it, if one did.
    pub automatic: Option<&'static str>,
    pub files: Vec<File>,
}

impl Mail {
    /// The subject without the marks of an answer, or the first words of the text.
    pub fn title(&self) -> String {
        let mut subject = self.subject.trim();
        while let Some((mark, rest)) = subject.split_once(':') {
            if !PREFIXES.contains(&mark.trim().to_lowercase().as_str()) {
                break;
            }
            subject = rest.trim_start();
        }
        let first = self.text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("—");
        let title = if subject.is_empty() { first } else { subject };
        title.chars().take(TITLE_MAX).collect()
    }
}

/// The message, if it is one.
pub fn read(raw: &[u8]) -> Option<Mail> {
    let message = MessageParser::default().parse(raw)?;
    let from = message.from()?.first()?;
    let sender = from.address()?.trim().to_lowercase();
    if !sender.contains('@') {
        return None;
    }
    let given = message.message_id().map(str::trim).filter(|id| !id.is_empty());
    // Without an id of its own a message is named by all it says.
    let message_id = given.map_or_else(|| format!("sha256:{}", hex::encode(Sha256::digest(raw))), str::to_owned);
    let text =
        (0..message.text_body_count()).filter_map(|part| message.body_text(part)).collect::<Vec<_>>().join("\n\n");
    Some(Mail {
        message_id: plain(&message_id, 998),
        sender_name: plain(from.name().unwrap_or_default(), TITLE_MAX),
        subject: plain(message.subject().unwrap_or_default(), 998),
        text: plain(&text.replace("\r\n", "\n"), TEXT_MAX).trim().to_owned(),
        recipients: recipients(&message),
        answers: answers(&message),
        automatic: automatic(&message, &sender),
        files: files(&message),
        sender: plain(&sender, 320),
    })
}

/// Without the character the database cannot hold, and not longer than this.
fn plain(text: &str, most: usize) -> String {
    text.chars().filter(|c| *c != '\0').take(most).collect()
}

fn recipients(message: &Message<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let named = |address: Option<&Address<'_>>| -> Vec<String> {
        let all = address.into_iter().flat_map(|address| address.iter());
        all.filter_map(|one| one.address().map(str::to_owned)).collect()
    };
    found.extend(named(message.to()));
    found.extend(named(message.cc()));
    for header in DELIVERED {
        found.extend(message.header_raw(header).map(|raw| raw.trim().trim_matches(['<', '>']).to_owned()));
    }
    found
}

fn answers(message: &Message<'_>) -> Vec<String> {
    let ids = |value: &HeaderValue<'_>| -> Vec<String> {
        match value {
            HeaderValue::Text(id) => vec![id.to_string()],
            HeaderValue::TextList(ids) => ids.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        }
    };
    let mut found = ids(message.in_reply_to());
    found.extend(ids(message.references()).into_iter().rev().take(20));
    found
}

/// Why nobody wrote this: a bounce, an automatic reply, a list.
fn automatic(message: &Message<'_>, sender: &str) -> Option<&'static str> {
    let header = |name: &'static str| message.header_raw(name).map(|raw| raw.trim().to_lowercase());
    let bounced = header("Return-Path").is_some_and(|path| path == "<>");
    let report = header("Content-Type").is_some_and(|kind| kind.starts_with("multipart/report"));
    let daemon = ["mailer-daemon", "postmaster"].iter().any(|name| sender.split('@').next() == Some(name));
    if report || daemon || bounced {
        return Some("bounce");
    }
    if header("Auto-Submitted").is_some_and(|value| !value.starts_with("no")) {
        return Some("auto_submitted");
    }
    let bulk =
        header("Precedence").is_some_and(|value| ["bulk", "junk", "list", "auto_reply"].contains(&value.as_str()));
    if bulk || ["X-Autoreply", "X-Autorespond", "X-Auto-Reply"].into_iter().any(|name| header(name).is_some()) {
        return Some("auto_submitted");
    }
    if ["List-Id", "List-Unsubscribe"].into_iter().any(|name| header(name).is_some()) {
        return Some("list");
    }
    None
}

fn files(message: &Message<'_>) -> Vec<File> {
    let name = |n: usize, part: &mail_parser::MessagePart<'_>| {
        let kind = part.content_type().and_then(|kind| kind.subtype()).unwrap_or("bin");
        let ending = if kind == "jpeg" {
            "jpg"
        } else if kind == "plain" {
            "txt"
        } else {
            kind
        };
        part.attachment_name().map_or_else(|| format!("attachment-{}.{ending}", n + 1), str::to_owned)
    };
    let all = message.attachments().enumerate();
    all.map(|(n, part)| File { name: plain(&name(n, part), TITLE_MAX), content: part.contents().to_vec() }).collect()
}
