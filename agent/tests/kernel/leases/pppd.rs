//! PPPoE sessions, told as pppd tells them: its own scripts run our hook with the arguments and variables it gives.

use std::process::Command;

use weir_protocol::desired::identity::Who;

use super::story::{Story, hook};
use crate::net::{As, SUBSCRIBER_4, in_namespaces, in_namespaces_as, sh, text, until};

/// What pppd runs, and in which environment (pppd(8), "Scripts").
fn script(name: &str, interface: &str, remote: &str, user: &str) {
    let mut script = Command::new(format!("/etc/ppp/{name}"));
    script.args([interface, "/dev/pts/0", "0", "10.64.64.64", remote, ""]).env_clear();
    script.envs([("DEVICE", "lan0"), ("IFNAME", interface), ("PPPD_PID", "1"), ("PPPLOGNAME", "root")]);
    script.envs([("IPLOCAL", "10.64.64.64"), ("IPREMOTE", remote), ("ORIG_UID", "0"), ("PEERNAME", user)]);
    assert!(script.status().unwrap().success(), "{name}");
}

fn wire_hooks() {
    let hook = hook("ppp");
    for folder in ["ip-up.d", "ip-down.d", "ipv6-up.d", "ipv6-down.d"] {
        sh(&format!("mount -t tmpfs none /etc/ppp/{folder}; ln -s {} /etc/ppp/{folder}/weir-agent", hook.display()));
    }
}

#[test]
fn a_session_is_a_line_while_its_interface_is_there() {
    in_namespaces(module_path!(), "a_session_is_a_line_while_its_interface_is_there", async |net| {
        let story = Story::begin(net, Who::PppoeUser("ann@isp".into()));
        wire_hooks();
        sh(&format!(
            "nsenter -t {} -n sh -ec 'ip addr add {SUBSCRIBER_4}/24 dev eth0; ip route add default via 10.20.0.1'
             for n in 0 1 2; do ip link add ppp$n type veth peer name peer$n; done",
            net.subscriber.id()
        ));
        let agent = story.agent(&[]);
        script("ip-up", "ppp0", SUBSCRIBER_4, "ann@isp");
        until("the line is open", || story.is_line(SUBSCRIBER_4));
        script("ip-up", "ppp1", "10.20.0.9", "ann@isp.example");
        until("another's session is nobody's", || story.counts() == [1, 1, 0]);
        script("ip-down", "ppp0", SUBSCRIBER_4, "ann@isp");
        until("the line is closed", || !story.is_line(SUBSCRIBER_4));

        // While no agent listens, the news waits.
        drop(agent);
        script("ip-up", "ppp2", SUBSCRIBER_4, "ann@isp");
        script("ip-down", "ppp1", "10.20.0.9", "ann@isp.example");
        assert_eq!(text("ls /run/weir/leases.d | wc -l").trim(), "2");
        let agent = story.agent(&[]);
        until("the line is open again", || story.counts() == [1, 0, 0] && story.is_line(SUBSCRIBER_4));
        assert_eq!(text("ls /run/weir/leases.d | wc -l").trim(), "0");
        drop(agent);
        let _agent = story.agent(&[]);
        until("a restart changes nothing", || story.counts() == [1, 0, 0] && story.is_line(SUBSCRIBER_4));
        // pppd was killed: nobody tells of the end.
        sh("ip link del ppp2");
        until("the line is closed with its interface", || !story.is_line(SUBSCRIBER_4));
    });
}

#[test]
fn nobody_else_is_believed() {
    in_namespaces_as(As::Caller, module_path!(), "nobody_else_is_believed", async |net| {
        let story = Story::begin(net, Who::PppoeUser("ann@isp".into()));
        sh(&format!(
            "nsenter -t {} -n sh -ec 'ip addr add {SUBSCRIBER_4}/24 dev eth0; ip route add default via 10.20.0.1'
             chmod 711 /run/weir",
            net.subscriber.id()
        ));
        let _agent = story.agent(&[]);
        let lease = format!("weir-agent lease add {SUBSCRIBER_4} pppoe-user:ann@isp");
        // Where there are other users at all, the kernel says who they are.
        if text("cat /proc/self/uid_map").split_whitespace().last() != Some("1") {
            sh(&format!("setpriv --reuid 65534 --regid 65534 --clear-groups {lease}"));
        }
        for bad in ["{}", "{\"at_ms\":1}", "not json", ""] {
            let send = format!(
                "import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'{bad}', '/run/weir/leases.sock')"
            );
            assert!(Command::new("python3").args(["-c", &send]).status().unwrap().success());
        }
        // Read in order: what comes after them was read after them.
        sh("weir-agent lease add 10.20.0.9 pppoe-user:somebody");
        until("somebody's lease is counted", || story.counts() == [0, 1, 0]);
        assert!(!story.is_line(SUBSCRIBER_4));
        sh(&lease);
        until("the line is open by any program's word", || story.is_line(SUBSCRIBER_4));
        sh(&format!("weir-agent lease del {SUBSCRIBER_4} pppoe-user:ann@isp"));
        until("the line is closed", || !story.is_line(SUBSCRIBER_4));
    });
}
