//! `/routers/{id}/diagnoses/new` and `/routers/{id}/captures/new`: what a router shall be asked.

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use weir_ui::blocks::Input;
use weir_ui::pages::Form;

use super::diagnostics::tool_word;
use super::{Asking, form_status};
use crate::app::App;
use crate::diagnostics::{self, CaptureWish, DiagnosisWish, Tool};
use crate::error::Problem;
use crate::http::page::{Fields, Screen, html, is_about_the_form, see};
use crate::http::permission::{CapturePackets, DiagnoseRouters, Needs};
use crate::http::{ApiPath, ApiQuery};
use crate::ids::RouterId;
use crate::network;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/routers/{id}/diagnoses/new", get(new))
        .route("/routers/{id}/captures/new", get(new_capture))
        .route("/routers/{id}/captures", post(capture))
}

#[derive(Deserialize)]
struct Wanted {
    /// With what.
    tool: Option<Tool>,
    /// The line it is about.
    #[serde(default)]
    line: String,
}

async fn new(
    screen: Screen<DiagnoseRouters>,
    ApiPath(id): ApiPath<RouterId>,
    ApiQuery(wanted): ApiQuery<Wanted>,
) -> Result<Response, Problem> {
    let tool = wanted.tool.filter(|tool| *tool != Tool::Capture).unwrap_or(Tool::Ping);
    let fields = Fields::of([("subscription_id", wanted.line)]);
    form(&screen, id, tool, &fields, None).await
}

/// Asks, and shows what comes.
pub(super) async fn ask(
    screen: Screen<DiagnoseRouters>,
    ApiPath(id): ApiPath<RouterId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    network::router(&mut tx, id).await?;
    let tool = Tool::ALL.into_iter().find(|tool| tool.name() == fields.get("tool")).unwrap_or(Tool::Ping);
    let subscription_id = fields.read_option("subscription_id", "error-diagnosis-line");
    let problem = fields.problem();
    let wish = DiagnosisWish { tool, target: fields.text("target"), server: fields.text("server"), subscription_id };
    let asked = match problem.errors.is_empty() {
        true => diagnostics::ask(&mut tx, id, &wish).await.map_err(Problem::from),
        false => Err(problem),
    };
    match asked {
        Ok(one) => {
            tx.commit().await?;
            Ok(see(&format!("/diagnoses/{}", one.id)))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            form(&screen, id, tool, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn form(
    screen: &Screen<DiagnoseRouters>,
    id: RouterId,
    tool: Tool,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let hidden = Fields::of([
        ("tool", tool.name().to_owned()),
        ("target", fields.text("target")),
        ("server", fields.text("server")),
        ("subscription_id", fields.text("subscription_id")),
    ]);
    let line = || Input::Line("text");
    let asked = Asking::new(&screen.frame, &hidden, problem).ask("tool", "diagnosis-tool", Input::Hidden);
    let asked = match tool {
        Tool::Ping | Tool::Traceroute => asked.ask("target", "diagnosis-host", line()),
        Tool::Dns => asked.ask("target", "diagnosis-name", line()).ask("server", "diagnosis-server", line()),
        Tool::Shaper => asked.ask("subscription_id", "diagnosis-line", line()),
        Tool::Log | Tool::Talkers | Tool::Capture => asked,
    };
    shown(screen, id, tool, asked, "diagnoses", problem).await
}

async fn new_capture(
    screen: Screen<CapturePackets>,
    ApiPath(id): ApiPath<RouterId>,
    ApiQuery(wanted): ApiQuery<Wanted>,
) -> Result<Response, Problem> {
    let fields = Fields::of([
        ("subscription_id", wanted.line),
        ("seconds", "10".into()),
        ("packets", "1000".into()),
        ("snap_bytes", "96".into()),
    ]);
    capture_form(&screen, id, &fields, None).await
}

async fn capture(
    screen: Screen<CapturePackets>,
    ApiPath(id): ApiPath<RouterId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    network::router(&mut tx, id).await?;
    let line = fields.read("subscription_id", "error-diagnosis-line");
    let [seconds, packets, snap_bytes] =
        ["seconds", "packets", "snap_bytes"].map(|name| fields.read_option(name, "error-number"));
    let problem = fields.problem();
    let asked = match line.filter(|_| problem.errors.is_empty()) {
        Some(subscription_id) => {
            let wish = CaptureWish { subscription_id, reason: fields.text("reason"), seconds, packets, snap_bytes };
            diagnostics::capture(&mut tx, id, &wish).await.map_err(Problem::from)
        }
        None => Err(problem),
    };
    match asked {
        Ok(one) => {
            tx.commit().await?;
            Ok(see(&format!("/diagnoses/{}", one.id)))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            capture_form(&screen, id, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn capture_form(
    screen: &Screen<CapturePackets>,
    id: RouterId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let number = || Input::Line("number");
    let asked = Asking::new(&screen.frame, fields, problem)
        .ask("subscription_id", "diagnosis-captured-line", Input::Line("text"))
        .ask("reason", "diagnosis-reason", Input::Line("text"))
        .ask("seconds", "diagnosis-seconds", number())
        .ask("packets", "diagnosis-packets", number())
        .ask("snap_bytes", "diagnosis-snap", number());
    shown(screen, id, Tool::Capture, asked, "captures", problem).await
}

async fn shown<P: Needs>(
    screen: &Screen<P>,
    id: RouterId,
    tool: Tool,
    asked: Asking<'_>,
    path: &str,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let router = network::router(&mut screen.read().await?, id).await?;
    let page = Form {
        frame: &screen.frame,
        up: (format!("/routers/{id}/diagnoses"), screen.frame.t1("diagnostics-title", "name", &router.name)),
        title: tool_word(screen, tool),
        lede: screen.t(&format!("diagnosis-tool-{}-lede", tool.name())),
        form: asked.inset(String::new(), format!("/routers/{id}/{path}"), "diagnosis-ask"),
    };
    html(form_status(problem), &page)
}
