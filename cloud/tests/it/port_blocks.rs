//! Port blocks: who gets which, when it is another's, what routers confirm, and who had an address.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use weir_cloud::fleet::jobs::{AssignPortBlocks, RefreshDesired, RefreshLines};
use weir_cloud::fleet::sessions;
use weir_cloud::http::permission::Role;
use weir_cloud::ids::{RouterId, SubscriptionId};
use weir_cloud::jobs::Job;
use weir_cloud::translation::jobs::ForgetOldPortBlocks;
use weir_protocol::desired::{Kind, Line, PortBlock, Prefix, Router};
use weir_protocol::state::{ApplyReport, ObjectResult, ObservedLine, Status};

use crate::access_points::told;
use crate::money::harness::{Answer, story};
use crate::money::shop::{Shop, about};

/// Two addresses: with 16384 ports a line, six blocks.
const PAIR: &str = "203.0.113.6/31";

impl Shop {
    /// Gives a router public networks.
    async fn set(&self, router: RouterId, networks: &[&str], ports: i32) -> Answer {
        let path = format!("/routers/{router}");
        let mut wish = self.isp.get(&path).await.expect(200);
        for known in ["id", "created_at"] {
            wish.as_object_mut().expect("an object").remove(known);
        }
        wish["nat"] = json!(true);
        wish["public_networks"] = json!(networks);
        wish["ports_per_line"] = json!(ports);
        self.isp.put(&path, wish).await
    }

    async fn sell(&self, host: u32) -> SubscriptionId {
        self.sold(json!({ "prefixes": [format!("10.20.{}.{}/32", host / 250, host % 250 + 1)] })).await
    }

    /// The blocks a line has and had, the newest first.
    async fn history(&self, line: SubscriptionId) -> Vec<Value> {
        let listed = self.isp.get(&format!("/subscriptions/{line}/port-blocks")).await.expect(200);
        listed["items"].as_array().expect("a list").clone()
    }

    /// The address and first port a line has.
    async fn has(&self, line: SubscriptionId) -> Option<(String, i64)> {
        let block = self.history(line).await.into_iter().find(|block| block["ended_at"].is_null())?;
        Some((block["address"].as_str()?.to_owned(), block["first_port"].as_i64()?))
    }

    async fn pool(&self) -> Value {
        self.isp.get(&format!("/routers/{}/port-block-pool", self.router)).await.expect(200)
    }

    /// What the router is told of a line's ports.
    async fn told(&self, line: SubscriptionId) -> Option<PortBlock> {
        let lines = told::<Line>(&self.isp, Kind::Line).await;
        lines.into_iter().find(|(id, _)| *id == line.uuid()).and_then(|(_, line)| line.public_ports)
    }

    async fn refresh(&self) {
        let job = RefreshLines { router: self.router, reason: "test".into(), blocks_at: None };
        job.run(self.isp.app.clone(), self.isp.scope()).await.expect("refreshed");
    }

    async fn assign(&self) {
        AssignPortBlocks {}.run(self.isp.app.clone(), self.isp.scope()).await.expect("assigned");
    }

    async fn end(&self, line: SubscriptionId, on: &str) {
        self.isp.post(&format!("/subscriptions/{line}/end"), json!({ "ends_on": on })).await.expect(200);
    }

    /// Tells as the router what its kernel translates lines to.
    async fn report(&self, complete: bool, lines: &[(SubscriptionId, Option<PortBlock>)]) {
        let result = |(line, ports): &(SubscriptionId, Option<PortBlock>)| ObjectResult {
            status: Status::Applied.into(),
            observed: Some(ObservedLine { public_ports: ports.clone(), ..ObservedLine::default() }),
            ..about(*line)
        };
        self.tells(complete, lines.iter().map(result).collect()).await;
    }

    async fn ask(&self, port: i64, at: &str) -> Value {
        let question = json!({ "address": "203.0.113.6", "port": port, "at": at, "reason": "Court order 14" });
        self.isp.post("/port-blocks/lookups", question).await.expect(200)["found"].clone()
    }

