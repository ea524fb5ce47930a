//! What pages are made of: cells, tables, fields. Texts arrive translated and formatted.
use std::borrow::Cow;

/// How good or bad a state is; shown by shape, word and colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Ok,
    /// Somebody should look.
    Warn,
    /// Somebody must act.
    Bad,
    /// Neither.
    Mute,
}

impl Tone {
    /// The class of its style.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Mute => "mute",
        }
    }
}

/// One value of a table or a list of facts.
#[derive(Debug, Clone)]
pub enum Cell {
    /// Words; isolated, for names may be in another script.
    Text(String),
    /// An identifier, in the fixed-width face.
    Code(String),
    /// Several lines, as they are.
    Lines(String),
    /// A figure, aligned at the end.
    Number(String),
    /// A figure that opens the list it is the sum of.
    Sum {
        /// Where.
        href: String,
        /// How much.
        text: String,
    },
    /// A place to go.
    Link {
        /// Where.
        href: String,
        /// Under which name.
        text: String,
    },
    /// A state.
    Status {
        /// How good it is.
        tone: Tone,
        /// In a word.
        word: String,
    },
    /// A button that posts to an address.
    Post {
        /// Where.
        action: String,
        /// What it says.
        text: String,
    },
    /// How far long work is.
    Progress {
        /// Parts done.
        done: u32,
        /// All parts.
        all: u32,
        /// The same in words.
        words: String,
    },
}

impl Cell {
    /// A link.
    pub fn link(href: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Link { href: href.into(), text: text.into() }
    }
    /// A state.
    pub fn status(tone: Tone, word: impl Into<String>) -> Self {
        Self::Status { tone, word: word.into() }
    }
    /// Whether it stands at the end of its column.
    #[must_use]
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Number(_) | Self::Sum { .. })
    }
}

/// The name of a column.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its words.
    pub name: String,
    /// Whether its cells are figures.
    pub number: bool,
}

/// Rows under columns; the first column says what the row is.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// From the first to the last; none when rows are a name and a value each.
    pub columns: Vec<Column>,
    /// As many cells each as there are columns.
    pub rows: Vec<Vec<Cell>>,
    /// What is drawn from live readings instead of rows.
    pub chart: Option<Chart>,
    /// What is drawn above the rows.
    pub bars: Option<Bars>,
}

/// This second's rates of a topic, as they come; its own table is the accessible form.
#[derive(Debug, Clone)]
pub struct Chart {
    /// What to listen to: `overview`, `router:<id>` or `line:<subscription>`.
    pub topic: String,
    /// What it shows, for whoever cannot see it.
    pub label: String,
    /// Name of the download.
    pub down: String,
    /// Name of the upload.
    pub up: String,
    /// Name of the time.
    pub at: String,
    /// Says that readings come.
    pub live: String,
    /// Says since when none came; the seconds follow.
    pub stale: String,
    /// Says that none came yet.
    pub waiting: String,
    /// Opens the table.
    pub as_table: String,
    /// Says what it needs, where that is missing.
    pub scripts: String,
}

impl Chart {
    /// A topic's rates, in the frame's language.
    #[must_use]
    pub fn of(topic: impl Into<String>, frame: &crate::Frame) -> Self {
        Self {
            topic: topic.into(),
            label: frame.t("chart-label"),
            down: frame.t("down"),
            up: frame.t("up"),
            at: frame.t("chart-at"),
            live: frame.t("live"),
            stale: frame.t("live-paused"),
            waiting: frame.t("live-waiting"),
            as_table: frame.t("chart-table"),
            scripts: frame.t("live-scripts"),
        }
    }
}

impl Table {
    /// A table; a column is of figures when its first cell is one.
    #[must_use]
    pub fn new(names: Vec<String>, rows: Vec<Vec<Cell>>) -> Self {
        let first = rows.first();
        let columns = names
            .into_iter()
            .enumerate()
            .map(|(n, name)| Column { name, number: first.and_then(|row| row.get(n)).is_some_and(Cell::is_number) })
            .collect();
        Self { columns, rows, ..Self::default() }
    }
    /// The same with a drawing of it above.
    #[must_use]
    pub fn under(self, bars: Bars) -> Self {
        Self { bars: Some(bars), ..self }
    }
    /// Names and values, in a table's place.
    #[must_use]
    pub fn facts(facts: impl IntoIterator<Item = (String, Cell)>) -> Self {
        let rows = facts.into_iter().map(|(name, value)| vec![Cell::Text(name), value]).collect();
        Self { rows, ..Self::default() }
    }
    /// A chart in a table's place.
    #[must_use]
    pub fn live(chart: Chart) -> Self {
        Self { chart: Some(chart), ..Self::default() }
    }
    /// The name of column `n`, or nothing.
    #[must_use]
    pub fn name(&self, n: &usize) -> &str {
        self.columns.get(*n).map_or("", |column| &column.name)
    }
}

/// A button that leads or posts somewhere.
#[derive(Debug, Clone)]
pub struct Action {
    /// Where.
    pub href: String,
    /// What it says.
    pub text: String,
    /// Whether it changes something: a form, not a link.
    pub post: bool,
    /// What to ask before, if it destroys something.
    pub confirm: Option<Confirm>,
    /// Whether it is what most come to its page for.
    pub main: bool,
}

