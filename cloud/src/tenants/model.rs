//! An ISP.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::TenantId;

/// Languages of the screens, as BCP 47 tags.
pub const LANGUAGES: [&str; 5] = ["en", "es", "pt-BR", "fr", "ar"];

/// Where tax is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum TaxRounding {
    /// Once for each rate of an invoice.
    Invoice,
    /// On each line; a rate's tax is their sum.
    Line,
}

/// When what is billed is revenue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Recognition {
    /// When it is billed.
    OnIssue,
    /// As the days it is for pass; until then it is deferred.
    OverPeriod,
}

impl Recognition {
    /// Every way.
    pub const ALL: [Self; 2] = [Self::OnIssue, Self::OverPeriod];

    /// The name it is stored and sent under.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OnIssue => "on_issue",
            Self::OverPeriod => "over_period",
        }
    }
}

/// What an ISP says of itself.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Tenant {
    /// Which.
    pub id: TenantId,
    /// As subscribers know it.
    pub name: String,
    /// As its invoices must say.
    pub legal_name: String,
    /// Postal address, several lines.
    pub address: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Tax registration, as its invoices must say.
    pub tax_id: String,
    /// ISO 4217; of new accounts.
    pub currency: String,
    /// IANA zone; of new accounts.
    pub time_zone: String,
    /// BCP 47; of new staff and subscribers.
    pub language: String,
    /// The one choice of colour, 0-359.
    pub hue: i16,
    /// As invoices call the tax of its country, the first of today's; there may be tax rules beside it.
    pub tax_name: String,
    /// Percent of the net, of that tax.
    #[schema(value_type = String, example = "21")]
    pub tax_rate_percent: Decimal,
    /// Where tax is rounded.
    pub tax_rounding: TaxRounding,
    /// Whether the prices of new versions of plans include tax, unless they say otherwise.
    pub tax_included: bool,
    /// When what is billed is revenue.
    pub recognition: Recognition,
    /// Since when there may be deferred revenue; null if never.
    pub deferring_since: Option<DateTime<Utc>>,
    /// Days from issue to due.
    pub payment_terms_days: i16,
    /// Days from due to the walled garden.
    pub grace_days: i16,
    /// What invoice numbers begin with.
    pub invoice_prefix: String,
    /// How to reach the ISP, one line.
    pub contact: String,
    /// Where to pay; empty if nowhere.
    pub pay_url: String,
    /// Whose name the bank account for transfers is in; empty if its owner's is the legal name.
    pub bank_holder: String,
    /// IBAN of the bank account for transfers; empty if there is none.
    pub bank_iban: String,
    /// BIC of its bank; may be empty.
    pub bank_bic: String,
    /// Months a port block is remembered after its end.
    pub port_block_months: i16,
    /// When the database was put back to an earlier time, until somebody releases what routers hold back since.
    pub restored_at: Option<DateTime<Utc>>,
}

/// A change of what an ISP says of itself; what is absent stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TenantChange {
    /// As subscribers know it.
    pub name: Option<String>,
    /// As its invoices must say.
    pub legal_name: Option<String>,
    /// Postal address, several lines.
    pub address: Option<String>,
    /// Tax registration.
    pub tax_id: Option<String>,
    /// ISO 4217; of new accounts.
    pub currency: Option<String>,
    /// IANA zone; of new accounts.
    pub time_zone: Option<String>,
    /// BCP 47; of new staff and subscribers.
    pub language: Option<String>,
    /// 0-359.
    pub hue: Option<i16>,
    /// As invoices call the tax of its country.
    pub tax_name: Option<String>,
    /// Percent of the net, 0-100: the tax rule of its country for all days. Refused where that country has rules with days, or
    /// several taxes.
    #[schema(value_type = Option<String>)]
    pub tax_rate_percent: Option<Decimal>,
    /// Where tax is rounded.
    pub tax_rounding: Option<TaxRounding>,
    /// Whether the prices of new versions of plans include tax, unless they say otherwise.
    pub tax_included: Option<bool>,
    /// When what is billed is revenue: of invoices issued from now on.
    pub recognition: Option<Recognition>,
    /// Days from issue to due, 0-365.
    pub payment_terms_days: Option<i16>,
    /// Days from due to the walled garden, 0-365.
    pub grace_days: Option<i16>,
    /// What invoice numbers begin with: letters, digits and hyphens.
    pub invoice_prefix: Option<String>,
    /// How to reach the ISP, one line.
    pub contact: Option<String>,
    /// Where to pay, http or https.
    pub pay_url: Option<String>,
    /// Whose name the bank account for transfers is in.
    pub bank_holder: Option<String>,
    /// IBAN of the bank account for transfers, with right check digits.
    pub bank_iban: Option<String>,
    /// BIC of its bank, 8 or 11 letters and digits.
    pub bank_bic: Option<String>,
    /// Months a port block is remembered after its end, 1-84: as long as the law wants it known who had an address.
    pub port_block_months: Option<i16>,
}

/// An ISP to be created.
#[derive(Clone, Debug)]
pub struct NewTenant {
    /// As subscribers know it.
    pub name: String,
    /// A host label, unique in the installation.
    pub slug: String,
    /// ISO 4217.
    pub currency: String,
    /// IANA zone.
    pub time_zone: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
}
