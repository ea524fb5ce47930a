//! `weir tenant create`: a new ISP and its owner.

use serde_json::json;

use crate::access::{self, NewStaff};
use crate::config::Config;
use crate::http::permission::Role;
use crate::tenants::{self, NewTenant};

/// A new ISP and who owns it.
#[derive(clap::Args, Debug)]
pub struct Create {
    /// As subscribers know it.
    #[arg(long)]
    pub name: String,
    /// A short name: lower-case letters, digits, hyphens.
    #[arg(long)]
    pub slug: String,
    /// ISO 4217.
    #[arg(long)]
    pub currency: String,
    /// IANA zone.
    #[arg(long)]
    pub time_zone: String,
    /// ISO 3166-1 alpha-2.
    #[arg(long)]
    pub country: String,
    /// The first person of its staff.
    #[arg(long)]
    pub owner_name: String,
    /// What that person logs in with.
    #[arg(long)]
    pub owner_email: String,
    /// At least 12 characters.
    #[arg(long, env = "WEIR_OWNER_PASSWORD", hide_env_values = true)]
    pub owner_password: String,
}

/// Creates the ISP and prints its ids as JSON. Works beside a running installation.
pub async fn create(config: Config, wish: Create) -> anyhow::Result<()> {
    let started = super::start(config).await?;
    let new = NewTenant {
        name: wish.name,
        slug: wish.slug,
        currency: wish.currency,
        time_zone: wish.time_zone,
        country: wish.country,
    };
    let created = create_with_owner(
        &started.app,
        &new,
        &NewStaff { name: wish.owner_name, email: wish.owner_email, password: wish.owner_password, role: Role::Owner },
    )
    .await;
    started.end().await?;
    println!("{}", created?);
    Ok(())
}

async fn create_with_owner(
    app: &crate::app::App,
    new: &NewTenant,
    owner: &NewStaff,
) -> anyhow::Result<serde_json::Value> {
    let mut tx = tenants::create(app, new).await.map_err(explain)?;
    let staff = access::add_staff(app, &mut tx, owner).await?;
    let tenant = tx.tenant();
    tx.commit().await?;
    Ok(json!({ "tenant_id": tenant, "staff_id": staff }))
}

fn explain(error: tenants::Error) -> anyhow::Error {
    match error {
        tenants::Error::Invalid(errors) => {
            let all: Vec<_> = errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect();
            anyhow::anyhow!(all.join("; "))
        }
        other => other.into(),
    }
}
