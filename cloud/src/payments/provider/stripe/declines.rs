//! Which refusals may pass by themselves, which never, and which need the payer.

use crate::payments::Decline;

const NEEDS_CUSTOMER: &[&str] = &[
    "authentication_required",
    "authentication_not_handled",
    "payment_intent_authentication_failure",
    "setup_intent_authentication_failure",
];

const HARD: &[&str] = &[
    "card_not_supported",
    "currency_not_supported",
    "expired_card",
    "fraudulent",
    "incorrect_cvc",
    "incorrect_number",
    "incorrect_zip",
    "invalid_account",
    "invalid_amount",
    "invalid_cvc",
    "invalid_expiry_month",
    "invalid_expiry_year",
    "invalid_number",
    "lost_card",
    "merchant_blacklist",
    "new_account_information_available",
    "no_action_taken",
    "not_permitted",
    "pickup_card",
    "restricted_card",
    "revocation_of_all_authorizations",
    "revocation_of_authorization",
    "security_violation",
    "service_not_allowed",
    "stolen_card",
    "stop_payment_order",
    "testmode_decline",
    "transaction_not_allowed",
];

/// The kind of a refusal, by its code, and whether a bank said no or the request could not be.
pub(super) fn kind(code: &str, by_a_bank: bool) -> Decline {
    if NEEDS_CUSTOMER.contains(&code) {
        Decline::NeedsCustomer
    } else if HARD.contains(&code) || !by_a_bank {
        // A request that cannot be is refused the same way tomorrow.
        Decline::Hard
    } else {
        Decline::Soft
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart() {
        assert_eq!(kind("insufficient_funds", true), Decline::Soft);
        assert_eq!(kind("stolen_card", true), Decline::Hard);
        assert_eq!(kind("authentication_required", true), Decline::NeedsCustomer);
        assert_eq!(kind("amount_too_small", false), Decline::Hard);
        assert!(HARD.is_sorted());
    }
}
