//! One router's agent: its connections, one after the other, and what it says on them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use prost::Message;
use quinn::Endpoint;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep, timeout};
use weir_agent::clock::{self, Clock, System};
use weir_agent::northbound::backoff::Backoff;
use weir_agent::northbound::reach::{self, Attempt, Way};
use weir_agent::northbound::tls::Settings;
use weir_protocol::brief::Upserts;
use weir_protocol::control::{Heartbeat, Hello, Welcome, down, up};
use weir_protocol::desired::{Access, Kind as ObjectKind, Line};
use weir_protocol::hash::{self, Hash};
use weir_protocol::state::{Ack, ApplyReport, ObjectResult, ObservedLine, Status};
use weir_protocol::stream::Kind;
use weir_protocol::usage::LineUsage;
use weir_protocol::{GATEWAY_SERVER_NAME, PROTO_REV, control, frame, state, usage};
use weir_transport::{Connection, Receive, Send};

use crate::log::Log;

/// Longest wait for a connection, and then for the Welcome; as agents wait.
const LIMIT: Duration = Duration::from_secs(10);
/// The first revision in which the report of a change stands for its acknowledgement.
const REPORTS_ACKNOWLEDGE_SINCE_REV: u32 = 8;
/// Longest wait between attempts; as agents wait by default.
const RETRY_CAP: Duration = Duration::from_secs(300);

/// What a player does not know of itself.
pub struct Place {
    /// Where it sends from; none if it connects over TCP.
    pub endpoint: Option<Endpoint>,
    /// Where it connects first.
    pub gateway: SocketAddr,
    /// Transport settings and identity.
    pub settings: Settings,
    /// What the roots it trusts hash to.
    pub trust_digest: [u8; 8],
    /// Whether it says that it is there when it has nothing else to say.
    pub beats: bool,
    /// How long its kernel takes to do what a change says.
    pub kernel: Duration,
}

/// What happened to a player.
#[derive(Debug)]
pub struct News {
    /// Its number in the crowd.
    pub player: usize,
    /// When.
    pub at: Instant,
    /// What.
    pub what: What,
}

/// What can happen.
#[derive(Debug)]
pub enum What {
    /// A session is open; after losing it the player comes back within this.
    Welcome(Duration),
    /// An attempt came to nothing.
    Failed {
        /// When it began.
        began: Instant,
        /// What went wrong.
        why: String,
    },
    /// The session is over.
    Lost(String),
    /// The cloud has all records up to this one.
    Acked(u64),
}

/// An agent.
pub struct Player {
    number: usize,
    place: Place,
    /// Gateways it knows of, the next one to connect to first.
    gateways: Mutex<Vec<SocketAddr>>,
    clock: Arc<System>,
    tally: [u8; 8],
    held: Mutex<Held>,
    log: Mutex<Log>,
    sealed: Notify,
    news: mpsc::UnboundedSender<News>,
}

/// The desired state it holds, and what became of it.
#[derive(Default)]
struct Held {
    lineage: Vec<u8>,
    generation: u64,
    digest: Hash,
    objects: BTreeMap<(u32, Vec<u8>), (Hash, ObjectResult)>,
}

/// How a session ended.
struct Ended {
    spread: Option<Duration>,
    comeback: Option<Duration>,
    why: anyhow::Error,
}

impl Player {
    /// Nobody yet.
    pub fn new(
        number: usize,
        place: Place,
        clock: Arc<System>,
        tally: [u8; 8],
        news: mpsc::UnboundedSender<News>,
    ) -> Self {
        let log = Log::new(clock::random(), *clock.boot().as_bytes(), tally, clock.now().wall_ms);
        let (held, log, gateways) = (Mutex::default(), Mutex::new(log), Mutex::new(vec![place.gateway]));
        Self { number, place, gateways, clock, tally, held, log, sealed: Notify::new(), news }
    }

    /// Seals a record of what lines moved and sends it as soon as the window allows.
    pub fn seal(&self, lines: &[LineUsage]) {
        lock(&self.log).seal(lines, self.clock.now().wall_ms);
        self.sealed.notify_one();
    }

    /// The last record sealed, and the last the cloud is known to have.
    pub fn records(&self) -> (u64, u64) {
        let log = lock(&self.log);
        (log.sealed(), log.acked())
    }

    /// Connects again and again, as an agent does.
    pub async fn live(self: Arc<Self>) {
        let mut backoff = Backoff::new(RETRY_CAP);
        loop {
            let roll = u64::from_le_bytes(clock::random());
            let began = Instant::now();
            let wait = match self.connect().await {
                Err(error) => {
                    lock(&self.gateways).rotate_left(1);
                    self.tell(What::Failed { began, why: format!("{error:#}") });
                    backoff.after_failure(roll)
                }
                Ok(connection) => {
                    let opened = Instant::now();
                    let Ended { spread, comeback, why } = self.session(connection).await;
                    let why = format!("{why:#}");
                    self.tell(if spread.is_some() { What::Lost(why) } else { What::Failed { began, why } });
                    let after = |spread| backoff.after_loss(opened.elapsed(), spread, roll);
                    comeback.or_else(|| spread.map(after)).unwrap_or_else(|| backoff.after_failure(roll))
                }
            };
            sleep(wait).await;
        }
    }

