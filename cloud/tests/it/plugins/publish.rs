//! `weir plugin`: a project is made, and a component is published over the API.

use std::process::Command;

use super::component;
use crate::money::harness::{Isp, story};

fn weir(arguments: &[&str]) -> (bool, String) {
    let done =
        Command::new(env!("CARGO_BIN_EXE_weir")).args(arguments).env_remove("WEIR_TOKEN").output().expect("weir");
    (done.status.success(), String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned())
}

#[test]
fn a_project_is_whole_and_never_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    for hook in ["rate-usage", "handle-event"] {
        let path = folder.path().join(hook);
        let path = path.to_str().expect("a path");
        let (ok, said) = weir(&["plugin", "new", "fair-price", "--hook", hook, "--path", path]);
        assert!(ok, "{said}");
        let manifest = std::fs::read_to_string(format!("{path}/Cargo.toml")).expect("a manifest");
        assert!(
            manifest.contains("name = \"fair-price\"") && manifest.contains("path = \"weir-plugin\""),
            "{manifest}"
        );
        assert!(std::fs::read_dir(format!("{path}/cases")).expect("cases").count() > 0);
        assert!(std::path::Path::new(path).join("weir-plugin/wit/hooks.wit").is_file());
        let (ok, said) = weir(&["plugin", "new", "fair-price", "--hook", hook, "--path", path]);
        assert!(!ok && said.contains("is there already"), "{said}");
    }
    let (ok, said) = weir(&["plugin", "new", "Fair Price"]);
    assert!(!ok && said.contains("lower-case"), "{said}");
}

#[test]
fn a_component_is_published_and_what_cannot_be_is_told() {
    story(async {
        let isp = Isp::new("publish", "2026-11-01T10:00:00Z").await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let served = tokio::spawn(weir_cloud::http::server::serve(listener, isp.router.clone(), stopped));
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("night-owl.wasm");
        std::fs::write(&file, component("night-owl")).expect("written");
        let file = file.to_str().expect("a path").to_owned();
        let publish = |token: String| {
            let (url, file) = (url.clone(), file.clone());
            tokio::task::spawn_blocking(move || {
                weir(&[
                    "plugin",
                    "publish",
                    "--url",
                    &url,
                    "--token",
                    &token,
                    "--name",
                    "night-owl",
                    "--component",
                    &file,
                ])
            })
        };
        let (ok, said) = publish("forged".into()).await.expect("ran");
        assert!(!ok && said.contains("401"), "{said}");
        let (ok, said) = publish(isp.token.clone()).await.expect("ran");
        assert!(ok && said.contains("night-owl version 1, sha256 "), "{said}");
        let plugins = isp.get("/plugins").await.expect(200);
        assert_eq!(plugins["items"][0]["name"], "night-owl");
        let (ok, said) = publish(isp.token.clone()).await.expect("ran");
        assert!(!ok && said.contains("409") && said.contains("it is version 1"), "{said}");
        stop.send_replace(true);
        served.await.expect("ended").expect("served");
    });
}
