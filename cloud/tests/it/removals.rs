//! What an agent holds back, because so much went at once or its cloud was restored, comes into force when somebody confirms
//! it.

use serde_json::json;
use uuid::Uuid;
use weir_cloud::fleet::desired;
use weir_cloud::fleet::sessions::{self, Session};
use weir_cloud::ids::{AgentId, RouterId};
use weir_protocol::control::Hello;
use weir_protocol::desired::Kind;
use weir_protocol::state::{ApplyReport, Down, ObjectResult, Status};

use crate::money::harness::{Isp, story};
use crate::money::world::FIBRE;

/// An agent that holds a generation.
struct Agent<'a> {
    isp: &'a Isp,
    session: Session,
    lineage: Uuid,
    held: u64,
}

impl<'a> Agent<'a> {
    async fn of(isp: &'a Isp, router: RouterId) -> Self {
        let agent = AgentId::from(router.uuid());
        let opened = sessions::open(&isp.app, isp.tenant, agent, &Hello::default(), "here").await.unwrap();
        let opened = opened.expect("a session");
        Self { isp, session: opened.session, lineage: opened.lineage, held: 0 }
    }

    /// What it is told, beside what it holds or from nothing.
    async fn told(&mut self, anew: bool) -> Down {
        let held = (!anew).then_some(self.held);
        let down = sessions::changes(&self.isp.app, self.session, self.lineage, held).await.unwrap().expect("a change");
        self.held = down.to_gen;
        down
    }

    async fn keeps(&self, line: Uuid, status: Status, code: &str) {
        let (kind, id) = (Kind::Line as u32, line.as_bytes().to_vec());
        let result = ObjectResult { kind, id, status: status.into(), code: code.into(), ..ObjectResult::default() };
        let report = ApplyReport { generation: self.held, complete: false, results: vec![result], persisted: None };
        sessions::report(&self.isp.app, self.session, &report).await.unwrap();
    }
}

#[test]
fn removals_held_back_are_shown_and_go_once_confirmed() {
    story(async {
        let isp = Isp::new("removals", "2026-11-01T10:00:00Z").await;
        let (router, plan, account) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.account("Ada").await);
        let line = isp.line(account, router, plan, "2026-11-01").await;
        let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
        desired::refresh_line(&mut tx, line).await.unwrap();
        tx.commit().await.unwrap();
        let mut agent = Agent::of(&isp, router).await;
        assert_eq!(agent.told(true).await.upserts.len(), 1);
        let path = format!("/routers/{router}");
        let early = isp.post(&format!("{path}/agent/confirm-removals"), json!({})).await;
        assert_eq!((early.status.as_u16(), early.problem().as_str()), (409, "no-removals-held"));

        agent.keeps(line.uuid(), Status::Rejected, "removal-held").await;
        assert_eq!(isp.get(&format!("{path}/enforcement")).await.expect(200)["removals_held"], 1);
        let page = isp.page(&path).await.text;
        assert!(page.contains("Confirm what is held back") && page.contains("went at once: 1."), "{page}");
        let confirmed = isp.form(&format!("{path}/confirm-removals"), "").await;
        assert_eq!(confirmed.status, 303, "{}", confirmed.text);
        let down = agent.told(false).await;
        assert!(down.removals_confirmed && !down.snapshot && down.upserts.is_empty() && down.removes.is_empty());
        agent.keeps(line.uuid(), Status::Removed, "").await;
        assert_eq!(isp.get(&format!("{path}/enforcement")).await.expect(200)["removals_held"], 0);
        assert!(isp.page("/audit").await.text.contains("Confirmed what a router held back"));

        // Who must be told everything is told so without it: nobody has seen what that takes away.
        assert!(!agent.told(true).await.removals_confirmed);
    });
}

