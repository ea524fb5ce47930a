//! Bodies of what a router should be.

#![no_main]

use libfuzzer_sys::fuzz_target;
use weir_protocol::desired::{CutPoints, Line, Node, Router};
use weir_protocol_fuzz::read;

fuzz_target!(|bytes: &[u8]| {
    let _bodies = (read::<Router>(bytes), read::<Line>(bytes), read::<Node>(bytes), read::<CutPoints>(bytes));
});
