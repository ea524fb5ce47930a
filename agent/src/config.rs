//! The command line.

use crate::subscribers::lease::Source;
use lexopt::prelude::*;
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// What to print for `--help`.
pub const USAGE: &str = "\
weir-agent: shapes, meters and reports from a router

usage:
  weir-agent run       [--state-dir DIR] [--token TOKEN] [--southbound linux|null] [--garden ADDR:PORT]
                       [--usage-interval-ms N] [--sweep-interval-ms N] [--checkpoint-interval-ms N]
                       [--verify-interval-ms N] [--keepalive-ms N] [--retry-cap-ms N] [--run-dir DIR]
                       [--quic-interval-ms N]
                       [--spool-bytes N] [--log text|json] [--dnsmasq-leases FILE]... [--kea-leases FILE]...
                       [--quality-interval-ms N] [--echoes-a-second N] [--anchor ADDR]... [--metered]
  weir-agent enroll    [--state-dir DIR] --token TOKEN
  weir-agent status    [--state-dir DIR] [--run-dir DIR]
  weir-agent lease     [--run-dir DIR] dnsmasq|kea|pppd ARGUMENT...
  weir-agent lease     [--run-dir DIR] add|del PREFIX IDENTITY... [session:INTERFACE] [seconds:N]
  weir-agent check
  weir-agent uninstall [--state-dir DIR] [--southbound linux|null]

the state directory is /var/lib/weir-agent unless told

run        enforce, meter and report until told to stop; enforcement stays in place afterwards
enroll     turn a single-use token into this router's identity; as root, the folder's owner gets it
status     print what is known, as JSON
lease      tell the running agent of one lease; called by the scripts of DHCP and PPPoE servers, and never waits
check      try what this kernel can do, as JSON; fails if it cannot carry the agent
uninstall  remove everything the agent made in the kernel; identity and usage log stay in the state directory";

/// Where everything durable is unless told.
const STATE_DIR: &str = "/var/lib/weir-agent";

/// Hosts of the internet that can be asked for echoes.
const ANCHORS_MAX: usize = 2;
/// The cloud keeps quality by the hour.
pub(crate) const QUALITY_INTERVAL_MAX: Duration = Duration::from_secs(3600);
/// More echoes a second would be a load of their own.
const ECHOES_MAX: u32 = 1_000;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Enforce, meter and report until told to stop.
    Run,
    /// Turn a token into an identity.
    Enroll,
    /// Print what is known.
    Status,
    /// Tell the running agent of leases.
    Lease,
    /// Try what the kernel can do.
    Check,
    /// Remove every trace from the kernel.
    Uninstall,
    /// Print [`USAGE`].
    Help,
}

/// Which kernel adapter to drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adapter {
    /// The real kernel.
    Linux,
    /// Records and changes nothing.
    Null,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// Everything the command line can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where everything durable is.
    pub state_dir: PathBuf,
    /// Where things live that must not outlive a boot; `/run/weir`, or `run` in the state directory.
    pub run_dir: PathBuf,
    /// Enrollment token, as text.
    pub token: Option<String>,
    /// Kernel adapter.
    pub southbound: Adapter,
    /// Where the walled garden's page listens.
    pub garden: SocketAddr,
    /// How often usage is sealed, if the cloud shall not say.
    pub usage_interval: Option<Duration>,
    /// How often counters are read.
    pub sweep_interval: Duration,
    /// How often the open usage record is made safe against a power cut.
    pub checkpoint_interval: Duration,
    /// How often the kernel is compared with what is wanted, and healed, if nothing else asks for it.
    pub verify_interval: Duration,
    /// How log lines look.
    pub log: Log,
    /// How often a silent connection is probed; four missed probes end it.
    pub keepalive: Duration,
    /// How often QUIC is tried again while only TCP gets through; sooner at first.
    pub quic_interval: Duration,
    /// Longest wait between two attempts to connect.
    pub retry_cap: Duration,
    /// Most bytes the usage log may take.
    pub spool_bytes: u64,
    /// How often it is told how well lines are served.
    pub quality_interval: Duration,
    /// Most lines a second whose hosts are asked for an echo; 0 = none, and not the uplink either.
    pub echoes_a_second: u32,
    /// Hosts of the internet that are asked for echoes, to know how good the uplink is.
    pub anchors: Vec<IpAddr>,
    /// What the router sends toward the cloud is paid for by the byte, whether or not the cloud says so: less is said, and
    /// less often.
    pub metered: bool,
    /// Lease files of the router's own DHCP servers.
    pub lease_files: Vec<LeaseFile>,
    /// What `lease` was called with.
    pub lease: Vec<OsString>,
}

