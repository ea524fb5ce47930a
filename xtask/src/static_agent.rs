//! An agent that needs nothing of the router but its kernel and the program `nft`: built against musl, in one file.

use crate::setup::{Package, provide};
use crate::workspace::{cargo, command, has, must, output, target};
use anyhow::{Context, Result, bail};

const MUSL_TOOLS: &[Package] = &[Package { name: "musl-tools", present: || has("musl-gcc") }];

/// Builds it for this machine's processor; prints where it is.
pub fn run() -> Result<()> {
    let triple = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    provide(MUSL_TOOLS)?;
    if !output(&mut command("rustup", &["target", "list", "--installed"]))?.lines().any(|line| line == triple) {
        must(&mut command("rustup", &["target", "add", &triple])).context("no standard library for musl")?;
    }
    let arguments =
        ["build", "--profile", "agent", "--package", "weir-agent", "--bin", "weir-agent", "--target", &triple];
    must(cargo(&arguments).env(format!("CC_{}", triple.replace('-', "_")), "musl-gcc"))?;
    let program = target().join(&triple).join("agent/weir-agent");
    let headers = output(command("readelf", &["--program-headers"]).arg(&program))?;
    if headers.contains("INTERP") {
        bail!("{} asks for a loader: it is not static", program.display());
    }
    must(command(&program.display().to_string(), &["--help"]).stdout(std::process::Stdio::null()))?;
    let size = std::fs::metadata(&program)?.len();
    eprintln!("{:.2} MiB, static", size as f64 / f64::from(1 << 20));
    println!("{}", program.display());
    Ok(())
}