    async fn connect(&self) -> Result<Connection> {
        let gateway = *lock(&self.gateways).first().context("no gateway")?;
        let Some(endpoint) = &self.place.endpoint else {
            let over_tcp = Attempt::Only(Way::Tcp);
            return Ok(reach::reach(&gateway.to_string(), &self.place.settings, over_tcp, LIMIT).await?.connection);
        };
        let connecting = endpoint.connect_with(self.place.settings.quic.clone(), gateway, GATEWAY_SERVER_NAME)?;
        Ok(Connection::Quic(timeout(LIMIT, connecting).await.context("no handshake in time")??))
    }

    /// Takes in which gateways there are.
    fn told(&self, gateways: &[String]) {
        let mut told: Vec<_> = gateways.iter().filter_map(|gateway| gateway.parse().ok()).collect();
        let mut known = lock(&self.gateways);
        // What it knows is not forgotten.
        known.retain(|gateway| !told.contains(gateway));
        told.append(&mut known);
        *known = told;
    }

    async fn session(&self, connection: Connection) -> Ended {
        let mut ended = Ended { spread: None, comeback: None, why: anyhow::anyhow!("nothing happened") };
        let played = self.play(&connection, &mut ended).await;
        connection.close(0, b"over");
        if let Err(error) = played {
            ended.why = error;
        }
        ended
    }

    async fn play(&self, connection: &Connection, ended: &mut Ended) -> Result<()> {
        let (mut control, mut told) = connection.open(Kind::Control).await?;
        let state = connection.open(Kind::State).await?;
        let (usage, answers) = connection.open(Kind::Usage).await?;
        let _live = connection.open(Kind::Live).await?;
        say(&mut control, up::Message::Hello(self.hello())).await?;
        let first = timeout(LIMIT, frame::read(&mut told)).await.context("no welcome in time")?;
        let welcome = match self.heard(first?, ended)? {
            Some(welcome) => welcome,
            None => bail!("no welcome"),
        };
        self.told(&welcome.gateways);
        lock(&self.log).welcome(&welcome.streams)?;
        let spread = Duration::from_millis(welcome.reconnect_spread_ms.into());
        ended.spread = Some(spread);
        self.tell(What::Welcome(spread));
        let beat = Duration::from_millis(u64::from(welcome.heartbeat_interval_ms / 2));
        // Whichever ends first ends the session.
        tokio::select! {
            over = self.listen(told, ended) => over,
            over = self.beat(control, beat) => over,
            over = self.hold(welcome.proto_rev, state) => over,
            over = self.send(usage) => over,
            over = self.take_answers(answers) => over,
            why = connection.closed() => Err(anyhow::anyhow!("{why}")),
        }
    }

    fn hello(&self) -> Hello {
        let (clock::Now { mono_ms, wall_ms }, held) = (self.clock.now(), lock(&self.held));
        Hello {
            proto_rev: PROTO_REV,
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            boot_id: self.clock.boot().as_bytes().to_vec(),
            mono_ms,
            wall_ms,
            state_lineage: held.lineage.clone(),
            state_gen: held.generation,
            state_digest: held.digest.to_vec(),
            epochs: vec![lock(&self.log).position()],
            capabilities: ["htb", "fq_codel", "nft"].map(str::to_owned).to_vec(),
            kernel: "6.1.0".to_owned(),
            tally: self.tally.to_vec(),
            trust_digest: self.place.trust_digest.to_vec(),
        }
    }

    async fn listen(&self, mut told: Receive, ended: &mut Ended) -> Result<()> {
        loop {
            self.heard(frame::read(&mut told).await?, ended)?;
        }
    }

    async fn beat(&self, mut control: Send, every: Duration) -> Result<()> {
        if !self.place.beats {
            std::future::pending::<()>().await;
        }
        loop {
            sleep(every).await;
            let (clock::Now { mono_ms, wall_ms }, (sealed, acked)) = (self.clock.now(), self.records());
            let heartbeat = Heartbeat { mono_ms, wall_ms, pending_records: sealed - acked };
            say(&mut control, up::Message::Heartbeat(heartbeat)).await?;
        }
    }

    /// Holds what it is told, says so, and says what became of it; a new session is told what became of everything.
    async fn hold(&self, rev: u32, (mut send, mut receive): (Send, Receive)) -> Result<()> {
        let everything = lock(&self.held).report();
        if let Some(everything) = everything {
            report(&mut send, everything).await?;
        }
        loop {
            let change: state::Down = frame::read(&mut receive).await?;
            let (ack, mut applied) = lock(&self.held).take(&change)?;
            if rev >= REPORTS_ACKNOWLEDGE_SINCE_REV && !change.snapshot {
                applied.persisted = Some(ack.persisted);
                Upserts::of(&change).abridge(&mut applied);
            } else {
                frame::write(&mut send, &state::Up { message: Some(state::up::Message::Ack(ack)) }).await?;
            }
            sleep(self.place.kernel).await;
            report(&mut send, applied).await?;
        }
    }

