//! The contract's types, made from `plugins/wit`.

pub mod rate {
    wasmtime::component::bindgen!({ path: "../wit", world: "rate-usage" });
}

pub mod event {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "handle-event",
        with: {
            "weir:plugins/types": super::rate::weir::plugins::types,
            "weir:plugins/log": super::rate::weir::plugins::log,
            "weir:plugins/config": super::rate::weir::plugins::config,
            "weir:plugins/clock": super::rate::weir::plugins::clock,
            "weir:plugins/exact": super::rate::weir::plugins::exact,
        },
    });
}

pub use rate::weir::plugins::{clock, config, exact, log, types};
