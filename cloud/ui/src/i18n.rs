//! Fluent catalogues in five languages. Templates reach them through [`crate::Frame::t`].
use std::borrow::Cow;
use std::collections::HashMap;

use fluent_templates::{Loader, fluent_bundle::FluentValue, static_loader};
use unic_langid::LanguageIdentifier;

static_loader! {
    static LOCALES = { locales: "./locales", fallback_language: "en" };
}

/// The languages of the screens.
pub const LANGUAGES: [&str; 5] = ["en", "es", "pt-BR", "fr", "ar"];

/// The message `key` in `lang` (a tag of [`LANGUAGES`]; others read English), or the key itself when there is none.
#[must_use]
pub fn t(lang: &str, key: &str, args: &[(&'static str, &str)]) -> String {
    let id: LanguageIdentifier = lang.parse().unwrap_or_default();
    let args: HashMap<Cow<'static, str>, FluentValue<'_>> =
        args.iter().map(|(name, value)| (Cow::Borrowed(*name), FluentValue::from((*value).to_owned()))).collect();
    LOCALES.try_lookup_with_args(&id, key, &args).unwrap_or_else(|| key.to_owned())
}
