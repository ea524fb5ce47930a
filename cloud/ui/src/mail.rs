//! Mail to subscribers and staff: one message as plain text and as HTML that looks right in light and dark.
//!
//! Mail programs know neither style sheets of ours nor `oklch`: styles stand in the elements, colours are computed.

use askama::Template;

use crate::colour::hex;

/// One message; texts arrive translated and formatted.
#[derive(Debug, Clone)]
pub struct Mail {
    /// A tag of [`crate::i18n::LANGUAGES`].
    pub lang: &'static str,
    /// The sender's name, as subscribers know it.
    pub tenant: String,
    /// The sender's hue, 0 to 359.
    pub hue: u16,
    /// What it is about; one line.
    pub subject: String,
    /// How the reader is greeted.
    pub greeting: String,
    /// What it says, in paragraphs.
    pub paragraphs: Vec<String>,
    /// Name and value of what it is about.
    pub facts: Vec<(String, String)>,
    /// Somebody else's words.
    pub quote: Option<String>,
    /// What to do: address and words.
    pub action: Option<(String, String)>,
    /// Who sent it and how to reach them, a line each.
    pub sender: Vec<String>,
}

#[derive(Template)]
#[template(path = "mail/message.html")]
struct Html<'a> {
    mail: &'a Mail,
    light: Palette,
    dark: Palette,
}

#[derive(Template)]
#[template(path = "mail/message.txt")]
struct Text<'a> {
    mail: &'a Mail,
}

/// The colours of a theme, as mail programs understand them.
struct Palette {
    canvas: String,
    surface: String,
    line: String,
    ink: String,
    quiet: String,
    brand: String,
    on_brand: String,
}

impl Palette {
    fn light(hue: u16) -> Self {
        Self {
            canvas: hex(0.965, 0.004, 95.0),
            surface: hex(1.0, 0.0, 0.0),
            line: hex(0.905, 0.005, 95.0),
            ink: hex(0.235, 0.012, 260.0),
            quiet: hex(0.435, 0.012, 260.0),
            brand: hex(0.52, 0.13, f64::from(hue)),
            on_brand: hex(1.0, 0.0, 0.0),
        }
    }

    fn dark(hue: u16) -> Self {
        Self {
            canvas: hex(0.16, 0.011, 255.0),
            surface: hex(0.222, 0.013, 255.0),
            line: hex(0.315, 0.014, 255.0),
            ink: hex(0.945, 0.004, 255.0),
            quiet: hex(0.775, 0.010, 255.0),
            brand: hex(0.76, 0.11, f64::from(hue)),
            on_brand: hex(0.185, 0.012, 255.0),
        }
    }
}

impl Mail {
    /// As HTML.
    pub fn html(&self) -> askama::Result<String> {
        Html { mail: self, light: Palette::light(self.hue), dark: Palette::dark(self.hue) }.render()
    }

    /// As plain text, for those whose programs show no HTML; it says the same.
    pub fn text(&self) -> askama::Result<String> {
        Ok(Text { mail: self }.render()?.trim().to_owned() + "\n")
    }

    fn dir(&self) -> &'static str {
        if self.lang == "ar" { "rtl" } else { "ltr" }
    }
}

/// A text as it stands in the HTML of a message.
#[must_use]
pub fn escaped(text: &str) -> String {
    askama::filters::escape(text, askama::filters::Html).map_or_else(|never| match never {}, |text| text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(lang: &'static str) -> Mail {
        Mail {
            lang,
            tenant: "Northwind <Fibre>".into(),
            hue: 25,
            subject: "Invoice INV-2026-000001".into(),
            greeting: "Hello Amara,".into(),
            paragraphs: vec!["One.".into(), "Two & three.".into()],
            facts: vec![("Total".into(), "€44.90".into())],
            quote: Some("First line\nsecond <b>line</b>".into()),
            action: Some(("https://pay.example.net/?a=1&b=2".into(), "Pay now".into())),
            sender: vec!["Northwind <Fibre>".into(), "+34 600 000 000".into()],
        }
    }

    #[test]
    fn both_forms_say_the_same() {
        let (text, html) = (mail("en").text().unwrap(), mail("en").html().unwrap());
        for words in ["Hello Amara,", "One.", "Total", "€44.90", "+34 600 000 000"] {
            assert!(text.contains(words) && html.contains(words), "{words}: {text}{html}");
        }
        assert!(text.contains("https://pay.example.net/?a=1&b=2") && text.contains("Two & three."), "{text}");
        assert!(text.contains("> second <b>line</b>"), "{text}");
        assert!(!html.contains("<b>line") && html.contains("Two &#38; three."), "{html}");
        assert!(!html.contains("oklch") && !html.contains("<script") && !html.contains("<img"), "{html}");
        assert!(html.contains("prefers-color-scheme:dark") && html.contains("lang=\"en\" dir=\"ltr\""), "{html}");
        assert!(mail("ar").html().unwrap().contains("dir=\"rtl\""));
    }
}
