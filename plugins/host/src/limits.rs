//! What a plugin may use.

/// The largest component that may be uploaded.
pub const COMPONENT_BYTES_MAX: usize = 3 << 19;
/// Memory of one instance.
pub const MEMORY_BYTES_MAX: usize = 64 << 20;
/// Instructions, roughly, of a call, and more for every record of its batch.
pub const FUEL_CALL: u64 = 200_000_000;
/// Instructions, roughly, added for every record.
pub const FUEL_RECORD: u64 = 1_000_000;
/// What a plugin may hand to us in one go: an answer, or the text of a log line.
pub const OUTPUT_BYTES_MAX: usize = 1 << 20;
/// Lines of a call's log that are kept.
pub const LOG_LINES_MAX: usize = 100;
/// Characters of a line or a message that are kept.
pub const TEXT_CHARS_MAX: usize = 500;
/// Records of one call.
pub const BATCH_MAX: usize = 1_000;
/// Effects of one call.
pub const EFFECTS_MAX: usize = 20;
/// Address space of a runner.
pub const RUNNER_ADDRESS_SPACE: u64 = 1 << 30;
/// Processor seconds of a runner in its whole life; it is replaced before.
pub const RUNNER_CPU_SECONDS: u64 = 600;
/// Address space of a compiler.
pub const COMPILER_ADDRESS_SPACE: u64 = 2 << 30;
/// Processor seconds of a compiler.
pub const COMPILER_CPU_SECONDS: u64 = 30;
/// A frame larger than this is not read.
pub const FRAME_BYTES_MAX: usize = 64 << 20;

/// A text cut to what is kept of it.
pub fn kept(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
