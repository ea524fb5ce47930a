//! The file of examples: an object with `cases`, each with its own id.

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// One example as it stands in the file.
pub struct Case {
    /// Its id, or its place where it has none.
    pub id: String,
    /// What it says, or why nothing can be made of it.
    pub body: Result<Body, String>,
}

/// What an example says.
pub struct Body {
    /// Which rule it is about.
    pub kind: String,
    /// What goes in.
    pub input: Map<String, Value>,
    /// What must come out; at least one key.
    pub expected: Map<String, Value>,
}

/// The cases of a file; refuses one that is no JSON or has none. A bad case is kept, to be told as a failure.
pub fn cases(text: &str) -> Result<Vec<Case>> {
    let whole: Value = serde_json::from_str(text).context("not JSON")?;
    let cases = whole.get("cases").and_then(Value::as_array).context("no list `cases`")?;
    if cases.is_empty() {
        bail!("`cases` is empty");
    }
    let mut seen = BTreeSet::new();
    let mut read = Vec::with_capacity(cases.len());
    for (index, value) in cases.iter().enumerate() {
        let name = value.get("id").and_then(Value::as_str).filter(|id| !id.trim().is_empty());
        let id = name.map_or_else(|| format!("case {}", index + 1), str::to_owned);
        let body = match name {
            None => Err("no `id`".to_owned()),
            Some(name) if !seen.insert(name.to_owned()) => Err("the id stands twice".to_owned()),
            Some(_) => body(value),
        };
        read.push(Case { id, body });
    }
    Ok(read)
}

fn body(case: &Value) -> Result<Body, String> {
    let kind = case.get("kind").and_then(Value::as_str).ok_or("no `kind`")?.to_owned();
    let object = |key: &str| {
        let found = case.get(key).ok_or_else(|| format!("no `{key}`"))?;
        found.as_object().cloned().ok_or_else(|| format!("`{key}` is not an object"))
    };
    let (input, expected) = (object("input")?, object("expected")?);
    if expected.is_empty() {
        return Err("`expected` is empty".to_owned());
    }
    Ok(Body { kind, input, expected })
}
