//! What a router is told of a line is what the line may do, in whatever order changes of it come through.

use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection};
use weir_cloud::db::embedded;
use weir_cloud::ids::SubscriptionId;

use crate::money::harness::{Isp, story};
use crate::money::world::FIBRE;

/// A line with a hold that throttles it.
struct Held {
    isp: Isp,
    line: SubscriptionId,
    hold: Value,
}

impl Held {
    async fn new(slug: &str) -> Self {
        let isp = Isp::new(slug, "2026-11-01T10:00:00Z").await;
        let (router, plan, account) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.account("Ada").await);
        let line = isp.line(account, router, plan, "2026-11-01").await;
        let mut held = Self { isp, line, hold: Value::Null };
        held.hold = held.place("throttled").await["id"].take();
        assert_eq!(held.access_told().await, "throttled");
        held
    }

    async fn place(&self, effect: &str) -> Value {
        let hold = json!({ "kind": "manual", "effect": effect, "reason": "a test" });
        self.isp.post(&format!("/subscriptions/{}/holds", self.line), hold).await.expect(201)
    }

    async fn release(&self) -> Value {
        let id = self.hold.as_str().expect("an id");
        self.isp.post(&format!("/holds/{id}/release"), json!({})).await.expect(200)
    }

    /// The access the router is told, which must be the one the cloud shows.
    async fn access_told(&self) -> Value {
        let mut line = self.isp.get(&format!("/subscriptions/{}", self.line)).await.expect(200);
        let router = line["router_id"].as_str().expect("a router");
        let router = self.isp.get(&format!("/routers/{router}/enforcement")).await.expect(200);
        assert_eq!(router["lines"][0]["desired"]["access"], line["access"], "{router}");
        line["access"].take()
    }
}

/// A transaction that stands in the way of others.
struct InTheWay(PgConnection);

impl InTheWay {
    /// Locks the ISP's rows of these tables.
    async fn of(isp: &Isp, tables: &[&str]) -> Self {
        let options = embedded::options(&isp.app.config.data_dir);
        let mut connection = PgConnection::connect_with(&options).await.expect("connect as the superuser");
        connection.execute("BEGIN").await.expect("begin");
        for table in tables {
            let sql = format!("SELECT FROM {table} WHERE tenant_id = '{}' FOR UPDATE", isp.tenant.uuid());
            connection.execute(sqlx::AssertSqlSafe(sql)).await.expect("lock");
        }
        Self(connection)
    }

    /// Waits until so many transactions wait for this one, or for one that does.
    async fn stops(&mut self, transactions: i64) {
        let query = "WITH RECURSIVE waiting (pid) AS (
                         SELECT pg_backend_pid()
                         UNION SELECT l.pid FROM pg_locks l JOIN waiting w ON NOT l.granted AND w.pid = ANY (pg_blocking_pids(l.pid)))
                     SELECT count(*) - 1 FROM waiting";
        let mut look = tokio::time::interval(std::time::Duration::from_millis(5));
        let stopped = async {
            while sqlx::query_scalar::<_, i64>(query).fetch_one(&mut self.0).await.expect("a count") < transactions {
                look.tick().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), stopped).await.expect("others wait");
    }

    async fn steps_aside(self) {
        self.0.close().await.expect("disconnect");
    }
}

#[test]
fn a_hold_that_is_placed_while_another_change_waits_is_not_forgotten() {
    story(async {
        let held = Held::new("desired-waits").await;
        let mut way = InTheWay::of(&held.isp, &["routers", "agents"]).await;
        let (placed, released) = (held.place("walled_garden"), held.release());
        tokio::pin!(placed, released);
        tokio::select! {
            _ = &mut placed => unreachable!("it cannot be placed yet"),
            () = way.stops(1) => {}
        }
        tokio::select! {
            _ = &mut placed => unreachable!("it cannot be placed yet"),
            _ = &mut released => unreachable!("it cannot be released yet"),
            () = way.stops(2) => {}
        }
        tokio::join!(way.steps_aside(), placed, released);
        assert_eq!(held.access_told().await, "walled_garden");
    });
}

#[test]
fn a_hold_that_is_placed_after_another_change_began_is_not_forgotten() {
    story(async {
        let held = Held::new("desired-began").await;
        let mut way = InTheWay::of(&held.isp, &["holds"]).await;
        let released = held.release();
        tokio::pin!(released);
        tokio::select! {
            _ = &mut released => unreachable!("it cannot be released yet"),
            () = way.stops(1) => {}
        }
        held.place("walled_garden").await;
        tokio::join!(way.steps_aside(), released);
        assert_eq!(held.access_told().await, "walled_garden");
    });
}