/// A lease file of a DHCP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseFile {
    /// Whose.
    pub source: Source,
    /// Where.
    pub path: PathBuf,
}

impl Config {
    /// The defaults for a state directory.
    pub fn new(state_dir: PathBuf) -> Self {
        let run_dir = PathBuf::from("/run/weir");
        Self {
            run_dir: if run_dir.is_dir() { run_dir } else { state_dir.join("run") },
            state_dir,
            token: None,
            southbound: Adapter::Linux,
            garden: SocketAddr::from((std::net::Ipv6Addr::UNSPECIFIED, 8880)),
            usage_interval: None,
            sweep_interval: Duration::from_secs(1),
            checkpoint_interval: Duration::from_secs(60),
            verify_interval: Duration::from_secs(30),
            log: Log::Text,
            keepalive: Duration::from_secs(20),
            quic_interval: Duration::from_secs(3_600),
            retry_cap: Duration::from_secs(300),
            spool_bytes: 64 * 1024 * 1024,
            lease_files: Vec::new(),
            lease: Vec::new(),
            quality_interval: Duration::from_secs(300),
            echoes_a_second: 20,
            anchors: Vec::new(),
            metered: false,
        }
    }
}

/// Reads a command line, program name included.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<(Command, Config), lexopt::Error> {
    let mut parser = lexopt::Parser::from_iter(arguments);
    let mut command = None;
    let mut state_dir: Option<PathBuf> = None;
    let mut run_dir = None;
    let mut config = Config::new(PathBuf::new());
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => command = Some(Command::Help),
            Long("state-dir") => state_dir = Some(parser.value()?.into()),
            Long("run-dir") => run_dir = Some(parser.value()?.into()),
            Long("token") => config.token = Some(parser.value()?.string()?),
            Long("southbound") => config.southbound = parser.value()?.parse_with(adapter)?,
            Long("garden") => config.garden = parser.value()?.parse()?,
            Long("usage-interval-ms") => config.usage_interval = Some(milliseconds(&mut parser)?),
            Long("sweep-interval-ms") => config.sweep_interval = milliseconds(&mut parser)?,
            Long("checkpoint-interval-ms") => config.checkpoint_interval = milliseconds(&mut parser)?,
            Long("verify-interval-ms") => config.verify_interval = milliseconds(&mut parser)?,
            Long("log") => config.log = parser.value()?.parse_with(log)?,
            Long("keepalive-ms") => config.keepalive = milliseconds(&mut parser)?,
            Long("quic-interval-ms") => config.quic_interval = milliseconds(&mut parser)?,
            Long("retry-cap-ms") => config.retry_cap = milliseconds(&mut parser)?,
            Long("spool-bytes") => config.spool_bytes = parser.value()?.parse()?,
            Long("dnsmasq-leases") => config.lease_files.push(lease_file(Source::Dnsmasq, &mut parser)?),
            Long("kea-leases") => config.lease_files.push(lease_file(Source::Kea, &mut parser)?),
            Long("quality-interval-ms") => {
                config.quality_interval = milliseconds(&mut parser)?.min(QUALITY_INTERVAL_MAX)
            }
            Long("echoes-a-second") => config.echoes_a_second = parser.value()?.parse_with(echoes)?,
            Long("metered") => config.metered = true,
            Long("anchor") if config.anchors.len() < ANCHORS_MAX => config.anchors.push(parser.value()?.parse()?),
            Long("anchor") => return Err(format!("at most {ANCHORS_MAX} anchors can be named").into()),
            Value(name) if command.is_none() => command = Some(name.parse_with(verb)?),
            Value(first) if command == Some(Command::Lease) => {
                // What a server passes on is no flag of ours, whatever it looks like.
                config.lease = std::iter::once(first).chain(parser.raw_args()?).collect();
            }
            other => return Err(other.unexpected()),
        }
    }
    let command = command.ok_or("say what to do: run, enroll, status, lease, check or uninstall")?;
    if matches!(command, Command::Help | Command::Check) {
        return Ok((command, config));
    }
    let defaults = Config::new(state_dir.unwrap_or_else(|| STATE_DIR.into()));
    config.run_dir = run_dir.unwrap_or(defaults.run_dir);
    config.state_dir = defaults.state_dir;
    if command == Command::Enroll && config.token.is_none() {
        return Err("--token is missing".into());
    }
    Ok((command, config))
}

