//! Runs the product: for development, and as a demo.

use crate::setup;
use crate::workspace::{build_programs, command, must, root, target};
use anyhow::Result;

/// The control plane alone, with data under the target folder and a clock that can be moved.
pub fn dev(http: &str) -> Result<()> {
    setup::run()?;
    let programs = build_programs()?;
    let data = target().join("dev").display().to_string();
    let url = format!("http://{http}");
    let weir = programs.join("weir").display().to_string();
    must(&mut command(&weir, &["all", "--data-dir", &data, "--http", http, "--public-url", &url, "--dev-clock"]))
}

/// A demo ISP in network namespaces, or its unattended check.
pub fn demo(check: bool, port: u16) -> Result<()> {
    setup::run()?;
    let lab = build_programs()?.join("weir-lab").display().to_string();
    let port = port.to_string();
    let arguments: &[&str] = if check { &["demo", "--check"] } else { &["demo", "--port", &port] };
    must(&mut command(&lab, arguments))
}

/// The pilot: an ISP's first months, with people in a real browser; pictures stay below the target folder.
pub fn pilot() -> Result<()> {
    setup::run()?;
    let lab = build_programs()?.join("weir-lab").display().to_string();
    let screenshots = target().join("artifacts/pilot").display().to_string();
    let browser = root().join("tests/browser").display().to_string();
    must(&mut command(&lab, &["pilot", "--screenshots", &screenshots, "--browser", &browser]))
}
