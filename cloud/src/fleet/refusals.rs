//! What a router refuses of what it should hold, and why: lines, access points and its own settings.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Error;
use super::store::refusals as store;
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccessPointId, RouterId, SubscriptionId};
use crate::network;

/// An object a router does not hold as it should. Without a line and an access point it is about the router's own settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = RouterRefusal)]
pub struct Refusal {
    /// Its place in lists.
    #[serde(skip)]
    pub place: Uuid,
    /// The line it is about.
    pub subscription_id: Option<SubscriptionId>,
    /// The access point it is about.
    pub access_point_id: Option<AccessPointId>,
    /// `failed`: it is tried again; `rejected`: it can never be as it is; `unsupported`: it needs a newer agent.
    pub status: String,
    /// Why, a stable name.
    #[schema(example = "prefix-overlap")]
    pub code: String,
    /// Why, a sentence.
    pub detail: String,
    /// When the router told so.
    pub reported_at: DateTime<Utc>,
}

/// A page of what a router refuses; nothing where it has no agent.
pub async fn of_router(tx: &mut TenantTx, router: RouterId, page: Page) -> Result<Vec<Refusal>, Error> {
    network::router(tx, router).await?;
    Ok(store::of_router(tx, router, page).await?)
}

/// How many objects each router refuses; those that refuse none are left out.
pub async fn counts(tx: &mut TenantTx) -> Result<HashMap<RouterId, i64>, Error> {
    Ok(store::counts(tx).await?.into_iter().collect())
}