fn lease_file(source: Source, parser: &mut lexopt::Parser) -> Result<LeaseFile, lexopt::Error> {
    Ok(LeaseFile { source, path: parser.value()?.into() })
}

fn milliseconds(parser: &mut lexopt::Parser) -> Result<Duration, lexopt::Error> {
    parser.value()?.parse_with(|text| match text.parse::<u32>() {
        Ok(0) => Err("must be above 0".to_owned()),
        Ok(number) => Ok(Duration::from_millis(u64::from(number))),
        Err(error) => Err(error.to_string()),
    })
}

fn echoes(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(number) if number <= ECHOES_MAX => Ok(number),
        Ok(_) => Err(format!("must be at most {ECHOES_MAX}")),
        Err(error) => Err(error.to_string()),
    }
}

fn verb(text: &str) -> Result<Command, String> {
    match text {
        "run" => Ok(Command::Run),
        "enroll" => Ok(Command::Enroll),
        "status" => Ok(Command::Status),
        "lease" => Ok(Command::Lease),
        "check" => Ok(Command::Check),
        "uninstall" => Ok(Command::Uninstall),
        "help" => Ok(Command::Help),
        _ => Err("not one of run, enroll, status, lease, check, uninstall".to_owned()),
    }
}

fn log(text: &str) -> Result<Log, String> {
    match text {
        "text" => Ok(Log::Text),
        "json" => Ok(Log::Json),
        _ => Err("not one of text, json".to_owned()),
    }
}

fn adapter(text: &str) -> Result<Adapter, String> {
    match text {
        "linux" => Ok(Adapter::Linux),
        "null" => Ok(Adapter::Null),
        _ => Err("not one of linux, null".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<(Command, Config), String> {
        parse(line.split(' ').map(Into::into)).map_err(|error| error.to_string())
    }

    #[test]
    fn run_reads_its_flags() {
        let (command, config) =
            read("weir-agent run --state-dir /x --southbound null --usage-interval-ms 500 --metered").unwrap();
        assert_eq!(command, Command::Run);
        assert_eq!(config.state_dir, PathBuf::from("/x"));
        assert_eq!(config.southbound, Adapter::Null);
        assert_eq!((config.usage_interval, config.metered), (Some(Duration::from_millis(500)), true));
        assert_eq!(read("weir-agent run").unwrap().1.state_dir, PathBuf::from("/var/lib/weir-agent"));
    }

    #[test]
    fn what_a_server_passes_on_is_taken_as_it_is() {
        let (command, config) =
            read("weir-agent lease --run-dir /r dnsmasq add 02:00:00:00:00:07 10.0.0.7 --token").unwrap();
        assert_eq!((command, config.run_dir), (Command::Lease, PathBuf::from("/r")));
        assert_eq!(config.lease, ["dnsmasq", "add", "02:00:00:00:00:07", "10.0.0.7", "--token"]);
        let (_, config) = read("weir-agent run --dnsmasq-leases /a --kea-leases /b --kea-leases /c").unwrap();
        let files: Vec<_> = config.lease_files.iter().map(|file| (file.source, file.path.to_str().unwrap())).collect();
        assert_eq!(files, [(Source::Dnsmasq, "/a"), (Source::Kea, "/b"), (Source::Kea, "/c")]);
    }

    #[test]
    fn mistakes_are_named() {
        assert!(read("weir-agent run --state-dir").unwrap_err().contains("--state-dir"));
        assert!(read("weir-agent enroll --state-dir /x").unwrap_err().contains("--token"));
        assert!(read("weir-agent fly --state-dir /x").unwrap_err().contains("run, enroll"));
        assert!(read("weir-agent run --echoes-a-second 5000").unwrap_err().contains("at most 1000"));
        let three = "weir-agent run --anchor 192.0.2.1 --anchor 192.0.2.2 --anchor 192.0.2.3";
        assert!(read(three).unwrap_err().contains("at most 2"));
        assert!(read("weir-agent run --state-dir /x --keepalive-ms 0").unwrap_err().contains("above 0"));
    }
}
