//! What name servers say of a name, each asked by itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout};

use super::reach::milliseconds;
use super::{Stop, Teller};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Servers asked.
const SERVERS_MAX: usize = 3;
/// Answers told of one question.
const ANSWERS_MAX: u16 = 32;
const CLASS_INTERNET: u16 = 1;
/// Kinds of records that are asked for.
const ADDRESS_4: u16 = 1;
const ADDRESS_6: u16 = 28;
const ALIAS: u16 = 5;
/// Header of a message, bytes.
const HEADER: usize = 12;
/// Pieces a name may be put together from.
const JUMPS_MAX: usize = 16;

/// Asks for both kinds of addresses and tells each answer with its time.
pub async fn look_up(name: &str, server: &str, until: Instant, teller: &mut Teller) -> Result<(), Stop> {
    let servers = if server.is_empty() {
        let told = std::fs::read_to_string("/etc/resolv.conf");
        servers(&told.map_err(|error| Stop::io("the router names no name server", &error))?)
    } else {
        let address = server.parse::<IpAddr>();
        vec![address.map_err(|_| Stop::Failed("server-unknown", format!("{server} is not an address")))?]
    };
    if servers.is_empty() {
        return Err(Stop::Failed("server-unknown", "the router names no name server".to_owned()));
    }
    for server in servers {
        for kind in [ADDRESS_4, ADDRESS_6] {
            if Instant::now() + PATIENCE > until {
                return Err(Stop::Limit);
            }
            let began = Instant::now();
            let answer = timeout(PATIENCE, ask(name, kind, server)).await;
            let took = milliseconds(began.elapsed());
            let word = word(kind);
            let said = match answer {
                Ok(Ok(said)) => format!("{server}: {name} {word} in {took}\n{said}"),
                Ok(Err(error)) => format!("{server}: {name} {word}: {error}\n"),
                Err(_) => format!("{server}: {name} {word}: no answer within {} s\n", PATIENCE.as_secs()),
            };
            teller.say(&said).await?;
        }
    }
    Ok(())
}

/// The servers a resolver's configuration names.
fn servers(text: &str) -> Vec<IpAddr> {
    let named = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    named.filter_map(|rest| rest.trim().parse().ok()).take(SERVERS_MAX).collect()
}

fn word(kind: u16) -> String {
    match kind {
        ADDRESS_4 => "A".to_owned(),
        ADDRESS_6 => "AAAA".to_owned(),
        ALIAS => "CNAME".to_owned(),
        other => format!("TYPE{other}"),
    }
}

async fn ask(name: &str, kind: u16, server: IpAddr) -> std::io::Result<String> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await?;
    socket.connect(SocketAddr::new(server, 53)).await?;
    let number = u16::from_ne_bytes(crate::clock::random());
    let question = question(number, name, kind).ok_or_else(|| std::io::Error::other("that cannot be a name"))?;
    socket.send(&question).await?;
    let mut bytes = [0u8; 4096];
    loop {
        let read = socket.recv(&mut bytes).await?;
        let message = bytes.get(..read).unwrap_or_default();
        // What is not the answer to this question is nobody's.
        if message.get(..2) == Some(&number.to_be_bytes()) && message.get(2).is_some_and(|flags| flags & 0x80 != 0) {
            return Ok(told(message).unwrap_or_else(|| "  the answer cannot be read\n".to_owned()));
        }
    }
}

/// A question; none where that cannot be a name.
fn question(number: u16, name: &str, kind: u16) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(HEADER + name.len() + 6);
    // One question, and please ask on.
    for word in [number, 0x0100, 1, 0, 0, 0] {
        bytes.extend(word.to_be_bytes());
    }
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..64).contains(length))?;
        bytes.push(length);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend(kind.to_be_bytes());
    bytes.extend(CLASS_INTERNET.to_be_bytes());
    (bytes.len() <= HEADER + 255 + 4).then_some(bytes)
}

