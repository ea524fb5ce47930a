//! What the guest has in its memory: our programs, the system's that they call, their libraries, and modules.

use super::Programs;
use super::kernel::Kernel;
use crate::workspace::{command, must, output};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const INIT: &str = include_str!("init.sh");

/// The system's programs that the agent and its checks call.
const PROGRAMS: &[&str] = &[
    "sh", "mount", "ln", "cat", "sleep", "kmod", "ip", "tc", "nft", "ethtool", "sysctl", "unshare", "nsenter",
    "setpriv", "rm", "seq", "bash", "curl", "ping", "iperf3", "python3",
];

/// What of Python's library its programs here never ask for.
const PYTHON_WITHOUT: &[&str] = &["__pycache__", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tkinter"];

/// Modules a router may load, relative to `kernel`; none loads unless something asks for it.
const MODULES: &[&str] = &["net", "lib", "crypto", "arch/x86/crypto", "drivers/net/veth.ko"];

/// Folders that are links on a merged system.
const MERGED: &[&str] = &["bin", "sbin", "lib", "lib64"];

/// Makes the image in a folder of its own, without one module if so wished; returns its path.
pub fn make(kernel: &Kernel, programs: &Programs, without: Option<&str>, folder: &Path) -> Result<PathBuf> {
    let root = folder.join("root");
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    for empty in ["proc", "sys", "dev", "tmp", "run", "etc", "var"] {
        fs::create_dir_all(root.join(empty))?;
    }
    for name in MERGED {
        fs::create_dir_all(root.join("usr").join(name))?;
        symlink(Path::new("usr").join(name), root.join(name))?;
    }
    symlink("../run", root.join("var/run"))?;
    let init = root.join("init");
    fs::write(&init, INIT)?;
    fs::set_permissions(&init, fs::Permissions::from_mode(0o755))?;
    for name in PROGRAMS {
        let found = which(name).with_context(|| format!("the program {name} is missing"))?;
        put(&root, &found, name, |from, to| fs::copy(from, to).map(drop).map_err(Into::into))?;
    }
    python(&root)?;
    symlink("kmod", root.join("usr/bin/modprobe"))?;
    // The kernel's own name for what it calls when it misses a module.
    symlink("../bin/kmod", root.join("usr/sbin/modprobe"))?;
    for (path, name) in
        [(&programs.agent, "weir-agent"), (&programs.checks, "stock-kernel"), (&programs.tests, "kernel-tests")]
    {
        put(&root, path, name, |from, to| must(command("strip", &["-o"]).arg(to).arg(from)))?;
    }
    // The tests know the agent by where cargo built it.
    let built = root.join(programs.agent.strip_prefix("/")?);
    fs::create_dir_all(built.parent().context("no folder")?)?;
    symlink("/usr/bin/weir-agent", built)?;
    modules(kernel, without, &root)?;
    pack(&root, &folder.join("initrd"))
}

fn which(name: &str) -> Option<PathBuf> {
    ["/usr/bin", "/usr/sbin", "/bin", "/sbin"]
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.exists())
}

/// A program and the libraries it is linked with.
fn put(root: &Path, from: &Path, name: &str, place: impl Fn(&Path, &Path) -> Result<()>) -> Result<()> {
    place(from, &root.join("usr/bin").join(name))?;
    // A program without libraries makes `ldd` fail, and has nothing to say.
    let said = Command::new("ldd").arg(from).output().context("running ldd")?.stdout;
    for library in String::from_utf8(said)?.split_whitespace().filter(|word| word.starts_with('/')) {
        let to = root.join(library.trim_start_matches('/'));
        if !to.exists() {
            fs::create_dir_all(to.parent().context("no folder")?)?;
            fs::copy(library, &to)?;
        }
    }
    Ok(())
}

/// Python's own library, where the program looks for it.
fn python(root: &Path) -> Result<()> {
    let ask = ["-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"];
    let library = output(&mut command("/usr/bin/python3", &ask))?;
    let from = Path::new(library.trim());
    let to = root.join(from.strip_prefix("/")?);
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        let needless = |name: &str| PYTHON_WITHOUT.contains(&name) || name.starts_with("config-");
        if !name.to_str().is_some_and(needless) {
            copy_tree(&from.join(&name), &to.join(&name), Some("__pycache__"))?;
        }
    }
    Ok(())
}

fn modules(kernel: &Kernel, without: Option<&str>, root: &Path) -> Result<()> {
    let to = root.join("lib/modules").join(&kernel.release);
    fs::create_dir_all(to.join("kernel"))?;
    for list in ["modules.order", "modules.builtin", "modules.builtin.modinfo"] {
        fs::copy(kernel.modules.join(list), to.join(list))?;
    }
    for wanted in MODULES {
        let (folder, name) = wanted.rsplit_once('/').unwrap_or(("", wanted));
        // Some kernels' modules are compressed, and end with how.
        for entry in fs::read_dir(kernel.modules.join("kernel").join(folder))? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|found| found == name || found.starts_with(&format!("{name}."))) {
                copy_tree(&entry.path(), &to.join("kernel").join(folder).join(entry.file_name()), without)?;
            }
        }
    }
    must(command("depmod", &["-b"]).arg(root).arg(&kernel.release))
}

fn copy_tree(from: &Path, to: &Path, without: Option<&str>) -> Result<()> {
    let name = from.file_name().and_then(|name| name.to_str()).and_then(|name| name.split('.').next());
    if name.is_some() && name == without {
        return Ok(());
    }
    if !from.is_dir() {
        fs::create_dir_all(to.parent().context("no folder")?)?;
        return fs::copy(from, to).map(drop).map_err(Into::into);
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy_tree(&entry.path(), &to.join(entry.file_name()), without)?;
    }
    Ok(())
}

/// The folder as the kernel unpacks it.
fn pack(root: &Path, image: &Path) -> Result<PathBuf> {
    let listed = output(command("find", &[".", "-print"]).current_dir(root))?;
    let list = image.with_extension("list");
    fs::write(&list, listed)?;
    let mut cpio = command("cpio", &["--create", "--format=newc", "--owner=0:0", "--quiet"]);
    let packed = cpio.current_dir(root).stdin(fs::File::open(&list)?).stdout(fs::File::create(image)?);
    must(packed.stderr(Stdio::inherit()))?;
    ensure!(fs::metadata(image)?.len() > 0, "the image is empty");
    Ok(image.to_owned())
}
