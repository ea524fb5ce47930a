//! The pages of sites: the example the other areas imitate.
use askama::Template;

use crate::Frame;

/// One row of the list.
#[derive(Debug, Clone)]
pub struct Row {
    /// The site's identifier, as it stands in its address.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its postal address, or empty.
    pub address: String,
}

/// `GET /sites`.
#[derive(Debug, Template)]
#[template(path = "sites/index.html")]
pub struct Index<'a> {
    /// The surroundings.
    pub frame: &'a Frame,
    /// This page of sites.
    pub rows: Vec<Row>,
    /// The address of the next page.
    pub next: Option<String>,
}

/// `GET /sites/{id}`.
#[derive(Debug, Template)]
#[template(path = "sites/show.html")]
pub struct Show<'a> {
    /// The surroundings.
    pub frame: &'a Frame,
    /// The site.
    pub site: Row,
}

/// `GET /sites/new`, and the 422 answer of its POST.
#[derive(Debug, Template)]
#[template(path = "sites/form.html")]
pub struct Form<'a> {
    /// The surroundings.
    pub frame: &'a Frame,
    /// Where the form posts to.
    pub action: String,
    /// The name as typed.
    pub name: String,
    /// The address as typed.
    pub address: String,
    /// What is wrong with the name, translated; empty when nothing is.
    pub name_error: String,
}

/// Every page of this area in every state: its name, and its HTML.
///
/// # Errors
/// When a template fails to render.
pub fn samples(frame: &Frame) -> askama::Result<Vec<(&'static str, String)>> {
    let site = Row { id: "1".into(), name: "Mill Lane".into(), address: "4 Mill Lane".into() };
    let form = |name_error: String| Form {
        frame,
        action: "/sites".into(),
        name: String::new(),
        address: String::new(),
        name_error,
    };
    Ok(vec![
        ("sites-index", Index { frame, rows: vec![site.clone()], next: Some("/sites?after=1".into()) }.render()?),
        ("sites-empty", Index { frame, rows: vec![], next: None }.render()?),
        ("sites-show", Show { frame, site }.render()?),
        ("sites-new", form(String::new()).render()?),
        ("sites-new-error", form(frame.t("sites-name-required")).render()?),
    ])
}
