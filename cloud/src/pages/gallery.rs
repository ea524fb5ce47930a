//! `/gallery`: every component and page as samples. Staff see it, as they see every screen; it holds nobody's data.

use axum::Router;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use weir_ui::samples::{self, SAMPLES, VARIANTS};
use weir_ui::{Frame, pages};

use crate::app::App;
use crate::error::{self, Problem};
use crate::http::page::{Screen, html};
use crate::http::permission::LoggedIn;
use crate::http::{ApiPath, ApiQuery};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/gallery", get(gallery)).route("/gallery/{name}", get(sample))
}

async fn gallery(screen: Screen<LoggedIn>) -> Result<Response, Problem> {
    let page = pages::Gallery {
        frame: &screen.frame,
        title: screen.t("gallery-title"),
        lede: screen.t("gallery-lede"),
        names: SAMPLES.iter().map(|(name, _)| *name).collect(),
        variants: &VARIANTS,
    };
    html(StatusCode::OK, &page)
}

#[derive(Deserialize)]
struct Variant {
    lang: Option<String>,
    theme: Option<String>,
}

async fn sample(
    _: Screen<LoggedIn>,
    ApiPath(name): ApiPath<String>,
    ApiQuery(wanted): ApiQuery<Variant>,
) -> Result<Response, Problem> {
    let same = |(lang, theme): &&(&str, &str)| {
        wanted.lang.as_deref().is_none_or(|wanted| wanted == *lang)
            && wanted.theme.as_deref().is_none_or(|wanted| wanted == *theme)
    };
    let variant = VARIANTS.iter().find(same);
    let (lang, theme) = variant.ok_or_else(|| Problem::new(&error::NOT_FOUND, "there is no such variant"))?;
    let frame = Frame { theme, ..Frame::sample(lang) };
    let page = samples::page(&name, &frame);
    let page = page.ok_or_else(|| Problem::new(&error::NOT_FOUND, "there is no such sample"))?;
    Ok(Html(page.map_err(|error| Problem::internal(&error))?).into_response())
}
