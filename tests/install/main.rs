//! The packages, from the first installation to the purge: on a machine with an init of its own, which starts the units
//! as they are shipped. What the pages of `docs/operating` say to type is what is typed here.

mod machine;
mod packages;
mod site;

use anyhow::{Context, Result, ensure};
use machine::Machine;
use serde_json::Value;
use site::Site;
use std::fs;
use std::path::Path;
use std::process::Command;
use weir_lab::{Limit, until};

/// Two packages, twice: the same bytes, of root, with programs and scripts that may run.
#[test]
fn the_same_programs_make_the_same_packages() -> Result<()> {
    let (one, two) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let (made, again) = (packages::make(one.path())?, packages::make(two.path())?);
    assert_eq!(made.len(), 2);
    for (made, again) in made.iter().zip(&again) {
        assert!(fs::read(made)? == fs::read(again)?, "{} differs from one making to the next", made.display());
        let files = packages::output(Command::new("dpkg-deb").arg("--contents").arg(made))?;
        for line in files.lines() {
            assert!(line.split_whitespace().nth(1) == Some("root/root"), "{line}");
        }
    }
    Ok(())
}

/// The template runs one role, with everything else as in the unit that runs all.
#[test]
fn the_units_of_the_control_plane_differ_in_their_role_only() -> Result<()> {
    let unit = |name: &str| {
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/systemd").join(name)).context("a unit")
    };
    let apart = unit("weir@.service")?.replace(": %i\n", "\n").replace(" %i\n", " all\n");
    assert_eq!(apart.replace("Conflicts=weir.service\n", ""), unit("weir.service")?);
    Ok(())
}

#[test]
fn an_installation_lives_through_upgrade_loss_and_restore() -> Result<()> {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("only root can boot a machine to install on: not tried");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (files, shared) = (folder.path().join("machine"), folder.path().join("shared"));
    fs::create_dir(&files)?;
    fs::create_dir(&shared)?;
    let packages = packages::make(&shared)?;
    // The thread that is moved into the machine's network ends with the test.
    let told = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let machine = Machine::boot(&files, &shared).await?;
            machine.enter_network()?;
            let later = packages::later(&packages[0], "99.0", "etc/weir/weir.env", &shared)?;
            let name = later.file_name().context("a package without a name")?.to_string_lossy().into_owned();
            tell(&machine, &name).await
        })
    });
    told.join().map_err(|panic| std::panic::resume_unwind(panic)).and_then(|told| told)
}

async fn tell(machine: &Machine, later: &str) -> Result<()> {
    machine.ok("dpkg -i /mnt/weir_*.deb /mnt/weir-agent_*.deb")?;
    assert_shut_in(machine)?;
    let mut site = Site::begin(machine).await?;
    site.enroll(machine).await?;
    let balance = site.earn().await?;

    // A later version over it: the administrator's settings stay, nothing is lost, the agent comes back by itself.
    let upgrade = format!("dpkg --force-confold -i /mnt/{later}");
    machine.ok(&upgrade)?;
    assert_eq!(machine.ok("dpkg-query -W -f '${Version}' weir")?, "99.0");
    assert!(machine.ok("cat /etc/weir/weir.env")?.contains("WEIR_GATEWAY_PUBLIC=127.0.0.1:4433"));
    assert!(machine.ok("cat /etc/weir/weir.env.dpkg-dist")?.contains("# A setting of a later version."));
    assert_eq!(machine.ok("stat -c %U:%G:%a /etc/weir/weir.env")?.trim(), "root:weir:640");
    site.assert_at_work(&balance).await?;

    move_to_a_server(machine)?;
    site.assert_at_work(&balance).await?;
    let started = machine.ok("systemctl show -P MainPID weir@api")?;
    machine.ok(&upgrade)?;
    assert_ne!(machine.ok("systemctl show -P MainPID weir@api")?, started, "an upgrade restarts the roles");
    assert_eq!(
        machine.run("systemctl is-active weir")?.1.trim(),
        "inactive",
        "and starts nothing that was switched off"
    );
    site.assert_at_work(&balance).await?;

    back_up(machine)?;
    machine.ok("dpkg --remove weir")?;
    machine.ok("test -e /var/lib/weir/postgres/data/PG_VERSION && test -e /etc/weir/weir.env")?;
    assert!(machine.ok("ls /var/lib/weir-agent")?.contains("identity.json"));
    machine.ok("dpkg --purge weir")?;
    machine.ok("! test -e /var/lib/weir && ! test -e /etc/weir/weir.env && test -e /var/backups/weir")?;
    restore(machine, &mut site, &balance).await?;
    machine.ok("dpkg --purge weir")?;
    leave_the_router(machine)
}

/// What lines may do stays with the kernel until it is taken away.
fn leave_the_router(machine: &Machine) -> Result<()> {
    let (done, said) = machine.run("weir-agent uninstall")?;
    assert!(!done && said.contains("another agent uses"), "{said}");
    documented("agent.md", "sudo systemctl disable --now weir-agent", machine)?;
    machine.ok("nft list table inet weir")?;
    documented("agent.md", "sudo weir-agent uninstall", machine)?;
    machine.ok("! nft list table inet weir")?;
    machine.ok("dpkg --purge weir-agent")?;
    machine.ok("! test -e /var/lib/weir-agent && ! test -e /etc/weir")?;
    Ok(())
}

