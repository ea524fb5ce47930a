//! Checksummed frames on disk: `length u32 | type u8 | crc32c u32 | body`, little endian.
//!
//! The checksum covers the type and the body. A frame that is cut short or does not check ends the reading:
//! everything before it stands, nothing after it is believed.

/// Largest body read back, in bytes.
pub const MAX_BODY: usize = 64 * 1024 * 1024;
/// Bytes before the body.
pub const HEADER: usize = 9;

/// One frame found in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// What the body is.
    pub kind: u8,
    /// Where the body begins in the file.
    pub offset: usize,
    /// The body.
    pub body: &'a [u8],
}

/// Encodes one frame.
pub fn encode(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEADER + body.len());
    frame.extend_from_slice(&(body.len() as u32).to_le_bytes());
    frame.push(kind);
    frame.extend_from_slice(&checksum(kind, body).to_le_bytes());
    frame.extend_from_slice(body);
    frame
}

/// Reads the frame at `at`; `None` if there is no whole and sound one.
pub fn at(file: &[u8], at: usize) -> Option<Found<'_>> {
    let header = file.get(at..at.checked_add(HEADER)?)?;
    let length = u32::from_le_bytes(header[..4].try_into().ok()?) as usize;
    let kind = header[4];
    let check = u32::from_le_bytes(header[5..].try_into().ok()?);
    if length > MAX_BODY {
        return None;
    }
    let offset = at + HEADER;
    let body = file.get(offset..offset.checked_add(length)?)?;
    (checksum(kind, body) == check).then_some(Found { kind, offset, body })
}

/// All sound frames from the start of a file, and how many bytes they take.
pub fn all(file: &[u8]) -> (Vec<Found<'_>>, usize) {
    let mut found = Vec::new();
    let mut end = 0;
    while let Some(frame) = at(file, end) {
        end = frame.offset + frame.body.len();
        found.push(frame);
    }
    (found, end)
}

fn checksum(kind: u8, body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&[kind]), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_tail_hides_only_itself() {
        let mut file = encode(1, b"first");
        let whole = file.len();
        file.extend_from_slice(&encode(2, b"second"));
        for cut in whole..file.len() {
            let (found, end) = all(&file[..cut]);
            assert_eq!((found.len(), end), (1, whole), "cut at {cut}");
        }
        assert_eq!(all(&file).0.len(), 2);
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let file = encode(1, b"body");
        for bit in 0..file.len() * 8 {
            let mut bad = file.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(at(&bad, 0), None, "bit {bit}");
        }
    }
}
