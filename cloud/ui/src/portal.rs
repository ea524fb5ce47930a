//! The portal's pages: what a subscriber sees. Same tokens as the staff's screens, one column, and no script needed.
use askama::Template;

use crate::Frame;
use crate::blocks::{Action, Cell, Field, Input, Table, Tone};
use crate::pages::{Inset, Section};

/// What surrounds a page of the portal.
#[derive(Debug, Clone)]
pub struct Portal {
    /// Language, theme, the tenant's name and hue; its person is the subscriber, empty while nobody is signed in.
    pub frame: Frame,
    /// What addresses begin with; empty when the portal has a host name of its own.
    pub base: String,
    /// The address of this page, to come back to.
    pub here: String,
    /// How to reach the ISP; may be empty.
    pub contact: String,
    /// Whether people who are no subscribers can order.
    pub sign_up: bool,
}

impl Portal {
    /// The message `key` in the reader's language.
    #[must_use]
    pub fn t(&self, key: &str) -> String {
        self.frame.t(key)
    }
    /// The address of the first page.
    #[must_use]
    pub fn home(&self) -> &str {
        if self.base.is_empty() { "/" } else { &self.base }
    }
    /// The address of a page.
    #[must_use]
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
    /// Whether somebody is signed in.
    #[must_use]
    pub fn is_signed_in(&self) -> bool {
        !self.frame.staff.is_empty()
    }
    /// Whether this is the page of this address.
    #[must_use]
    pub fn is_at(&self, path: &str) -> bool {
        let own = if path.is_empty() { self.home().to_owned() } else { self.at(path) };
        self.here == own
    }
    /// Tag and name of every language.
    #[must_use]
    pub fn languages(&self) -> [(&'static str, String); 5] {
        crate::i18n::LANGUAGES.map(|tag| (tag, self.t(&format!("language-{tag}"))))
    }
    /// Surroundings for samples.
    #[must_use]
    pub fn sample(frame: &Frame) -> Self {
        let frame = Frame { staff: "Amara Okafor".into(), nav: Vec::new(), ..frame.clone() };
        let (base, here) = ("/portal/northwind".to_owned(), "/portal/northwind".to_owned());
        Self { frame, base, here, contact: "support@northwind.example, +34 986 000 100".into(), sign_up: true }
    }
}

/// How much of something is used.
#[derive(Debug, Clone)]
pub struct Meter {
    /// 0 to 100.
    pub percent: u8,
    /// How good that is.
    pub tone: Tone,
    /// The same in words.
    pub label: String,
}

/// A line, now.
#[derive(Debug, Clone)]
pub struct LineNow {
    /// The plan, and where it is.
    pub name: String,
    /// In a word.
    pub status: Cell,
    /// In a sentence: what it may do, and why.
    pub what: String,
    /// What to do about it; empty when nothing.
    pub advice: String,
    /// Ways to do it.
    pub actions: Vec<Action>,
    /// Name and value; may be empty.
    pub facts: Vec<(String, Cell)>,
    /// The topic of its rates; empty when it carries nothing.
    pub topic: String,
}

/// What an account owes.
#[derive(Debug, Clone)]
pub struct Owed {
    /// The account's number.
    pub account: String,
    /// The balance.
    pub amount: String,
    /// In a sentence: what it is, until when.
    pub what: String,
    /// How good that is.
    pub tone: Tone,
    /// Ways to pay.
    pub actions: Vec<Action>,
    /// How else to pay, several lines; may be empty.
    pub how: String,
}

/// What a line used in this period.
#[derive(Debug, Clone)]
pub struct Used {
    /// The plan, and where it is.
    pub name: String,
    /// In a sentence.
    pub words: String,
    /// Against what is included, if anything is counted.
    pub meter: Option<Meter>,
    /// What happens beyond, and what has happened.
    pub rule: String,
    /// Where every day is shown.
    pub more: Action,
}

/// The first page: the line, what is owed, what was used, the newest bills.
#[derive(Debug, Template)]
#[template(path = "portal/home.html")]
pub struct Home<'a> {
    /// The surroundings.
    pub portal: &'a Portal,
    /// The h1, which says how things are.
    pub title: String,
    /// One sentence.
    pub lede: String,
    /// Lines now.
    pub lines: Vec<LineNow>,
    /// Accounts.
    pub owed: Vec<Owed>,
    /// Lines in this period.
    pub used: Vec<Used>,
    /// The newest invoices of each account.
    pub bills: Vec<Section>,
}

/// A bar of a day.
#[derive(Debug, Clone, Copy)]
pub struct Bar {
    /// From the start, in a picture of [`Bars::width`].
    pub x: usize,
    /// From the top.
    pub y: u32,
    /// How high.
    pub height: u32,
}

