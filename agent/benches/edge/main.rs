//! The edge at full scale, against floors and peers of the same run. `cargo bench --bench edge -- 10k agent` runs parts: `forward`, `meter`, `apply` or one of
//! its sizes, `alone`, `agent`.
//!
//! As root it runs without a user namespace, so that trees are sharded; otherwise they are flat, and figures say so.

mod agent;
mod alone;
mod apply;
#[expect(dead_code, reason = "the tests use all of it")]
#[path = "../../tests/kernel/disk.rs"]
mod disk;
#[path = "../figure/mod.rs"]
mod figure;
mod forward;
mod many;
mod meter;
#[expect(dead_code, reason = "the tests use all of it")]
#[path = "../../tests/kernel/net.rs"]
mod net;
mod peers;

use std::process::ExitCode;

use net::Net;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["flood", senders] = words[..] {
        forward::flood(senders);
        return ExitCode::SUCCESS;
    }
    if let Some(status) = net::outside(net::As::Caller, &words) {
        return if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut net = Net::start();
        let is_asked = |part| words.is_empty() || words.contains(&part);
        if is_asked("forward") {
            forward::forwarding(&mut net).await;
        }
        for size in &apply::SIZES {
            if is_asked("apply") || is_asked(size.name) {
                apply::applying(&net, size).await;
            }
        }
        if is_asked("meter") {
            meter::metering(&mut net).await;
        }
        if is_asked("alone") {
            alone::enforcing(&mut net);
        }
        if is_asked("agent") {
            agent::running();
        }
    });
    ExitCode::SUCCESS
}
