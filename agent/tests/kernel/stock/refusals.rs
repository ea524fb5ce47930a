//! Ports that are somebody else's: refused with a reason, left as they are, and served once they are free.

use std::time::Duration;

use weir_agent::southbound::linux::Linux;
use weir_agent::southbound::{Outcome, Southbound};
use weir_protocol::desired::Access;

use crate::net::{Net, apply, assert_held, line, sh, text, until, wanted};
use crate::program::{everything, start, status};

const FLOWTABLE: &str = "nft add table inet theirs
    nft add flowtable inet theirs fast '{ hook ingress priority 0; devices = { lan0, wan0 }; }'
    nft add chain inet theirs forward '{ type filter hook forward priority 0; }'
    nft add rule inet theirs forward meta l4proto tcp flow add @fast";

pub fn foreign_flowtable(net: &mut Net) {
    refused_until_gone(net, FLOWTABLE, "nft delete table inet theirs", "foreign-flowtable", "lan0");
}

pub fn foreign_qdisc(net: &mut Net) {
    let (put, take) = ("tc qdisc add dev wan0 root cake bandwidth 50mbit", "tc qdisc del dev wan0 root");
    refused_until_gone(net, put, take, "foreign-qdisc", "wan0 has a cake qdisc");
}

fn refused_until_gone(net: &Net, put: &str, take: &str, code: &str, says: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        sh(put);
        let before = everything();
        let mut kernel = net.kernel();
        kernel.probe().await.expect("probed");
        refuses(&mut kernel, code, says).await;
        assert_eq!(everything(), before, "nothing was touched");
        sh(take);
        let open = wanted(true, line(7, 10, 10, Access::Open));
        assert_held(&apply(&mut kernel, &open).await, 10, 10, Access::Open);
        kernel.uninstall().await.expect("uninstalled");
    });
}

async fn refuses(kernel: &mut Linux, code: &str, says: &str) {
    let applied = kernel.apply(&wanted(true, line(7, 10, 10, Access::Open))).await.expect("applied");
    let outcomes: Vec<_> =
        applied.router.into_iter().chain(applied.lines.into_iter().map(|(_, outcome)| outcome)).collect();
    assert_eq!(outcomes.len(), 2, "the router and its line: {outcomes:?}");
    for outcome in outcomes {
        let Outcome::Failed { code: found, detail } = outcome else { panic!("{outcome:?}") };
        assert!(found == code && detail.contains(says), "{found}: {detail}");
    }
}

pub fn served_once_it_is_gone(net: &mut Net) {
    let (line, often) = (line(7, 10, 10, Access::Open), ["--verify-interval-ms", "500"]);
    sh(FLOWTABLE);
    sh("tc qdisc add dev wan0 root cake bandwidth 50mbit");
    let _running = start(net, line, &often);
    until("both objects are refused", || status(net)["objects"]["failed"] == 2);
    sh("nft delete table inet theirs");
    // Twice as long as until it looks again.
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(status(net)["objects"]["failed"], 2, "a foreign qdisc is still there");
    assert!(!text("tc qdisc show dev lan0").contains("htb"));
    sh("tc qdisc del dev wan0 root");
    until("both objects are held", || status(net)["objects"]["applied"] == 2);
    assert!(text("tc qdisc show dev lan0").contains("htb"));
    sh(FLOWTABLE);
    until("a flowtable is seen that came later", || status(net)["objects"]["failed"] == 2);
    sh("nft delete table inet theirs");
    until("both objects are held again", || status(net)["objects"]["applied"] == 2);
}
