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
    let all: Vec<_> = report.results.iter().filter_map(line_of).collect();
    let mut tx = session.begin_at_router(app).await?;
    translation::told(&mut tx, session.agent, &told, report.complete.then_some(&all)).await?;
    Ok(tx.commit().await?)
}

fn line_of(result: &ObjectResult) -> Option<Uuid> {
    Uuid::from_slice(&result.id).ok().filter(|_| Kind::from_u32(result.kind) == Some(Kind::Line))
}

/// What a result says of a line's ports; of what failed it is not known what the kernel holds.
fn told(result: &ObjectResult) -> Option<Told> {
    let line = line_of(result)?;
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
