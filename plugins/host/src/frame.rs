//! Frames: a length of four bytes, big endian, then that many bytes. Values are JSON, code is as it is.

use std::io::{Error, ErrorKind, Read, Result, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::limits::FRAME_BYTES_MAX;

/// Reads the length of a frame from its first four bytes.
pub fn length(head: [u8; 4]) -> Result<usize> {
    let length = u32::from_be_bytes(head) as usize;
    if length > FRAME_BYTES_MAX {
        return Err(Error::new(ErrorKind::InvalidData, format!("a frame of {length} bytes")));
    }
    Ok(length)
}

/// A frame with its length in front.
pub fn framed(bytes: &[u8]) -> Result<Vec<u8>> {
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length as usize <= FRAME_BYTES_MAX);
    let length = length.ok_or_else(|| Error::new(ErrorKind::InvalidData, "too large for a frame"))?;
    Ok([&length.to_be_bytes(), bytes].concat())
}

/// The next frame, or nothing at the end of the stream.
pub fn read(from: &mut impl Read) -> Result<Option<Vec<u8>>> {
    let mut head = [0; 4];
    match from.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut bytes = vec![0; length(head)?];
    from.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}

/// The next frame as a value.
pub fn read_value<T: DeserializeOwned>(from: &mut impl Read) -> Result<Option<T>> {
    match read(from)? {
        Some(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        None => Ok(None),
    }
}

/// Writes a frame.
pub fn write(to: &mut impl Write, bytes: &[u8]) -> Result<()> {
    to.write_all(&framed(bytes)?)?;
    to.flush()
}

/// Writes a value as a frame.
pub fn write_value(to: &mut impl Write, value: &impl Serialize) -> Result<()> {
    write(to, &serde_json::to_vec(value)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_in_order_and_giants_are_not_read() {
        let mut stream = Vec::new();
        write(&mut stream, b"one").unwrap();
        write_value(&mut stream, &[1, 2]).unwrap();
        let mut from = stream.as_slice();
        assert_eq!(read(&mut from).unwrap().as_deref(), Some(b"one".as_slice()));
        assert_eq!(read_value::<Vec<u8>>(&mut from).unwrap(), Some(vec![1, 2]));
        assert_eq!(read(&mut from).unwrap(), None);
        assert!(read(&mut [0xff, 0xff, 0xff, 0xff].as_slice()).is_err());
        assert!(read(&mut [0, 0, 0, 9, 1].as_slice()).is_err());
    }
}
