//! Connections of open lines, left untracked.

use weir_protocol::desired::Access;

use crate::net::{Net, apply, assert_held, in_namespaces, line, sh, wanted};

fn tracked() -> u32 {
    let count = std::fs::read_to_string("/proc/sys/net/netfilter/nf_conntrack_count").unwrap();
    count.trim().parse().unwrap()
}

fn visit(net: &Net) -> Option<i32> {
    let mut curl = Net::at(&net.subscriber, &["curl", "-s", "-m", "3", "-o", "/dev/null", "http://198.18.0.2/"]);
    curl.status().unwrap().code()
}

#[test]
fn open_lines_are_shaped_untracked_and_held_ones_still_led_to_the_page() {
    in_namespaces(module_path!(), "open_lines_are_shaped_untracked_and_held_ones_still_led_to_the_page", async |net| {
        let mut kernel = net.kernel();
        let mut state = wanted(false, line(7, 20, 20, Access::Open));
        state.router.as_mut().unwrap().untracked = true;
        assert_held(&apply(&mut kernel, &state).await, 20, 20, Access::Open);
        let rate = net.goodput(5001, &[]) / 20e6;
        assert!((0.85..1.0).contains(&rate), "{rate} of what was sold");
        let rate = net.goodput(5002, &["-6", "-R"]) / 20e6;
        assert!((0.85..1.0).contains(&rate), "{rate} of what was sold");
        assert_eq!(tracked(), 0, "{}", String::from_utf8_lossy(&sh("nft list table inet weir").stdout));

        // A held line is tracked: its web leads to the page, which nobody serves here.
        *state.lines.values_mut().next().unwrap() = line(7, 20, 20, Access::WalledGarden).into();
        apply(&mut kernel, &state).await;
        let page = std::net::TcpListener::bind("0.0.0.0:8880").unwrap();
        assert_eq!(visit(net), Some(28), "the page's port takes the visitor, and says nothing");
        assert!(page.accept().is_ok() && tracked() > 0);

        // Behind the router's own address there is no way without tracking, and switched off nothing is left of it.
        *state.lines.values_mut().next().unwrap() = line(7, 20, 20, Access::Open).into();
        for (nat, untracked) in [(true, true), (false, false)] {
            let router = state.router.as_mut().unwrap();
            (router.nat, router.untracked) = (nat, untracked);
            apply(&mut kernel, &state).await;
            let table = String::from_utf8(sh("nft list table inet weir").stdout).unwrap();
            assert!(!table.contains("untracked") && !table.contains("notrack"), "{table}");
            let before = tracked();
            net.goodput(if nat { 5003 } else { 5004 }, &[]);
            assert!(tracked() > before, "connections are tracked again");
        }
    });
}
