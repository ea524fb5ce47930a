//! What people do in a real browser, somewhere in the lab: one program a visit, told what to do on standard input.

use super::stage::Stage;
use crate::topology::Place;
use crate::wire::{Ask, Finished};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// Lets `who` do `what` from a node; answers what they saw. Cookies are kept a person.
pub async fn visit(stage: &Stage, from: Place, who: &str, what: &str, facts: Value) -> Result<Value> {
    let kept = stage.lab.folder("people")?.join(format!("{who}.json"));
    let task = json!({"what": what, "who": who, "kept": kept, "base": stage.lab.public_url(),
        "screenshots": stage.screenshots, "facts": facts});
    let argv = vec!["node".to_owned(), stage.browser.join("pilot.js").display().to_string()];
    let ask = Ask::Run { node: from.name(), argv, input: task.to_string() };
    let done: Finished = stage.lab.inside().ask(ask).await?;
    if done.code != Some(0) {
        bail!("{what} in the browser: {}", done.stderr.trim());
    }
    let last = done.stdout.lines().last().unwrap_or_default();
    serde_json::from_str(last).with_context(|| format!("{what} in the browser said {:?}", done.stdout))
}
