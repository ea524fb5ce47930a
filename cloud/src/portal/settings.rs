//! Where an ISP's portal is and what it allows.

use serde_json::json;

use super::store::{self, StoredSettings};
use super::{Door, Error, PortalSettings, PortalSettingsChange};
use crate::app::App;
use crate::db::TenantTx;
use crate::{audit, tenants};

/// Longest text about paying, in characters.
const TEXT_MAX: usize = 1000;
/// Longest host name.
const HOST_MAX: usize = 253;

/// How the transaction's ISP's portal is.
pub async fn settings(app: &App, tx: &mut TenantTx) -> Result<PortalSettings, Error> {
    let stored = settings_of(tx).await?;
    let host = store::host(tx).await?.unwrap_or_default();
    let address = address(app, tx).await?;
    let StoredSettings { how_to_pay, sign_up, cheaper_at_period_end, top_ups } = stored;
    Ok(PortalSettings { address, host, how_to_pay, sign_up, cheaper_at_period_end, top_ups })
}

pub(super) async fn settings_of(tx: &mut TenantTx) -> Result<StoredSettings, Error> {
    Ok(store::settings(tx).await?.unwrap_or_default())
}

/// Changes the transaction's ISP's portal.
pub async fn change_settings(
    app: &App,
    tx: &mut TenantTx,
    change: PortalSettingsChange,
) -> Result<PortalSettings, Error> {
    let before = settings(app, tx).await?;
    if let Some(host) = change.host {
        let host = host.trim().trim_end_matches('.').to_lowercase();
        check_host(app, &host)?;
        store::set_host(tx, &host).await?;
    }
    let stored = StoredSettings {
        how_to_pay: change.how_to_pay.map_or(before.how_to_pay.clone(), |text| text.trim().to_owned()),
        sign_up: change.sign_up.unwrap_or(before.sign_up),
        cheaper_at_period_end: change.cheaper_at_period_end.unwrap_or(before.cheaper_at_period_end),
        top_ups: change.top_ups.unwrap_or(before.top_ups),
    };
    if stored.how_to_pay.chars().count() > TEXT_MAX {
        return Err(Error::Invalid("how_to_pay", format!("must have at most {TEXT_MAX} characters")));
    }
    store::put_settings(tx, &stored).await?;
    let after = settings(app, tx).await?;
    audit::record(tx, "change portal", tx.tenant(), json!({ "before": before, "after": after })).await?;
    Ok(after)
}

fn check_host(app: &App, host: &str) -> Result<(), Error> {
    if host.is_empty() {
        return Ok(());
    }
    let label = |label: &str| {
        let inner = label.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
        inner && !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-')
    };
    let named = host.contains('.') && host.chars().any(|letter| letter.is_ascii_alphabetic());
    if !named || host.len() > HOST_MAX || !host.split('.').all(label) {
        return Err(Error::Invalid("host", format!("{host:?} is not a host name such as my.northwind.example")));
    }
    if host == own_host(app) { Err(Error::HostTaken(host.to_owned())) } else { Ok(()) }
}

/// The installation's own host name, without a port.
fn own_host(app: &App) -> String {
    let (_, authority) = origin(app);
    host_of(authority).to_lowercase()
}

/// Scheme and authority of the installation's own address.
fn origin(app: &App) -> (&str, &str) {
    let address = app.config.public_url.trim_end_matches('/');
    let (scheme, rest) = address.split_once("://").unwrap_or(("http", address));
    (scheme, rest.split('/').next().unwrap_or(rest))
}

/// A host without its port.
fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.chars().all(|digit| digit.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// Where the transaction's ISP's portal is, without a slash at the end.
pub async fn address(app: &App, tx: &mut TenantTx) -> Result<String, Error> {
    let (scheme, authority) = origin(app);
    if let Some(host) = store::host(tx).await? {
        let port = &authority[host_of(authority).len()..];
        return Ok(format!("{scheme}://{host}{port}"));
    }
    let slug = tenants::slug(tx).await?;
    Ok(format!("{}/portal/{slug}", app.config.public_url.trim_end_matches('/')))
}

/// The portal of an ISP's short name.
pub async fn door(app: &App, slug: &str) -> Result<Door, Error> {
    let tenant = tenants::named(app, slug).await?.ok_or(Error::NoPortal)?;
    Ok(Door { tenant, slug: slug.to_owned() })
}

/// The portal a request's host names, if it is not the installation's own.
pub async fn door_of_host(app: &App, authority: &str) -> Result<Option<Door>, Error> {
    let host = host_of(authority).trim_end_matches('.').to_lowercase();
    let address = host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[');
    if address || host == "localhost" || host == own_host(app) {
        return Ok(None);
    }
    let mut tx = app.db.platform().await?;
    Ok(store::door_of_host(&mut tx, &host).await?)
}
