//! `weir plugin new`: a project that builds and whose test passes, with the crate it is written with beside it.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use weir_plugin_host::call::Hook;

/// Make a project.
#[derive(clap::Args)]
pub struct New {
    /// Its name: lower-case letters, digits and hyphens.
    name: String,
    /// What it is asked: rate-usage or handle-event.
    #[arg(long, default_value = "rate-usage")]
    hook: String,
    /// Where; a folder of its name if not given.
    #[arg(long)]
    path: Option<PathBuf>,
}

macro_rules! files {
    ($root:literal: $($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/", $root, "/", $name)))),*]
    };
}

type Files = &'static [(&'static str, &'static str)];

const SDK: Files = files!("sdk/rust": "Cargo.toml", "src/lib.rs", "src/call.rs", "src/decimal.rs", "src/handle_event.rs", "src/rate_usage.rs");
const CONTRACT: Files = files!("wit": "types.wit", "host.wit", "hooks.wit", "worlds.wit");
const RATE_USAGE: Files =
    files!("examples/night-owl": "Cargo.toml", "src/lib.rs", "cases/half-at-night.json", "cases/by-day.json");
const HANDLE_EVENT: Files =
    files!("examples/vip-overdue": "Cargo.toml", "src/lib.rs", "cases/vip.json", "cases/somebody.json");

/// Writes the project.
pub fn run(wish: &New) -> anyhow::Result<()> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let starts = wish.name.starts_with(|first: char| first.is_ascii_lowercase());
    ensure!(
        starts && wish.name.bytes().all(plain),
        "a name has lower-case letters, digits and hyphens, a letter first"
    );
    let hook = Hook::from_name(&wish.hook).context("the hook must be rate-usage or handle-event")?;
    let folder = wish.path.clone().unwrap_or_else(|| PathBuf::from(&wish.name));
    ensure!(!folder.exists(), "{} is there already", folder.display());
    let (example, files) = match hook {
        Hook::RateUsage => ("night-owl", RATE_USAGE),
        Hook::HandleEvent => ("vip-overdue", HANDLE_EVENT),
    };
    for (name, text) in files {
        let text = text.replace(&format!("name = \"{example}\""), &format!("name = \"{}\"", wish.name));
        write(&folder.join(name), &text.replace("../../sdk/rust", "weir-plugin"))?;
    }
    for (name, text) in SDK {
        // In the project it is a member of its workspace, not one of its own.
        write(&folder.join("weir-plugin").join(name), &text.replace("\n[workspace]\n", ""))?;
    }
    for (name, text) in CONTRACT {
        write(&folder.join("weir-plugin/wit").join(name), text)?;
    }
    write(&folder.join(".gitignore"), "/target\n/*.wasm\n")?;
    println!("{}: write the rule in src/lib.rs, then run weir plugin test", folder.display());
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text).with_context(|| format!("write {}", path.display()))
}