    /// Each line found and how sure that is.
    async fn sure(&self, port: i64, at: &str) -> Vec<(String, String)> {
        let found = self.ask(port, at).await;
        let text = |one: &Value, name: &str| one[name].as_str().expect("a text").to_owned();
        found
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| (text(one, "subscription_id"), text(one, "certainty")))
            .collect()
    }
}

/// Whether an instant is of this minute.
fn is_of(at: &Value, minute: &str) -> bool {
    at.as_str().is_some_and(|at| at.starts_with(minute))
}

fn block(first: u32, last: u32) -> PortBlock {
    PortBlock { address: vec![203, 0, 113, 6], first_port: first, last_port: last }
}

#[test]
fn the_lowest_free_block_is_given_and_nobody_elses_for_a_day() {
    story(async {
        let mut shop = Shop::new("lowest", "2026-10-01").await;
        let before = shop.sell(0).await;
        assert_eq!((shop.has(before).await, shop.told(before).await), (None, None), "no networks, no blocks");
        let set = shop.set(shop.router, &[PAIR], 16_384).await.expect(200);
        assert_eq!((&set["public_networks"], &set["ports_per_line"]), (&json!([PAIR]), &json!(16_384)));
        let object = &told::<Router>(&shop.isp, Kind::Router).await[0].1;
        assert_eq!(object.public_networks, [Prefix { address: vec![203, 0, 113, 6], length: 31 }]);
        assert_eq!(shop.has(before).await, Some(("203.0.113.6".into(), 1_024)), "given with the setting");
        assert_eq!(shop.told(before).await, None, "told by the job");
        shop.refresh().await;
        assert_eq!(shop.told(before).await, Some(block(1_024, 17_407)));

        let mut lines = vec![before];
        for host in 1..7 {
            lines.push(shop.sell(host).await);
        }
        let mut had = Vec::new();
        for line in &lines {
            had.push(shop.has(*line).await.map(|(address, port)| format!("{address}:{port}")));
        }
        let expected = [
            "203.0.113.6:1024",
            "203.0.113.6:17408",
            "203.0.113.6:33792",
            "203.0.113.7:1024",
            "203.0.113.7:17408",
            "203.0.113.7:33792",
        ];
        assert_eq!(had.iter().flatten().collect::<Vec<_>>(), expected);
        assert_eq!(shop.told(lines[1]).await, Some(block(17_408, 33_791)), "told with the sale");
        assert_eq!((had[6].clone(), shop.told(lines[6]).await), (None, None), "the pool is full");
        assert_eq!(shop.pool().await, json!({ "blocks": 6, "used": 6, "cooling": 0, "lines_without": 1 }));
        let page = shop.isp.page(&format!("/routers/{}", shop.router)).await.text;
        assert!(page.contains("6 / 6") && page.contains("behind the router’s own address: 1"), "{page}");

        // What a line leaves is nobody's for a day, and then the first's that waits.
        shop.end(lines[1], "2026-11-01").await;
        assert_eq!((shop.has(lines[1]).await, shop.told(lines[1]).await), (None, None));
        shop.assign().await;
        assert_eq!(shop.pool().await, json!({ "blocks": 6, "used": 5, "cooling": 1, "lines_without": 1 }));
        shop.isp.now_is("2026-11-02T09:59:00Z").await;
        shop.assign().await;
        assert_eq!(shop.has(lines[6]).await, None);
        shop.isp.now_is("2026-11-02T10:01:00Z").await;
        shop.assign().await;
        shop.refresh().await;
        assert_eq!(shop.has(lines[6]).await, Some(("203.0.113.6".into(), 17_408)));
        assert_eq!(shop.told(lines[6]).await, Some(block(17_408, 33_791)));

        // A line that ends by itself leaves its block, too; one that goes on keeps it.
        shop.end(lines[2], "2026-11-05").await;
        assert!(shop.has(lines[2]).await.is_some());
        shop.isp.now_is("2026-11-05T10:00:00Z").await;
        RefreshDesired {}.run(shop.isp.app.clone(), shop.isp.scope()).await.expect("refreshed");
        assert_eq!(shop.has(lines[2]).await, None);
        assert!(shop.has(lines[3]).await.is_some());
        let page = shop.isp.page(&format!("/subscriptions/{}", lines[2])).await.text;
        assert!(page.contains("Port blocks") && page.contains("33792–50175") && page.contains("Ended"), "{page}");
    });
}