/// A question that names the thing and the consequence.
#[derive(Debug, Clone)]
pub struct Confirm {
    /// The question.
    pub title: String,
    /// What will happen.
    pub consequence: String,
    /// Says yes: the verb itself.
    pub yes: String,
    /// Says no.
    pub no: String,
}

impl Action {
    /// Whether it brings a file, which nobody comes to a page for.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.href.split('?').next().is_some_and(|path| path.ends_with(".csv"))
    }
    /// A link that looks like a button.
    pub fn go(href: impl Into<String>, text: impl Into<String>) -> Self {
        Self { href: href.into(), text: text.into(), post: false, confirm: None, main: false }
    }
    /// A button that posts.
    pub fn post(href: impl Into<String>, text: impl Into<String>) -> Self {
        Self { href: href.into(), text: text.into(), post: true, confirm: None, main: false }
    }
    /// The same, the one most come for.
    #[must_use]
    pub fn main(self) -> Self {
        Self { main: true, ..self }
    }
    /// The class of its style.
    #[must_use]
    pub fn class(&self) -> &'static str {
        if self.main { "primary" } else { "" }
    }
    /// The same, asking first.
    #[must_use]
    pub fn asking(self, confirm: Confirm) -> Self {
        Self { confirm: Some(confirm), ..self }
    }
}

/// One of the readings of a list; exactly one is chosen.
#[derive(Debug, Clone)]
pub struct Chip {
    /// The address of the list in this reading.
    pub href: String,
    /// What it shows.
    pub text: String,
    /// Whether it is the one shown.
    pub chosen: bool,
}

/// How a list can be searched at its own address.
#[derive(Debug, Clone)]
pub struct Search {
    /// What to type.
    pub label: String,
    /// What was typed.
    pub value: String,
    /// What else the address says, kept while searching: name and value.
    pub kept: Vec<(&'static str, String)>,
}

/// What a field is filled in with.
#[derive(Debug, Clone)]
pub enum Input {
    /// An `<input>` of this type.
    Line(&'static str),
    /// An instant of a local clock, to the second.
    Instant,
    /// A code that is used once.
    Code,
    /// Several lines.
    Lines,
    /// One of these: value and words.
    Choice(Vec<(String, String)>),
    /// Yes or no.
    Tick,
    /// A file of the reader's machine.
    File,
    /// Nothing is asked, the value is only carried along.
    Hidden,
    /// Nothing is asked: a part of the form begins.
    Heading,
}

/// One question of a form.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name in the request.
    pub name: Cow<'static, str>,
    /// What it asks.
    pub label: String,
    /// How to answer; may be empty.
    pub hint: String,
    /// How it is filled in.
    pub input: Input,
    /// What it holds.
    pub value: String,
    /// What is wrong with it; empty when nothing is.
    pub error: String,
}

impl Field {
    /// Whether it is only carried along.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        matches!(self.input, Input::Hidden)
    }
    /// Whether it is no question but begins a part of the form.
    #[must_use]
    pub fn is_heading(&self) -> bool {
        matches!(self.input, Input::Heading)
    }
    /// Whether this value of a choice is the one it holds.
    #[must_use]
    pub fn holds(&self, value: &str) -> bool {
        self.value == value
    }
}

/// One month, day or other part of a row of bars.
#[derive(Debug, Clone)]
pub struct Bar {
    /// Where it begins.
    pub x: u32,
    /// Its top, from above.
    pub y: u32,
    /// How wide.
    pub width: u32,
    /// How high.
    pub height: u32,
    /// Its name under the axis.
    pub name: String,
    /// Name and value in words.
    pub words: String,
    /// Whether it is not over yet.
    pub open: bool,
}

/// Amounts over time from a baseline of zero. The table beside it is its accessible form.
#[derive(Debug, Clone)]
pub struct Bars {
    /// What it shows.
    pub label: String,
    /// Width of the drawing.
    pub width: u32,
    /// Height of the drawing.
    pub height: u32,
    /// From the first to the last.
    pub bars: Vec<Bar>,
}

impl Bars {
    const HEIGHT: u32 = 100;
    const STEP: u32 = 40;
    const GAP: u32 = 6;

    /// Draws values given in thousandths of the greatest; the last one is not over yet. Each has a name and its value in words.
    #[must_use]
    pub fn of(label: String, values: Vec<(String, String, u32)>) -> Self {
        let count = u32::try_from(values.len()).unwrap_or(0);
        let bar = |(n, (name, words, thousandths)): (u32, (String, String, u32))| {
            let height = thousandths.min(1000) * Self::HEIGHT / 1000;
            Bar {
                x: n * Self::STEP + Self::GAP / 2,
                y: Self::HEIGHT - height,
                width: Self::STEP - Self::GAP,
                height,
                name,
                words,
                open: n + 1 == count,
            }
        };
        let bars = (0..).zip(values).map(bar).collect();
        Self { label, width: count * Self::STEP, height: Self::HEIGHT, bars }
    }
}
