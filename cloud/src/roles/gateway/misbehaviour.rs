//! What no agent does, whatever happens to its router: it ends the connection, and people hear of it once a day.

use weir_protocol::{CLOSE_RECORD_UNREADABLE, frame};
use weir_transport::Connection;

use super::Gateway;
use super::session::Heard;
use crate::fleet::{self, events};
use crate::ids::{AgentId, TenantId};

/// Closes a connection over what its agent did.
const MISBEHAVED: u32 = 3;

/// Something in a sound frame that no agent says.
#[derive(Debug, thiserror::Error)]
pub(super) enum Misbehaviour {
    #[error("a stream of the unknown kind {0} was opened")]
    StreamKind(u8),
    #[error("two {0:?} streams were opened")]
    StreamTwice(weir_protocol::stream::Kind),
    #[error("the first message is not a hello")]
    HelloMissing,
    #[error("hello was said twice")]
    HelloTwice,
    #[error("{0} epochs of a usage log are offered, or strange ones")]
    Epochs(usize),
    #[error("a usage record was sent again though it was refused")]
    RefusedAgain,
    #[error("a usage record cannot be read")]
    RecordUnreadable,
}

impl Misbehaviour {
    /// A stable name.
    fn name(&self) -> &'static str {
        match self {
            Self::StreamKind(_) | Self::StreamTwice(_) => "strange-stream",
            Self::HelloMissing | Self::HelloTwice => "hello-out-of-place",
            Self::Epochs(_) => "strange-epochs",
            Self::RefusedAgain => "refused-record-again",
            Self::RecordUnreadable => "record-unreadable",
        }
    }
}

/// What of it was the agent's fault, if anything; a stable name.
fn name(error: &anyhow::Error) -> Option<&'static str> {
    if let Some(misbehaviour) = error.downcast_ref::<Misbehaviour>() {
        return Some(misbehaviour.name());
    }
    if let Some(fleet::Error::TooManyEpochs(_)) = error.downcast_ref() {
        return Some("too-many-epochs");
    }
    let Heard(heard) = error.downcast_ref()?;
    match heard {
        frame::Error::TooLarge(_) => Some("frame-too-large"),
        frame::Error::UnknownFlags(_) => Some("frame-flags-unknown"),
        frame::Error::Malformed(_) => Some("message-unreadable"),
        // Of what fails, only inflating has no kind of its own.
        frame::Error::Io(error) if error.kind() == std::io::ErrorKind::Other => Some("frame-not-inflatable"),
        frame::Error::Io(_) | frame::Error::Closed => None,
    }
}

/// Whether it was the agent's fault.
pub(super) fn is_one(error: &anyhow::Error) -> bool {
    name(error).is_some()
}

/// Closes a connection because of what ended its session, if that was the agent's fault.
pub(super) fn close(connection: &Connection, error: &anyhow::Error) {
    if let Some(name) = name(error) {
        let unreadable = matches!(error.downcast_ref(), Some(Misbehaviour::RecordUnreadable));
        let code = if unreadable { CLOSE_RECORD_UNREADABLE } else { MISBEHAVED };
        connection.close(code, name.as_bytes());
    }
}

/// Tells people what ended a session, if that was the agent's fault.
pub(super) async fn tell(gateway: &Gateway, (tenant, agent): (TenantId, AgentId), error: &anyhow::Error) {
    let Some(name) = name(error) else { return };
    tracing::warn!(%tenant, %agent, error = format!("{error:#}"), "an agent misbehaves");
    metrics::counter!("weir_agents_misbehaved_total", "what" => name).increment(1);
    let text = format!("the connection was closed: {error:#}");
    if let Err(error) = events::misbehaved(&gateway.app, (tenant, agent), name, text).await {
        tracing::warn!(%error, "what an agent did could not be noted");
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn what_fails_by_itself_is_not_the_agents_fault() {
        let named = |error: frame::Error| name(&Err::<(), _>(Heard(error)).context("on the usage stream").unwrap_err());
        assert_eq!(named(frame::Error::TooLarge(9)), Some("frame-too-large"));
        assert_eq!(name(&frame::Error::TooLarge(9).into()), None, "what the cloud itself would have said");
        let garbage = no_zstd();
        assert_eq!(
            named(frame::decode::<weir_protocol::usage::Up>(1, &garbage).unwrap_err()),
            Some("frame-not-inflatable")
        );
        for lost in [quinn::ReadError::Reset(1u32.into()), quinn::ReadError::ClosedStream] {
            assert_eq!(named(frame::Error::Io(lost.into())), None);
        }
        assert_eq!(named(frame::Error::Io(std::io::ErrorKind::UnexpectedEof.into())), None);
        assert_eq!(named(frame::Error::Closed), None);
        assert_eq!(name(&fleet::Error::Fenced.into()), None);
        assert_eq!(name(&fleet::Error::TooManyEpochs(64).into()), Some("too-many-epochs"));
    }

    /// No frame at all.
    fn no_zstd() -> Vec<u8> {
        vec![0x28, 0xb5, 0x2f, 0xfd, 0xff, 0xff]
    }
}
