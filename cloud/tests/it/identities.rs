//! Lines known by who their subscriber is: what routers are told of them, and what routers tell of their addresses.

use prost::Message;
use serde_json::{Value, json};
use weir_cloud::fleet::events;
use weir_cloud::fleet::sessions::{self, Opened};
use weir_cloud::ids::{AgentId, SubscriptionId};
use weir_cloud::subscriptions::learned;
use weir_protocol::control::{Event, Hello, Severity};
use weir_protocol::desired::identity::Who;
use weir_protocol::desired::{Kind, Line, Prefix};
use weir_protocol::state::{AddressReport, AddressSource, LearnedPrefix, LineAddresses, Object};

use crate::money::harness::{Answer, story};
use crate::money::shop::Shop;

const MAC: &str = "mac:02:00:00:00:00:07";
const SINCE_MS: u64 = 1_793_527_200_000;

impl Shop {
    async fn names(&self, identities: &[&str]) -> Answer {
        self.sells(json!({ "identities": identities })).await
    }

    async fn named(&self, identities: &[&str]) -> SubscriptionId {
        self.sold(json!({ "identities": identities })).await
    }

    async fn change(&self, line: SubscriptionId, identities: &[&str]) -> Answer {
        self.isp.put(&format!("/subscriptions/{line}/identities"), json!({ "identities": identities })).await
    }

    async fn line(&self, line: SubscriptionId) -> Value {
        self.isp.get(&format!("/subscriptions/{line}")).await.expect(200)
    }

    /// The object of a line, as its agent is told everything.
    async fn object_of(&self, line: SubscriptionId) -> Object {
        let Opened { session, lineage, .. } = self.opened().await;
        let down =
            sessions::changes(&self.isp.app, session, lineage, None).await.expect("an answer").expect("a change");
        let is_it = |object: &Object| object.kind == Kind::Line as u32 && object.id == line.uuid().as_bytes();
        down.upserts.into_iter().find(is_it).expect("the line")
    }

    async fn way(&self, query: &str) -> String {
        self.isp.page(&format!("/search?q={query}")).await.location
    }
}

fn leased(line: SubscriptionId, prefixes: &[(&[u8], u32)]) -> LineAddresses {
    let prefix = |(address, length): &(&[u8], u32)| LearnedPrefix {
        prefix: Some(Prefix { address: address.to_vec(), length: *length }),
        source: AddressSource::Dnsmasq.into(),
        since_ms: SINCE_MS,
        until_ms: SINCE_MS + 3_600_000,
    };
    LineAddresses { id: line.uuid().as_bytes().to_vec(), prefixes: prefixes.iter().map(prefix).collect() }
}

fn report(complete: bool, lines: Vec<LineAddresses>) -> AddressReport {
    AddressReport { lines, unclaimed: 23, complete }
}

fn prefixes(line: &Value) -> Vec<&str> {
    let learned = line["learned_prefixes"].as_array().expect("a list");
    learned.iter().map(|one| one["prefix"].as_str().expect("a prefix")).collect()
}

