//! A router of the ISP: enrolls, is told what its lines are, and seals what they moved, as an agent does on its wire.

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use prost::Message;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use std::collections::BTreeMap;
use uuid::Uuid;
use weir_cloud::app::App;
use weir_cloud::fleet::authority::Authority;
use weir_cloud::fleet::enrollment;
use weir_cloud::fleet::sessions::{self, Session};
use weir_cloud::ids::{AgentId, TenantId};
use weir_cloud::{fair_use, usage};
use weir_protocol::control::{EpochPosition, Hello};
use weir_protocol::desired::{Access, Allowance, Kind, Line};
use weir_protocol::enroll::{self, Request};
use weir_protocol::state::{
    ApplyReport, Down, FairUseReport, LineFairUse, ObjectResult, ObservedLine, Rule, Status, Turn,
};
use weir_protocol::token::Token;
use weir_protocol::usage::{LineUsage, Outcome, Record, SealReason};
use weir_protocol::{PROTO_REV, hash};

/// A line as its router holds it.
struct Held {
    id: Vec<u8>,
    line: Line,
    /// Which period is counted, and what in it.
    counted: (u64, u64),
    rule: Rule,
    since_ms: u64,
    told_percent: u64,
}

/// A router with its session.
pub struct Edge {
    /// The router's id.
    pub router: String,
    app: App,
    session: Session,
    lineage: Uuid,
    held: Option<u64>,
    lines: BTreeMap<u32, Held>,
    epoch: [u8; 8],
    tally: [u8; 8],
    seq: u64,
    last: hash::Hash,
    sealed_at: DateTime<Utc>,
}

/// What a line can move now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// As sold.
    Whole,
    /// Only so many bits a second.
    Slowed(u64),
    /// Hardly anything.
    Garden,
    /// Nothing.
    Nothing,
}

impl Edge {
    /// Enrolls with a token, and opens a session.
    pub async fn enroll(app: &App, token: &str, router: &str, hostname: &str, number: u8) -> Result<Self> {
        let token = Token::from_text(token)?;
        let secret: [u8; 16] = token.secret.as_slice().try_into().context("a token with a short secret")?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let csr = CertificateParams::new(Vec::new())?.serialize_request(&key)?.der().to_vec();
        let exporter = [number; 32];
        let proof = enroll::proof(&enroll::secret_digest(&secret), &exporter, &csr).to_vec();
        let request = Request {
            token_id: token.id,
            proof,
            csr,
            proto_rev: PROTO_REV,
            agent_version: env!("CARGO_PKG_VERSION").into(),
            hostname: hostname.into(),
        };
        let authority = Authority::open(app).await?;
        let enrolled = enrollment::enroll(app, &authority, &request, &exporter).await?;
        let tenant = TenantId::from(Uuid::from_slice(&enrolled.tenant_id)?);
        let agent = AgentId::from(Uuid::from_slice(&enrolled.agent_id)?);
        let (epoch, tally) = ([number; 8], [number | 0x80; 8]);
        let now = app.clock.now();
        let position = EpochPosition { epoch: epoch.to_vec(), first_seq: 1, ..EpochPosition::default() };
        let hello = Hello {
            proto_rev: PROTO_REV,
            agent_version: env!("CARGO_PKG_VERSION").into(),
            boot_id: vec![number; 16],
            mono_ms: 60_000,
            wall_ms: now.timestamp_millis().unsigned_abs(),
            epochs: vec![position],
            capabilities: ["htb", "fq_codel", "nft"].map(str::to_owned).to_vec(),
            kernel: "6.12.48".into(),
            tally: tally.to_vec(),
            ..Hello::default()
        };
        let opened = sessions::open(app, tenant, agent, &hello, "history").await?.context("the agent is unknown")?;
        Ok(Self {
            router: router.into(),
            app: app.clone(),
            session: opened.session,
            lineage: opened.lineage,
            held: opened.held,
            lines: BTreeMap::new(),
            epoch,
            tally,
            seq: 0,
            last: hash::GENESIS,
            sealed_at: now,
        })
    }

    /// Takes what changed, and tells what became of it.
    pub async fn follow(&mut self) -> Result<()> {
        let changes = sessions::changes(&self.app, self.session, self.lineage, self.held).await?;
        let Some(down) = changes else { return Ok(()) };
        for persisted in [false, true] {
            sessions::acknowledge(&self.app, self.session, down.to_gen, persisted).await?;
        }
        let results = self.apply(&down)?;
        let report = ApplyReport { generation: down.to_gen, complete: true, results, persisted: None };
        sessions::report(&self.app, self.session, &report).await?;
        self.held = Some(down.to_gen);
        Ok(())
    }

    fn apply(&mut self, down: &Down) -> Result<Vec<ObjectResult>> {
        let mut results = Vec::new();
        for object in &down.upserts {
            let mut observed = None;
            if object.kind == Kind::Line as u32 {
                let line = Line::decode(object.body.as_slice())?;
                let access = line.access;
                observed = Some(ObservedLine {
                    rate_down_bps: line.rate_down_bps,
                    rate_up_bps: line.rate_up_bps,
                    access,
                    ..ObservedLine::default()
                });
                self.hold(&object.id, line);
            }
            let (kind, id, revision) = (object.kind, object.id.clone(), object.revision);
            let status = Status::Applied.into();
            results.push(ObjectResult { kind, id, revision, status, observed, ..ObjectResult::default() });
        }
        for key in &down.removes {
            self.lines.retain(|_, held| held.id != key.id);
            let (kind, id, status) = (key.kind, key.id.clone(), Status::Removed.into());
            results.push(ObjectResult { kind, id, status, ..ObjectResult::default() });
        }
        Ok(results)
    }