#[test]
fn lines_sold_at_once_never_share_ports() {
    story(async {
        let shop = Shop::new("at-once", "2026-10-01").await;
        shop.set(shop.router, &[PAIR], 16_384).await.expect(200);
        let sold = futures_util::future::join_all((0..6).map(|host| shop.sell(host))).await;
        let mut blocks = BTreeSet::new();
        for line in sold {
            blocks.insert(shop.has(line).await.expect("a block"));
        }
        assert_eq!(blocks.len(), 6, "{blocks:?}");
    });
}

#[test]
fn a_changed_setting_gives_everybody_another_block_at_once() {
    story(async {
        let shop = Shop::new("resized", "2026-10-01").await;
        let one = shop.sell(0).await;
        let other = shop.sell(1).await;
        shop.set(shop.router, &[PAIR], 16_384).await.expect(200);
        shop.set(shop.router, &[PAIR], 1_000).await.expect(200);
        assert_eq!(shop.has(one).await, Some(("203.0.113.6".into(), 1_024)));
        assert_eq!(shop.has(other).await, Some(("203.0.113.6".into(), 2_024)));
        assert_eq!(shop.pool().await["blocks"], 128);
        shop.refresh().await;
        assert_eq!(shop.told(other).await, Some(block(2_024, 3_023)));
        // Back again: what the setting took away does not cool.
        shop.set(shop.router, &[PAIR], 16_384).await.expect(200);
        assert_eq!(shop.has(other).await, Some(("203.0.113.6".into(), 17_408)));
        // A network more changes nobody's; one less those of it.
        shop.set(shop.router, &[PAIR, "198.51.100.0/30"], 16_384).await.expect(200);
        assert_eq!(shop.has(other).await, Some(("203.0.113.6".into(), 17_408)));
        shop.set(shop.router, &["198.51.100.0/30"], 16_384).await.expect(200);
        assert_eq!(shop.has(one).await, Some(("198.51.100.0".into(), 1_024)));
        assert_eq!(shop.history(one).await.len(), 4);
        let cleared = shop.set(shop.router, &[], 16_384).await.expect(200);
        assert_eq!((shop.has(one).await, &cleared["public_networks"]), (None, &json!([])));
        shop.refresh().await;
        assert_eq!(shop.told(other).await, None);

        // A network is of one router of an ISP; nothing is taken that is another's, and what it leaves may be.
        shop.set(shop.router, &["203.0.113.0/24"], 1_024).await.expect(200);
        let neighbour = shop.isp.router_named("n").await;
        let refused = shop.set(neighbour, &["198.51.100.0/30", PAIR], 1_024).await;
        assert_eq!((refused.status.as_u16(), refused.problem().as_str()), (422, "invalid"));
        assert_eq!(refused.json()["errors"][0]["field"], "public_networks.1");
        assert!(refused.json()["errors"][0]["message"].as_str().is_some_and(|text| text.contains("router r")));
        shop.set(shop.router, &[], 1_024).await.expect(200);
        shop.set(neighbour, &["203.0.113.0/24"], 1_024).await.expect(200);
        let elsewhere = Shop::new("elsewhere", "2026-10-01").await;
        elsewhere.set(elsewhere.router, &["203.0.113.0/24"], 1_024).await.expect(200);
    });
}