    async fn send(&self, mut usage: Send) -> Result<()> {
        loop {
            let record = lock(&self.log).to_send();
            match record {
                Some(record) => frame::write(&mut usage, &usage::Up { record, ..usage::Up::default() }).await?,
                None => self.sealed.notified().await,
            }
        }
    }

    async fn take_answers(&self, mut answers: Receive) -> Result<()> {
        loop {
            let answer: usage::Down = frame::read(&mut answers).await?;
            lock(&self.log).answer(&answer)?;
            self.tell(What::Acked(answer.applied_seq));
            // The window has room again.
            self.sealed.notify_one();
        }
    }

    /// What a control message means for the session.
    fn heard(&self, message: control::Down, ended: &mut Ended) -> Result<Option<Welcome>> {
        match message.message {
            Some(down::Message::Welcome(welcome)) => Ok(Some(welcome)),
            Some(down::Message::GoAway(away)) => {
                self.told(&away.gateways);
                let told = |ms: u32| Duration::from_millis(ms.into());
                let roll = u64::from_le_bytes(clock::random());
                let (min, max) = (told(away.reconnect_after_min_ms), told(away.reconnect_after_max_ms));
                ended.comeback = Some(Backoff::told(min, max, roll));
                bail!("told to go away: {:?}", away.reason())
            }
            Some(down::Message::LiveInterest(_) | down::Message::Command(_) | down::Message::Cancel(_)) | None => {
                Ok(None)
            }
            // It asks for no certificate, and trusts what it was made with.
            Some(down::Message::CertificateRenewed(_) | down::Message::TrustBundle(_)) => Ok(None),
        }
    }

    fn tell(&self, what: What) {
        // Nobody listens any more: the crowd is going home.
        let _nobody = self.news.send(News { player: self.number, at: Instant::now(), what });
    }
}

impl Held {
    fn take(&mut self, change: &state::Down) -> Result<(Ack, ApplyReport)> {
        if change.snapshot {
            self.objects.clear();
            self.digest = hash::GENESIS;
        }
        let mut results = Vec::new();
        for object in &change.upserts {
            let digest = hash::object(object.kind, &object.id, object.revision, &object.body);
            let result = became(object)?;
            results.push(result.clone());
            hash::fold(&mut self.digest, &digest);
            if let Some((before, _)) = self.objects.insert((object.kind, object.id.clone()), (digest, result)) {
                hash::fold(&mut self.digest, &before);
            }
        }
        for key in &change.removes {
            if let Some((before, _)) = self.objects.remove(&(key.kind, key.id.clone())) {
                hash::fold(&mut self.digest, &before);
            }
            let status = Status::Removed.into();
            results.push(ObjectResult { kind: key.kind, id: key.id.clone(), status, ..ObjectResult::default() });
        }
        anyhow::ensure!(self.digest.starts_with(&change.digest_after), "what is held is not what should be");
        if !change.lineage.is_empty() {
            self.lineage.clone_from(&change.lineage);
        }
        self.generation = change.to_gen;
        let ack = Ack { lineage: self.lineage.clone(), gen_held: change.to_gen, persisted: true };
        Ok((ack, ApplyReport { generation: change.to_gen, complete: change.snapshot, results, persisted: None }))
    }

    /// What became of everything; nothing if nothing is held.
    fn report(&self) -> Option<ApplyReport> {
        let results = self.objects.values().map(|(_, result)| result.clone()).collect();
        let everything = ApplyReport { generation: self.generation, complete: true, results, persisted: None };
        (!self.lineage.is_empty()).then_some(everything)
    }
}

/// What an agent reads back from its kernel when all is well.
fn became(object: &state::Object) -> Result<ObjectResult> {
    let mut observed = None;
    if ObjectKind::from_u32(object.kind) == Some(ObjectKind::Line) {
        let line = Line::decode(object.body.as_slice())?;
        let throttled = line.access() == Access::Throttled;
        let rates = (line.rate_down_bps, line.rate_up_bps);
        let (rate_down_bps, rate_up_bps) =
            if throttled { (line.throttled_down_bps, line.throttled_up_bps) } else { rates };
        observed = Some(ObservedLine { rate_down_bps, rate_up_bps, access: line.access, public_ports: None });
    }
    let (id, status) = (object.id.clone(), Status::Applied.into());
    Ok(ObjectResult { kind: object.kind, id, revision: object.revision, status, observed, ..ObjectResult::default() })
}

async fn say(control: &mut Send, message: up::Message) -> Result<()> {
    Ok(frame::write(control, &control::Up { message: Some(message) }).await?)
}

async fn report(state: &mut Send, report: ApplyReport) -> Result<()> {
    Ok(frame::write(state, &state::Up { message: Some(state::up::Message::Applied(report)) }).await?)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
