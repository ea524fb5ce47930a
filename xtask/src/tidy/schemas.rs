//! Each type of the API's description has a name of its own: of two with one name, only one would be described.

use super::{Breach, File};
use std::collections::BTreeMap;

/// Names of schemas over all files.
pub fn check(files: &[File]) -> Vec<Breach> {
    let mut taken: BTreeMap<String, &str> = BTreeMap::new();
    let mut breaches = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with("cloud/src/") && file.is("rs")) {
        for (line, name) in names(file) {
            let rule = |other: &str| format!("the schema `{name}` is in {other} too: name it with #[schema(as = ...)]");
            match taken.get(&name) {
                Some(other) => breaches.push(file.breach(line, rule(other))),
                None => drop(taken.insert(name, &file.path)),
            }
        }
    }
    breaches
}

/// Types that derive `ToSchema`, by the name they have in the description.
fn names(file: &File) -> Vec<(usize, String)> {
    let mut names = Vec::new();
    let (mut derives, mut given) = (false, None);
    for (number, line) in file.code() {
        if line.starts_with("#[derive(") {
            (derives, given) = (line.contains("ToSchema"), None);
        } else if let Some((_, name)) = line.starts_with("#[schema(").then(|| line.split_once("as = ")).flatten() {
            given = Some(word(name));
        } else if let Some(declared) = declared(line).filter(|_| std::mem::take(&mut derives)) {
            names.push((number, given.take().unwrap_or_else(|| word(declared))));
        }
    }
    names
}

fn declared(line: &str) -> Option<&str> {
    let bare = line.strip_prefix("pub").and_then(|rest| rest.split_once(' ')).map_or(line, |(_, rest)| rest);
    bare.strip_prefix("struct ").or_else(|| bare.strip_prefix("enum "))
}

fn word(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: format!("cloud/src/{path}.rs"), text: text.into() }
    }

    #[test]
    fn two_schemas_of_one_name_are_found() {
        let one =
            file("a", "#[derive(ToSchema)]\n#[serde(untagged)]\npub struct Entry {}\n#[derive(Debug)]\nstruct X;\n");
        let other = file("b", "#[derive(Debug, ToSchema)]\npub(crate) enum Entry {}\nstruct X;\n");
        let found: Vec<_> = check(&[one, other]).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("cloud/src/b.rs:2: the schema `Entry` is in cloud/src/a.rs too"), "{found:?}");
    }

    #[test]
    fn a_schema_may_be_named_otherwise() {
        let one = file("a", "#[derive(ToSchema)]\npub struct Entry {}\n");
        let other = file("b", "#[derive(ToSchema)]\n#[schema(as = TicketEntry)]\npub struct Entry {}\n");
        assert_eq!(check(&[one, other]), []);
    }
}