#[test]
fn a_router_confirms_what_it_holds_and_what_it_let_go() {
    story(async {
        let mut shop = Shop::new("confirmed", "2026-10-01").await;
        shop.set(shop.router, &[PAIR], 16_384).await.expect(200);
        let (line, quiet) = (shop.sell(0).await, shop.sell(1).await);
        let own = block(1_024, 17_407);
        // Another's ports, none, and what no line has confirm nothing.
        let stranger = SubscriptionId::from(uuid::Uuid::from_u128(5));
        shop.report(false, &[(line, Some(block(17_408, 33_791))), (quiet, None), (stranger, Some(own.clone()))]).await;
        assert!(shop.history(line).await[0]["in_force_at"].is_null());
        shop.isp.now_is("2026-11-01T11:00:00Z").await;
        shop.report(true, &[(line, Some(own.clone())), (quiet, None)]).await;
        shop.isp.now_is("2026-11-01T12:00:00Z").await;
        shop.report(true, &[(line, Some(own.clone())), (quiet, None)]).await;
        let confirmed = shop.history(line).await[0].clone();
        assert!(is_of(&confirmed["in_force_at"], "2026-11-01T11:00"), "told once: {confirmed}");
        assert!(shop.history(quiet).await[0]["in_force_at"].is_null());
        let page = shop.isp.page(&format!("/subscriptions/{quiet}")).await.text;
        assert!(page.contains("Assigned, not confirmed by the router"), "{page}");

        // Nothing that it is not told of ends; what ended is out of force when the router says so, named or not.
        shop.end(line, "2026-11-01").await;
        shop.report(false, &[(line, Some(own.clone()))]).await;
        assert!(shop.history(line).await[0]["out_of_force_at"].is_null(), "it holds it yet");
        shop.isp.now_is("2026-11-01T13:00:00Z").await;
        shop.report(false, &[(quiet, None)]).await;
        assert!(shop.history(line).await[0]["out_of_force_at"].is_null(), "it said nothing of it");
        // What it could not apply, it says nothing of; the rest is all it knows.
        let failed = ObjectResult {
            kind: Kind::Line as u32,
            id: quiet.uuid().as_bytes().to_vec(),
            revision: 1,
            status: Status::Failed.into(),
            ..ObjectResult::default()
        };
        let all = ApplyReport { generation: 1, complete: true, results: vec![failed], persisted: None };
        sessions::report(&shop.isp.app, shop.session().await, &all).await.expect("kept");
        let over = shop.history(line).await[0].clone();
        let (ended, out) = (&over["ended_at"], &over["out_of_force_at"]);
        assert!(is_of(ended, "2026-11-01T12:00") && is_of(out, "2026-11-01T13:00"), "{over}");

        // What happened is not changed, and what is in use is not forgotten.
        let mut tx = shop.isp.app.db.begin(&shop.isp.scope()).await.expect("begin");
        for tampering in [
            "UPDATE port_blocks SET subscription_id = (SELECT max(id::text)::uuid FROM subscriptions) WHERE ended_at IS NOT NULL",
            "UPDATE port_blocks SET in_force_at = now() WHERE in_force_at IS NOT NULL",
            "UPDATE port_blocks SET ended_at = NULL, free_at = NULL, out_of_force_at = NULL WHERE ended_at IS NOT NULL",
            "DELETE FROM port_blocks WHERE ended_at IS NULL",
        ] {
            sqlx::query("SAVEPOINT before").execute(tx.conn()).await.expect("a savepoint");
            let error = sqlx::query(tampering).execute(tx.conn()).await.expect_err(tampering);
            assert!(error.to_string().contains("is history"), "{error}");
            sqlx::query("ROLLBACK TO before").execute(tx.conn()).await.expect("back");
        }
    });
}

