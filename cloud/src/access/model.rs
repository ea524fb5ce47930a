//! People and their sessions.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::permission::{Permission, Role};
use crate::ids::{ApiKeyId, InvitationId, SessionId, StaffId, TenantId};

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
    /// Whether they log in with a second step.
    pub second_step: bool,
    /// Whether their ISP demands one of everybody.
    pub second_step_required: bool,
}

impl Person {
    /// Whether a second step is demanded of them that they have not set up.
    pub fn lacks_second_step(&self) -> bool {
        self.second_step_required && !self.second_step
    }
}

/// Who asks, and by what.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who; of a key, whoever made it.
    pub person: Person,
    /// By what.
    pub by: By,
}

/// By what somebody asks.
#[derive(Clone, Debug)]
pub enum By {
    /// A person's own session.
    Session(SessionId),
    /// A program's key.
    Key {
        /// Which.
        id: ApiKeyId,
        /// The permissions it was made with.
        scopes: Vec<String>,
    },
}

impl Caller {
    /// Whether they may do this: a key no more than its scopes and its maker.
    pub fn may(&self, permission: Permission) -> bool {
        let granted = match &self.by {
            By::Session(_) => true,
            By::Key { scopes, .. } => scopes.iter().any(|scope| scope == permission.0),
        };
        granted && self.person.role.may(permission)
    }
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

/// How a person's second step stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SecondStep {
    /// Whether it is asked for at the log-in.
    pub on: bool,
    /// Whether the ISP demands it of everybody.
    pub required: bool,
    /// Since when it is on.
    pub since: Option<DateTime<Utc>>,
    /// Recovery codes not used yet.
    pub recovery_codes_left: i64,
}

/// An authenticator about to be enrolled.
#[derive(Debug, Serialize, ToSchema)]
pub struct Enrolment {
    /// The secret in letters, for an authenticator without a camera.
    #[schema(example = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")]
    pub secret: String,
    /// The same as an address, for the picture an authenticator reads.
    pub uri: String,
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
    /// Whether they log in with a second step.
    pub second_step: bool,
    /// Since when they cannot log in; null while they can.
    pub disabled_at: Option<DateTime<Utc>>,
}

/// Somebody of the staff to be written to.
#[derive(Clone, Debug)]
pub struct Correspondent {
    /// As colleagues know them.
    pub name: String,
    /// Where they read mail.
    pub email: String,
    /// BCP 47 tag of the language they read.
    pub language: String,
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
