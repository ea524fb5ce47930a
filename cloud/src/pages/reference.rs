//! `/api`: the reference of the REST API, read off the document it is served with.

use std::collections::BTreeMap;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use serde_json::{Map, Value, json};
use weir_ui::Frame;
use weir_ui::reference::{Group, Kind, Operation, Property, Reference, Shape};

use crate::app::App;
use crate::error::Problem;
use crate::http::page::{anonymous_frame, html};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];
/// How deep an example shows what is inside.
const EXAMPLE_DEPTH: usize = 4;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api", get(show))
}

async fn show(headers: HeaderMap) -> Result<Response, Problem> {
    let document = serde_json::to_value(crate::http::router::openapi()).map_err(|error| Problem::internal(&error))?;
    let document = Document(&document);
    // The document's words are English, so the page is.
    let frame = Frame { lang: "en", ..anonymous_frame(&headers) };
    let page = Reference {
        title: "The Weir API".into(),
        lede: "Everything the screens do, for programs.".into(),
        notes: document.text(&document.0["info"], "description").split("\n\n").map(str::to_owned).collect(),
        groups: document.groups(),
        shapes: document.shapes(),
        frame: &frame,
    };
    html(StatusCode::OK, &page)
}

/// An OpenAPI document.
struct Document<'a>(&'a Value);

