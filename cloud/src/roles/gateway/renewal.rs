//! Further certificates: asked for in a session, or on a connection of its own by an agent whose certificate has ended; and
//! whom connected agents are to trust.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use weir_protocol::control::{self, down};
use weir_protocol::enroll::certificate_renewed::Outcome;
use weir_protocol::enroll::{CertificateRenewed, Refused, RenewCertificate, Renewed, TrustBundle};
use weir_protocol::frame;
use weir_transport::{Connection, Send};

use super::Gateway;
use super::patience::patiently;
use crate::fleet::certificates::Shown;
use crate::fleet::sessions::Session;
use crate::fleet::{self, renewal};

/// A router has this long for its one request.
const LIMIT: Duration = Duration::from_secs(20);
/// The first revision whose agents renew their certificates and can be told of other roots.
const SINCE_REV: u32 = 9;

/// One request, one answer, for an agent whose certificate may have ended.
pub(super) async fn serve(gateway: &Gateway, connection: Connection, shown: Shown) -> anyhow::Result<()> {
    tokio::time::timeout(LIMIT, answer(gateway, connection, shown)).await?
}

async fn answer(gateway: &Gateway, connection: Connection, shown: Shown) -> anyhow::Result<()> {
    let (mut send, mut receive) = connection.accept_only().await?;
    let request: RenewCertificate = frame::read(&mut receive).await?;
    let authority = gateway.authority();
    let renewed = renewal::after_end(&gateway.app, &authority, shown, &request).await;
    frame::write(&mut send, &told("ended", renewed)).await?;
    send.shutdown().await?;
    // The agent closes once it has the answer on disk.
    connection.closed().await;
    Ok(())
}

/// Answers a request on the control stream.
pub(super) async fn in_session(
    gateway: &Gateway,
    session: Session,
    request: &RenewCertificate,
    control: &tokio::sync::Mutex<Send>,
) -> anyhow::Result<()> {
    let authority = gateway.authority();
    let renewed = match renewal::in_session(&gateway.app, &authority, session, request).await {
        Err(gone @ (fleet::Error::Fenced | fleet::Error::Revoked)) => return Err(gone.into()),
        renewed => told("session", renewed),
    };
    let message = control::Down { message: Some(down::Message::CertificateRenewed(renewed)) };
    Ok(frame::write(&mut *control.lock().await, &message).await?)
}

fn told(how: &'static str, renewed: Result<Renewed, fleet::Error>) -> CertificateRenewed {
    let refused = |code: &str, text: String| {
        metrics::counter!("weir_certificates_refused_total", "code" => code.to_owned()).increment(1);
        Outcome::Refused(Refused { code: code.to_owned(), text })
    };
    let outcome = match renewed {
        Ok(renewed) => {
            metrics::counter!("weir_certificates_renewed_total", "how" => how).increment(1);
            Outcome::Renewed(renewed)
        }
        Err(error @ fleet::Error::Revoked) => refused("agent-revoked", error.to_string()),
        Err(error) => match error.enrollment_code() {
            Some(code) => refused(code, error.to_string()),
            None => {
                tracing::error!(%error, "a certificate could not be renewed");
                refused("cloud-failed", "the cloud could not renew the certificate now".into())
            }
        },
    };
    CertificateRenewed { outcome: Some(outcome) }
}

/// Tells a session's agent whom to trust, if that is not what it holds. `held` is what the roots it has hash to; none if it
/// cannot be told of others.
pub(super) async fn tell_roots(
    gateway: &Gateway,
    session: Session,
    held: &mut Option<[u8; 8]>,
    control: &tokio::sync::Mutex<Send>,
) -> anyhow::Result<()> {
    let authority = gateway.authority();
    let digest = authority.bundle_digest();
    if session.rev < SINCE_REV || held.is_none_or(|held| held == digest) {
        return Ok(());
    }
    let bundle = TrustBundle { roots: authority.bundle() };
    let message = control::Down { message: Some(down::Message::TrustBundle(bundle)) };
    frame::write(&mut *control.lock().await, &message).await?;
    *held = Some(digest);
    Ok(Box::pin(patiently(|| renewal::told_roots(&gateway.app, session, &digest))).await?)
}
