//! What a message says itself, and what it repeats of those before it.

/// How programs announce what they repeat, at the beginning of a line.
const ANNOUNCED: [&str; 10] = [
    "-----Original Message-----",
    "-----Mensaje original-----",
    "-----Mensagem original-----",
    "-----Message d'origine-----",
    "-----Message d’origine-----",
    "-----الرسالة الأصلية-----",
    "________________________________",
    "---------- Forwarded message",
    "Begin forwarded message:",
    "-- Reply above this line --",
];
/// Lines a sentence like "On Monday, Ana wrote:" may be broken into.
const SENTENCE_LINES: usize = 3;

/// Body and quoted tail. What is repeated between the lines stays where it is answered.
pub fn fold(text: &str) -> (String, String) {
    let lines: Vec<&str> = text.lines().collect();
    let cut = announced(&lines).or_else(|| tail(&lines)).unwrap_or(lines.len());
    let (body, quoted) = lines.split_at(cut);
    let (body, quoted) = (body.join("\n").trim().to_owned(), quoted.join("\n").trim().to_owned());
    // A message of nothing but a quotation says it.
    if body.is_empty() { (quoted, String::new()) } else { (body, quoted) }
}

fn announced(lines: &[&str]) -> Option<usize> {
    lines.iter().position(|line| ANNOUNCED.iter().any(|begin| line.trim_start().starts_with(begin)))
}

/// Where the lines end that are all repeated, with the sentence before them.
fn tail(lines: &[&str]) -> Option<usize> {
    let own = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('>');
    let last_own = lines.iter().rposition(own)?;
    let mut start = last_own + 1;
    if !lines[start..].iter().any(|line| line.trim_start().starts_with('>')) {
        return None;
    }
    // "On Monday, Ana <ana@example.net> wrote:" ends in a colon in every language, and is a paragraph of its own.
    if lines[last_own].trim_end().ends_with(':') {
        start = last_own;
        while start > 0 && last_own - start < SENTENCE_LINES - 1 && !lines[start - 1].trim().is_empty() {
            start -= 1;
        }
    }
    Some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_folded_with_the_sentence_before_it() {
        let text = "It works again.\n\nOn Mon, 23 Nov 2026 at 10:00, Support\n<support@isp.example> wrote:\n\n> Please restart\n>\n> Regards";
        let (body, quoted) = fold(text);
        assert_eq!(body, "It works again.");
        assert!(quoted.starts_with("On Mon") && quoted.ends_with("> Regards"), "{quoted}");
        let (body, quoted) = fold("Ya funciona\n\nEl lun, 23 nov 2026, Soporte escribió:\n> Reinicie");
        assert_eq!((body.as_str(), quoted.lines().count()), ("Ya funciona", 2));
    }

    #[test]
    fn an_announced_message_is_folded_whatever_it_looks_like() {
        let (body, quoted) = fold("Thanks\n-----Original Message-----\nFrom: Support\nRestart it");
        assert_eq!(body, "Thanks");
        assert!(quoted.ends_with("Restart it"));
    }

    #[test]
    fn answers_between_the_lines_stay() {
        let text = "> Is the light green?\nNo, red.\n> Which model?\nX200";
        assert_eq!(fold(text), (text.to_owned(), String::new()));
    }

    #[test]
    fn a_message_without_quotation_is_its_body() {
        assert_eq!(fold("Hello\n\nNote: all is well"), ("Hello\n\nNote: all is well".into(), String::new()));
        assert_eq!(fold(""), (String::new(), String::new()));
        assert_eq!(fold("> only this").0, "> only this");
    }
}
