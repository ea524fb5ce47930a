//! One connection, whatever it goes over.

use std::fmt;
use std::io;

use quinn::{ConnectionError, VarInt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use weir_protocol::stream::Kind;

use crate::mux;

/// The half of a stream that is written to; shut it down to end it in an orderly way.
pub type Send = Box<dyn AsyncWrite + std::marker::Send + Unpin>;
/// The half of a stream that is read from.
pub type Receive = Box<dyn AsyncRead + std::marker::Send + Unpin>;

/// An open connection; clones are the same one. Once the last clone and the last stream are gone it is closed.
#[derive(Clone, Debug)]
pub enum Connection {
    /// Over UDP.
    Quic(quinn::Connection),
    /// Over TLS on TCP.
    Tcp(mux::Connection),
}

/// Why a connection is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The code the other side closed it with; none if it did not.
    pub code: Option<u32>,
    /// In words.
    pub reason: String,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "closed by peer: {} (code {code})", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl From<ConnectionError> for Closed {
    fn from(error: ConnectionError) -> Self {
        match &error {
            ConnectionError::ApplicationClosed(close) => Self {
                code: u32::try_from(close.error_code.into_inner()).ok(),
                reason: String::from_utf8_lossy(&close.reason).into_owned(),
            },
            _ => Self { code: None, reason: error.to_string() },
        }
    }
}

impl Connection {
    /// A stable name of what it goes over: `quic` or `tcp`.
    pub fn over(&self) -> &'static str {
        match self {
            Self::Quic(_) => "quic",
            Self::Tcp(_) => "tcp",
        }
    }

    /// Opens the stream of a kind: each at most once.
    pub async fn open(&self, kind: Kind) -> io::Result<(Send, Receive)> {
        match self {
            Self::Quic(connection) => {
                let (mut send, receive) = connection.open_bi().await?;
                send.set_priority(kind.priority()).map_err(io::Error::other)?;
                send.write_all(&[kind as u8]).await?;
                Ok((Box::new(send), Box::new(receive)))
            }
            Self::Tcp(connection) => boxed(connection.stream(kind)),
        }
    }

    /// The next stream the other side opened, and the byte that names its kind.
    pub async fn accept(&self) -> io::Result<(u8, Send, Receive)> {
        match self {
            Self::Quic(connection) => {
                let (send, mut receive) = connection.accept_bi().await?;
                let byte = receive.read_u8().await?;
                if let Some(kind) = Kind::from_byte(byte) {
                    send.set_priority(kind.priority()).map_err(io::Error::other)?;
                }
                Ok((byte, Box::new(send), Box::new(receive)))
            }
            Self::Tcp(connection) => {
                let (kind, streams) = connection.next_stream().await?;
                let (send, receive) = boxed(Ok(streams))?;
                Ok((kind as u8, send, receive))
            }
        }
    }

    /// Opens the one stream of a conversation that has no others, and so needs no name for it.
    pub async fn open_only(&self) -> io::Result<(Send, Receive)> {
        match self {
            Self::Quic(connection) => {
                let (send, receive) = connection.open_bi().await?;
                Ok((Box::new(send), Box::new(receive)))
            }
            Self::Tcp(connection) => boxed(connection.stream(Kind::Control)),
        }
    }

    /// What [`Connection::open_only`] of the other side opened.
    pub async fn accept_only(&self) -> io::Result<(Send, Receive)> {
        match self {
            Self::Quic(connection) => {
                let (send, receive) = connection.accept_bi().await?;
                Ok((Box::new(send), Box::new(receive)))
            }
            Self::Tcp(connection) => boxed(connection.stream(Kind::Control)),
        }
    }

    /// Closes it. Nothing happens if it is closed.
    pub fn close(&self, code: u32, reason: &[u8]) {
        match self {
            Self::Quic(connection) => connection.close(VarInt::from_u32(code), reason),
            Self::Tcp(connection) => connection.close(code, &String::from_utf8_lossy(reason)),
        }
    }

    /// Waits until it is over.
    pub async fn closed(&self) -> Closed {
        match self {
            Self::Quic(connection) => connection.closed().await.into(),
            Self::Tcp(connection) => connection.closed().await,
        }
    }
}

fn boxed(streams: io::Result<(mux::Send, mux::Receive)>) -> io::Result<(Send, Receive)> {
    let (send, receive) = streams?;
    Ok((Box::new(send), Box::new(receive)))
}