impl Document<'_> {
    fn groups(&self) -> Vec<Group> {
        let mut groups: BTreeMap<String, Vec<Operation>> = BTreeMap::new();
        for (path, methods) in self.0["paths"].as_object().into_iter().flatten() {
            for method in METHODS {
                let Some(operation) = methods.get(method) else { continue };
                let tag = operation["tags"][0].as_str().unwrap_or("other").to_owned();
                groups.entry(tag).or_default().push(self.operation(method, path, operation));
            }
        }
        groups.into_iter().map(|(name, operations)| Group { name, operations }).collect()
    }

    fn operation(&self, method: &str, path: &str, operation: &Value) -> Operation {
        let parameters = operation["parameters"].as_array().into_iter().flatten().map(|parameter| Property {
            name: self.text(parameter, "name"),
            kind: self.kind(&parameter["schema"]),
            required: parameter["required"] == true,
            text: self.text(parameter, "description"),
        });
        let body = operation["requestBody"]["content"]["application/json"].get("schema");
        let answers = operation["responses"].as_object().into_iter().flatten();
        let answers = answers.filter(|(status, _)| status.starts_with('2')).map(|(status, answer)| {
            let content = answer["content"].as_object().and_then(|content| content.iter().next());
            let kind = content.map(|(media, content)| match media.as_str() {
                "application/json" => self.kind(&content["schema"]),
                other => Kind { text: other.to_owned(), shape: None },
            });
            (status.clone(), kind)
        });
        let method = method.to_uppercase();
        Operation {
            anchor: self.text(operation, "operationId"),
            example: self.example_call(&method, path, operation, body),
            path: path.to_owned(),
            summary: self.text(operation, "summary"),
            text: self.text(operation, "description"),
            permission: operation["security"][0]["session"][0].as_str().unwrap_or_default().to_owned(),
            parameters: parameters.collect(),
            body: body.map(|schema| self.kind(schema)),
            answers: answers.collect(),
            method,
        }
    }

    fn example_call(&self, method: &str, path: &str, operation: &Value, body: Option<&Value>) -> String {
        let mut call = String::from("curl");
        if method != "GET" {
            call.push_str(&format!(" --request {method}"));
        }
        if operation.get("security").is_some() {
            call.push_str(" --header \"Authorization: Bearer $WEIR_TOKEN\"");
        }
        call.push_str(&format!(" \"$WEIR_URL{}\"", path.replace("{id}", "$ID")));
        if let Some(schema) = body {
            let body = serde_json::to_string_pretty(&self.example(schema, 0)).unwrap_or_default();
            call.push_str(&format!(" \\\n  --json '{body}'"));
        }
        call
    }

    /// A value a schema would take: its own example, or one made of its parts.
    fn example(&self, schema: &Value, depth: usize) -> Value {
        let schema = self.resolved(schema);
        if let Some(example) = schema.get("example") {
            return example.clone();
        }
        if let Some(word) = schema["enum"].get(0) {
            return word.clone();
        }
        if let Some(first) = schema["oneOf"].as_array().and_then(|of| of.iter().find(|one| one["type"] != "null")) {
            return self.example(first, depth);
        }
        match type_names(schema).first().copied().unwrap_or("object") {
            "object" if depth < EXAMPLE_DEPTH => {
                let properties = schema["properties"].as_object().into_iter().flatten();
                let needed = properties.filter(|(name, _)| is_required(schema, name) || depth == 0);
                let filled = needed.map(|(name, property)| (name.clone(), self.example(property, depth + 1)));
                Value::Object(filled.collect::<Map<_, _>>())
            }
            "array" => json!([self.example(&schema["items"], depth + 1)]),
            "integer" | "number" => json!(1),
            "boolean" => json!(true),
            "string" => match schema["format"].as_str() {
                Some("date") => json!("2026-12-01"),
                Some("date-time") => json!("2026-12-01T09:00:00Z"),
                _ => json!("…"),
            },
            _ => Value::Null,
        }
    }

    fn kind(&self, schema: &Value) -> Kind {
        if let Some(name) = referred(schema) {
            let shape = self.is_shape(self.resolved(schema)).then(|| name.to_owned());
            return Kind { text: name.to_owned(), shape };
        }
        if let Some(of) = schema["oneOf"].as_array() {
            let kinds: Vec<_> = of.iter().map(|one| self.kind(one)).collect();
            let text = kinds.iter().map(|kind| kind.text.as_str()).collect::<Vec<_>>().join(" or ");
            return Kind { text, shape: kinds.into_iter().find_map(|kind| kind.shape) };
        }
        if schema["type"] == "array" {
            let of = self.kind(&schema["items"]);
            return Kind { text: format!("list of {}", of.text), shape: of.shape };
        }
        let mut text = type_names(schema).join(" or ");
        if let Some(format) = schema["format"].as_str() {
            text = format!("{text}, {format}");
        }
        Kind { text, shape: None }
    }

    fn shapes(&self) -> Vec<Shape> {
        let schemas = self.0["components"]["schemas"].as_object().into_iter().flatten();
        let shapes = schemas.filter(|(_, schema)| self.is_shape(schema)).map(|(name, schema)| {
            let properties = schema["properties"].as_object().into_iter().flatten().map(|(name, property)| Property {
                name: name.clone(),
                kind: self.kind(property),
                required: is_required(schema, name),
                text: self.description(property),
            });
            let words = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
            Shape {
                name: name.clone(),
                text: self.text(schema, "description"),
                properties: properties.collect(),
                words: words.map(str::to_owned).collect(),
            }
        });
        shapes.collect()
    }

    /// Whether a schema is worth a place of its own: ids are plain texts.
    fn is_shape(&self, schema: &Value) -> bool {
        schema.get("properties").is_some() || schema.get("enum").is_some()
    }

    fn resolved<'v>(&'v self, schema: &'v Value) -> &'v Value {
        referred(schema).map_or(schema, |name| &self.0["components"]["schemas"][name])
    }

    fn text(&self, value: &Value, key: &str) -> String {
        value[key].as_str().unwrap_or_default().to_owned()
    }

    /// A property's own words, which stand beside a reference or inside its choice.
    fn description(&self, property: &Value) -> String {
        let own = self.text(property, "description");
        let inner = property["oneOf"].as_array().into_iter().flatten().map(|one| self.text(one, "description"));
        if own.is_empty() { inner.into_iter().find(|text| !text.is_empty()).unwrap_or_default() } else { own }
    }
}

fn referred(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

fn is_required(schema: &Value, name: &str) -> bool {
    schema["required"].as_array().into_iter().flatten().any(|required| required == name)
}

fn type_names(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}