#[test]
fn a_thousand_lines_are_given_blocks_and_confirmed_at_once() {
    story(async {
        let shop = Shop::new("thousand", "2026-10-01").await;
        let plan = shop.wish["plan_version_id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        let account = shop.isp.account("Many").await;
        let mut lines = Vec::new();
        for _ in 0..1_000 {
            lines.push(shop.isp.line(account, shop.router, plan, "2026-11-01").await);
        }
        shop.set(shop.router, &["203.0.113.0/27"], 1_024).await.expect(200);
        assert_eq!(shop.pool().await, json!({ "blocks": 2_016, "used": 1_000, "cooling": 0, "lines_without": 0 }));
        let ports = |n: u32| {
            let first = 1_024 + n % 63 * 1_024;
            let address = vec![203, 0, 113, u8::try_from(n / 63).expect("a byte")];
            PortBlock { address, first_port: first, last_port: first + 1_023 }
        };
        lines.sort_unstable();
        let told: Vec<_> = (0..).zip(&lines).map(|(n, line)| (*line, Some(ports(n)))).collect();
        shop.report(true, &told).await;
        let mut tx = shop.isp.app.db.read(&shop.isp.scope()).await.expect("read");
        let confirmed = "SELECT count(*) FROM port_blocks WHERE in_force_at IS NOT NULL";
        let confirmed: i64 = sqlx::query_scalar(confirmed).fetch_one(tx.conn()).await.expect("a count");
        assert_eq!(confirmed, 1_000);
    });
}

#[test]
fn who_had_an_address_is_answered_with_how_sure_that_is_and_written_down() {
    story(async {
        let mut shop = Shop::new("lookup", "2026-10-01").await;
        shop.set(shop.router, &[PAIR], 16_384).await.expect(200);
        let line = shop.sell(0).await;
        let id = line.to_string();
        shop.isp.now_is("2026-11-01T11:00:00Z").await;
        shop.report(true, &[(line, Some(block(1_024, 17_407)))]).await;
        shop.isp.now_is("2026-11-02T10:00:00Z").await;
        shop.end(line, "2026-11-02").await;
        shop.isp.now_is("2026-11-02T12:00:00Z").await;
        shop.report(true, &[]).await;
        shop.isp.now_is("2026-11-05T10:00:00Z").await;
        let next = shop.sell(1).await;
        let (block, after) = (shop.history(line).await[0].clone(), shop.history(next).await[0].clone());
        let at = |block: &Value, name: &str| -> DateTime<Utc> {
            block[name].as_str().and_then(|at| at.parse().ok()).expect("an instant")
        };
        let (moment, day) = (TimeDelta::microseconds(1), TimeDelta::days(1));
        let (assigned, in_force, ended) =
            (at(&block, "assigned_at"), at(&block, "in_force_at"), at(&block, "ended_at"));
        let out = at(&block, "out_of_force_at");
        let is = |certainty: &str| vec![(id.clone(), certainty.to_owned())];
        for (at, expected) in [
            (assigned - moment, vec![]),
            (assigned, is("assigned")),
            (in_force - moment, is("assigned")),
            (in_force, is("in_force")),
            (ended - moment, is("in_force")),
            (ended, is("in_force")),
            (out, is("ended")),
            (ended + day, is("ended")),
            (out + day - moment, is("ended")),
            (out + day, vec![]),
            (at(&after, "assigned_at"), vec![(next.to_string(), "assigned".to_owned())]),
        ] {
            assert_eq!(shop.sure(1_024, &at.to_rfc3339()).await, expected, "{at}");
        }
        assert_eq!(shop.sure(17_407, "2026-11-01T12:00:00Z").await, is("in_force"));
        assert_eq!(shop.sure(17_408, "2026-11-01T12:00:00Z").await, vec![]);
        assert_eq!(shop.sure(80, "2026-11-01T12:00:00Z").await, vec![], "no line has the first ports");
        let found = shop.ask(1_024, "2026-11-01T12:00:00+00:00").await;
        assert_eq!(found[0]["account_id"], shop.wish["account_id"]);

        let log = shop.isp.get("/audit-entries?action=look%20up%20address").await.expect(200);
        let entry = &log["items"][0];
        assert_eq!((&entry["subject"], log["items"].as_array().map(Vec::len)), (&json!("203.0.113.6:1024"), Some(15)));
        assert_eq!(entry["detail"]["asked"]["reason"], "Court order 14");
        assert_eq!(entry["detail"]["answered"][0]["subscription"], json!(id));
        assert!(entry["actor"].as_str().is_some_and(|actor| actor.starts_with("stf_")), "{entry}");

        // Another ISP has the same addresses and other lines.
        let other = Shop::new("lookup-other", "2026-10-01").await;
        other.set(other.router, &[PAIR], 16_384).await.expect(200);
        assert_eq!(other.sure(1_024, "2026-11-01T10:00:00Z").await, vec![]);
    });
}

#[test]
fn the_page_asks_for_a_reason_and_is_for_those_who_may() {
    story(async {
        let mut shop = Shop::new("lookup-page", "2026-10-01").await;
        shop.set(shop.router, &[PAIR], 16_384).await.expect(200);
        let line = shop.sell(0).await;
        let page = shop.isp.page("/port-blocks").await.text;
        assert!(page.contains("Nobody has asked yet") && page.contains("Europe/Madrid"), "{page}");
        shop.isp.now_is("2026-11-01T11:00:00Z").await;
        // Madrid is an hour ahead.
        let form = "address=203.0.113.6&port=2100&at=2026-11-01T11%3A30&reason=Court+order+14";
        let shown = shop.isp.form("/port-blocks", form).await;
        assert_eq!(shown.status, 200, "{}", shown.text);
        assert!(
            shown.text.contains(&format!("/subscriptions/{line}")) && shown.text.contains("Court order 14"),
            "{}",
            shown.text
        );
        let none = shop.isp.form("/port-blocks", &form.replace("2100", "60000")).await.text;
        assert!(none.contains("Nobody had it"), "{none}");
        for (wrong, says) in [
            (form.replace("203.0.113.6", "2001%3Adb8%3A%3A1"), "must be an IPv4 address, such as"),
            (form.replace("2100", "0"), "must be between 1 and 65535"),
            (form.replace("11%3A30", "12%3A30"), "must be in the past"),
            (form.replace("Court+order+14", "no"), "must have 3 to 500 characters"),
        ] {
            let refused = shop.isp.form("/port-blocks", &wrong).await;
            assert_eq!(refused.status, 422, "{wrong}");
            assert!(refused.text.contains(says), "{wrong}: {}", refused.text);
        }
        let log = shop.isp.get("/audit-entries?action=look%20up%20address").await.expect(200);
        assert_eq!(log["items"].as_array().map(Vec::len), Some(2), "what was refused was not asked");
        for role in [Role::Billing, Role::Support, Role::Network, Role::ReadOnly] {
            let session = shop.isp.session_of(role).await;
            assert_eq!(shop.isp.browse(&session, "/port-blocks", None).await.status, 403, "{}", role.name());
            assert_eq!(shop.isp.browse(&session, "/port-blocks", Some(form)).await.status, 403, "{}", role.name());
        }
    });
}

#[test]
fn old_blocks_are_forgotten_and_the_log_proves_it() {
    story(async {
        let mut shop = Shop::new("forgotten", "2026-10-01").await;
        shop.isp.settings(json!({ "port_block_months": 3 })).await;
        shop.set(shop.router, &[PAIR], 16_384).await.expect(200);
        let (gone, stays) = (shop.sell(0).await, shop.sell(1).await);
        shop.end(gone, "2026-11-01").await;
        let forget = async |shop: &Shop| {
            ForgetOldPortBlocks {}.run(shop.isp.app.clone(), shop.isp.scope()).await.expect("forgotten");
        };
        shop.isp.now_is("2027-02-01T09:59:00Z").await;
        forget(&shop).await;
        assert_eq!(shop.history(gone).await.len(), 1, "three months to the minute");
        shop.isp.now_is("2027-02-01T10:01:00Z").await;
        forget(&shop).await;
        assert_eq!(shop.history(gone).await.len(), 1, "its router may still translate the line to it");
        shop.report(true, &[]).await;
        forget(&shop).await;
        forget(&shop).await;
        assert_eq!((shop.history(gone).await.len(), shop.history(stays).await.len()), (0, 1));
        let log = shop.isp.get("/audit-entries?action=forget%20port%20blocks").await.expect(200);
        assert_eq!(log["items"].as_array().map(Vec::len), Some(1));
        assert_eq!(log["items"][0]["detail"]["blocks"], 1);
        assert!(is_of(&log["items"][0]["detail"]["newest_end"], "2026-11-01T10:00"), "{log}");

        // Whose agent may never connect again will not tell any more.
        shop.end(stays, "2027-02-01").await;
        shop.isp.now_is("2027-06-01T10:00:00Z").await;
        forget(&shop).await;
        assert_eq!(shop.history(stays).await.len(), 1);
        shop.isp.form(&format!("/routers/{}/revoke", shop.router), "").await;
        forget(&shop).await;
        assert_eq!(shop.history(stays).await.len(), 0);
    });
}

#[test]
fn public_networks_are_no_lines_and_none_of_the_isps_own() {
    story(async {
        let mut shop = Shop::new("public-alone", "2026-10-01").await;
        let line = shop.sold(json!({ "prefixes": ["203.0.113.64/30"] })).await;
        let refused = async |shop: &Shop, networks: &[&str], part: &str| {
            let answer = shop.set(shop.router, networks, 1_024).await;
            assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (422, "invalid"));
            let error = answer.json()["errors"][0].clone();
            let message = error["message"].as_str().expect("a message");
            assert!(message.contains(part), "{message}");
            error["field"].as_str().expect("a field").to_owned()
        };
        for (networks, field) in [
            (&["198.51.100.0/30", "203.0.113.0/24"][..], "public_networks.1"),
            (&["203.0.113.66/32"], "public_networks.0"),
        ] {
            let part = format!("203.0.113.64/30 of subscription {line}");
            assert_eq!(refused(&shop, networks, &part).await, field);
        }
        let path = format!("/routers/{}", shop.router);
        let mut wish = shop.isp.get(&path).await.expect(200);
        for known in ["id", "created_at"] {
            wish.as_object_mut().expect("an object").remove(known);
        }
        wish["own_networks"] = json!(["192.0.2.0/24"]);
        shop.isp.put(&path, wish).await.expect(200);
        assert_eq!(refused(&shop, &["192.0.2.8/30"], "own network 192.0.2.0/24").await, "public_networks.0");
        assert_eq!(refused(&shop, &["192.0.0.0/16"], "own network 192.0.2.0/24").await, "public_networks.0");
        assert_eq!(shop.pool().await["blocks"], 0, "what was refused changed nothing");

        // And the other way round: no line is sold where lines are translated to, on whatever router.
        shop.set(shop.router, &[PAIR], 1_024).await.expect(200);
        shop.wish["router_id"] = json!(shop.isp.router_named("n").await);
        let sale = shop.sells(json!({ "prefixes": ["10.20.0.1/32", "203.0.113.7/32"] })).await;
        assert_eq!((sale.status.as_u16(), sale.problem().as_str()), (422, "invalid"));
        let error = sale.json()["errors"][0].clone();
        assert_eq!(error["field"], "prefixes.1");
        assert_eq!(error["message"], format!("overlaps the public network {PAIR} of router r"));

        // Where a line was, nobody is any more.
        shop.end(line, "2026-11-01").await;
        shop.isp.now_is("2026-11-03T10:00:00Z").await;
        shop.set(shop.router, &["203.0.113.0/24"], 1_024).await.expect(200);
    });
}

