//! Hosts no line has: what routers tell of them is kept, replaced, added up and shown.

use serde_json::{Value, json};
use weir_cloud::fleet::sessions::{self, Session};
use weir_cloud::fleet::unknown_hosts::{self, Before};
use weir_cloud::http::permission::Role;
use weir_cloud::ids::{AgentId, RouterId};
use weir_protocol::control::Hello;
use weir_protocol::state::{UnknownHost, UnknownReport};

use crate::money::harness::{Isp, story};
use crate::money::shop::Shop;

/// 2026-11-01T09:00:00Z.
const NINE_MS: u64 = 1_793_523_600_000;

async fn session(isp: &Isp, router: RouterId) -> Session {
    let agent = AgentId::from(router.uuid());
    let opened = sessions::open(&isp.app, isp.tenant, agent, &Hello::default(), "here").await;
    opened.expect("an answer").expect("a session").session
}

fn host(last: u8, seen_ms: u64) -> UnknownHost {
    UnknownHost { address: vec![10, 20, 7, last], mac: vec![2, 0, 0, 0, 0, last], seen_ms }
}

async fn tell(isp: &Isp, router: RouterId, hosts: Vec<UnknownHost>, more: bool, bytes: (u64, u64)) {
    let report = UnknownReport { hosts, more, from_bytes: bytes.0, to_bytes: bytes.1 };
    let session = session(isp, router).await;
    unknown_hosts::report(&isp.app, session, &Before::default(), &report).await.expect("kept");
}

async fn seen(isp: &Isp, router: RouterId) -> Value {
    isp.get(&format!("/routers/{router}/unknown-hosts")).await.expect(200)
}

#[test]
fn what_a_router_saw_last_is_shown_and_what_it_moved_is_added_up() {
    story(async {
        let mut isp = Isp::new("strangers", "2026-11-01T10:00:00Z").await;
        let router = isp.router_named("r").await;
        let none = seen(&isp, router).await;
        assert_eq!(none, json!({ "told_at": null, "more": false, "hosts": [], "days": [] }));
        let path = format!("/routers/{router}");
        assert!(isp.page(&path).await.text.contains("The router has told of none yet"));

        let six = UnknownHost {
            address: [&[0x20, 1, 0xd, 0xb8][..], &[0; 12]].concat(),
            mac: vec![],
            seen_ms: NINE_MS - 60_000,
        };
        let senseless = UnknownHost { address: vec![1, 2, 3], ..host(9, NINE_MS) };
        let long_ago = host(8, NINE_MS - 8 * 86_400_000);
        let twice = host(7, NINE_MS - 1);
        let hosts = vec![host(7, NINE_MS), twice, six, senseless, long_ago, UnknownHost { seen_ms: 0, ..host(6, 0) }];
        tell(&isp, router, hosts, true, (1_000, 20)).await;
        let shown = seen(&isp, router).await;
        let expected = json!([
            { "address": "10.20.7.7", "mac": "02:00:00:00:00:07", "seen_at": "2026-11-01T09:00:00Z" },
            { "address": "2001:db8::", "mac": null, "seen_at": "2026-11-01T08:59:00Z" },
        ]);
        assert_eq!((&shown["hosts"], &shown["more"]), (&expected, &json!(true)));
        let page = isp.page(&path).await.text;
        assert!(
            page.contains("10.20.7.7") && page.contains("02:00:00:00:00:07") && page.contains("more than are listed"),
            "{page}"
        );

        // The next report lists all; a clock ahead does not see what is to come; what is beyond reason is cut.
        tell(&isp, router, vec![host(9, NINE_MS + 86_400_000)], false, (500, u64::MAX)).await;
        let shown = seen(&isp, router).await;
        assert_eq!(shown["hosts"].as_array().map(Vec::len), Some(1));
        assert!(shown["hosts"][0]["seen_at"].as_str().is_some_and(|at| at.starts_with("2026-11-01T10:00")), "{shown}");
        assert_eq!(
            shown["days"],
            json!([{ "day_on": "2026-11-01", "from_bytes": 1_500, "to_bytes": (1_i64 << 50) + 20 }])
        );

        // A report of thousands is kept in part, and says so.
        let many = (0..=u8::MAX).map(|last| host(last, NINE_MS)).collect();
        tell(&isp, router, many, false, (0, 0)).await;
        let shown = seen(&isp, router).await;
        assert_eq!((shown["hosts"].as_array().map(Vec::len), &shown["more"]), (Some(200), &json!(true)));
        // Whether it was kept is not known: it is told once more, and added up once.
        let (session, before) = (session(&isp, router).await, Before::default());
        let report = UnknownReport { from_bytes: 300, ..UnknownReport::default() };
        for _ in 0..2 {
            unknown_hosts::report(&isp.app, session, &before, &report).await.expect("kept");
        }
        assert_eq!(seen(&isp, router).await["days"][0]["from_bytes"], 1_800);
        // A gateway whose clock is behind the one before keeps what comes next, too.
        isp.now_is("2026-11-01T09:59:00Z").await;
        tell(&isp, router, vec![], false, (10, 0)).await;
        assert_eq!(seen(&isp, router).await["days"][0]["from_bytes"], 1_810);

        // Nothing is shown for ever.
        isp.now_is("2026-11-08T09:00:01Z").await;
        assert_eq!(seen(&isp, router).await["hosts"], json!([]));
        isp.now_is("2026-12-02T10:00:00Z").await;
        tell(&isp, router, vec![], false, (7, 8)).await;
        assert_eq!(
            seen(&isp, router).await["days"],
            json!([{ "day_on": "2026-12-02", "from_bytes": 7, "to_bytes": 8 }])
        );
        assert!(isp.page(&path).await.text.contains("The router saw no unknown host lately"));
    });
}

