//! Where the lab finds the programs it runs: the workspace's beside its own, where cargo puts all of them.

use anyhow::{Result, anyhow};
use std::path::PathBuf;

/// The path of one of this workspace's binaries; `WEIR_BIN_DIR` names another folder.
pub fn program(name: &str) -> Result<String> {
    let chosen = std::env::var_os("WEIR_BIN_DIR").map(PathBuf::from);
    let here = std::env::current_exe()?;
    let beside = here.ancestors().skip(1).take(2).map(PathBuf::from);
    let found = chosen.into_iter().chain(beside).map(|folder| folder.join(name)).find(|path| path.is_file());
    let path = found.ok_or_else(|| anyhow!("{name} is not built (looked beside {})", here.display()))?;
    path.into_os_string().into_string().map_err(|path| anyhow!("{} is not UTF-8", path.display()))
}

/// The folder of the newest installed PostgreSQL's server programs.
pub fn postgres() -> Result<String> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.map(|entry| entry.path()).filter(|path| path.join("bin/initdb").exists()).max_by_key(version);
    let programs = newest.ok_or_else(|| anyhow!("PostgreSQL's server programs are not installed"))?.join("bin");
    Ok(programs.display().to_string())
}