/// Days as bars, drawn by the server.
#[derive(Debug, Clone)]
pub struct Bars {
    /// What it shows, for whoever cannot see it.
    pub label: String,
    /// How wide the picture is.
    pub width: usize,
    /// One a day.
    pub bars: Vec<Bar>,
    /// What stands below the first and the last.
    pub ends: (String, String),
}

/// How high the picture of [`Bars`] is.
const BARS_HEIGHT: u32 = 60;
/// From one bar to the next.
const BAR_STEP: usize = 10;

impl Bars {
    /// The picture of figures, none below zero.
    #[must_use]
    pub fn of(figures: &[i64], label: String, ends: (String, String)) -> Self {
        let most = figures.iter().copied().max().unwrap_or_default().max(1);
        let bar = |(n, figure): (usize, &i64)| {
            let share = i128::from((*figure).max(0)) * i128::from(BARS_HEIGHT) / i128::from(most);
            // What is more than nothing is seen.
            let height = u32::try_from(share).unwrap_or(BARS_HEIGHT).max(u32::from(*figure > 0));
            Bar { x: n * BAR_STEP + 1, y: BARS_HEIGHT - height, height }
        };
        let bars = figures.iter().enumerate().map(bar).collect();
        Self { label, width: figures.len() * BAR_STEP, bars, ends }
    }
}

/// A line's usage, by day and by period.
#[derive(Debug, Template)]
#[template(path = "portal/usage.html")]
pub struct Usage<'a> {
    /// The surroundings.
    pub portal: &'a Portal,
    /// Where this page hangs.
    pub up: (String, String),
    /// The h1.
    pub title: String,
    /// One sentence.
    pub lede: String,
    /// Against what is included.
    pub meter: Option<Meter>,
    /// What happens beyond, and what has happened.
    pub rule: String,
    /// Ways to have more; may be empty.
    pub offers: Vec<Action>,
    /// The days of this period.
    pub bars: Bars,
    /// The same as a table.
    pub days: Section,
    /// Periods before.
    pub earlier: Section,
}

/// `sign-in`, and the 422 answer of its POST.
#[derive(Debug, Template)]
#[template(path = "portal/sign_in.html")]
pub struct SignIn<'a> {
    /// The surroundings.
    pub portal: &'a Portal,
    /// The address as typed.
    pub email: String,
    /// What went wrong; empty when nothing did.
    pub problem: String,
}

/// Any other page: facts, tables, a form.
#[derive(Debug, Template)]
#[template(path = "portal/page.html")]
pub struct Page<'a> {
    /// The surroundings.
    pub portal: &'a Portal,
    /// Where this page hangs.
    pub up: Option<(String, String)>,
    /// The h1.
    pub title: String,
    /// One sentence; may be empty.
    pub lede: String,
    /// What can be done.
    pub actions: Vec<Action>,
    /// Name and value.
    pub facts: Vec<(String, Cell)>,
    /// Tables.
    pub sections: Vec<Section>,
    /// What was written: by whom and when, and the text, several lines.
    pub words: Vec<(String, String)>,
    /// A form.
    pub form: Option<Inset>,
    /// Where whoever does not want to send the form goes; absent where that is plain.
    pub leave: Option<String>,
    /// Whether the form has a field that only programs fill in.
    pub trap: bool,
}

impl<'a> Page<'a> {
    /// A page that only says something.
    #[must_use]
    pub fn saying(portal: &'a Portal, title: String, lede: String) -> Self {
        let (actions, facts, sections, words) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { portal, up: None, title, lede, actions, facts, sections, words, form: None, leave: None, trap: false }
    }
}

impl Field {
    /// What a browser may fill in about the person in front of it; empty when that is not asked.
    #[must_use]
    pub fn purpose(&self) -> &'static str {
        match self.name.as_ref() {
            "name" => "name",
            "email" => "email",
            "phone" => "tel",
            "line1" => "address-line1",
            "line2" => "address-line2",
            "city" => "address-level2",
            "postcode" => "postal-code",
            "password" => "new-password",
            _ => "",
        }
    }
    /// What one is chosen of: values and words.
    #[must_use]
    pub fn choices(&self) -> Option<&[(String, String)]> {
        if let Input::Choice(choices) = &self.input { Some(choices) } else { None }
    }
    /// The type of a field of one line.
    #[must_use]
    pub fn line(&self) -> Option<&'static str> {
        if let Input::Line(kind) = self.input { Some(kind) } else { None }
    }
}

/// A table of a section that has only rows.
#[must_use]
pub fn section(title: String, table: Table, empty: String) -> Section {
    Section { title, action: None, table, empty }
}
