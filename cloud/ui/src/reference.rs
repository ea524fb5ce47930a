//! The reference of the REST API as a page. Its words come from the API's own document, in English.
use askama::Template;

use crate::Frame;

/// `GET /api`: every operation and every shape.
#[derive(Debug, Template)]
#[template(path = "reference.html")]
pub struct Reference<'a> {
    /// Theme and tenant's hue.
    pub frame: &'a Frame,
    /// The h1.
    pub title: String,
    /// One sentence.
    pub lede: String,
    /// What holds for every operation, a paragraph each.
    pub notes: Vec<String>,
    /// Operations, by part of the business.
    pub groups: Vec<Group>,
    /// What is sent and answered.
    pub shapes: Vec<Shape>,
}

/// Operations on one part of the business.
#[derive(Debug)]
pub struct Group {
    /// The document's tag.
    pub name: String,
    /// In the document's order.
    pub operations: Vec<Operation>,
}

/// One operation.
#[derive(Debug)]
pub struct Operation {
    /// Where on the page.
    pub anchor: String,
    /// Such as `GET`.
    pub method: String,
    /// With `{id}` where an id goes.
    pub path: String,
    /// What it does, in a line.
    pub summary: String,
    /// More about it; may be empty.
    pub text: String,
    /// The permission it takes; empty when it takes none.
    pub permission: String,
    /// In the path and after the question mark.
    pub parameters: Vec<Property>,
    /// The body it takes.
    pub body: Option<Kind>,
    /// What it answers when all is well: status and shape.
    pub answers: Vec<(String, Option<Kind>)>,
    /// The call as a command.
    pub example: String,
}

/// A parameter, or a part of a shape.
#[derive(Debug)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Whether it must be there.
    pub required: bool,
    /// What it means.
    pub text: String,
}

/// What a value is.
#[derive(Debug)]
pub struct Kind {
    /// In words.
    pub text: String,
    /// The shape it names, if it has one on the page.
    pub shape: Option<String>,
}

/// An object, or a choice of words.
#[derive(Debug)]
pub struct Shape {
    /// Its name.
    pub name: String,
    /// What it is.
    pub text: String,
    /// Its parts, for an object.
    pub properties: Vec<Property>,
    /// Its words, for a choice.
    pub words: Vec<String>,
}
