//! Runners: shut in, bound to a tenant, loading only what is signed, ended when they are silent.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;
use weir_cloud::app::App;
use weir_cloud::config::Config;
use weir_cloud::plugins::Runners;
use weir_plugin_host::call::{Call, Context, Event, Fault, Hook, Input, Mode, Reply};
use weir_plugin_host::runner::{Ask, Hello};
use weir_plugin_host::{compile, frame, sign};

use super::component;
use crate::money::harness::{Isp, story};

/// A runner, and its end.
struct Runner(Child);

impl Runner {
    fn start(tenant: Uuid, public_key: Vec<u8>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        command.arg("plugin-runner").env_clear().stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut runner = Self(command.spawn().expect("a runner"));
        runner.say(&Hello { tenant, public_key });
        runner
    }

    fn say(&mut self, value: &impl serde::Serialize) {
        frame::write_value(self.0.stdin.as_mut().expect("its input"), value).expect("said");
    }

    fn answer<T: serde::de::DeserializeOwned>(&mut self) -> T {
        frame::read_value(self.0.stdout.as_mut().expect("its output")).expect("read").expect("an answer")
    }

    fn load(&mut self, digest: [u8; 32], signature: Vec<u8>, code: &[u8]) -> Result<(), String> {
        self.say(&Ask::Load { digest, hook: Hook::HandleEvent, signature });
        frame::write(self.0.stdin.as_mut().expect("its input"), code).expect("said");
        self.answer()
    }

    fn call(&mut self, digest: [u8; 32], tenant: Uuid) -> Reply {
        self.say(&Ask::Call { digest, call: Box::new(call(tenant)) });
        self.answer()
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let _it_may_have_ended = self.0.kill();
        let _it_has_ended = self.0.wait();
    }
}

fn call(tenant: Uuid) -> Call {
    let context = Context {
        tenant,
        invocation: Uuid::from_u128(9),
        now: 0,
        config_revision: 1,
        utc_offset_minutes: 0,
        currency: "EUR".into(),
        mode: Mode::Live,
    };
    let event = Event {
        id: Uuid::from_u128(8),
        kind: "hold.placed".into(),
        occurred_at: 0,
        subject: "sub".into(),
        account: None,
        facts: Default::default(),
        payload: "{}".into(),
    };
    let settings = [("do".to_owned(), "note".to_owned())].into();
    Call { context, settings, input: Input::HandleEvent(event) }
}

#[test]
fn a_runner_loads_what_is_signed_for_its_tenant_and_serves_nobody_else() {
    let (report, code) = compile::compile(&component("forger")).expect("compiled");
    assert_eq!(report.hook, Hook::HandleEvent);
    let digest = sign::digest(&component("forger"));
    let signer = sign::Signer::from_secret(&[3; 32]).expect("a key");
    let (tenant, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let mut runner = Runner::start(tenant, signer.public_key());
    let signature = signer.sign(tenant, &digest, &code);
    let mut changed = code.clone();
    changed[code.len() / 2] ^= 1;
    assert!(runner.load(digest, signature.clone(), &changed).unwrap_err().contains("not signed"));
    assert!(runner.load(digest, signer.sign(other, &digest, &code), &code).is_err());
    let stranger = sign::Signer::from_secret(&[4; 32]).expect("a key");
    assert!(runner.load(digest, stranger.sign(tenant, &digest, &code), &code).is_err());
    assert!(matches!(runner.call(digest, tenant).result, Err((Fault::Load, _))), "nothing was loaded");
    assert_eq!(runner.load(digest, signature, &code), Ok(()));
    assert!(runner.call(digest, tenant).result.is_ok());
    assert!(matches!(runner.call(digest, other).result, Err((Fault::Load, _))), "another tenant's call");
}

#[test]
fn a_runner_has_one_thread_a_list_of_calls_and_limits() {
    let signer = sign::Signer::from_secret(&[3; 32]).expect("a key");
    let tenant = Uuid::from_u128(1);
    let mut runner = Runner::start(tenant, signer.public_key());
    // An answer says that it is past its beginning.
    assert!(runner.call([0; 32], tenant).result.is_err());
    let of = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", runner.0.id())).expect(file);
    let status = of("status");
    let line = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim).map(str::to_owned);
    assert_eq!((line("Threads:").as_deref(), line("Seccomp:").as_deref()), (Some("1"), Some("2")), "{status}");
    assert_eq!(line("NoNewPrivs:").as_deref(), Some("1"), "{status}");
    let limits = of("limits");
    let address_space = limits.lines().find(|line| line.starts_with("Max address space")).expect("a limit");
    assert!(address_space.contains("1073741824"), "{limits}");
    assert!(of("environ").is_empty());
}

#[test]
fn a_runner_that_does_not_answer_is_ended_and_the_plugin_blamed() {
    story(async {
        let isp = Isp::new("silent", "2026-11-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&crate::money::world::FIBRE).await);
        isp.line(isp.account("Ana").await, router, plan, "2026-11-01").await;
        let hold = json!({ "kind": "manual", "effect": "closed", "reason": "Test" });
        let line = isp.get("/subscriptions").await.expect(200)["items"][0]["id"].as_str().expect("a line").to_owned();
        isp.post(&format!("/subscriptions/{line}/holds"), hold).await.expect(201);
        let vip = isp.uploaded("vip", "handle-event", "vip-overdue").await;

        let folder = tempfile::tempdir().expect("a folder");
        let (pid, program) = (folder.path().join("pid"), folder.path().join("silent"));
        let mut script = std::fs::File::create(&program).expect("a script");
        writeln!(script, "#!/bin/sh\necho $$ > {}\nexec sleep 600", pid.display()).expect("written");
        drop(script);
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("executable");
        let config = Config { plugin_program: Some(program), ..(*isp.app.config).clone() };
        let app =
            App { plugins: Arc::new(Runners::new(&config, &isp.app.secrets).expect("runners")), ..isp.app.clone() };

        let id = vip.version.parse().expect("an id");
        let tried = weir_cloud::plugins::dry_run(&app, &isp.scope(), id).await.expect("tried").dry_run.expect("found");
        assert!(tried.failed > 0 && tried.differences[0].reason.contains("no answer within"), "{tried:?}");
        let pid = std::fs::read_to_string(pid).expect("it was started");
        let ended = async {
            while std::path::Path::new("/proc").join(pid.trim()).exists() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), ended).await.expect("its process is gone");
    });
}
