//! The control stream, with measurements and diagnoses; and the live stream.

#![no_main]

use libfuzzer_sys::fuzz_target;
use weir_protocol::{control, diagnosis, live, quality};
use weir_protocol_fuzz::read;

fuzz_target!(|bytes: &[u8]| {
    let _messages = (read::<control::Up>(bytes), read::<control::Down>(bytes), read::<live::Sample>(bytes));
    let _parts = (read::<quality::Report>(bytes), read::<diagnosis::Diagnose>(bytes), read::<diagnosis::Part>(bytes));
});
