//! Subscribers, accounts, service locations.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{AccountId, ServiceLocationId, SiteId, SubscriberId};

/// Who buys access.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Subscriber {
    /// Which.
    pub id: SubscriberId,
    /// A person's or a company's name.
    pub name: String,
    /// Where messages go.
    pub email: Option<String>,
    /// Where calls go.
    pub phone: Option<String>,
    /// BCP 47 tag of the language they read.
    pub language: String,
    /// When they were added.
    pub created_at: DateTime<Utc>,
}

/// What a subscriber should be.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriberWish {
    /// A person's or a company's name, 1-200 characters.
    #[schema(example = "Amara Okafor")]
    pub name: String,
    /// Where messages go.
    pub email: Option<String>,
    /// Where calls go.
    pub phone: Option<String>,
    /// BCP 47; the ISP's if absent.
    pub language: Option<String>,
}

/// What is billed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Account {
    /// Which.
    pub id: AccountId,
    /// As people call it: `ACC-000001`.
    pub number: String,
    /// Who pays.
    pub subscriber_id: SubscriberId,
    /// ISO 4217.
    pub currency: String,
    /// IANA zone; its midnights begin billing periods.
    pub time_zone: String,
    /// Day of the month a billing period begins, 1-31; the last day in shorter months.
    pub billing_day: i16,
    /// The account that pays for it; absent = it pays for itself.
    pub payer_id: Option<AccountId>,
    /// The local day from which on that one pays.
    pub paid_since: Option<NaiveDate>,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
}

/// Whose an account is.
#[derive(Clone, Debug)]
pub struct Holder {
    /// The account's number.
    pub number: String,
    /// The subscriber's name.
    pub name: String,
}

/// An account to be opened.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountWish {
    /// Who pays.
    pub subscriber_id: SubscriberId,
    /// ISO 4217; the ISP's if absent.
    pub currency: Option<String>,
    /// IANA zone; the ISP's if absent.
    pub time_zone: Option<String>,
    /// 1-31; 1 if absent.
    pub billing_day: Option<i16>,
}

/// Who is to pay for an account.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PayerWish {
    /// An account in the same currency, with the same billing day and time zone, that pays for itself.
    pub payer_id: AccountId,
}

/// An account that another pays for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PaidAccount {
    /// Which.
    pub account_id: AccountId,
    /// Its number.
    pub number: String,
    /// Whose.
    pub subscriber_id: SubscriberId,
    /// Under which name.
    pub subscriber: String,
    /// The local day from which on it is paid for.
    pub paid_since: NaiveDate,
}

/// Where access ends.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Location {
    /// Which.
    pub id: ServiceLocationId,
    /// Whose premises.
    pub subscriber_id: SubscriberId,
    /// The site that serves it.
    pub site_id: Option<SiteId>,
    /// Street and number.
    pub line1: String,
    /// Floor, door, company.
    pub line2: String,
    /// Town.
    pub city: String,
    /// Postcode.
    pub postcode: String,
    /// A state or province, as tax rules name it; may be empty.
    pub region: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// A service location to be added.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LocationWish {
    /// Whose premises.
    pub subscriber_id: SubscriberId,
    /// The site that serves it.
    pub site_id: Option<SiteId>,
    /// Street and number.
    #[schema(example = "Mill Lane 4")]
    pub line1: String,
    /// Floor, door, company.
    #[serde(default)]
    pub line2: String,
    /// Town.
    pub city: String,
    /// Postcode.
    #[serde(default)]
    pub postcode: String,
    /// A state or province, as tax rules name it.
    #[serde(default)]
    pub region: String,
    /// ISO 3166-1 alpha-2.
    #[schema(example = "ES")]
    pub country: String,
}
