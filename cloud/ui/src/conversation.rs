//! `GET /tickets/{id}`: what was asked and answered, what is likely wrong, what was promised.
use askama::Template;

use crate::Frame;
use crate::blocks::{Action, Cell, Input, Tone};
use crate::pages::Inset;

/// A ticket with its history, and ways to go on.
#[derive(Debug, Template)]
#[template(path = "conversation.html")]
pub struct Conversation<'a> {
    /// The surroundings.
    pub frame: &'a Frame,
    /// Where this page hangs: address and name.
    pub up: (String, String),
    /// The h1.
    pub title: String,
    /// One sentence.
    pub lede: String,
    /// Where it stands, in a few words.
    pub states: Vec<Cell>,
    /// What is likely wrong.
    pub answer: FirstAnswer,
    /// From the first to the last.
    pub entries: Vec<Said>,
    /// A reply, where one can be written.
    pub reply: Option<Writing>,
    /// A note, where one can be written.
    pub note: Option<Writing>,
    /// What it is about: name and value.
    pub facts: Vec<(String, Cell)>,
    /// Whose it is and how much it matters, where that can be changed.
    pub manage: Option<Inset>,
    /// The ticket it is the same as, where that can be said.
    pub merge: Option<Inset>,
}

/// What is likely wrong, the most likely first.
#[derive(Debug, Clone)]
pub struct FirstAnswer {
    /// How good or bad it is.
    pub tone: Tone,
    /// The same in a word.
    pub word: String,
    /// The sentence.
    pub text: String,
    /// Where to see it: address and words.
    pub evidence: Option<(String, String)>,
    /// Puts the sentence into the reply.
    pub draft: Option<Action>,
    /// What else was seen: the sentence, and where.
    pub others: Vec<(String, Option<(String, String)>)>,
}

/// How an entry looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// What the subscriber wrote.
    Theirs,
    /// What staff answered.
    Ours,
    /// What only staff read.
    Note,
    /// Something changed.
    Change,
}

impl Look {
    /// The class of its style.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Theirs => "theirs",
            Self::Ours => "ours",
            Self::Note => "note-entry",
            Self::Change => "change",
        }
    }
    /// Whether it is only a line.
    #[must_use]
    pub fn is_change(self) -> bool {
        self == Self::Change
    }
}

/// A part of the history.
#[derive(Debug, Clone)]
pub struct Said {
    /// How it looks.
    pub look: Look,
    /// Who.
    pub author: String,
    /// What it is and how it came.
    pub how: String,
    /// When.
    pub at: String,
    /// What.
    pub body: String,
    /// What it repeats of those before it.
    pub quoted: String,
    /// Files that came with it.
    pub files: Vec<Attached>,
}

/// A file.
#[derive(Debug, Clone)]
pub struct Attached {
    /// Where it is.
    pub href: String,
    /// What it is called.
    pub name: String,
    /// How large it is.
    pub size: String,
}

/// A form with files.
#[derive(Debug, Clone)]
pub struct Writing {
    /// What it asks.
    pub form: Inset,
    /// The id of its question for files.
    pub files: &'static str,
    /// What is wrong with the files; empty when nothing is.
    pub files_error: String,
}

impl Writing {
    /// Whether something of it is wrong, so that it should be seen.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        !self.form.problem.is_empty() || !self.files_error.is_empty()
    }
}
