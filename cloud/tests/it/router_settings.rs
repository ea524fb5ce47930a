//! What a router is told beside its lines: what becomes of unknown hosts, and what held subscribers reach.

use serde_json::json;
use weir_cloud::fleet::jobs::RefreshDesired;
use weir_cloud::jobs::Job;
use weir_protocol::desired::{Kind, Prefix, Router, UnknownHosts};

use crate::access_points::told;
use crate::money::harness::{Isp, story};
use crate::money::world::FIBRE;

#[test]
fn a_router_is_told_what_becomes_of_unknown_hosts_and_who_is_none() {
    story(async {
        let isp = Isp::new("unknown-hosts", "2026-11-01T10:00:00Z").await;
        let (router, plan, account) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.account("Ada").await);
        isp.line(account, router, plan, "2026-11-01").await;
        let path = format!("/routers/{router}");
        let mut wish = isp.get(&path).await.expect(200);
        assert_eq!((&wish["unknown_hosts"], &wish["own_networks"]), (&json!("let_through"), &json!([])));
        for known in ["id", "created_at"] {
            wish.as_object_mut().expect("an object").remove(known);
        }
        wish["unknown_hosts"] = json!("garden");
        (wish["untracked"], wish["metered"]) = (json!(true), json!(true));
        wish["own_networks"] = json!(["10.255.0.0/24", "2001:DB8:ff::/48"]);
        let changed = isp.put(&path, wish).await.expect(200);
        assert_eq!(changed["own_networks"], json!(["10.255.0.0/24", "2001:db8:ff::/48"]));
        let object = &told::<Router>(&isp, Kind::Router).await[0].1;
        assert_eq!(object.unknown_hosts(), UnknownHosts::Garden);
        assert_eq!(object.own_networks[0], Prefix { address: vec![10, 255, 0, 0], length: 24 });
        assert_eq!((object.own_networks.len(), object.untracked, object.metered), (2, true, true));
        assert!(isp.page(&path).await.text.contains("Metered: the router says less"));

        // Who does not know these settings does not change them.
        let known =
            json!({ "name": "r", "site_id": changed["site_id"], "lan_interface": "lan0", "wan_interface": "wan0" });
        let again = isp.put(&path, known).await.expect(200);
        assert_eq!((&again["unknown_hosts"], &again["untracked"]), (&json!("garden"), &json!(true)));
        assert_eq!(again["metered"], json!(true));
        assert_eq!(again["own_networks"], changed["own_networks"]);

        // The form shows what is, takes what is typed, and says where it cannot be.
        let page = isp.page(&format!("{path}/edit")).await.text;
        assert!(page.contains("2001:db8:ff::/48") && page.contains("value=\"garden\" selected"), "{page}");
        let site = changed["site_id"].as_str().expect("an id");
        let form = |fate: &str, own: &str| {
            format!(
                "name=r&site_id={site}&lan_interface=lan0&wan_interface=wan0&unknown_hosts={fate}&own_networks={own}"
            )
        };
        let refused = isp.form(&format!("{path}/edit"), &form("closed", "10.255.0.1%2F24")).await;
        assert!(refused.text.contains("10.255.0.0/24"), "what was meant is proposed: {}", refused.text);
        isp.form(&format!("{path}/edit"), &form("", "")).await;
        assert_eq!(
            told::<Router>(&isp, Kind::Router).await[0].1.unknown_hosts(),
            UnknownHosts::Garden,
            "nothing chosen"
        );
        isp.form(&format!("{path}/edit"), &form("closed", "10.255.1.0%2F24%0A10.255.2.0%2F24")).await;
        let object = &told::<Router>(&isp, Kind::Router).await[0].1;
        assert_eq!((object.unknown_hosts(), object.own_networks.len()), (UnknownHosts::Closed, 2));
        let shown = isp.page(&path).await.text;
        assert!(shown.contains("10.255.2.0/24") && shown.contains("Closed"), "{shown}");
    });
}

#[test]
fn held_subscribers_reach_every_host_they_may_pay_at() {
    story(async {
        let isp = Isp::new("pay-hosts", "2026-11-01T10:00:00Z").await;
        let (router, plan, account) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.account("Ada").await);
        isp.line(account, router, plan, "2026-11-01").await;
        let garden = async || {
            RefreshDesired {}.run(isp.app.clone(), isp.scope()).await.expect("refreshed");
            told::<Router>(&isp, Kind::Router).await[0].1.garden.clone().expect("a garden")
        };
        isp.patch("/portal-settings", json!({ "host": "My.Northwind.Example" })).await.expect(200);
        let names = garden().await.reachable_names;
        assert!(names.contains(&"my.northwind.example".to_owned()), "{names:?}");
        assert!(!names.iter().any(|name| name.contains("stripe")), "{names:?}");
        let keys = json!({ "secret_key": "sk_test_1", "webhook_secret": "whsec_1", "publishable_key": "pk_test_1" });
        isp.patch("/payment-provider", keys).await.expect(200);
        assert!(garden().await.reachable_names.contains(&"checkout.stripe.com".to_owned()));
        isp.form("/settings/payments", "publishable_key=&secret_key=&webhook_secret=").await;
        assert!(!garden().await.reachable_names.iter().any(|name| name.contains("stripe")), "it is switched off");

        // An ISP's own page, by name or by address.
        for (url, name) in
            [("https://pay.northwind.example/x", Some("pay.northwind.example")), ("https://192.0.2.7/", None)]
        {
            isp.settings(json!({ "pay_url": url })).await;
            isp.patch("/portal-settings", json!({ "host": "" })).await.expect(200);
            let garden = garden().await;
            assert_eq!(garden.reachable_names.iter().any(|known| Some(known.as_str()) == name), name.is_some());
            let address = Prefix { address: vec![192, 0, 2, 7], length: 32 };
            assert_eq!(garden.reachable.contains(&address), name.is_none(), "{garden:?}");
            assert!(!garden.reachable_names.contains(&"my.northwind.example".to_owned()), "the portal moved");
        }
    });
}
