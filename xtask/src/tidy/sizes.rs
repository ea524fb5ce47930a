//! How long a file and a function may be.

use super::{Breach, File};

const FILE_LINES_MAX: usize = 800;
const FUNCTION_LINES_MAX: usize = 70;

/// Code files only; a test's story counts like any other function.
pub fn check(file: &File) -> Vec<Breach> {
    let mut breaches = Vec::new();
    if !["rs", "css", "js", "ts", "html", "sql"].iter().any(|extension| file.is(extension)) {
        return breaches;
    }
    let lines: Vec<&str> = file.text.lines().collect();
    if lines.len() > FILE_LINES_MAX {
        breaches.push(
            file.breach(FILE_LINES_MAX, format!("a file of {} lines; {FILE_LINES_MAX} is the limit", lines.len())),
        );
    }
    if file.is("rs") {
        for (start, length) in functions(&lines).filter(|(_, length)| *length > FUNCTION_LINES_MAX) {
            let rule = format!("a function of {length} lines; {FUNCTION_LINES_MAX} is the limit");
            breaches.push(file.breach(start + 1, rule));
        }
    }
    breaches
}

/// First line (from 0) and length of every function, as rustfmt lays them out: the closing brace is indented like `fn`.
fn functions<'a>(lines: &'a [&'a str]) -> impl Iterator<Item = (usize, usize)> + 'a {
    lines.iter().enumerate().filter(|(_, line)| opens_function(line)).filter_map(|(start, line)| {
        let indent = &line[..line.len() - line.trim_start().len()];
        let signature_end = start + lines[start..].iter().position(|line| line.ends_with(['{', ';', '}']))?;
        if !lines[signature_end].ends_with('{') {
            return None;
        }
        let closing = format!("{indent}}}");
        let end = signature_end + lines[signature_end..].iter().position(|line| *line == closing)?;
        Some((start, end - start + 1))
    })
}

fn opens_function(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let qualifiers = ["pub", "const", "async", "unsafe", "extern", "\"C\""];
    let first = words.find(|word| !qualifiers.contains(word) && !word.starts_with("pub("));
    first == Some("fn")
}
