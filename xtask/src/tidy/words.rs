//! What a file may be called, how a module opens, and which words mean that something is not finished.

use super::{Breach, File};

const HEADER_LINES_MAX: usize = 10;
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "manager", "misc", "stuff"];
/// Put together here, so that this file does not break its own rule.
const UNFINISHED: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "says what is missing: finish it or open an issue"),
    (concat!("FIX", "ME"), "says what is broken: mend it"),
    (concat!("dbg", "!("), "is for debugging"),
    (concat!("todo", "!("), "is not code"),
    (concat!("unimplemented", "!("), "is not code"),
    (concat!("#[", "ignore"), "hides a test"),
    (concat!("#[", "allow("), "is silent for ever: use #[expect(lint, reason = ...)]"),
];

/// Names of all files; contents of Rust and web files.
pub fn check(file: &File) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let names = file.path.split('/').map(|part| part.split('.').next().unwrap_or(part));
    for name in names.filter(|name| EMPTY_NAMES.contains(name)) {
        breaches.push(file.breach(1, format!("the name `{name}` says nothing")));
    }
    if !["rs", "css", "js", "ts", "html", "sql"].iter().any(|extension| file.is(extension)) {
        return breaches;
    }
    for (number, line) in file.text.lines().enumerate() {
        for (word, why) in UNFINISHED.iter().filter(|(word, _)| line.contains(word)) {
            breaches.push(file.breach(number + 1, format!("`{word}` {why}")));
        }
    }
    if file.is("rs") {
        let header = file.text.lines().take_while(|line| line.starts_with("//!")).count();
        if header == 0 {
            breaches.push(file.breach(1, "a module opens with //!"));
        }
        if header > header_limit(file) {
            breaches
                .push(file.breach(HEADER_LINES_MAX, format!("a module's //! has at most {HEADER_LINES_MAX} lines")));
        }
    }
    breaches
}

/// A drawing in a fence does not count.
fn header_limit(file: &File) -> usize {
    let header = file.text.lines().take_while(|line| line.starts_with("//!"));
    let mut inside = false;
    let mut drawn = 0;
    for line in header {
        let fence = line.contains("```");
        drawn += usize::from(inside || fence);
        inside ^= fence;
    }
    HEADER_LINES_MAX + drawn
}
