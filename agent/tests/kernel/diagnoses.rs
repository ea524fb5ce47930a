//! What a router can be asked, against this machine's kernel: echoes, ways, names, classes and packets of a line.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use weir_agent::diagnosis::capture::Socket;
use weir_agent::diagnosis::{Limits, Teller, Told, Tool, run};
use weir_agent::echo::Echo;
use weir_agent::southbound::Southbound;
use weir_protocol::desired::Access;
use weir_protocol::diagnosis::Diagnosed;

use crate::net::{apply, in_namespaces, line, sh, wanted};

const LIMITS: Limits = Limits { time: Duration::from_secs(10), packets: 3, bytes: 64 * 1024 };

/// What a tool tells, and how it ends.
async fn told(tool: Tool, limits: Limits) -> (Vec<u8>, Result<Diagnosed, (&'static str, String)>) {
    let (tell, mut heard) = mpsc::channel(4);
    tokio::spawn(run(tool, limits, Teller::new(vec![1; 16], limits.bytes, tell)));
    let mut bytes = Vec::new();
    while let Some(told) = tokio::time::timeout(Duration::from_secs(20), heard.recv()).await.expect("an end in time") {
        match told {
            Told::Part(part) => bytes.extend(part.data),
            Told::Over(_, how) => return (bytes, how),
        }
    }
    panic!("it never ended");
}

async fn text(tool: Tool) -> (String, bool) {
    let (bytes, how) = told(tool, LIMITS).await;
    (String::from_utf8(bytes).unwrap(), how.unwrap_or_else(|why| panic!("{why:?}")).cut_short)
}

#[test]
fn echoes_and_the_way_of_both_families_are_told() {
    in_namespaces(module_path!(), "echoes_and_the_way_of_both_families_are_told", async |net| {
        let echo = Arc::new(Echo::open().unwrap());
        let ping = |host: &str| Tool::Ping { host: host.to_owned(), echo: Arc::clone(&echo) };
        let (said, cut_short) = text(ping("198.18.0.2")).await;
        assert!(said.contains("\n3: ") && said.contains(" of 3 answered, half within ") && !cut_short, "{said}");
        let way = async |host: &str| text(Tool::Traceroute { host: host.to_owned() }).await.0;
        // A second router on the way, which sends back what may go no farther.
        sh(&format!(
            "nsenter -t {} -n sh -ec 'sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
                ip link add far type veth peer name farther; ip link set far up; ip link set farther up; ip addr add 203.0.113.1/24 dev far'
             ip route add 203.0.113.0/24 via 198.18.0.2",
            net.internet.id()
        ));
        for host in ["10.20.0.2", "2001:db8:20::2"] {
            let said = way(host).await;
            assert!(said.contains(&format!("\n 1  {host}  ")) && said.lines().count() == 2, "{said}");
        }
        let limits = Limits { packets: 30, ..LIMITS };
        let (bytes, how) = told(Tool::Traceroute { host: "203.0.113.9".to_owned() }, limits).await;
        let said = String::from_utf8(bytes).unwrap();
        assert!(said.contains("\n 1  198.18.0.2  ") && said.contains("\n 2 ") && how.is_ok(), "{said}");
        let (_, how) = told(Tool::Traceroute { host: "no.such.host.invalid".to_owned() }, LIMITS).await;
        assert_eq!(how.map_err(|(code, _)| code), Err("name-unknown"));
    });
}

#[test]
fn a_name_server_is_asked_and_its_answer_told() {
    in_namespaces(module_path!(), "a_name_server_is_asked_and_its_answer_told", async |_net| {
        let server = UdpSocket::bind("127.0.0.1:53").await.unwrap();
        tokio::spawn(async move {
            let mut bytes = [0; 512];
            while let Ok((read, from)) = server.recv_from(&mut bytes).await {
                let mut answer = bytes[..read].to_vec();
                (answer[2], answer[7]) = (0x81, 1);
                // Somebody else's answer comes first.
                let mut lie = answer.clone();
                lie[0] ^= 0xff;
                if read >= 4 && bytes[read - 3] == 1 {
                    answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 9]);
                    server.send_to(&lie, from).await.unwrap();
                    server.send_to(&answer, from).await.unwrap();
                }
            }
        });
        let (told, _) = text(Tool::LookUp { name: "pay.example".into(), server: "127.0.0.1".into() }).await;
        assert!(told.contains("127.0.0.1: pay.example A in ") && told.contains(" 60 s A 192.0.2.9\n"), "{told}");
        assert!(told.contains("pay.example AAAA: no answer within 3 s\n"), "{told}");
    });
}

#[test]
fn classes_and_packets_are_those_of_the_line() {
    in_namespaces(module_path!(), "classes_and_packets_are_those_of_the_line", async |net| {
        let mut kernel = net.kernel();
        apply(&mut kernel, &wanted(false, line(7, 20, 10, Access::Open))).await;
        let names = BTreeMap::from([(7, "10.20.0.2".to_owned()), (8, "10.20.0.8".to_owned())]);
        let shown = kernel.shaper(&names).await.unwrap();
        let classes = shown.lines().filter(|line| line.starts_with("  10.20.0.2: class ")).collect::<Vec<_>>();
        assert!(shown.contains("lan0 (down)") && shown.contains("10.20.0.8: no class"), "{shown}");
        let rules = shown.split_once("table inet weir {").expect("rules").1;
        assert!(
            rules.contains("hook forward") && !rules.contains("10.20.0.2"),
            "rules without what is in their sets: {rules}"
        );
        assert!(classes.len() == 2 && classes[0].contains("rate 19") | classes[0].contains("rate 20"), "{shown}");

        let prefixes = ["10.20.0.2/32", "2001:db8:20::2/128"].map(|prefix| prefix.parse().unwrap());
        let socket = Socket::open("lan0", &prefixes, 64, 1_800_000_000_000).unwrap();
        sh("ping -c 1 -W 1 10.20.0.77 || true");
        sh(&format!("nsenter -t {} -n ping -c 2 -i 0.2 -W 2 198.18.0.2", net.subscriber.id()));
        let (file, how) = told(Tool::Capture(socket), LIMITS).await;
        assert!(how.unwrap().cut_short, "three of the four packets are as many as were asked for");
        let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
        assert_eq!((word(0), word(16), word(20)), (0xa1b2_c3d4, 64, 101));
        let mut at = 24;
        for n in 0..3 {
            let (kept, length) = (word(at + 8) as usize, word(at + 12));
            let packet = &file[at + 16..at + 16 + kept];
            assert_eq!(word(at) / 100, 18_000_000, "at its time");
            assert_eq!((kept, length, packet[0], packet[9]), (64, 84, 0x45, 1), "an echo of 84 bytes, cut");
            let ends = [&packet[12..16], &packet[16..20]];
            assert_eq!(ends[n % 2], [10, 20, 0, 2], "to and fro");
            at += 16 + kept;
        }
        assert_eq!(at, file.len());
        assert!(Socket::open("nowhere0", &prefixes, 64, 0).is_err());
    });
}
