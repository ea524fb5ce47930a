//! `weir plugin test`: recorded inputs, each run twice through the very component that would be uploaded.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;
use weir_plugin_host::call::{self, Call, Input, Mode, Reply};
use weir_plugin_host::trial::Trial;

use super::{Project, build};

/// Build a project and run its recorded inputs.
#[derive(clap::Args)]
pub struct Test {
    #[command(flatten)]
    project: Project,
}

/// A file of the folder `cases`: written by hand, or a call as the API shows it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Case {
    Recorded {
        call: Call,
        result: Value,
        outcome: String,
    },
    Written {
        #[serde(default)]
        settings: BTreeMap<String, String>,
        input: Input,
        expect: Value,
    },
}

/// Runs every case; fails if one differs.
pub fn run(wish: &Test) -> anyhow::Result<()> {
    let (_, component) = build::built(&wish.project)?;
    let trial = Trial::load(&component)?;
    let folder = wish.project.path.join("cases");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .with_context(|| format!("read {}", folder.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    ensure!(!files.is_empty(), "there is no case in {}", folder.display());
    let mut failed = 0;
    for file in &files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        match tried(&trial, file)? {
            Ok(reply) => println!("ok      {name}  {} µs, {} fuel", reply.micros, reply.fuel),
            Err(told) => {
                failed += 1;
                println!("FAILED  {name}\n{told}");
            }
        }
    }
    if failed > 0 {
        bail!("{failed} of {} cases failed", files.len());
    }
    Ok(())
}

/// Whether the answer is the expected one; what it is, if not.
fn tried(trial: &Trial, file: &Path) -> anyhow::Result<Result<Reply, String>> {
    let text = std::fs::read_to_string(file)?;
    let case: Case = serde_json::from_str(&text).with_context(|| format!("read {}", file.display()))?;
    let (call, expected) = match case {
        Case::Recorded { call, result, outcome } if result.is_null() => (call, serde_json::json!({ "fault": outcome })),
        Case::Recorded { call, result, .. } => (call, result),
        Case::Written { settings, input, expect } => (Call { context: context(), settings, input }, expect),
    };
    let reply = trial.call_twice(&call);
    let answer = match &reply.result {
        Ok(output) => serde_json::to_value(output)?,
        Err((fault, _)) => serde_json::json!({ "fault": fault.name() }),
    };
    if answer == expected {
        return Ok(Ok(reply));
    }
    let mut told = format!("  expected {expected}\n  answered {answer}");
    if let Err((_, message)) = &reply.result {
        told.push_str(&format!("\n  {message}"));
    }
    for (level, line) in &reply.logs {
        told.push_str(&format!("\n  {level}: {line}"));
    }
    Ok(Err(told))
}

/// Noon of a summer's day, in euros: the same for everybody.
fn context() -> call::Context {
    call::Context {
        tenant: Uuid::from_u128(1),
        invocation: Uuid::from_u128(2),
        now: 1_782_900_000_000,
        config_revision: 1,
        utc_offset_minutes: 0,
        currency: "EUR".into(),
        mode: Mode::Test,
    }
}
