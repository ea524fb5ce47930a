//! People and their sessions.

use chrono::{DateTime, Utc};

use crate::http::permission::Role;
use crate::ids::{StaffId, TenantId};

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
