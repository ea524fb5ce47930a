//! What an installation may choose. Every key has a working default.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;

/// Settings shared by every role.
#[derive(clap::Args, Clone, Debug)]
pub struct Config {
    /// Where everything that must survive is kept.
    #[arg(long, env = "WEIR_DATA_DIR", default_value = "/var/lib/weir", global = true)]
    pub data_dir: PathBuf,
    /// PostgreSQL to use, as a superuser: it brings the schema up and serves as roles of its own. Unset: a private one in the data folder.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true)]
    pub database_url: Option<String>,
    /// Where the dashboard and the API listen, unless a listener is inherited (`LISTEN_FDS=1`).
    #[arg(long, env = "WEIR_HTTP", default_value = "127.0.0.1:8080", global = true)]
    pub http: SocketAddr,
    /// Where agents connect: UDP, and TCP of the same number for those no UDP reaches.
    #[arg(long, env = "WEIR_GATEWAY", default_value = "0.0.0.0:4433", global = true)]
    pub gateway: SocketAddr,
    /// What agents dial, `host:port`, as it stands in enrollment tokens. Unset: the gateway's own address.
    #[arg(long, env = "WEIR_GATEWAY_PUBLIC", global = true)]
    pub gateway_public: Option<String>,
    /// The address people type, decides about secure cookies.
    #[arg(long, env = "WEIR_PUBLIC_URL", default_value = "http://localhost:8080", global = true)]
    pub public_url: String,
    /// Networks whose `X-Forwarded-For` is believed, because our own proxy is there.
    #[arg(
        long,
        env = "WEIR_TRUSTED_PROXIES",
        value_delimiter = ',',
        default_value = "127.0.0.0/8,::1/128",
        global = true
    )]
    pub trusted_proxies: Vec<IpNet>,
    /// Ask only servers on the public internet where ISPs name one (mail, short messages). For installations ISPs share.
    #[arg(long, env = "WEIR_PUBLIC_SERVERS_ONLY", global = true)]
    pub public_servers_only: bool,
    /// Where the payment provider Stripe is. For tests only.
    #[arg(long, env = "WEIR_STRIPE_URL", default_value = "https://api.stripe.com", hide = true, global = true)]
    pub stripe_url: String,
    /// Let webhooks go to private addresses and over plain http. For demonstrations and tests only.
    #[arg(long, env = "WEIR_WEBHOOKS_PRIVATE", global = true)]
    pub webhooks_private: bool,
    /// Let `/dev/clock` move the time. For demonstrations and tests only.
    #[arg(long, env = "WEIR_DEV_CLOCK", global = true)]
    pub dev_clock: bool,
    /// The program that runs plugins in processes of its own. Unset: this one.
    #[arg(long, env = "WEIR_PLUGIN_PROGRAM", hide = true, global = true)]
    pub plugin_program: Option<PathBuf>,
    /// Write logs as JSON, one object a line.
    #[arg(long, env = "WEIR_LOG_JSON", global = true)]
    pub log_json: bool,
    /// How often agents seal a usage record, in milliseconds.
    #[arg(long, env = "WEIR_USAGE_INTERVAL_MS", default_value_t = 300_000, value_parser = clap::value_parser!(u32).range(1_000..), global = true)]
    pub usage_interval_ms: u32,
}

impl Config {
    /// The gateway's address as agents should dial it.
    pub fn gateway_address(&self) -> String {
        self.gateway_public.clone().unwrap_or_else(|| self.gateway.to_string())
    }

    /// Whether people reach us over TLS, so that cookies must say `Secure`.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}
