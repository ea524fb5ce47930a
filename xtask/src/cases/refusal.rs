//! Why an example has no answer: it cannot be read, or the rules refuse it, which may be just what it says.

use std::fmt::Display;

use weir_rules::calendar::CalendarError;
use weir_rules::credit_note::CreditNoteError;
use weir_rules::credit_settlement::SettlementError;
use weir_rules::discount::DiscountError;
use weir_rules::dunning::DunningError;
use weir_rules::invoice::InvoiceError;
use weir_rules::line_net::LineNetError;
use weir_rules::money::MoneyError;
use weir_rules::payment::PaymentError;
use weir_rules::pricing::PricingError;
use weir_rules::proration::ProrationError;
use weir_rules::tax::TaxError;
use weir_rules::tax_profile::TaxProfileError;

/// Why there is no answer.
#[derive(Debug)]
pub enum Stop {
    /// The example cannot be read: something is missing or of the wrong type.
    Malformed(String),
    /// A rule refuses what it says.
    Refused(Refusal),
}

/// A refusal and the names it goes by in `expected.error`; the first is ours.
#[derive(Debug)]
pub struct Refusal {
    names: &'static [&'static str],
    /// In words.
    pub why: String,
}

/// A date that is not in the calendar, such as 30 February.
pub const IMPOSSIBLE_DATE: &[&str] = &["invalid_date", "impossible_date", "invalid_dates", "invalid_date_sequence"];
const DATES: &[&str] = &["invalid_date_sequence", "end_before_start", "empty_period", "invalid_dates"];
const TARGET: &[&str] = &["invalid_date_sequence", "target_before_start", "invalid_dates"];
const DECIMALS: &[&str] = &[
    "not_representable",
    "amount_not_representable",
    "not_representable_in_minor_units",
    "non_representable",
    "non_representable_amount",
    "unrepresentable",
    "unrepresentable_amount",
    "too_many_decimals",
    "too_precise",
    "fractional_minor_unit",
    "fractional_minor_units",
    "too_many_decimal_places",
    "fraction_of_minor_unit",
    "inexact",
    "inexact_amount",
    "invalid_amount",
    "invalid_precision",
    "invalid_scale",
];

const MORE_THAN_LEFT: &[&str] = &["more_than_creditable", "exceeds_creditable", "exceeds_invoice", "exceeds_remaining"];
const NEGATIVE_CREDIT: &[&str] = &["negative_credit", "negative_amount"];

impl Stop {
    /// A refusal by a rule.
    pub fn refused(names: &'static [&'static str], why: impl Display) -> Stop {
        Stop::Refused(Refusal { names, why: why.to_string() })
    }
}

impl Refusal {
    /// Our name for it.
    pub fn name(&self) -> &'static str {
        self.names[0]
    }

    /// Whether it goes by a name.
    pub fn is_called(&self, name: &str) -> bool {
        self.names.contains(&name)
    }
}

impl From<CalendarError> for Stop {
    fn from(error: CalendarError) -> Stop {
        let names: &[&str] = match error {
            CalendarError::BillingDay(_) => &["invalid_billing_day", "billing_day_out_of_range"],
            CalendarError::Interval(_) => &["invalid_period", "invalid_interval"],
            CalendarError::EmptyPeriod { .. } => DATES,
            CalendarError::TargetBeforeStart { .. } => TARGET,
            CalendarError::OutOfRange => &["date_out_of_range"],
        };
        Stop::refused(names, error)
    }
}

impl From<MoneyError> for Stop {
    fn from(error: MoneyError) -> Stop {
        let names: &[&str] = match error {
            MoneyError::UnknownCurrency(_) => &["unknown_currency", "invalid_currency"],
            MoneyError::NotANumber(_) => &["not_a_number", "invalid_amount"],
            MoneyError::TooManyDecimals { .. } => DECIMALS,
            MoneyError::TooLarge(_) => &["amount_too_large", "overflow"],
            MoneyError::CurrencyMismatch { .. } => &["currency_mismatch"],
            MoneyError::BadWeights => &["invalid_weights", "bad_weights", "zero_weights", "no_weights"],
        };
        Stop::refused(names, error)
    }
}

