//! The control plane in the lab: one process or its roles apart, on its private database or on one that is there already.

use crate::clock::Limit;
use crate::lab::Lab;
use crate::outside::Process;
use crate::programs::{postgres, program};
use crate::topology::{CLOUD_ADDRESS, GATEWAY_PORT, MAIL_PORT, PAGES_PORT, PROVIDER_PORT, Place};
use crate::wire::Listener;
use anyhow::{Context, Result, anyhow};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Of the database server that is not the control plane's own; it lets nobody in without.
const DATABASE_PASSWORD: &str = "salt-and-harbour";

fn provider_url() -> String {
    format!("http://{CLOUD_ADDRESS}:{PROVIDER_PORT}")
}

/// What a process of the control plane does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Everything.
    All,
    /// Answers people and programs.
    Api,
    /// Answers agents.
    Gateway,
    /// Does jobs.
    Worker,
}

impl Role {
    /// The sub-command of `weir`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Api => "api",
            Self::Gateway => "gateway",
            Self::Worker => "worker",
        }
    }

    fn answers_people(self) -> bool {
        matches!(self, Self::All | Self::Api)
    }
}

impl Lab {
    /// Starts a mail server that keeps what it takes in the folder it returns.
    pub async fn start_mail(&self) -> Result<(Process, PathBuf)> {
        let folder = self.folder("mail")?.join("box");
        let (listen, kept) = (format!("{CLOUD_ADDRESS}:{MAIL_PORT}"), folder.display().to_string());
        let serve =
            ["/usr/bin/python3", "-m", "aiosmtpd", "-n", "-d", "-l", &listen, "-c", "aiosmtpd.handlers.Mailbox"];
        let serve = [&serve[..], &[&kept]].concat();
        let mut post = self.inside().launch(&Place::Cloud.name(), &serve, &self.log("mail")).await?;
        post.line_with("Server is listening", Limit::seconds(20)).await?;
        Ok((post, folder))
    }

    /// Starts the program of a bookkeeper, which takes whatever it is sent.
    pub async fn start_bookkeeper(&self) -> Result<Process> {
        let serve = [&*program("weir-lab")?, "origin"];
        let mut books = self.inside.launch(&Place::Cloud.name(), &serve, &self.log("books")).await?;
        books.line_with("ready", Limit::seconds(10)).await?;
        Ok(books)
    }

    /// Starts a payment provider, which a cloud of the lab speaks with; people find its pages where they find the cloud's.
    pub async fn start_provider(&self) -> Result<Process> {
        let (at, fd) = (format!("{CLOUD_ADDRESS}:{PROVIDER_PORT}"), Listener::Provider.fd().to_string());
        let program = program("weir-lab")?;
        let mut serve = vec![&*program, "provider", "--at", &at];
        let listener = Some(Listener::Provider).filter(|_| !self.pages_inside());
        if listener.is_some() {
            serve.extend(["--pages", &fd]);
        }
        let log = self.log("provider");
        let mut provider = self.inside.launch_listening(&Place::Cloud.name(), &serve, &log, listener).await?;
        provider.line_with("ready", Limit::seconds(10)).await?;
        Ok(provider)
    }

    /// Starts the control plane with all its roles and waits until it is ready.
    pub async fn start_cloud(&mut self) -> Result<()> {
        self.start_role(Role::All).await
    }

    /// Starts one process of the control plane and waits until it is ready.
    pub async fn start_role(&mut self, role: Role) -> Result<()> {
        self.start_role_at(role, None).await
    }

    /// Starts a further process that answers the people in the lab; the database must not be the first one's own.
    pub async fn start_pages_inside(&mut self) -> Result<()> {
        self.start_role_at(Role::Api, Some(&format!("{CLOUD_ADDRESS}:{PAGES_PORT}"))).await
    }

    /// `http` is where it answers people, where that is not the host's listener.
    async fn start_role_at(&mut self, role: Role, http: Option<&str>) -> Result<()> {
        let (data, url) = (self.data_dir()?, self.public_url());
        let provider = provider_url();
        let gateway = format!("{CLOUD_ADDRESS}:{GATEWAY_PORT}");
        let weir = program("weir")?;
        let mut argv = vec![weir.as_str(), role.name(), "--data-dir", &data, "--gateway", &gateway];
        argv.extend(["--gateway-public", &gateway, "--public-url", &url, "--dev-clock", "--stripe-url", &provider]);
        argv.push("--webhooks-private");
        argv.extend(http.iter().flat_map(|http| ["--http", http]));
        argv.extend(self.database_url.iter().flat_map(|url| ["--database-url", url]));
        let log = self.log("weir");
        let listener = Some(Listener::Pages).filter(|_| role.answers_people() && http.is_none());
        let mut process = self.inside.launch_listening(&Place::Cloud.name(), &argv, &log, listener).await?;
        let ready = |line: &str| line.split(' ').next() == Some("ready");
        process.line("that it is ready", ready, Limit::seconds(90)).await?;
        self.cloud.push((role, process));
        Ok(())
    }

    /// Ends the control plane at once, as a power cut would. Its database server, if it left one, is adopted at the next start.
    pub async fn kill_cloud(&mut self) -> Result<()> {
        self.end_role(Role::All, Signal::SIGKILL).await.map(drop)
    }

    /// Ends one process of the control plane; returns its exit code, `None` when the signal ended it.
    pub async fn end_role(&mut self, role: Role, signal: Signal) -> Result<Option<i32>> {
        let found = self.cloud.iter().position(|(running, _)| *running == role);
        let (_, mut process) = self.cloud.remove(found.ok_or_else(|| anyhow!("weir {} does not run", role.name()))?);
        process.stop(signal, Limit::seconds(30)).await
    }

