//! The hook `rate-usage`: what a block of traffic over the allowance costs.

pub use crate::bindings::exports::weir::plugins::rating::{Decision, Price, UsageLine};
use crate::bindings::exports::weir::plugins::rating::Guest;
use crate::{Call, Context, Decimal, Error};

impl Decision {
    /// Another price for a block, and why, as it stands on the invoice line.
    pub fn price(unit_price: Decimal, reason: impl Into<String>) -> Self {
        Self::Priced(Price { unit_price, reason: reason.into() })
    }
}

#[doc(hidden)]
pub trait Rule {
    fn price(line: &UsageLine, call: &Call) -> Result<Decision, Error>;
}

#[doc(hidden)]
pub struct Answers<R>(std::marker::PhantomData<R>);

impl<R: Rule + 'static> Guest for Answers<R> {
    fn rate_usage(context: Context, batch: Vec<UsageLine>) -> Result<Vec<Decision>, Error> {
        let call = Call::begin(context);
        batch.iter().map(|line| R::price(line, &call)).collect()
    }
}

/// Exports a function `fn(&UsageLine, &Call) -> Result<Decision, Error>` as the plugin.
#[macro_export]
macro_rules! rate_usage {
    ($rule:path) => {
        #[doc(hidden)]
        pub struct TheRule;
        impl $crate::Rule for TheRule {
            fn price(line: &$crate::UsageLine, call: &$crate::Call) -> Result<$crate::Decision, $crate::Error> {
                $rule(line, call)
            }
        }
        type TheAnswers = $crate::Answers<TheRule>;
        $crate::bindings::export_rate_usage!(TheAnswers with_types_in $crate::bindings);
    };
}