#[test]
fn a_local_time_that_was_there_twice_is_looked_up_twice() {
    story(async {
        let shop = Shop::new("lookup-twice", "2026-10-01").await;
        shop.set(shop.router, &[PAIR], 16_384).await.expect(200);
        let page = shop.isp.page("/port-blocks").await.text;
        assert!(page.contains("type=\"datetime-local\" step=\"1\""), "{page}");
        let asked = async |at: &str| {
            let form = format!("address=203.0.113.6&port=2100&at={at}&reason=Court+order+14");
            shop.isp.form("/port-blocks", &form).await
        };
        let both = asked("2026-10-25T02%3A30%3A15").await;
        assert_eq!(both.status, 200, "{}", both.text);
        for at in ["2026-10-25 02:30:15 +02:00", "2026-10-25 02:30:15 +01:00"] {
            assert!(both.text.contains(at) && both.text.contains("clocks were set back"), "{at}: {}", both.text);
        }
        let log = shop.isp.get("/audit-entries?action=look%20up%20address").await.expect(200);
        let asked_at: Vec<_> =
            log["items"].as_array().expect("a list").iter().map(|item| item["detail"]["asked"]["at"].clone()).collect();
        assert_eq!(asked_at.len(), 2);
        for at in ["2026-10-25T00:30:15Z", "2026-10-25T01:30:15Z"] {
            assert!(asked_at.contains(&json!(at)), "{asked_at:?}");
        }
        let once = asked("2026-10-25T03%3A30%3A15").await;
        assert!(once.status == 200 && !once.text.contains("clocks were set back"), "{}", once.text);
        assert_eq!(asked("2026-03-29T02%3A30").await.status, 422, "the clocks never showed it");
    });
}

