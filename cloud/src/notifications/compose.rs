//! Puts a message into words: in the reader's language, in the ISP's name and colour.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use weir_rules::money::{Currency, Money};
use weir_ui::format;
use weir_ui::i18n::{LANGUAGES, t};
use weir_ui::mail::Mail;

use super::template::Leads;
use super::{Error, Preview, Template, Wording};
use crate::tenants::Tenant;

/// The reader of previews.
pub const SAMPLE_NAME: &str = "Amara Okafor";
/// Stands in a kept message where the link is that opens something.
pub(super) const HIDDEN: &str = "https://link.invalid/";
/// Longest subject, in characters.
pub(super) const SUBJECT_MAX: usize = 200;
/// Longest quotation of somebody else's words, in characters.
const QUOTE_MAX: usize = 1_000;

/// Something a message tells, to be written as the reader writes it.
#[derive(Clone, Debug)]
pub enum Fact {
    /// As it is.
    Text(String),
    /// An amount.
    Money(Money),
    /// A day.
    Day(NaiveDate),
    /// A moment.
    Instant(DateTime<Utc>),
    /// A volume.
    Bytes(i64),
    /// A part of a hundred.
    Percent(i64),
}

/// What a message tells, by the names of [`Template::facts`], and somebody else's words.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    told: Vec<(&'static str, Fact)>,
    quote: Option<String>,
}

impl Facts {
    /// These facts.
    pub fn of<const N: usize>(told: [(&'static str, Fact); N]) -> Self {
        Self { told: told.into(), quote: None }
    }

    /// One more, if it is known.
    #[must_use]
    pub fn and(mut self, name: &'static str, fact: Option<Fact>) -> Self {
        self.told.extend(fact.map(|fact| (name, fact)));
        self
    }

    /// With somebody else's words.
    #[must_use]
    pub fn quoting(self, words: &str) -> Self {
        let quote = words.trim().chars().filter(|letter| *letter == '\n' || !letter.is_control()).take(QUOTE_MAX);
        Self { quote: Some(quote.collect::<String>()).filter(|quote| !quote.is_empty()), ..self }
    }
}

/// Who reads it.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    pub name: String,
    pub language: &'static str,
    pub zone: Tz,
}

/// A message in words.
pub(super) struct Composed {
    pub subject: String,
    pub text: String,
    pub html: String,
    pub sms: String,
}

/// Writes a message. `link` is what its button leads to.
pub(super) fn compose(
    tenant: &Tenant,
    template: Template,
    reader: &Reader,
    facts: &Facts,
    wording: Option<&Wording>,
    link: Option<&str>,
) -> Result<Composed, Error> {
    let lang = reader.language;
    let names = names(tenant, template, reader, facts);
    let args: Vec<_> = names.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let key = |part: &str| format!("messages-{}-{part}", template.name());
    let words = |part: &str| plain(lang, t(lang, &key(part), &args));
    let own = |text: &str| Some(fill(text, &names)).filter(|text| !text.trim().is_empty());
    let subject = one_line(&wording.and_then(|own_words| own(&own_words.subject)).unwrap_or_else(|| words("subject")));
    let intro = wording.and_then(|own_words| own(&own_words.intro)).unwrap_or_else(|| words("intro"));
    let action = match template.leads() {
        Leads::Nowhere => None,
        Leads::Pay | Leads::Link => link.map(str::to_owned),
    };
    let shown = facts.told.iter().map(|(name, fact)| {
        let label = t(lang, &format!("messages-fact-{}", name.replace('_', "-")), &[]);
        (plain(lang, label), written(fact, reader))
    });
    let contact = Some(tenant.contact.clone()).filter(|contact| !contact.is_empty());
    let mail = Mail {
        lang,
        tenant: tenant.name.clone(),
        hue: tenant.hue.unsigned_abs(),
        subject: subject.clone(),
        greeting: plain(lang, t(lang, "messages-greeting", &[("name", &one_line(&reader.name))])),
        paragraphs: paragraphs(&intro),
        facts: shown.collect(),
        quote: facts.quote.clone(),
        action: action.map(|address| (address, words("action"))),
        sender: [Some(tenant.name.clone()), contact].into_iter().flatten().collect(),
    };
    // Characters outside the telephones' own alphabet make a short message cost double.
    let mut sms = one_line(&words("sms")).replace(['\u{a0}', '\u{202f}'], " ");
    if let Some((address, _)) = &mail.action {
        sms = format!("{sms} {address}");
    }
    Ok(Composed { text: mail.text().map_err(unwritten)?, html: mail.html().map_err(unwritten)?, subject, sms })
}

fn unwritten(error: impl std::fmt::Display) -> Error {
    Error::Template(error.to_string())
}

/// A message with invented facts, in a language, in the ISP's own words where it has some.
pub fn preview(
    tenant: &Tenant,
    template: Template,
    language: &'static str,
    wording: Option<&Wording>,
) -> Result<Preview, Error> {
    let zone = tenant.time_zone.parse().unwrap_or(Tz::UTC);
    let reader = Reader { name: SAMPLE_NAME.into(), language, zone };
    let currency = Currency::from_code(&tenant.currency).ok();
    let facts = template.facts().iter().fold(Facts::default(), |facts, name| facts.and(name, sample(name, currency)));
    let facts = match template {
        Template::TicketReplied => facts.quoting(&plain(language, t(language, "messages-sample-quote", &[]))),
        _ => facts,
    };
    let composed = compose(tenant, template, &reader, &facts, wording, Some("https://portal.example.net/link/sample"))?;
    Ok(Preview { subject: composed.subject, text: composed.text, html: composed.html, sms: composed.sms })
}

fn sample(name: &str, currency: Option<Currency>) -> Option<Fact> {
    let money = |units: i64| currency.and_then(|currency| Money::from_minor_units(units, currency).ok());
    let day = NaiveDate::from_ymd_opt(2026, 12, 15)?;
    Some(match name {
        "number" | "invoice" => Fact::Text("INV-2026-000042".into()),
        "total" | "amount" | "balance" | "price" => Fact::Money(money(4_490)?),
        "reason" => Fact::Text("3–9 Nov".into()),
        "fee" => Fact::Money(money(500)?),
        "due_on" | "received_on" | "starts_on" | "retry_on" | "last_on" => Fact::Day(day),
        "account" => Fact::Text("ACC-000017".into()),
        "ticket" => Fact::Text("T-000123".into()),
        "title" => Fact::Text("Wi-Fi".into()),
        "plan" => Fact::Text("Fibre 300".into()),
        "top_up" => Fact::Text("50 GB more".into()),
        "boost" => Fact::Text("Fast evening".into()),
        "from" => Fact::Instant(day.and_hms_opt(18, 0, 0)?.and_utc()),
        "until" => Fact::Instant(day.and_hms_opt(23, 0, 0)?.and_utc()),
        "volume" => Fact::Bytes(50_000_000_000),
        "expires_at" => Fact::Instant(day.and_hms_opt(18, 30, 0)?.and_utc()),
        "percent" => Fact::Percent(80),
        "used" => Fact::Bytes(400_000_000_000),
        "allowance" => Fact::Bytes(500_000_000_000),
        _ => return None,
    })
}

/// Everything the words may name, written for the reader; what is not known is empty.
fn names(tenant: &Tenant, template: Template, reader: &Reader, facts: &Facts) -> BTreeMap<&'static str, String> {
    let mut names: BTreeMap<_, _> = template.facts().iter().map(|name| (*name, String::new())).collect();
    names.extend(facts.told.iter().map(|(name, fact)| (*name, written(fact, reader))));
    names.insert("name", one_line(&reader.name));
    names.insert("isp", one_line(&tenant.name));
    names
}

