//! The life of a version: uploaded and verified, tried, active, retired; and back.

use serde_json::json;
use weir_plugin_host::compile::Refusal;
use weir_plugin_host::sign::digest;

use super::{Error, Plugin, Version, VersionState, service, store};
use crate::app::App;
use crate::audit;
use crate::db::{Scope, TenantTx};
use crate::ids::{PluginId, PluginVersionId};

/// Takes a component: checks it, compiles it in a process of its own, signs the code, keeps all of it, or nothing.
pub async fn upload(app: &App, scope: &Scope, plugin_id: PluginId, component: &[u8]) -> Result<Version, Error> {
    let digest = digest(component);
    let mut tx = app.db.read(scope).await?;
    let plugin = service::plugin(&mut tx, plugin_id).await?;
    known(&mut tx, plugin_id, &digest).await?;
    drop(tx);
    let (report, code) = app.plugins.compile(component).await?;
    if report.hook != plugin.hook {
        let (wanted, found) = (plugin.hook.name().to_owned(), report.hook.name().to_owned());
        return Err(Refusal::OtherHook { wanted, found }.into());
    }
    let signature = app.plugins.sign(scope.tenant, &digest, &code);
    let mut tx = app.db.begin(scope).await?;
    store::plugins::lock(&mut tx, plugin_id).await?;
    known(&mut tx, plugin_id, &digest).await?;
    let id: PluginVersionId = tx.new_id();
    let new = store::versions::NewVersion {
        plugin_id,
        digest: &digest,
        component,
        report: &report,
        code: &code,
        signature: &signature,
    };
    store::versions::insert(&mut tx, id, &new).await?;
    audit::record(
        &mut tx,
        "upload plugin version",
        id,
        json!({ "plugin": plugin.name, "digest": hex::encode(digest) }),
    )
    .await?;
    let uploaded = version(&mut tx, id).await?;
    tx.commit().await?;
    Ok(uploaded)
}

async fn known(tx: &mut TenantTx, plugin: PluginId, digest: &[u8; 32]) -> Result<(), Error> {
    match store::versions::by_digest(tx, plugin, digest).await? {
        Some(known) => Err(Error::Known { id: known.id, number: known.number }),
        None => Ok(()),
    }
}

/// One version.
pub async fn version(tx: &mut TenantTx, id: PluginVersionId) -> Result<Version, Error> {
    store::versions::find(tx, id).await?.ok_or(Error::VersionNotFound(id))
}

/// The versions of a plugin, newest first.
pub async fn versions(tx: &mut TenantTx, plugin: PluginId) -> Result<Vec<Version>, Error> {
    service::plugin(tx, plugin).await?;
    Ok(store::versions::of_plugin(tx, plugin).await?)
}

/// Has the version with this digest asked from now on. It must have been tried.
pub async fn activate(tx: &mut TenantTx, id: PluginId, digest: &str) -> Result<Plugin, Error> {
    let unknown = || Error::DigestNotFound(digest.chars().take(80).collect());
    let bytes: [u8; 32] = hex::decode(digest).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(unknown)?;
    store::plugins::lock(tx, id).await?;
    let plugin = service::plugin(tx, id).await?;
    let version = store::versions::by_digest(tx, id, &bytes).await?.ok_or_else(unknown)?;
    if version.dry_run.is_none() {
        return Err(Error::NotTried(version.number));
    }
    if plugin.active_version_id == Some(version.id) {
        return Ok(plugin);
    }
    if let Some(other) = store::plugins::other_price_setter(tx, id).await? {
        return Err(Error::PricesTaken(other));
    }
    switch(tx, &plugin, Some(&version), "activate plugin version").await
}

/// Returns to the version that was active before.
pub async fn roll_back(tx: &mut TenantTx, id: PluginId) -> Result<Plugin, Error> {
    store::plugins::lock(tx, id).await?;
    let plugin = service::plugin(tx, id).await?;
    let before = plugin.previous_version_id.ok_or(Error::NothingBefore)?;
    if let Some(other) = store::plugins::other_price_setter(tx, id).await? {
        return Err(Error::PricesTaken(other));
    }
    let version = version(tx, before).await?;
    switch(tx, &plugin, Some(&version), "roll back plugin").await
}

/// Stops asking the plugin.
pub async fn disable(tx: &mut TenantTx, id: PluginId) -> Result<Plugin, Error> {
    store::plugins::lock(tx, id).await?;
    let plugin = service::plugin(tx, id).await?;
    if plugin.active_version_id.is_none() {
        return Err(Error::NotActive);
    }
    switch(tx, &plugin, None, "disable plugin").await
}

/// One version hands over to another, or to none; what was active is what a rollback returns to.
async fn switch(tx: &mut TenantTx, plugin: &Plugin, to: Option<&Version>, action: &str) -> Result<Plugin, Error> {
    if let Some(active) = plugin.active_version_id {
        store::versions::set_state(tx, active, VersionState::Retired).await?;
    }
    if let Some(version) = to {
        store::versions::set_state(tx, version.id, VersionState::Active).await?;
    }
    let previous = plugin.active_version_id.or(plugin.previous_version_id);
    store::plugins::set_active(tx, plugin.id, to.map(|version| version.id), previous).await?;
    let digest = to.map(|version| &version.digest);
    audit::record(tx, action, plugin.id, json!({ "plugin": plugin.name, "digest": digest })).await?;
    service::plugin(tx, plugin.id).await
}
