//! One request, one reply: a proven token becomes a certificate.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use weir_protocol::enroll::{Refused, Reply, Request, reply};
use weir_protocol::{OLDEST_REV, frame};
use weir_transport::Connection;

use super::Gateway;
use crate::fleet::enrollment;

/// A router has this long for its one request.
const LIMIT: Duration = Duration::from_secs(20);

/// `exporter` is what both sides of this connection alone know.
pub(super) async fn serve(gateway: &Gateway, connection: Connection, exporter: [u8; 32]) -> anyhow::Result<()> {
    tokio::time::timeout(LIMIT, answer(gateway, connection, exporter)).await?
}

async fn answer(gateway: &Gateway, connection: Connection, exporter: [u8; 32]) -> anyhow::Result<()> {
    let (mut send, mut receive) = connection.accept_only().await?;
    let request: Request = frame::read(&mut receive).await?;
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
    send.shutdown().await?;
    // The agent closes once it has the reply on disk.
    connection.closed().await;
    Ok(())
}

fn refuse(code: &str, text: String) -> reply::Outcome {
    metrics::counter!("weir_enrollments_refused_total", "code" => code.to_owned()).increment(1);
    reply::Outcome::Refused(Refused { code: code.to_owned(), text })
}