#[test]
fn a_line_is_sold_by_names_alone_and_its_router_is_told_them() {
    story(async {
        let shop = Shop::new("names", "2026-11-01").await;
        let names = [
            "mac:0200.0000.0007",
            "circuit-id:\"olt1 0/7\"",
            "remote-id:0xAABB",
            "pppoe-user:Ann@isp",
            "duid:00:03:00:01",
        ];
        let line = shop.named(&names).await;
        let normal =
            json!(["circuit-id:6f6c743120302f37", "duid:00030001", MAC, "pppoe-user:Ann@isp", "remote-id:aabb"]);
        let shown = shop.line(line).await;
        assert_eq!((&shown["identities"], &shown["prefixes"]), (&normal, &json!([])));
        let object = shop.object_of(line).await;
        let told = Line::decode(object.body.as_slice()).expect("a line");
        let who: Vec<_> = told.identities.into_iter().filter_map(|identity| identity.who).collect();
        assert!(who.contains(&Who::Mac(vec![2, 0, 0, 0, 0, 7])), "{who:?}");
        assert!(who.contains(&Who::CircuitId(b"olt1 0/7".to_vec())), "{who:?}");
        assert!(who.contains(&Who::RemoteId(vec![0xaa, 0xbb])), "{who:?}");
        assert!(who.contains(&Who::PppoeUser("Ann@isp".into())), "{who:?}");
        assert!(who.contains(&Who::Duid(vec![0, 3, 0, 1])) && who.len() == 5, "{who:?}");
        assert_eq!(object.needs_rev, 4, "an agent that knows no identities must not hold a line without addresses");

        // Told with the change; and a line with a prefix is held by agents of any age.
        let mut wish = shop.wish.clone();
        wish["prefixes"] = json!(["10.20.0.9/32"]);
        let other = shop.isp.post("/subscriptions", wish).await.expect(201)["id"].clone();
        let other: SubscriptionId = other.as_str().expect("an id").parse().expect("an id");
        let changed = shop.change(other, &["mac:02:00:00:00:00:08"]).await.expect(200);
        assert_eq!(changed["identities"], json!(["mac:02:00:00:00:00:08"]));
        let object = shop.object_of(other).await;
        let told = Line::decode(object.body.as_slice()).expect("a line");
        assert_eq!((told.identities.len(), told.prefixes.len(), object.needs_rev), (1, 1, 0));
        shop.change(other, &[]).await.expect(200);
        assert!(Line::decode(shop.object_of(other).await.body.as_slice()).expect("a line").identities.is_empty());
    });
}

#[test]
fn one_name_is_one_lines_of_a_router_as_long_as_the_line_lasts() {
    story(async {
        let shop = Shop::new("one-name", "2026-11-01").await;
        let line = shop.named(&[MAC]).await;
        let taken = shop.names(&["pppoe-user:ann", "mac:02-00-00-00-00-07"]).await;
        assert_eq!((taken.status.as_u16(), taken.problem().as_str()), (409, "identity-taken"));
        let detail = taken.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(detail.contains(&line.to_string()) && detail.contains(MAC), "{detail}");
        let other = shop.named(&["pppoe-user:ann"]).await;
        assert_eq!(shop.change(other, &["pppoe-user:ann", MAC]).await.problem(), "identity-taken");
        assert_eq!(shop.line(other).await["identities"], json!(["pppoe-user:ann"]));
        // Another router's servers know others by it; and whoever lets go of it leaves it to others.
        let elsewhere = shop.isp.router_named("other").await;
        let mut wish = shop.wish.clone();
        (wish["router_id"], wish["identities"]) = (json!(elsewhere), json!([MAC]));
        shop.isp.post("/subscriptions", wish).await.expect(201);
        shop.change(line, &["circuit-id:01"]).await.expect(200);
        shop.change(other, &[MAC]).await.expect(200);
        // What ended is free from that day on, and cannot be taken back from who has it.
        shop.isp.post(&format!("/subscriptions/{other}/end"), json!({ "ends_on": "2026-11-20" })).await.expect(200);
        assert_eq!(shop.names(&[MAC]).await.problem(), "identity-taken");
        let mut later = shop.wish.clone();
        (later["starts_on"], later["identities"]) = (json!("2026-11-20"), json!([MAC]));
        shop.isp.post("/subscriptions", later).await.expect(201);
        let longer = shop.isp.post(&format!("/subscriptions/{other}/end"), json!({ "ends_on": "2026-12-01" })).await;
        assert_eq!(longer.problem(), "identity-taken");
    });
}