#[test]
fn a_router_tells_of_its_own_side_alone() {
    story(async {
        let (isp, other) = (
            Isp::new("strange-one", "2026-11-01T10:00:00Z").await,
            Isp::new("strange-two", "2026-11-01T10:00:00Z").await,
        );
        let (one, next, theirs) =
            (isp.router_named("r").await, isp.router_named("n").await, other.router_named("t").await);
        tell(&isp, one, vec![host(7, NINE_MS)], false, (1, 1)).await;
        tell(&isp, next, vec![], false, (0, 0)).await;
        tell(&other, theirs, vec![], false, (0, 0)).await;
        assert_eq!(seen(&isp, one).await["hosts"].as_array().map(Vec::len), Some(1));
        assert_eq!(isp.get(&format!("/routers/{theirs}/unknown-hosts")).await.status, 404);
        let late = session(&isp, one).await;
        session(&isp, one).await;
        let refused = unknown_hosts::report(&isp.app, late, &Before::default(), &UnknownReport::default()).await;
        assert!(refused.is_err(), "a newer session took over");
        assert_eq!(seen(&isp, one).await["hosts"].as_array().map(Vec::len), Some(1));
    });
}

/// The way to the sale of a line to the first host of a router's page.
async fn way_to_sale(shop: &Shop) -> String {
    let page = shop.isp.page(&format!("/routers/{}", shop.router)).await.text;
    let at = page.find("/subscriptions/new?router_id=").unwrap_or_else(|| panic!("no way to a sale: {page}"));
    page[at..].split('"').next().expect("an address").replace("&#38;", "&").replace("&amp;", "&")
}

#[test]
fn a_line_is_sold_to_an_unknown_host() {
    story(async {
        let shop = Shop::new("host-sale", "2026-11-01").await;
        tell(&shop.isp, shop.router, vec![host(7, NINE_MS)], false, (0, 0)).await;
        let way = way_to_sale(&shop).await;
        let filled = format!("router_id={}&prefixes=10.20.7.7%2F32&host=10.20.7.7", shop.router);
        assert_eq!(way, format!("/subscriptions/new?{filled}"), "by address alone, as all lines are sold here");
        let network = shop.isp.session_of(Role::Network).await;
        let seen = shop.isp.browse(&network, &format!("/routers/{}", shop.router), None).await.text;
        assert!(seen.contains("10.20.7.7") && !seen.contains("/subscriptions/new"), "{seen}");

        // Whose it is comes first, and what is known goes along.
        let whom = shop.isp.page(&way).await.text;
        let wish = |name: &str| shop.wish[name].as_str().expect("a text").to_owned();
        let account = shop.isp.get(&format!("/accounts/{}", wish("account_id"))).await.expect(200);
        let subscriber = account["subscriber_id"].as_str().expect("an id");
        let link = format!("/subscriptions/new?subscriber_id={subscriber}&{filled}");
        assert!(whom.replace("&#38;", "&").contains(&link), "{whom}");
        assert!(shop.isp.page(&format!("{way}&q=nobody")).await.text.contains("nobody"));
        let form = shop.isp.page(&link).await.text;
        assert!(form.contains("10.20.7.7/32") && form.contains("unknown hosts with its next report"), "{form}");
        assert!(form.contains(&format!("value=\"{}\" selected", shop.router)), "{form}");

        // What the address says is checked as what is typed is; nothing is sold before.
        let sale = |prefixes: &str| {
            format!(
                "subscriber_id={subscriber}&account_id={}&service_location_id={}&plan_version_id={}&router_id={}&access_point_id=&starts_on=2026-11-01&prefixes={prefixes}&identities=&host=10.20.7.7",
                wish("account_id"),
                wish("service_location_id"),
                wish("plan_version_id"),
                shop.router
            )
        };
        let odd = shop.isp.form("/subscriptions", &sale("10.20.7.7%2F33")).await;
        assert_eq!(odd.status, 422, "{}", odd.text);
        assert!(odd.text.contains("unknown hosts with its next report") && odd.text.contains("10.20.7.7/33"));
        let sold = shop.isp.form("/subscriptions", &sale("10.20.7.7%2F32")).await;
        assert_eq!(sold.status, 303, "{}", sold.text);
        assert!(sold.cookies.contains("done-sold-host") && sold.location.starts_with("/subscriptions/sub_"));
        tell(&shop.isp, shop.router, vec![], false, (0, 0)).await;
        assert_eq!(seen_hosts(&shop).await, 0, "the next report knows it as a line's");
    });
}

