//! The demo.
use anyhow::{Result, bail};
use std::process::ExitCode;
/// x
pub async fn run(_port: u16, _subscribers: u8) -> Result<ExitCode> {
    bail!("later")
}
/// x
pub async fn check(_subscribers: u8) -> Result<ExitCode> {
    bail!("later")
}
