//! Installs what building and testing need: Debian packages, npm packages, peers from PyPI. Quick when all is there.

use crate::workspace::{command, has, must, root};
use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

/// A Debian package and how to see that it is there.
pub struct Package {
    /// Its name.
    pub name: &'static str,
    /// Whether what is wanted of it is there.
    pub present: fn() -> bool,
}

const PACKAGES: &[Package] = &[
    Package { name: "build-essential", present: || has("cc") },
    Package { name: "dpkg-dev", present: || has("dpkg-shlibdeps") },
    Package { name: "systemd", present: || has("systemd-sysusers") },
    Package { name: "nftables", present: || has("nft") },
    Package { name: "e2fsprogs", present: || has("mkfs.ext4") },
    Package { name: "iproute2", present: || has("ip") && has("bridge") && has("tc") },
    Package { name: "procps", present: || has("sysctl") && has("kill") },
    Package { name: "curl", present: || has("curl") },
    Package { name: "iputils-ping", present: || has("ping") },
    Package { name: "iperf3", present: || has("iperf3") },
    Package { name: "ethtool", present: || has("ethtool") },
    Package { name: "dnsmasq-base", present: || has("dnsmasq") },
    Package { name: "udhcpc", present: || has("udhcpc") },
    Package { name: "isc-dhcp-client", present: || has("dhclient") },
    Package { name: "kea-dhcp4-server", present: || has("kea-dhcp4") },
    Package { name: "kea-dhcp6-server", present: || has("kea-dhcp6") },
    Package { name: "ppp", present: || has("pppd") },
    Package { name: "postgresql", present: || crate::database::programs().is_ok() },
    Package { name: "freeradius-postgresql", present: has_freeradius },
    Package { name: "python3-aiosmtpd", present: || Path::new("/usr/lib/python3/dist-packages/aiosmtpd").exists() },
    Package { name: "poppler-utils", present: || has("pdftotext") },
    Package { name: "hledger", present: || has("hledger") },
    Package { name: "python3-venv", present: has_venv },
    Package { name: "nodejs", present: || has("node") },
    Package { name: "npm", present: || has("npm") },
    Package { name: "chromium", present: || has("chromium") },
    Package { name: "fonts-dejavu-core", present: || Path::new("/usr/share/fonts/truetype/dejavu").exists() },
];

/// Where npm packages are wanted.
const NPM_FOLDERS: &[&str] = &["cloud", "cloud/ui", "tests/browser"];

/// Installs what is missing.
pub fn run() -> Result<()> {
    provide(PACKAGES)?;
    for folder in NPM_FOLDERS {
        let folder = root().join(folder);
        if folder.join("package.json").exists() {
            npm(&folder)?;
        }
    }
    peers()
}

/// Installs those of these packages that are missing.
pub fn provide(packages: &[Package]) -> Result<()> {
    let missing: Vec<_> = packages.iter().filter(|package| !(package.present)()).map(|package| package.name).collect();
    if missing.is_empty() { Ok(()) } else { install(&missing) }
}

/// Debian's Python has the module, but makes no environment without this package.
fn has_venv() -> bool {
    let mut python = command("python3", &["-c", "import ensurepip, venv"]);
    python.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// The peer of a bench, with its module for PostgreSQL.
fn has_freeradius() -> bool {
    has("freeradius") && Path::new("/usr/lib/freeradius/rlm_sql_postgresql.so").exists()
}

/// Other people's programs that tests compare ours with, in an environment of their own.
fn peers() -> Result<()> {
    let folder = root().join("tests/peers");
    let (list, environment) = (folder.join("requirements.txt"), folder.join("venv"));
    let installed = environment.join("installed.txt");
    let wanted = fs::read(&list).with_context(|| format!("reading {}", list.display()))?;
    if fs::read(&installed).is_ok_and(|last| last == wanted) {
        return Ok(());
    }
    eprintln!("installing {}", list.display());
    let environment = environment.display().to_string();
    must(&mut command("python3", &["-m", "venv", &environment]))?;
    let install = ["install", "--quiet", "--disable-pip-version-check", "-r", "tests/peers/requirements.txt"];
    must(&mut command(&format!("{environment}/bin/pip"), &install))?;
    fs::write(installed, wanted)?;
    Ok(())
}

fn install(packages: &[&str]) -> Result<()> {
    let list = packages.join(" ");
    if !has("apt-get") {
        bail!("these programs are missing, and there is no apt-get to install them: {list}");
    }
    if !is_root()? {
        bail!("these packages are missing; install them as root: apt-get install {list}");
    }
    eprintln!("installing {list}");
    keep_cluster_away()?;
    let quiet = |arguments: &[&str]| {
        let mut apt = command("apt-get", arguments);
        apt.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).stdout(Stdio::null());
        must(&mut apt)
    };
    quiet(&["-qq", "update"])?;
    let mut arguments = vec!["-qq", "install", "--yes", "--no-install-recommends"];
    arguments.extend(packages);
    starting_nothing(|| quiet(&arguments))
}

/// Debian starts the services it installs, unless the system's policy says that none is; ours are started by those who need
/// them.
fn starting_nothing(install: impl FnOnce() -> Result<()>) -> Result<()> {
    let policy = Path::new("/usr/sbin/policy-rc.d");
    if policy.exists() {
        return install();
    }
    fs::write(policy, "#!/bin/sh\nexit 101\n").with_context(|| format!("writing {}", policy.display()))?;
    fs::set_permissions(policy, fs::Permissions::from_mode(0o755))?;
    let installed = install();
    fs::remove_file(policy)?;
    installed
}

/// Debian would make and start a database cluster of its own; ours are private.
fn keep_cluster_away() -> Result<()> {
    let folder = Path::new("/etc/postgresql-common");
    let settings = folder.join("createcluster.conf");
    if !settings.exists() {
        fs::create_dir_all(folder)?;
        fs::write(&settings, "create_main_cluster = false\nstart_conf = 'manual'\n")
            .with_context(|| format!("writing {}", settings.display()))?;
    }
    Ok(())
}

/// `npm ci`, unless the lock file is the one that was installed last.
fn npm(folder: &Path) -> Result<()> {
    let (lock, installed) = (folder.join("package-lock.json"), folder.join("node_modules/.installed-lock.json"));
    let wanted = fs::read(&lock).with_context(|| format!("reading {}", lock.display()))?;
    if fs::read(&installed).is_ok_and(|last| last == wanted) {
        return Ok(());
    }
    eprintln!("npm ci in {}", folder.display());
    let mut ci = command("npm", &["ci", "--no-audit", "--no-fund", "--silent"]);
    // The system's browser is used.
    ci.current_dir(folder).env("PUPPETEER_SKIP_DOWNLOAD", "1").env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    must(ci.stdin(Stdio::null()).stdout(Stdio::null()))?;
    fs::write(installed, wanted)?;
    Ok(())
}

/// Whether this process is root; the owner of `/proc/self` is who we are.
pub fn is_root() -> Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(fs::metadata("/proc/self")?.uid() == 0)
}