fn written(fact: &Fact, reader: &Reader) -> String {
    let lang = reader.language;
    match fact {
        Fact::Text(text) => one_line(text),
        Fact::Money(money) => format::money(lang, money.amount(), money.currency().code()),
        Fact::Day(day) => format::date(lang, *day),
        Fact::Instant(at) => format::instant(lang, *at, reader.zone),
        Fact::Bytes(bytes) => format::bytes(lang, *bytes),
        Fact::Percent(percent) => format!("{percent}\u{a0}%"),
    }
}

/// An ISP's own words with the names in braces replaced.
fn fill(text: &str, names: &BTreeMap<&'static str, String>) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        match after.split_once('}').and_then(|(name, after)| Some((names.get(name)?, after))) {
            Some((value, after)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled + rest
}

/// A text on one line: nothing in it can begin another header of a mail.
pub(super) fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    spaced.split_ascii_whitespace().collect::<Vec<_>>().join(" ").chars().take(SUBJECT_MAX).collect()
}

/// Messages isolate what is put into them; mail programs and telephones of left-to-right readers show boxes for that.
fn plain(lang: &str, text: String) -> String {
    if lang == "ar" { text } else { text.replace(['\u{2068}', '\u{2069}'], "") }
}

fn paragraphs(text: &str) -> Vec<String> {
    let text = text.replace("\r\n", "\n");
    let parts = text.split("\n\n").map(|part| part.split_ascii_whitespace().collect::<Vec<_>>().join(" "));
    parts.filter(|part| !part.is_empty()).collect()
}

/// The language of the screens that this tag names.
pub(super) fn language(tag: &str) -> Option<&'static str> {
    LANGUAGES.into_iter().find(|known| *known == tag)
}
