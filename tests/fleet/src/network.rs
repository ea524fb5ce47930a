//! An ISP with thousands of routers and lines. One of each is made through the API; the others are copies of their rows, and
//! each router's agent has a key and a certificate of its own.

mod accounts;

use std::time::Duration;

use anyhow::{Context, Result};
use chrono::Days;
use rcgen::{CertificateParams, KeyPair};
use serde_json::json;
use sqlx::{PgConnection, Row};
use uuid::Uuid;
use weir_agent::clock;
use weir_agent::store::identity::{Der, Identity};
use weir_cloud::access::{self, NewStaff};
use weir_cloud::app::App;
use weir_cloud::db::Scope;
use weir_cloud::fleet::authority::Authority;
use weir_cloud::fleet::desired;
use weir_cloud::http::permission::Role;
use weir_cloud::ids::{AgentId, RouterId, SubscriptionId, TenantId, new_id};
use weir_cloud::tenants::{self, NewTenant};
use weir_lab::{Api, Isp, Line, PlanTerms, StaffLogin};

use crate::installation::Installation;

/// Routers told of in one transaction.
const AT_ONCE: usize = 100;
/// How often the database is asked whether changes were applied.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The ISP.
pub struct Network {
    /// As its owner sees it.
    pub isp: Isp,
    /// The database, as its superuser.
    pub sql: PgConnection,
    app: App,
    tenant: TenantId,
    authority: Authority,
    router: Uuid,
    line: Line,
}

/// A router whose agent was enrolled, and its lines.
pub struct Edge {
    /// Which.
    pub router: RouterId,
    /// Who its agent is.
    pub identity: Identity,
    /// What the agent's own count is named.
    pub tally: [u8; 8],
    /// Its lines by handle, from 1 on.
    pub lines: Vec<Line>,
}

impl Network {
    /// Founds it, under a name that no other of the installation has.
    pub async fn found(installation: &Installation, slug: &str) -> Result<Self> {
        let app = installation.app().clone();
        let new = NewTenant {
            name: slug.into(),
            slug: slug.into(),
            currency: "EUR".into(),
            time_zone: "Europe/Madrid".into(),
            country: "ES".into(),
        };
        let (email, password) = (format!("owner@{slug}.example"), "a fleet of five thousand".to_owned());
        let owner = StaffLogin { name: "Olga Owner".into(), email: email.clone(), password: password.clone() };
        let mut tx = tenants::create(&app, &new).await?;
        let tenant = tx.tenant();
        let staff = NewStaff { name: owner.name.clone(), email, password, role: Role::Owner };
        access::add_staff(&app, &mut tx, &staff).await?;
        tx.commit().await?;
        let api = Api::new(installation.api_url())?.sign_in(&owner.email, &owner.password).await?;
        let site = api.post("/sites", &json!({"name": "Harbour"})).await?;
        let site_id = site["id"].as_str().context("a site without an id")?.to_owned();
        let wish = json!({"name": "edge-0", "site_id": site_id, "lan_interface": "lan0", "wan_interface": "wan0",
            "capacity_down_bps": 10_000_000_000_u64, "capacity_up_bps": 10_000_000_000_u64});
        let router = api.post("/routers", &wish).await?;
        let router_id = router["id"].as_str().context("a router without an id")?.to_owned();
        let isp = Isp { api, owner, currency: "EUR".into(), site_id, router_id };
        let terms = PlanTerms {
            name: "Home",
            rate_down_bps: 300_000_000,
            rate_up_bps: 100_000_000,
            price: "30.00",
            metered: None,
        };
        let plan = isp.plan(&terms).await?;
        let yesterday = app.clock.now().date_naive() - Days::new(1);
        let addresses = json!({"prefixes": ["10.64.0.1/32"]});
        let line = isp.sell_known_by(1, "Sam Subscriber", &plan, &yesterday.to_string(), addresses).await?;
        let router = isp.router_id.parse::<RouterId>()?.uuid();
        let (authority, sql) = (Authority::open(&app).await?, installation.sql().await?);
        Ok(Self { isp, sql, app, tenant, authority, router, line })
    }

