//! The lab itself, with nothing of Weir in it: the kernel forwards.

use anyhow::{Context, Result};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use weir_lab::{CLOUD_ADDRESS, Direction, Family, Lab, Limit, Load, Options, Router, until};

async fn plain(subscribers: u8) -> Result<Lab> {
    Lab::start(Options { subscribers, router: Router::Plain, ..Options::default() }).await
}

#[tokio::test]
async fn every_subscriber_reaches_the_internet_over_both_protocols() -> Result<()> {
    let lab = plain(3).await?;
    for n in 1..=3 {
        for family in [Family::V4, Family::V6] {
            let subscriber = lab.subscriber(n);
            assert_eq!(subscriber.http_get("/generate_204", family).await?.status, 204, "subscriber {n} {family:?}");
            assert_eq!(subscriber.http_get("/", family).await?.body, "the internet\n");
        }
    }
    lab.stop().await
}

#[tokio::test]
async fn the_interface_counts_what_iperf3_delivers() -> Result<()> {
    const PAYLOAD: u64 = 3_000_000;
    let lab = plain(2).await?;
    let (one, other) = (lab.subscriber(1), lab.subscriber(2));
    for family in [Family::V4, Family::V6] {
        let before = one.carried().await?;
        let received = one.download(Load::bytes(PAYLOAD).at(20_000_000), family).await?;
        let sent = one.upload(Load::bytes(PAYLOAD).at(20_000_000), family).await?;
        let carried = one.carried().await?.since(before);
        for (payload, line) in [(received.payload_bytes, carried.down_bytes), (sent.payload_bytes, carried.up_bytes)] {
            let share = payload as f64 / line as f64 / family.payload_share();
            assert!((0.96..=1.001).contains(&share), "{family:?} {share}: {payload} in {carried:?}");
        }
    }
    assert_eq!(other.carried().await?.total(), 0, "a quiet subscriber's port stays quiet");
    lab.stop().await
}

/// The kernel's shaper is the reference: a class at the rate plus link headers must look like the sold rate.
#[tokio::test]
async fn goodput_tells_a_sold_rate() -> Result<()> {
    const SOLD_BPS: u64 = 2_000_000;
    let lab = plain(1).await?;
    let class_bps = (SOLD_BPS * 1514 / 1500).to_string();
    for port in ["lan0", "wan0"] {
        let shape =
            ["tc", "qdisc", "add", "dev", port, "root", "tbf", "burst", "4k", "limit", "64k", "rate", &class_bps];
        lab.inside().run_ok("router", &["ethtool", "-K", port, "tso", "off", "gso", "off", "gro", "off"]).await?;
        lab.inside().run_ok("router", &shape).await?;
    }
    for (direction, family) in [(Direction::Down, Family::V6), (Direction::Up, Family::V4)] {
        let flow = lab.subscriber(1).flow(direction, Load::seconds(8), family).await?;
        let ratio = flow.goodput_bps / (SOLD_BPS as f64 * family.payload_share());
        assert!((0.97..=1.03).contains(&ratio), "{direction:?} {family:?} {ratio} {flow:?}");
    }
    lab.stop().await
}

#[tokio::test]
async fn the_link_to_the_cloud_can_be_cut_and_restored() -> Result<()> {
    let lab = plain(1).await?;
    let cloud = CLOUD_ADDRESS.to_string();
    let reached = async || -> Result<bool> {
        Ok(lab.inside().run("router", &["ping", "-c", "1", "-W", "1", &cloud]).await?.code == Some(0))
    };
    assert!(reached().await?);
    lab.cloud_link(false).await?;
    assert!(!reached().await?);
    assert_eq!(lab.subscriber(1).http_get("/", Family::V4).await?.status, 200, "subscribers do not notice");
    lab.cloud_link(true).await?;
    until("reaching the cloud again", Limit::seconds(5), || async { Ok(reached().await?.then_some(())) }).await
}

#[tokio::test]
async fn a_probe_tells_when_the_line_was_closed() -> Result<()> {
    let lab = plain(1).await?;
    let subscriber = lab.subscriber(1);
    let probe = subscriber.probe(Family::V4, 5).await?;
    subscriber.http_get("/", Family::V4).await?;
    lab.inside().run_ok("router", &["ip", "link", "set", "lan0", "down"]).await?;
    let lost = subscriber.run(&["ping", "-c", "2", "-i", "0.2", "-W", "1", "198.18.0.2"]).await?;
    assert_ne!(lost.code, Some(0), "the line is closed");
    let seen = probe.end().await?;
    assert!(seen.first().is_some_and(|probe| probe.answered_us.is_some()), "{seen:?}");
    assert!(seen.last().is_some_and(|probe| probe.answered_us.is_none()), "{seen:?}");
    Ok(())
}

#[tokio::test]
async fn nothing_inside_can_see_the_hosts_network() -> Result<()> {
    let lab = plain(1).await?;
    for node in ["internet", "router", "lan", "cloud", "sub1"] {
        let links = lab.inside().run_ok(node, &["ip", "-o", "link"]).await?;
        let foreign = links.lines().filter(|line| !belongs_to_the_lab(line)).collect::<Vec<_>>();
        assert_eq!(foreign, Vec::<&str>::new(), "in {node}");
    }
    Ok(())
}

fn belongs_to_the_lab(line: &str) -> bool {
    let name = line.split(": ").nth(1).unwrap_or_default().split('@').next().unwrap_or_default();
    ["lo", "i0", "wan0", "up0", "lan0", "r0", "c0", "br0", "eth0", "p1"].contains(&name)
}

/// Everything whose user namespace is the same as this process's.
fn members_of(user: &Path) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
    processes.filter(|process| fs::read_link(process.join("ns/user")).is_ok_and(|ns| ns == user)).collect()
}

#[tokio::test]
async fn nothing_is_left_after_the_lab_was_killed() -> Result<()> {
    let temporary = tempfile::tempdir()?;
    let mut held = Command::new(env!("CARGO_BIN_EXE_weir-lab"))
        .args(["hold", "--subscribers", "2"])
        .env("TMPDIR", temporary.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(held.stdout.take().context("no output")?).read_line(&mut line)?;
    let enclosure = line.trim().strip_prefix("holding ").context("an unclear line")?;
    let children = fs::read_to_string(format!("/proc/{enclosure}/task/{enclosure}/children"))?;
    let first = children.split_whitespace().next().context("the enclosure is empty")?;
    let user = fs::read_link(format!("/proc/{first}/ns/user"))?;
    assert!(members_of(&user).len() >= 2, "process 1 and the internet's server");

    held.kill()?;
    held.wait()?;
    until("the end of the lab", Limit::seconds(5), || async {
        let gone = members_of(&user).is_empty() && !Path::new("/proc").join(enclosure).exists();
        let gone = gone && fs::read_dir(temporary.path())?.next().is_none();
        Ok(gone.then_some(()))
    })
    .await?;
    let named = Command::new("ip").args(["netns", "list"]).output()?;
    assert!(!String::from_utf8_lossy(&named.stdout).contains("sub1"), "no namespace has a name");
    Ok(())
}
