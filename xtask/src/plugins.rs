//! `cargo xtask plugins`: builds the example plugins, and those tests run, into components below the target folder.
//!
//! With rustup's wasm target nothing else is needed. Where it is not installed, Debian's compiler for it and the sources of
//! its standard library are unpacked beside the system; nothing is installed or replaced.

use crate::workspace::{command, must, output, root, target};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const TARGET: &str = "wasm32-unknown-unknown";
/// Folders whose folders are plugins.
const FOLDERS: &[&str] = &["plugins/examples", "plugins/trials"];

/// Builds all plugins with the `weir` in `programs`; returns the folder they are in.
pub fn build(programs: &Path) -> Result<PathBuf> {
    let bench = Bench::set_up(programs)?;
    for folder in FOLDERS {
        for plugin in fs::read_dir(root().join(folder))? {
            let plugin = plugin?.path();
            let name = plugin.file_name().unwrap_or_default().to_string_lossy();
            let component = bench.out.join(format!("{name}.wasm")).display().to_string();
            bench.weir(&["build", "--out", &component], &plugin)?;
        }
    }
    Ok(bench.out)
}

/// Runs the recorded inputs of every example, and what a developer does first: a new project for every hook, and its test.
pub fn test(programs: &Path) -> Result<()> {
    let bench = Bench::set_up(programs)?;
    for example in fs::read_dir(root().join(FOLDERS[0]))? {
        bench.weir(&["test"], &example?.path())?;
    }
    for hook in ["rate-usage", "handle-event"] {
        let project = bench.out.join("new").join(hook);
        if project.exists() {
            fs::remove_dir_all(&project)?;
        }
        let path = project.display().to_string();
        must(Command::new(&bench.weir).args(["plugin", "new", "my-rule", "--hook", hook, "--path", &path]))?;
        bench.weir(&["test"], &project)?;
    }
    Ok(())
}

/// What plugins are built with, and where.
struct Bench {
    weir: PathBuf,
    out: PathBuf,
    toolchain: Toolchain,
}

impl Bench {
    fn set_up(programs: &Path) -> Result<Self> {
        let out = target().join("plugins");
        fs::create_dir_all(&out).with_context(|| format!("making {}", out.display()))?;
        Ok(Self { weir: programs.join("weir"), toolchain: Toolchain::found(&out)?, out })
    }

    /// `weir plugin …` on a project.
    fn weir(&self, arguments: &[&str], project: &Path) -> Result<()> {
        let mut weir = Command::new(&self.weir);
        weir.arg("plugin").args(arguments).arg(project);
        weir.env("CARGO_TARGET_DIR", self.out.join("build"));
        self.toolchain.set(&mut weir);
        must(&mut weir)
    }
}

/// What compiles to WebAssembly here.
enum Toolchain {
    Rustup,
    /// Debian's, unpacked in this folder.
    Debian(PathBuf),
}

impl Toolchain {
    fn found(out: &Path) -> Result<Self> {
        let installed = output(&mut command("rustup", &["target", "list", "--installed"])).unwrap_or_default();
        if installed.lines().any(|line| line.trim() == TARGET) {
            return Ok(Self::Rustup);
        }
        let folder = out.join("toolchain");
        if !folder.join("complete").exists() {
            unpack(&folder).with_context(|| format!("the target is missing; add it by: rustup target add {TARGET}"))?;
        }
        Ok(Self::Debian(folder))
    }

    /// Has `weir plugin build` use it.
    fn set(&self, weir: &mut Command) {
        let Self::Debian(folder) = self else { return };
        let sysroot = output(&mut command("rustc", &["--print", "sysroot"])).unwrap_or_default();
        let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
        let linker = Path::new(sysroot.trim()).join("lib/rustlib").join(host).join("bin/rust-lld");
        weir.args(["--", "-Zbuild-std=std,panic_abort"]);
        weir.env("RUSTC", folder.join("usr/bin/rustc")).env("RUSTC_BOOTSTRAP", "1");
        weir.env("LD_LIBRARY_PATH", libraries(folder)).env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
    }
}

/// Where Debian puts shared libraries of this machine.
fn libraries(folder: &Path) -> PathBuf {
    folder.join("usr/lib").join(format!("{}-linux-gnu", std::env::consts::ARCH))
}

/// Fetches Debian's packages and unpacks them into the folder.
fn unpack(folder: &Path) -> Result<()> {
    eprintln!("fetching a compiler for {TARGET}");
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let packages = folder.join("packages");
    fs::create_dir_all(&packages)?;
    // Versions are parts of the names, and move with security updates.
    if depends("libstd-rust-web-dev", "libstd-rust-web-").is_err() && crate::setup::is_root()? {
        must(command("apt-get", &["-qq", "update"]).stdout(Stdio::null()))?;
    }
    let std = depends("libstd-rust-web-dev", "libstd-rust-web-")?;
    let llvm = depends(&std, "libllvm")?;
    let wanted = ["-qq", "download", &llvm, &std, "libstd-rust-web-dev", "rustc-web", "rust-web-src"];
    must(command("apt-get", &wanted).current_dir(&packages).stdout(Stdio::null()).stderr(Stdio::null()))?;
    for package in fs::read_dir(&packages)? {
        must(Command::new("dpkg").arg("-x").arg(package?.path()).arg(folder))?;
    }
    fs::remove_dir_all(packages)?;
    fs::write(folder.join("complete"), "")?;
    Ok(())
}

/// The package another depends on whose name begins so.
fn depends(package: &str, prefix: &str) -> Result<String> {
    let listed = output(&mut command("apt-cache", &["depends", package]))?;
    let names = listed.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
    match names.map(str::trim).find(|name| name.starts_with(prefix)) {
        Some(name) => Ok(name.to_owned()),
        None => bail!("apt knows no package {prefix}… for {package}"),
    }
}
