//! Where things are: the root, the files git knows, the binaries cargo builds.

use anyhow::{Context, Result, ensure};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The repository's root: of the clone cargo runs us for, even where clones share a target folder.
pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let own = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        Path::new(&own).parent().unwrap_or(Path::new(".")).to_owned()
    })
}

/// Where cargo builds.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// A command that runs at the root.
pub fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// A cargo command that runs at the root, and builds what a developer's own would.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = command(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()), arguments);
    // What cargo told us of our own package: some build scripts watch it, and would build half the tree again.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// Builds everything, so that dependencies get the same features whatever is run later; returns the programs' folder.
pub fn build_programs() -> Result<PathBuf> {
    must(&mut cargo(&["build", "--workspace", "--all-targets"]))?;
    Ok(target().join("debug"))
}

/// Runs a command that must succeed.
pub fn must(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("running {}", described(command)))?;
    ensure!(status.success(), "{} failed ({status})", described(command));
    Ok(())
}

/// Runs a command that must succeed; what it prints is passed on, and if it fails its last lines are in the error.
pub fn must_or_say_why(command: &mut Command) -> Result<()> {
    each_line(command, |_| {})
}

/// The same; each line it prints is heard as it comes.
pub fn each_line(command: &mut Command, mut hear: impl FnMut(&str)) -> Result<()> {
    const LAST_LINES: usize = 60;
    let (reader, writer) = std::io::pipe()?;
    let child = command.stdout(writer.try_clone()?).stderr(writer).spawn();
    // The writing ends are the child's alone from here, or its output would never end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = child.with_context(|| format!("running {}", described(command)))?;
    let mut last = VecDeque::new();
    for line in BufReader::new(reader).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        eprintln!("{line}");
        hear(&line);
        last.push_back(line);
        if last.len() > LAST_LINES {
            last.pop_front();
        }
    }
    let status = child.wait()?;
    ensure!(status.success(), "{} failed ({status}):\n{}", described(command), Vec::from(last).join("\n"));
    Ok(())
}

/// Runs a command that must succeed, and returns what it printed.
pub fn output(command: &mut Command) -> Result<String> {
    let done = command.output().with_context(|| format!("running {}", described(command)))?;
    let errors = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{} failed ({}): {}", described(command), done.status, errors.trim());
    Ok(String::from_utf8(done.stdout)?)
}

/// All files git knows or would take, relative to the root.
pub fn files() -> Result<Vec<String>> {
    let listed = output(&mut command("git", &["ls-files", "--cached", "--others", "--exclude-standard"]))?;
    Ok(listed.lines().filter(|path| root().join(path).is_file()).map(str::to_owned).collect())
}

/// Whether a program can be found.
pub fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(system).any(|folder| folder.join(program).is_file())
}

fn described(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
