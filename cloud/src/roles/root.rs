//! `weir root`: one root takes the place of another, beside a running installation.

use anyhow::Context;
use serde_json::json;
use uuid::Uuid;

use crate::app::App;
use crate::config::Config;
use crate::fleet::roots;

/// What is done with roots.
#[derive(clap::Subcommand, Debug)]
pub enum Root {
    /// Print every root there ever was, one JSON object a line.
    List,
    /// Make a root that is trusted from now on, and issues nothing yet.
    New,
    /// Let a trusted root issue certificates from now on, in place of the one that does.
    Issue(Issue),
    /// Trust a root no more.
    Retire(Retire),
}

/// A root that issues.
#[derive(clap::Args, Debug)]
pub struct Issue {
    /// Its id, as `list` prints it.
    pub id: Uuid,
    /// Even if backups are made and none has it: after a restore, every agent with a certificate of it must be enrolled anew.
    #[arg(long)]
    pub without_backup: bool,
}

/// A root that goes.
#[derive(clap::Args, Debug)]
pub struct Retire {
    /// Its id, as `list` prints it.
    pub id: Uuid,
    /// Even if agents still show certificates of it: their routers keep enforcing, and must be enrolled anew.
    #[arg(long)]
    pub lose_agents: bool,
}

/// Does it, and prints all roots as they are then.
pub async fn run(config: Config, wish: Root) -> anyhow::Result<()> {
    let started = super::start(config).await?;
    let done = work(&started.app, wish).await;
    started.end().await?;
    done?.iter().for_each(|line| println!("{line}"));
    Ok(())
}

async fn work(app: &App, wish: Root) -> anyhow::Result<Vec<serde_json::Value>> {
    match wish {
        Root::List => {}
        Root::New => drop(roots::make(app).await?),
        Root::Issue(Issue { id, without_backup }) => roots::issue(app, id, without_backup).await?,
        Root::Retire(Retire { id, lose_agents }) => {
            let retired = roots::retire(app, id, lose_agents).await;
            retired.context("the root stays")?;
        }
    }
    let line = |(root, state): (roots::Root, roots::State)| {
        json!({
            "id": root.id,
            "state": state,
            "fingerprint": blake3::hash(&root.certificate).to_hex().as_str(),
            "made_at": root.made_at,
            "issuing_since": root.issuing_since,
            "retired_at": root.retired_at,
            "agents": root.agents,
            "agents_not_told": root.agents_not_told,
        })
    };
    Ok(roots::all(app).await?.into_iter().map(line).collect())
}
