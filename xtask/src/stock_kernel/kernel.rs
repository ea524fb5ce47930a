//! Debian's kernel for virtual machines: its package, downloaded once a version and unpacked below the target folder.

use crate::setup::is_root;
use crate::workspace::{command, must, output, target};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

/// Depends on the current one.
const NEWEST: &str = "linux-image-cloud-amd64";
const PREFIX: &str = "linux-image-";

/// A kernel, as its package has it.
pub struct Kernel {
    /// What `uname -r` says on it.
    pub release: String,
    /// What is booted.
    pub image: PathBuf,
    /// Its modules.
    pub modules: PathBuf,
}

/// Downloads the current kernel, unless that was done before.
pub fn download() -> Result<Kernel> {
    let package = newest()?;
    let release = package.trim_start_matches(PREFIX).to_owned();
    let folder = target().join("stock-kernel").join(&release);
    if !folder.exists() {
        let fresh = folder.with_file_name("unpacking");
        if fresh.exists() {
            fs::remove_dir_all(&fresh)?;
        }
        fs::create_dir_all(&fresh)?;
        // As root, apt would download as a user who may not write here, and warns that it does not.
        let download = ["-qq", "-o", "APT::Sandbox::User=root", "download", &package];
        must(command("apt-get", &download).current_dir(&fresh).stdout(Stdio::null()))?;
        let packed = fs::read_dir(&fresh)?.next().context("apt-get downloaded nothing")??.path();
        must(command("dpkg-deb", &["-x"]).arg(&packed).arg(&fresh))?;
        fs::remove_file(packed)?;
        fs::rename(&fresh, &folder)?;
    }
    let image = folder.join("boot").join(format!("vmlinuz-{release}"));
    let places = ["lib/modules", "usr/lib/modules"].map(|place| folder.join(place).join(&release));
    let modules = places.into_iter().find(|place| place.exists());
    ensure!(image.exists(), "{} is missing: remove {} and try again", image.display(), folder.display());
    Ok(Kernel { modules: modules.with_context(|| format!("{package} has no modules"))?, release, image })
}

/// Name of the package of the current kernel.
fn newest() -> Result<String> {
    let ask = || output(&mut command("apt-cache", &["depends", NEWEST]));
    let named = |said: &str| {
        let words = said.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
        words.map(str::to_owned).find(|name| name.starts_with(PREFIX))
    };
    if let Some(name) = ask().ok().as_deref().and_then(named) {
        return Ok(name);
    }
    if is_root()? {
        must(&mut command("apt-get", &["-qq", "update"]))?;
    }
    named(&ask()?).with_context(|| format!("apt knows no current kernel by {NEWEST}"))
}
