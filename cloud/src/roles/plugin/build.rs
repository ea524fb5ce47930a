//! `weir plugin build`: cargo makes a core module, which becomes a component and is checked as an upload would be.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;
use weir_plugin_host::{compile, encode, sign};

use super::Project;

const TARGET: &str = "wasm32-unknown-unknown";
/// A small stack keeps an instance small; a rule needs no more.
const STACK: &str = r#"target.wasm32-unknown-unknown.rustflags=["-C", "link-arg=-zstack-size=65536"]"#;

/// Build a project into a component.
#[derive(clap::Args)]
pub struct Build {
    #[command(flatten)]
    project: Project,
    /// Where the component goes; the project's folder and name if not given.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Builds and says what was built.
pub fn run(wish: &Build) -> anyhow::Result<()> {
    let (name, component) = built(&wish.project)?;
    let (report, _) = compile::compile(&component)?;
    let out = wish.out.clone().unwrap_or_else(|| wish.project.path.join(format!("{name}.wasm")));
    std::fs::write(&out, &component).with_context(|| format!("write {}", out.display()))?;
    println!("{}", out.display());
    println!("  hook    {}", report.hook.name());
    println!("  imports {}", report.imports.join(", "));
    println!("  size    {} bytes", component.len());
    println!("  sha256  {}", hex::encode(sign::digest(&component)));
    Ok(())
}

/// The project's name and its component.
pub fn built(project: &Project) -> anyhow::Result<(String, Vec<u8>)> {
    let (name, module) = module(project)?;
    let module = std::fs::read(&module).with_context(|| format!("read {}", module.display()))?;
    let component = encode::component(&module).map_err(anyhow::Error::msg).context("make a component of it")?;
    Ok((name, component))
}

/// Has cargo build the core module; what cargo says of errors goes to whoever is looking.
fn module(project: &Project) -> anyhow::Result<(String, PathBuf)> {
    let manifest = project.path.join("Cargo.toml");
    anyhow::ensure!(manifest.is_file(), "there is no Cargo.toml in {}", project.path.display());
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "--target", TARGET, "--config", STACK])
        .arg("--message-format=json-render-diagnostics")
        .args(&project.cargo)
        .current_dir(&project.path)
        .stderr(Stdio::inherit())
        .output()
        .context("run cargo")?;
    if !output.status.success() {
        bail!("cargo did not build it; if it misses the target, add it by: rustup target add {TARGET}");
    }
    let manifest = std::fs::canonicalize(&manifest)?;
    let messages = String::from_utf8_lossy(&output.stdout);
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let own = artifacts.filter(|message| message["manifest_path"].as_str().map(Path::new) == Some(&manifest));
    let mut modules = own.filter_map(|message| {
        let name = message["target"]["name"].as_str()?.replace('_', "-");
        let files = message["filenames"].as_array()?.iter().filter_map(Value::as_str);
        let file = files.into_iter().find(|file| file.ends_with(".wasm"))?;
        Some((name, PathBuf::from(file)))
    });
    modules.next_back().context("cargo built no module: the crate's type must be cdylib")
}
