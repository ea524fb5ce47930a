//! What developers bring: the ISP's own rules, one that must not be trusted, and the bookkeeper's program.

use super::World;
use super::office::{OWNER, text};
use crate::script::people::Payer;
use anyhow::{Context, Result};
use axum::http::Method;
use serde_json::{Value, json};
use std::path::Path;

/// How many of those who pay late somebody calls before anything else happens.
const IMPORTANT: usize = 6;

impl World {
    /// Rules are uploaded, told what to do, tried on what was recorded, and asked from then on.
    pub(super) async fn bring_rules(&mut self, folder: &Path) -> Result<()> {
        let owl = self.upload(folder, "night-owl", ("rate-usage", "night-owl")).await?;
        let wish = json!({"entries": {"percent": "50", "from": "0", "until": "6"}, "limit_percent": 50});
        self.try_rule(&owl, wish).await?;
        self.activate(&owl).await?;

        let late = self.sold.iter().filter(|(number, _)| matches!(self.year.people[**number].payer, Payer::Late(_)));
        let accounts: Vec<_> = late.take(IMPORTANT).map(|(_, sold)| sold.account.clone()).collect();
        let vip = self.upload(folder, "vip-overdue", ("handle-event", "vip-overdue")).await?;
        let wish = json!({"entries": {"accounts": accounts.join(" ")}, "limit_percent": 0, "effects": ["note"],
            "events": ["hold.placed"]});
        self.try_rule(&vip, wish).await?;
        self.activate(&vip).await?;

        let partner = self.upload(folder, "partner-sync", ("handle-event", "forger")).await?;
        let wish = json!({"entries": {"do": "tenant"}, "limit_percent": 0, "effects": ["note", "hold"],
            "events": ["dunning.walled"]});
        self.try_rule(&partner, wish).await?;
        self.activate(&partner).await
    }

    /// One more is tried, and goes wrong: it is never asked.
    pub(super) async fn try_offer(&mut self, folder: &Path) -> Result<()> {
        let offer = self.upload(folder, "winter-offer", ("rate-usage", "hostile")).await?;
        self.try_rule(&offer, json!({"entries": {"do": "loop"}, "limit_percent": 50})).await
    }

    /// The bookkeeper's program is told of invoices and payments.
    pub(super) async fn tell_bookkeeper(&mut self, url: &str) -> Result<()> {
        let kinds = ["invoice.issued", "payment.received", "payment.failed", "payment.refunded"];
        let wish = json!({"url": url, "description": "Bookkeeping", "kinds": kinds});
        self.office.staff(OWNER, "/webhooks", wish).await.map(drop)
    }

    /// Adds a plugin with its first version, which was built under a name.
    async fn upload(&mut self, folder: &Path, name: &str, (hook, built): (&str, &str)) -> Result<Rule> {
        let file = folder.join(format!("{built}.wasm"));
        let component = std::fs::read(&file).with_context(|| file.display().to_string())?;
        let plugin = text(&self.office.staff(OWNER, "/plugins", json!({"name": name, "hook": hook})).await?["id"])?;
        let version = self.office.hand_in(OWNER, &format!("/plugins/{plugin}/versions"), component).await?;
        Ok(Rule { plugin, version: text(&version["id"])?, digest: text(&version["digest"])? })
    }

    async fn try_rule(&mut self, rule: &Rule, settings: Value) -> Result<()> {
        let path = format!("/plugins/{}/settings", rule.plugin);
        self.office.staff_by(Method::PUT, OWNER, &path, Some(settings)).await?;
        self.office.staff(OWNER, &format!("/plugin-versions/{}/dry-run", rule.version), json!({})).await.map(drop)
    }

    async fn activate(&mut self, rule: &Rule) -> Result<()> {
        let path = format!("/plugins/{}/activate", rule.plugin);
        self.office.staff(OWNER, &path, json!({"digest": rule.digest})).await.map(drop)
    }
}

/// A plugin with one version.
struct Rule {
    plugin: String,
    version: String,
    digest: String,
}
