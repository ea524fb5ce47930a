//! `weir audit verify`: checks the chains over the audit logs.

use serde_json::json;

use crate::audit::chain;
use crate::config::Config;
use crate::db::Scope;
use crate::ids::TenantId;

/// Which chains, and what is known of them.
#[derive(clap::Args, Debug)]
pub struct Verify {
    /// Only this ISP's, by the id that begins with `ten_`.
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// A head printed earlier and kept elsewhere; it must still be in the chain.
    #[arg(long, requires = "tenant")]
    pub known: Option<String>,
}

/// Prints what each chain is like, one JSON object a line; fails when any was tampered with.
pub async fn verify(config: Config, wish: Verify) -> anyhow::Result<()> {
    let started = super::start(config).await?;
    let mut faulty = 0;
    for tenant in started.app.db.tenants().await? {
        if wish.tenant.is_some_and(|only| only != tenant) {
            continue;
        }
        let mut tx = started.app.db.read(&Scope::system(tenant)).await?;
        let verdict = chain::verify(&mut tx, wish.known.as_deref()).await?;
        faulty += usize::from(verdict.fault.is_some());
        let mut line = json!(verdict);
        line["tenant_id"] = json!(tenant);
        println!("{line}");
    }
    started.end().await?;
    anyhow::ensure!(faulty == 0, "{faulty} audit logs are not as they were written");
    Ok(())
}