impl From<ProrationError> for Stop {
    fn from(error: ProrationError) -> Stop {
        match error {
            ProrationError::Money(error) => error.into(),
            ProrationError::Calendar(error) => error.into(),
            ProrationError::NegativeQuantity(_) => Stop::refused(&["negative_quantity"], error),
            ProrationError::CutsNotAscending => Stop::refused(&["cuts_not_ascending", "invalid_date_sequence"], error),
            ProrationError::OutsidePeriod { .. } | ProrationError::DayOutsidePeriod { .. } => {
                Stop::refused(&["outside_period", "invalid_date_sequence", "date_outside_period"], error)
            }
        }
    }
}

impl From<PricingError> for Stop {
    fn from(error: PricingError) -> Stop {
        let names: &[&str] = match error {
            PricingError::TierOrder(_) | PricingError::NoTiers => &["invalid_tiers"],
            PricingError::BeyondTiers(_) => &["beyond_tiers", "no_matching_tier"],
            PricingError::EmptyPackage(_) => &["invalid_package_size", "invalid_size"],
            PricingError::TooLarge(_) => &["amount_too_large", "overflow"],
        };
        Stop::refused(names, error)
    }
}

impl From<CreditNoteError> for Stop {
    fn from(error: CreditNoteError) -> Stop {
        match error {
            CreditNoteError::Money(error) => error.into(),
            CreditNoteError::Tax(error) => error.into(),
            CreditNoteError::NothingLeft | CreditNoteError::AboveLine { .. } | CreditNoteError::AboveInvoice { .. } => {
                Stop::refused(MORE_THAN_LEFT, error)
            }
            CreditNoteError::NotPositive(_) => Stop::refused(NEGATIVE_CREDIT, error),
            CreditNoteError::Empty | CreditNoteError::UnknownLine(_) | CreditNoteError::Twice(_) => {
                Stop::Malformed(error.to_string())
            }
        }
    }
}

impl From<SettlementError> for Stop {
    fn from(error: SettlementError) -> Stop {
        match error {
            SettlementError::Money(error) => error.into(),
            SettlementError::MoreThanLeft { .. } => Stop::refused(MORE_THAN_LEFT, error),
            SettlementError::Negative(_) => Stop::refused(NEGATIVE_CREDIT, error),
            SettlementError::Parts { .. } => Stop::refused(&["settlement_mismatch"], error),
        }
    }
}

impl From<TaxProfileError> for Stop {
    fn from(error: TaxProfileError) -> Stop {
        match error {
            TaxProfileError::Money(error) => error.into(),
            TaxProfileError::NegativeRate(_) => Stop::refused(&["invalid_rate", "negative_rate"], error),
        }
    }
}

impl From<TaxError> for Stop {
    fn from(error: TaxError) -> Stop {
        match error {
            TaxError::Money(error) => error.into(),
            TaxError::Rate { .. } => Stop::refused(&["invalid_rate"], error),
            TaxError::UnknownCategory(_) => Stop::refused(&["unknown_category", "unknown_tax_category"], error),
        }
    }
}

impl From<InvoiceError> for Stop {
    fn from(error: InvoiceError) -> Stop {
        match error {
            InvoiceError::Money(error) => error.into(),
            InvoiceError::Tax(error) => error.into(),
            InvoiceError::CashStep(_) => Stop::refused(&["invalid_cash_step", "invalid_step"], error),
            InvoiceError::Terms(_) => Stop::refused(&["date_out_of_range"], error),
            InvoiceError::Prefix(_) | InvoiceError::Number { .. } => Stop::refused(&["invalid_number"], error),
        }
    }
}

impl From<LineNetError> for Stop {
    fn from(error: LineNetError) -> Stop {
        match error {
            LineNetError::Money(error) => error.into(),
            LineNetError::BaseQuantity(_) => Stop::refused(&["invalid_base_quantity"], error),
        }
    }
}

impl From<DiscountError> for Stop {
    fn from(error: DiscountError) -> Stop {
        match error {
            DiscountError::Money(error) => error.into(),
            DiscountError::Negative => Stop::refused(&["negative_discount", "invalid_discount"], error),
        }
    }
}

impl From<DunningError> for Stop {
    fn from(error: DunningError) -> Stop {
        match error {
            DunningError::Money(error) => error.into(),
            DunningError::Calendar(error) => error.into(),
        }
    }
}

impl From<PaymentError> for Stop {
    fn from(error: PaymentError) -> Stop {
        match error {
            PaymentError::Money(error) => error.into(),
            PaymentError::NotPositive(_) => Stop::refused(&["amount_not_positive", "invalid_amount"], error),
        }
    }
}
