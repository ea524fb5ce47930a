//! What agents tell of the ports their kernels translate lines to.

use std::net::Ipv4Addr;

use uuid::Uuid;
use weir_protocol::desired::{Kind, PortBlock};
use weir_protocol::state::{ApplyReport, ObjectResult, Status};

use super::Error;
use super::sessions::Session;
use crate::app::App;
use crate::translation::{self, Ports, Told};

/// Notes which blocks are in force and which no more.
pub(super) async fn report(app: &App, session: Session, report: &ApplyReport) -> Result<(), Error> {
    let told: Vec<_> = report.results.iter().filter_map(told).collect();
    if told.is_empty() && !report.complete {
        return Ok(());
    }
    let mut tx = session.begin_at_router(app).await?;
    // What failed is named, too, but says nothing of what the kernel holds: then nobody is without.
    let complete =
        report.complete && report.results.iter().all(|result| !of_line(result) || self::told(result).is_some());
    translation::told(&mut tx, session.agent, &told, complete).await?;
    Ok(tx.commit().await?)
}

fn of_line(result: &ObjectResult) -> bool {
    Kind::from_u32(result.kind) == Some(Kind::Line)
}

/// What a result says of a line's ports.
fn told(result: &ObjectResult) -> Option<Told> {
    let line = Uuid::from_slice(&result.id).ok().filter(|_| of_line(result))?;
    let ports = match (&result.observed, result.status()) {
        (Some(observed), _) => observed.public_ports.as_ref().map(ports),
        (None, Status::Removed) => None,
        (None, _) => return None,
    };
    // Ports that make no sense are nobody's.
    Some(Told { line, ports: ports.flatten() })
}

fn ports(block: &PortBlock) -> Option<Ports> {
    let address = Ipv4Addr::from(<[u8; 4]>::try_from(block.address.as_slice()).ok()?);
    Some(Ports { address, first: block.first_port.try_into().ok()?, last: block.last_port.try_into().ok()? })
}
