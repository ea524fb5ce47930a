//! Write a rule for Weir as one function: it is given facts and answers with a decision. It can do nothing else, and
//! with the same facts and settings it always answers the same.
//!
//! Choose the hook by a feature, `rate-usage` or `handle-event`, and export your function with the macro of that name.
//! `weir plugin build`, `weir plugin test` and `weir plugin publish` do the rest.

#[cfg(not(any(feature = "rate-usage", feature = "handle-event")))]
compile_error!("choose a hook: the feature rate-usage or handle-event");
#[cfg(all(feature = "rate-usage", feature = "handle-event"))]
compile_error!("a plugin answers one hook: the feature rate-usage or handle-event, not both");

mod call;
mod decimal;
#[cfg(feature = "handle-event")]
mod handle_event;
#[cfg(feature = "rate-usage")]
mod rate_usage;

/// The contract, made from `wit`.
#[cfg(feature = "rate-usage")]
#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "rate-usage",
        pub_export_macro: true,
        export_macro_name: "export_rate_usage",
        default_bindings_module: "weir_plugin::bindings",
    });
}
/// The contract, made from `wit`.
#[cfg(feature = "handle-event")]
#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "handle-event",
        pub_export_macro: true,
        export_macro_name: "export_handle_event",
        default_bindings_module: "weir_plugin::bindings",
    });
}

pub use bindings::weir::plugins::types::{Context, Decimal, HookError as Error, Mode, Uuid, Value};
pub use call::{Call, debug, info, warn};
#[cfg(feature = "handle-event")]
pub use handle_event::*;
#[cfg(feature = "rate-usage")]
pub use rate_usage::*;
