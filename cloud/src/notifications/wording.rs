//! Which built-in messages an ISP sends, by what, and in which words of its own.

use serde_json::json;

use super::compose::SUBJECT_MAX;
use super::store::settings as store;
use super::{Error, Template, TemplateSettings, TemplateWish, Wording};
use crate::audit;
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::tenants::LANGUAGES;

/// Longest of an ISP's own texts, in characters.
const INTRO_MAX: usize = 2_000;
/// What every message may name besides its own facts.
const ALWAYS: [&str; 2] = ["name", "isp"];

/// Every built-in message as the transaction's ISP sends it.
pub async fn templates(tx: &mut TenantTx) -> Result<Vec<TemplateSettings>, Error> {
    let switches = store::switches(tx).await?;
    let wordings = store::wordings(tx).await?;
    let one = |template: Template| {
        let name = template.name();
        let chosen = switches.iter().find(|(of, ..)| of == name);
        let (email, sms) = chosen.map_or((true, false), |(_, email, sms)| (*email, *sms));
        let own = wordings.iter().filter(|(of, _)| of == name).map(|(_, wording)| wording.clone());
        let facts = ALWAYS.iter().chain(template.facts()).copied().collect();
        TemplateSettings { template, optional: template.is_optional(), email, sms, facts, wordings: own.collect() }
    };
    Ok(Template::ALL.map(one).to_vec())
}

/// One of them.
pub async fn template(tx: &mut TenantTx, template: Template) -> Result<TemplateSettings, Error> {
    let found = templates(tx).await?.into_iter().find(|one| one.template == template);
    found.ok_or_else(|| Error::UnknownTemplate(template.name().to_owned()))
}

/// Changes whether and in what words a built-in message is sent.
pub async fn change_template(
    tx: &mut TenantTx,
    changed: Template,
    wish: TemplateWish,
) -> Result<TemplateSettings, Error> {
    let before = template(tx, changed).await?;
    check(&before, wish.wordings.as_deref().unwrap_or_default())?;
    let (email, sms) = (wish.email.unwrap_or(before.email), wish.sms.unwrap_or(before.sms));
    if !email && !before.optional {
        return Err(Error::NotOptional(changed.name()));
    }
    if (email, sms) != (before.email, before.sms) {
        store::save_switch(tx, changed.name(), email, sms).await?;
    }
    for wording in wish.wordings.iter().flatten() {
        if wording.subject.trim().is_empty() && wording.intro.trim().is_empty() {
            store::delete_wording(tx, changed.name(), &wording.language).await?;
        } else {
            store::save_wording(tx, changed.name(), wording).await?;
        }
    }
    let after = template(tx, changed).await?;
    let subject = tx.tenant();
    audit::record(tx, "change message", subject, json!({ "before": before, "after": after })).await?;
    Ok(after)
}

fn check(of: &TemplateSettings, wordings: &[Wording]) -> Result<(), Error> {
    let mut errors = Vec::new();
    for (n, wording) in wordings.iter().enumerate() {
        let field = |name: &str| format!("wordings.{n}.{name}");
        if !LANGUAGES.contains(&wording.language.as_str()) {
            let message = format!("must be one of {}, found {:?}", LANGUAGES.join(", "), wording.language);
            errors.push(FieldError::new(field("language"), message));
        }
        if wording.subject.chars().any(char::is_control) {
            errors.push(FieldError::new(field("subject"), "must be one line"));
        }
        if wording.intro.chars().any(|letter| letter.is_control() && !matches!(letter, '\r' | '\n' | '\t')) {
            errors.push(FieldError::new(field("intro"), "must not contain control characters"));
        }
        for (name, text, max) in [("subject", &wording.subject, SUBJECT_MAX), ("intro", &wording.intro, INTRO_MAX)] {
            if text.chars().count() > max {
                errors.push(FieldError::new(field(name), format!("must have at most {max} characters")));
            }
            if let Some(unknown) = unknown_fact(text, &of.facts) {
                let known = of.facts.iter().map(|fact| format!("{{{fact}}}")).collect::<Vec<_>>().join(", ");
                errors.push(FieldError::new(field(name), format!("must not name {{{unknown}}}, but may name {known}")));
            }
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}

/// A name in braces that the message does not tell.
fn unknown_fact<'a>(text: &'a str, facts: &[&str]) -> Option<&'a str> {
    let named = text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name));
    named.into_iter().find(|name| !facts.contains(name))
}
