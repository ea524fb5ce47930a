//! Plugins and what they are told.

use std::collections::BTreeMap;

use serde_json::json;
use weir_plugin_host::call::Hook;

use super::{EFFECTS, Error, NewPlugin, Plugin, Settings, SettingsWish, Stats, store};
use crate::audit;
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::events::{self, Event, EventKind};
use crate::http::paging::Page;
use crate::ids::PluginId;

const NAME_MAX: usize = 48;
const ENTRIES_MAX: usize = 50;
const KEY_MAX: usize = 64;
const VALUE_MAX: usize = 1_000;
const LIMIT_MAX: i32 = 1_000;
/// How far from the plan's price a new plugin may go, in percent.
const LIMIT_FIRST: i32 = 50;
/// Notes shown at once.
const NOTES: u32 = 20;

/// Adds a plugin; it is asked nothing before a version is uploaded, tried and activated.
pub async fn add(tx: &mut TenantTx, new: &NewPlugin) -> Result<Plugin, Error> {
    let mut errors = Vec::new();
    if !is_name(&new.name) {
        let message = format!("must be 1 to {NAME_MAX} lower-case letters, digits and hyphens, a letter first");
        errors.push(FieldError::new("name", message));
    }
    let hook = Hook::from_name(&new.hook);
    if hook.is_none() {
        errors.push(FieldError::new("hook", format!("must be rate-usage or handle-event, found {:?}", new.hook)));
    }
    let (Some(hook), true) = (hook, errors.is_empty()) else { return Err(Error::Invalid(errors)) };
    let id: PluginId = tx.new_id();
    let first = Settings {
        revision: 1,
        entries: BTreeMap::new(),
        limit_percent: LIMIT_FIRST,
        effects: Vec::new(),
        events: Vec::new(),
    };
    if !store::plugins::insert(tx, id, &new.name, hook).await? {
        return Err(Error::NameTaken(new.name.clone()));
    }
    store::plugins::insert_settings(tx, id, &first).await?;
    audit::record(tx, "add plugin", id, json!({ "name": new.name, "hook": new.hook })).await?;
    plugin(tx, id).await
}

fn is_name(name: &str) -> bool {
    name.len() <= NAME_MAX
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// One plugin.
pub async fn plugin(tx: &mut TenantTx, id: PluginId) -> Result<Plugin, Error> {
    store::plugins::find(tx, id).await?.ok_or(Error::NotFound(id))
}

/// A page of plugins, newest first.
pub async fn plugins(tx: &mut TenantTx, page: Page) -> Result<Vec<Plugin>, Error> {
    Ok(store::plugins::page(tx, page).await?)
}

/// How a plugin does.
pub async fn stats(tx: &mut TenantTx, id: PluginId) -> Result<Stats, Error> {
    Ok(store::invocations::stats(tx, id).await?)
}

/// Tells and allows a plugin other things; each change is a revision of its own.
pub async fn set(tx: &mut TenantTx, id: PluginId, wish: SettingsWish) -> Result<Plugin, Error> {
    store::plugins::lock(tx, id).await?;
    let now = plugin(tx, id).await?;
    let errors = wrong(&wish);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let SettingsWish { entries, limit_percent, effects, events } = wish;
    let settings = Settings { revision: now.settings.revision, entries, limit_percent, effects, events };
    if settings == now.settings {
        return Ok(now);
    }
    let settings = Settings { revision: now.settings.revision + 1, ..settings };
    store::plugins::insert_settings(tx, id, &settings).await?;
    audit::record(tx, "set plugin", id, json!(settings)).await?;
    plugin(tx, id).await
}

fn wrong(wish: &SettingsWish) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut refuse = |field: &str, message: String| errors.push(FieldError::new(field, message));
    if wish.entries.len() > ENTRIES_MAX {
        refuse("entries", format!("must have at most {ENTRIES_MAX} entries"));
    }
    for (key, value) in &wish.entries {
        if key.is_empty() || key.chars().count() > KEY_MAX || value.chars().count() > VALUE_MAX {
            let message =
                format!("{key:?} must have a name of 1 to {KEY_MAX} and a value of at most {VALUE_MAX} characters");
            refuse("entries", message);
        }
    }
    if !(0..=LIMIT_MAX).contains(&wish.limit_percent) {
        refuse("limit_percent", format!("must be between 0 and {LIMIT_MAX}, found {}", wish.limit_percent));
    }
    if let Some(other) = wish.effects.iter().find(|effect| !EFFECTS.contains(&effect.as_str())) {
        refuse("effects", format!("must be of note and hold, found {other:?}"));
    }
    if let Some(other) = wish.events.iter().find(|kind| EventKind::from_name(kind).is_none()) {
        refuse("events", format!("there is no kind of event {other:?}"));
    }
    errors
}

/// Asks a paused plugin again.
pub async fn resume(tx: &mut TenantTx, id: PluginId) -> Result<Plugin, Error> {
    store::plugins::lock(tx, id).await?;
    let paused = plugin(tx, id).await?;
    if paused.paused_at.is_none() {
        return Err(Error::NotPaused);
    }
    store::plugins::resume(tx, id).await?;
    audit::record(tx, "resume plugin", id, json!({ "plugin": paused.name })).await?;
    plugin(tx, id).await
}

/// The newest notes it left for staff, newest first.
pub async fn notes(tx: &mut TenantTx, id: PluginId) -> Result<Vec<Event>, Error> {
    Ok(events::about(tx, EventKind::PluginNoted, id, NOTES).await?)
}
