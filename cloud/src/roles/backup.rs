//! `weir backup` and `weir restore`: the database and the key that opens what is sealed in it, as one folder.

use std::fs::Permissions;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde_json::json;

use crate::config::Config;
use crate::db::{Scope, backup, migrate};
use crate::fleet::held;
use crate::secrets;

/// The database in a backup's folder.
const DUMP: &str = "weir.dump";
/// The key in a backup's folder.
const KEY: &str = "installation.key";

/// Where to.
#[derive(clap::Args, Debug)]
pub struct Backup {
    /// A folder that is not there yet; whoever owns the data folder must be able to make it.
    #[arg(long)]
    pub to: PathBuf,
}

/// Where from.
#[derive(clap::Args, Debug)]
pub struct Restore {
    /// A folder `weir backup` made.
    #[arg(long)]
    pub from: PathBuf,
}

/// Writes one moment of the database, beside a running installation; the folder appears when it is whole.
pub async fn back_up(config: Config, wish: Backup) -> anyhow::Result<()> {
    ensure!(!wish.to.exists(), "{} is there already", wish.to.display());
    let key = std::fs::read(secrets::file(&config.data_dir))
        .with_context(|| format!("there is no installation in {}", config.data_dir.display()))?;
    let mut draft = wish.to.clone().into_os_string();
    draft.push(".unfinished");
    let draft = PathBuf::from(draft);
    let told = || format!("write {}", draft.display());
    if draft.exists() {
        std::fs::remove_dir_all(&draft).with_context(told)?;
    }
    std::fs::DirBuilder::new().mode(0o700).create(&draft).with_context(told)?;
    let (server, options) = super::database(&config).await?;
    let written = async {
        let began = backup::begin(&options).await?;
        backup::dump(&options, &draft.join(DUMP)).await?;
        write_key(&draft, KEY, &key).with_context(told)?;
        std::fs::set_permissions(draft.join(DUMP), Permissions::from_mode(0o600)).with_context(told)?;
        std::fs::File::open(draft.join(DUMP)).and_then(|dump| dump.sync_all()).with_context(told)?;
        let bytes = std::fs::metadata(draft.join(DUMP))?.len();
        std::fs::rename(&draft, &wish.to).with_context(told)?;
        backup::finish_one(&options, began).await?;
        anyhow::Ok(bytes)
    };
    let written = written.await;
    if let Some(server) = server {
        server.stop().await?;
    }
    println!("{}", json!({ "folder": wish.to, "bytes": written? }));
    Ok(())
}

/// Replaces an installation nobody has used yet by the one in a backup.
pub async fn restore(config: Config, wish: Restore) -> anyhow::Result<()> {
    let told = || format!("{} is not a whole backup", wish.from.display());
    let key = std::fs::read(wish.from.join(KEY)).with_context(told)?;
    std::fs::File::open(wish.from.join(DUMP)).with_context(told)?;
    let (server, options) = super::database(&config).await?;
    let restored = async {
        backup::make_room(&options).await?;
        // The key first: without it what comes now opens nothing; with it alone, this can be done again.
        let file = secrets::file(&config.data_dir);
        let folder = file.parent().unwrap_or(&config.data_dir);
        std::fs::create_dir_all(folder)?;
        write_key(folder, KEY, &key)?;
        backup::load(&options, &wish.from.join(DUMP)).await?;
        migrate::run(&options).await.context("bring the restored database to this version")?;
        backup::note_restored(&options).await
    };
    let restored = restored.await;
    if let Some(server) = server {
        server.stop().await?;
    }
    restored
}

/// Tells an installation that its database is of an earlier time than its routers.
pub async fn recovered(config: Config) -> anyhow::Result<()> {
    let (server, options) = super::database(&config).await?;
    let noted = backup::note_restored(&options).await;
    if let Some(server) = server {
        server.stop().await?;
    }
    noted
}

/// Has the routers of all ISPs believe a database that was put back to an earlier time; prints how many ISPs that concerned.
pub async fn release(config: Config) -> anyhow::Result<()> {
    let started = super::start(config).await?;
    let mut released = 0;
    for tenant in started.app.db.tenants().await? {
        let mut tx = started.app.db.begin(&Scope::system(tenant)).await?;
        if held::restored_at(&mut tx).await?.is_some() {
            held::release(&mut tx).await?;
            tx.commit().await?;
            released += 1;
        }
    }
    started.end().await?;
    println!("{}", json!({ "released": released }));
    Ok(())
}

/// Whole or not at all, for its owner only.
fn write_key(folder: &Path, name: &str, key: &[u8]) -> std::io::Result<()> {
    let draft = folder.join(format!("{name}.draft"));
    std::fs::write(&draft, b"")?;
    std::fs::set_permissions(&draft, Permissions::from_mode(0o600))?;
    std::fs::write(&draft, key)?;
    std::fs::File::open(&draft)?.sync_all()?;
    std::fs::rename(&draft, folder.join(name))
}
