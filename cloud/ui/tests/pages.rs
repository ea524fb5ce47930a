//! Every sample renders in every language with one h1, a title and no missing message.
use weir_ui::{Frame, i18n, sites};

#[test]
fn samples_render_in_every_language() {
    for lang in i18n::LANGUAGES {
        for (name, html) in sites::samples(&Frame::sample(lang)).expect("samples render") {
            assert_eq!(html.matches("<h1>").count(), 1, "{lang} {name}");
            assert!(html.contains("<title>") && !html.contains("<title> ·"), "{lang} {name}");
            for key in [">nav-", ">sites-", "\"search\" placeholder", ">save<", ">next-page<", ">skip<"] {
                assert!(!html.contains(key), "{lang} {name}: missing message {key}");
            }
        }
    }
}

#[test]
fn catalogues_have_the_same_keys() {
    let keys = |lang: &str| -> Vec<String> {
        let path = format!("{}/locales/{lang}/main.ftl", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("a catalogue");
        text.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key.to_owned()).collect()
    };
    for lang in i18n::LANGUAGES {
        assert_eq!(keys(lang), keys("en"), "{lang}");
    }
}