#[test]
fn what_routers_hold_back_is_listed_and_released_with_one_word() {
    story(async {
        let isp = Isp::new("held", "2026-11-01T10:00:00Z").await;
        let (router, plan, account) =
            (isp.router_named("edge-1").await, isp.plan(&FIBRE).await, isp.account("Ada").await);
        let line = isp.line(account, router, plan, "2026-11-01").await;
        let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
        desired::refresh_line(&mut tx, line).await.unwrap();
        tx.commit().await.unwrap();
        let mut agent = Agent::of(&isp, router).await;
        agent.told(true).await;
        let early = isp.post("/held-changes/release", json!({})).await;
        assert_eq!((early.status.as_u16(), early.problem().as_str()), (409, "nothing-held"));
        agent.keeps(line.uuid(), Status::Rejected, "suspension-held").await;
        let held = isp.get("/held-changes").await.expect(200)["items"][0].clone();
        assert_eq!(
            [&held["removals"], &held["suspensions"], &held["router"]],
            [&json!(0), &json!(1), &json!("edge-1")]
        );
        assert_eq!(isp.get(&format!("/routers/{router}/refusals")).await.expect(200)["items"], json!([]));
        let page = isp.page(&format!("/routers/{router}")).await.text;
        assert!(page.contains("so many were suspended at once: 1."), "{page}");
        assert!(isp.page("/routers").await.text.contains("href=\"/routers/held\""));
        assert_eq!(isp.form("/routers/held/release", "").await.status, 303);
        assert!(agent.told(false).await.removals_confirmed);
        assert!(isp.page("/audit").await.text.contains("Let everything come into force that routers held back"));
        // What is suspended after somebody confirmed, nobody has seen.
        agent.keeps(line.uuid(), Status::Rejected, "suspension-held").await;
        assert_eq!(isp.post(&format!("/routers/{router}/agent/confirm-removals"), json!({})).await.status, 204);
        let hold = json!({ "kind": "manual", "effect": "closed", "reason": "asked for" });
        isp.post(&format!("/subscriptions/{line}/holds"), hold).await.expect(201);
        assert!(!agent.told(false).await.removals_confirmed);
    });
}

#[test]
fn a_restored_database_says_so_until_somebody_releases_it() {
    story(async {
        let isp = Isp::new("put-back", "2026-11-01T10:00:00Z").await;
        let router = isp.router_named("r").await;
        let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
        sqlx::query("UPDATE tenants SET restored_at = now()").execute(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
        let restored = async |proto_rev| {
            let hello = Hello { proto_rev, ..Hello::default() };
            let agent = AgentId::from(router.uuid());
            let opened = sessions::open(&isp.app, isp.tenant, agent, &hello, "here").await.unwrap();
            opened.expect("a session").restored
        };
        assert_eq!((restored(8).await, restored(9).await), (false, true));
        // A line this database does not know goes once somebody confirms it.
        let agent = Agent::of(&isp, router).await;
        let unknown = ObjectResult { code: "removal-held".into(), status: Status::Rejected.into(), ..about_nobody() };
        let report = ApplyReport { generation: 1, complete: true, results: vec![unknown], persisted: None };
        sessions::report(&isp.app, agent.session, &report).await.unwrap();
        assert_eq!(isp.get("/held-changes").await.expect(200)["items"][0]["removals"], 1);
        assert_eq!(isp.get(&format!("/routers/{router}/enforcement")).await.expect(200)["removals_held"], 1);
        let banner = "routers take nothing away from any line until you release it";
        assert!(isp.page("/subscribers").await.text.contains(banner));
        let page = isp.page("/routers/held").await.text;
        assert!(page.contains("Let all of it come into force"), "{page}");
        assert_eq!(isp.form("/routers/held/release", "").await.status, 303);
        assert!(!isp.page("/subscribers").await.text.contains(banner));
        assert!(!restored(9).await);
    });
}

fn about_nobody() -> ObjectResult {
    ObjectResult { kind: Kind::Line as u32, id: vec![7; 16], ..ObjectResult::default() }
}
