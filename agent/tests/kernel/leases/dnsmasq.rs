//! dnsmasq serves a subscriber.

use std::process::{Command, Stdio};

use weir_protocol::desired::identity::Who;

use super::story::{MAC, Story, hook, serve};
use crate::boot::Running;
use crate::net::{in_namespaces, sh, text, until};

fn mac() -> Who {
    Who::Mac(vec![2, 0, 0, 0, 0, 7])
}

fn dnsmasq(story: &Story, options: &[&str]) -> Running {
    let mut server = Command::new("dnsmasq");
    server.args(["--no-daemon", "--conf-file=/dev/null", "--port=0"]);
    server.args(["--interface=lan0", "--bind-interfaces", "--pid-file=", "--no-ping", "--dhcp-authoritative"]);
    server.args(["--dhcp-range=10.20.0.50,10.20.0.99,120"]);
    server.arg(format!("--dhcp-leasefile={}", story.path("leases").display()));
    serve(server.args(options).stderr(Stdio::null()))
}

fn told_by_script() -> String {
    format!("--dhcp-script={}", hook("dnsmasq").display())
}

#[test]
fn a_lease_opens_its_line_at_once_and_its_change_costs_no_byte() {
    in_namespaces(module_path!(), "a_lease_opens_its_line_at_once_and_its_change_costs_no_byte", async |net| {
        let story = Story::begin(net, mac());
        // Told by the script alone: the file is not looked at.
        let _agent = story.agent(&[]);
        let script = told_by_script();
        let server = dnsmasq(&story, &[&script]);
        let first = story.client(&[]);
        until("its address is the line's", || story.is_line(&first.address));
        let before = story.packets();
        story.ping(20);
        assert_eq!(story.packets(), before + 20);
        let generations = || text(&format!("cat {}/classes.json", net.state.path().display()));
        let generation = generations();
        drop(server);
        std::fs::remove_file(story.path("leases")).unwrap();

        // The server has forgotten, and gives another address.
        let fixed = format!("--dhcp-host={MAC},10.20.0.77");
        let _server = dnsmasq(&story, &[&script, &fixed]);
        let second = story.client(&[]);
        assert_eq!(second.address, "10.20.0.77");
        until("its new address is the line's", || story.is_line("10.20.0.77"));
        let told = story.packets();
        assert!(told >= before + 20, "the class was made anew: {told}");
        story.ping(20);
        assert_eq!(story.packets(), told + 20);
        assert_eq!(generations(), generation, "the same class, with the same counters");

        second.release();
        until("what was given back is nobody's", || !story.is_line("10.20.0.77"));
    });
}

#[test]
fn a_lease_file_is_enough_and_what_it_said_survives_a_restart() {
    in_namespaces(module_path!(), "a_lease_file_is_enough_and_what_it_said_survives_a_restart", async |net| {
        let story = Story::begin(net, mac());
        let file = story.path("leases");
        let flags = ["--dnsmasq-leases", file.to_str().unwrap()];
        let agent = story.agent(&flags);
        let server = dnsmasq(&story, &[]);
        let address = story.client(&[]).address;
        until("its address is the line's", || story.is_line(&address));
        // Somebody's telephone, who is no line.
        let other = format!("0 02:00:00:00:00:99 10.20.0.99 $(reboot) *\n{}", std::fs::read_to_string(&file).unwrap());
        drop(server);
        std::fs::write(&file, other).unwrap();
        until("it is counted, and nobody's", || story.counts() == [1, 1, 0]);

        drop(agent);
        std::fs::remove_file(&file).unwrap();
        sh("nft delete table inet weir; tc qdisc del dev lan0 root; tc qdisc del dev wan0 root");
        let agent = story.agent(&flags);
        until("its address is the line's again, with no server and no file", || story.is_line(&address));
        assert_eq!(story.counts(), [1, 1, 0]);

        // What happens while no agent runs is found in the file.
        drop(agent);
        std::fs::write(&file, "").unwrap();
        let _agent = story.agent(&flags);
        until("what is leased no more is nobody's", || !story.is_line(&address));
        until("and counted no more", || story.counts() == [0, 0, 0]);
    });
}

#[test]
fn what_a_relay_added_names_a_line_too() {
    in_namespaces(module_path!(), "what_a_relay_added_names_a_line_too", async |net| {
        let story = Story::begin(net, Who::CircuitId(b"eth1/7".to_vec()));
        let file = story.path("leases");
        let _agent = story.agent(&["--dnsmasq-leases", file.to_str().unwrap()]);
        let _server = dnsmasq(&story, &[&told_by_script()]);
        // As a switch between them would add it.
        let client = story.client(&["-x", "82:0106657468312f37"]);
        until("its address is the line's", || story.is_line(&client.address));
        until("the file, which names no circuit, was read", || std::fs::metadata(&file).is_ok());
        let written = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, written + "0 02:00:00:00:00:99 10.20.0.98 * *\n").unwrap();
        until("what else is in it is counted", || story.counts() == [1, 1, 0]);
        assert!(story.is_line(&client.address));
    });
}