    /// More routers with so many lines each.
    pub async fn routers(&mut self, count: usize, lines: usize) -> Result<Vec<Edge>> {
        let (count, lines) = (i32::try_from(count)?, i32::try_from(lines)?);
        let made = sqlx::query(
            "INSERT INTO routers SELECT (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(),
                 'name', 'edge ' || gen_random_uuid(), 'next_handle', $3 + 1))).*
             FROM routers r, generate_series(1, $2) WHERE r.id = $1 RETURNING id",
        );
        let made = made.bind(self.router).bind(count).bind(lines).fetch_all(&mut self.sql).await?;
        let routers: Vec<Uuid> = made.iter().map(|row| row.get("id")).collect();
        let mut edges = self.enroll(&routers).await?;
        self.sell(&routers, lines).await?;
        let sold = "SELECT id, router_id FROM subscriptions WHERE router_id = ANY ($1) ORDER BY handle";
        let mut of_router: std::collections::HashMap<Uuid, Vec<Line>> = std::collections::HashMap::new();
        for row in sqlx::query(sold).bind(&routers).fetch_all(&mut self.sql).await? {
            let subscription_id = SubscriptionId::from(row.get::<Uuid, _>("id")).to_string();
            of_router.entry(row.get("router_id")).or_default().push(Line { subscription_id, ..self.line.clone() });
        }
        for edge in &mut edges {
            edge.lines = of_router.remove(&edge.router.uuid()).unwrap_or_default();
        }
        self.tell(&routers).await?;
        Ok(edges)
    }

    /// Whose it all is.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Waits until every router that has an agent has applied all that is desired.
    pub async fn all_applied(&mut self, limit: Duration) -> Result<()> {
        let done = async {
            loop {
                let behind = "SELECT count(*) FROM agents WHERE applied_gen < desired_gen AND last_seen_at IS NOT NULL";
                if sqlx::query_scalar::<_, i64>(behind).fetch_one(&mut self.sql).await? == 0 {
                    return Ok(());
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(limit, done).await.context("a change was not applied in time")?
    }

    /// Gives each router an agent that was there before.
    async fn enroll(&mut self, routers: &[Uuid]) -> Result<Vec<Edge>> {
        let now = self.app.clock.system_now();
        let root = self.authority.root().to_vec();
        let (mut edges, mut keys, mut certificates, mut until) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for router in routers {
            let (agent, key): (AgentId, _) = (new_id(now), KeyPair::generate()?);
            let request = CertificateParams::default().serialize_request(&key)?;
            let certificate = self.authority.agent(request.der(), self.tenant, agent, now)?;
            let identity = Identity {
                tenant_id: self.tenant.uuid(),
                agent_id: agent.uuid(),
                key: Der(key.serialize_der()),
                chain: vec![Der(certificate.der.to_vec()), Der(root.clone())],
                trust_bundle: vec![Der(root.clone())],
                gateways: Vec::new(),
            };
            keys.push(certificate.key_sha256);
            certificates.push(certificate.der.to_vec());
            until.push(certificate.until);
            edges.push(Edge { router: (*router).into(), identity, tally: clock::random(), lines: Vec::new() });
        }
        let agents: Vec<Uuid> = edges.iter().map(|edge| edge.identity.agent_id).collect();
        let tallies: Vec<Vec<u8>> = edges.iter().map(|edge| edge.tally.to_vec()).collect();
        let insert = sqlx::query(
            "INSERT INTO agents (tenant_id, id, router_id, key_sha256, certificate, certificate_until, enrolled_at, state_lineage, tally)
             SELECT $1, id, router, key, certificate, until, $2, gen_random_uuid(), tally
             FROM unnest($3::uuid[], $4::uuid[], $5::bytea[], $6::bytea[], $7::timestamptz[], $8::bytea[])
                  AS new (id, router, key, certificate, until, tally)",
        );
        let insert = insert.bind(self.tenant.uuid()).bind(now).bind(agents).bind(routers);
        insert.bind(keys).bind(certificates).bind(until).bind(tallies).execute(&mut self.sql).await?;
        Ok(edges)
    }

    /// Sells the first line again, so often on each router.
    async fn sell(&mut self, routers: &[Uuid], lines: i32) -> Result<()> {
        let first = self.line.subscription_id.parse::<SubscriptionId>()?.uuid();
        let copies = [
            "INSERT INTO subscriptions SELECT (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid(),
                 'router_id', router, 'handle', n))).*
             FROM subscriptions s, unnest($2::uuid[]) router, generate_series(1, $3) n WHERE s.id = $1",
            "INSERT INTO subscription_terms SELECT (jsonb_populate_record(t, jsonb_build_object('subscription_id', s.id))).*
             FROM subscription_terms t, subscriptions s
             WHERE t.subscription_id = $1 AND s.router_id = ANY ($2::uuid[]) AND s.handle <= $3",
            "INSERT INTO subscription_prefixes SELECT (jsonb_populate_record(p, jsonb_build_object('subscription_id', s.id,
                 'router_id', s.router_id, 'prefix', inet '10.64.0.0' + s.handle))).*
             FROM subscription_prefixes p, subscriptions s
             WHERE p.subscription_id = $1 AND s.router_id = ANY ($2::uuid[]) AND s.handle <= $3",
        ];
        for copy in copies {
            sqlx::query(copy).bind(first).bind(routers).bind(lines).execute(&mut self.sql).await?;
        }
        // What was copied in bulk is known to the planner at once, as it would be by the next day.
        sqlx::query("ANALYZE").execute(&mut self.sql).await?;
        Ok(())
    }

    /// Derives what each router should be, as a change of it would.
    async fn tell(&self, routers: &[Uuid]) -> Result<()> {
        for some in routers.chunks(AT_ONCE) {
            let mut tx = self.app.db.begin(&Scope::system(self.tenant)).await?;
            for router in some {
                desired::rebuild(&mut tx, (*router).into()).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }
}
