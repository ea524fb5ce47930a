//! The walled garden's page: what the browser of a held subscriber, or of an unknown host, is shown instead of the web.
//!
//! The router's rules lead port 80 of held lines here. One small HTTP/1.1 answer a connection, by hand: status 511
//! (RFC 6585) and a page; what devices ask to learn whether they are on the internet is redirected to the page's own
//! address, where it is an ordinary page; `/.well-known/captive` answers as a captive-portal API (RFC 8908). No scripts,
//! no cookies.

mod checks;
pub mod names;
mod page;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use weir_protocol::desired::{Access, Line, UnknownHosts};

use crate::plan::{Wanted, check};

/// Visitors at once; the others wait in the kernel.
const VISITORS_MAX: usize = 256;
/// Visitors of one address at once; more are turned away, so that nobody takes the places of all others.
const VISITORS_OF_ONE_MAX: usize = 16;
/// Bytes of a request that are read.
const REQUEST_MAX: usize = 8 * 1024;
/// A visitor has this long for the whole visit.
const VISIT_LIMIT: Duration = Duration::from_secs(10);

/// Serves the page once the router's ports are known, and with them the rule that lets only the lines in.
pub async fn open(address: SocketAddr, mut wanted: watch::Receiver<Wanted>) {
    if wanted.wait_for(|wanted| wanted.router.is_some()).await.is_err() {
        return;
    }
    match TcpListener::bind(address).await {
        Ok(listener) => serve(listener, wanted).await,
        // Enforcing matters more than explaining: go on without the page.
        Err(error) => tracing::error!(%error, %address, "the walled garden's page cannot listen"),
    }
}

