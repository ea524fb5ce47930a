//! A list of subscribers to be brought in.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::FieldError;
use crate::ids::{ImportId, SubscriberId};

/// How an import stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ImportStatus {
    /// Its rows are being checked; nothing is written.
    Checking,
    /// Every row is checked; if none is wrong it can be started.
    Checked,
    /// It is being done.
    Importing,
    /// It is done.
    Done,
}

impl ImportStatus {
    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Checking => "checking",
            Self::Checked => "checked",
            Self::Importing => "importing",
            Self::Done => "done",
        }
    }

    /// Whether it moves on by itself.
    pub fn is_at_work(self) -> bool {
        matches!(self, Self::Checking | Self::Importing)
    }
}

/// A list of subscribers to be brought in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Import {
    /// Which.
    pub id: ImportId,
    /// The file's name.
    pub name: String,
    /// The column of the file each field is read from.
    #[schema(value_type = BTreeMap<String, String>, example = json!({"name": "Customer", "city": "Town"}))]
    pub columns: BTreeMap<String, String>,
    /// Whether those who are brought in are written to as new subscribers are.
    pub welcome: bool,
    /// How it stands.
    pub status: ImportStatus,
    /// Rows of the file.
    pub row_count: i32,
    /// Rows the work at hand has been through.
    pub seen: i32,
    /// Rows that cannot be brought in as they are.
    pub wrong: i32,
    /// Who sent it: the id of a person or a key.
    pub made_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was done.
    pub finished_at: Option<DateTime<Utc>>,
}

/// A file to be brought in.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewImport {
    /// The file's name, by which people find the import again.
    #[schema(example = "customers.csv")]
    pub name: String,
    /// The file: a line with the columns' names, then a line a subscriber; commas, semicolons or tabs between.
    pub csv: String,
    /// The column each field is read from; guessed where absent.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
    /// Whether those who are brought in are written to as new subscribers are; most were the ISP's before.
    #[serde(default)]
    pub welcome: bool,
}

/// Another reading of a file's columns.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportChange {
    /// The column each field is read from; fields that are absent are not read.
    pub columns: BTreeMap<String, String>,
}

/// What becomes of a row.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Row {
    /// The line of the file, its heading being the first.
    pub line: i32,
    /// The subscriber's name, as the file has it.
    pub name: String,
    /// What is wrong with it; empty when it can be brought in.
    pub errors: Vec<FieldError>,
    /// The subscriber it became.
    pub subscriber_id: Option<SubscriberId>,
}
