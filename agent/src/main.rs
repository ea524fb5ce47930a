//! `weir-agent`: the command line. Everything else is in the library.

use anyhow::Context;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use weir_agent::clock::{self, Clock, System};
use weir_agent::config::{self, Adapter, Command, Config, Log};
use weir_agent::diagnosis::log::Keeping;
use weir_agent::echo::{Echo, Patrol, patrol};
use weir_agent::garden;
use weir_agent::memory;
use weir_agent::northbound::enroll;
use weir_agent::run::{Agent, Asking};
use weir_agent::southbound::Southbound;
use weir_agent::southbound::linux::{self as kernel, Linux};
use weir_agent::southbound::null::Null;
use weir_agent::status;
use weir_agent::store::disk::{self, Folder};
use weir_agent::store::identity::{self, Identity};
use weir_agent::subscribers::hook;
use weir_protocol::token::Token;

fn main() -> ExitCode {
    let (command, config) = match config::parse(std::env::args_os()) {
        Ok(parsed) => parsed,
        Err(error) => {
            eprintln!("weir-agent: {error}\n\n{}", config::USAGE);
            return ExitCode::from(2);
        }
    };
    memory::spare();
    log(config.log);
    match obey(command, config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("weir-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn log(format: Log) {
    let logs = tracing_subscriber::fmt().with_writer(Keeping).with_max_level(tracing::Level::INFO);
    match format {
        Log::Text => logs.with_ansi(std::io::stderr().is_terminal()).init(),
        Log::Json => logs.json().flatten_event(true).init(),
    }
}

fn obey(command: Command, config: Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match command {
        Command::Help => println!("{}", config::USAGE),
        Command::Status => println!("{}", status::print(&config)?),
        Command::Enroll => {
            disk::become_owner_of(&config.state_dir)?;
            let identity = runtime.block_on(enroll(&config))?;
            println!("{}", serde_json::json!({ "tenant_id": identity.tenant_id, "agent_id": identity.agent_id }));
        }
        Command::Lease => {
            let now_ms = System::start().now().wall_ms;
            hook::tell(&config.run_dir, &hook::read(&config.lease, &|name| std::env::var_os(name), now_ms)?)?;
        }
        Command::Check => runtime.block_on(check())?,
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
    let _lock = lock(&config)?;
    if config.southbound == Adapter::Linux {
        may_enforce()?;
    }
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
    let asking = (config.southbound == Adapter::Linux && config.echoes_a_second > 0)
        .then(|| (config.echoes_a_second, config.anchors.clone(), config.metered));
    let mut agent = Agent::open(config, identity, southbound, System::start())?;
    if let Some(address) = garden {
        drop(tokio::spawn(garden::open(address, agent.wanted())));
    }
    if let Some((a_second, anchors, metered)) = asking {
        match Echo::open() {
            Ok(echo) => {
                let seen = Arc::<Patrol>::default();
                let echo = Arc::new(echo);
                agent.hear_of(Arc::clone(&seen));
                agent.ask_with(Asking { echo: Arc::clone(&echo), anchors: anchors.clone() });
                drop(tokio::spawn(patrol(echo, agent.wanted(), a_second, (anchors, metered), seen)));
            }
            Err(error) => tracing::warn!(%error, "no host is asked for echoes; CAP_NET_RAW may be missing"),
        }
    }
    let stop = async {
        futures_util::future::select(std::pin::pin!(term.recv()), std::pin::pin!(interrupt.recv())).await;
    };
    Ok(agent.run(stop).await?)
}

async fn uninstall(config: &Config) -> anyhow::Result<()> {
    let _lock = lock(config)?;
    match config.southbound {
        Adapter::Null => Null::default().uninstall().await?,
        Adapter::Linux => {
            may_enforce()?;
            linux(config)?.uninstall().await?;
        }
    }
    let kept = config.state_dir.display();
    eprintln!("nothing of the agent is left in the kernel; identity and unsent usage are still in {kept}");
    Ok(())
}

async fn check() -> anyhow::Result<()> {
    let found = kernel::check()?;
    println!("{}", serde_json::to_string(&found)?);
    anyhow::ensure!(found.missing.is_empty(), "this router cannot carry the agent: {}", found.missing.join("; "));
    Ok(())
}

/// One agent a state directory: two would tear at the same kernel and the same log.
fn lock(config: &Config) -> anyhow::Result<std::fs::File> {
    let folder = config.state_dir.display();
    std::fs::create_dir_all(&config.state_dir).with_context(|| format!("state directory {folder}"))?;
    // The folder itself is locked: nothing need be written, a disk gone read-only keeps nobody from enforcing.
    let lock = std::fs::File::open(&config.state_dir)?;
    lock.try_lock().map_err(|_| anyhow::anyhow!("another agent uses {folder}; stop it first"))?;
    Ok(lock)
}

fn may_enforce() -> anyhow::Result<()> {
    anyhow::ensure!(
        kernel::privileges()?.net_admin,
        "CAP_NET_ADMIN is missing: run as root, or give the service AmbientCapabilities=CAP_NET_ADMIN CAP_SYS_ADMIN"
    );
    Ok(())
}

fn linux(config: &Config) -> anyhow::Result<Linux> {
    Ok(Linux::open(&config.state_dir, config.garden.port(), Box::new(clock::random_id))?)
}