    fn hold(&mut self, id: &[u8], line: Line) {
        match self.lines.get_mut(&line.handle) {
            Some(held) => held.line = line,
            None => {
                let (id, rule) = (id.to_vec(), Rule::Sold);
                let fresh = Held { id, counted: (0, 0), rule, since_ms: 0, told_percent: 0, line };
                self.lines.insert(fresh.line.handle, fresh);
            }
        }
    }

    /// What a line can move; nothing if it is not here.
    pub fn ability(&self, handle: u32) -> Ability {
        let Some(held) = self.lines.get(&handle) else { return Ability::Nothing };
        match held.line.access() {
            Access::Open | Access::Unspecified if held.rule == Rule::Exhausted => {
                Ability::Slowed(held.line.fair_use.as_ref().map_or(0, |rule| rule.exhausted_down_bps))
            }
            Access::Open | Access::Unspecified => Ability::Whole,
            Access::Throttled => Ability::Slowed(held.line.throttled_down_bps),
            Access::WalledGarden => Ability::Garden,
            Access::Closed => Ability::Nothing,
        }
    }

    /// The lines whose allowance is used up.
    pub fn exhausted(&self) -> Vec<u32> {
        self.lines.iter().filter(|(_, held)| held.rule == Rule::Exhausted).map(|(handle, _)| *handle).collect()
    }

    /// Until when what its lines moved is sealed.
    pub fn sealed_at(&self) -> DateTime<Utc> {
        self.sealed_at
    }

    /// Seals what lines moved since the record before, and hands it in.
    pub async fn seal(&mut self, until: DateTime<Utc>, reason: SealReason, lines: &[LineUsage]) -> Result<()> {
        let ms = |at: DateTime<Utc>| at.timestamp_millis().unsigned_abs();
        let mut record = Record {
            epoch: self.epoch.to_vec(),
            seq: self.seq + 1,
            prev_hash: self.last.to_vec(),
            boot_id: vec![self.epoch[0]; 16],
            start_ms: ms(self.sealed_at),
            end_ms: ms(until),
            seal_reason: reason.into(),
            tally: self.tally.to_vec(),
            ..Record::default()
        };
        record.set_lines(lines);
        let body = record.encode_to_vec();
        let applied = usage::apply(&self.app, self.session, &body).await?;
        ensure!(applied.outcome == Outcome::Applied, "record {} of {until} is {:?}", record.seq, applied.outcome);
        self.seq = record.seq;
        self.last = hash::usage_record(&body);
        self.sealed_at = until;
        for line in lines {
            if let Some(held) = self.lines.get_mut(&line.handle) {
                held.count(ms(until), line.down_bytes + line.up_bytes);
            }
        }
        Ok(())
    }

    /// Tells how allowances stand: of lines that turned or reached a share of theirs, or of all.
    pub async fn tell_fair_use(&mut self, all: bool) -> Result<()> {
        let now_ms = self.sealed_at.timestamp_millis().unsigned_abs();
        let lines: Vec<_> = self.lines.values_mut().filter_map(|held| held.tell(now_ms, all)).collect();
        if !lines.is_empty() {
            fair_use::report(&self.app, self.session, &FairUseReport { lines }).await?;
        }
        Ok(())
    }

    /// Hangs up.
    pub async fn leave(&self) -> Result<()> {
        Ok(sessions::ended(&self.app, self.session).await?)
    }
}

impl Held {
    fn allowance(&self, at_ms: u64) -> Option<&Allowance> {
        let all = &self.line.fair_use.as_ref()?.allowances;
        all.iter().find(|one| one.start_ms < at_ms && at_ms <= one.end_ms)
    }

    fn count(&mut self, at_ms: u64, bytes: u64) {
        let Some(start_ms) = self.allowance(at_ms).map(|one| one.start_ms) else { return };
        if self.counted.0 != start_ms {
            self.counted = (start_ms, 0);
            self.told_percent = 0;
        }
        self.counted.1 += bytes;
    }

    /// How the line stands, if there is news.
    fn tell(&mut self, now_ms: u64, all: bool) -> Option<LineFairUse> {
        let allowance = self.allowance(now_ms)?.clone();
        let limit_bytes = allowance.bytes + allowance.top_ups.iter().map(|more| more.bytes).sum::<u64>();
        let used_bytes = self.counted.1 + allowance.elsewhere_bytes;
        let slows = self.line.fair_use.as_ref().is_some_and(|rule| rule.exhausted_down_bps > 0);
        let rule = if slows && used_bytes >= limit_bytes { Rule::Exhausted } else { Rule::Sold };
        let percent = [100, 80].into_iter().find(|share| used_bytes * 100 >= limit_bytes * share).unwrap_or(0);
        let turned = rule != self.rule;
        if !(all || turned || percent > self.told_percent) {
            return None;
        }
        let turns =
            if turned { vec![Turn { rule: rule.into(), at_ms: now_ms, used_bytes, step: 0 }] } else { Vec::new() };
        if turned {
            (self.rule, self.since_ms) = (rule, now_ms);
        }
        self.told_percent = percent;
        Some(LineFairUse {
            id: self.id.clone(),
            start_ms: allowance.start_ms,
            end_ms: allowance.end_ms,
            used_bytes,
            limit_bytes,
            rule: rule.into(),
            since_ms: self.since_ms,
            next_ms: allowance.end_ms,
            turns,
            carried_bytes: 0,
        })
    }
}
