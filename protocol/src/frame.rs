//! Length-prefixed frames: `length u32 LE | flags u8 | body`, where flag bit 0 says the body is zstd.
//!
//! Bodies above [`COMPRESS_ABOVE`] bytes are compressed when that makes them smaller. Both the wire size and
//! the inflated size are limited before anything is allocated.

use prost::Message;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Largest frame on the wire, in bytes.
pub const MAX_FRAME: usize = 1024 * 1024;
/// Largest body after decompression, in bytes.
pub const MAX_BODY: usize = 8 * 1024 * 1024;
/// Bodies above this many bytes are worth compressing.
pub const COMPRESS_ABOVE: usize = 1024;

const FLAG_ZSTD: u8 = 1;
const ZSTD_LEVEL: i32 = 3;

/// Why a frame could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The peer closed the stream between two frames.
    #[error("stream closed")]
    Closed,
    /// The stream failed inside a frame.
    #[error("stream failed")]
    Io(#[from] std::io::Error),
    /// The frame or its body is larger than the limit.
    #[error("frame of {0} bytes is over the limit")]
    TooLarge(usize),
    /// A flag this revision does not know.
    #[error("unknown frame flags {0:#04x}")]
    UnknownFlags(u8),
    /// The body is not the message expected on this stream.
    #[error("malformed message")]
    Malformed(#[from] prost::DecodeError),
}

/// Encodes one message as a frame, header included.
pub fn encode<M: Message>(message: &M) -> Result<Vec<u8>, Error> {
    let body = message.encode_to_vec();
    if body.len() > MAX_BODY {
        return Err(Error::TooLarge(body.len()));
    }
    let packed = if body.len() > COMPRESS_ABOVE { zstd::bulk::compress(&body, ZSTD_LEVEL).ok() } else { None };
    let (flags, payload) = match packed {
        Some(packed) if packed.len() < body.len() => (FLAG_ZSTD, packed),
        Some(_) | None => (0, body),
    };
    if payload.len() > MAX_FRAME {
        return Err(Error::TooLarge(payload.len()));
    }
    let mut frame = Vec::with_capacity(5 + payload.len());
    frame.extend_from_slice(&u32::try_from(payload.len()).map_err(|_| Error::TooLarge(payload.len()))?.to_le_bytes());
    frame.push(flags);
    frame.extend_from_slice(&payload);
    Ok(frame)
}

/// Decodes a frame's payload, given the flags of its header.
pub fn decode<M: Message + Default>(flags: u8, payload: &[u8]) -> Result<M, Error> {
    match flags {
        0 => Ok(M::decode(payload)?),
        FLAG_ZSTD => Ok(M::decode(zstd::bulk::decompress(payload, MAX_BODY)?.as_slice())?),
        other => Err(Error::UnknownFlags(other)),
    }
}

/// Writes one message.
pub async fn write<M: Message>(stream: &mut (impl AsyncWrite + Unpin), message: &M) -> Result<(), Error> {
    stream.write_all(&encode(message)?).await?;
    stream.flush().await?;
    Ok(())
}

/// Reads one message. **Not cancel-safe**: give each stream its own reading task.
pub async fn read<M: Message + Default>(stream: &mut (impl AsyncRead + Unpin)) -> Result<M, Error> {
    let mut header = [0u8; 5];
    if stream.read(&mut header[..1]).await? == 0 {
        return Err(Error::Closed);
    }
    stream.read_exact(&mut header[1..]).await?;
    let length = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
    if length > MAX_FRAME {
        return Err(Error::TooLarge(length));
    }
    let mut payload = vec![0u8; length];
    stream.read_exact(&mut payload).await?;
    decode(header[4], &payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage;

    #[tokio::test]
    async fn a_large_message_travels_compressed_and_returns_whole() {
        let sent = usage::Up { record: vec![7; 100_000], ..usage::Up::default() };
        let frame = encode(&sent).unwrap();
        assert!(frame.len() < 1_000, "{} bytes", frame.len());
        let received: usage::Up = read(&mut frame.as_slice()).await.unwrap();
        assert_eq!(received, sent);
    }

    #[tokio::test]
    async fn a_frame_longer_than_the_limit_is_refused_before_it_is_read() {
        let mut frame = (MAX_FRAME as u32 + 1).to_le_bytes().to_vec();
        frame.push(0);
        assert!(matches!(read::<usage::Up>(&mut frame.as_slice()).await, Err(Error::TooLarge(_))));
    }

    #[tokio::test]
    async fn a_decompression_bomb_is_refused() {
        let bomb = zstd::bulk::compress(&vec![0u8; MAX_BODY + 1], 3).unwrap();
        assert!(decode::<usage::Up>(FLAG_ZSTD, &bomb).is_err());
    }

    #[tokio::test]
    async fn the_end_between_frames_is_told_from_the_end_inside_one() {
        assert!(matches!(read::<usage::Up>(&mut [].as_slice()).await, Err(Error::Closed)));
        assert!(matches!(read::<usage::Up>(&mut [1u8, 0].as_slice()).await, Err(Error::Io(_))));
    }
}