#[test]
fn what_a_router_learned_is_kept_shown_and_found() {
    story(async {
        let shop = Shop::new("learned", "2026-11-01").await;
        let line = shop.named(&[MAC, "circuit-id:\"olt1 0/7\"", "pppoe-user:Ann@isp"]).await;
        let quiet = shop.named(&["mac:02:00:00:00:00:08"]).await;
        let page = shop.isp.page(&format!("/subscriptions/{line}")).await.text;
        assert!(
            page.contains("circuit-id:&#34;olt1 0/7&#34;") && page.contains("Nothing is leased to this line now"),
            "{page}"
        );
        let session = shop.session().await;
        let app = &shop.isp.app;
        let (four, six): (&[u8], &[u8]) = (&[10, 0, 0, 7], &[0x20, 1, 0xd, 0xb8, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let first = report(
            true,
            vec![leased(line, &[(four, 32), (six, 48), (&[1, 2], 3)]), leased(quiet, &[(&[10, 0, 0, 8], 32)])],
        );
        for _ in 0..2 {
            learned::report(app, session, &first).await.expect("kept");
        }
        let shown = shop.line(line).await;
        assert_eq!(prefixes(&shown), ["10.0.0.7/32", "2001:db8:7::/48"]);
        let told = &shown["learned_prefixes"][0];
        assert_eq!((&told["source"], &told["since_at"]), (&json!("dnsmasq"), &json!("2026-11-01T10:00:00Z")));
        assert_eq!(told["until_at"], "2026-11-01T11:00:00Z");
        assert!(told["reported_at"].as_str().expect("an instant").starts_with("2026-11-01T10:00:0"), "{told}");
        let page = shop.isp.page(&format!("/subscriptions/{line}")).await.text;
        assert!(page.contains("10.0.0.7/32") && page.contains("Leased by") && page.contains("dnsmasq"), "{page}");

        let router = format!("/routers/{}", shop.router);
        assert_eq!(shop.isp.get(&format!("{router}/enforcement")).await.expect(200)["unclaimed_leases"], 23);
        let page = shop.isp.page(&router).await.text;
        assert!(page.contains("Leases of no line") && page.contains("23"), "{page}");

        // By every name and by what was leased.
        let own = format!("/subscriptions/{line}");
        for query in [
            "10.0.0.7",
            "2001:db8:7:5::1",
            "02:00:00:00:00:07",
            "0200.0000.0007",
            "020000000007",
            "olt1%200/7",
            "6f6c743120302f37",
            "circuit-id:6f6c743120302f37",
            "ann@ISP",
            "pppoe-user:ann@isp",
        ] {
            assert_eq!(shop.way(query).await, own, "{query}");
        }
        assert!(shop.isp.page("/search?q=ann@").await.text.contains(&own), "a part of a name is listed");

        // What changed takes the place of what was; lines that are not named stay as they are.
        let moved = report(false, vec![leased(line, &[(&[10, 0, 0, 9], 32)])]);
        learned::report(app, session, &moved).await.expect("kept");
        assert_eq!(
            (prefixes(&shop.line(line).await), prefixes(&shop.line(quiet).await)),
            (vec!["10.0.0.9/32"], vec!["10.0.0.8/32"])
        );
        learned::report(app, session, &report(false, vec![leased(line, &[])])).await.expect("kept");
        learned::report(app, session, &report(true, vec![])).await.expect("kept");
        assert_eq!((prefixes(&shop.line(line).await).len(), prefixes(&shop.line(quiet).await).len()), (0, 0));
    });
}

#[test]
fn a_router_tells_of_its_own_lines_alone_and_only_in_its_newest_session() {
    story(async {
        let (shop, stranger) = (Shop::new("own-lines", "2026-11-01").await, Shop::new("no-lines", "2026-11-01").await);
        let line = shop.named(&[MAC]).await;
        let neighbour = shop.isp.router_named("other").await;
        let mut wish = shop.wish.clone();
        (wish["router_id"], wish["identities"]) = (json!(neighbour), json!([MAC]));
        let elsewhere = shop.isp.post("/subscriptions", wish).await.expect(201)["id"].clone();
        let elsewhere: SubscriptionId = elsewhere.as_str().expect("an id").parse().expect("an id");
        let old = shop.session().await;
        learned::report(&shop.isp.app, old, &report(true, vec![leased(line, &[(&[10, 0, 0, 7], 32)])]))
            .await
            .expect("kept");
        // Another ISP's router, and another router of the same ISP, take nothing away and give nothing.
        let foreign =
            report(true, vec![leased(line, &[(&[10, 6, 6, 6], 32)]), leased(elsewhere, &[(&[10, 6, 6, 7], 32)])]);
        learned::report(&stranger.isp.app, stranger.session().await, &foreign).await.expect("ignored");
        let agent = AgentId::from(neighbour.uuid());
        let opened = sessions::open(&shop.isp.app, shop.isp.tenant, agent, &Hello::default(), "here").await;
        let opened = opened.expect("an answer").expect("a session");
        learned::report(&shop.isp.app, opened.session, &foreign).await.expect("half of it");
        assert_eq!(prefixes(&shop.line(line).await), ["10.0.0.7/32"]);
        assert_eq!(prefixes(&shop.line(elsewhere).await), ["10.6.6.7/32"]);
        // What an older session still says is late.
        let new = shop.session().await;
        let late = report(true, vec![]);
        assert!(learned::report(&shop.isp.app, old, &late).await.is_err());
        assert_eq!(prefixes(&shop.line(line).await), ["10.0.0.7/32"]);
        learned::report(&shop.isp.app, new, &late).await.expect("kept");
        assert!(prefixes(&shop.line(line).await).is_empty());
    });
}

#[test]
fn a_conflict_is_a_warning_on_both_lines_until_somebody_has_the_address() {
    story(async {
        let shop = Shop::new("conflicts", "2026-11-01").await;
        let (one, other) = (shop.named(&[MAC]).await, shop.named(&["circuit-id:01"]).await);
        let session = shop.session().await;
        let text = format!(
            "10.0.0.7/32 was leased by dnsmasq to {MAC} and circuit-id:01, which are both line {} and line {}; \
             it is nobody's until one of them lets go",
            one.uuid(),
            other.uuid()
        );
        let (id, kind, wall_ms) = (vec![7; 16], "address-conflict".to_owned(), SINCE_MS - 1_000);
        let event = Event { id, kind, severity: Severity::Warning.into(), wall_ms, text };
        events::told(&shop.isp.app, session, &event).await.expect("kept");
        for (line, with) in [(one, other), (other, one)] {
            let page = shop.isp.page(&format!("/subscriptions/{line}")).await.text;
            assert!(page.contains("Nobody’s: two lines claim it") && page.contains("10.0.0.7/32"), "{page}");
            assert!(page.contains(&format!("/subscriptions/{with}\"")), "{page}");
        }
        learned::report(&shop.isp.app, session, &report(false, vec![leased(one, &[(&[10, 0, 0, 7], 32)])]))
            .await
            .expect("kept");
        assert!(!shop.isp.page(&format!("/subscriptions/{other}")).await.text.contains("two lines claim it"));
    });
}

#[test]
fn names_are_given_by_forms_and_the_log_tells_of_it() {
    story(async {
        let shop = Shop::new("forms", "2026-11-01").await;
        let line = shop.named(&["circuit-id:\"olt1 0/7\""]).await;
        let path = format!("/subscriptions/{line}/identities");
        let page = shop.isp.page(&path).await.text;
        assert!(page.contains("circuit-id:&#34;olt1 0/7&#34;"), "{page}");
        let sent =
            shop.isp.form(&path, "identities=circuit-id%3A%22olt1+0%2F7%22%0D%0A%0D%0A+mac%3A020000000007").await;
        assert_eq!(
            (sent.status, sent.location.starts_with(&format!("/subscriptions/{line}"))),
            (303, true),
            "{}",
            sent.text
        );
        assert_eq!(shop.line(line).await["identities"], json!(["circuit-id:6f6c743120302f37", MAC]));
        assert!(shop.isp.page("/audit").await.text.contains("Changed who a line is known as"));
        for (form, says) in [
            ("identities=eth0", "must each begin with mac:"),
            ("identities=mac%3Aff%3Aff%3Aff%3Aff%3Aff%3Aff", "that of one port"),
            ("identities=", "for the line has no prefixes"),
        ] {
            let refused = shop.isp.form(&path, form).await;
            assert_eq!(refused.status, 422, "{form}");
            assert!(refused.text.contains(says), "{form}: {}", refused.text);
        }
    });
}
