//! What routers wanted people to know: kept for a while, and read beside the router.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Error;
use super::store::events as store;
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::RouterId;
use crate::network;

/// How long events are kept.
pub const KEPT: TimeDelta = TimeDelta::days(90);

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = RouterEventSeverity)]
pub enum Severity {
    /// Worth keeping.
    Info,
    /// Worth a look.
    Warning,
    /// Needs a person.
    Critical,
}

impl Severity {
    /// All there are, the least first.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// The name it has in the API, in the database and on pages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Something a router wanted people to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = RouterEvent)]
pub struct Event {
    /// Which.
    pub id: Uuid,
    /// What it is, a stable name.
    #[schema(example = "counter-regression")]
    pub kind: String,
    /// How much it matters.
    pub severity: Severity,
    /// When it happened, by the router's own clock.
    pub at: DateTime<Utc>,
    /// When it was told; later than it happened if the router was away.
    pub received_at: DateTime<Utc>,
    /// One plain sentence.
    pub text: String,
}

/// A page of what a router told, what was told last first; of one severity alone if that is asked for.
pub async fn of_router(
    tx: &mut TenantTx,
    router: RouterId,
    severity: Option<Severity>,
    page: Page,
) -> Result<Vec<Event>, Error> {
    network::router(tx, router).await?;
    Ok(store::of_router(tx, router, severity, page).await?)
}
