//! Subscriptions and holds.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{
    AccessPointId, AccountId, HoldId, LinePauseId, PlanVersionId, RouterId, ServiceLocationId, SubscriptionId,
};

/// Where a subscription stands commercially.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Sold, not begun.
    Ordered,
    /// Served and billed.
    Active,
    /// Served until its end.
    Ending,
    /// Over.
    Closed,
}

/// A plan sold to an account at a location.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Subscription {
    /// Which.
    pub id: SubscriptionId,
    /// Who is billed.
    pub account_id: AccountId,
    /// Where access ends.
    pub service_location_id: ServiceLocationId,
    /// The router that serves it.
    pub router_id: RouterId,
    /// The access point it is behind; null = none.
    pub access_point_id: Option<AccessPointId>,
    /// Names the line in usage records of its router.
    pub handle: i32,
    /// Where it stands commercially, on the account's local day.
    pub status: Status,
    /// What the line may do: `open`, `throttled`, `walled_garden`, `closed`; the strictest hold in force.
    pub access: String,
    /// The plan's name.
    pub plan_name: String,
    /// The version in force, or the first to come, or the last there was.
    pub plan_version_id: PlanVersionId,
    /// Toward the subscriber, bits per second.
    pub rate_down_bps: i64,
    /// From the subscriber, bits per second.
    pub rate_up_bps: i64,
    /// First day served.
    pub starts_on: NaiveDate,
    /// First day no longer served; null = open end.
    pub ends_on: Option<NaiveDate>,
    /// The line's addresses.
    pub prefixes: Vec<String>,
    /// Who the subscriber is to the router's own DHCP and PPPoE servers: what these lease to them is the line's, too.
    #[schema(example = json!(["mac:02:00:00:00:00:07", "circuit-id:6f6c743120302f37"]))]
    pub identities: Vec<String>,
    /// What these servers leased, as the router told last.
    pub learned_prefixes: Vec<LearnedPrefix>,
    /// When it was sold.
    pub created_at: DateTime<Utc>,
}

impl Subscription {
    /// What tells the line from others of its subscriber: its first address, given or learned, else whom it is known as.
    pub fn address(&self) -> &str {
        let learned = self.learned_prefixes.iter().map(|learned| &learned.prefix);
        self.prefixes.iter().chain(learned).chain(&self.identities).next().map_or("", String::as_str)
    }
}

/// A prefix that a server of the router leased to the line's subscriber.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LearnedPrefix {
    /// The prefix.
    #[schema(example = "10.20.0.7/32")]
    pub prefix: String,
    /// Who leased it: `dnsmasq`, `kea`, `pppoe` or `other`.
    pub source: String,
    /// Since when it is the line's.
    pub since_at: Option<DateTime<Utc>>,
    /// Until when it was leased when this was told; null = until it ends. Renewals alone are not told.
    pub until_at: Option<DateTime<Utc>>,
    /// When the router told.
    pub reported_at: DateTime<Utc>,
}

/// A subscription to be sold.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionWish {
    /// Who is billed.
    pub account_id: AccountId,
    /// Where access ends.
    pub service_location_id: ServiceLocationId,
    /// What is sold.
    pub plan_version_id: PlanVersionId,
    /// The router that serves it.
    pub router_id: RouterId,
    /// The access point of that router it is behind; absent = none.
    pub access_point_id: Option<AccessPointId>,
    /// First day served.
    pub starts_on: NaiveDate,
    /// The line's addresses: IPv4 and IPv6 prefixes. None if it has identities.
    #[schema(example = json!(["10.20.0.2/32", "2001:db8:1::/56"]))]
    #[serde(default)]
    pub prefixes: Vec<String>,
    /// Who the subscriber is to the router's own DHCP and PPPoE servers: `mac:`, `circuit-id:`, `remote-id:`, `pppoe-user:`
    /// or `duid:` and what it is. Circuit and remote ids are hexadecimal digits, or text in quotes.
    #[schema(example = json!(["mac:02:00:00:00:00:07", "circuit-id:\"olt1 0/7\""]))]
    #[serde(default)]
    pub identities: Vec<String>,
}

/// A change to another plan version.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePlan {
    /// What is sold from then on.
    pub plan_version_id: PlanVersionId,
    /// First day of the new version.
    pub effective_on: NaiveDate,
}

/// Where a line is.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Behind {
    /// The access point of its router it is behind; null = none.
    pub access_point_id: Option<AccessPointId>,
}

/// Who a line's subscriber is.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Identities {
    /// All it has from now on, as when it is sold.
    #[schema(example = json!(["mac:02:00:00:00:00:07", "circuit-id:\"olt1 0/7\""]))]
    pub identities: Vec<String>,
}

/// The end of a subscription.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// First day no longer served.
    pub ends_on: NaiveDate,
}

/// Why a line is not simply open.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Hold {
    /// Which.
    pub id: HoldId,
    /// On which line.
    pub subscription_id: SubscriptionId,
    /// `unpaid`, `quota`, `fraud`, `abuse`, `seasonal` or `manual`.
    pub kind: String,
    /// `throttled`, `walled_garden` or `closed`.
    pub effect: String,
    /// The pause it begins and ends with; null = none.
    pub pause_id: Option<LinePauseId>,
    /// The account whose debt it is for, if another pays for the line; null = its own.
    pub debtor_id: Option<AccountId>,
    /// In plain words.
    pub reason: String,
    /// Who placed it.
    pub placed_by: String,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
    /// When it ends by itself; null = when released.
    pub until: Option<DateTime<Utc>>,
    /// Who released it.
    pub released_by: Option<String>,
    /// When it was released.
    pub released_at: Option<DateTime<Utc>>,
}

/// How many subscriptions there are, each on its account's local day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Sold, not begun.
    pub ordered: i64,
    /// Served without an end.
    pub active: i64,
    /// Served until their end.
    pub ending: i64,
    /// Not over, with a hold in force.
    pub held: i64,
}