/// What a message answers, a line each.
fn told(message: &[u8]) -> Option<String> {
    let mut text = match message.get(3)? & 0xf {
        0 => String::new(),
        2 => "  the server failed\n".to_owned(),
        3 => "  there is no such name\n".to_owned(),
        5 => "  the server refuses to answer\n".to_owned(),
        code => format!("  error {code}\n"),
    };
    let (questions, answers) = (word_at(message, 4)?, word_at(message, 6)?);
    let mut at = HEADER;
    for _ in 0..questions {
        at = name_at(message, at)?.1 + 4;
    }
    for _ in 0..answers.min(ANSWERS_MAX) {
        let (owner, after) = name_at(message, at)?;
        let (kind, length) = (word_at(message, after)?, usize::from(word_at(message, after + 8)?));
        let seconds = u32::from(word_at(message, after + 4)?) << 16 | u32::from(word_at(message, after + 6)?);
        let from = after + 10;
        let data = message.get(from..from + length)?;
        let value = match kind {
            ADDRESS_4 => Ipv4Addr::from(<[u8; 4]>::try_from(data).ok()?).to_string(),
            ADDRESS_6 => Ipv6Addr::from(<[u8; 16]>::try_from(data).ok()?).to_string(),
            ALIAS => name_at(message, from)?.0,
            _ => format!("{length} bytes"),
        };
        text += &format!("  {owner} {seconds} s {} {value}\n", word(kind));
        at = from + length;
    }
    if text.is_empty() {
        text = "  nothing of that kind\n".to_owned();
    }
    Some(text)
}

fn word_at(message: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(message.get(at..at + 2)?.try_into().ok()?))
}

/// The name at a place, and where what follows it is.
fn name_at(message: &[u8], from: usize) -> Option<(String, usize)> {
    let (mut name, mut at, mut after) = (String::new(), from, None);
    for _ in 0..JUMPS_MAX * 8 {
        match *message.get(at)? {
            0 => return Some((if name.is_empty() { ".".to_owned() } else { name }, after.unwrap_or(at + 1))),
            length if length & 0xc0 == 0xc0 => {
                after.get_or_insert(at + 2);
                at = usize::from(word_at(message, at)? & 0x3fff);
            }
            length => {
                let label = message.get(at + 1..at + 1 + usize::from(length))?;
                name.extend(label.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '?' }));
                name.push('.');
                at += 1 + usize::from(length);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_answered_with_aliases_and_addresses() {
        let mut message = question(7, "www.example.net", ADDRESS_4).unwrap();
        message[2] = 0x81;
        message[7] = 2;
        // www.example.net is an alias of the name at 16, example.net, which has an address.
        message.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 1, 44, 0, 2, 0xc0, 16]);
        message.extend([0xc0, 16, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 9]);
        let text = "  www.example.net. 300 s CNAME example.net.\n  example.net. 60 s A 192.0.2.9\n";
        assert_eq!(told(&message).as_deref(), Some(text));
        assert_eq!(told(&message[..message.len() - 1]), None, "what is cut off cannot be read");
        let mut nothing = question(7, "example.net", ADDRESS_6).unwrap();
        assert_eq!(told(&nothing).as_deref(), Some("  nothing of that kind\n"));
        nothing[3] = 3;
        assert_eq!(told(&nothing).as_deref(), Some("  there is no such name\n"));
        let around = [&[0u8; HEADER][..], &[0xc0, 12]].concat();
        assert_eq!(name_at(&around, 12), None, "a name that goes round in circles is none");
    }

    #[test]
    fn names_that_cannot_be_are_not_asked_for() {
        for name in ["", "a..b", &"a".repeat(64), &vec!["abcdefgh"; 40].join(".")] {
            assert_eq!(question(1, name, ADDRESS_4), None, "{name}");
        }
        assert!(question(1, "example.net.", ADDRESS_4).is_some());
        let text = "# none\nnameserver 192.0.2.1\n nameserver fe80::1%eth0\nnameserver 2001:db8::1\noptions x\n";
        assert_eq!(servers(text), ["192.0.2.1".parse::<IpAddr>().unwrap(), "2001:db8::1".parse().unwrap()]);
    }
}
