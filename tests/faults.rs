//! What a fault came to, noted for the table that `cargo xtask faults` prints.

use std::fs::OpenOptions;
use std::io::Write;

/// Notes, under the row's number in that table, how many bytes lines moved and how many of them are billed for. Nobody
/// listens if the test runs alone.
pub fn note(row: u8, moved: u64, billed: u64) {
    let Some(path) = std::env::var_os("WEIR_FAULTS") else { return };
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("the file of faults opens");
    // One write, or lines of tests that run at once would mix.
    let line = format!("{{\"row\":{row},\"moved\":{moved},\"billed\":{billed}}}\n");
    file.write_all(line.as_bytes()).expect("the fault is noted");
}
