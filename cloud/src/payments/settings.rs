//! A tenant's own account with a payment provider: its keys, sealed, and the adapter that uses them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Error;
use super::provider::stripe::Stripe;
use super::store::providers::{self, ProviderRow};
use crate::app::App;
use crate::audit;
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::secrets::Place;

/// The only provider so far.
pub(super) const STRIPE: &str = "stripe";
const KEY_MAX: usize = 255;

/// What is told of a tenant's provider; the secrets are not.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProviderSettings {
    /// `stripe`.
    pub provider: String,
    /// The key that may be seen by everybody.
    pub publishable_key: String,
    /// The end of the secret key; empty while there is none.
    pub secret_key_hint: String,
    /// Whether the provider's messages can be checked.
    pub has_webhook_secret: bool,
    /// Whether money is asked for through it.
    pub enabled: bool,
    /// Where the provider sends its messages: to be entered there.
    pub webhook_address: String,
}

/// A change of a tenant's provider; what is absent or empty stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderChange {
    /// Begins with `pk_`.
    pub publishable_key: Option<String>,
    /// Begins with `sk_` or `rk_`. It is sealed and never shown again.
    pub secret_key: Option<String>,
    /// Begins with `whsec_`. It is sealed and never shown again.
    pub webhook_secret: Option<String>,
    /// Whether money is asked for through it.
    pub enabled: Option<bool>,
}

fn place(tx: &TenantTx, column: &'static str) -> Place {
    Place::Tenant { tenant: tx.tenant(), column, row: tx.tenant().uuid() }
}

/// The provider as it may be seen.
pub async fn provider_settings(app: &App, tx: &mut TenantTx) -> Result<ProviderSettings, Error> {
    let row = providers::find(tx, STRIPE).await?;
    let webhook_address = app.links.messages(tx.tenant());
    Ok(ProviderSettings {
        provider: STRIPE.to_owned(),
        publishable_key: row.as_ref().map(|row| row.publishable_key.clone()).unwrap_or_default(),
        secret_key_hint: row.as_ref().map(|row| row.secret_hint.clone()).unwrap_or_default(),
        has_webhook_secret: row.as_ref().is_some_and(|row| row.webhook_secret.is_some()),
        enabled: row.is_some_and(|row| row.enabled),
        webhook_address,
    })
}

/// Changes the provider's keys.
pub async fn change_provider(app: &App, tx: &mut TenantTx, change: ProviderChange) -> Result<ProviderSettings, Error> {
    let given = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let (public, secret, webhook) =
        (given(change.publishable_key), given(change.secret_key), given(change.webhook_secret));
    let before = providers::find(tx, STRIPE).await?;
    check(before.is_some(), public.as_deref(), secret.as_deref(), webhook.as_deref())?;
    let mut row = before.unwrap_or(ProviderRow {
        publishable_key: String::new(),
        secret_key: Vec::new(),
        secret_hint: String::new(),
        webhook_secret: None,
        enabled: true,
        // What the provider has from before is not ours.
        listed_until: app.clock.system_now(),
    });
    let changed: Vec<_> = [("publishable_key", &public), ("secret_key", &secret), ("webhook_secret", &webhook)]
        .into_iter()
        .filter_map(|(name, value)| value.as_ref().map(|_| name))
        .collect();
    if let Some(secret) = &secret {
        row.secret_key = app.secrets.seal(place(tx, "payment_providers.secret_key"), secret.as_bytes())?;
        row.secret_hint = secret.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect();
    }
    if let Some(webhook) = &webhook {
        let place = place(tx, "payment_providers.webhook_secret");
        row.webhook_secret = Some(app.secrets.seal(place, webhook.as_bytes())?);
    }
    row.publishable_key = public.unwrap_or(row.publishable_key);
    row.enabled = change.enabled.unwrap_or(row.enabled);
    providers::upsert(tx, STRIPE, &row).await?;
    let detail = serde_json::json!({ "provider": STRIPE, "changed": changed, "enabled": row.enabled });
    audit::record(tx, "change payment provider", tx.tenant(), detail).await?;
    provider_settings(app, tx).await
}

fn check(known: bool, public: Option<&str>, secret: Option<&str>, webhook: Option<&str>) -> Result<(), Error> {
    let mut errors = Vec::new();
    if !known && secret.is_none() {
        errors.push(FieldError::new("secret_key", "must not be empty"));
    }
    let fields = [
        ("publishable_key", public, &["pk_"][..]),
        ("secret_key", secret, &["sk_", "rk_"]),
        ("webhook_secret", webhook, &["whsec_"]),
    ];
    for (field, value, begins) in fields {
        let Some(value) = value else { continue };
        let sound = value.len() <= KEY_MAX && value.bytes().all(|letter| letter.is_ascii_graphic());
        if !sound || !begins.iter().any(|begin| value.starts_with(begin)) {
            errors.push(FieldError::new(field, format!("must begin with {}", begins.join(" or "))));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}

/// The adapter of the tenant's provider, with its secrets.
pub(super) async fn gateway(app: &App, tx: &mut TenantTx) -> Result<Stripe, Error> {
    let row = providers::find(tx, STRIPE).await?.ok_or(Error::NotSetUp)?;
    let secret = app.secrets.unseal_text(place(tx, "payment_providers.secret_key"), &row.secret_key)?;
    let webhook = match &row.webhook_secret {
        Some(sealed) => Some(app.secrets.unseal_text(place(tx, "payment_providers.webhook_secret"), sealed)?),
        None => None,
    };
    Ok(Stripe::new(app.provider_http.clone(), &app.config.stripe_url, &secret, webhook))
}

/// As [`gateway`], if money may be asked for through it.
pub(super) async fn open_gateway(app: &App, tx: &mut TenantTx) -> Result<Stripe, Error> {
    if !provider_settings(app, tx).await?.enabled {
        return Err(Error::NotSetUp);
    }
    gateway(app, tx).await
}
