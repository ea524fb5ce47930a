//! Files made from the code and committed, so that a change of them is seen: query cache, schema, API document.

use crate::database::Database;
use crate::workspace::{build_programs, cargo, must, output, root};
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// `cloud/.sqlx`: what the database says of every query, so that the code compiles without one.
pub fn sqlx(check: bool) -> Result<()> {
    let database = Database::migrated()?;
    let fresh = database.scratch("sqlx");
    fs::create_dir(&fresh)?;
    compile_against(&database, &fresh)?;
    let (made, kept) = (read_folder(&fresh)?, root().join("cloud/.sqlx"));
    ensure!(!made.is_empty(), "no query was seen: the macros did not write to SQLX_OFFLINE_DIR");
    let committed = read_folder(&kept).unwrap_or_default();
    if made == committed {
        return Ok(());
    }
    if check {
        let differing = made.iter().filter(|(name, text)| committed.get(*name) != Some(text)).map(|(name, _)| name);
        let gone = committed.keys().filter(|name| !made.contains_key(*name));
        let names: Vec<_> = differing.chain(gone).take(5).map(String::as_str).collect();
        bail!("cloud/.sqlx is not of this code ({}, ...): run `cargo xtask sqlx`", names.join(", "));
    }
    fs::create_dir_all(&kept)?;
    for name in committed.keys().filter(|name| !made.contains_key(*name)) {
        fs::remove_file(kept.join(name))?;
    }
    for (name, text) in &made {
        fs::write(kept.join(name), text)?;
    }
    Ok(())
}

/// Compiles the control plane with a live database; its macros write what they learn into `fresh`.
fn compile_against(database: &Database, fresh: &Path) -> Result<()> {
    let mut entries = Vec::new();
    for path in ["cloud/src/lib.rs", "cloud/src/main.rs"] {
        let file = fs::File::options().append(true).open(root().join(path))?;
        let written = file.metadata()?.modified()?;
        // Macros are expanded again only when their crate looks new; the date goes back, so that other builds do not see it.
        file.set_modified(now())?;
        entries.push((file, written));
    }
    let mut compile = cargo(&["check", "--quiet", "-p", "weir-cloud", "--all-targets"]);
    compile.env("SQLX_OFFLINE", "false").env("SQLX_OFFLINE_DIR", fresh).env("DATABASE_URL", database.url());
    let compiled = must(&mut compile);
    for (file, written) in entries {
        file.set_modified(written)?;
    }
    compiled
}

/// `cloud/schema.sql`: the whole schema after all migrations.
pub fn schema(check: bool) -> Result<()> {
    let database = Database::migrated()?;
    let dumped = output(&mut database.client("pg_dump", &["--schema-only", "--exclude-table=_sqlx_migrations"]))?;
    settle("cloud/schema.sql", &normalised(&dumped), check, "cargo xtask schema")
}

/// `cloud/openapi.json`: the API as the code serves it.
pub fn openapi(check: bool) -> Result<()> {
    let program = build_programs()?.join("weir");
    let mut printed = output(Command::new(program).arg("openapi"))?;
    if !printed.ends_with('\n') {
        printed.push('\n');
    }
    settle("cloud/openapi.json", &printed, check, "cargo xtask openapi")
}

/// Drops what differs between servers: versions, settings, comments, runs of empty lines.
fn normalised(dump: &str) -> String {
    let mut kept =
        String::from("-- The whole schema after all migrations. Made by `cargo xtask schema`; do not edit.\n");
    let mut empty = true;
    for line in dump.lines() {
        let noise = line.starts_with("--")
            || line.starts_with("SET ")
            || line.starts_with("SELECT pg_catalog.set_config")
            || line.starts_with("\\restrict")
            || line.starts_with("\\unrestrict");
        if noise || (line.is_empty() && empty) {
            continue;
        }
        empty = line.is_empty();
        kept.push_str(line);
        kept.push('\n');
    }
    kept
}

fn settle(path: &str, made: &str, check: bool, renew: &str) -> Result<()> {
    let file = root().join(path);
    let committed = fs::read_to_string(&file).unwrap_or_default();
    if committed == made {
        return Ok(());
    }
    if check {
        let line = committed.lines().zip(made.lines()).take_while(|(a, b)| a == b).count() + 1;
        bail!("{path}:{line}: not of this code: run `{renew}`");
    }
    fs::write(&file, made).with_context(|| format!("writing {path}"))
}

fn read_folder(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        files.insert(entry.file_name().to_string_lossy().into_owned(), fs::read_to_string(entry.path())?);
    }
    Ok(files)
}

#[expect(clippy::disallowed_methods, reason = "a file's date, for cargo")]
fn now() -> std::time::SystemTime {
    std::time::SystemTime::now()
}
