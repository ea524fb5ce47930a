//! Debian packages of both programs, by Debian's own tools: a tree with the files, then `dpkg-deb`.
//!
//! The same sources and programs give the same bytes: times are the commit's, files are root's, and names are sorted.

use crate::workspace::{build_programs, cargo, command, must, output, root, target};
use anyhow::{Context, Result};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What to make of what.
#[derive(clap::Args)]
pub struct Wish {
    /// How the programs are built
    #[arg(long, value_enum, default_value = "release")]
    profile: Profile,
    /// Packs the programs in this folder instead of building any
    #[arg(long)]
    programs: Option<PathBuf>,
    /// Where the packages go
    #[arg(long)]
    to: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Profile {
    Debug,
    Release,
}

/// A file of the repository, where it is installed, and its mode.
type Installed = (&'static str, &'static str, u32);

struct Package {
    name: &'static str,
    files: &'static [Installed],
}

const PACKAGES: &[Package] = &[
    Package {
        name: "weir",
        files: &[
            ("deploy/config/weir.env", "etc/weir/weir.env", 0o644),
            ("deploy/systemd/weir.service", "usr/lib/systemd/system/weir.service", 0o644),
            ("deploy/systemd/weir@.service", "usr/lib/systemd/system/weir@.service", 0o644),
            ("deploy/sysusers/weir.conf", "usr/lib/sysusers.d/weir.conf", 0o644),
            ("deploy/debian/copyright", "usr/share/doc/weir/copyright", 0o644),
        ],
    },
    Package {
        name: "weir-agent",
        files: &[
            ("deploy/config/agent.env", "etc/weir/agent.env", 0o644),
            ("deploy/systemd/weir-agent.service", "usr/lib/systemd/system/weir-agent.service", 0o644),
            ("deploy/hooks/dnsmasq", "usr/share/weir-agent/hooks/dnsmasq", 0o755),
            ("deploy/hooks/kea", "usr/share/weir-agent/hooks/kea", 0o755),
            ("deploy/hooks/ppp", "usr/share/weir-agent/hooks/ppp", 0o755),
            ("deploy/sysusers/weir-agent.conf", "usr/lib/sysusers.d/weir-agent.conf", 0o644),
            ("deploy/debian/copyright", "usr/share/doc/weir-agent/copyright", 0o644),
        ],
    },
];
/// Scripts of `deploy/debian/<package>`, run by dpkg.
const SCRIPTS: &[&str] = &["postinst", "prerm", "postrm"];

/// Makes both packages.
pub fn run(wish: &Wish) -> Result<()> {
    let to = wish.to.clone().unwrap_or_else(|| target().join("debian"));
    let to = std::path::absolute(to)?;
    fs::create_dir_all(&to).with_context(|| format!("making {}", to.display()))?;
    for package in PACKAGES {
        let program = program(wish, package.name)?;
        let tree = to.join(format!("{}.tree", package.name));
        let packed = Tree::new(&tree).and_then(|tree| pack(package, &program, &tree, wish.profile, &to));
        let removed = fs::remove_dir_all(&tree);
        println!("{}", packed.with_context(|| format!("packing {}", package.name))?.display());
        removed?;
    }
    Ok(())
}

/// The program to pack: given, or built; the agent's own profile is small before it is fast.
fn program(wish: &Wish, name: &str) -> Result<PathBuf> {
    if let Some(folder) = &wish.programs {
        return Ok(std::path::absolute(folder)?.join(name));
    }
    let folder = match (wish.profile, name) {
        (Profile::Debug, _) => return Ok(build_programs()?.join(name)),
        (Profile::Release, "weir-agent") => "agent",
        (Profile::Release, _) => "release",
    };
    must(&mut cargo(&["build", "--workspace", "--bin", name, "--profile", folder]))?;
    Ok(target().join(folder).join(name))
}

fn pack(package: &Package, program: &Path, tree: &Tree, profile: Profile, to: &Path) -> Result<PathBuf> {
    let name = package.name;
    let installed = tree.put(program, &format!("usr/bin/{name}"), 0o755)?;
    must(command("strip", &["--strip-unneeded"]).arg(&installed))?;
    for &(source, destination, mode) in package.files {
        tree.put(&root().join(source), destination, mode)?;
    }
    let about = root().join("deploy/debian").join(name);
    let sums = tree.sums()?;
    let control = Control { tree, program: &installed, version: env!("CARGO_PKG_VERSION") };
    let architecture = architecture()?;
    let text = control.fill(&fs::read_to_string(about.join("control"))?, &architecture)?;
    for script in SCRIPTS {
        tree.put(&about.join(script), &format!("DEBIAN/{script}"), 0o755)?;
    }
    tree.put(&about.join("conffiles"), "DEBIAN/conffiles", 0o644)?;
    tree.write("DEBIAN/control", &text)?;
    tree.write("DEBIAN/md5sums", &sums)?;
    let seconds = source_date()?;
    tree.date(seconds)?;
    let deb = to.join(format!("{name}_{}_{architecture}.deb", control.version));
    let press: &[&str] = if profile == Profile::Debug { &["-Zgzip", "-z1"] } else { &["-Zxz"] };
    let mut build = command("dpkg-deb", press);
    build.args(["--root-owner-group", "--build"]).arg(&tree.0).arg(&deb);
    output(build.env("SOURCE_DATE_EPOCH", seconds.to_string()))?;
    Ok(deb)
}

/// The files of a package as they will lie on the machine, and `DEBIAN` beside them.
struct Tree(PathBuf);

impl Tree {
    fn new(folder: &Path) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        Ok(Self(folder.to_owned()))
    }

