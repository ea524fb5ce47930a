//! People and their sessions.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::permission::Role;
use crate::ids::{InvitationId, SessionId, StaffId, TenantId};

/// Somebody of a tenant's staff, as known during a request.
#[derive(Clone, Debug)]
pub struct Person {
    /// Whom they work for.
    pub tenant: TenantId,
    /// Who they are.
    pub id: StaffId,
    /// As colleagues know them.
    pub name: String,
    /// What they log in with.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// BCP 47 tag of the language they read.
    pub language: String,
    /// `system`, `light` or `dark`.
    pub theme: String,
    /// Whether single keys are shortcuts.
    pub single_keys: bool,
}

/// Who asks, and with which session.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who.
    pub person: Person,
    /// With which session.
    pub session: SessionId,
}

/// A person to be added.
#[derive(Clone, Debug)]
pub struct NewStaff {
    /// As colleagues know them.
    pub name: String,
    /// What they will log in with.
    pub email: String,
    /// At least 12 characters.
    pub password: String,
    /// What they may do.
    pub role: Role,
}

/// A fresh session. The token is shown once.
#[derive(Debug)]
pub struct Session {
    /// The secret a browser or a program sends.
    pub token: String,
    /// When it ends even if used.
    pub expires_at: DateTime<Utc>,
    /// Whose it is.
    pub person: Person,
}

/// A session that is not over, as its owner sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SessionView {
    /// Which.
    pub id: SessionId,
    /// Browser and system, as far as they can be told.
    #[schema(example = "Firefox · Linux")]
    pub device: String,
    /// What the browser or program says of itself.
    pub user_agent: String,
    /// From where it was last used; empty if that is unknown.
    pub address: String,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends even if used.
    pub expires_at: DateTime<Utc>,
}

/// Somebody of a tenant's staff, as colleagues see them.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Member {
    /// Who.
    pub id: StaffId,
    /// As colleagues know them.
    pub name: String,
    /// What they log in with.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Since when they cannot log in; null while they can.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// A change of somebody's access; what is absent stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MemberChange {
    /// What they may do from now on.
    pub role: Option<Role>,
    /// Whether they may not log in. Disabling ends their sessions at once.
    pub disabled: Option<bool>,
}

/// Somebody to be invited to the staff.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// As colleagues will know them.
    #[schema(example = "Noor Haddad")]
    pub name: String,
    /// What they will log in with.
    #[schema(example = "noor@northwind.example")]
    pub email: String,
    /// What they will be able to do.
    pub role: Role,
}

/// An invitation nobody has accepted yet.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Invitation {
    /// Which.
    pub id: InvitationId,
    /// Who is invited.
    pub name: String,
    /// What they will log in with.
    pub email: String,
    /// What they will be able to do.
    pub role: Role,
    /// When they were invited.
    pub created_at: DateTime<Utc>,
    /// Until when they can accept.
    pub expires_at: DateTime<Utc>,
}

/// A fresh invitation. Its link is shown once.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentInvitation {
    /// The invitation.
    #[serde(flatten)]
    pub invitation: Invitation,
    /// Whoever opens it chooses a password and is staff: pass it to nobody else.
    pub link: String,
}
