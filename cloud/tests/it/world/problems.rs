//! Every kind of problem is known once and explains itself.

use std::collections::BTreeSet;

use axum::http::Method;
use weir_cloud::error::all_kinds;

use crate::harness::run;

#[test]
fn slugs_are_unique_and_kinds_say_what_to_do() {
    let mut seen = BTreeSet::new();
    for kind in all_kinds() {
        assert!(seen.insert(kind.slug), "{} is declared twice", kind.slug);
        assert!(kind.slug.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", kind.slug);
        assert!((400..600).contains(&kind.status), "{}", kind.slug);
        assert!(kind.help.ends_with('.') && kind.help.len() > 20, "{} does not say what to do", kind.slug);
    }
}

#[test]
fn every_kind_declared_in_the_source_is_registered() {
    let registered: BTreeSet<_> = all_kinds().map(|kind| kind.slug.to_owned()).collect();
    for file in sources(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))) {
        let text = std::fs::read_to_string(&file).unwrap();
        let Some((_, declared)) = text.split_once("kinds! {") else { continue };
        let declared = declared.split("\n}").next().unwrap();
        for slug in declared.lines().filter_map(|line| line.trim().split_once(" = ")?.1.split('"').nth(1)) {
            assert!(registered.contains(slug), "{slug} of {} is not in error::all_kinds", file.display());
        }
    }
}

#[test]
fn every_kind_has_a_page() {
    run(|cloud| async {
        for kind in all_kinds() {
            let answer = cloud.ask(None, Method::GET, &format!("/errors/{}", kind.slug), None).await;
            assert_eq!(answer.status, 200, "/errors/{}", kind.slug);
            assert!(answer.text.contains(kind.slug) && answer.text.contains("<h1"), "/errors/{}", kind.slug);
        }
    });
}

/// Every file below a folder.
pub fn sources(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
