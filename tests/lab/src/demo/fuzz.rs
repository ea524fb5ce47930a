//! The API, asked everything its description allows and much that it does not: schemathesis against the demo's ISP.
//!
//! No answer may be a server error, and none may differ from its description: status, content type and schema.

use super::stage::{Stage, tell};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;
use tokio::process::Command;

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
/// Whoever calls these may end their own session.
const ABOUT_ONESELF: &str = "(/sessions|/me/|second-step)";

/// What to ask with.
#[derive(Debug, clap::Args)]
pub struct Wish {
    /// The program
    #[arg(long)]
    schemathesis: std::path::PathBuf,
    /// Hooks it needs to speak with Weir
    #[arg(long)]
    hooks: std::path::PathBuf,
    /// Inputs made up for each operation, besides those at the edges of what its description allows
    #[arg(long)]
    examples: u32,
    /// Where chance begins
    #[arg(long)]
    seed: u64,
}

/// Asks, prints one line of JSON, and fails when an answer was not as it should be.
pub async fn run(wish: &Wish) -> Result<ExitCode> {
    let stage = Stage::build(0, 4).await?;
    stage.bill_and_collect().await?;
    let _provider = stage.lab.start_provider().await?;
    let keys = json!({"secret_key": "sk_test_1234", "webhook_secret": "whsec_test", "publishable_key": "pk_test_1"});
    stage.isp.api.patch("/payment-provider", &keys).await?;
    let description = stage.lab.folder("api")?.join("openapi.json");
    std::fs::write(&description, stage.isp.api.get("/openapi.json").await?.to_string())?;
    tell("asking as the owner");
    let owner = ask(&stage, wish, &description, stage.isp.api.token()?, "--exclude-path-regex").await?;
    tell("asking as another ISP's owner, who may sign himself out");
    let other = ask(&stage, wish, &description, stage.other.api.token()?, "--include-path-regex").await?;
    let sum = |field: &str| [&owner, &other].iter().filter_map(|report| report[field].as_u64()).sum::<u64>();
    let ok = sum("failures") + sum("errors") == 0;
    println!(
        "{}",
        json!({"requests": sum("requests"), "operations": sum("operations"), "failures": sum("failures"),
            "errors": sum("errors"), "seed": wish.seed, "ok": ok})
    );
    if !ok {
        stage.lab.tell_last_words();
    }
    stage.lab.stop().await?;
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs schemathesis over the operations whose paths are in, or out of, [`ABOUT_ONESELF`]; returns what it counted.
async fn ask(stage: &Stage, wish: &Wish, description: &Path, token: &str, paths: &str) -> Result<Value> {
    let folder = description.parent().context("a description without a folder")?;
    let report = folder.join(format!("report{paths}.json"));
    let (program, hooks) = (wish.schemathesis.canonicalize()?, wish.hooks.canonicalize()?);
    let mut schemathesis = Command::new(program);
    schemathesis.arg("run").arg(description).args(["--url", &stage.lab.url(), "--checks", CHECKS]);
    schemathesis.args(["--header", &format!("Authorization: Bearer {token}"), paths, ABOUT_ONESELF]);
    schemathesis.args(["--max-examples", &wish.examples.to_string(), "--seed", &wish.seed.to_string()]);
    schemathesis.args(["--phases", "examples,coverage,fuzzing,stateful", "--workers", "2", "--continue-on-failure"]);
    schemathesis.args(["--warnings", "off", "--report", "json", "--report-json-path"]).arg(&report);
    let asked = schemathesis.env("SCHEMATHESIS_HOOKS", hooks).current_dir(folder).kill_on_drop(true).status();
    let status = asked.await.with_context(|| format!("running {}", wish.schemathesis.display()))?;
    let text = std::fs::read_to_string(&report).with_context(|| format!("schemathesis ended with {status}"))?;
    let report: Value = serde_json::from_str(&text)?;
    let requests = report["test_cases"]["generated"].as_u64().context("a report without a count")?;
    ensure!(requests > 0, "nothing was asked");
    Ok(json!({"requests": requests, "operations": report["operations"]["tested"],
        "failures": report["test_cases"]["unique_failures"], "errors": report["errors"].as_array().map(Vec::len)}))
}
