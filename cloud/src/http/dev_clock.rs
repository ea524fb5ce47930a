//! `/dev/clock`: moves the time of a demonstration or a test. Not there unless `--dev-clock` was given.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::ApiJson;
use crate::app::App;
use crate::error::{self, Problem};

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Move {
    Advance { advance_seconds: i64 },
    Set { set: DateTime<Utc> },
}

#[derive(Serialize)]
struct Time {
    now: DateTime<Utc>,
}

pub(super) fn routes() -> Router<App> {
    Router::new().route("/dev/clock", get(show).post(shift))
}

async fn show(State(app): State<App>) -> Result<Json<Time>, Problem> {
    permitted(&app)?;
    Ok(Json(Time { now: app.clock.now() }))
}

async fn shift(State(app): State<App>, ApiJson(wish): ApiJson<Move>) -> Result<Json<Time>, Problem> {
    permitted(&app)?;
    let by = match wish {
        Move::Advance { advance_seconds } => TimeDelta::try_seconds(advance_seconds)
            .ok_or_else(|| Problem::field("advance_seconds", "is out of range"))?,
        Move::Set { set } => set - app.clock.now(),
    };
    if by < TimeDelta::zero() {
        return Err(Problem::field("set", "time only moves forward"));
    }
    let now = app.clock.shift(by).map_err(|error| Problem::internal(&error))?;
    Ok(Json(Time { now }))
}

fn permitted(app: &App) -> Result<(), Problem> {
    if app.clock.is_movable() {
        Ok(())
    } else {
        Err(Problem::new(&error::NOT_FOUND, "there is nothing at this address"))
    }
}
