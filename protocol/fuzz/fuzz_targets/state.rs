//! The state stream, and what a report may leave out of what its change said.

#![no_main]

use libfuzzer_sys::fuzz_target;
use weir_protocol::brief::Upserts;
use weir_protocol::state::{Down, Up, up};
use weir_protocol_fuzz::read;

fuzz_target!(|bytes: &[u8]| {
    let _up = read::<Up>(bytes);
    // A change and a report: the first bytes say how long the change is.
    let Some((length, both)) = bytes.split_first_chunk::<2>() else { return };
    let Some((change, report)) = both.split_at_checked(u16::from_le_bytes(*length).into()) else { return };
    let Some(change) = read::<Down>(change) else { return };
    if let Some(Up { message: Some(up::Message::Applied(report)) }) = read(report) {
        let upserts = Upserts::of(&change);
        let mut restored = report;
        upserts.restore(&mut restored);
        let mut again = restored.clone();
        upserts.abridge(&mut again);
        upserts.restore(&mut again);
        assert_eq!(again, restored, "what is left out is known again");
    }
});
