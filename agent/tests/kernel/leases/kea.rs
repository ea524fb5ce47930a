//! Kea serves a subscriber, and delegates a prefix to it.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use weir_protocol::desired::identity::Who;

use super::story::{Story, hook, serve};
use crate::boot::Running;
use crate::net::{Net, in_namespaces, sh, text, until};

const RUN_SCRIPT: &str = "hooks/libdhcp_run_script.so";

fn library() -> String {
    let folders = ["/usr/lib/x86_64-linux-gnu/kea", "/usr/lib/aarch64-linux-gnu/kea"];
    let folder = folders.iter().find(|folder| Path::new(folder).exists()).expect("Kea's libraries");
    format!("{folder}/{RUN_SCRIPT}")
}

fn kea(story: &Story, program: &str, hooked: bool, mut settings: Value) -> Running {
    let (name, file) = (if program == "kea-dhcp4" { "Dhcp4" } else { "Dhcp6" }, story.path(&format!("{program}.csv")));
    settings["interfaces-config"]["interfaces"] = json!(["lan0"]);
    settings["lease-database"] = json!({ "type": "memfile", "persist": true, "name": file, "lfc-interval": 0 });
    settings["store-extended-info"] = json!(true);
    settings["valid-lifetime"] = json!(600);
    if program == "kea-dhcp6" {
        settings["preferred-lifetime"] = json!(300);
    }
    let log = story.path(&format!("{program}.log"));
    settings["loggers"] = json!([{ "name": program, "severity": "INFO", "output_options": [{ "output": log }] }]);
    if hooked {
        let parameters = json!({ "name": hook("kea"), "sync": false });
        settings["hooks-libraries"] = json!([{ "library": library(), "parameters": parameters }]);
    }
    let config = story.path(&format!("{program}.json"));
    std::fs::write(&config, json!({ name: settings }).to_string()).unwrap();
    let folder = story.folder.path();
    let mut server = Command::new(program);
    server.arg("-c").arg(config).env("KEA_PIDFILE_DIR", folder).env("KEA_LOCKFILE_DIR", folder);
    let running = serve(server.stdout(Stdio::null()).stderr(Stdio::null()));
    until("Kea has started", || std::fs::read_to_string(&log).is_ok_and(|log| log.contains("_STARTED")));
    running
}

fn four(story: &Story, hooked: bool) -> Running {
    let subnet = json!({ "id": 1, "subnet": "10.20.0.0/24", "pools": [{ "pool": "10.20.0.100-10.20.0.200" }] });
    kea(story, "kea-dhcp4", hooked, json!({ "interfaces-config": { "dhcp-socket-type": "raw" }, "subnet4": [subnet] }))
}

#[test]
fn a_circuit_is_found_by_hook_and_by_file() {
    in_namespaces(module_path!(), "a_circuit_is_found_by_hook_and_by_file", async |net| {
        let story = Story::begin(net, Who::CircuitId(b"eth1/7".to_vec()));
        let circuit = ["-x", "82:0106657468312f37"];
        let agent = story.agent(&[]);
        let server = four(&story, true);
        let address = story.client(&circuit).address;
        until("the address is the line's by the hook alone", || story.is_line(&address));
        drop((server, agent));

        // Another agent on the same router, which never heard a hook.
        std::fs::remove_file(net.state.path().join("leases.json")).unwrap();
        let file = story.path("kea-dhcp4.csv");
        let _agent = story.agent(&["--kea-leases", file.to_str().unwrap()]);
        until("the address is the line's by the file alone", || story.counts() == [1, 0, 0] && story.is_line(&address));
        let _server = four(&story, false);
        let client = story.client(&circuit);
        assert_eq!(client.address, address);
        client.release();
        until("what was given back is nobody's", || story.counts() == [0, 0, 0] && !story.is_line(&address));
    });
}

#[test]
fn a_delegated_prefix_is_a_lines() {
    in_namespaces(module_path!(), "a_delegated_prefix_is_a_lines", async |net| {
        let duid = [0, 3, 0, 1, 2, 0, 0, 0, 0, 7];
        let story = Story::begin(net, Who::Duid(duid.to_vec()));
        let file = story.path("kea-dhcp6.csv");
        // Both speak from an address of the port's own, which it has once nobody else answers for it.
        until("the subscriber's port has its own address", || {
            let mut shown = Net::at(&net.subscriber, &["ip", "-6", "-o", "addr", "show", "dev", "eth0", "-tentative"]);
            String::from_utf8(shown.output().unwrap().stdout).unwrap().contains("fe80:")
        });
        until("the router's port has its own address", || {
            text("ip -6 -o addr show dev lan0 -tentative").contains("fe80:")
        });
        let _agent = story.agent(&["--kea-leases", file.to_str().unwrap()]);
        let pool = json!({ "prefix": "2001:db8:7000::", "prefix-len": 40, "delegated-len": 56 });
        let subnet = json!({ "id": 1, "subnet": "2001:db8:20::/64", "interface": "lan0", "pd-pools": [pool] });
        // A name that need not be kept in a file.
        let own = json!({ "type": "EN", "enterprise-id": 32_473, "identifier": "0007", "persist": false });
        let _server = kea(&story, "kea-dhcp6", true, json!({ "server-id": own, "subnet6": [subnet] }));
        let leases = story.path("client6.leases");
        let mut client = Net::at(&net.subscriber, &["dhclient", "-6", "-P", "-1", "-D", "LL", "-sf", "/bin/true"]);
        client.arg("-lf").arg(&leases).args(["-pf", "/dev/null", "eth0"]);
        let output = client.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let leased = std::fs::read_to_string(&leases).unwrap();
        let given = leased.split("iaprefix ").nth(1).and_then(|rest| rest.split_once("::/56")).unwrap().0.to_owned();

        until("the prefix is the line's", || story.is_line(&format!("{given}::")));
        let host = format!("{given}:7::1");
        sh(&format!(
            "ip -6 route add {given}::/56 dev lan0
             nsenter -t {} -n sh -ec 'ip addr add 2001:db8:20::2/64 dev eth0 nodad; ip addr add {host}/56 dev eth0 nodad
                ip -6 route replace default via 2001:db8:20::1'",
            net.subscriber.id()
        ));
        let before = story.packets();
        until("a host in it reaches the internet", || {
            let ping = ["ping", "-6", "-c1", "-W1", "-I", &host, "2001:db8:18::2"];
            Net::at(&net.subscriber, &ping).stdout(Stdio::null()).status().unwrap().success()
        });
        assert!(story.packets() > before, "through the line's class");
    });
}
