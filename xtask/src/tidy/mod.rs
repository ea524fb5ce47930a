//! The rules of the tree that no compiler checks. Each breach is printed as `file:line: rule`.

mod edges;
mod schemas;
mod sizes;
mod web;
mod words;

use crate::workspace::{files, root};
use anyhow::{Context, Result, bail};
use std::fmt;
use std::fs;

/// A file as the rules see it.
pub struct File {
    /// Relative to the root.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// A rule that is broken somewhere.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Breach {
    path: String,
    line: usize,
    rule: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.rule)
    }
}

impl File {
    /// A breach at a line, counted from 1.
    pub fn breach(&self, line: usize, rule: impl Into<String>) -> Breach {
        Breach { path: self.path.clone(), line, rule: rule.into() }
    }

    /// The name without folders.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether it has this extension.
    pub fn is(&self, extension: &str) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, found)| found == extension)
    }

    /// Lines of code with their numbers: comments are left out.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// Checks every file; prints all breaches.
pub fn run() -> Result<()> {
    let mut files_read = Vec::new();
    for path in files()?.into_iter().filter(|path| !is_made(path)) {
        let bytes = fs::read(root().join(&path)).with_context(|| format!("reading {path}"))?;
        if let Ok(text) = String::from_utf8(bytes) {
            files_read.push(File { path, text });
        }
    }
    let mut breaches: Vec<_> = files_read.iter().flat_map(check).chain(schemas::check(&files_read)).collect();
    breaches.sort();
    for breach in &breaches {
        eprintln!("{breach}");
    }
    if !breaches.is_empty() {
        bail!("{} breaches of the tree's rules", breaches.len());
    }
    Ok(())
}

fn check(file: &File) -> Vec<Breach> {
    [sizes::check, words::check, edges::check, web::check].into_iter().flat_map(|rule| rule(file)).collect()
}

/// Files nobody writes by hand.
fn is_made(path: &str) -> bool {
    let made = ["Cargo.lock", "package-lock.json", "cloud/schema.sql", "cloud/openapi.json"];
    made.iter().any(|name| path.ends_with(name)) || path.starts_with("cloud/.sqlx/") || path.contains("/snapshots/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<String> {
        check(&File { path: path.into(), text: text.into() }).into_iter().map(|breach| breach.to_string()).collect()
    }

    #[test]
    fn a_good_file_breaks_no_rule() {
        assert_eq!(rules("agent/src/plan/mod.rs", "//! Decides.\n\nfn f() {}\n"), Vec::<String>::new());
    }

    #[test]
    fn every_module_says_what_it_is() {
        assert_eq!(rules("agent/src/spool.rs", "fn f() {}\n"), ["agent/src/spool.rs:1: a module opens with //!"]);
    }

    #[test]
    fn a_long_function_is_found_at_its_first_line() {
        let text = format!(
            "//! x\nimpl A {{\n    fn f(\n        a: u8,\n    ) {{\n{}    }}\n}}\n",
            "        g();\n".repeat(70)
        );
        assert_eq!(rules("agent/src/a.rs", &text), ["agent/src/a.rs:3: a function of 74 lines; 70 is the limit"]);
    }

    #[test]
    fn only_stores_have_sql() {
        let text = "//! x\nfn f() { sqlx::query!(\"SELECT 1\") }\n";
        assert_eq!(rules("cloud/src/billing/store.rs", text), Vec::<String>::new());
        assert_eq!(rules("cloud/src/billing/service.rs", text).len(), 1);
    }

    #[test]
    fn floats_stay_away_from_money() {
        let found = rules("cloud/rules/src/money.rs", "//! No f64 here.\nfn f(x: f64) {}\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("cloud/rules/src/money.rs:2:"));
    }

    #[test]
    fn pages_have_no_inline_script_and_styles_no_sides() {
        assert_eq!(rules("cloud/ui/templates/a.html", "<script src=\"/x.js\"></script>\n"), Vec::<String>::new());
        assert_eq!(
            rules("cloud/ui/templates/a.html", "<script>x()</script>\n<p onclick=\"y()\" style=\"x\">\n").len(),
            3
        );
        assert_eq!(rules("cloud/ui/assets/a.css", "a { margin-left: 1px; margin-inline: 0; left: 0 }\n").len(), 2);
    }
}
