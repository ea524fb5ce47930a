//! `GET /live?topics=overview,router:<id>,line:<subscription>`: server-sent events, one stream a page.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use axum::routing::get;
use futures_util::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio_stream::wrappers::{BroadcastStream, IntervalStream};

use super::{Sample, store};
use crate::access::{self, Device};
use crate::app::App;
use crate::db::Scope;
use crate::error::{self, Problem};
use crate::http::permission::{Needs, ViewNetwork};
use crate::http::staff::session_token;
use crate::http::{ApiQuery, Staff};
use crate::ids::{RouterId, SubscriptionId, TenantId};

/// Topics a page may ask for.
const TOPICS_MAX: usize = 32;
/// How often the gateway is told that somebody still watches.
const WATCH_EVERY: Duration = Duration::from_secs(5);

/// How often it is looked whether they still may.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(2);

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/live", get(live))
}

#[derive(Deserialize)]
struct Topics {
    topics: String,
}

enum Topic {
    Overview,
    Router(RouterId),
    Line(RouterId, u32),
}

/// A topic's rates now.
#[derive(Clone, Copy, Default, Serialize)]
struct Reading {
    at_ms: u64,
    down_bps: u64,
    up_bps: u64,
}

async fn live(
    State(app): State<App>,
    staff: Staff<ViewNetwork>,
    headers: HeaderMap,
    device: Device,
    ApiQuery(query): ApiQuery<Topics>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let topics = read_topics(&app, &staff.scope(), &query.topics).await?;
    let token = session_token(&headers, app.config.is_https()).unwrap_or_default();
    let over = refused(app.clone(), token, device.address);
    Ok(stream_of(app, staff.tenant(), topics, over))
}

/// The rates of these lines, under the names `line:<id>`, until `over`; the caller knows whose they are.
pub(crate) async fn lines<F: Future<Output = ()> + Send + 'static>(
    app: App,
    scope: &Scope,
    ids: &[SubscriptionId],
    over: F,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<F>>, Problem> {
    let names: Vec<_> = ids.iter().map(|id| format!("line:{id}")).collect();
    let topics = read_topics(&app, scope, &names.join(",")).await?;
    Ok(stream_of(app, scope.tenant, topics, over))
}

fn stream_of(
    app: App,
    tenant: TenantId,
    topics: Vec<(String, Topic)>,
    over: impl Future<Output = ()>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let samples = BroadcastStream::new(app.live.subscribe())
        .filter_map(move |sample| std::future::ready(sample.ok().filter(|sample| sample.tenant == tenant)));
    // The overview adds up every router's newest sample.
    let events = samples
        .scan(HashMap::new(), move |newest: &mut HashMap<RouterId, Sample>, sample| {
            let router = sample.router;
            newest.insert(router, sample);
            let events: Vec<_> = topics.iter().filter_map(|(name, topic)| event(name, topic, newest, router)).collect();
            std::future::ready(Some(stream::iter(events)))
        })
        .flatten();
    let watching = IntervalStream::new(tokio::time::interval(WATCH_EVERY)).filter_map(move |_| {
        let app = app.clone();
        async move {
            if let Err(error) = super::watch(&app, tenant).await {
                tracing::debug!(%error, "could not say that somebody watches");
            }
            None
        }
    });
    Sse::new(stream::select(events, watching).map(Ok).take_until(over)).keep_alive(KeepAlive::default())
}

/// Returns when whoever watches is no longer somebody who may: logged out, disabled, given another role.
async fn refused(app: App, token: String, address: Option<IpAddr>) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        look.tick().await;
        match access::still_may(&app, &token, address, ViewNetwork::PERMISSION).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::debug!(%error, "could not look whether somebody may still watch"),
        }
    }
}

fn event(name: &str, topic: &Topic, newest: &HashMap<RouterId, Sample>, changed: RouterId) -> Option<Event> {
    let latest = newest.get(&changed)?;
    let reading = match topic {
        Topic::Overview => {
            newest.values().fold(Reading { at_ms: latest.at_ms, ..Reading::default() }, |sum, sample| Reading {
                down_bps: sum.down_bps + sample.down_bps,
                up_bps: sum.up_bps + sample.up_bps,
                ..sum
            })
        }
        Topic::Router(router) if *router == changed => {
            Reading { at_ms: latest.at_ms, down_bps: latest.down_bps, up_bps: latest.up_bps }
        }
        Topic::Line(router, handle) if *router == changed => {
            let line = latest.lines.iter().find(|line| line.0 == *handle);
            let (down_bps, up_bps) = line.map_or((0, 0), |line| (line.1, line.2));
            Reading { at_ms: latest.at_ms, down_bps, up_bps }
        }
        Topic::Router(_) | Topic::Line(..) => return None,
    };
    Event::default().event(name).json_data(reading).ok()
}

async fn read_topics(app: &App, scope: &Scope, text: &str) -> Result<Vec<(String, Topic)>, Problem> {
    let names: Vec<_> = text.split(',').filter(|name| !name.is_empty()).collect();
    if names.is_empty() || names.len() > TOPICS_MAX {
        return Err(Problem::new(&error::MALFORMED_QUERY, format!("topics must name 1 to {TOPICS_MAX} topics")));
    }
    let mut tx = app.db.read(scope).await?;
    let mut topics = Vec::with_capacity(names.len());
    for name in names {
        let topic = match name.split_once(':') {
            None if name == "overview" => Topic::Overview,
            Some(("router", id)) => Topic::Router(id.parse().map_err(unreadable)?),
            Some(("line", id)) => {
                let id: SubscriptionId = id.parse().map_err(unreadable)?;
                let found = store::line(&mut tx, id).await.map_err(crate::db::Error::from)?;
                let (router, handle) = found.ok_or_else(|| Problem::from(crate::subscriptions::Error::NotFound(id)))?;
                Topic::Line(router, handle)
            }
            _ => return Err(Problem::new(&error::MALFORMED_QUERY, format!("there is no topic {name:?}"))),
        };
        topics.push((name.to_owned(), topic));
    }
    Ok(topics)
}

fn unreadable(error: crate::ids::ParseIdError) -> Problem {
    Problem::new(&error::MALFORMED_QUERY, error)
}
