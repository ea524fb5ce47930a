//! The usage stream: records, and their columns.

#![no_main]

use libfuzzer_sys::fuzz_target;
use weir_protocol::usage::{Down, Record, Up};
use weir_protocol_fuzz::read;

fn lines(record: &Record) {
    let Ok(lines) = record.lines() else { return };
    assert!(lines.is_sorted_by(|one, next| one.handle < next.handle), "{lines:?}");
    let mut again = Record::default();
    again.set_lines(&lines);
    assert_eq!(again.lines(), Ok(lines));
}

fuzz_target!(|bytes: &[u8]| {
    let _down = read::<Down>(bytes);
    if let Some(record) = read::<Record>(bytes) {
        lines(&record);
    }
    if let Some(totals) = read::<Up>(bytes).and_then(|up| up.gap_fill?.totals) {
        lines(&totals);
    }
});
