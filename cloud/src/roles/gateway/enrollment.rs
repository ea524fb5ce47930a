//! One request, one reply: a proven token becomes a certificate.

use std::time::Duration;

use weir_protocol::enroll::{Refused, Reply, Request, reply};
use weir_protocol::{ENROLL_EXPORTER_LABEL, OLDEST_REV, frame};

use super::Gateway;
use crate::fleet::enrollment;

/// A router has this long for its one request.
const LIMIT: Duration = Duration::from_secs(20);

pub(super) async fn serve(gateway: &Gateway, connection: quinn::Connection) -> anyhow::Result<()> {
    tokio::time::timeout(LIMIT, answer(gateway, connection)).await?
}

async fn answer(gateway: &Gateway, connection: quinn::Connection) -> anyhow::Result<()> {
    let (mut send, mut receive) = connection.accept_bi().await?;
    let request: Request = frame::read(&mut receive).await?;
    let mut exporter = [0u8; 32];
    connection
        .export_keying_material(&mut exporter, ENROLL_EXPORTER_LABEL, b"")
        .map_err(|_| anyhow::anyhow!("no keying material to export"))?;
    let outcome = if request.proto_rev < OLDEST_REV {
        refuse(
            "revision-too-old",
            format!("the agent speaks revision {}, at least {OLDEST_REV} is needed", request.proto_rev),
        )
    } else {
        match enrollment::enroll(&gateway.app, &gateway.authority(), &request, &exporter).await {
            Ok(enrolled) => {
                tracing::info!(hostname = request.hostname, "an agent enrolled");
                reply::Outcome::Enrolled(enrolled)
            }
            Err(error) => match error.enrollment_code() {
                Some(code) => refuse(code, error.to_string()),
                None => {
                    tracing::error!(%error, "an enrollment failed");
                    refuse("cloud-failed", "the cloud could not enroll the router now: try again".into())
                }
            },
        }
    };
    frame::write(&mut send, &Reply { outcome: Some(outcome) }).await?;
    send.finish()?;
    // The agent closes once it has the reply on disk.
    connection.closed().await;
    Ok(())
}

fn refuse(code: &str, text: String) -> reply::Outcome {
    metrics::counter!("weir_enrollments_refused_total", "code" => code.to_owned()).increment(1);
    reply::Outcome::Refused(Refused { code: code.to_owned(), text })
}
