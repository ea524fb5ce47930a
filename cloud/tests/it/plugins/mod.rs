//! Rules of a tenant: what they decide, what they may not, and that nothing else is harmed when they misbehave.

mod events;
mod hostile;
mod life;
mod prices;
mod processes;
mod publish;
mod uploads;

use std::path::Path;

use serde_json::{Value, json};
use weir_cloud::db::Scope;

use crate::harness;
use crate::money::harness::Isp;

/// A plugin that `cargo xtask plugins` built.
pub fn component(name: &str) -> Vec<u8> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a target folder");
    let file = target.join("plugins").join(format!("{name}.wasm"));
    std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}: run cargo xtask plugins once", file.display()))
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

/// A plugin with a version that was tried and is active.
pub struct Active {
    pub id: String,
    pub version: String,
    pub digest: String,
}

impl Isp {
    /// Adds a plugin with one version.
    pub async fn uploaded(&self, name: &str, hook: &str, built: &str) -> Active {
        let plugin = self.post("/plugins", json!({ "name": name, "hook": hook })).await.expect(201);
        let id = text(&plugin, "id");
        let version = self.upload(&format!("/plugins/{id}/versions"), component(built)).await.expect(201);
        Active { id, version: text(&version, "id"), digest: text(&version, "digest") }
    }

    /// Tries and activates it.
    pub async fn activated(&self, name: &str, hook: &str, built: &str) -> Active {
        let plugin = self.uploaded(name, hook, built).await;
        self.post(&format!("/plugin-versions/{}/dry-run", plugin.version), json!({})).await.expect(200);
        let digest = json!({ "digest": plugin.digest });
        self.post(&format!("/plugins/{}/activate", plugin.id), digest).await.expect(200);
        plugin
    }

    /// Tells a plugin what to read and allows it what it asks for.
    pub async fn tell(&self, plugin: &Active, entries: Value, effects: Value) {
        let wish = json!({ "entries": entries, "limit_percent": 50, "effects": effects });
        self.put(&format!("/plugins/{}/settings", plugin.id), wish).await.expect(200);
    }

    /// The calls of a plugin, newest first.
    pub async fn calls(&self, plugin: &Active, query: &str) -> Vec<Value> {
        let calls = self.get(&format!("/plugins/{}/invocations{query}", plugin.id)).await.expect(200);
        calls["items"].as_array().expect("calls").clone()
    }

    /// The usage lines of an account, newest invoice first.
    pub async fn usage_lines(&self, account: impl std::fmt::Display) -> Vec<Value> {
        let mut lines = Vec::new();
        for invoice in
            self.get(&format!("/invoices?account_id={account}")).await.expect(200)["items"].as_array().unwrap()
        {
            let invoice = self.get(&format!("/invoices/{}", text(invoice, "id"))).await.expect(200);
            let of_invoice = invoice["lines"].as_array().unwrap().iter().filter(|line| line["kind"] == "usage");
            lines.extend(of_invoice.cloned());
        }
        lines
    }
}

/// One of everything of plugins that has an address, by collection.
pub async fn things(isp: &harness::Isp) -> Vec<(&'static str, String)> {
    let new = json!({ "name": "watcher", "hook": "handle-event" });
    let plugin = text(&isp.post("/api/v1/plugins", new).await.expect(201), "id");
    let path = format!("/api/v1/plugins/{plugin}/versions");
    let version = isp.upload(&path, component("vip-overdue")).await.expect(201);
    isp.post(&format!("/api/v1/plugin-versions/{}/dry-run", text(&version, "id")), json!({})).await.expect(200);
    let digest = json!({ "digest": version["digest"] });
    isp.post(&format!("/api/v1/plugins/{plugin}/activate"), digest).await.expect(200);
    let scope = Scope::system(isp.tenant);
    let mut tx = isp.cloud.app.db.read(&scope).await.expect("a transaction");
    let id: uuid::Uuid =
        sqlx::query_scalar("SELECT id FROM events LIMIT 1").fetch_one(tx.conn()).await.expect("an event");
    let event = weir_cloud::events::event(&mut tx, id.into()).await.expect("read").expect("the event");
    drop(tx);
    weir_cloud::plugins::listen(&isp.cloud.app, &scope, &event).await.expect("told");
    let calls = isp.get(&format!("/api/v1/plugins/{plugin}/invocations")).await.expect(200);
    let call = text(&calls["items"][0], "id");
    vec![("plugins", plugin), ("plugin-versions", text(&version, "id")), ("plugin-invocations", call)]
}
