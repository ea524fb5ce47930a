//! The mail server of the story, and what was written.

use super::stage::Stage;
use crate::clock::{Limit, until};
use crate::topology::Place;
use anyhow::{Context, Result};
use serde::Deserialize;

/// Prints a Maildir as JSON.
const READER: &str = include_str!("mailbox.py");

/// A letter that arrived.
#[derive(Debug, Clone, Deserialize)]
pub struct Letter {
    /// To whom.
    pub to: String,
    /// About what.
    pub subject: String,
    /// Its plain text.
    pub text: String,
    /// The names of the files that came along.
    pub files: Vec<String>,
}

impl Letter {
    /// The first address in it that contains `part`.
    pub fn link(&self, part: &str) -> Result<String> {
        let words = self.text.split_whitespace();
        let found = words
            .map(|word| word.trim_matches(['<', '>', '(', ')']))
            .find(|word| word.starts_with("http") && word.contains(part));
        Ok(found.with_context(|| format!("no link with {part} in {:?}", self.text))?.to_owned())
    }
}

/// Waits for a letter to somebody whose subject contains `words`; the newest of them.
pub async fn letter(stage: &Stage, to: &str, words: &str) -> Result<Letter> {
    until(&format!("a letter to {to} about {words:?}"), Limit::seconds(30), || async {
        let letters = letters(stage).await?;
        Ok(letters.into_iter().rev().find(|letter| letter.to.contains(to) && letter.subject.contains(words)))
    })
    .await
}

async fn letters(stage: &Stage) -> Result<Vec<Letter>> {
    let folder = stage.mail.display().to_string();
    let printed = stage.lab.inside().run_ok(&Place::Cloud.name(), &["/usr/bin/python3", "-c", READER, &folder]).await?;
    Ok(serde_json::from_str(&printed)?)
}