/// Answers visitors until the task is dropped.
pub async fn serve(listener: TcpListener, wanted: watch::Receiver<Wanted>) {
    let places = Arc::new(Semaphore::new(VISITORS_MAX));
    let present = Arc::new(Mutex::new(BTreeMap::new()));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, from)) => {
                let Some(presence) = Presence::of(from.ip(), &present) else { continue };
                let wanted = wanted.clone();
                tokio::spawn(async move {
                    if let Ok(Err(error)) = tokio::time::timeout(VISIT_LIMIT, visit(stream, from, &wanted)).await {
                        tracing::debug!(%error, "a visit to the garden's page ended early");
                    }
                    drop((place, presence));
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the garden's page cannot accept visitors");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// One visitor among those present, by address.
struct Presence {
    address: IpAddr,
    present: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
}

impl Presence {
    fn of(address: IpAddr, present: &Arc<Mutex<BTreeMap<IpAddr, usize>>>) -> Option<Self> {
        let mut visitors = present.lock().ok()?;
        let count = visitors.entry(address).or_default();
        if *count >= VISITORS_OF_ONE_MAX {
            return None;
        }
        *count += 1;
        Some(Self { address, present: Arc::clone(present) })
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let Ok(mut visitors) = self.present.lock() else { return };
        if let Some(count) = visitors.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                visitors.remove(&self.address);
            }
        }
    }
}

async fn visit(mut stream: TcpStream, from: SocketAddr, wanted: &watch::Receiver<Wanted>) -> std::io::Result<()> {
    let mut request = Vec::with_capacity(1024);
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < REQUEST_MAX {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let here = stream.local_addr()?;
    let answer = answer(&String::from_utf8_lossy(&request), from.ip(), here, &wanted.borrow());
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

/// The answer to a visitor who reached this router at an address of its own.
fn answer(request: &str, from: IpAddr, here: SocketAddr, wanted: &Wanted) -> String {
    let path = request.split_whitespace().nth(1).unwrap_or("/");
    let line = line_of(wanted, from);
    let held = line.map_or_else(|| holds_unknown(wanted, from), |line| line.access() == Access::WalledGarden);
    let here = SocketAddr::new(here.ip().to_canonical(), here.port());
    let own = format!("http://{here}/");
    if path == "/.well-known/captive" {
        let body = if held { json!({ "captive": true, "user-portal-url": own }) } else { json!({ "captive": false }) };
        return response("200 OK", "application/captive+json", &[], &body.to_string());
    }
    if checks::is_check(path) {
        return response("302 Found", "text/plain", &[("Location", &own)], "");
    }
    // Whoever asked for this address itself has what was asked for; whoever asked for another must not take this for it.
    let asked_here = header(request, "host").is_some_and(|host| host == here.to_string());
    let status = if asked_here { "200 OK" } else { "511 Network Authentication Required" };
    let garden = wanted.router.as_ref().and_then(|router| router.garden.clone()).unwrap_or_default();
    let accepted = header(request, "accept-language").unwrap_or_default();
    response(status, "text/html; charset=utf-8", &[], &page::page(&garden, line, accepted))
}

/// Whether a host no line has is in the garden.
fn holds_unknown(wanted: &Wanted, from: IpAddr) -> bool {
    let Some(router) = &wanted.router else { return false };
    let from = from.to_canonical();
    let own = || router.own_networks.iter().filter_map(|prefix| check::network(prefix).ok());
    router.unknown_hosts() == UnknownHosts::Garden && !own().any(|own| own.contains(&from))
}

fn line_of(wanted: &Wanted, address: IpAddr) -> Option<&Line> {
    // A socket that takes both families sees IPv4 visitors as mapped addresses.
    let address = address.to_canonical();
    wanted.lines.values().map(Arc::as_ref).find(|line| {
        line.prefixes.iter().filter_map(|prefix| check::network(prefix).ok()).any(|prefix| prefix.contains(&address))
    })
}

fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let lines = request.lines().skip(1).take_while(|line| !line.is_empty());
    lines
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

fn response(status: &str, kind: &str, more: &[(&str, &str)], body: &str) -> String {
    let more: String = more.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nConnection: close\r\n\
         {more}Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;
    use weir_protocol::desired::{Garden, Prefix, Router};

    fn wanted(access: Access) -> Wanted {
        let line = Line {
            handle: 1,
            prefixes: vec![Prefix { address: vec![10, 20, 0, 2], length: 32 }],
            access: access.into(),
            hold_kind: "unpaid".into(),
            ..Line::default()
        };
        let garden = Garden {
            isp_name: "Northwind <Fibre>".into(),
            pay_url: "https://pay.northwind.example".into(),
            language: "en".into(),
            ..Garden::default()
        };
        let router = Router { garden: Some(garden), ..Router::default() };
        Wanted { router: Some(router), lines: [(Uuid::nil(), Arc::new(line))].into(), ..Wanted::default() }
    }

    fn here() -> SocketAddr {
        "[::ffff:10.20.0.1]:8880".parse().unwrap()
    }

    fn visit(request: &str, access: Access) -> String {
        answer(request, "::ffff:10.20.0.2".parse().unwrap(), here(), &wanted(access))
    }

    #[test]
    fn a_held_subscriber_reads_why_and_where_to_pay_in_their_language() {
        let english = visit("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", Access::WalledGarden);
        assert!(english.starts_with("HTTP/1.1 511 ") && english.contains("Northwind &lt;Fibre&gt;"), "{english}");
        assert!(english.contains("https://pay.northwind.example") && english.contains("lang=\"en\""), "{english}");
        let arabic = visit("GET / HTTP/1.1\r\nAccept-Language: ar-MA,fr;q=0.8\r\n\r\n", Access::WalledGarden);
        assert!(arabic.contains("lang=\"ar\" dir=\"rtl\""), "{arabic}");
        assert!(english.len() < 8 * 1024);
        let mut own = wanted(Access::WalledGarden);
        own.lines
            .values_mut()
            .for_each(|line| Arc::make_mut(line).pay_url = "https://northwind.example/pay/of-this-line".into());
        let own = answer("GET / HTTP/1.1\r\n\r\n", "10.20.0.2".parse().unwrap(), here(), &own);
        assert!(own.contains("/pay/of-this-line") && !own.contains("pay.northwind.example"), "{own}");
    }

    #[test]
    fn the_captive_portal_api_tells_held_from_open() {
        let ask = "GET /.well-known/captive HTTP/1.1\r\n\r\n";
        let held = visit(ask, Access::WalledGarden);
        assert!(held.ends_with(r#"{"captive":true,"user-portal-url":"http://10.20.0.1:8880/"}"#), "{held}");
        assert!(visit(ask, Access::Open).ends_with("{\"captive\":false}"));
    }

    #[test]
    fn what_devices_ask_by_themselves_leads_to_the_page_at_its_own_address() {
        for check in ["/generate_204", "/hotspot-detect.html", "/connecttest.txt?n=1", "/canonical.html"] {
            let told = visit(&format!("GET {check} HTTP/1.1\r\nHost: check.example\r\n\r\n"), Access::WalledGarden);
            assert!(
                told.starts_with("HTTP/1.1 302 ") && told.contains("\r\nLocation: http://10.20.0.1:8880/\r\n"),
                "{told}"
            );
        }
        let page = visit("GET / HTTP/1.1\r\nHost: 10.20.0.1:8880\r\n\r\n", Access::WalledGarden);
        assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("An invoice is past due"), "{page}");
        let other = visit("GET /generate_204/x HTTP/1.1\r\nHost: example.com\r\n\r\n", Access::WalledGarden);
        assert!(other.starts_with("HTTP/1.1 511 "), "{other}");
    }

    #[test]
    fn an_unknown_host_reads_that_it_is_not_known_and_nothing_about_money() {
        let stranger = |unknown_hosts: UnknownHosts, request: &str| {
            let mut wanted = wanted(Access::Open);
            wanted.router.as_mut().unwrap().unknown_hosts = unknown_hosts.into();
            answer(request, "10.20.0.3".parse().unwrap(), here(), &wanted)
        };
        let page = stranger(UnknownHosts::Garden, "GET / HTTP/1.1\r\nAccept-Language: fr\r\n\r\n");
        assert!(page.starts_with("HTTP/1.1 511 ") && page.contains("ne connaissons pas encore cet appareil"), "{page}");
        assert!(!page.contains("pay.northwind.example"), "{page}");
        let ask = "GET /.well-known/captive HTTP/1.1\r\n\r\n";
        assert!(stranger(UnknownHosts::Garden, ask).contains("\"captive\":true"));
        assert!(stranger(UnknownHosts::LetThrough, ask).ends_with("{\"captive\":false}"));
        let mut own = wanted(Access::Open);
        let router = own.router.as_mut().unwrap();
        router.unknown_hosts = UnknownHosts::Garden.into();
        router.own_networks = vec![Prefix { address: vec![10, 20, 0, 0], length: 29 }];
        assert!(answer(ask, "10.20.0.3".parse().unwrap(), here(), &own).ends_with("{\"captive\":false}"));
    }

    #[test]
    fn one_address_cannot_take_all_places() {
        let present = Arc::new(Mutex::new(BTreeMap::new()));
        let greedy = "10.20.0.2".parse().unwrap();
        let mut visits: Vec<_> = (0..VISITORS_OF_ONE_MAX).filter_map(|_| Presence::of(greedy, &present)).collect();
        assert_eq!(visits.len(), VISITORS_OF_ONE_MAX);
        assert!(Presence::of(greedy, &present).is_none());
        assert!(Presence::of("10.20.0.3".parse().unwrap(), &present).is_some());
        visits.pop();
        assert!(Presence::of(greedy, &present).is_some());
        drop(visits);
        assert!(present.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_visitor_who_says_nothing_useful_still_gets_the_page() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_sender, receiver) = watch::channel(wanted(Access::WalledGarden));
        let server = tokio::spawn(serve(listener, receiver));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"\r\n\r\n").await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert!(text.starts_with("HTTP/1.1 511 "), "{text}");
        server.abort();
    }
}
