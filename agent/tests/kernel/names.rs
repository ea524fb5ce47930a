//! Hosts reachable from the walled garden by name, with a real resolver.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::process::{Child, Stdio};
use std::time::Duration;

use tokio::sync::watch;
use weir_agent::garden::names;
use weir_agent::southbound::Southbound;
use weir_protocol::desired::Access;

use crate::net::{Net, apply, in_namespaces, line, sh, wanted};

/// The internet's resolver, which knows the payment page at these addresses.
struct Resolver(Child);

impl Resolver {
    fn start(net: &Net, addresses: &[&str]) -> Self {
        let mut arguments: Vec<String> =
            ["dnsmasq", "--no-daemon", "--no-resolv", "--no-hosts", "--user=root"].map(str::to_owned).into();
        arguments.push("--conf-file=/dev/null".into());
        arguments.push("--pid-file=".into());
        arguments.extend(addresses.iter().map(|address| format!("--host-record=pay.northwind.example,{address}")));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Self(Net::at(&net.internet, &arguments).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _status = self.0.wait();
    }
}

fn reaches(net: &Net, host: &str) -> bool {
    let mut ping = Net::at(&net.subscriber, &["ping", "-c3", "-i0.3", "-W1", host]);
    ping.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}

async fn told(hosts: &mut watch::Receiver<BTreeSet<IpAddr>>) -> BTreeSet<IpAddr> {
    let changed = tokio::time::timeout(Duration::from_secs(30), hosts.changed()).await;
    changed.expect("the resolver is asked").expect("it is asked on");
    hosts.borrow_and_update().clone()
}

#[test]
fn a_held_line_reaches_the_payment_page_by_its_name_and_nothing_beside_it() {
    in_namespaces(
        module_path!(),
        "a_held_line_reaches_the_payment_page_by_its_name_and_nothing_beside_it",
        async |net| {
            sh(&format!(
            "nsenter -t {} -n sh -ec 'ip addr add 198.18.0.9/24 dev eth0; ip addr add 2001:db8:18::9/64 dev eth0 nodad'
             echo nameserver 198.18.0.2 > {1}/resolv.conf; mount --bind {1}/resolv.conf /etc/resolv.conf",
            net.internet.id(),
            net.state.path().display()
        ));
            let resolver = Resolver::start(net, &["198.18.0.9", "2001:db8:18::9"]);
            let mut kernel = net.kernel();
            let mut state = wanted(true, line(7, 50, 50, Access::WalledGarden));
            apply(&mut kernel, &state).await;
            assert!(!reaches(net, "198.18.0.9") && !reaches(net, "2001:db8:18::9"));

            let garden = state.router.as_mut().unwrap().garden.as_mut().unwrap();
            garden.reachable_names = vec!["pay.northwind.example".into()];
            let (say, wanted) = watch::channel(state.clone());
            let mut hosts = names::watch(wanted);
            let known = told(&mut hosts).await;
            assert_eq!(known, ["198.18.0.9", "2001:db8:18::9"].map(|text| text.parse().unwrap()).into());
            kernel.reach(known).await.unwrap();
            assert!(reaches(net, "198.18.0.9") && reaches(net, "2001:db8:18::9"));
            assert!(!reaches(net, "198.18.0.2") && !reaches(net, "2001:db8:18::2"));

            // A table somebody took away comes back with them; another agent finds them in the kernel.
            sh("nft delete table inet weir");
            apply(&mut kernel, &state).await;
            assert!(reaches(net, "198.18.0.9"));
            let mut next = net.kernel();
            apply(&mut next, &state).await;
            assert!(reaches(net, "198.18.0.9") && !reaches(net, "198.18.0.2"));

            // What that one is answered first is not all there is: what was open stays for a while.
            next.reach(["198.18.0.7".parse().unwrap()].into()).await.unwrap();
            assert!(reaches(net, "198.18.0.9"));

            // A name that is wanted no more takes its addresses along.
            state.router.as_mut().unwrap().garden.as_mut().unwrap().reachable_names.clear();
            say.send_replace(state);
            next.reach(told(&mut hosts).await).await.unwrap();
            assert!(!reaches(net, "198.18.0.9"));
            drop(resolver);
        },
    );
}
