//! Lives through a year of an ISP in a data folder, tells its months, and prints one line of JSON about it at the end.

use clap::Parser;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;
use weir_cloud::config::Config;
use weir_cloud::roles;
use weir_history::life::{self, Isp};
use weir_history::script::Size;

#[derive(Parser)]
#[command(about = "A year of an ISP's life, through the product's own services")]
struct Arguments {
    #[command(flatten)]
    config: Config,
    /// How many subscribers there are at the end
    #[arg(long, default_value_t = 300)]
    subscribers: usize,
    /// How many months pass
    #[arg(long, default_value_t = 12)]
    months: u32,
    /// How many of the lines are the lab's
    #[arg(long, default_value_t = 8)]
    lab_lines: u8,
    /// Everybody's password
    #[arg(long)]
    password: String,
    /// The ISP takes cards: a payment provider is there
    #[arg(long)]
    cards: bool,
    /// Where mail is taken
    #[arg(long)]
    mail: Option<SocketAddr>,
    /// The folder its rules were built into
    #[arg(long)]
    rules: Option<PathBuf>,
    /// Where its bookkeeper's program listens
    #[arg(long)]
    listener: Option<String>,
}

fn main() -> anyhow::Result<()> {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let level = Targets::new().with_default(LevelFilter::WARN);
    tracing_subscriber::registry().with(lines.with_filter(level)).init();
    tokio::runtime::Runtime::new()?.block_on(run(Arguments::parse()))
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let config = Config { dev_clock: true, ..arguments.config };
    let started = roles::start(config).await?;
    let size = Size { subscribers: arguments.subscribers, months: arguments.months, lab_lines: arguments.lab_lines };
    let isp = Isp {
        name: "Northwind Fibre",
        slug: "northwind",
        password: &arguments.password,
        cards: arguments.cards,
        mail: arguments.mail,
        rules: arguments.rules.as_deref(),
        listener: arguments.listener.as_deref(),
    };
    let lived = life::live(&started.app, &isp, size, |month| {
        println!("lived {month}");
        let _closed_by_the_reader = std::io::stdout().flush();
    })
    .await;
    started.end().await?;
    println!("{}", lived?.to_json());
    Ok(())
}