    fn put(&self, source: &Path, destination: &str, mode: u32) -> Result<PathBuf> {
        let path = self.room_for(destination)?;
        fs::copy(source, &path).with_context(|| format!("copying {}", source.display()))?;
        fs::set_permissions(&path, Permissions::from_mode(mode))?;
        Ok(path)
    }

    fn write(&self, destination: &str, text: &str) -> Result<()> {
        let path = self.room_for(destination)?;
        fs::write(&path, text)?;
        Ok(fs::set_permissions(&path, Permissions::from_mode(0o644))?)
    }

    fn room_for(&self, destination: &str) -> Result<PathBuf> {
        let path = self.0.join(destination);
        fs::create_dir_all(path.parent().unwrap_or(&self.0))?;
        Ok(path)
    }

    /// Files relative to the tree, sorted.
    fn files(&self) -> Result<Vec<String>> {
        let found = output(command("find", &[".", "-type", "f", "-printf", "%P\n"]).current_dir(&self.0))?;
        let mut files: Vec<_> = found.lines().map(str::to_owned).collect();
        files.sort();
        Ok(files)
    }

    fn sums(&self) -> Result<String> {
        output(command("md5sum", &[]).current_dir(&self.0).args(self.files()?))
    }

    /// Kibibytes, as Debian counts: each file rounded up.
    fn size(&self) -> Result<u64> {
        let sizes = self.files()?.into_iter().map(|file| Ok(fs::metadata(self.0.join(file))?.len().div_ceil(1024)));
        sizes.sum()
    }

    /// One time for everything, and modes that do not follow the umask.
    fn date(&self, seconds: u64) -> Result<()> {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        for entry in output(command("find", &["-depth"]).current_dir(&self.0))?.lines() {
            let path = self.0.join(entry);
            if path.is_dir() {
                fs::set_permissions(&path, Permissions::from_mode(0o755))?;
            }
            File::open(&path)?.set_modified(time)?;
        }
        Ok(())
    }
}

/// What stands in a package's `control` beside what is written in the repository.
struct Control<'a> {
    tree: &'a Tree,
    program: &'a Path,
    version: &'static str,
}

impl Control<'_> {
    fn fill(&self, template: &str, architecture: &str) -> Result<String> {
        let size = self.tree.size()?.to_string();
        let libraries = self.libraries()?;
        let values = [
            ("@VERSION@", self.version),
            ("@ARCHITECTURE@", architecture),
            ("@SIZE@", &size),
            ("@SHARED_LIBRARIES@", &libraries),
        ];
        Ok(values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(name, value)))
    }

    /// The packages its shared libraries are in; Debian's tool wants to see a source package.
    fn libraries(&self) -> Result<String> {
        let folder = self.tree.0.with_extension("libraries");
        fs::create_dir_all(folder.join("debian"))?;
        fs::write(folder.join("debian/control"), "Source: weir\n\nPackage: weir\nArchitecture: any\n")?;
        let found = output(command("dpkg-shlibdeps", &["-O"]).arg(self.program).current_dir(&folder));
        fs::remove_dir_all(&folder)?;
        let found = found?;
        let line = found.lines().find_map(|line| line.strip_prefix("shlibs:Depends=")).map(str::to_owned);
        line.context("dpkg-shlibdeps names no packages")
    }
}

fn architecture() -> Result<String> {
    Ok(output(&mut command("dpkg", &["--print-architecture"]))?.trim().to_owned())
}

/// The time everything in a package carries: `SOURCE_DATE_EPOCH`, or the last commit's.
fn source_date() -> Result<u64> {
    let told = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(told) => told,
        Err(_) => output(&mut command("git", &["log", "-1", "--format=%ct"]))?,
    };
    told.trim().parse().context("SOURCE_DATE_EPOCH is not a number of seconds")
}
