//! Checksummed frames on disk: `length u32 | type u8 | crc32c u32 | body`, little endian.
//!
//! The checksum covers the type and the body. A frame that is cut short or does not check ends the reading:
//! everything before it stands, nothing after it is believed. Where a file is written over, frames are chained: each
//! checksum goes on from the one before, so that what is left of what was there is never taken for what follows.

/// Largest body read back, in bytes.
pub const MAX_BODY: usize = 64 * 1024 * 1024;
/// Bytes before the body.
pub const HEADER: usize = 9;

/// One frame found in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// What the body is.
    pub kind: u8,
    /// Its checksum.
    pub check: u32,
    /// Where the body begins in the file.
    pub offset: usize,
    /// The body.
    pub body: &'a [u8],
}

impl Found<'_> {
    /// Where the next frame begins.
    pub fn end(&self) -> usize {
        self.offset + self.body.len()
    }
}

/// Encodes one frame.
pub fn encode(kind: u8, body: &[u8]) -> Vec<u8> {
    encode_after(0, kind, body)
}

/// Encodes one frame that is believed only after the one whose checksum is `before`.
pub fn encode_after(before: u32, kind: u8, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEADER + body.len());
    frame.extend_from_slice(&(body.len() as u32).to_le_bytes());
    frame.push(kind);
    frame.extend_from_slice(&checksum(before, kind, body).to_le_bytes());
    frame.extend_from_slice(body);
    frame
}

/// Reads the frame at `at`; `None` if there is no whole and sound one.
pub fn at(file: &[u8], at: usize) -> Option<Found<'_>> {
    at_after(0, file, at)
}

/// Reads the frame at `at` that was written after the one whose checksum is `before`.
pub fn at_after(before: u32, file: &[u8], at: usize) -> Option<Found<'_>> {
    let header = file.get(at..at.checked_add(HEADER)?)?;
    let length = u32::from_le_bytes(header[..4].try_into().ok()?) as usize;
    let kind = header[4];
    let check = u32::from_le_bytes(header[5..].try_into().ok()?);
    if length > MAX_BODY {
        return None;
    }
    let offset = at + HEADER;
    let body = file.get(offset..offset.checked_add(length)?)?;
    (checksum(before, kind, body) == check).then_some(Found { kind, check, offset, body })
}

/// Sound frames from `at` on: each after the one before it, the first after `before`; or each by itself.
pub fn from(file: &[u8], mut at: usize, mut before: Option<u32>) -> impl Iterator<Item = Found<'_>> {
    std::iter::from_fn(move || {
        let found = at_after(before.unwrap_or(0), file, at)?;
        at = found.end();
        before = before.map(|_| found.check);
        Some(found)
    })
}

/// All sound frames from the start of a file, and how many bytes they take.
pub fn all(file: &[u8]) -> (Vec<Found<'_>>, usize) {
    let found: Vec<Found<'_>> = from(file, 0, None).collect();
    let end = found.last().map_or(0, Found::end);
    (found, end)
}

fn checksum(before: u32, kind: u8, body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(before, &[kind]), body)
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

    #[test]
    fn a_chained_frame_is_believed_after_its_own_predecessor_alone() {
        let first = encode(1, b"lap 2");
        let check = at(&first, 0).unwrap().check;
        let mut file = [first.as_slice(), &encode_after(check, 2, b"second")].concat();
        assert_eq!(from(&file, 0, Some(0)).count(), 2);
        assert_eq!(from(&file, 0, None).count(), 1);
        file[..first.len()].copy_from_slice(&encode(1, b"lap 3"));
        assert_eq!(from(&file, 0, Some(0)).count(), 1, "of an earlier lap");
    }
}
