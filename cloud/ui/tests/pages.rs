//! Every sample renders in every language, with one h1 and a title; the catalogues have the same keys.
use weir_ui::samples::{self, SAMPLES, VARIANTS};
use weir_ui::{Frame, i18n};

fn sample(name: &str, lang: &'static str) -> String {
    samples::page(name, &Frame::sample(lang)).expect("a sample of this name").expect("samples render")
}

#[test]
fn samples_render_in_every_language() {
    for lang in i18n::LANGUAGES {
        for (name, _) in SAMPLES {
            let html = sample(name, lang);
            assert_eq!(html.matches("<h1>").count(), 1, "{lang} {name}");
            assert!(!html.contains("<title> "), "{lang} {name}: no title");
            assert!(!html.contains("<script>") && !html.contains("style="), "{lang} {name}: inline script or style");
            assert!(!html.contains("<b>\""), "{lang} {name}: unescaped");
        }
    }
}

#[test]
fn the_gallery_shows_both_themes_in_both_directions() {
    let directions = |theme: &str| {
        let shown = VARIANTS.iter().filter(|(_, shown)| *shown == theme);
        let mut directions: Vec<_> = shown.map(|(lang, _)| Frame::sample(lang).dir()).collect();
        directions.sort_unstable();
        directions
    };
    assert_eq!(directions("light"), ["ltr", "rtl"]);
    assert_eq!(directions("dark"), ["ltr", "rtl"]);
}

#[test]
fn a_form_keeps_what_was_typed_and_says_what_is_wrong() {
    let html = sample("form-refused", "en");
    assert!(html.contains(r#"value="&#60;b&#62;""#), "{html}");
    assert!(html.contains(r#"<option value="b" selected>"#), "{html}");
    assert!(html.contains(r#"aria-invalid="true" aria-describedby="line-error""#), "{html}");
}

#[test]
fn what_destroys_asks_first_and_names_the_thing() {
    let html = sample("show", "en");
    assert!(html.contains("<confirm-dialog><form method=\"post\""), "{html}");
    assert!(html.contains("Enroll \u{2068}edge-north-02\u{2069} again?"), "{html}");
}

#[test]
fn two_keys_lead_to_what_the_person_may_open_and_nowhere_else() {
    let mut frame = Frame::sample("en");
    let letters = |frame: &Frame| frame.ways().iter().map(|way| way.letter).collect::<String>();
    let all = letters(&frame);
    let mut unique: Vec<_> = all.chars().collect();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), frame.nav.len(), "every place has a letter of its own: {all}");
    frame.nav.retain(|item| item.href == "/sites");
    assert_eq!(letters(&frame), "t");
}

#[test]
fn catalogues_have_the_same_keys_and_placeholders() {
    let entries = |lang: &str| -> Vec<(String, usize)> {
        let folder = format!("{}/locales/{lang}", env!("CARGO_MANIFEST_DIR"));
        let mut files: Vec<_> =
            std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path()).collect();
        files.sort();
        let read = |path| std::fs::read_to_string(path).expect("a catalogue");
        let text: String = files.iter().map(read).collect();
        let entries = text.lines().filter_map(|line| line.split_once(" = "));
        entries.map(|(key, message)| (key.to_owned(), message.matches("{ $").count())).collect()
    };
    for lang in i18n::LANGUAGES {
        assert_eq!(entries(lang), entries("en"), "{lang}");
    }
}
