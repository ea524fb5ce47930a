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
    /// Bring an e-mail from a mail server: the message is read from standard input.
    MailIn(roles::mail_in::MailIn),
    /// Print the API's OpenAPI document.
    Openapi,
}

#[derive(Subcommand)]
enum Tenant {
    /// Create an ISP and its owner.
    Create(roles::tenant::Create),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { config, command } = Arguments::parse();
    start_logging(config.log_json);
    match command.unwrap_or(Command::All) {
        Command::All => roles::run(Role::All, config).await,
        Command::Api => roles::run(Role::Api, config).await,
        Command::Gateway => roles::run(Role::Gateway, config).await,
        Command::Worker => roles::run(Role::Worker, config).await,
        Command::Tenant(Tenant::Create(wish)) => roles::tenant::create(config, wish).await,
        Command::MailIn(wish) => std::process::exit(roles::mail_in::bring(wish).await),
        Command::Openapi => {
            println!("{}", weir_cloud::http::router::openapi().to_pretty_json()?);
            Ok(())
        }
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
