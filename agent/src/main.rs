//! `weir-agent`: the command line. Everything else is in the library.

use std::io::IsTerminal;
use std::process::ExitCode;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use weir_agent::clock::{self, System};
use weir_agent::config::{self, Adapter, Command, Config};
use weir_agent::garden;
use weir_agent::northbound::enroll;
use weir_agent::run::Agent;
use weir_agent::southbound::Southbound;
use weir_agent::southbound::linux::Linux;
use weir_agent::southbound::null::Null;
use weir_agent::status;
use weir_agent::store::disk::Folder;
use weir_agent::store::identity::{self, Identity};
use weir_protocol::token::Token;

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_max_level(tracing::Level::INFO)
        .init();
    let (command, config) = match config::parse(std::env::args_os()) {
        Ok(parsed) => parsed,
        Err(error) => {
            eprintln!("weir-agent: {error}\n\n{}", config::USAGE);
            return ExitCode::from(2);
        }
    };
    match obey(command, config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("weir-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn obey(command: Command, config: Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match command {
        Command::Help => println!("{}", config::USAGE),
        Command::Status => println!("{}", status::print(&config)?),
        Command::Enroll => {
            let identity = runtime.block_on(enroll(&config))?;
            println!("{}", serde_json::json!({ "tenant_id": identity.tenant_id, "agent_id": identity.agent_id }));
        }
        Command::Run => runtime.block_on(run(config))?,
        Command::Uninstall => runtime.block_on(uninstall(&config))?,
    }
    Ok(())
}

async fn enroll(config: &Config) -> anyhow::Result<Identity> {
    let token = config.token.as_deref().unwrap_or_default();
    // A mistyped token leaves not even a folder behind.
    Token::from_text(token)?;
    let identity = enroll::enroll(&mut Folder::open(&config.state_dir)?, token).await?;
    tracing::info!(agent_id = %identity.agent_id, "enrolled");
    Ok(identity)
}

async fn run(config: Config) -> anyhow::Result<()> {
    let mut folder = Folder::open(&config.state_dir)?;
    let lock = std::fs::File::create(config.state_dir.join("lock"))?;
    lock.try_lock().map_err(|_| anyhow::anyhow!("another agent uses {}", config.state_dir.display()))?;
    let identity = match (identity::load(&folder)?, config.token.as_deref()) {
        (Some(identity), _) => identity,
        (None, Some(token)) => enroll::enroll(&mut folder, token).await?,
        (None, None) => anyhow::bail!("this router is not enrolled: give --token once"),
    };
    match config.southbound {
        Adapter::Null => drive(config, identity, Null::default()).await,
        Adapter::Linux => {
            let kernel = linux(&config)?;
            drive(config, identity, kernel).await
        }
    }
}

async fn drive(config: Config, identity: Identity, southbound: impl Southbound) -> anyhow::Result<()> {
    let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let garden = (config.southbound == Adapter::Linux).then_some(config.garden);
    let agent = Agent::open(config, identity, southbound, System::start())?;
    if let Some(address) = garden {
        match TcpListener::bind(address).await {
            Ok(listener) => drop(tokio::spawn(garden::serve(listener, agent.wanted()))),
            // Enforcing matters more than explaining: go on without the page.
            Err(error) => tracing::error!(%error, %address, "the walled garden's page cannot listen"),
        }
    }
    let stop = async {
        futures_util::future::select(std::pin::pin!(term.recv()), std::pin::pin!(interrupt.recv())).await;
    };
    Ok(agent.run(stop).await?)
}

async fn uninstall(config: &Config) -> anyhow::Result<()> {
    match config.southbound {
        Adapter::Null => Null::default().uninstall().await?,
        Adapter::Linux => linux(config)?.uninstall().await?,
    }
    Ok(())
}

fn linux(config: &Config) -> anyhow::Result<Linux> {
    Ok(Linux::open(&config.state_dir, config.garden.port(), Box::new(clock::random_id))?)
}