async fn seen_hosts(shop: &Shop) -> usize {
    seen(&shop.isp, shop.router).await["hosts"].as_array().map_or(0, Vec::len)
}

#[test]
fn where_lines_are_sold_by_ethernet_address_the_hosts_is_filled_in() {
    story(async {
        let shop = Shop::new("host-mac", "2026-11-01").await;
        shop.sold(json!({ "identities": ["mac:02:00:00:00:00:08"] })).await;
        tell(&shop.isp, shop.router, vec![host(7, NINE_MS)], false, (0, 0)).await;
        let way = way_to_sale(&shop).await;
        assert!(way.contains("identities=mac%3A02%3A00%3A00%3A00%3A00%3A07"), "{way}");
    });
}

#[test]
fn a_line_is_sold_behind_an_access_point_of_its_router() {
    story(async {
        let shop = Shop::new("sale-behind", "2026-11-01").await;
        let other = shop.isp.router_named("far").await;
        let add = async |name: &str, router: RouterId| {
            let wish =
                json!({ "name": name, "router_id": router, "peak_down_bps": 9_000_000, "peak_up_bps": 9_000_000 });
            shop.isp.post("/access-points", wish).await.expect(201)["id"].as_str().expect("an id").to_owned()
        };
        let (mast, far) = (add("Mast", shop.router).await, add("Far mast", other).await);
        let wish = |name: &str| shop.wish[name].as_str().expect("a text").to_owned();
        let account = shop.isp.get(&format!("/accounts/{}", wish("account_id"))).await.expect(200);
        let subscriber = account["subscriber_id"].as_str().expect("an id");
        let new = format!("/subscriptions/new?subscriber_id={subscriber}");
        let all = shop.isp.page(&new).await.text;
        assert!(all.contains("r · Mast") && all.contains("far · Far mast"), "{all}");
        let own = shop.isp.page(&format!("{new}&router_id={}", shop.router)).await.text;
        assert!(own.contains(&mast) && !own.contains(&far), "{own}");
        let sale = |behind: &str, prefix: &str| {
            format!(
                "subscriber_id={subscriber}&account_id={}&service_location_id={}&plan_version_id={}&router_id={}&access_point_id={behind}&starts_on=2026-11-01&prefixes={prefix}",
                wish("account_id"),
                wish("service_location_id"),
                wish("plan_version_id"),
                shop.router
            )
        };
        let wrong = shop.isp.form("/subscriptions", &sale(&far, "10.20.0.1%2F32")).await;
        assert_eq!(wrong.status, 422);
        assert!(wrong.text.contains("choose one below this router"), "{}", wrong.text);
        for (behind, prefix) in [(mast.as_str(), "10.20.0.1%2F32"), ("", "10.20.0.2%2F32")] {
            let sold = shop.isp.form("/subscriptions", &sale(behind, prefix)).await;
            assert_eq!(sold.status, 303, "{}", sold.text);
            let line = shop.isp.get(&sold.location).await.expect(200);
            assert_eq!(line["access_point_id"].as_str().unwrap_or_default(), behind);
        }
    });
}
