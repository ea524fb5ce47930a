//! Runs the benches of the workspace. A bench prints one JSON object a line:
//! `{"name", "value", "unit", "goal", "met", "n", "note"}`; figures are ratios to a floor or peer of the same run.

use crate::workspace::{cargo, output};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

const AGENT: &str = "weir-agent";
const CLOUD: &str = "weir-cloud";
/// Its benches run the programs of the control plane.
const FLEET: &str = "weir-fleet";

/// Runs the benches of these names, or all. Results go to standard output, everything else to standard error.
pub fn run(names: &[String]) -> Result<()> {
    let described = output(&mut cargo(&["metadata", "--format-version", "1", "--no-deps"]))?;
    let workspace: Value = serde_json::from_str(&described)?;
    let mut benches = benches(&workspace);
    let known: Vec<_> = benches.iter().map(|(_, bench)| bench.clone()).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        bail!("there is no bench {unknown}; there are {}", known.join(", "));
    }
    benches.retain(|(_, bench)| names.is_empty() || names.contains(bench));
    let of = |owner: &str| benches.iter().any(|(package, _)| package == owner);
    let agent = of(AGENT).then(agent_as_shipped).transpose()?;
    let cloud = of(FLEET).then(cloud_as_shipped).transpose()?;
    let programs = cloud.as_deref().and_then(Path::parent);
    for (package, bench) in benches {
        let mut command = cargo(&["bench", "--package", &package, "--bench", &bench]);
        command.envs(agent.as_ref().map(|program| ("WEIR_AGENT", program)));
        command.envs(programs.map(|folder| ("WEIR_BIN_DIR", folder)));
        let mut process = command.stdout(Stdio::piped()).spawn()?;
        for line in BufReader::new(process.stdout.take().context("no output")?).lines() {
            let line = line?;
            match serde_json::from_str::<Value>(&line) {
                Ok(Value::Object(result)) => println!("{}", Value::Object(result)),
                _ => eprintln!("{line}"),
            }
        }
        if !process.wait()?.success() {
            bail!("bench {bench} of {package} failed");
        }
    }
    Ok(())
}

/// Builds the agent the way routers get it; answers where it is.
fn agent_as_shipped() -> Result<PathBuf> {
    built(&["--profile", "agent", "--package", AGENT, "--bin", AGENT])
}

/// Builds the control plane the way operators get it; answers where it is. The fleet is named beside it so that what both
/// are made of is built once.
fn cloud_as_shipped() -> Result<PathBuf> {
    built(&["--release", "--package", CLOUD, "--package", FLEET, "--bin", "weir"])
}

/// Builds one program.
fn built(wish: &[&str]) -> Result<PathBuf> {
    let built = output(&mut cargo(&[&["build", "--message-format", "json"], wish].concat()))?;
    let messages = built.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let program = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back();
    program.with_context(|| format!("nothing was built of {}", wish.join(" ")))
}

fn benches(workspace: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for package in workspace["packages"].as_array().into_iter().flatten() {
        for target in package["targets"].as_array().into_iter().flatten() {
            let is_bench = target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "bench"));
            if let (true, Some(package), Some(name)) = (is_bench, package["name"].as_str(), target["name"].as_str()) {
                found.push((package.to_owned(), name.to_owned()));
            }
        }
    }
    found
}
