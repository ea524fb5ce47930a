//! What gateways pass on to routers, and what routers answer.

use chrono::{DateTime, TimeDelta, Utc};
use weir_protocol::control::{Command, CommandResult, command, command_result, down};
use weir_protocol::diagnosis::diagnose::Tool as Told;
use weir_protocol::diagnosis::{Cancel, Capture, Diagnose, Log, LookUp, Part, Ping, Shaper, Talkers, Traceroute};
use weir_protocol::quality::Probe;

use super::model::{PATIENCE, State, Tool};
use super::service::count;
use super::store::Waiting;
use super::{Error, store};
use crate::app::App;
use crate::fleet::sessions::Session;
use crate::ids::{DiagnosisId, SubscriptionId};
use crate::quality;

/// Since this revision agents know what a diagnosis is.
const SINCE_REV: u32 = 9;
/// A router does not begin what reaches it later, by whatever its clock is wrong.
const NOT_AFTER: TimeDelta = TimeDelta::minutes(5);
/// What one diagnosis may tell, and one part of it, bytes.
const BYTES_MAX: i32 = 768 * 1024;
const PART_BYTES_MAX: usize = 16 * 1024;
/// Parts of one diagnosis.
const PARTS_MAX: i32 = 4_096;
/// Lines of its log, and lines that move most, that a router is asked for.
const LOG_LINES: u32 = 200;
const TALKERS: u32 = 20;
/// Longest reason kept of an agent that refuses.
const DETAIL_MAX: usize = 200;

/// What a session's agent is to be told now, each once: lines to probe, what to look into, and what nobody wants to know any
/// more. An agent that does not know how is not asked.
pub async fn due(app: &App, session: Session) -> Result<Vec<down::Message>, Error> {
    let mut tx = session.begin(app).await?;
    let now = tx.at();
    let probes = quality::due(&mut tx, session).await?.into_iter().map(|(id, line)| {
        let what = Some(command::What::Probe(Probe { line: bytes(line) }));
        down::Message::Command(Command { id: id.uuid().as_bytes().to_vec(), what })
    });
    let mut due: Vec<down::Message> = probes.collect();
    if session.rev < SINCE_REV {
        for tool in store::give_up(&mut tx, session.agent).await? {
            count(tool, State::TooOld);
        }
    } else {
        let waiting = store::take(&mut tx, session.agent, now - PATIENCE).await?;
        due.extend(waiting.into_iter().map(|one| message(one, now)));
    }
    tx.commit().await?;
    Ok(due)
}

fn message(one: Waiting, now: DateTime<Utc>) -> down::Message {
    let id = one.id.uuid().as_bytes().to_vec();
    if one.state != State::Running {
        return down::Message::Cancel(Cancel { id });
    }
    let number = |number: i32| u32::try_from(number).unwrap_or(0);
    let (host, line) = (one.target, one.subscription_id.map(bytes).unwrap_or_default());
    let tool = match one.tool {
        Tool::Ping => Told::Ping(Ping { host }),
        Tool::Traceroute => Told::Traceroute(Traceroute { host }),
        Tool::Dns => Told::LookUp(LookUp { name: host, server: one.server }),
        Tool::Shaper => Told::Shaper(Shaper { line }),
        Tool::Log => Told::Log(Log { lines: LOG_LINES }),
        Tool::Talkers => Told::Talkers(Talkers { lines: TALKERS }),
        Tool::Capture => Told::Capture(Capture { line, snap_bytes: number(one.snap_bytes) }),
    };
    let diagnose = Diagnose {
        not_after_ms: (now + NOT_AFTER).timestamp_millis().unsigned_abs(),
        seconds: number(one.seconds),
        packets: number(one.packets),
        bytes: 0,
        tool: Some(tool),
    };
    down::Message::Command(Command { id, what: Some(command::What::Diagnose(diagnose)) })
}

fn bytes(line: SubscriptionId) -> Vec<u8> {
    line.uuid().as_bytes().to_vec()
}

fn id_of(id: &[u8]) -> Option<DiagnosisId> {
    uuid::Uuid::from_slice(id).ok().map(DiagnosisId::from)
}

/// Keeps what an agent tells of a diagnosis it was asked for and that is not over; of any other, again, or too much, it is
/// nothing.
pub async fn part(app: &App, session: Session, part: &Part) -> Result<(), Error> {
    let (Some(id), Ok(number)) = (id_of(&part.id), i32::try_from(part.number)) else { return Ok(()) };
    let (Ok(length), true) = (i32::try_from(part.data.len()), part.data.len() <= PART_BYTES_MAX) else { return Ok(()) };
    if number >= PARTS_MAX {
        return Ok(());
    }
    let mut tx = session.begin(app).await?;
    let known = store::running(&mut tx, id, session.agent).await?;
    let Some(known) = known.filter(|known| known.bytes + length <= BYTES_MAX) else { return Ok(()) };
    if store::keep(&mut tx, known.id, number, &part.data).await? {
        tx.commit().await?;
    }
    Ok(())
}

/// Keeps what an agent answered to a probe, or how a diagnosis of it ended; again, or to another's, it is nothing.
pub async fn answered(app: &App, session: Session, result: &CommandResult) -> Result<(), Error> {
    use command_result::Outcome;
    quality::answered(app, session, result).await?;
    let Some(id) = id_of(&result.id) else { return Ok(()) };
    let (state, detail, told) = match &result.outcome {
        Some(Outcome::Diagnosed(told)) => (State::Done, String::new(), Some(told)),
        Some(Outcome::Unknown(_)) => (State::Unknown, String::new(), None),
        Some(Outcome::Refused(refused)) => (State::Refused, refused.text.chars().take(DETAIL_MAX).collect(), None),
        Some(Outcome::Probed(_)) | None => return Ok(()),
    };
    let mut tx = session.begin(app).await?;
    let Some(known) = store::running(&mut tx, id, session.agent).await? else { return Ok(()) };
    let parts = told.map(|told| i32::try_from(told.parts).unwrap_or(i32::MAX));
    store::end(&mut tx, id, state, &detail, (told.is_some_and(|told| told.cut_short), parts)).await?;
    tx.commit().await?;
    count(known.tool, state);
    Ok(())
}
