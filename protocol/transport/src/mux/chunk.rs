//! What goes over the wire: a byte that says what follows.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// More than the reason of a close is not heard.
const REASON_MAX: usize = 512;
/// Streams are 1 to 4: their bytes, `length u16 LE | bytes`, and none at their end.
const DATA: u8 = 0x00;
/// The same streams: `bytes u32 LE` more may be sent.
const ROOM: u8 = 0x10;
const ASK: u8 = 0x20;
const ANSWER: u8 = 0x21;
/// `code u32 LE | length u16 LE | reason`.
const CLOSE: u8 = 0x2f;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    /// Bytes of a stream, by its place; none at its end.
    Data(usize, Vec<u8>),
    /// So many more bytes of a stream may be sent.
    Room(usize, u32),
    /// "Are you there?"
    Ask,
    /// "I am."
    Answer,
    /// It is over.
    Close(u32, String),
}

impl Chunk {
    pub fn encode(&self) -> Vec<u8> {
        let name = |base: u8, lane: usize| base | (lane as u8 + 1);
        let with_length = |first: Vec<u8>, bytes: &[u8]| {
            let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
            [first.as_slice(), &length.to_le_bytes(), &bytes[..length.into()]].concat()
        };
        match self {
            Self::Data(lane, bytes) => with_length(vec![name(DATA, *lane)], bytes),
            Self::Room(lane, count) => [&[name(ROOM, *lane)], count.to_le_bytes().as_slice()].concat(),
            Self::Ask => vec![ASK],
            Self::Answer => vec![ANSWER],
            Self::Close(code, reason) => {
                let reason = &reason.as_bytes()[..reason.len().min(REASON_MAX)];
                with_length([&[CLOSE], code.to_le_bytes().as_slice()].concat(), reason)
            }
        }
    }

    /// Reads the rest of the chunk that a byte began. Not to be interrupted.
    pub async fn rest(first: u8, io: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let lane = usize::from(first & 0x0f).wrapping_sub(1);
        match (first & 0xf0, first) {
            (DATA, _) if lane < 4 => Ok(Self::Data(lane, bytes(io, u16::MAX.into()).await?)),
            (ROOM, _) if lane < 4 => Ok(Self::Room(lane, io.read_u32_le().await?)),
            (_, ASK) => Ok(Self::Ask),
            (_, ANSWER) => Ok(Self::Answer),
            (_, CLOSE) => {
                let code = io.read_u32_le().await?;
                Ok(Self::Close(code, String::from_utf8_lossy(&bytes(io, REASON_MAX).await?).into_owned()))
            }
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, format!("an unknown chunk {first:#04x}"))),
        }
    }
}

async fn bytes(io: &mut (impl AsyncRead + Unpin), most: usize) -> io::Result<Vec<u8>> {
    let length = usize::from(io.read_u16_le().await?);
    if length > most {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a chunk is too long"));
    }
    let mut bytes = vec![0; length];
    io.read_exact(&mut bytes).await?;
    Ok(bytes)
}