    /// Whether a process of the control plane runs.
    #[must_use]
    pub fn runs(&self, role: Role) -> bool {
        self.cloud.iter().any(|(running, process)| *running == role && process.is_running())
    }

    /// Lives through months of an ISP whose staff has this password, before the control plane starts; hands over a line
    /// about each month, and returns what the lab needs to go on. `rules` is the folder its plugins were built into.
    pub async fn live_through(
        &self,
        months: u32,
        password: &str,
        rules: Option<&Path>,
        tell: impl Fn(&str),
    ) -> Result<Value> {
        let (history, data, url) = (program("weir-history")?, self.data_dir()?, self.url());
        let (lines, months) = (self.subscribers().to_string(), months.to_string());
        // Nobody misses the last second of a life that is lived through again at the next start.
        let mut argv = vec!["env", "PGOPTIONS=-c synchronous_commit=off", history.as_str(), "--data-dir", &data];
        let (provider, mail) = (provider_url(), format!("{CLOUD_ADDRESS}:{MAIL_PORT}"));
        argv.extend(["--stripe-url", &provider, "--cards", "--mail", &mail]);
        let (weir, listener) = (program("weir")?, format!("http://{CLOUD_ADDRESS}/books"));
        argv.extend(["--plugin-program", &weir, "--listener", &listener, "--webhooks-private"]);
        let rules = rules.map(|folder| folder.display().to_string());
        argv.extend(rules.iter().flat_map(|folder| ["--rules", folder]));
        argv.extend(["--public-url", &url, "--months", &months, "--lab-lines", &lines, "--password", password]);
        argv.extend(self.database_url.iter().flat_map(|url| ["--database-url", url]));
        let mut process = self.inside.launch(&Place::Cloud.name(), &argv, &self.log("history")).await?;
        let (mut lived, mut last) = (None, String::new());
        let code = process
            .told(Limit::seconds(1_200), |line| {
                if let Some(month) = line.strip_prefix("lived ") {
                    tell(month);
                } else if line.starts_with('{') {
                    lived = serde_json::from_str(line).ok();
                } else {
                    line.clone_into(&mut last);
                }
            })
            .await?;
        lived.filter(|_| code == Some(0)).with_context(|| format!("the months ended with {code:?}: {last}"))
    }

    /// Makes a tenant and its owner; returns what the program printed.
    pub async fn create_tenant(&self, arguments: &[&str]) -> Result<Value> {
        let (weir, data) = (program("weir")?, self.data_dir()?);
        let mut argv = vec![weir.as_str(), "tenant", "create", "--data-dir", &data];
        argv.extend(self.database_url.iter().flat_map(|url| ["--database-url", url]));
        argv.extend(arguments);
        let text = self.inside.run_ok(&Place::Cloud.name(), &argv).await?;
        let line = text.lines().rfind(|line| line.starts_with('{')).unwrap_or(&text);
        serde_json::from_str(line).with_context(|| format!("`weir tenant create` printed {text:?}"))
    }

    /// The process id of the private database server, as the lab's programs see it; `None` when none runs.
    pub async fn private_database(&self) -> Result<Option<i32>> {
        let lock = PathBuf::from(self.data_dir()?).join("postgres/data/postmaster.pid");
        let Some(pid) = std::fs::read_to_string(lock).ok().and_then(|text| text.lines().next()?.parse().ok()) else {
            return Ok(None);
        };
        let alive = self.inside.run(&Place::Cloud.name(), &["kill", "-0", &format!("{pid}")]).await?;
        Ok((alive.code == Some(0)).then_some(pid))
    }

    /// Starts a database server that is not the control plane's own; whatever is started from now on is told its address.
    pub async fn use_own_postgres(&mut self) -> Result<Process> {
        let folder = self.folder("database")?.display().to_string();
        let (node, programs) = (Place::Cloud.name(), postgres()?);
        let root = nix::unistd::geteuid().is_root();
        let as_server =
            if root { &["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"][..] } else { &[] };
        let secret = format!("{folder}/secret");
        std::fs::write(&secret, DATABASE_PASSWORD)?;
        if root {
            self.inside.run_ok(&node, &["chown", "postgres:", &folder]).await?;
        }
        let data = format!("{folder}/data");
        let initdb = format!("{programs}/initdb");
        let mut argv = as_server.to_vec();
        argv.extend([initdb.as_str(), "--username=manager", "--auth=scram-sha-256", "--encoding=UTF8"]);
        argv.extend(["--locale=C.UTF-8", "--pwfile", &secret, "--no-sync", "-D", &data]);
        self.inside.run_ok(&node, &argv).await?;
        let server = format!("{programs}/postgres");
        let mut argv = as_server.to_vec();
        argv.extend([server.as_str(), "-D", &data, "-k", &folder, "-c", "listen_addresses=", "-c", "fsync=off"]);
        let mut process = self.inside.launch(&node, &argv, &self.log("postgres")).await?;
        process.line_with("ready to accept connections", Limit::seconds(30)).await?;
        let createdb = format!("{programs}/createdb");
        let url = |database| format!("postgres://manager:{DATABASE_PASSWORD}@localhost/{database}?host={folder}");
        self.inside.run_ok(&node, &[&createdb, "--maintenance-db", &url("postgres"), "weir"]).await?;
        self.database_url = Some(url("weir"));
        Ok(process)
    }

    fn data_dir(&self) -> Result<String> {
        Ok(self.folder("cloud")?.display().to_string())
    }
}