#[test]
fn what_leads_from_addresses_to_lines_is_for_those_who_may_ask() {
    story(async {
        let mut shop = Shop::new("lookup-seen", "2026-10-01").await;
        shop.set(shop.router, &[PAIR], 16_384).await.expect(200);
        let line = shop.sell(0).await;
        shop.set(shop.router, &[PAIR], 1_024).await.expect(200);
        shop.ask(1_024, "2026-11-01T09:59:00Z").await;
        let log = shop.isp.get("/audit-entries?action=look%20up%20address").await.expect(200);
        let entry = format!("/audit/{}", log["items"][0]["id"].as_str().expect("an id"));
        let found = shop.isp.page(&entry).await.text;
        assert!(found.contains("Court order 14"), "{found}");
        let path = format!("/subscriptions/{line}");
        let owner = shop.isp.page(&path).await.text;
        assert!(owner.contains("1024–17407") && owner.contains("1024–2047"), "{owner}");
        assert_eq!(shop.history(line).await.len(), 2);

        shop.isp.token = shop.isp.session_of(Role::Support).await;
        let blocks = shop.history(line).await;
        assert_eq!((blocks.len(), &blocks[0]["last_port"]), (1, &json!(2_047)), "what it had is history");
        let page = shop.isp.page(&path).await.text;
        assert!(!page.contains("1024–17407") && page.contains("1024–2047"), "{page}");
        let log = shop.isp.get("/audit-entries?action=look%20up%20address").await.expect(200);
        let entry = &log["items"][0];
        assert_eq!(entry["detail"], json!({ "withheld": "needs trace-addresses" }));
        let id = entry["id"].as_str().expect("an id");
        assert_eq!(shop.isp.get(&format!("/audit-entries/{id}")).await.expect(200)["detail"], entry["detail"]);
        for page in [format!("/audit/{id}"), "/audit?action=look+up+address".into(), "/audit.csv".into()] {
            let seen = shop.isp.page(&page).await;
            assert_eq!(seen.status, 200, "{page}");
            assert!(!seen.text.contains("Court order 14") && seen.text.contains("withheld"), "{page}: {}", seen.text);
        }
    });
}

