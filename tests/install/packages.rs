//! The Debian packages under test: made by `cargo xtask deb` of the programs that are built, and a version of the day after.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use weir_lab::program;

/// Packs the programs beside this test into `to`; the packages' paths.
pub fn make(to: &Path) -> Result<Vec<PathBuf>> {
    let weir = program("weir")?;
    let programs = Path::new(&weir).parent().context("a program without a folder")?;
    let mut xtask = Command::new(program("xtask")?);
    // The tree to pack is this one, wherever the task was built.
    xtask.env("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR"));
    xtask.args(["deb", "--profile", "debug", "--programs"]).arg(programs).arg("--to").arg(to);
    Ok(output(&mut xtask)?.lines().map(PathBuf::from).collect())
}

/// The same package as a later version whose settings file has a further line.
pub fn later(package: &Path, version: &str, settings: &str, to: &Path) -> Result<PathBuf> {
    let tree = to.join("tree");
    output(Command::new("dpkg-deb").arg("--raw-extract").arg(package).arg(&tree))?;
    let edit = |file: &str, change: &dyn Fn(&str) -> String| -> Result<()> {
        let path = tree.join(file);
        Ok(fs::write(&path, change(&fs::read_to_string(&path)?))?)
    };
    let renumber = |line: &str| match line.strip_prefix("Version: ") {
        Some(_) => format!("Version: {version}\n"),
        None => format!("{line}\n"),
    };
    edit("DEBIAN/control", &|text| text.lines().map(renumber).collect())?;
    edit(settings, &|text| format!("{text}# A setting of a later version.\n"))?;
    let name = package.file_name().context("a package without a name")?.to_string_lossy();
    let made = to.join(format!("later-{name}"));
    output(Command::new("dpkg-deb").args(["-Zgzip", "-z1", "--root-owner-group", "--build"]).arg(&tree).arg(&made))?;
    fs::remove_dir_all(tree)?;
    Ok(made)
}

/// What a program that must succeed prints.
pub fn output(command: &mut Command) -> Result<String> {
    let done = command.output().with_context(|| format!("running {command:?}"))?;
    if !done.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&done.stderr));
    }
    Ok(String::from_utf8(done.stdout)?)
}
