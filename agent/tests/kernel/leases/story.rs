//! What the stories have in common: a router without a cloud, its hooks where Debian's package puts them, and a client.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use weir_agent::store::disk::Folder;
use weir_agent::store::identity;
use weir_protocol::desired::identity::Who;
use weir_protocol::desired::{Access, Identity, Line};

use crate::boot::{AGENT, Running};
use crate::disk::{enrolled, hold};
use crate::net::{Net, line, sh, text, until};

/// The subscriber's port.
pub const MAC: &str = "02:00:00:00:00:07";
/// The class of the only line, toward the subscriber.
const CLASS: &str = "7765:10";

/// A router with one line, which has a name and no address; and a subscriber without one.
pub struct Story<'a> {
    pub net: &'a Net,
    /// Configurations, lease files and logs of the servers.
    pub folder: tempfile::TempDir,
}

impl<'a> Story<'a> {
    pub fn begin(net: &'a Net, who: Who) -> Self {
        // In a mount namespace of this test's own: the folder of the running agent, and the program on everybody's path.
        sh(&format!(
            "mount -t tmpfs none /run; mkdir /run/weir
             mount -t tmpfs none /usr/local/sbin; ln -s {AGENT} /usr/local/sbin/weir-agent
             nsenter -t {} -n sh -ec 'ip addr flush dev eth0 scope global; ip link set eth0 down
                ip link set eth0 address {MAC} up'
             ip route del default 2>/dev/null || true",
            net.subscriber.id()
        ));
        identity::save(&mut Folder::open(net.state.path()).unwrap(), &enrolled()).unwrap();
        let identities = vec![Identity { who: Some(who) }];
        hold(net.state.path(), Line { identities, prefixes: Vec::new(), ..line(7, 30, 30, Access::Open) });
        Self { net, folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the agent, and waits until it enforces and listens.
    pub fn agent(&self, flags: &[&str]) -> Running {
        let mut command = Command::new(AGENT);
        command.args(["run", "--run-dir", "/run/weir", "--state-dir"]).arg(self.net.state.path()).args(flags);
        let running = Running(command.stderr(Stdio::null()).spawn().unwrap());
        until("the line has its class", || text("tc class show dev lan0").contains(&format!("{CLASS} ")));
        running
    }

    /// What the running agent counts of leases: learned, unclaimed, in conflict.
    pub fn counts(&self) -> [u64; 3] {
        let mut status = Command::new(AGENT);
        let output =
            status.args(["status", "--run-dir", "/run/weir", "--state-dir"]).arg(self.net.state.path()).output();
        let status: serde_json::Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
        ["learned", "unclaimed", "conflicts"].map(|name| status["agent"]["addresses"][name].as_u64().unwrap_or(0))
    }

    /// A DHCP client of the subscriber's that was given an address.
    pub fn client(&self, options: &[&str]) -> Client {
        let (script, given) = (self.path("client"), self.path("given"));
        std::fs::write(&script, CLIENT).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        let _none_yet = std::fs::remove_file(&given);
        let mut client = Net::at(&self.net.subscriber, &["udhcpc", "-i", "eth0", "-f", "-t", "20", "-T", "1"]);
        client.arg("-s").arg(&script).args(options).env("GIVEN", &given).stderr(Stdio::null());
        let running = serve(&mut client);
        until("the subscriber is given an address", || given.exists());
        Client { running, address: std::fs::read_to_string(&given).unwrap() }
    }

    /// Whether an address or a prefix is shaped as the line's.
    pub fn is_line(&self, prefix: &str) -> bool {
        // The classes are there before the table is.
        text("nft list table inet weir 2>/dev/null || true").contains(&format!("{prefix} : {CLASS}"))
    }

    /// Packets the line's class toward the subscriber let through since it was made.
    pub fn packets(&self) -> u64 {
        let output = text(&format!("tc -s class show dev lan0 classid {CLASS}"));
        let words: Vec<&str> = output.split_whitespace().collect();
        let at = words.iter().position(|word| *word == "pkt").unwrap_or_else(|| panic!("{output}"));
        words[at - 1].parse().unwrap()
    }

    /// Sends echo requests of which each is answered.
    pub fn ping(&self, count: u32) {
        let arguments = ["ping", "-c", &count.to_string(), "-i", "0.01", "-W", "2", "198.18.0.2"];
        let output = Net::at(&self.net.subscriber, &arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// A DHCP client with its address.
pub struct Client {
    running: Running,
    pub address: String,
}

impl Client {
    /// Gives the address back.
    pub fn release(mut self) {
        sh(&format!("kill -USR2 {0}; sleep 0.5; kill {0}", self.running.0.id()));
        self.running.0.wait().unwrap();
    }
}

/// A server that ends with the test.
pub fn serve(command: &mut Command) -> Running {
    Running(command.stdin(Stdio::null()).spawn().unwrap())
}

/// A hook as the package ships it.
pub fn hook(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/hooks").join(name).canonicalize().unwrap()
}

/// What the client does with what it was given.
const CLIENT: &str = "#!/bin/sh -e
case $1 in
bound) ip addr flush dev eth0 scope global; ip addr add $ip/24 dev eth0; ip route replace default via 10.20.0.1
    printf %s $ip >$GIVEN.new; mv $GIVEN.new $GIVEN ;;
esac
";
