//! What staff may do. A handler's signature names its permission; a role is a set of them.

use serde::{Deserialize, Serialize};

/// A thing staff may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission(pub &'static str);

/// Ties a type to a permission, so that `Staff<ManageNetwork>` in a signature is the check.
pub trait Needs: Send + Sync + 'static {
    /// What is needed.
    const PERMISSION: Permission;
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $name;
            impl Needs for $name {
                const PERMISSION: Permission = Permission($text);
            }
        )*
        /// Every permission there is.
        pub const ALL: &[Permission] = &[$(Permission($text)),*];
    };
}

permissions! {
    /// To be logged in.
    LoggedIn = "logged-in";
    /// See the ISP's settings.
    ViewSettings = "view-settings";
    /// Change the ISP's settings.
    ManageSettings = "manage-settings";
    /// See who works here and what they may do.
    ViewStaff = "view-staff";
    /// Invite people, change what they may do, end their access.
    ManageStaff = "manage-staff";
    /// See who changed what.
    ViewAudit = "view-audit";
    /// Make and revoke API keys.
    ManageApiKeys = "manage-api-keys";
    /// Tell programs elsewhere what happens.
    ManageWebhooks = "manage-webhooks";
    /// Bring in subscribers with all that belongs to them from a file.
    ManageImports = "manage-imports";
    /// See sites, routers, agents, enforcement, traffic.
    ViewNetwork = "view-network";
    /// Change sites and routers, enroll and revoke agents.
    ManageNetwork = "manage-network";
    /// See subscribers, accounts, locations, subscriptions, usage.
    ViewSubscribers = "view-subscribers";
    /// Change subscribers, accounts, locations.
    ManageSubscribers = "manage-subscribers";
    /// Sell, change and end subscriptions.
    ManageSubscriptions = "manage-subscriptions";
    /// Have a router measure how a line is served.
    ProbeLines = "probe-lines";
    /// Ask a router what is wrong: echoes, ways, names, its classes and its log.
    DiagnoseRouters = "diagnose-routers";
    /// See the packets of a line.
    CapturePackets = "capture-packets";
    /// Find out which line had a public address at an instant.
    TraceAddresses = "trace-addresses";
    /// Place and release holds.
    ManageHolds = "manage-holds";
    /// See plans.
    ViewCatalog = "view-catalog";
    /// Make, version and retire plans.
    ManageCatalog = "manage-catalog";
    /// See invoices, payments, billing runs and the ledger.
    ViewBilling = "view-billing";
    /// Run billing and overdue checks.
    ManageBilling = "manage-billing";
    /// Give back what issued invoices asked for.
    IssueCreditNotes = "issue-credit-notes";
    /// See what the business and the network did, in figures.
    ViewAnalytics = "view-analytics";
    /// Record payments, match sums in suspense, ask accounts to pay.
    RecordPayments = "record-payments";
    /// Give payments back.
    RefundPayments = "refund-payments";
    /// See messages to subscribers and staff, and how they are sent.
    ViewMessages = "view-messages";
    /// Send messages again, switch them on and off, change their words.
    ManageMessages = "manage-messages";
    /// See dunning cases, the policy and the forecast.
    ViewDunning = "view-dunning";
    /// Change the dunning policy, note promises, pause cases, give late fees back.
    ManageDunning = "manage-dunning";
    /// See plugins, their versions and calls.
    ViewPlugins = "view-plugins";
    /// Add, upload, activate and disable plugins.
    ManagePlugins = "manage-plugins";
    /// See tickets and what came by e-mail.
    ViewTickets = "view-tickets";
    /// Open, answer, assign and solve tickets.
    ManageTickets = "manage-tickets";
}

/// A set of permissions a person has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Owner,
    /// Money: catalogue, invoices, payments, runs, holds.
    Billing,
    /// Subscribers and their lines.
    Support,
    /// Sites, routers, agents.
    Network,
    /// Sees everything, changes nothing.
    ReadOnly,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Owner, Self::Billing, Self::Support, Self::Network, Self::ReadOnly];

    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Billing => "billing",
            Self::Support => "support",
            Self::Network => "network",
            Self::ReadOnly => "read_only",
        }
    }

    /// Whether this role includes a permission.
    pub fn may(self, permission: Permission) -> bool {
        let name = permission.0;
        match self {
            Self::Owner => true,
            Self::ReadOnly => name == "logged-in" || name.starts_with("view-"),
            Self::Billing => !matches!(
                name,
                "manage-settings"
                    | "manage-staff"
                    | "manage-api-keys"
                    | "manage-webhooks"
                    | "manage-network"
                    | "manage-plugins"
                    | "diagnose-routers"
                    | "capture-packets"
                    | "trace-addresses"
            ),
            Self::Support => {
                name == "logged-in"
                    || name.starts_with("view-")
                    || matches!(
                        name,
                        "manage-subscribers"
                            | "manage-imports"
                            | "manage-subscriptions"
                            | "manage-holds"
                            | "probe-lines"
                            | "manage-messages"
                            | "record-payments"
                            | "manage-tickets"
                    )
            }
            Self::Network => {
                matches!(
                    name,
                    "logged-in"
                        | "view-settings"
                        | "view-network"
                        | "manage-network"
                        | "view-subscribers"
                        | "probe-lines"
                        | "diagnose-routers"
                        | "view-catalog"
                        | "view-tickets"
                        | "manage-tickets"
                )
            }
        }
    }
}

/// No role has this name.
#[derive(Debug, thiserror::Error)]
#[error("there is no such role")]
pub struct UnknownRole;

impl std::str::FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.name() == name).ok_or(UnknownRole)
    }
}
