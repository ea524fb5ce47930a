//! `weir plugin publish`: uploads a new version over the API; what becomes of it is decided on its page.

use std::path::PathBuf;

use anyhow::{Context, bail};
use reqwest::{Client, Response};
use serde_json::{Value, json};

use super::{Project, build};

/// Build a project and upload it.
#[derive(clap::Args)]
pub struct Publish {
    #[command(flatten)]
    project: Project,
    /// The address of the control plane.
    #[arg(long, env = "WEIR_URL")]
    url: String,
    /// A bearer token of somebody who may manage plugins.
    #[arg(long, env = "WEIR_TOKEN", hide_env_values = true, allow_hyphen_values = true)]
    token: String,
    /// The plugin's name there; the project's if not given. It is added if it is not there.
    #[arg(long)]
    name: Option<String>,
    /// A component to upload as it is, instead of building the project.
    #[arg(long)]
    component: Option<PathBuf>,
}

/// Uploads and says what was uploaded.
pub async fn run(wish: &Publish) -> anyhow::Result<()> {
    let (name, component) = match (&wish.component, &wish.name) {
        (Some(file), Some(name)) => {
            (name.clone(), std::fs::read(file).with_context(|| format!("read {}", file.display()))?)
        }
        (Some(_), None) => bail!("say the plugin's name by --name"),
        (None, _) => build::built(&wish.project)?,
    };
    let name = wish.name.clone().unwrap_or(name);
    let (report, _) = weir_plugin_host::compile::compile(&component)?;
    // There is one provider of cryptography in this program.
    let _already_there = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().build().context("make an HTTP client")?;
    let url = wish.url.trim_end_matches('/');
    let id = match plugin_named(&client, url, &wish.token, &name).await? {
        Some(id) => id,
        None => {
            let new = json!({ "name": name, "hook": report.hook.name() });
            let request = client.post(format!("{url}/api/v1/plugins")).bearer_auth(&wish.token).json(&new);
            let added = answer(request.send().await.context("reach the control plane")?).await?;
            added["id"].as_str().context("an id")?.to_owned()
        }
    };
    let request = client.post(format!("{url}/api/v1/plugins/{id}/versions")).bearer_auth(&wish.token);
    let request = request.header("content-type", "application/wasm").body(component);
    let version = answer(request.send().await.context("upload")?).await?;
    let text = |name: &str| version[name].as_str().unwrap_or_default().to_owned();
    println!("{name} version {}, sha256 {}", version["number"], text("digest"));
    println!("{url}/plugin-versions/{}", text("id"));
    Ok(())
}

async fn plugin_named(client: &Client, url: &str, token: &str, name: &str) -> anyhow::Result<Option<String>> {
    let mut after = String::new();
    loop {
        let request = client.get(format!("{url}/api/v1/plugins?limit=200&after={after}")).bearer_auth(token);
        let page = answer(request.send().await.context("reach the control plane")?).await?;
        let items = page["items"].as_array().context("a list")?;
        if let Some(found) = items.iter().find(|plugin| plugin["name"] == name) {
            return Ok(found["id"].as_str().map(str::to_owned));
        }
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => return Ok(None),
        }
    }
}

/// The body of a good answer, or what the problem says.
async fn answer(response: Response) -> anyhow::Result<Value> {
    let status = response.status();
    let body: Value = response.json().await.unwrap_or(Value::Null);
    if status.is_success() {
        return Ok(body);
    }
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    bail!("{status}: {}: {}", text("title"), text("detail"))
}