#[test]
fn lines_whose_blocks_stay_are_left_alone_and_who_waits_is_looked_for_once() {
    story(async {
        let mut shop = Shop::new("left-alone", "2026-10-01").await;
        shop.set(shop.router, &["203.0.113.6/32"], 16_384).await.expect(200);
        let (first, stays, _) = (shop.sell(0).await, shop.sell(1).await, shop.sell(2).await);
        let waits = shop.sell(3).await;
        assert_eq!(shop.has(waits).await, None, "three blocks are there");
        shop.end(first, "2026-11-01").await;
        shop.isp.now_is("2026-11-02T11:00:00Z").await;
        // One of many is not looked for a block: that is done for all of them at once.
        shop.refresh().await;
        assert_eq!(shop.has(waits).await, None);
        let mut tx = shop.isp.app.db.begin(&shop.isp.scope()).await.expect("a transaction");
        sqlx::query("UPDATE desired_objects SET body = '' WHERE object_id = $1")
            .bind(stays.uuid())
            .execute(tx.conn())
            .await
            .expect("spoiled");
        tx.commit().await.expect("committed");
        shop.assign().await;
        assert_eq!(shop.has(waits).await, Some(("203.0.113.6".into(), 1_024)));
        let mut tx = shop.isp.app.db.read(&shop.isp.scope()).await.expect("a transaction");
        let queued: Value = sqlx::query_scalar(
            "SELECT payload FROM platform.jobs WHERE kind = 'fleet.refresh_lines' AND done_at IS NULL ORDER BY id DESC LIMIT 1",
        )
        .fetch_one(tx.conn())
        .await
        .expect("a job");
        drop(tx);
        let job: RefreshLines = serde_json::from_value(queued).expect("the job");
        job.run(shop.isp.app.clone(), shop.isp.scope()).await.expect("refreshed");
        assert_eq!(shop.told(waits).await, Some(block(1_024, 17_407)));
        assert_eq!(shop.told(stays).await, None, "nothing was changed about it, so nobody looked at it");
        // What is queued from before a newer release says nothing of blocks: all lines are refreshed then.
        let old = json!({ "router": shop.router, "reason": "before" });
        let job: RefreshLines = serde_json::from_value(old).expect("the job");
        job.run(shop.isp.app.clone(), shop.isp.scope()).await.expect("refreshed");
        assert_eq!(shop.told(stays).await, Some(block(17_408, 33_791)));
    });
}
