//! Access points: what hangs on what, what routers are told of it, and what goes with one.

use prost::Message;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;
use weir_cloud::db::embedded;
use weir_protocol::desired::{Kind, Line, Node};

use crate::money::harness::{Isp, story};
use crate::money::world::FIBRE;

/// The objects of a kind the ISP's routers are told, by id.
pub async fn told<M: Message + Default>(isp: &Isp, kind: Kind) -> Vec<(Uuid, M)> {
    let options = embedded::options(&isp.app.config.data_dir);
    let mut superuser = PgConnection::connect_with(&options).await.expect("connect as the superuser");
    let rows: Vec<(Uuid, Vec<u8>)> = sqlx::query_as(
        "SELECT object_id, body FROM desired_objects WHERE tenant_id = $1 AND kind = $2 AND NOT removed ORDER BY object_id",
    )
    .bind(isp.tenant.uuid())
    .bind(kind as i32)
    .fetch_all(&mut superuser)
    .await
    .expect("read the objects");
    superuser.close().await.expect("disconnect");
    rows.into_iter().map(|(id, body)| (id, M::decode(body.as_slice()).expect("an object"))).collect()
}

fn bytes_of(id: &Value) -> Vec<u8> {
    let text = id.as_str().expect("an id").rsplit('_').next().expect("hex");
    Uuid::parse_str(text).expect("an id").as_bytes().to_vec()
}

async fn add(isp: &Isp, wish: Value) -> Value {
    isp.post("/access-points", wish).await.expect(201)
}

#[test]
fn a_router_is_told_what_hangs_on_what_and_nobody_is_cut_off_when_one_goes() {
    story(async {
        let isp = Isp::new("access-points", "2026-11-01T10:00:00Z").await;
        let (router, plan, account) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.account("Ada").await);
        let line = isp.line(account, router, plan, "2026-11-01").await;
        let mast = json!({ "name": "Mast", "router_id": router, "committed_down_bps": 20_000_000,
            "peak_down_bps": 90_000_000, "peak_up_bps": 30_000_000 });
        let mast = add(&isp, mast).await;
        let sector = json!({ "name": "Sector", "router_id": router, "parent_id": mast["id"], "committed_down_bps": 15_000_000,
            "peak_down_bps": 50_000_000, "peak_up_bps": 10_000_000 });
        let sector = add(&isp, sector).await;
        let place = format!("/subscriptions/{line}/access-point");
        let placed = isp.put(&place, json!({ "access_point_id": sector["id"] })).await.expect(200);
        assert_eq!(placed["access_point_id"], sector["id"]);

        let nodes = told::<Node>(&isp, Kind::Node).await;
        let of = |name: &str| nodes.iter().find(|(_, node)| node.name == name).expect("a node").1.clone();
        assert_eq!((of("Mast").parent, of("Sector").parent), (Vec::new(), bytes_of(&mast["id"])));
        assert_eq!((of("Sector").committed_down_bps, of("Sector").peak_up_bps), (15_000_000, 10_000_000));
        assert_eq!(told::<Line>(&isp, Kind::Line).await[0].1.node, bytes_of(&sector["id"]));

        // Rates change where they are.
        let path = format!("/access-points/{}", sector["id"].as_str().expect("an id"));
        let slower = json!({ "name": "Sector", "parent_id": mast["id"], "peak_down_bps": 40_000_000, "peak_up_bps": 10_000_000 });
        isp.put(&path, slower).await.expect(200);
        let nodes = told::<Node>(&isp, Kind::Node).await;
        assert!(nodes.iter().any(|(_, node)| node.peak_down_bps == 40_000_000 && node.committed_down_bps == 0));

        // What goes leaves its lines to what it hung on, and that to the router's ports.
        let page = isp.page(&format!("{path}/remove")).await;
        assert!(page.text.contains("Ada"), "what hangs on it is shown before: {}", page.text);
        isp.form(&format!("{path}/remove"), "").await;
        assert_eq!(told::<Line>(&isp, Kind::Line).await[0].1.node, bytes_of(&mast["id"]));
        assert_eq!(told::<Node>(&isp, Kind::Node).await.len(), 1);
        isp.put(&place, json!({ "access_point_id": null })).await.expect(200);
        assert!(told::<Line>(&isp, Kind::Line).await[0].1.node.is_empty());
    });
}

#[test]
fn access_points_hang_in_a_row_only_so_deep_and_in_no_circle() {
    story(async {
        let isp = Isp::new("access-rows", "2026-11-01T10:00:00Z").await;
        let router = isp.router_named("r").await;
        let wish = |n: u32, parent: &Value| json!({ "name": format!("{n}"), "router_id": router, "parent_id": parent, "peak_down_bps": 9_000_000, "peak_up_bps": 9_000_000 });
        let (mut parent, mut made) = (Value::Null, Vec::new());
        for n in 0..4 {
            parent = add(&isp, wish(n, &parent)).await["id"].clone();
            made.push(parent.as_str().expect("an id").to_owned());
        }
        assert_eq!(isp.post("/access-points", wish(4, &parent)).await.problem(), "invalid");
        let circle = json!({ "name": "0", "parent_id": made[2], "peak_down_bps": 9_000_000, "peak_up_bps": 9_000_000 });
        assert_eq!(isp.put(&format!("/access-points/{}", made[0]), circle).await.problem(), "invalid");

        // Who is committed to more than what hangs on it cannot be less.
        let most = json!({ "name": "3", "parent_id": made[2], "committed_up_bps": 1, "peak_down_bps": 9_000_000, "peak_up_bps": 9_000_000 });
        assert_eq!(isp.put(&format!("/access-points/{}", made[3]), most).await.problem(), "invalid");
    });
}
