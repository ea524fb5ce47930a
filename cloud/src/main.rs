//! `weir`: the control plane. Without a sub-command it is everything in one process.

use clap::{Parser, Subcommand};
use weir_cloud::config::Config;
use weir_cloud::roles::{self, Role};

#[derive(Parser)]
#[command(name = "weir", version, about = "The control plane of Weir: an ISP's edge and billing system")]
struct Arguments {
    #[command(flatten)]
    config: Config,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Everything in one process (the default).
    All,
    /// Only the dashboard and the API.
    Api,
    /// Only the gateway that agents connect to.
    Gateway,
    /// Only the worker that does jobs.
    Worker,
    /// ISPs of this installation.
    #[command(subcommand)]
    Tenant(Tenant),
    /// Rules as WebAssembly components: write, test, publish.
    #[command(subcommand)]
    Plugin(roles::plugin::Plugin),
    /// The record of changes.
    #[command(subcommand)]
    Audit(Audit),
    /// The roots that agents and gateways trust: make a new one, and let it take the place of the old.
    #[command(subcommand)]
    Root(roles::root::Root),
    /// Write a backup: the database and the installation's key, in a new folder.
    Backup(roles::backup::Backup),
    /// Bring a backup into an installation that has no ISP yet, while it is stopped.
    Restore(roles::backup::Restore),
    /// Tell an installation whose database was put back by other means than `restore`: leaves out what forgotten lines had, and has routers take nothing away on its word.
    Recovered,
    /// Let routers believe a database that was put back: until then they take nothing away on its word.
    Release,
    /// Bring an e-mail from a mail server: the message is read from standard input.
    MailIn(roles::mail_in::MailIn),
    /// Print the API's OpenAPI document.
    Openapi,
    /// Run one tenant's plugins; started by the control plane.
    #[command(hide = true)]
    PluginRunner,
    /// Check and compile one plugin; started by the control plane.
    #[command(hide = true)]
    PluginCompiler,
}

#[derive(Subcommand)]
enum Tenant {
    /// Create an ISP and its owner.
    Create(roles::tenant::Create),
}

#[derive(Subcommand)]
enum Audit {
    /// Check that nothing in the audit logs was changed, removed or put in between.
    Verify(roles::audit::Verify),
}

fn main() -> anyhow::Result<()> {
    let Arguments { config, command } = Arguments::parse();
    match command.unwrap_or(Command::All) {
        // These shut themselves in, which takes a process of one thread.
        Command::PluginRunner => roles::plugin::runner(),
        Command::PluginCompiler => roles::plugin::compiler(),
        command => {
            roles::become_owner_of(&config.data_dir)?;
            start_logging(config.log_json);
            tokio::runtime::Runtime::new()?.block_on(run(config, command))
        }
    }
}

async fn run(config: Config, command: Command) -> anyhow::Result<()> {
    match command {
        Command::All => roles::run(Role::All, config).await,
        Command::Api => roles::run(Role::Api, config).await,
        Command::Gateway => roles::run(Role::Gateway, config).await,
        Command::Worker => roles::run(Role::Worker, config).await,
        Command::Tenant(Tenant::Create(wish)) => roles::tenant::create(config, wish).await,
        Command::Audit(Audit::Verify(wish)) => roles::audit::verify(config, wish).await,
        Command::Root(wish) => roles::root::run(config, wish).await,
        Command::Backup(wish) => roles::backup::back_up(config, wish).await,
        Command::Restore(wish) => roles::backup::restore(config, wish).await,
        Command::Recovered => roles::backup::recovered(config).await,
        Command::Release => roles::backup::release(config).await,
        Command::MailIn(wish) => std::process::exit(roles::mail_in::bring(wish).await),
        Command::Openapi => {
            println!("{}", weir_cloud::http::router::openapi().to_pretty_json()?);
            Ok(())
        }
        Command::Plugin(command) => roles::plugin::run(command).await,
        Command::PluginRunner | Command::PluginCompiler => Ok(()),
    }
}

fn start_logging(json: bool) {
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::prelude::*;
    let level = Targets::new().with_default(LevelFilter::INFO).with_target("sqlx", LevelFilter::WARN);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if json { lines.json().boxed() } else { lines.boxed() };
    tracing_subscriber::registry().with(lines.with_filter(level)).init();
}
