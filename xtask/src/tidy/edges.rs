//! Who may know whom. The crates' own dependencies are cargo's business; these are the edges inside them.

use super::{Breach, File};

/// Files under `of`, except those `but` names, must not have any of `words`.
struct Edge {
    of: &'static [&'static str],
    but: fn(&File) -> bool,
    words: &'static [&'static str],
    rule: &'static str,
}

const EDGES: &[Edge] = &[
    Edge {
        of: &["cloud/src/"],
        but: |file| is_named(file, "store") || under(file, &["cloud/src/db/", "cloud/src/jobs/"]),
        words: &["sqlx::query", "query!(", "query_as!(", "query_scalar!(", "QueryBuilder"],
        rule: "only store.rs has SQL",
    },
    Edge {
        of: &["cloud/src/"],
        but: |file| {
            is_named(file, "api") || is_named(file, "pages") || under(file, &["cloud/src/http/", "cloud/src/error.rs"])
        },
        words: &["axum::", "axum_extra::"],
        rule: "only api.rs, pages.rs and http know axum",
    },
    Edge {
        of: &["cloud/rules/src/"],
        but: |_| false,
        words: &["tokio", "sqlx", "axum", "Utc::now", "SystemTime", "f32", "f64", "async fn", "std::fs", "std::env"],
        rule: "rules are pure: no IO, no clock, no async, no floats",
    },
    Edge {
        of: &["cloud/ui/src/"],
        but: |_| false,
        words: &["tokio", "sqlx", "axum", "Utc::now", "SystemTime"],
        rule: "ui turns data into HTML and knows nothing else",
    },
    Edge {
        of: &["cloud/src/ledger/", "cloud/src/billing/", "cloud/src/payments/"],
        but: |_| false,
        words: &["f32", "f64"],
        rule: "no floats near money",
    },
    Edge {
        of: &["agent/src/plan"],
        but: |_| false,
        words: &["tokio", "Instant::now", "SystemTime", "Utc::now", "async fn", "netlink", "southbound::linux"],
        rule: "plan decides: no tokio, no clock, no kernel",
    },
    Edge {
        of: &["agent/src/northbound/"],
        but: |_| false,
        words: &["southbound::linux", "rtnetlink", "nftables"],
        rule: "northbound never touches the kernel",
    },
    Edge {
        of: &["agent/src/"],
        but: |file| under(file, &["agent/src/southbound/linux"]),
        words: &["rtnetlink::", "netlink_packet_route::", "nftables::"],
        rule: "southbound::linux alone touches the kernel",
    },
    Edge {
        of: &["protocol/src/"],
        but: |_| false,
        words: &["quinn", "sqlx", "std::fs", "std::net::Tcp", "std::net::Udp"],
        rule: "the protocol is words and their framing; it opens nothing",
    },
];

/// Rust files only.
pub fn check(file: &File) -> Vec<Breach> {
    let mut breaches = Vec::new();
    if !file.is("rs") {
        return breaches;
    }
    for edge in EDGES.iter().filter(|edge| under(file, edge.of) && !(edge.but)(file)) {
        for (number, line) in file.code() {
            if let Some(word) = edge.words.iter().find(|word| has_word(line, word)) {
                breaches.push(file.breach(number, format!("{}: `{word}`", edge.rule)));
            }
        }
    }
    breaches
}

fn under(file: &File, folders: &[&str]) -> bool {
    folders.iter().any(|folder| file.path.starts_with(folder))
}

/// `store.rs`, or a file in a folder `store/`.
fn is_named(file: &File, name: &str) -> bool {
    file.name() == format!("{name}.rs") || file.path.contains(&format!("/{name}/"))
}

/// Whether a line has the word, not as a part of a longer name.
fn has_word(line: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let open_end = word.ends_with(part_of_name) && after.is_some_and(part_of_name) && !word.contains("::");
        !before.is_some_and(part_of_name) && !open_end
    })
}
