//! `weir plugin`: what a plugin's developer does, from an empty folder to an uploaded version. And the two processes in
//! which the control plane keeps plugins.

mod build;
mod new;
mod publish;
mod test;

use std::io::{BufWriter, stdin, stdout};
use std::path::PathBuf;

/// What a plugin's developer does.
#[derive(clap::Subcommand)]
pub enum Plugin {
    /// Make a project: a rule, recorded inputs, and the crate it is written with.
    New(new::New),
    /// Build a project into a component.
    Build(build::Build),
    /// Build a project and run its recorded inputs, each twice.
    Test(test::Test),
    /// Build a project and upload it as a new version.
    Publish(publish::Publish),
}

/// Where a project is.
#[derive(clap::Args)]
struct Project {
    /// The project's folder.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Arguments for cargo, after `--`.
    #[arg(last = true)]
    cargo: Vec<String>,
}

/// Runs the command.
pub async fn run(command: Plugin) -> anyhow::Result<()> {
    match command {
        Plugin::New(wish) => new::run(&wish),
        Plugin::Build(wish) => build::run(&wish),
        Plugin::Test(wish) => test::run(&wish),
        Plugin::Publish(wish) => publish::run(&wish).await,
    }
}

/// The process that runs one tenant's plugins. It has one thread and never returns to anything else.
pub fn runner() -> anyhow::Result<()> {
    Ok(weir_plugin_host::runner::main(&mut stdin().lock(), &mut BufWriter::new(stdout().lock()))?)
}

/// The process that checks and compiles one component.
pub fn compiler() -> anyhow::Result<()> {
    Ok(weir_plugin_host::compile::main(&mut stdin().lock(), &mut BufWriter::new(stdout().lock()))?)
}