/// From the private database to a server of the operator's own, and from one process to one a role.
fn move_to_a_server(machine: &Machine) -> Result<()> {
    let page = "install.md";
    documented(page, "sudo weir backup --to /var/backups/weir/move", machine)?;
    documented(page, "sudo systemctl disable --now weir", machine)?;
    machine.ok("pg_createcluster --start --port 5432 $(ls /usr/lib/postgresql | sort -n | tail -1) own")?;
    documented(page, "sudo -u postgres psql -c \"CREATE ROLE weir SUPERUSER LOGIN PASSWORD 'choose-one'\"", machine)?;
    documented(page, "sudo -u postgres createdb --owner weir weir", machine)?;
    documented(
        page,
        "echo 'DATABASE_URL=postgres://weir:choose-one@127.0.0.1/weir' | sudo tee -a /etc/weir/weir.env",
        machine,
    )?;
    let restore = "sudo -u weir sh -c 'set -a; . /etc/weir/weir.env; weir restore --from /var/backups/weir/move'";
    documented(page, restore, machine)?;
    documented(page, "sudo systemctl enable --now weir@api weir@gateway weir@worker", machine).map(drop)
}

fn back_up(machine: &Machine) -> Result<()> {
    let line = "sudo -u weir sh -c 'set -a; . /etc/weir/weir.env; weir backup --to /var/backups/weir/today'";
    let said = documented("backup.md", line, machine)?;
    let told: Value = serde_json::from_str(said.trim()).with_context(|| said.clone())?;
    assert!(told["bytes"].as_u64() > Some(10_000), "{told}");
    let modes = machine.ok("stat -c %U:%a /var/backups/weir/today /var/backups/weir/today/*")?;
    assert_eq!(modes.trim(), "weir:700\nweir:600\nweir:600");
    let (again, said) = machine.run("weir backup --to /var/backups/weir/today")?;
    assert!(!again && said.contains("is there already"), "{said}");
    // Not over an installation that has an ISP, running or not.
    let (done, said) = machine.run("weir restore --from /var/backups/weir/today")?;
    assert!(!done && said.contains("this installation has ISPs"), "{said}");
    Ok(())
}

/// A new machine, as far as the control plane can tell: everything comes back, and the agent goes on unasked.
async fn restore(machine: &Machine, site: &mut Site, balance: &Value) -> Result<()> {
    machine.ok("dpkg -i /mnt/weir_*.deb")?;
    machine.ok("echo WEIR_GATEWAY_PUBLIC=127.0.0.1:4433 >> /etc/weir/weir.env")?;
    let (done, said) = machine.run("weir restore --from /var/backups/weir/today")?;
    assert!(!done && said.contains("is weir still running"), "{said}");
    let (done, said) = machine.run("weir restore --from /var/backups/weir/yesterday")?;
    assert!(!done && said.contains("is not a whole backup"), "{said}");
    documented("backup.md", "sudo systemctl stop weir", machine)?;
    documented("backup.md", "sudo weir restore --from /var/backups/weir/today", machine)?;
    documented("backup.md", "sudo systemctl start weir", machine)?;
    site.assert_at_work(balance).await?;
    documented("backup.md", "sudo weir audit verify", machine)?;
    // What was taken from everybody is not given back by a restore.
    let asked = "SELECT has_function_privilege('weir_app', 'pg_catalog.set_config(text,text,boolean)', 'execute')";
    let psql = "runuser -u weir -- psql -h /var/lib/weir/postgres/run -U weir_super -d weir -Atc";
    assert_eq!(machine.ok(&format!("{psql} \"{asked}\""))?.trim(), "f");
    Ok(())
}

/// Types a line that a page of `docs/operating` tells operators to type.
fn documented(page: &str, line: &str, machine: &Machine) -> Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operating").join(page);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let is_it = |found: &str| found.split("   #").next().unwrap_or(found).trim() == line;
    ensure!(text.lines().any(is_it), "{page} does not say: {line}");
    // Whoever types here is root.
    let of_others = ["postgres", "weir"].into_iter().fold(line.to_owned(), |line, user| {
        line.replace(&format!("sudo -u {user} "), &format!("runuser -u {user} -- "))
    });
    machine.ok(&of_others.replace("sudo ", ""))
}

/// The units are what they claim, and the running process is as shut in as its unit says.
fn assert_shut_in(machine: &Machine) -> Result<()> {
    assert_eq!(machine.ok("systemctl is-enabled weir weir-agent")?.trim(), "enabled\nenabled");
    assert_eq!(machine.ok("systemctl is-active weir")?.trim(), "active");
    assert_eq!(machine.run("systemctl is-active weir-agent")?.1.trim(), "inactive", "it is not enrolled");
    let units = "/usr/lib/systemd/system/weir.service /usr/lib/systemd/system/weir@.service \
                 /usr/lib/systemd/system/weir-agent.service";
    let complaints = machine.ok(&format!("systemd-analyze verify {units}"))?;
    assert!(!complaints.contains("weir"), "{complaints}");
    // In tenths. The agent's has what its work needs: the network’s administration, echoes, packets of a line, and loading one BPF program.
    for (unit, most) in [("weir.service", 18), ("weir@api.service", 18), ("weir-agent.service", 26)] {
        machine
            .ok(&format!("systemd-analyze security --no-pager --threshold={most} {unit}"))
            .with_context(|| format!("{unit} is exposed more than {most} tenths"))?;
    }
    let status = machine.ok("cat /proc/$(systemctl show -P MainPID weir)/status")?;
    for expected in ["CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
        assert!(status.contains(expected), "{expected} is missing in {status}");
    }
    Ok(())
}

/// Waits for a unit to be what it should be.
pub async fn becomes(machine: &Machine, unit: &str, state: &str) -> Result<()> {
    until(&format!("{unit} being {state}"), Limit::seconds(20), async || {
        Ok((machine.run(&format!("systemctl is-active {unit}"))?.1.trim() == state).then_some(()))
    })
    .await
}
